"""For scripts that run inside Blender: load the add-on from the checkout, dump the file, render."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import tempfile
import time
import types
import warnings
from pathlib import Path

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "sync_texture"


def module(path: Path, name: str):
    spec = importlib.util.spec_from_file_location(name, path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


fake_engine = module(ROOT / "tests" / "addon" / "fake_engine.py", "fake_engine")
effort = module(ROOT / "tests" / "effort.py", "effort")


def enable():
    """The add-on registered out of the checkout; gives its package."""
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(ROOT)]
    sys.modules[PACKAGE] = package
    addon = importlib.import_module(f"{PACKAGE}.blender_sync_addon")
    addon.register()
    return addon


def use_fake_engine() -> None:
    """Let the add-on run the fake engine by SYNC_TEXTURE_TEST_PYTHON."""
    python = os.environ.get("SYNC_TEXTURE_TEST_PYTHON", sys.executable)
    script = fake_engine.install(Path(tempfile.mkdtemp()), python)
    os.environ["SYNC_TEXTURE_PYTHON"] = str(script)


def empty_scene() -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    for material in list(bpy.data.materials):
        bpy.data.materials.remove(material)


def mesh_object(name: str, vertices, faces, uvs=None):
    """A linked, active, selected mesh object. uvs: one (u, v) per loop."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    if uvs is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        layer.uv.foreach_set("vector", np.asarray(uvs, np.float32).ravel())
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(obj)
    bpy.ops.object.select_all(action="DESELECT")
    obj.select_set(True)
    bpy.context.view_layer.objects.active = obj
    return obj


def cube(**options):
    """The default cube's mesh: six quads, UVs in [0, 1]."""
    bpy.ops.mesh.primitive_cube_add(**options)
    return bpy.context.object


COLOURS = {name: getattr(fake_engine, name.upper()) for name in ("red", "green", "blue", "yellow")}
# A square seen from above, upright: what mesh_object takes after the name.
PLANE = ([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2, 3)], [(0, 0), (1, 0), (1, 1), (0, 1)])


SPLATS = {  # one that lies wide along x, one that stands along z, turned from x, one that can't be seen
    **{"x": (0, 3, 0), "y": (0, 0, 2), "z": (0, 0, 0)},
    **{"f_dc_0": (1.2, 0, 0), "f_dc_1": (-0.4, 0, 0), "f_dc_2": (0.3, 0, 0), "opacity": (4, 4, -4)},
    **{"scale_0": np.log((1, 0.4, 1)), "scale_1": np.log((0.5, 0.1, 1)), "scale_2": np.log((0.1, 0.2, 1))},
    **{"rot_0": (2, 0.5**0.5, 1), "rot_1": (0, 0, 0), "rot_2": (0, -(0.5**0.5), 0), "rot_3": (0, 0, 0)},
}


def write_splats(path: Path, *left_out: str) -> None:
    """SPLATS as a .ply, without the properties ``left_out``."""
    kept = {name: column for name, column in SPLATS.items() if name not in left_out}
    listed = "".join(f"property float {name}\n" for name in kept)
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex 3\n{listed}end_header\n"
    path.write_bytes(head.encode() + np.array(list(kept.values()), "<f4").T.tobytes())


def generate(prompt: str = "bricks", **options):
    """The operator, run to its end."""
    return bpy.ops.sync_texture.generate(prompt=prompt, **options)


def nodes_of(material) -> dict:
    """Its nodes by kind."""
    return {node.bl_idname: node for node in material.node_tree.nodes}


def material_slots_with_faces():
    """A cube with two materials of its own, three faces each, two UV maps, the second one for rendering."""
    obj = cube()
    for name in ("wood", "iron"):
        obj.data.materials.append(bpy.data.materials.new(name))
    obj.data.polygons.foreach_set("material_index", [0, 0, 0, 1, 1, 1])
    second = obj.data.uv_layers.new(name="light")
    second.active_render = True
    obj.data.uv_layers.active_index = 0
    return obj


# The file's contents without the user interface (screens, brushes, ...): not all is safe to read blindly.
DUMPED = (
    "objects meshes materials images cameras lights worlds node_groups collections curves textures actions "
    "libraries texts"
)
SKIPPED = {
    "rna_type",
    "original",
    "is_evaluated",
    "preview",
    "session_uid",
    "users",
    "is_updated",
    "tag",
    "storage_type",
    # Reading these of a UV map makes hidden layers and moves the others: Blender 4 crashes.
    "vertex_selection",
    "edge_selection",
    "pin",
    "uv_layer_clone",
    "uv_layer_stencil",
    # Blender 4 stores something empty where the results of an object without any are read.
    "sync_texture",
}


def dump() -> dict[str, str]:
    """Everything in the .blend that a person could notice, as {path: value}; for before and after."""
    found: dict[str, str] = {}
    bpy.context.view_layer.update()
    warnings.simplefilter("ignore", DeprecationWarning)
    for collection in DUMPED.split():
        for block in getattr(bpy.data, collection):
            _dump(block, f"{collection}[{block.name}]", found, 0)
    for scene in bpy.data.scenes:  # not blindly: reading some of a scene's properties crashes Blender 4.2
        for name in ("render", "view_settings", "cycles", "eevee", "display", "cursor", "unit_settings"):
            if (part := getattr(scene, name, None)) is not None:
                _dump(part, f"scenes[{scene.name}].{name}", found, 2)
                found.pop(f"scenes[{scene.name}].{name}.keys", None)  # reading makes them
        found[f"scenes[{scene.name}]"] = str(
            (
                scene.frame_current,
                scene.camera,
                scene.world,
                scene.node_tree if hasattr(scene, "node_tree") else scene.compositing_node_group,
            )
        )
    for prop in bpy.data.bl_rna.properties:
        if prop.type == "COLLECTION":
            found[prop.identifier] = str([block.name for block in getattr(bpy.data, prop.identifier)])
    found["mode"] = bpy.context.mode
    found["active"] = str(bpy.context.view_layer.objects.active)
    found["selected"] = str(sorted(o.name for o in bpy.context.view_layer.objects if o.select_get()))
    return found


