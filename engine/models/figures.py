"""What the families' published models take and cost: numbers of weights, memory and operations of a pass.

Counted on models of their true sizes without contents; `build.py bench true_size --count` counts them anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .ladder import EIGHT, FULL, HALF, Sizes

_G = 10**9


@dataclass(frozen=True)
class Weights:
    """Of a stage, in billions. eight: those that may rest in 8 bits."""

    total: float
    eight: float

    def by_rest(self, computed: str) -> dict[str, int]:
        """Bytes by how the weights rest, where they are ``computed`` with in full or half precision."""
        bytes_each = {FULL: 4, HALF: 2}[computed]
        plain, half = bytes_each * self.total, 2 * self.total
        eight = plain - (bytes_each - 1) * self.eight
        return {computed: int(plain * _G), HALF: int(half * _G), EIGHT: int(eight * _G)}


@dataclass(frozen=True)
class Figures:
    """Of a model with one ControlNet, for views of ``side`` pixels, its own. text, network: weights, the
    ControlNet's among the latter. pixels, layer: billions of weights of the autoencoder and of the largest
    layer. row, picture: gigabytes of the activations of a row and a picture in half precision, with some more
    for what kernels take. tflop: 10^12 operations of a row; encode, decode: of a picture. lazy: as of
    ladder.Sizes."""

    side: int
    text: Weights
    network: Weights
    pixels: float
    layer: float
    row: float
    picture: float
    tflop: float
    encode: float
    decode: float
    lazy: bool = False

    def at(self, side: int) -> Figures:
        """For views of so many pixels: what passes take and cost goes with their area, about."""
        scale = (side / self.side) ** 2
        passes = ("row", "picture", "tflop", "encode", "decode")
        return replace(self, side=side, **{name: getattr(self, name) * scale for name in passes})

    def sizes(self, computed: str, rows: int) -> Sizes:
        """For the ladder. computed: FULL or HALF. rows: at once where there is room."""
        more = 2 if computed == FULL else 1
        return Sizes(
            self.text.by_rest(computed),
            self.network.by_rest(computed),
            int(self.pixels * 2 * more * _G),
            int(self.row * more * _G),
            int(self.picture * more * _G),
            rows,
            1,
            int(self.layer * 2 * more * _G),
            self.lazy,
        )


_SD15 = Figures(768, Weights(0.123, 0.123), Weights(1.221, 1.216), 0.084, 0.038, 0.22, 1.8, 2.89, 2.61, 5.75)
_XL = Figures(1024, Weights(0.818, 0.817), Weights(3.818, 3.814), 0.084, 0.063, 0.39, 1.9, 9.72, 4.88, 10.5)
_Z_IMAGE = Figures(
    1024, Weights(4.022, 4.022), Weights(7.163, 7.152), 0.084, 0.389, 0.88, 1.9, 69.7, 4.88, 10.5, lazy=True
)
_QWEN = Figures(
    1024, Weights(7.071, 7.070), Weights(22.198, 22.179), 0.127, 0.545, 0.79, 4.2, 76.9, 7.39, 11.7, lazy=True
)
_FLUX = Figures(
    1024, Weights(4.885, 3.878), Weights(14.042, 10.066), 0.084, 0.132, 0.71, 1.9, 82.7, 4.88, 10.5, lazy=True
)
BY_FAMILY = {
    "sd15": _SD15,
    "sd21": _SD15,  # the same build, with a larger text encoder that takes 0.2 GB more
    "sdxl": _XL,
    "z-image": _Z_IMAGE,
    "z-image-turbo": _Z_IMAGE,
    "qwen-image": _QWEN,
    "flux-schnell": _FLUX,
    "flux-dev": _FLUX,
}
