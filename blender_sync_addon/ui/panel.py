"""The panel in the 3D View's sidebar: draws properties and the job's state; decides nothing."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ..jobs.state import State
from ..operators import notices, running_job, texture
from ..operators.notices import Notice
from ..read import objects as choose
from ..setup.status import setup_status
from . import presets
from .drawing import draw_activity, draw_text, line_length
from .menus import ExamplesMenu


class SidebarPanel:
    """What the panels of the 3D View's sidebar have in common."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Sync Texture"
    layout: Any


class MainPanel(SidebarPanel, bpy.types.Panel):
    """Prompt, Generate, progress"""

    bl_idname = "SYNC_TEXTURE_PT_main"
    bl_label = "Sync Texture"

    def draw_header_preset(self, _context: Any) -> None:
        presets.draw(self.layout)

    def draw(self, context: Any) -> None:
        layout = self.layout
        draw_prompt(layout, context.scene.sync_texture)
        if job := running_job.running():
            draw_progress(layout, job.doing, job.state)
        else:
            draw_generate(layout, context)


class FoldedPanel(SidebarPanel):
    """What panels below the main one have in common that are closed at first."""

    bl_parent_id = MainPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012


def may_start(scene: Any) -> bool:
    """Whether there is a prompt, and no job runs."""
    return bool(scene.sync_texture.prompt.strip()) and running_job.running() is None


def draw_prompt(layout: Any, options: Any) -> None:
    """The prompt's field; beside it examples, where the model lists some."""
    row = layout.row(align=True)
    row.prop(options, "prompt", text="", placeholder="What should it look like?")
    known = notices.known_vocabulary.value(options.model)
    if known and known.examples:
        row.menu(ExamplesMenu.bl_idname, text="", icon="DOWNARROW_HLT")


def draw_generate(layout: Any, context: Any) -> None:
    """The Generate button; above it, what keeps it from working."""
    obj = context.view_layer.objects.active
    options = context.scene.sync_texture
    draw_target(layout, obj, options)
    layout.row().prop(options, "quality", expand=True)
    objects = choose.of_target(context.view_layer, options.target)
    found = notices.notices(context, objects, options)
    for notice in found:
        draw_notice(layout, notice, line_length(context))
    stopped = any(notice.stops for notice in found)
    if not draw_activity(layout) and stopped and setup_status.problem:
        draw_text(layout.column(align=True), setup_status.message, "ERROR", line_length(context))
    row = layout.row()
    row.enabled = not stopped
    row.scale_y = 1.5
    row.operator(texture.Generate.bl_idname, text="Generate", icon="SHADING_TEXTURE")
    if texture.RestoreMaterials.poll(context):
        layout.operator(texture.RestoreMaterials.bl_idname, icon="LOOP_BACK")
    for warning in running_job.last_warnings(obj):
        draw_text(layout.column(align=True), warning, "INFO", line_length(context))


def draw_target(layout: Any, obj: Any, options: Any) -> None:
    """What is to be textured."""
    layout.prop(options, "target")
    if options.target == "slot" and obj and obj.type == "MESH":
        layout.prop_search(options, "slot", obj, "material_slots", icon="MATERIAL")


def draw_notice(layout: Any, notice: Notice, characters: int) -> None:
    """What there is to know, how to mend it, and the button that does."""
    column = layout.column(align=True)
    draw_text(column, notice.text, notice.icon, characters)
    draw_text(column, notice.fix, "BLANK1", characters)
    if (button := notice.button) and setup_status.current is None:
        text = {"text": button.text} if button.text else {}
        made = column.operator(button.operator, icon=button.icon, **text)
        for name, value in button.values.items():
            setattr(made, name, value)


def draw_progress(layout: Any, doing: str, state: State) -> None:
    """Stage, time left, and Cancel."""
    layout.label(text=doing, icon="TIME")
    layout.progress(text=state.text, factor=state.fraction)
    row = layout.row()
    row.enabled = not state.cancelling
    row.operator(texture.CancelTexture.bl_idname, text="Cancel", icon="X")


register, unregister = bpy.utils.register_classes_factory((MainPanel,))
