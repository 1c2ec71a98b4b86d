"""The dice beside the seed."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

import random
from typing import Any

import bpy

MOST = 9999  # enough, and short enough to be told to somebody


class RandomSeed(bpy.types.Operator):
    """Throw the dice: another seed, for another texture of the same kind"""

    bl_idname = "sync_texture.random_seed"
    bl_label = "Random Seed"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: Any) -> set[str]:
        options = context.scene.sync_texture
        options.seed = random.choice([seed for seed in range(MOST + 1) if seed != options.seed])
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((RandomSeed,))
