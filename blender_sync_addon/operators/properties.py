"""What the artist chooses: one list of properties, for the scene (the panel) and for the operator."""

# Annotations of a property are values here, not types.
# mypy: disable-error-code="valid-type,misc,name-defined"

from collections.abc import Iterable
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ...engine.options.blender import panel
from ...engine.options.option import Option
from ..jobs import engine
from ..read import image_settings, quality
from ..read import settings as read_settings
from ..setup import vocabulary
from ..setup.models import ESTIMATOR, MODEL
from ..setup.status import setup_status
from ..setup.vocabulary import PromptVocabulary
from . import lora_rows, reference_rows, region_rows
from .registration import with_scene

MODELS = (
    *("starter", "sd15", "sd21", "sdxl", "sdxl-union", "sdxl-turbo"),
    *("z-image-turbo", "z-image", "qwen-image", "flux-schnell", "flux-dev"),
)
ESTIMATORS = ("marigold-appearance", "marigold-normals")
AUTOMATIC = ("auto", "Automatic", "What suits the model")


def prompts(options: Any, _context: Any, typed: str) -> list[str]:
    """What Blender suggests in the prompt's field: first what was typed, since Enter takes the first; all
    examples when the field is opened."""
    known = prompt_vocabulary(options)
    if known is None:
        return []
    return _first(typed, vocabulary.complete(known, "" if typed == options.prompt else typed))


def models(_options: Any, _context: Any, typed: str) -> list[str]:
    """What Blender suggests in the model's field: those that come with us or were listed in Preferences."""
    return _first(typed, [*MODELS, *(row.name for row in setup_status.models or () if row.kind == MODEL)])


def estimators(_options: Any, _context: Any, typed: str) -> list[str]:
    """The same in the field of estimators."""
    return _first(typed, [*ESTIMATORS, *(r.name for r in setup_status.models or () if r.kind == ESTIMATOR)])


def _first(typed: str, suggested: list[str]) -> list[str]:
    return list(dict.fromkeys([typed, *suggested] if typed else suggested))


def prompt_vocabulary(options: Any) -> PromptVocabulary | None:
    """What the model chosen in ``options`` knows; None when nothing is known about it."""
    return vocabulary.of_model(read_settings.model(options.model))


def _start_engine(_options: Any, _context: Any) -> None:
    """A prompt was written: a job is likely to follow."""
    engine.start_early()


_MORE: dict[str, dict[str, Any]] = {
    "prompt": {"search": prompts, "search_options": {"SUGGESTION"}, "update": _start_engine},
    "model": {"search": models, "search_options": {"SUGGESTION"}, "update": quality.chosen},
    "quality": {"update": quality.chosen},
    "estimator": {"search": estimators, "search_options": {"SUGGESTION"}},
    "lora": {"update": lora_rows.ROWS.follow},
    "reference": {"update": reference_rows.ROWS.follow},
    "region": {"update": region_rows.ROWS.follow},
    "strength": {"subtype": "FACTOR"},
    **{name: {"update": quality.changed} for name in quality.NAMES},
}
"""What properties do, which the table can't say."""


def property_of(entry: Option) -> Any:
    """The Blender property of an ``entry`` of the panel's table."""
    how = {"name": entry.label, "description": _tooltip(entry), **_MORE.get(entry.name, {})}
    nothing = read_settings.nothing(entry)
    default = (entry.instead or entry.default) if nothing is None else nothing
    if entry.kind is bool:
        return BoolProperty(default=default, **how)
    if items := _items(entry):
        return EnumProperty(items=items, default=str(default), **how)
    if entry.kind is str:
        return StringProperty(default=default or "", **how)
    low, high = entry.limits
    made, number = (IntProperty, int) if entry.kind is int else (FloatProperty, float)
    least = low if nothing is None else nothing
    return made(min=number(least), max=number(high), default=number(default), **how)


def _items(entry: Option) -> list[tuple[str, str, str]]:
    """What a list shows; [] where it is none."""
    first = [AUTOMATIC] if entry.by_model and entry.choices else []
    numbers = [(str(n), f"{n} {entry.unit}", f"{n} x {n} pixels") for n in entry.common]
    return [*first, *numbers, *((value, *words) for value, words in entry.choices.items())]


def _tooltip(entry: Option) -> str:
    """What it is, and what is taken where it says nothing."""
    if entry.choices or not (entry.by_model or entry.usual):
        return entry.help
    nothing = read_settings.nothing(entry)
    what = "Empty" if entry.kind is str else f"{nothing:g}"
    return f"{entry.help}. {what}: {entry.default_words}"


def annotated(entries: Iterable[Option]) -> dict[str, Any]:
    """Properties of the ``entries``, as a class's annotations."""
    return {entry.name: property_of(entry) for entry in entries}


class JobOptions:
    """What one job can be asked for: properties of the scene's group and of operators."""

    __annotations__ = annotated(one for name, one in panel().items() if name not in read_settings.PER_OBJECT)


class Options(JobOptions):
    """And for what."""

    __annotations__ = annotated(panel()[name] for name in read_settings.PER_OBJECT)


class PictureOptions:
    """What a picture without a mesh can be asked for, as a texture can."""

    __annotations__ = annotated(panel()[name] for name in image_settings.SHARED)


class SceneOptions(Options, bpy.types.PropertyGroup):
    """The panel's choices, stored with the scene."""

    bl_idname = "SYNC_TEXTURE_scene_options"


register, unregister = with_scene((SceneOptions,), sync_texture=PointerProperty(type=SceneOptions))
