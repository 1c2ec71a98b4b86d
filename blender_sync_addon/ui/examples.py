"""The Examples menu beside the prompt: one click puts a prompt that works into the field."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="valid-type,misc"

from typing import Any

import bpy
from bpy.props import StringProperty

from ..operators import properties

COLUMN = 26  # entries


class UseExample(bpy.types.Operator):
    """Make this the prompt"""

    bl_idname = "sync_texture.use_example"
    bl_label = "Use Example"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    prompt: StringProperty(name="Prompt", description="What becomes the prompt")

    def execute(self, context: Any) -> set[str]:
        context.scene.sync_texture.prompt = self.prompt
        return {"FINISHED"}


class ExamplesMenu(bpy.types.Menu):
    """What the model knows: one prompt for each of its materials"""

    bl_idname = "SYNC_TEXTURE_MT_examples"
    bl_label = "Examples"

    def draw(self, context: Any) -> None:
        found = properties.prompt_vocabulary(context.scene.sync_texture)
        examples = found.examples if found else ()
        columns = self.layout.row()
        for start in range(0, len(examples), COLUMN):
            column = columns.column()
            for example in examples[start : start + COLUMN]:
                column.operator(UseExample.bl_idname, text=example.label).prompt = example.prompt


register, unregister = bpy.utils.register_classes_factory((UseExample, ExamplesMenu))
