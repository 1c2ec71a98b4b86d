"""What Generate will do, and what keeps it from working, each with the button that mends it.

The panel asks at every drawing: nothing here touches the disk, but for what is looked up
between two (background_lookup).
"""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy

from .. import package
from ..background_lookup import BackgroundLookup
from ..jobs import durations
from ..jobs.durations import Durations
from ..problem import Problem
from ..read import cameras as read_cameras
from ..read import mesh as read_mesh
from ..read import settings as read_settings
from ..read import target as read_target
from ..read import texture as read_texture
from ..read.settings import Settings
from ..read.uv_room import UvRoom
from ..setup import engine_python, vocabulary
from ..setup.models import ADAPTER, MODEL, ModelEntry
from ..setup.status import setup_status
from ..setup.vocabulary import PromptVocabulary
from . import environment, fill_panel, models

MAX_AUTO_VIEWS = 16  # that "auto" chooses
PUBLISHED_VIEWS = 10


@dataclass(frozen=True)
class Button:
    """values: of the operator's properties."""

    operator: str
    text: str
    icon: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """One thing to know. stops: Generate can't work. fix: how to mend it, in words."""

    text: str
    icon: str = "INFO"
    fix: str = ""
    button: Button | None = None
    stops: bool = False


_AUTO_UNWRAP = Button(
    "wm.context_set_enum",
    "Set Unwrap to Automatic",
    "UV",
    {"data_path": "scene.sync_texture.unwrap", "value": "auto"},
)
_OBJECT_MODE = Button("object.mode_set", "Object Mode", "OBJECT_DATAMODE", {"mode": "OBJECT"})
_ADD_CAMERA = Button("object.camera_add", "Add Camera", "OUTLINER_OB_CAMERA")


def _find_engine_problem(_key: str) -> tuple[str, str] | None:
    try:
        engine_python.command([])
    except Problem as problem:
        return problem.what, problem.fix
    return None


def _find_model(model: str) -> bool:
    """Whether what looks like a path is one; starts the look for models where it takes their list to know."""
    global _asked
    if model.startswith(("/", "~", ".")) or model[1:2] == ":":
        return os.path.exists(os.path.expanduser(bpy.path.abspath(model.partition("+")[0])))
    named = model not in ("", vocabulary.STARTER) and "+" not in model
    listed = _asked or bpy.app.background or setup_status.models is not None
    if named and not listed and setup_status.current is None and _find_engine_problem("") is None:
        _asked = True
        bpy.ops.sync_texture.models_list("INVOKE_DEFAULT")
    return True


_asked = False
"""Whether the engine was asked for its models, which takes it seconds: once is enough."""

engine_problem: BackgroundLookup[str, tuple[str, str] | None] = BackgroundLookup(_find_engine_problem, None)
known_vocabulary: BackgroundLookup[str, PromptVocabulary | None] = BackgroundLookup(
    lambda m: vocabulary.of_model(read_settings.model(m)), None
)
model_exists: BackgroundLookup[str, bool] = BackgroundLookup(_find_model, True)
known_durations: BackgroundLookup[str, Durations | None] = BackgroundLookup(
    lambda key: durations.read(package.user_folder(), key), None
)


def notices(context: Any, objects: Sequence[Any], options: Any) -> list[Notice]:
    """What there is to say about texturing ``objects`` (None for none) with the scene's ``options``: what
    stops it, or else what will happen."""
    stops = next(_obstacles(context, objects, options), None)
    if stops:
        return [stops]
    return [*_uv_maps(objects, options), _expected_work(context, options)]


def _obstacles(context: Any, objects: Sequence[Any], options: Any) -> Iterator[Notice]:
    """What keeps Generate from working, the first to be mended first."""
    for obj in objects:
        try:
            read_mesh.check(obj)
            read_target.select_faces(obj, options.target, options.slot)
        except Problem as problem:
            yield _stop(problem, _OBJECT_MODE if obj and obj.mode in {"EDIT", "SCULPT"} else None)
    if problem := engine_problem.value(package.preference("python", "")):
        yield _no_engine(*problem)
    yield from _model_missing(options.model)
    if options.reference:
        yield from _adapter_missing(options)
    yield from _estimator_missing(options)
    if options.unwrap in ("never", "keep") and any(not obj.data.uv_layers for obj in objects):
        yield _stop(Problem("There is no UV map, and Unwrap lets none be made"), _AUTO_UNWRAP)
    try:
        if options.rig == read_settings.SCENE:
            read_cameras.check(read_cameras.view_cameras(context.scene, context.view_layer))
    except Problem as problem:
        yield _stop(problem, None if context.scene.camera else _ADD_CAMERA)
    try:
        _settings(options).check()
        room = UvRoom()
        for obj in objects if options.unwrap == "always" else ():
            room.claim(obj, options.unwrap)
        if options.from_texture:
            for obj in objects:
                chosen = read_target.select_faces(obj, options.target, options.slot)
                read_texture.shown(obj, read_target.shown_material(obj, chosen))
    except Problem as problem:
        yield _stop(problem)


def _stop(problem: Problem, button: Button | None = None) -> Notice:
    return Notice(problem.what, "ERROR", problem.fix, button, stops=True)


