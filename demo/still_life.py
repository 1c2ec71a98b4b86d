"""The README's picture: a still life, each object textured from a prompt by the extension; needs bpy.

Started by `build.py picture`, which installs the extension into a Blender profile of its own. The meshes are
Blender's primitives, Suzanne, profiles turned on a lathe and the demo's knot. The extension makes the base
colours. How rough or coated a surface is stands in THINGS: textures don't carry that yet.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import bpy
from mathutils import Vector

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from demo import knot
from demo.suzanne import EXTENSION, quiet

Triple = tuple[float, float, float]
Profile = Sequence[tuple[float, float]]  # (radius, height) from the bottom up, of something turned on a lathe

VASE = (
    *((0.0, 0.0), (0.30, 0.0), (0.34, 0.03), (0.46, 0.22), (0.56, 0.48), (0.58, 0.66), (0.52, 0.86)),
    *((0.38, 1.06), (0.25, 1.24), (0.20, 1.40), (0.21, 1.52), (0.28, 1.62), (0.25, 1.62), (0.17, 1.50)),
    *((0.16, 1.40), (0.0, 1.36)),
)
BOWL = (
    *((0.0, 0.0), (0.36, 0.0), (0.44, 0.03), (0.60, 0.16), (0.72, 0.34), (0.78, 0.52), (0.75, 0.55)),
    *((0.70, 0.52), (0.64, 0.38), (0.52, 0.22), (0.36, 0.12), (0.0, 0.10)),
)
TOWER = ((0.0, 0.0), (0.55, 0.0), (0.57, 0.02), (0.48, 1.20), (0.0, 1.20))
ROOF = ((0.0, 0.0), (0.64, 0.0), (0.66, 0.03), (0.34, 0.46), (0.0, 0.95))


def suzanne(size: float) -> None:
    """Blender's monkey, smooth."""
    bpy.ops.mesh.primitive_monkey_add(size=size)
    bpy.context.object.modifiers.new("Subdivision", "SUBSURF").levels = 2
    _smooth()


def ball(radius: float, stretch: float = 1.0) -> None:
    """A ball, or an egg where ``stretch`` is above 1."""
    bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32, radius=radius)
    bpy.context.object.scale.z = stretch
    _smooth()


def ring(radius: float, thickness: float) -> None:
    """A torus."""
    bpy.ops.mesh.primitive_torus_add(
        major_radius=radius, minor_radius=thickness, major_segments=96, minor_segments=32
    )
    _smooth()


def block(size: Triple, bevel: float) -> None:
    """A box with round edges."""
    bpy.ops.mesh.primitive_cube_add(size=1)
    bpy.context.object.scale = size
    bpy.ops.object.transform_apply(location=False, rotation=False)
    modifier = bpy.context.object.modifiers.new("Bevel", "BEVEL")
    modifier.width, modifier.segments = bevel, 4
    _smooth()


def turned(profile: Profile, around: int = 96, fine: int = 6) -> None:
    """What a lathe makes of ``profile``, whose ends lie on the axis. fine: rings for each of its parts."""
    rings = [_between(p, q, i / fine) for p, q in pairwise(profile) for i in range(fine)][1:]
    turns = [2 * math.pi * i / around for i in range(around)]
    points = [(r * math.cos(t), r * math.sin(t), z) for r, z in rings for t in turns]
    ends = [(0.0, 0.0, profile[0][1]), (0.0, 0.0, profile[-1][1])]
    mesh = bpy.data.meshes.new("Turned")
    mesh.from_pydata([*points, *ends], [], _turned_faces(len(rings), around))
    obj = bpy.data.objects.new("Turned", mesh)
    bpy.context.scene.collection.objects.link(obj)
    for other in bpy.context.view_layer.objects:
        other.select_set(other == obj)
    bpy.context.view_layer.objects.active = obj
    _smooth()


def _between(p: tuple[float, float], q: tuple[float, float], share: float) -> tuple[float, float]:
    return p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])


