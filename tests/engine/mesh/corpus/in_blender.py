"""What Blender's own importers make of files: `python in_blender.py FOLDER`, by a Python with bpy.

FOLDER/files.json names the files; FOLDER/NAME.npz gets the triangles of each, or a reason why there are none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
import numpy as np

PLAIN = {"forward_axis": "Y", "up_axis": "Z"}  # the axes stay as they are in the file


def main(folder: Path) -> None:
    for name in json.loads((folder / "files.json").read_text("utf-8")):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        try:
            _import(folder / name)
            arrays = _triangles(gltf=name.endswith(("gltf", "glb")))
        except Exception as error:  # an importer says what is wrong by raising anything
            arrays = {"error": np.array(" ".join(str(error).split())[-300:])}
        np.savez(folder / f"{name.replace('/', '_')}.npz", **arrays)


def _import(path: Path) -> None:
    ending = path.suffix.lower()
    if ending == ".obj":
        bpy.ops.wm.obj_import(filepath=str(path), **PLAIN)
    elif ending == ".ply":
        bpy.ops.wm.ply_import(filepath=str(path), **PLAIN)
    elif ending == ".stl":
        bpy.ops.wm.stl_import(filepath=str(path), **PLAIN)
    else:
        bpy.ops.import_scene.gltf(filepath=str(path))


def _triangles(gltf: bool) -> dict[str, np.ndarray]:
    """All that the scene shows, as soup.Soup has it; glTF's axes back."""
    points, uvs, materials = [np.zeros((0, 3, 3))], [np.zeros((0, 3, 2))], []
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for instance in depsgraph.object_instances:
        own = instance.object
        if own.type != "MESH" or (gltf and own.original.display_type == "WIRE"):
            continue
        mesh = own.to_mesh()
        mesh.calc_loop_triangles()
        count = len(mesh.loop_triangles)
        if not count:
            continue
        corner, loop, slot = (np.empty(count * n, np.int32) for n in (3, 3, 1))
        mesh.loop_triangles.foreach_get("vertices", corner)
        mesh.loop_triangles.foreach_get("loops", loop)
        mesh.loop_triangles.foreach_get("material_index", slot)
        places = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", places)
        matrix = np.array(instance.matrix_world, np.float64)
        places = places.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
        if gltf:
            places = places[:, [0, 2, 1]] * (1, 1, -1)
        triangles = places[corner.reshape(-1, 3)]
        points.append(triangles if np.linalg.det(matrix[:3, :3]) >= 0 else triangles[:, ::-1])
        flat = np.zeros((len(mesh.loops), 2), np.float32)
        if mesh.uv_layers:
            read = np.empty(len(mesh.loops) * 2, np.float32)
            mesh.uv_layers[0].uv.foreach_get("vector", read)
            flat = read.reshape(-1, 2)
        own_uvs = flat[loop.reshape(-1, 3)].astype(np.float64)
        uvs.append(own_uvs if np.linalg.det(matrix[:3, :3]) >= 0 else own_uvs[:, ::-1])
        names = [one.name if one else "" for one in mesh.materials] or [""]
        materials += [names[min(i, len(names) - 1)] for i in slot.tolist()]
        own.to_mesh_clear()
    return {
        "points": np.concatenate(points),
        "uvs": np.concatenate(uvs),
        "materials": np.array(materials or [""], "U"),
    }


if __name__ == "__main__":
    main(Path(sys.argv[-1]))