def why_no_start_from(obj: Any) -> Problem | None:
    """Why no texture can start from what the active material of ``obj`` shows; None when one can."""
    try:
        read_texture.shown(obj, obj.active_material)
    except Problem as problem:
        return problem
    return None


def _settings(options: Any) -> Settings:
    """As far as they can contradict each other."""
    start, unwrap, sets = options.from_texture, options.unwrap, options.texture_sets
    return Settings(prompt=options.prompt, from_texture=start, unwrap=unwrap, texture_sets=sets)


def _no_engine(what: str, fix: str) -> Notice:
    if fix == engine_python.SET_UP:
        return Notice(what, "ERROR", fix, Button(environment.SetUp.bl_idname, "", "IMPORT"), stops=True)
    values = {"module": package.ROOT}
    button = Button("preferences.addon_show", "Open Preferences", "PREFERENCES", values)
    return Notice(what, "ERROR", fix, button, stops=True)


def _model_missing(model: str) -> Iterator[Notice]:
    if not model_exists.value(model):
        yield _stop(Problem(f"There is no model at '{model}'", "Choose another one under Advanced."))
    if row := _listed(model):
        yield from _missing(row)


def _adapter_missing(options: Any) -> Iterator[Notice]:
    """Of reference images, as far as the list of models tells."""
    model, name = _listed(options.model), options.ip_adapter.strip()
    own = [row for row in setup_status.models or () if row.kind == ADAPTER and row.family]
    row = _listed(name) if name else next((row for row in own if model and row.family == model.family), None)
    if row:
        yield from _missing(row)
    elif own and model and model.family and not name:
        families = {row.family for row in own}
        listed = setup_status.models or ()
        takers = [one.name for one in listed if one.kind == MODEL and one.family in families]
        fix = f"Choose {', '.join(takers)}, or leave them out."
        yield _stop(Problem(f"The model '{options.model}' takes no reference images", fix))


def _estimator_missing(options: Any) -> Iterator[Notice]:
    """Of what is to tell the material, as far as the list of models tells."""
    names = fill_panel.estimators(options)
    for row in filter(None, map(_listed, names)):
        yield from _missing(row)
    if options.delight and not names:
        fix = "Name one that tells albedo under Advanced > Texture, or switch Without Light off."
        yield _stop(Problem("Without Light takes an estimator", fix))


def _listed(name: str) -> ModelEntry | None:
    """What the engine's list says of ``name``; None where it doesn't, or wasn't asked yet."""
    return next((row for row in setup_status.models or () if row.name == name), None)


def _missing(row: ModelEntry) -> Iterator[Notice]:
    """What keeps one that isn't here from being used."""
    what = f"The {row.kind} '{row.name}'"
    if row.installed:
        return
    if row.link:
        yield _stop(Problem(f"{what} is missing or damaged", "See Preferences."))
    elif not bpy.app.online_access:
        fix = f"{row.size} to download, but Blender's online access is off"
        values = {"data_path": "preferences.system.use_online_access", "value": True}
        button = Button("wm.context_set_boolean", "Allow Online Access", "INTERNET", values)
        yield Notice(f"{what} is not here", "ERROR", fix, button, stops=True)
    else:
        button = Button(models.DownloadModel.bl_idname, "Download", "IMPORT", {"name": row.name})
        facts = f"Licence: {row.licence}" + (f". Here it {row.fits}" if row.fits else "")
        yield Notice(f"{what}: {row.size} to download", "IMPORT", facts, button, stops=True)


def _uv_maps(objects: Sequence[Any], options: Any) -> Iterator[Notice]:
    without = sum(not obj.data.uv_layers for obj in objects)
    if options.unwrap == "always":
        yield Notice("A new UV map will be made; yours stay" if without < len(objects) else _ONE, "UV")
    elif without:
        yield Notice(_ONE if len(objects) == 1 else f"{without} of {len(objects)} objects get a UV map", "UV")


_ONE = "No UV map: one will be made"


def _expected_work(context: Any, options: Any) -> Notice:
    """Views, steps and about how long it will take."""
    known = known_durations.value(durations.key(options.model, package.device()))
    count, views = _views(context, options, known)
    steps = options.steps or (known.steps if known else None)
    share = options.strength if options.from_texture else 1.0
    views += " and close-ups" if options.detail != "off" else ""
    text = f"{views}, {math.ceil(steps * share)} steps" if steps else f"{views}, steps as suit the model"
    if known and steps:
        seconds = known.seconds(count, math.ceil(steps * share), options.detail, steps)
        text += f": about {durations.in_words(seconds)}"
    return Notice(text, "TIME")


def _views(context: Any, options: Any, known: Durations | None) -> tuple[int, str]:
    """About how many, and in words."""
    if options.rig == "even":
        return options.view_count, _number(options.view_count)
    if options.rig == "paper":
        return PUBLISHED_VIEWS, _number(PUBLISHED_VIEWS)
    if options.rig == read_settings.SCENE:
        cameras = len(read_cameras.view_cameras(context.scene, context.view_layer))
        return cameras, f"{cameras} camera{'s' * (cameras != 1)}"
    return known.views.get(
        options.rig, MAX_AUTO_VIEWS
    ) if known else MAX_AUTO_VIEWS, f"At most {MAX_AUTO_VIEWS} views"


def _number(count: int) -> str:
    return f"{count} view{'s' * (count != 1)}"
