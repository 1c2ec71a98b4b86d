"""The operators: gather -> start -> poll -> finish."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

import dataclasses
from typing import Any

import bpy

from .. import package
from ..jobs import engine
from ..jobs.texture_job import TextureJob
from ..read import objects
from ..read import settings as read_settings
from ..results import history
from ..write import material as write_material
from . import running_job
from .properties import Options
from .running_job import JobOperator, running


class Generate(JobOperator, Options, bpy.types.Operator):
    """Texture an object, several, or some faces, from the prompt. What isn't given is the panel's"""

    bl_idname = "sync_texture.generate"
    bl_label = "Generate Texture"
    # No REGISTER: "Adjust Last Operation" would run the whole job again at each change of a slider.
    bl_options = {"UNDO"}  # noqa: RUF012

    def start(self, context: Any) -> TextureJob:
        scene = context.scene.sync_texture
        settings = read_settings.from_options(self, scene, package.device())
        given = self.properties.is_property_set
        chosen = self if given("target") or given("slot") else scene
        target = "slot" if given("slot") and not given("target") else chosen.target
        settings = dataclasses.replace(settings, target=target, slot=chosen.slot)
        return TextureJob(objects.of_target(context.view_layer, target), settings)


class CancelTexture(bpy.types.Operator):
    """Stop making the texture; nothing is changed"""

    bl_idname = "sync_texture.cancel"
    bl_label = "Cancel Texture"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, _context: Any) -> bool:
        return running() is not None

    def execute(self, _context: Any) -> set[str]:
        if job := running():
            job.cancel()
        return {"FINISHED"}


class RestoreMaterials(bpy.types.Operator):
    """Show again the materials that the active object had before it was textured"""

    bl_idname = "sync_texture.restore_materials"
    bl_label = "Restore Materials"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Any) -> bool:
        return write_material.can_restore(context.view_layer.objects.active)

    def execute(self, context: Any) -> set[str]:
        with history.up_to_date(obj := context.view_layer.objects.active):
            write_material.restore(obj)
        return {"FINISHED"}


_CLASSES = (Generate, CancelTexture, RestoreMaterials)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    running_job.end_running_job()
    engine.supervisor.shutdown()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