def _dump(struct, path: str, found: dict[str, str], depth: int) -> None:
    with contextlib.suppress(TypeError):  # a type without custom properties; groups get theirs by reading
        if not isinstance(struct, bpy.types.PropertyGroup):
            found[f"{path}.keys"] = str(sorted(k for k in struct.keys() if not k.startswith("cycles")))  # noqa: SIM118
    for prop in struct.bl_rna.properties:
        name = prop.identifier
        in_uv_map = name == "data" and isinstance(struct, bpy.types.MeshUVLoopLayer)
        if name in SKIPPED or name.startswith("bl_") or in_uv_map:
            continue
        try:
            value = getattr(struct, name)
        except (AttributeError, RuntimeError):
            continue
        where = f"{path}.{name}"
        if prop.type == "POINTER":
            embedded = isinstance(value, bpy.types.NodeTree) or not isinstance(value, bpy.types.ID)
            if value is not None and depth < 2 and embedded:
                _dump(value, where, found, depth + 1)
            else:
                found[where] = getattr(value, "name", str(type(value)))
        elif prop.type == "COLLECTION":
            found[f"{where}.len"] = str(len(value))
            if depth < 2 and len(value) <= 5000:
                for index, item in enumerate(value):
                    if item is not None and not isinstance(item, bpy.types.ID):
                        _dump(item, f"{where}[{index}]", found, depth + 1)
                    else:
                        found[f"{where}[{index}]"] = str(getattr(item, "name", None))
        else:
            found[where] = str(tuple(value) if getattr(prop, "is_array", False) else value)


def difference(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple]:
    keys = before.keys() | after.keys()
    return {k: (before.get(k), after.get(k)) for k in sorted(keys) if before.get(k) != after.get(k)}


def check_same(before: dict[str, str], after: dict[str, str]) -> None:
    changed = difference(before, after)
    assert not changed, changed


def left_folders(seconds: float = 5.0) -> list[str]:
    """Names of the folders of jobs that are still there when there was time to remove them."""
    end = time.monotonic() + seconds
    while (found := sorted(Path(bpy.app.tempdir).glob("sync_texture_*"))) and time.monotonic() < end:
        time.sleep(0.02)
    return [folder.name for folder in found]


def raises(call, *words: str) -> str:
    """``call`` must raise RuntimeError with all ``words`` in it; gives its text."""
    text = ""
    try:
        call()
    except RuntimeError as error:
        text = str(error)
    assert text, f"nothing raised, wanted {words}"
    for word in words:
        assert word.lower() in text.lower(), f"{word!r} not in {text}"
    return text


def render(path: Path, engine: str = "CYCLES", size: int = 64) -> np.ndarray:
    """The scene rendered: (size, size, 3) float in [0, 1], first row at the bottom."""
    scene = bpy.context.scene
    scene.render.engine = engine
    if engine == "CYCLES":
        scene.cycles.samples = 4
        scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = str(path)
    scene.render.image_settings.file_format = "PNG"
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    pixels = np.empty(size * size * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(size, size, 4)[..., :3]


def look_down(height: float = 5.0, width: float = 2.0) -> None:
    """An orthographic camera above the origin that sees x to the right and y up, and flat white light."""
    camera = bpy.data.cameras.new("camera")
    camera.type, camera.ortho_scale = "ORTHO", width
    obj = bpy.data.objects.new("camera", camera)
    obj.location = (0, 0, height)
    bpy.context.collection.objects.link(obj)
    bpy.context.scene.camera = obj
    world = bpy.data.worlds.new("white")
    if world.node_tree is None:
        world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)
    bpy.context.scene.world = world


def nearest(colour, names: dict[str, tuple]) -> str:
    """Which of ``names`` (8-bit sRGB) is closest in direction to ``colour``."""
    unit = np.asarray(colour, float) / (np.linalg.norm(colour) + 1e-9)
    return max(names, key=lambda n: float(unit @ (np.array(names[n]) / np.linalg.norm(names[n]))))


def check_quadrants(picture: np.ndarray) -> None:
    """``picture``, the first row at the bottom, must show the fake engine's texture upright."""
    low, high = len(picture) // 4, 3 * len(picture) // 4
    seen = [nearest(picture[y, x], COLOURS) for y in (low, high) for x in (low, high)]
    assert seen == ["red", "green", "blue", "yellow"], seen


def main(tests: dict, addon, after) -> None:
    """Run every ``test_...`` of a script's globals, each in an empty scene; exit status 1 if one fails.

    addon: unregistered at the end. after: called after each test.
    """
    import traceback

    failed = []
    only = os.environ.get("ONLY", "")
    for name, test in list(tests.items()):
        if name.startswith("test_") and only in name:
            empty_scene()
            try:
                test()
                print("ok    ", name, flush=True)
            except Exception:
                failed.append(name)
                print("FAILED", name, flush=True)
                traceback.print_exc()
            after()
    addon.unregister()
    print(json.dumps({"version": bpy.app.version_string, "failed": failed}), flush=True)
    os._exit(1 if failed else 0)  # bpy as a module doesn't always get through its own clean-up
