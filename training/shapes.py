"""Random triangle meshes that stand for what people texture: smooth, hard-edged, turned, thin, organic.

Every shape is normalised by the engine's own ``to_unit_sphere``, so the network sees the framing it will be
used with. Randomness comes only from the ``numpy.random.Generator`` that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from engine.mesh.frame import to_unit_sphere

Triple = Sequence[float] | NDArray[np.float64]
Mesh = tuple[NDArray[np.float32], NDArray[np.int32]]  # vertices (V, 3) in the unit sphere, faces (F, 3)


def random_shape(rng: np.random.Generator) -> Mesh:
    """A normalised mesh: one part, a few overlapping ones, a thin-legged assembly, a creature or a device."""
    build = (_single, _union, _assembly, *_FIGURES)[rng.choice(7, p=[0.42, 0.26, 0.12, *[0.05] * 4])]
    mesh = trimesh.util.concatenate(build(rng))
    vertices, _, _ = to_unit_sphere(np.asarray(mesh.vertices, np.float32))
    return vertices, np.asarray(mesh.faces, np.int32)


def _single(rng: np.random.Generator) -> list[trimesh.Trimesh]:
    return [_turned(_part(rng), rng)]


def _union(rng: np.random.Generator) -> list[trimesh.Trimesh]:
    parts = [_turned(_part(rng), rng)]
    for _ in range(rng.integers(1, 4)):
        part = _turned(_part(rng), rng)
        part.apply_scale(rng.uniform(0.3, 0.65))
        part.apply_translation(rng.uniform(-0.75, 0.75, 3))
        parts.append(part)
    return parts


def _assembly(rng: np.random.Generator) -> list[trimesh.Trimesh]:
    """A body on legs, with a handle, or with ears: parts thin enough to show only a few pixels."""
    body = _part(rng)
    kind = rng.integers(3)
    if kind == 0:
        return [body, *_legs(rng)]
    if kind == 1:
        handle = trimesh.creation.torus(rng.uniform(0.3, 0.5), rng.uniform(0.05, 0.1))
        handle.apply_transform(_rotation([np.pi / 2 * rng.integers(2), 0, 0]))
        handle.apply_translation([0.8, 0.0, 0.0] if rng.random() < 0.5 else [0.0, 0.8, 0.0])
        return [body, handle]
    ears = [_part(rng)]
    ears[0].apply_scale(rng.uniform(0.2, 0.45))
    ears.append(ears[0].copy())
    for side, ear in zip((-1, 1), ears, strict=True):
        ear.apply_translation([side * rng.uniform(0.55, 0.9), 0.5, 0.1])
    return [body, *ears]


def _legs(rng: np.random.Generator) -> list[trimesh.Trimesh]:
    radius, height = rng.uniform(0.04, 0.12), rng.uniform(0.6, 1.4)
    legs = []
    for x in (-0.5, 0.5):
        for z in (-0.5, 0.5):
            leg = trimesh.creation.cylinder(radius, height, sections=int(rng.choice([4, 16])))
            leg.apply_transform(_rotation([np.pi / 2, 0, 0]))
            leg.apply_translation([x, -height / 2 - 0.3, z])
            legs.append(leg)
    return legs


def _head(rng: np.random.Generator) -> list[trimesh.Trimesh]:
    """A skull with a snout, ears and eyes, looking towards +z."""
    parts = [_placed(_blob(rng), [0.8, 0.9, 0.8], [0, 0, 0])]
    parts.append(_placed(_ellipsoid(rng), rng.uniform(0.25, 0.5, 3), [0, -0.25, 0.75]))
    ear, eye = _part(rng), trimesh.creation.icosphere(subdivisions=3, radius=rng.uniform(0.1, 0.2))
    size, height = rng.uniform(0.15, 0.45, 3), rng.uniform(0.1, 0.8)
    for side in (-1, 1):
        parts.append(_placed(ear.copy(), size, [0.75 * side, height, 0]))
        parts.append(_placed(eye.copy(), [1, 1, 1], [0.3 * side, 0.2, 0.68]))
    return parts


def _animal(rng: np.random.Generator) -> list[trimesh.Trimesh]:
    """A long body on four legs with neck, head and tail."""
    body = trimesh.creation.icosphere(subdivisions=4)
    parts = [_placed(body, [rng.uniform(0.25, 0.45), rng.uniform(0.3, 0.5), 0.8], [0, 0, 0])]
    radius, height = rng.uniform(0.06, 0.14), rng.uniform(0.4, 0.9)
    for x in (-0.22, 0.22):
        for z in (-0.5, 0.5):
            parts.append(_limb([x, -0.15, z], [1.1 * x, -height, z], radius))
    head = [0, rng.uniform(0.3, 0.9), rng.uniform(0.8, 1.1)]
    parts += [_limb([0, 0.1, 0.6], head, rng.uniform(0.1, 0.2)), _limb([0, 0.1, -0.7], [0, 0.5, -1.1], 0.05)]
    return [*parts, _placed(_ellipsoid(rng), [0.25, 0.25, 0.35], head)]


def _chain(rng: np.random.Generator) -> list[trimesh.Trimesh]:
    """Rounded pieces one after the other, each a little smaller: snowmen, grubs, cacti."""
    place, step = np.zeros(3), rng.normal(0, 1, 3)
    step = np.array([0.0, 1.0, 0.0]) if rng.random() < 0.5 else step / np.linalg.norm(step)
    size, parts = 0.6, []
    for _ in range(rng.integers(3, 6)):
        parts.append(_placed(_blob(rng) if rng.random() < 0.5 else _ellipsoid(rng), [size] * 3, place))
        place, size = place + step * size * 1.1, size * rng.uniform(0.7, 0.95)
        step = step + rng.normal(0, 0.25, 3)
        step /= np.linalg.norm(step)
    return parts


def _device(rng: np.random.Generator) -> list[trimesh.Trimesh]:
    """A case with panels, knobs and rods on its faces."""
    size = rng.uniform(0.4, 0.8, 3)
    parts = [_placed(_bevelled(rng), size, [0, 0, 0])]
    for _ in range(rng.integers(2, 6)):
        axis, side = rng.integers(3), rng.choice([-1, 1])
        place = rng.uniform(-0.6, 0.6, 3) * size
        place[axis] = side * size[axis]
        reach = rng.uniform(0.08, 0.35, 3)
        reach[axis] = rng.uniform(0.05, 0.25)
        end = place + np.eye(3)[axis] * side * rng.uniform(0.2, 0.7)
        kind = rng.integers(3)
        piece = _bevelled(rng) if kind else trimesh.creation.cylinder(1, 2, sections=24)
        parts.append(_limb(place, end, 0.05) if kind == 2 else _placed(piece, reach, place))
    return parts


def _placed(mesh: trimesh.Trimesh, scale: Triple, place: Triple) -> trimesh.Trimesh:
    mesh.apply_scale(scale)
    return mesh.apply_translation(place)


def _limb(start: Triple, end: Triple, radius: float) -> trimesh.Trimesh:
    return trimesh.creation.cylinder(radius, segment=np.array([start, end], np.float64), sections=16)


def _part(rng: np.random.Generator) -> trimesh.Trimesh:
    return _PARTS[rng.integers(len(_PARTS))](rng)


def _turned(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    """Mostly upright as artists leave things; else turned about the vertical, or any way at all."""
    chance = rng.random()
    if chance > 0.75:
        mesh.apply_transform(_rotation(rng.uniform(0, 2 * np.pi, 3)))
    elif chance > 0.5:
        mesh.apply_transform(_rotation([0, rng.uniform(0, 2 * np.pi), 0]))
    return mesh


def _rotation(angles: NDArray[np.float64] | list[float]) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles).as_matrix()
    return matrix


def _box(rng: np.random.Generator) -> trimesh.Trimesh:
    return trimesh.creation.box(extents=rng.uniform(0.7, 1.8, 3) if rng.random() < 0.7 else [1.4] * 3)


def _ellipsoid(rng: np.random.Generator) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(subdivisions=4)
    mesh.apply_scale(rng.uniform(0.5, 1.0, 3) if rng.random() < 0.7 else 1.0)
    return mesh


def _superquadric(rng: np.random.Generator) -> trimesh.Trimesh:
    """|x|^p + |y|^p + |z|^p = 1: p below 2 is a rounded octahedron, above it a rounded box."""
    mesh = trimesh.creation.icosphere(subdivisions=5)
    power = rng.choice([1.3, 4.0, 6.0, 10.0])
    radius = (np.abs(mesh.vertices) ** power).sum(1) ** (-1 / power)
    mesh.vertices = mesh.vertices * radius[:, None] * rng.uniform(0.5, 1.0, 3)
    return mesh


def _blob(rng: np.random.Generator) -> trimesh.Trimesh:
    """A sphere pushed in and out by a few waves: heads, stones, fruit."""
    mesh = trimesh.creation.icosphere(subdivisions=5)
    push = np.ones(len(mesh.vertices))
    for _ in range(rng.integers(3, 8)):
        wave = rng.normal(0, 2.2, 3)
        push += rng.uniform(0.03, 0.12) * np.sin(mesh.vertices @ wave + rng.uniform(0, 6.3))
    mesh.vertices = mesh.vertices * push[:, None] * rng.uniform(0.6, 1.0, 3)
    return mesh


def _cylinder(rng: np.random.Generator) -> trimesh.Trimesh:
    sections = int(rng.choice([3, 5, 6, 8, 48, 48]))
    mesh = trimesh.creation.cylinder(rng.uniform(0.4, 0.8), rng.uniform(0.4, 2.0), sections=sections)
    return mesh.apply_transform(_rotation([np.pi / 2, 0, 0]))


def _cone(rng: np.random.Generator) -> trimesh.Trimesh:
    mesh = trimesh.creation.cone(
        rng.uniform(0.5, 0.9), rng.uniform(0.9, 1.8), sections=int(rng.choice([4, 48]))
    )
    mesh.apply_translation([0, 0, -0.6])
    return mesh.apply_transform(_rotation([-np.pi / 2, 0, 0]))


def _capsule(rng: np.random.Generator) -> trimesh.Trimesh:
    mesh = trimesh.creation.capsule(height=rng.uniform(0.3, 1.4), radius=rng.uniform(0.25, 0.55))
    return mesh.apply_transform(_rotation([np.pi / 2, 0, 0]))


def _torus(rng: np.random.Generator) -> trimesh.Trimesh:
    mesh = trimesh.creation.torus(0.7, rng.uniform(0.12, 0.34), major_sections=64, minor_sections=32)
    return mesh.apply_transform(_rotation([np.pi / 2, 0, 0])) if rng.random() < 0.6 else mesh


def _turned_profile(rng: np.random.Generator) -> trimesh.Trimesh:
    """A vase, bottle or chess piece: a wavy profile turned about the vertical."""
    height = np.linspace(-1, 1, 40)
    radius = rng.uniform(0.35, 0.6) + rng.uniform(0.05, 0.25) * np.sin(
        rng.uniform(1.5, 5) * height + rng.uniform(0, 6)
    )
    profile = np.stack([np.maximum(radius, 0.08), height], 1)
    profile = np.concatenate([[[0, -1]], profile, [[0, 1]]])
    return trimesh.creation.revolve(profile, sections=48).apply_transform(_rotation([-np.pi / 2, 0, 0]))


def _tube(rng: np.random.Generator) -> trimesh.Trimesh:
    """A thick bent tube: a slice of a squashed torus knot."""
    turns, sides, rings = rng.uniform(0.5, 1.0), 20, 80
    angle = np.linspace(0, 2 * np.pi * turns, rings)
    wobble = rng.uniform(0.1, 0.5) * np.sin(rng.integers(2, 4) * angle)
    centre = np.stack([0.7 * np.cos(angle), wobble, 0.7 * np.sin(angle)], 1)
    forward = np.gradient(centre, axis=0)
    side = np.cross(forward, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, forward)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    around = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None, :, None]
    ring = rng.uniform(0.1, 0.25) * (np.cos(around) * side[:, None] + np.sin(around) * up[:, None])
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(sides), indexing="ij")
    a, b = i * sides + j, i * sides + (j + 1) % sides
    faces = np.concatenate(
        [np.stack(q, -1).reshape(-1, 3) for q in ((a, b, a + sides), (b, b + sides, a + sides))]
    )
    return trimesh.Trimesh((centre[:, None] + ring).reshape(-1, 3), faces, process=False)


def _bevelled(rng: np.random.Generator) -> trimesh.Trimesh:
    """The box of half-size 1 with its edges cut off."""
    cut = 1 - rng.uniform(0.05, 0.3)
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T
    faces = [np.where(np.arange(3) == axis, corners, cut * corners) for axis in range(3)]
    return trimesh.convex.convex_hull(np.concatenate(faces))


def _case(rng: np.random.Generator) -> trimesh.Trimesh:
    return _placed(_bevelled(rng), rng.uniform(0.35, 0.9, 3), [0, 0, 0])


def _plate(rng: np.random.Generator) -> trimesh.Trimesh:
    """A board, a wall or a floor; Blender's plane with some thickness."""
    extents = rng.uniform(0.8, 1.8, 3)
    extents[rng.integers(3)] = rng.uniform(0.03, 0.15)
    return trimesh.creation.box(extents=extents)


