"""The panels about results, in the sidebar's tab: draw what is stored; decide nothing."""

# Annotations of a property are values here, not types; bpy's classes are of unknown type.
# mypy: disable-error-code="valid-type,misc,name-defined"

from typing import Any

import bpy

from ..operators import displacement as displacing
from ..operators import notices, own_material, running_job, variations
from ..operators import results as operators
from ..operators.texture import Generate
from ..read import image_settings
from ..results import displacement, history, node_graph, thumbnail
from ..results import stored_settings as result_settings
from .drawing import draw_text, line_length
from .panel import MainPanel, SidebarPanel

COLUMNS = 3


class ResultList(bpy.types.UIList):
    """The results of an object, the newest first; a click shows one"""

    bl_idname = "SYNC_TEXTURE_UL_results"

    def draw_item(
        self,
        _context: Any,
        layout: Any,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        index: int = 0,
        _filter: int = 0,
    ) -> None:
        """One row: small picture, name, what is wrong with it, the seed."""
        icon = thumbnail.icon(history.image(item))
        row = layout.row(align=True)
        picture = {"icon_value": icon} if icon else {"icon": "TEXTURE"}
        row.prop(item, "name", text="", emboss=False, **picture)
        if history.problems(item.id_data, item):
            row.label(text="", icon="ERROR")
        if result_settings.known(item.material):
            seed = row.row()
            seed.alignment = "RIGHT"
            seed.active = False
            seed.label(text=str(result_settings.seed(item.material)))

    def draw_filter(self, _context: Any, layout: Any) -> None:
        """Search by name."""
        layout.prop(self, "filter_name", text="", icon="VIEWZOOM")

    def filter_items(self, _context: Any, data: Any, name: str) -> tuple[list[int], list[int]]:
        """Those whose name has the words in it, the newest first."""
        items = getattr(data, name)
        helper = bpy.types.UI_UL_list
        flags = helper.filter_items_by_name(self.filter_name, self.bitflag_filter_item, items, "name")
        return flags, list(reversed(range(len(items))))


class _Panel(SidebarPanel):
    bl_parent_id = MainPanel.bl_idname

    @classmethod
    def poll(cls, context: Any) -> bool:
        return bool(history.of(operators.active_object(context)))


class ResultsPanel(_Panel, bpy.types.Panel):
    """What was made for the active object"""

    bl_idname = "SYNC_TEXTURE_PT_results"
    bl_label = "Results"
    bl_order = 1

    def draw(self, context: Any) -> None:
        layout, obj = self.layout, operators.active_object(context)
        index = history.chosen(obj)
        result = history.of(obj)[index]
        if not result.kept and not running_job.running():
            draw_new(layout, index == len(history.of(obj)) - 1)
        draw_shading(layout, context.space_data)
        draw_variations(layout, obj, result.batch)
        layout.template_list(
            ResultList.bl_idname,
            "",
            obj.sync_texture,
            "results",
            obj.sync_texture,
            "active",
            rows=3,
            maxrows=6,
        )
        row = layout.row(align=True)
        row.operator(operators.UseSettings.bl_idname, text="Use Settings", icon="PASTEDOWN")
        row.operator(variations.GenerateAgain.bl_idname, text="Again", icon="FILE_REFRESH").seed = "same"
        row.operator(operators.RemoveResult.bl_idname, text="", icon="TRASH")
        draw_displacement(layout, result)
        draw_details(layout.column(align=True), context, obj, result)


class MorePanel(_Panel, bpy.types.Panel):
    """Several to choose from, or one changed"""

    bl_idname = "SYNC_TEXTURE_PT_more"
    bl_label = "Variations"
    bl_order = 2

    @classmethod
    def poll(cls, context: Any) -> bool:
        obj = operators.active_object(context)
        return bool(obj and obj.type == "MESH")

    def draw(self, context: Any) -> None:
        row = self.layout.row(align=True)
        row.enabled = bool(context.scene.sync_texture.prompt.strip())
        row.prop(context.scene, variations.COUNT, text="Count")
        button = row.operator(variations.Variations.bl_idname, text="Generate", icon="IMGDISPLAY")
        button.count = getattr(context.scene, variations.COUNT)