def _turned_faces(rings: int, around: int) -> list[tuple[int, ...]]:
    """Quads between the rings, from the lowest up, and triangles to the two points on the axis."""
    faces: list[tuple[int, ...]] = []
    top = (rings - 1) * around
    for i in range(around):
        j = (i + 1) % around
        faces.append((rings * around, j, i))
        faces.append((rings * around + 1, top + i, top + j))
        faces += [(low + i, low + j, low + around + j, low + around + i) for low in range(0, top, around)]
    return faces


def trefoil(size: float) -> None:
    """The demo's knot, ``size`` times as large, upright."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "knot.obj")
        knot.write(path, radius=0.62)
        bpy.ops.wm.obj_import(filepath=str(path), forward_axis="Y", up_axis="Z")
    bpy.context.object.scale = (size, size, size)
    bpy.context.object.rotation_euler = (math.radians(90), 0, 0)
    _smooth()


def _smooth() -> None:
    """Smooth shading; scale and modifiers become part of the mesh."""
    bpy.ops.object.transform_apply(location=False)
    bpy.ops.object.convert(target="MESH")
    bpy.ops.object.shade_smooth()


@dataclass(frozen=True)
class Thing:
    """One object: its prompt and mesh, where it stands, how it is turned (degrees), what light does on it."""

    prompt: str
    build: Callable[[], None]
    place: Triple
    turn: Triple = (0.0, 0.0, 0.0)
    roughness: float = 0.6
    coat: float = 0.0
    metallic: float = 0.0


# fmt: off
THINGS = (
    Thing("teal dragon scales", lambda: suzanne(2.1), (0.1, 0.55, 0), (-18, 0, 8), 0.35, 0.4),
    Thing("weathered red bricks", lambda: turned(TOWER), (-2.0, 1.6, 0), (0, 0, 0), 0.8),
    Thing("dark grey roof shingles", lambda: turned(ROOF), (-2.0, 1.6, 1.2), (0, 0, 0), 0.6),
    Thing("blue ceramic tiles", lambda: turned(VASE), (2.3, 1.25, 0), (0, 0, 0), 0.2, 0.8),
    Thing("beige wicker", lambda: turned(BOWL), (1.95, -0.35, 0), (0, 0, 0), 0.7),
    Thing("giraffe skin", lambda: ball(0.27, 1.3), (1.65, -0.2, 0.20), (65, 0, 40), 0.35, 0.3),
    Thing("black and pink stripes", lambda: ball(0.27, 1.3), (2.22, -0.25, 0.20), (60, 0, -50), 0.35, 0.3),
    Thing("red hexagon tiles", lambda: ball(0.27, 1.3), (1.92, -0.55, 0.26), (75, 0, 100), 0.3, 0.5),
    Thing("knitted pink wool", lambda: ring(0.44, 0.21), (-1.3, -0.85, 0), (0, 0, 0), 0.95),
    Thing("gold scales", lambda: trefoil(0.18), (-2.4, -0.3, 0), (0, 0, 25), 0.3, 0.2, 0.6),
    Thing("orange herringbone", lambda: block((0.6, 0.6, 0.6), 0.06), (0.85, -0.9, 0), (0, 0, 28), 0.5, 0.2),
    Thing("yellow and red checkerboard", lambda: ball(0.26), (-0.4, -1.5, 0), (20, 30, 0), 0.3, 0.5),
)
# fmt: on
FLOOR = Thing("oak wood planks", lambda: block((1.6, 1.6, 0.2), 0.01), (0, 0, 0), roughness=0.4, coat=0.1)
TILES = range(-3, 4), range(-2, 3)  # of the floor: to the right and to the back


def main(arguments: list[str]) -> None:
    """Texture everything, keep the scene, render it."""
    options = _parser().parse_args(arguments)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    bpy.context.scene.sync_texture.model = options.model
    lay_floor(texture(FLOOR, options.seed))
    for thing in THINGS:
        texture(thing, options.seed)
    stage()
    light()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(options.out.with_suffix(".blend").resolve()))
    render(options.out, options.width, options.samples)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True, help="the picture, .jpg; the scene goes beside it")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--samples", type=int, default=16)
    return parser


def texture(thing: Thing, seed: int) -> bpy.types.Object:
    """Add ``thing``, have it textured, and put it in its place."""
    thing.build()
    obj = bpy.context.object
    obj.name = thing.prompt
    bpy.ops.sync_texture.generate(prompt=thing.prompt, seed=seed, texture_size="1024")
    finish(obj, thing)
    place(obj, thing)
    return obj


def place(obj: bpy.types.Object, thing: Thing) -> None:
    """Turn ``obj`` and let it stand at its place."""
    obj.rotation_euler = [math.radians(angle) for angle in thing.turn]
    obj.location = thing.place
    bpy.context.view_layer.update()
    lowest = min((obj.matrix_world @ vertex.co).z for vertex in obj.data.vertices)
    obj.location.z += thing.place[2] - lowest


def lay_floor(tile: bpy.types.Object) -> None:
    """Copies of ``tile`` side by side, turned in turns, with their upper side at height 0."""
    side, height = tile.dimensions.x, tile.dimensions.z
    for i, j in product(*TILES):
        copy = tile.copy()  # its mesh and texture are shared
        copy.location = (i * side, j * side, -height / 2)
        copy.rotation_euler.z = math.radians(90 * ((i + j) % 2) + 180 * (i % 3 == 1))
        bpy.context.scene.collection.objects.link(copy)
    bpy.data.objects.remove(tile)


def finish(obj: bpy.types.Object, thing: Thing) -> None:
    """What light does on the textured ``obj``."""
    nodes = obj.material_slots[0].material.node_tree.nodes
    inputs = next(node for node in nodes if node.type == "BSDF_PRINCIPLED").inputs
    inputs["Roughness"].default_value = thing.roughness
    inputs["Coat Weight"].default_value = thing.coat
    inputs["Metallic"].default_value = thing.metallic


def stage() -> None:
    """The wall behind the table, and the camera."""
    wall = bpy.data.materials.new("Wall")
    if wall.node_tree is None:  # from Blender 5 on, materials always have nodes
        wall.use_nodes = True
    inputs = wall.node_tree.nodes["Principled BSDF"].inputs
    inputs["Base Color"].default_value = (0.22, 0.19, 0.165, 1)
    inputs["Roughness"].default_value = 0.9
    bpy.ops.mesh.primitive_plane_add(size=60, location=(0, 9, 0), rotation=(math.radians(90), 0, 0))
    bpy.context.object.data.materials.append(wall)
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    bpy.context.scene.collection.objects.link(camera)
    data.lens = 54
    camera.location = (0.0, -9.6, 2.3)
    _aim(camera, (-0.05, 0.2, 0.86))
    data.dof.use_dof, data.dof.focus_distance, data.dof.aperture_fstop = True, 9.6, 4.0
    bpy.context.scene.camera = camera


def light() -> None:
    """A large soft light from the left, a weak one from the right, a narrow one from behind, some sky."""
    _lamp((-5.0, -4.0, 6.0), 5.0, 900, (1.0, 0.93, 0.84))
    _lamp((6.0, -4.0, 3.0), 4.0, 180, (0.80, 0.89, 1.0))
    _lamp((3.0, 4.5, 5.0), 2.0, 350, (1.0, 0.95, 0.9))
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = (0.12, 0.13, 0.15)


def _lamp(place: Triple, size: float, watts: float, colour: Triple) -> None:
    data = bpy.data.lights.new("Light", "AREA")
    data.size, data.energy, data.color = size, watts, colour
    lamp = bpy.data.objects.new("Light", data)
    bpy.context.scene.collection.objects.link(lamp)
    lamp.location = place
    _aim(lamp, (0.0, 0.0, 0.6))


def _aim(obj: bpy.types.Object, at: Triple) -> None:
    obj.rotation_euler = (Vector(at) - obj.location).to_track_quat("-Z", "Y").to_euler()


def render(path: Path, width: int, samples: int) -> None:
    """The picture, 16:9, by Cycles on the processor, denoised where this Blender can."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = _denoises(scene)
    scene.render.resolution_x, scene.render.resolution_y = width, width * 9 // 16
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.render.image_settings.file_format = "JPEG"
    scene.render.image_settings.quality = 90
    scene.render.filepath = str(path.resolve())
    with quiet():
        bpy.ops.render.render(write_still=True)


def _denoises(scene: bpy.types.Scene) -> bool:
    try:
        scene.cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:  # built without Open Image Denoise, as Debian's
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
