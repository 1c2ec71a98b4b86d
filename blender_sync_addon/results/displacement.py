"""Real displacement of a result: on all of its materials, on a mesh that is fine enough."""

from __future__ import annotations

from typing import Any

from ..datablocks import TAG
from ..problem import Problem
from ..write import displacement as write_displacement
from . import history
from .tile_material import REPEAT


def use(obj: Any, result: Any, depsgraph: Any, rounded: bool = False) -> str:
    """Let the relief of ``result`` move the surface of ``obj``; what was done, in words. rounded: as of
    write.displacement.refine. Raises Problem where it has none."""
    materials = [one for one in history.materials(result) if write_displacement.node_of(one)]
    if not materials:
        fix = "Generate it with Material: Full, by a model that tells the relief, such as the starter."
        raise Problem("This texture has no height", fix)
    faces = len(obj.evaluated_get(depsgraph).data.polygons)
    for material in materials:
        write_displacement.use(material)
    if not is_used(result):
        fix = f"Link its node '{write_displacement.LABEL}' to the output by hand."
        raise Problem(f"'{materials[0].name}' has no Principled BSDF or no output any more", fix)
    levels = write_displacement.refine(obj, faces, max(map(_texels, materials)), rounded)
    finer = f", at subdivision level {levels} in renders" if levels else ""
    return f"The relief of '{obj.name}' is real{finer}"


def undo(obj: Any, result: Any) -> str:
    """The reverse of :func:`use`, and what was done in words."""
    for material in history.materials(result):
        write_displacement.undo(material)
    write_displacement.coarsen(obj)
    return f"The relief of '{obj.name}' is shading again"


def is_used(result: Any) -> bool:
    """Whether the relief of ``result`` is real. Cheap enough for drawing a panel."""
    return any(map(write_displacement.is_real, history.materials(result)))


def is_possible(result: Any) -> bool:
    """Whether ``result`` has heights. Cheap enough for drawing a panel."""
    return any(map(write_displacement.node_of, history.materials(result)))


def _texels(material: Any) -> int:
    """How many heights lie on an object that shows ``material``, about."""
    node = write_displacement.node_of(material)
    image = node.inputs["Height"].links[0].from_node.image if node and node.inputs["Height"].links else None
    repeat = float(material[TAG].get(REPEAT, 1.0))
    return round(image.size[0] * image.size[1] * repeat**2) if image else 0