class ChangePanel(_Panel, bpy.types.Panel):
    """The texture that is shown, changed by another prompt"""

    bl_idname = "SYNC_TEXTURE_PT_change"
    bl_label = "Change Texture"
    bl_order = 3
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Any) -> bool:
        obj = operators.active_object(context)
        return bool(obj and obj.type == "MESH" and obj.active_material)

    def draw(self, context: Any) -> None:
        layout, options = self.layout, context.scene.sync_texture
        problem = notices.why_no_start_from(operators.active_object(context))
        if problem:
            draw_text(layout.column(align=True), problem.what, "INFO", line_length(context))
        layout.prop(options, "strength", slider=True)
        row = layout.row()
        row.enabled = problem is None and bool(options.prompt.strip())
        button = row.operator(Generate.bl_idname, text="Start from This Texture", icon="BRUSH_DATA")
        button.from_texture = True


class MaterialPanel(_Panel, bpy.types.Panel):
    """The texture in a material of one's own"""

    bl_idname = "SYNC_TEXTURE_PT_material"
    bl_label = "Own Material"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: Any) -> None:
        layout, obj = self.layout, operators.active_object(context)
        material = own_material.artists_material(obj)
        name = f"'{material.name}'" if material else "none in the active slot"
        layout.label(text=name, icon="MATERIAL")
        row = layout.row()
        row.enabled = material is not None
        row.operator(own_material.FeedBaseColor.bl_idname, text="Feed Base Color", icon="NODE_MATERIAL")
        if node_graph.nodes(material):
            layout.operator(own_material.UnfeedBaseColor.bl_idname, icon="LOOP_BACK")


def draw_new(layout: Any, newest: bool) -> None:
    """What to do with a texture that has just been made; only the ``newest`` can be taken back."""
    box = layout.box()
    row = box.row(align=True)
    row.operator(operators.KeepResult.bl_idname, text="Keep", icon="CHECKMARK").others = False
    if newest:
        row.operator(operators.TakeBack.bl_idname, text="Undo", icon="LOOP_BACK")
    box.operator(
        variations.GenerateAgain.bl_idname, text="Again, Another Seed", icon="FILE_REFRESH"
    ).seed = "other"


def draw_shading(layout: Any, space: Any) -> None:
    """Where the 3D view shows no textures, the button that lets it."""
    if space and space.shading.type == "SOLID" and space.shading.color_type != "TEXTURE":
        layout.label(text="Solid doesn't show textures here", icon="INFO")
        layout.prop_enum(
            space.shading, "color_type", "TEXTURE", text="Color: Texture", icon="SHADING_TEXTURE"
        )


def draw_variations(layout: Any, obj: Any, batch: str) -> None:
    """The variations of the run ``batch``, side by side; each with a button that shows it."""
    results = history.variations(obj, batch)
    shown = history.shown(obj)
    if len(results) < 2:
        return
    box = layout.box()
    grid = box.grid_flow(row_major=True, columns=COLUMNS, even_columns=True, align=False)
    for index, result in results:
        cell = grid.column(align=True)
        cell.template_icon(icon_value=thumbnail.icon(history.image(result)), scale=4.5)
        material = result.material
        seed = str(result_settings.seed(material)) if result_settings.known(material) else "?"
        button = cell.operator(operators.ShowResult.bl_idname, text=seed, depress=index == shown)
        button.index = index
    row = box.row(align=True)
    row.operator(operators.KeepResult.bl_idname, text="Keep Only This", icon="CHECKMARK").others = True
    row.operator(operators.ViewSheet.bl_idname, text="", icon="IMAGE_DATA")


def draw_displacement(layout: Any, result: Any) -> None:
    """The button that makes the relief of the ``result`` that is shown real, or shading again."""
    used = displacement.is_used(result)
    if used or displacement.is_possible(result):
        text, icon = ("Relief as Shading", "LOOP_BACK") if used else ("True Displacement", "MOD_DISPLACE")
        button = layout.operator(displacing.TrueDisplacement.bl_idname, text=text, icon=icon)
        button.use = not used


def draw_details(layout: Any, context: Any, obj: Any, result: Any) -> None:
    """How ``result`` was made, and what is missing of it."""
    for text in history.problems(obj, result):
        draw_text(layout, text, "ERROR", line_length(context))
    if result_settings.known(result.material):
        settings = result_settings.stored(result.material)
        draw_text(layout, settings.prompt, "TEXT", line_length(context))
        size = image_settings.kind(result.material) or f"{settings.texture_size} px"
        line = f"Seed {settings.seed}, {settings.model}, {size}"
        draw_text(layout, line, "BLANK1", line_length(context))


register, unregister = bpy.utils.register_classes_factory(
    (ResultList, ResultsPanel, MorePanel, ChangePanel, MaterialPanel)
)
