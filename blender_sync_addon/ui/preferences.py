"""Preferences > Add-ons > Sync Texture: the engine, its environment, the models. Draws; decides nothing."""

# Annotations of a property are values here, not types.
# mypy: disable-error-code="valid-type,misc,name-defined"

from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ...engine.options.request import OPTIONS
from .. import package
from ..operators import environment, fill_panel, lora_rows, models
from ..problem import Problem
from ..setup import builds, engine_folder, engine_python, findings
from ..setup.models import ADAPTER, ESTIMATOR, LORA, MODEL, ModelEntry
from ..setup.status import setup_status
from .drawing import draw_activity, draw_text, line_length, names_left

DEVICE = OPTIONS["device"]
TORCHES = [
    (builds.AUTO, "Automatic", "For the NVIDIA card, where there is one that it can be used with"),
    (builds.CPU, "CPU", "For the processor: the smallest download"),
    (builds.CUDA, "NVIDIA GPU", "For an NVIDIA card (CUDA 13), whether one is found or not"),
]


_STATES = {
    "broken": ("The engine's environment isn't whole: repair it", "ERROR"),
    "outdated": ("The engine's environment is of an older version of Sync Texture: update it", "ERROR"),
    "ready": ("The engine is set up", "CHECKMARK"),
}


class Preferences(bpy.types.AddonPreferences):
    """Shown in Preferences > Add-ons > Sync Texture."""

    bl_idname = package.ROOT

    python: StringProperty(
        name="Other Python",
        subtype="FILE_PATH",
        description="Used instead of the environment that is set up here: Python 3.11 or newer with the "
        "engine's packages (PyTorch, diffusers), or the folder of its virtual environment. The environment "
        f"variable {engine_python.VARIABLE} overrides it",
    )
    device: EnumProperty(
        name=DEVICE.label,
        items=[(name, *words) for name, words in DEVICE.choices.items()],
        description=DEVICE.help,
    )
    torch: EnumProperty(
        name="PyTorch For", items=TORCHES, description="Which build of PyTorch is installed when setting up"
    )
    source: StringProperty(
        name="Packages From",
        description="Where packages come from besides the usual index: the address of a package index, or a "
        "folder of wheels, for a computer without a network. What environment variables tell pip and uv "
        "(PIP_INDEX_URL, UV_FIND_LINKS, ...) counts too. Empty: nowhere else",
    )

    def draw(self, context: Any) -> None:
        """All of them, and what there is to know."""
        characters = line_length(context)
        draw_engine(self.layout.box(), self, context, characters)
        draw_models(self.layout.box(), context, characters)


def draw_engine(layout: Any, owner: Any, context: Any, characters: int) -> None:
    """Set up, or what is there; what is being done; what was found."""
    layout.label(text="Engine", icon="TOOL_SETTINGS")
    state, stamp = engine_folder.state(engine_folder.own())
    if not owner.python:
        _draw_state(layout, state, stamp, characters)
    _draw_online(layout, context)
    if not draw_activity(layout):
        _draw_buttons(layout, state)
        _draw_message(layout, characters)
    _draw_choices(layout, owner)
    if setup_status.doctor_report:
        column = layout.column(align=True)
        own = stamp.build if stamp and not owner.python else ""
        for finding in findings.sentences(setup_status.doctor_report, own):
            draw_text(column, finding.text, "CHECKMARK" if finding.good else "ERROR", characters)


def _draw_state(layout: Any, state: str, stamp: engine_folder.Stamp | None, characters: int) -> None:
    if state == "none":
        cpu, cuda = (builds.choose(device, None).build for device in (builds.CPU, builds.CUDA))
        sizes = f"{cpu.download / 1000:.1f} GB"
        if cuda != cpu:
            sizes += f" ({cuda.download / 1000:.1f} GB where there is an NVIDIA card)"
        text = f"The engine needs PyTorch and other packages, in a folder of its own: {sizes} to download"
        draw_text(layout.column(align=True), text, "INFO", characters)
        return
    text, icon = _STATES[state]
    if stamp:
        text += f" (Python {stamp.python}, PyTorch {stamp.torch})"
    draw_text(layout.column(align=True), text, icon, characters)


def _draw_online(layout: Any, context: Any) -> None:
    """Blender's own switch, where it is off."""
    if not bpy.app.online_access:
        row = layout.row()
        row.label(text="Blender's online access is off: nothing is downloaded", icon="INTERNET_OFFLINE")
        if not bpy.app.online_access_override:
            row.prop(context.preferences.system, "use_online_access", text="Allow Online Access")


