"""The results of the active object: show, keep, take back and remove them, feed them into a material."""

# Annotations of a property are values here, not types; bpy's classes are of unknown type.
# mypy: disable-error-code="valid-type,misc,name-defined"

from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty

from ..problem import Problem
from ..write import material as write_material
from . import graph, history, removal
from . import settings as result_settings

_INDEX = {
    "name": "Result",
    "default": history.NONE,
    "min": history.NONE,
    "description": "Number of the result, the oldest is 0; -1: the one that is shown, else the newest",
}
_NOTHING: set[str] = {"CANCELLED"}


def active(context: Any) -> Any:
    """The object whose results are meant, None without."""
    return context.view_layer.objects.active


class _OnResults:
    """Works where the active object has results."""

    report: Any

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not history.of(active(context)):
            cls.poll_message_set("The active object has no textures yet")  # type: ignore[attr-defined]
            return False
        return True

    def result(self, context: Any, index: int) -> tuple[Any, int] | None:
        """(object, number of the result that ``index`` means); None, and told, where there is none."""
        obj = active(context)
        found = history.chosen(obj, index)
        if found == history.NONE:
            self.report({"ERROR"}, f"'{obj.name}' has no result {index}")
            return None
        return obj, found


class _Changing(_OnResults):
    """Changes the object, which is the file's own."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not super().poll(context):
            return False
        if active(context).library or active(context).override_library:
            cls.poll_message_set("The active object is linked from a library")  # type: ignore[attr-defined]
            return False
        return True


class ShowResult(_Changing, bpy.types.Operator):
    """Show this result on the object"""

    bl_idname = "sync_texture.show_result"
    bl_label = "Show Result"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(**_INDEX)

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return _NOTHING
        obj, index = found
        if history.lost(history.of(obj)[index]):
            self.report({"ERROR"}, "The material of this result was deleted")
            return _NOTHING
        history.show(obj, index)
        return {"FINISHED"}


class UseSettings(_OnResults, bpy.types.Operator):
    """Fill the panel with the settings that this result was made with"""

    bl_idname = "sync_texture.use_settings"
    bl_label = "Use These Settings"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(**_INDEX)

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return _NOTHING
        obj, index = found
        if not result_settings.known(material := history.of(obj)[index].material):
            self.report({"ERROR"}, "The material of this result, which its settings were on, was deleted")
            return _NOTHING
        result_settings.fill(context.scene.sync_texture, result_settings.stored(material), obj)
        return {"FINISHED"}


class RemoveResult(_Changing, bpy.types.Operator):
    """Remove this result from the object, and its material and image from the file where nothing else uses
    them. A picture beside the .blend file stays on disk"""

    bl_idname = "sync_texture.remove_result"
    bl_label = "Remove Result"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(**_INDEX)

    def invoke(self, context: Any, event: Any) -> set[str]:
        obj = active(context)
        index = history.chosen(obj, self.index)
        name = history.of(obj)[index].name if index != history.NONE else ""
        asked: set[str] = context.window_manager.invoke_confirm(
            self,
            event,
            title="Remove Result",
            message=f"Remove '{name}', its material and its image?",
            confirm_text="Remove",
        )
        return asked

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return _NOTHING
        removal.remove(*found)
        return {"FINISHED"}


class Keep(_Changing, bpy.types.Operator):
    """Keep the texture that is shown"""

    bl_idname = "sync_texture.keep"
    bl_label = "Keep Texture"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    others: BoolProperty(
        name="Remove Other Variations",
        description="Remove the variations that were made together with it",
    )

    @classmethod
    def description(cls, _context: Any, properties: Any) -> str:
        if properties.others:
            return "Keep the texture that is shown, and remove the other variations of its run"
        return "Keep the texture that is shown, and all others too"

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, history.NONE)) is None:
            return _NOTHING
        obj, index = found
        batch = history.of(obj)[index].batch
        for result in history.of(obj):
            result.kept = True
        for i in reversed(range(len(history.of(obj)))):
            if self.others and batch and i != index and history.of(obj)[i].batch == batch:
                removal.remove(obj, i)
        return {"FINISHED"}


class TakeBack(_Changing, bpy.types.Operator):
    """Take the newest texture back: the object looks as it did before, and what was added for it is removed.
    All else that you changed since stays"""

    bl_idname = "sync_texture.take_back"
    bl_label = "Take Back Texture"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not super().poll(context):
            return False
        if active(context).mode == "EDIT":
            cls.poll_message_set("Leave Edit Mode first")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        removal.take_back(active(context))
        return {"FINISHED"}


class ViewSheet(_OnResults, bpy.types.Operator):
    """Show the variations side by side in an Image Editor: the one that is open, else a new window"""

    bl_idname = "sync_texture.view_sheet"
    bl_label = "View Contact Sheet"

    index: IntProperty(**_INDEX)

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return _NOTHING
        obj, index = found
        if (sheet := history.of(obj)[index].sheet) is None:
            self.report({"ERROR"}, "This result isn't one of several variations")
            return _NOTHING
        if bpy.app.background:
            self.report({"INFO"}, f"The contact sheet is the image '{sheet.name}'")
            return {"FINISHED"}
        _image_editor(context).spaces.active.image = sheet
        return {"FINISHED"}


def _image_editor(context: Any) -> Any:
    """An area with an Image Editor; of a new window, where there is none."""
    areas = [area for window in context.window_manager.windows for area in window.screen.areas]
    if (found := next((area for area in areas if area.ui_type == "IMAGE_EDITOR"), None)) is not None:
        return found
    bpy.ops.wm.window_new()
    area = context.window_manager.windows[-1].screen.areas[0]
    area.ui_type = "IMAGE_EDITOR"
    return area


class FeedBaseColor(_Changing, bpy.types.Operator):
    """Use the texture in your own material: plug its image into the Base Color of the Principled BSDF of what
    the active material slot showed before, and show that material again"""

    bl_idname = "sync_texture.feed_base_color"
    bl_label = "Feed Base Color of the Active Material"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(**_INDEX)

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return _NOTHING
        obj, index = found
        try:
            material = _feed(obj, history.of(obj)[index])
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return _NOTHING
        others = [o.name for o in bpy.data.objects if o != obj and material.name in o.material_slots]
        too = f". '{others[0]}' has this material too" if others else ""
        self.report({"INFO"}, f"The texture feeds the Base Color of '{material.name}'{too}")
        return {"FINISHED"}


def _feed(obj: Any, result: Any) -> Any:
    slot = obj.active_material_index
    ours = next((part.material for part in result.parts if part.slot == slot), None) or result.material
    images = history.images(ours)
    if not images:
        raise Problem("The image of this result is gone", "Choose another one.")
    material = write_material.artists(obj, slot)
    if material is None:
        fix = "Give it one with a Principled BSDF (the texture's own material does without)."
        raise Problem(f"The active slot of '{obj.name}' has no material of yours", fix)
    graph.feed(material, images[0], history.uv_layer(ours))
    write_material.restore(obj, {slot})
    return material


class UnfeedBaseColor(bpy.types.Operator):
    """Take the texture out of the active material: what was plugged into Base Color before is so again"""

    bl_idname = "sync_texture.unfeed_base_color"
    bl_label = "Restore Base Color"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Any) -> bool:
        obj = active(context)
        if not obj or obj.type != "MESH" or not graph.nodes(fed(obj)):
            cls.poll_message_set("The active material has no texture of ours in it")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        try:
            graph.unfeed(fed(active(context)))
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return _NOTHING
        return {"FINISHED"}


def fed(obj: Any) -> Any | None:
    """The material of the artist's in the active slot of ``obj``."""
    return write_material.artists(obj, obj.active_material_index)


register, unregister = bpy.utils.register_classes_factory(
    (ShowResult, UseSettings, RemoveResult, Keep, TakeBack, ViewSheet, FeedBaseColor, UnfeedBaseColor)
)
