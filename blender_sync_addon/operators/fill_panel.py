"""Buttons that fill one field of the panel: an example prompt, another seed, a model."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

import random
from typing import Any

import bpy
from bpy.props import StringProperty

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


register, unregister = bpy.utils.register_classes_factory((UseExample, RandomSeed, UseModel))
