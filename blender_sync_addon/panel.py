"""The panel in the 3D View's sidebar: draws properties and the job's state; decides nothing."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

import textwrap
from typing import Any

import bpy

from ..engine import protocol
from . import operators, package, preferences, properties
from .examples import ExamplesMenu
from .job import environment
from .job.state import State
from .problem import Problem
from .read import mesh as read_mesh
from .read import texture as read_texture
from .setup import operators as setup
from .setup import progress
from .setup.desk import desk


class MainPanel(bpy.types.Panel):
    """Prompt, Generate, progress"""

    bl_idname = "SYNC_TEXTURE_PT_main"
    bl_label = "Sync Texture"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Sync Texture"

    def draw(self, context: Any) -> None:
        layout = self.layout
        draw_prompt(layout, context.scene.sync_texture)
        if job := operators.running():
            draw_progress(layout, job.name, job.state)
        else:
            draw_generate(layout, context)


class AdvancedPanel(bpy.types.Panel):
    """Everything that has a good default"""

    bl_idname = "SYNC_TEXTURE_PT_advanced"
    bl_label = "Advanced"
    bl_parent_id = MainPanel.bl_idname
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Sync Texture"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: Any) -> None:
        options = context.scene.sync_texture
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        groups = (
            ("negative", "model", "seed"),
            ("steps", "guidance", "method", "sync_space", "attention"),
            ("rig", "view_count") if options.rig == "even" else ("rig",),
            ("from_texture", "strength") if options.from_texture else ("from_texture",),
            ("texture_size", "texture_depth", "texture_sets", "fill", "unwrap", "raster"),
        )
        for names in groups:
            column = layout.column()
            for name in names:
                column.prop(options, name)
        obj = context.view_layer.objects.active
        if obj and obj.type == "MESH":
            column.prop_search(options, "uv_layer", obj.data, "uv_layers", icon="GROUP_UVS")


def draw_prompt(layout: Any, options: Any) -> None:
    """The prompt's field; beside it examples, where the model lists some."""
    row = layout.row(align=True)
    row.prop(options, "prompt", text="", placeholder="What should it look like?")
    words = properties.known(options)
    if words and words.examples:
        row.menu(ExamplesMenu.bl_idname, text="", icon="PRESET")


def draw_generate(layout: Any, context: Any) -> None:
    """The Generate button; above it, what keeps it from working."""
    obj = context.view_layer.objects.active
    options = context.scene.sync_texture
    layout.row().prop(options, "target", expand=True)
    objects = operators.chosen_objects(context, options.target)
    found = (what_is_missing(one, options) for one in objects)
    problem = next((one for one in found if one), None)
    if problem:
        column = layout.column(align=True)
        draw_text(column, problem.what, "ERROR", line_length(context))
        draw_text(column, problem.fix, "BLANK1", line_length(context))
        if problem.fix == environment.SET_UP and not progress.draw(layout):
            layout.operator(setup.SetUp.bl_idname, icon="IMPORT")
            if desk.problem:
                draw_text(layout.column(align=True), desk.message, "ERROR", line_length(context))
        if "in Preferences > Add-ons" in problem.fix:
            button = layout.operator("preferences.addon_show", text="Open Preferences", icon="PREFERENCES")
            button.module = package.ROOT
    row = layout.row()
    row.enabled = problem is None
    row.scale_y = 1.5
    row.operator(operators.Generate.bl_idname, text="Generate", icon="SHADING_TEXTURE")
    if operators.RestoreMaterials.poll(context):
        layout.operator(operators.RestoreMaterials.bl_idname, icon="LOOP_BACK")
    for warning in operators.warnings(obj):
        draw_text(layout.column(align=True), warning, "INFO", line_length(context))


def line_length(context: Any) -> int:
    """About how many characters fit into a line of the panel."""
    return max(20, int(context.region.width) // 8)


def draw_text(layout: Any, text: str, icon: str, characters: int) -> None:
    """``text`` in lines of about ``characters``; a label of its own would be cut off in the middle."""
    for line in textwrap.wrap(text, characters):
        layout.label(text=line, icon=icon)
        icon = "BLANK1"


def what_is_missing(obj: Any, options: Any) -> Problem | None:
    """Why Generate would fail on ``obj`` right away, None when nothing speaks against it."""
    try:
        read_mesh.check(obj)
        preferences.command([])
        if options.from_texture:
            read_texture.shown(obj)
    except Problem as problem:
        return problem
    return (
        None if options.prompt.strip() else Problem("The prompt is empty", "Type what it should look like.")
    )


def draw_progress(layout: Any, name: str, state: State) -> None:
    """Stage, time left, and Cancel."""
    layout.label(text=f"Texturing {name}", icon="TIME")
    layout.progress(text=progress_text(state), factor=state.fraction)
    row = layout.row()
    row.enabled = not state.cancelling
    row.operator(operators.Cancel.bl_idname, text="Cancel", icon="X")


def progress_text(state: State) -> str:
    """One line: what is being done, how far it is, how long it will take."""
    steps = f" {state.i}/{state.n}" if state.n > 1 else ""
    left = "" if state.eta_s is None else f", {duration(state.eta_s)} left"
    stage = protocol.STAGES.get(state.stage, state.stage)
    return f"{stage[:1].upper()}{stage[1:]}{steps}{left}"


def duration(seconds: float) -> str:
    """``seconds`` for people: "8 s", "3 min", "1 h 20 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


register, unregister = bpy.utils.register_classes_factory((MainPanel, AdvancedPanel))
