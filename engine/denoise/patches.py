"""Latents as the tokens of a transformer: squares of 2 x 2, row by row, one channel of a square after the
other."""

from __future__ import annotations

from torch import Tensor

PATCH = 2  # latents across a token


def packed(latents: Tensor) -> Tensor:
    """(N, C, h, w) to (N, h w / 4, 4 C); h and w are even."""
    n, c, h, w = latents.shape
    squares = latents.reshape(n, c, h // PATCH, PATCH, w // PATCH, PATCH)
    return squares.permute(0, 2, 4, 1, 3, 5).reshape(n, -1, c * PATCH**2)


def unpacked(tokens: Tensor, height: int, width: int) -> Tensor:
    """The inverse of :func:`packed`: (N, h w / 4, 4 C) to (N, C, h, w)."""
    squares = tokens.reshape(len(tokens), height // PATCH, width // PATCH, -1, PATCH, PATCH)
    return squares.permute(0, 3, 1, 4, 2, 5).reshape(len(tokens), -1, height, width)
