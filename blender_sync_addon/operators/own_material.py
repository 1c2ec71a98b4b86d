"""The texture in a material of the artist's own: fed into its Base Color, and taken out again."""

# Annotations of a property are values here, not types; bpy's classes are of unknown type.
# mypy: disable-error-code="valid-type,misc,name-defined"

from typing import Any

import bpy
from bpy.props import IntProperty

from ..datablocks import images_by_channel, uv_layer
from ..problem import Problem, say
from ..read import image_settings
from ..results import history, node_graph
from ..write import material as write_material
from .results import CANCELLED, INDEX_PROPERTY, EditingOperator, active_object


class FeedBaseColor(EditingOperator, bpy.types.Operator):
    """Use the texture in your own material: plug its image into the Base Color of the Principled BSDF of what
    the active material slot showed before, and show that material again"""

    bl_idname = "sync_texture.feed_base_color"
    bl_label = "Feed Base Color of the Active Material"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(**INDEX_PROPERTY)

    def execute(self, context: Any) -> set[str]:
        if (found := self.result(context, self.index)) is None:
            return CANCELLED
        obj, index = found
        try:
            material = _feed(obj, history.of(obj)[index])
        except Problem as problem:
            say(self, "ERROR", str(problem))
            return CANCELLED
        others = [o.name for o in bpy.data.objects if o != obj and material.name in o.material_slots]
        too = f". '{others[0]}' has this material too" if others else ""
        say(self, "INFO", f"The texture feeds the Base Color of '{material.name}'{too}")
        return {"FINISHED"}


def _feed(obj: Any, result: Any) -> Any:
    slot = obj.active_material_index
    shown = dict(history.shown_slots(obj, result))
    ours = shown.get(slot, result.material)
    images = images_by_channel(ours)
    if not images:
        raise Problem("The image of this result is gone", "Choose another one.")
    if image_settings.kind(ours):
        what = f"'{ours.name}' tiles, which an image alone in another material doesn't"
        raise Problem(what, "Copy its Mapping and Image Texture nodes into that one.")
    material = write_material.artists(obj, slot)
    if material is None:
        fix = "Give it one with a Principled BSDF (the texture's own material does without)."
        raise Problem(f"The active slot of '{obj.name}' has no material of yours", fix)
    node_graph.feed(material, images, uv_layer(ours))
    with history.up_to_date(obj):
        write_material.restore(obj, {slot})
    return material


class UnfeedBaseColor(bpy.types.Operator):
    """Take the texture out of the active material: what was plugged into Base Color before is so again"""

    bl_idname = "sync_texture.unfeed_base_color"
    bl_label = "Restore Base Color"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Any) -> bool:
        obj = active_object(context)
        if not obj or obj.type != "MESH" or not node_graph.nodes(artists_material(obj)):
            cls.poll_message_set("The active material has no texture of ours in it")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        try:
            node_graph.unfeed(artists_material(active_object(context)))
        except Problem as problem:
            say(self, "ERROR", str(problem))
            return CANCELLED
        return {"FINISHED"}


def artists_material(obj: Any) -> Any | None:
    """The material of the artist's in the active slot of ``obj``."""
    return write_material.artists(obj, obj.active_material_index)


register, unregister = bpy.utils.register_classes_factory((FeedBaseColor, UnfeedBaseColor))
