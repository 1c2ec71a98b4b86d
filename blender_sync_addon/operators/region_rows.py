"""The panel's regions: a row for each, with what it is, its name, its prompt and its guidance."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

from typing import Any

import bpy
from bpy.props import (
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...engine.options import areas, choices, values
from ...engine.options.areas import Area, Region
from ...engine.options.blender import panel
from ...engine.protocol import UserError
from ..read.target import SELECTED_FACES
from .registration import with_scene
from .weighted_rows import RemoveRow, Rows, takes

ACTIVE = "sync_texture_region"
"""The scene's number of the row that the panel shows in full."""
_AREAS = [(name, *words) for name, words in choices.AREAS.items()]


def _name(row: Any) -> str:
    return str(row.image.name if row.kind == "mask" and row.image else row.name.strip())


def _said(row: Any) -> str:
    """ "" while it has no name or no prompt. Semicolons stand between regions."""
    name, prompt = _name(row), row.prompt.replace(";", ",").strip()
    if not name or not prompt:
        return ""
    return areas.write_region(Region(Area(row.kind, name), prompt, round(row.guidance, 4) or None))


def _fill(row: Any, text: str) -> None:
    """What can't be read stays as a prompt, for the artist to mend."""
    try:
        region = areas.read_region(text)
    except UserError:
        row.prompt = text
        return
    row.kind, row.prompt, row.guidance = region.area.kind, region.prompt, region.guidance or 0.0
    row.image = bpy.data.images.get(region.area.name) if row.kind == "mask" else None
    row.name = "" if row.image else region.area.name


ROWS = Rows("region", "sync_texture_regions", _said, _fill)


def tell_names(scene: Any) -> None:
    """Let the option say the names that masks have now. Else it stays as it is: a script may have said what
    rows can't, which the job understands or refuses."""
    try:
        said = values.read(panel()[ROWS.option], getattr(scene.sync_texture, ROWS.option))
        before = [region.area.name for region in areas.read_regions(said)]
    except UserError:
        return
    now = [_name(row) for row in ROWS.of(scene) if _said(row)]
    if len(now) == len(before) and now != before:
        ROWS.tell(scene)


class RegionRow(bpy.types.PropertyGroup):
    """One region with a prompt of its own"""

    bl_idname = "SYNC_TEXTURE_region_row"

    kind: EnumProperty(
        name="Area",
        description="What the region is",
        items=_AREAS,
        update=ROWS.changed,
    )
    name: StringProperty(
        name="Name", description="Of the material, object, group, faces or file", update=ROWS.changed
    )
    image: PointerProperty(
        name="Mask",
        type=bpy.types.Image,
        description="White where the region is, on the UV map that is textured",
        poll=takes,
        update=ROWS.changed,
    )
    prompt: StringProperty(name="Prompt", description="What the region should look like", update=ROWS.changed)
    guidance: FloatProperty(
        name="Guidance",
        description="How closely its prompt is followed. 0: as that of the rest",
        min=0,
        max=areas.GREATEST_GUIDANCE,
        soft_max=20,
        update=ROWS.changed,
    )


class AddRegion(bpy.types.Operator):
    """Add an area with a prompt of its own: the active material of the active object, to begin with"""

    bl_idname = "sync_texture.region_add"
    bl_label = "Add Region"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    kind: EnumProperty(
        name="Area",
        description="What the region is",
        items=_AREAS,
        default="material",
    )
    prompt: StringProperty(name="Prompt", description="What it should look like")

    def execute(self, context: Any) -> set[str]:
        row = ROWS.of(context.scene).add()
        row.kind, row.prompt = self.kind, self.prompt
        row.name = _begin(context.view_layer.objects.active, self.kind)
        setattr(context.scene, ACTIVE, len(ROWS.of(context.scene)) - 1)
        return {"FINISHED"}


class RemoveRegion(RemoveRow, bpy.types.Operator):
    """Leave this region out: it is painted as the rest"""

    bl_idname = "sync_texture.region_remove"
    bl_label = "Remove Region"
    rows = ROWS

    @classmethod
    def poll(cls, context: Any) -> bool:
        return len(ROWS.of(context.scene)) > 0

    def execute(self, context: Any) -> set[str]:
        status = super().execute(context)
        setattr(context.scene, ACTIVE, max(0, min(self.index, len(ROWS.of(context.scene)) - 1)))
        return status


class MoveRegion(bpy.types.Operator):
    """Later regions lie over earlier ones"""

    bl_idname = "sync_texture.region_move"
    bl_label = "Move Region"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    index: IntProperty(name="Row", description="Which one, from 0", min=0)
    by: IntProperty(name="By", description="How far: -1 is up, 1 is down", default=1)

    def execute(self, context: Any) -> set[str]:
        rows, to = ROWS.of(context.scene), self.index + self.by
        if not 0 <= to < len(rows):
            return {"CANCELLED"}
        rows.move(self.index, to)
        ROWS.tell(context.scene)
        setattr(context.scene, ACTIVE, to)
        return {"FINISHED"}


def _begin(obj: Any | None, kind: str) -> str:
    """What a new row names."""
    if kind == "faces":
        return SELECTED_FACES
    if obj is None:
        return ""
    if kind == "object":
        return str(obj.name)
    if kind == "group":
        group = obj.vertex_groups.active if obj.type == "MESH" else None
        return group.name if group else ""
    return obj.active_material.name if kind == "material" and obj.active_material else ""


register, unregister = with_scene(
    (RegionRow, AddRegion, RemoveRegion, MoveRegion),
    **{ROWS.place: CollectionProperty(type=RegionRow), ACTIVE: IntProperty(name="Region", min=0)},
)