def _draw_buttons(layout: Any, state: str) -> None:
    row = layout.row(align=True)
    if state == "none":
        row.scale_y = 1.4
        row.operator(environment.SetUp.bl_idname, icon="IMPORT")
        if engine_folder.own().packages.is_dir():
            row.operator(environment.Remove.bl_idname, text="Delete Downloads", icon="TRASH")
        return
    again = "Update" if state == "outdated" else "Repair"
    row.operator(environment.Check.bl_idname, icon="VIEWZOOM")
    row.operator(environment.Repair.bl_idname, text=again, icon="FILE_REFRESH")
    row.operator(environment.Remove.bl_idname, icon="TRASH")


def _draw_message(layout: Any, characters: int) -> None:
    """What became of what was done last; the log of what failed."""
    if setup_status.message:
        split = layout.split(factor=0.85)
        text = split.column(align=True)
        draw_text(
            text, setup_status.message, "ERROR" if setup_status.problem else "INFO", characters * 4 // 5
        )
        split.operator(environment.ShowLog.bl_idname, icon="TEXT")


def _draw_choices(layout: Any, owner: Any) -> None:
    column = layout.column()
    names_left(column)
    column.prop(owner, "device")
    column.prop(owner, "torch")
    column.prop(owner, "source")
    column.prop(owner, "python")
    if owner.python:
        row = column.row()
        try:
            text = f"Used instead of the environment: {engine_python.chosen_python()}"
            row.label(text=text, icon="CHECKMARK")
            row.operator(environment.Check.bl_idname, icon="VIEWZOOM")
        except Problem as problem:
            row.label(text=problem.what, icon="ERROR")


def draw_models(layout: Any, context: Any, characters: int) -> None:
    """One row a model, with what can be done with it, under a heading for each group."""
    row = layout.row()
    row.label(text="Models", icon="ASSET_MANAGER")
    row.operator(models.ListModels.bl_idname, text="Refresh", icon="FILE_REFRESH")
    row.operator(models.LinkModel.bl_idname, text="Link a Model", icon="LINKED")
    if setup_status.models is None:
        layout.label(text="Press Refresh to see which models are here", icon="INFO")
        return
    scene = getattr(context.scene, "sync_texture", None)
    for group in dict.fromkeys(model.group for model in setup_status.models):
        layout.label(text=group)
        for model in setup_status.models:
            if model.group == group:
                used = scene is not None and model.name in _used(scene)
                _draw_model(layout.box(), model, used, characters)


def _used(options: Any) -> tuple[str, ...]:
    """The names of what the scene's textures use now."""
    return options.model, options.ip_adapter, *fill_panel.estimators(options)


def _draw_model(layout: Any, model: ModelEntry, used: bool, characters: int) -> None:
    row = layout.row()
    row.label(text=model.name, icon="RADIOBUT_ON" if used else "RADIOBUT_OFF")
    row.label(text=model.state)
    buttons = row.row(align=True)
    _draw_use(buttons.row(align=True), model, used)
    if not model.installed and not model.link:
        buttons.operator(models.DownloadModel.bl_idname, text="Download", icon="IMPORT").name = model.name
    if model.installed:
        buttons.operator(models.VerifyModel.bl_idname, text="Verify", icon="CHECKMARK").name = model.name
    if not model.bundled and (model.disk or model.link):
        text = "Unlink Folder" if model.tree else "Unlink" if model.link else "Delete"
        button = buttons.operator(models.DeleteModel.bl_idname, text=text, icon="TRASH")
        button.name = model.tree or model.name
    if model.damaged:
        draw_text(layout.column(align=True), model.damaged, "ERROR", characters)
    draw_text(layout.column(align=True), model.facts, "BLANK1", characters)
    if model.fits:
        words = f"Here it {model.fits}"
        draw_text(layout.column(align=True), words, "BLANK1" if model.runs else "ERROR", characters)


def _draw_use(row: Any, model: ModelEntry, used: bool) -> None:
    """What makes the scene's next textures use it."""
    row.enabled = model.installed and not used
    if model.kind == LORA:
        row.operator_context = "EXEC_DEFAULT"
        row.operator(lora_rows.AddLora.bl_idname, text="Use").filepath = model.name
    elif model.kind == ADAPTER:
        row.operator(fill_panel.UseAdapter.bl_idname, text="Use").name = model.name
    elif model.kind == ESTIMATOR:
        row.operator(fill_panel.UseEstimator.bl_idname, text="Use").name = model.name
    elif model.kind == MODEL:
        row.operator(fill_panel.UseModel.bl_idname, text="Use").name = model.name


register, unregister = bpy.utils.register_classes_factory((Preferences,))
