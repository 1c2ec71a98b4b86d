"""Random triangle meshes that stand for what people texture: smooth, hard-edged, turned, thin, organic.

Every shape is normalised by the engine's own ``to_unit_sphere``, so the network sees the framing it will be
used with. Randomness comes only from the ``numpy.random.Generator`` that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from engine.mesh.frame import to_unit_sphere

Mesh = tuple[NDArray[np.float32], NDArray[np.int32]]  # vertices (V, 3) in the unit sphere, faces (F, 3)


def random_shape(rng: np.random.Generator) -> Mesh:
    """A normalised mesh: one part, a few overlapping ones, or a thin-legged assembly."""
    build = (_single, _union, _assembly)[rng.choice(3, p=[0.45, 0.35, 0.2])]
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


_PARTS: list[Callable[[np.random.Generator], trimesh.Trimesh]] = [
    *(_box, _box, _ellipsoid, _ellipsoid, _superquadric, _superquadric, _blob, _blob, _blob),
    *(_cylinder, _cylinder, _cone, _capsule, _torus, _turned_profile, _turned_profile, _tube),
]