def _rod(rng: np.random.Generator) -> trimesh.Trimesh:
    extents = np.full(3, rng.uniform(0.08, 0.25))
    extents[rng.integers(3)] = 1.8
    rod = trimesh.creation.box(extents=extents) if rng.random() < 0.4 else trimesh.creation.icosphere(3)
    return rod if len(rod.faces) == 12 else _placed(rod, extents / 2, [0, 0, 0])


def _ball(rng: np.random.Generator) -> trimesh.Trimesh:
    """Blender's spheres as they come: by latitude and longitude, or of triangles, coarse or smooth."""
    if rng.random() < 0.5:
        return trimesh.creation.icosphere(subdivisions=int(rng.integers(1, 4)))
    return trimesh.creation.uv_sphere(count=[16, 32]).apply_transform(_rotation([np.pi / 2, 0, 0]))


_FIGURES = (_head, _animal, _chain, _device)
_PARTS: list[Callable[[np.random.Generator], trimesh.Trimesh]] = [
    *(_box, _box, _ellipsoid, _ellipsoid, _superquadric, _superquadric, _blob, _blob, _blob),
    *(_cylinder, _cylinder, _cone, _capsule, _torus, _turned_profile, _turned_profile, _tube),
    *(_case, _case, _plate, _rod, _ball),
]
