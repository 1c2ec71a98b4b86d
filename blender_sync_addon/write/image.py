"""The texture as an image datablock: saved beside the .blend where there is one, else packed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ...engine.options.channels import Channel, main_channel
from ...engine.outputs import safe_name
from .. import engine_files
from ..datablocks import CHANNEL, TAG
from ..problem import Problem
from . import colour_space

FOLDER = "textures"


def write(
    picture: Path,
    name: str,
    origin: Mapping[str, Any],
    pack: bool = False,
    channel: Channel | None = None,
    files: list[Path] | None = None,
) -> Any:
    """An image datablock ``name`` with the file ``picture``, a .png or .exr.

    origin: how it was made (prompt, seed, ...), kept with the image. channel: what it says of a surface, None
    for what people look at. In a saved .blend the file goes into
    ``textures`` beside it, under a new name; else, or where that folder can't be written, or with ``pack``,
    into the .blend itself. files: what was made on disk is added to it. Raises Problem when the picture can't
    be read.
    """
    kept = _kept({None: picture}, name, pack, files)
    image = _loaded(kept[None] if kept else picture)
    _mark(image, name, origin, picture.suffix, channel or main_channel())
    if kept:
        image.filepath_raw = bpy.path.relpath(str(kept[None]))
    else:
        image.pack()
        image.filepath_raw = f"//{FOLDER}/{_file_name(name)}{picture.suffix}"  # where "unpack" would put it
    return image


def write_tiles(
    pictures: Mapping[int, Path],
    name: str,
    origin: Mapping[str, Any],
    pack: bool = False,
    channel: Channel | None = None,
    files: list[Path] | None = None,
) -> Any:
    """As :func:`write`, a UDIM image of the tiles ``pictures``, by number."""
    numbers = sorted(pictures)
    suffix = pictures[numbers[0]].suffix
    kept = _kept(dict(pictures), name, pack, files)
    first = (kept or pictures)[numbers[0]]
    image = _loaded(first)
    image.source = "TILED"
    pattern = _pattern(first, numbers[0])
    image.filepath = bpy.path.relpath(pattern) if kept else pattern  # Blender looks which tiles there are
    for number in set(numbers) - {tile.number for tile in image.tiles}:
        image.tiles.new(tile_number=number)
    for tile in [tile for tile in image.tiles if tile.number not in pictures]:
        image.tiles.remove(tile)
    for tile in image.tiles:
        _check_size(image, pictures[tile.number], tile.size)
    _mark(image, name, origin, suffix, channel or main_channel())
    if not kept:
        image.pack()
        image.filepath_raw = f"//{FOLDER}/{_file_name(name)}.<UDIM>{suffix}"
    return image


def called(name: str, channel: Channel) -> str:
    """What the image of ``channel`` is called where the one that people look at is ``name``."""
    return name if channel == main_channel() else f"{name} {channel.label}"


def lay_beside(image: Any, file: Path) -> None:
    """Let the packed ``image`` be ``file``, or the tiles of which that is the first, in the .blend's folder,
    whatever that is."""
    name = Path(_pattern(file, image.tiles[0].number)).name if image.source == "TILED" else file.name
    image.unpack(method="REMOVE")
    image.filepath_raw = f"//{name}"


def _pattern(file: Path, number: int) -> str:
    """The path of a tile's ``file`` with <UDIM> in place of its ``number``, which is the last in its name."""
    head, _, tail = file.name.rpartition(f".{number}.")
    return str(file.with_name(f"{head}.<UDIM>.{tail}"))


def _loaded(file: Path) -> Any:
    """The picture ``file``, decoded: later nobody would hear that it can't be."""
    try:
        image = bpy.data.images.load(str(file), check_existing=False)
    except RuntimeError as error:
        raise Problem(f"The texture can't be read: {error}") from error
    _check_size(image, file, image.size)
    return image


def _check_size(image: Any, file: Path, found: Sequence[int]) -> None:
    """Raise Problem unless ``image``, or a tile, has the pixels that the header of its ``file`` promises."""
    if tuple(found) != engine_files.picture_size(file):
        bpy.data.images.remove(image)
        raise engine_files.foreign(f"The engine's picture '{file.name}' is damaged")


def _mark(image: Any, name: str, origin: Mapping[str, Any], suffix: str, channel: Channel) -> None:
    image.name = name
    image[TAG] = dict(origin)
    if channel != main_channel():
        image[CHANNEL] = channel.name
    colour_space.set_space(image, colour_space.wanted(image, suffix))


def _kept(
    pictures: Mapping[Any, Path], name: str, pack: bool, files: list[Path] | None
) -> dict[Any, Path] | None:
    """``pictures``, by tile or None, copied to new files beside the .blend; None where they can't be or
    aren't to be. files: what was made is added to it."""
    if pack or not bpy.data.filepath:
        return None
    folder = Path(bpy.data.filepath).parent / FOLDER
    made = files if files is not None else []
    before = len(made)
    try:
        if not folder.is_dir():
            folder.mkdir()
            made.append(folder)
        targets = _claim(folder, _file_name(name), pictures)
        made += targets.values()
        for key, target in targets.items():
            shutil.copyfile(pictures[key], target)
    except OSError:  # a full disk: leave nothing half-written behind
        remove(made[before:])
        del made[before:]
        return None
    return targets


def remove(files: Sequence[Path]) -> None:
    """Remove what ``write`` made on disk: the ``files``, and folders in which nothing else is."""
    for path in reversed(files):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _claim(folder: Path, stem: str, pictures: Mapping[Any, Path]) -> dict[Any, Path]:
    """New, empty files in ``folder``: stem.png, stem-2.png, ..., stem.1001.png for tiles. Never one that
    exists."""
    number = 1
    while True:
        start = stem if number == 1 else f"{stem}-{number}"
        made: dict[Any, Path] = {}
        try:
            for tile, picture in pictures.items():
                middle = "" if tile is None else f".{tile}"
                path = folder / f"{start}{middle}{picture.suffix}"
                path.touch(exist_ok=False)
                made[tile] = path
            return made
        except OSError as error:
            remove([*made.values()])
            if not isinstance(error, FileExistsError):
                raise
            number += 1


def _file_name(name: str) -> str:
    """Of the image ``name``, without what comes after it."""
    return safe_name(name, 80, "texture")
