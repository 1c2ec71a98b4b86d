"""The results of the active object: show, keep, take back and remove them."""

# Annotations of a property are values here, not types; bpy's classes are of unknown type.
# mypy: disable-error-code="valid-type,misc,name-defined"

from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty

from ..problem import say
from ..results import history, removal
from ..results import stored_settings as result_settings
from . import tile_material

INDEX_PROPERTY = {
    "name": "Result",
    "default": history.NONE,
    "min": history.NONE,
    "description": "Number of the result, the oldest is 0; -1: the one that is shown, else the newest",
}
CANCELLED: set[str] = {"CANCELLED"}


def active_object(context: Any) -> Any:
    """The object whose results are meant, None without."""
    return context.view_layer.objects.active


class ResultOperator:
    """Works where the active object has results."""

    report: Any

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not history.of(active_object(context)):
            cls.poll_message_set("The active object has no textures yet")  # type: ignore[attr-defined]
            return False
        return True

    def result(self, context: Any, index: int) -> tuple[Any, int] | None:
        """(object, number of the result that ``index`` means); None, and told, where there is none."""
        obj = active_object(context)
        found = history.chosen(obj, index)
        if found == history.NONE:
            say(self, "ERROR", f"'{obj.name}' has no result {index}")
            return None
        return obj, found


class EditingOperator(ResultOperator):
    """Changes the object, which is the file's own."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not super().poll(context):
            return False
        if active_object(context).library or active_object(context).override_library:
            cls.poll_message_set("The active object is linked from a library")  # type: ignore[attr-defined]
            return False
        return True


class ShowResult(EditingOperator, bpy.types.Operator):
    """Show this result on the object"""

    bl_idname = "sync_texture.show_result"
    bl_label = "Show Result"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(**INDEX_PROPERTY)

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return CANCELLED
        obj, index = found
        if history.lost(history.of(obj)[index]):
            say(self, "ERROR", "The material of this result, or its slot, was deleted")
            return CANCELLED
        history.show(obj, index)
        return {"FINISHED"}


class UseSettings(ResultOperator, bpy.types.Operator):
    """Fill the panel with the settings that this result was made with"""

    bl_idname = "sync_texture.use_settings"
    bl_label = "Use These Settings"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(**INDEX_PROPERTY)

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return CANCELLED
        obj, index = found
        result = history.of(obj)[index]
        if not result_settings.known(result.material):
            say(self, "ERROR", "The material of this result, which its settings were on, was deleted")
            return CANCELLED
        result_settings.fill(context.scene.sync_texture, result_settings.now(obj, result), obj)
        tile_material.use_settings(context.scene, result.material)
        return {"FINISHED"}


class RemoveResult(EditingOperator, bpy.types.Operator):
    """Remove this result from the object, and its material and image from the file where nothing else uses
    them. A picture beside the .blend file stays on disk"""

    bl_idname = "sync_texture.remove_result"
    bl_label = "Remove Result"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(**INDEX_PROPERTY)

    def invoke(self, context: Any, event: Any) -> set[str]:
        obj = active_object(context)
        index = history.chosen(obj, self.index)
        name = history.of(obj)[index].name if index != history.NONE else ""
        answer: set[str] = context.window_manager.invoke_confirm(
            self,
            event,
            title="Remove Result",
            message=f"Remove '{name}', its material and its image?",
            confirm_text="Remove",
        )
        return answer

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return CANCELLED
        removal.remove(*found)
        return {"FINISHED"}


class KeepResult(EditingOperator, bpy.types.Operator):
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
            return CANCELLED
        obj, index = found
        batch = history.of(obj)[index].batch
        for result in history.of(obj):
            result.kept = True
        for i in reversed(range(len(history.of(obj)))):
            if self.others and batch and i != index and history.of(obj)[i].batch == batch:
                removal.remove(obj, i)
        return {"FINISHED"}


class TakeBack(EditingOperator, bpy.types.Operator):
    """Take the newest texture back: the object looks as it did before, and what was added for it is removed.
    All else that you changed since stays"""

    bl_idname = "sync_texture.take_back"
    bl_label = "Take Back Texture"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not super().poll(context):
            return False
        if active_object(context).mode == "EDIT":
            cls.poll_message_set("Leave Edit Mode first")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        removal.take_back(active_object(context))
        return {"FINISHED"}


class ViewSheet(ResultOperator, bpy.types.Operator):
    """Show the variations side by side in an Image Editor: the one that is open, else a new window"""

    bl_idname = "sync_texture.view_sheet"
    bl_label = "View Contact Sheet"

    index: IntProperty(**INDEX_PROPERTY)

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return CANCELLED
        obj, index = found
        if (sheet := history.of(obj)[index].sheet) is None:
            say(self, "ERROR", "This result isn't one of several variations")
            return CANCELLED
        if bpy.app.background:
            say(self, "INFO", f"The contact sheet is the image '{sheet.name}'")
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


register, unregister = bpy.utils.register_classes_factory(
    (ShowResult, UseSettings, RemoveResult, KeepResult, TakeBack, ViewSheet)
)
