"""The textured mesh as a .glb that any program opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from ..mesh.mesh import Mesh

ROUGHNESS = 0.6


def export_glb(mesh: Mesh, texture: Path, path: Path) -> None:
    """Write ``mesh``, which has UVs, with the picture ``texture`` as base colour; original units and axes.

    Corners with the same vertex and UV become one glTF vertex.
    """
    assert mesh.uvs is not None
    key = np.column_stack([mesh.faces.reshape(-1), mesh.uvs.reshape(-1, 2).view(np.int32)])
    _, first, corner = np.unique(key, axis=0, return_index=True, return_inverse=True)
    material = PBRMaterial(
        name="sync_texture",
        baseColorTexture=Image.open(texture),
        metallicFactor=0.0,
        roughnessFactor=ROUGHNESS,
    )
    visual = TextureVisuals(uv=mesh.uvs.reshape(-1, 2)[first], material=material)
    vertices, faces = mesh.vertices[mesh.faces.reshape(-1)[first]], corner.reshape(-1, 3)
    textured = trimesh.Trimesh(vertices, faces, visual=visual, process=False, validate=False)
    path.write_bytes(trimesh.Scene({mesh.name: textured}).export(file_type="glb"))
