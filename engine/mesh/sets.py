"""Several meshes, each with one or several textures, as one mesh on several pages (pages.py).

A texture set has UVs of its own: a mesh, an object or a material in it, or all meshes together. Each set
keeps its UVs or gets new ones by itself, so what overlaps in different sets doesn't matter; a set whose UVs
lie in UDIM tiles has a page for each tile.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import threads
from ..outputs import safe_name
from ..pictures.pages import paged
from ..words import alike
from . import areas, beside, frame, udim
from .frame import UDIM_FIRST
from .mesh import Floats, Ints, Mesh
from .raw import Bools, UVSet
from .unwrap import New

Prepare = Callable[[Mesh, int | None], tuple[Mesh, New, list[str]]]  # a set, of which mesh; as ensure_uvs


@dataclass(frozen=True)
class Page:
    """One texture. label: what distinguishes its file, "" where there is no other; name: of its set,
    likewise. mesh: number of the mesh that it is for, None where it is for several. part: name of the object
    or material in it, None where it is for all of it. tile: UDIM number, None where UVs keep to the first."""

    label: str
    name: str
    mesh: int | None
    part: str | None
    tile: int | None


@dataclass(frozen=True)
class Layout:
    """mesh: all meshes as one, UVs (F, 3, 2) in [0, 1] on the ``page`` (F,) of each face. names: of the
    meshes; starts: the first face of each, and at the end F. unwrapped: (F,) whether the face has new UVs."""

    mesh: Mesh
    page: Ints
    pages: tuple[Page, ...]
    names: tuple[str, ...]
    starts: tuple[int, ...]
    unwrapped: NDArray[np.bool_]
    warnings: tuple[str, ...]

    @property
    def uvs(self) -> Floats:
        """(F, 3, 2), or (F, 3, 3) with pages where there are several."""
        assert self.mesh.uvs is not None
        return paged(self.mesh.uvs, self.page)

    def faces(self, mesh: int) -> slice:
        """Of the mesh number ``mesh``."""
        return slice(self.starts[mesh], self.starts[mesh + 1])

    def new_uvs(self, mesh: int) -> Floats | None:
        """(F, 3, 2) of the mesh number ``mesh``, in its tiles; None where it kept all it had."""
        own = self.faces(mesh)
        if not self.unwrapped[own].any():
            return None
        assert self.mesh.uvs is not None
        tiles = np.array([page.tile or UDIM_FIRST for page in self.pages], np.int32)
        return udim.spread(self.mesh.uvs[own], tiles[self.page[own]])


def count(meshes: Sequence[Mesh], together: bool) -> int:
    """How many sets :func:`lay_out` makes, each of one page or more."""
    return 1 if together else sum(1 if m.part is None else len(np.unique(m.part)) for m in meshes)


def lay_out(meshes: Sequence[Mesh], together: bool, prepare: Prepare) -> Layout:
    """``meshes`` as one, each of their parts a set, or all ``together`` one set. ``prepare`` sees to a set's
    UVs; raises what it raises."""
    whole = joined(meshes)
    starts = np.cumsum([0, *(len(mesh.faces) for mesh in meshes)])
    sets = [_Set("", None, None, np.arange(starts[-1]))] if together else _sets(meshes, starts)
    if len(meshes) == 1 and len(sets) == 1:
        sets = [dataclasses.replace(sets[0], mesh=0)]
    uvs = np.zeros((starts[-1], 3, 2), np.float32)
    page, unwrapped = np.zeros(starts[-1], np.int32), np.zeros(starts[-1], bool)
    pages: list[Page] = []
    warnings = [*whole.warnings, *_far_away(whole)]
    notes: list[tuple[str, str]] = []

    def laid_out(one: _Set) -> tuple[Mesh, New, list[str]]:
        return prepare(_subset(whole, one.faces, meshes, starts), one.mesh)

    prepared = threads.each(laid_out, sets)  # which mostly waits for processes that unwrap
    for one, (laid, new, said) in zip(sets, prepared, strict=True):
        assert laid.uvs is not None
        tile = udim.tiles(laid.uvs)
        assert tile is not None, "only tiles are kept"
        uvs[one.faces], unwrapped[one.faces] = udim.local(laid.uvs, tile), new
        for number in np.unique(tile):
            page[one.faces[tile == number]] = len(pages)
            pages.append(one.page(int(number), alone=bool((tile == UDIM_FIRST).all())))
        notes += [(one.name, text) for text in said]
    warnings += alike(notes, len(sets), "texture sets")
    mesh = dataclasses.replace(whole, uvs=uvs)
    names = tuple(mesh.name for mesh in meshes)
    return Layout(mesh, page, tuple(pages), names, tuple(starts.tolist()), unwrapped, tuple(warnings))


def _far_away(mesh: Mesh) -> list[str]:
    """A warning about faces that the frame isn't for."""
    stray = frame.stray_faces(mesh.vertices, mesh.faces)
    if stray is None:
        return []
    count = f"{int(stray.sum()):,} of {len(stray):,} faces"
    return [f"{count} lie far away from all others and are left out of the views, where these fill the frame"]


