"""What a material is at points of a surface: its colour, and what else a renderer wants to know."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

HEIGHT = 0.05  # the highest relief, and the deepest, in radii of the object
CHANNELS = ("roughness", "metallic", "height", "glow")  # of ``Coat.channels``, in this order

Value = Tensor | float


@dataclass(frozen=True)
class Coat:
    """One layer of a material, at n points.

    ``albedo`` (n, 3), or (3,) for all points alike: sRGB values about [0, 1]. No light is in it: shading is
    the renderer's job, a texture that carries it can't be lit again. Of a metal it is the colour of what it
    reflects, as in Blender's Principled BSDF and in glTF.

    The rest is (n,), or a number for all points alike. ``roughness`` in [0, 1], the square root of the
    microfacet model's alpha. ``metallic`` in [0, 1]. ``height`` above the mesh, in radii of the object.
    ``glow`` in [0, 1]: the share of the albedo that the surface emits.
    """

    albedo: Tensor
    roughness: Value = 0.5
    metallic: Value = 0.0
    height: Value = 0.0
    glow: Value = 0.0

    def channels(self) -> Tensor:
        """(n, 4) in [0, 1] in the order of CHANNELS; height 0.5 is the mesh, 0 and 1 lie HEIGHT below and
        above it."""
        values = (self.roughness, self.metallic, 0.5 + self.height / (2 * HEIGHT), self.glow)
        count = self.albedo[:, :1]
        return torch.cat([torch.zeros_like(count) + _column(value) for value in values], 1).clamp(0, 1)

    def raised(self, by: Value) -> Coat:
        """The same, so much higher."""
        return replace(self, height=self.height + by)


def cover(under: Coat, over: Coat, share: Tensor) -> Coat:
    """``under`` with so much of ``over`` on it: ``share`` (n,) in [0, 1], 0 leaves ``under`` as it is."""
    mixed = {}
    for field in fields(Coat):
        a, b = getattr(under, field.name), getattr(over, field.name)
        mixed[field.name] = a + (b - a) * (share[:, None] if field.name == "albedo" else share)
    return Coat(**mixed)


def _column(value: Value) -> Value:
    return value[:, None] if isinstance(value, Tensor) else value
