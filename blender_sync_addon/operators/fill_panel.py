"""Buttons that fill one field of the panel: an example prompt, another seed, a model."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

import random
from typing import Any

import bpy
from bpy.props import StringProperty

from ...engine.options import values
from ...engine.options.blender import panel
from ..read import settings
from ..setup import model_numbers

MAX_SEED = 9999  # enough, and short enough to be told to somebody


class UseExample(bpy.types.Operator):
    """Make this the prompt"""

    bl_idname = "sync_texture.use_example"
    bl_label = "Use Example"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    prompt: StringProperty(name="Prompt", description="What becomes the prompt")

    def execute(self, context: Any) -> set[str]:
        context.scene.sync_texture.prompt = self.prompt
        return {"FINISHED"}


class RandomSeed(bpy.types.Operator):
    """Throw the dice: another seed, for another texture of the same kind"""

    bl_idname = "sync_texture.random_seed"
    bl_label = "Random Seed"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: Any) -> set[str]:
        options = context.scene.sync_texture
        options.seed = random.choice([seed for seed in range(MAX_SEED + 1) if seed != options.seed])
        return {"FINISHED"}


class UseModel(bpy.types.Operator):
    """Make textures with this model from now on, in this scene"""

    bl_idname = "sync_texture.model_use"
    bl_label = "Use Model"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    name: StringProperty(name="Model", description="The model's name")

    def execute(self, context: Any) -> set[str]:
        context.scene.sync_texture.model = self.name
        return {"FINISHED"}


class UseAdapter(bpy.types.Operator):
    """Show the model its reference images through this IP-Adapter from now on, in this scene"""

    bl_idname = "sync_texture.adapter_use"
    bl_label = "Use IP-Adapter"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    name: StringProperty(name="IP-Adapter", description="Its name")

    def execute(self, context: Any) -> set[str]:
        context.scene.sync_texture.ip_adapter = self.name
        return {"FINISHED"}


def estimators(options: Any) -> tuple[str, ...]:
    """The names of the estimators in ``options``."""
    return tuple(values.read(panel()["estimator"], options.estimator))


class UseEstimator(bpy.types.Operator):
    """Have this tell what material the surface is from now on, in this scene, beside those that do already"""

    bl_idname = "sync_texture.estimator_use"
    bl_label = "Use Estimator"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    name: StringProperty(name="Estimator", description="Its name")

    def execute(self, context: Any) -> set[str]:
        options = context.scene.sync_texture
        options.estimator = settings.written((*estimators(options), self.name))
        return {"FINISHED"}


class ChooseNumber(bpy.types.Operator):
    """Choose this number, or leave it to the model again"""

    bl_idname = "sync_texture.choose_number"
    bl_label = "Choose Number"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    name: StringProperty(name="Option", description="Which one")

    def execute(self, context: Any) -> set[str]:
        options, entry = context.scene.sync_texture, panel()[self.name]
        nothing = settings.nothing(entry)
        number = model_numbers.of(options.model, entry.name)
        own = entry.limits[0] if number is None else number
        chosen = own if getattr(options, entry.name) == nothing else nothing
        setattr(options, entry.name, entry.kind(chosen))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (UseExample, RandomSeed, UseModel, UseAdapter, UseEstimator, ChooseNumber)
)