@dataclass(frozen=True)
class _Set:
    """name, mesh and part as in Page; faces: numbers of its faces (n,)."""

    name: str
    mesh: int | None
    part: str | None
    faces: NDArray[np.int64]

    def page(self, tile: int, alone: bool) -> Page:
        """Its page for ``tile``; ``alone``: it has only the first one."""
        number = "" if alone else str(tile)
        label = ".".join(text for text in (self.name, number) if text)
        return Page(label, self.name, self.mesh, self.part, None if alone else tile)


def _sets(meshes: Sequence[Mesh], starts: NDArray[np.int64]) -> list[_Set]:
    """One for each part of each mesh."""
    found: list[_Set] = []
    taken = Counter[str]()
    for i, mesh in enumerate(meshes):
        of_face = np.zeros(len(mesh.faces), np.int32) if mesh.part is None else mesh.part
        order = np.argsort(of_face, kind="stable")
        numbers, first = np.unique(of_face[order], return_index=True)
        for number, own in zip(numbers, np.split(order, first[1:]), strict=True):
            part = mesh.parts[number] if len(numbers) > 1 else None
            words = [mesh.name] * (len(meshes) > 1) + [part or "unnamed"] * (part is not None)
            name = _unused(slug("_".join(words)), taken) if words else ""
            found.append(_Set(name, i, part, own + starts[i]))
    return found


def slug(name: str) -> str:
    """``name`` as a part of a file's name; without a dot, which parts labels."""
    return safe_name(name, 60, "unnamed")


def _unused(name: str, taken: Counter[str]) -> str:
    """``name``, with a number where it is ``taken`` in whichever letters; then that is taken too. taken: how
    often, or up to which number, by names in small letters."""
    lower = name.lower()
    taken[lower] += 1
    if taken[lower] == 1:
        return name
    while f"{lower}-{taken[lower]}" in taken:
        taken[lower] += 1
    numbered = f"{name}-{taken[lower]}"
    taken[numbered.lower()] = 1
    return numbered


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """All ``meshes`` as one, in their order, without parts; UVs of those without are zero."""
    if len(meshes) == 1:
        return meshes[0]
    vertices = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + at for mesh, at in zip(meshes, vertices, strict=False)]
    own = [np.arange(len(mesh.faces)) if mesh.polygons is None else mesh.polygons for mesh in meshes]
    polygons = np.cumsum([0, *(int(one.max()) + 1 for one in own)])
    uvs = [np.zeros((len(m.faces), 3, 2), np.float32) if m.uvs is None else m.uvs for m in meshes]
    points, origin = _joined_places(meshes)
    return Mesh(
        points,
        np.concatenate(faces).astype(np.int32),
        None if all(mesh.uvs is None for mesh in meshes) else np.concatenate(uvs),
        np.concatenate([one + at for one, at in zip(own, polygons, strict=False)]).astype(np.int32),
        tuple(alike([(one.name, text) for one in meshes for text in one.warnings], len(meshes), "meshes")),
        "objects",
        bare=_joined_bare(meshes),
        origin=origin,
        areas=areas.joined([mesh.areas for mesh in meshes], [len(mesh.faces) for mesh in meshes]),
        beside=beside.joined(
            [mesh.beside for mesh in meshes], [np.subtract(mesh.origin, origin) for mesh in meshes]
        ),
    )


def _joined_places(meshes: Sequence[Mesh]) -> tuple[Floats, tuple[float, float, float]]:
    """The vertices of all ``meshes`` from one origin, and that."""
    if not any(any(mesh.origin) for mesh in meshes):
        return np.concatenate([mesh.vertices for mesh in meshes]), meshes[0].origin
    points = np.concatenate([mesh.vertices.astype(np.float64) + mesh.origin for mesh in meshes])
    origin = frame.origin_of(points)
    return (points - origin).astype(np.float32), (float(origin[0]), float(origin[1]), float(origin[2]))


def _joined_bare(meshes: Sequence[Mesh]) -> Bools | None:
    """(F,) the faces of all ``meshes`` that have no UVs, None where all have some."""
    found = np.concatenate(
        [np.full(len(mesh.faces), mesh.uvs is None) if mesh.bare is None else mesh.bare for mesh in meshes]
    )
    return found if found.any() else None


def _subset(whole: Mesh, faces: NDArray[np.int64], meshes: Sequence[Mesh], starts: NDArray[np.int64]) -> Mesh:
    """``faces`` (n,) of ``whole``, the joined ``meshes``, alone."""
    if len(faces) == len(whole.faces):
        return whole
    number = int(np.searchsorted(starts, faces[0], side="right")) - 1
    mesh, start = meshes[number], starts[number]
    used, index = np.unique(whole.faces[faces], return_inverse=True)
    own = None if mesh.uvs is None or whole.uvs is None else UVSet("", whole.uvs, whole.bare).pick(faces)
    if own is not None and own.bare is not None and own.bare.all():
        own = None  # what has UVs are other parts
    return Mesh(
        whole.vertices[used],
        index.reshape(-1, 3).astype(np.int32),
        None if own is None else own.uvs,
        None if whole.polygons is None else whole.polygons[faces],
        name=mesh.name,
        bare=None if own is None or own.bare is None or not own.bare.any() else own.bare,
        others=tuple(one.pick(faces - start) for one in mesh.others),
        origin=whole.origin,
    )
