"""Toys that stand in for a mesh and a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from engine.denoise.levels import Schedule
from engine.sync.spaces import LinearMaps, LinearSpace
from tests.engine.schedules import output

Array = NDArray[np.float64]


@dataclass
class ToyNetwork:
    """Reads ``output`` as its ``prediction``, in diffusers' words. ``inputs``: all states that it got."""

    schedule: Schedule
    prediction: str = "epsilon"
    inputs: list[Tensor] = field(default_factory=list)

    def eps(self, x: Tensor, i: int) -> Tensor:
        out, a, s = self._run(x, i)
        if self.prediction == "sample":
            return (x - a * out) / s
        return s * x + a * out if self.prediction == "v_prediction" else out

    def x0(self, x: Tensor, i: int) -> Tensor:
        out, a, s = self._run(x, i)
        if self.prediction == "sample":
            return out
        return a * x - s * out if self.prediction == "v_prediction" else (x - s * out) / a

    def _run(self, x: Tensor, i: int) -> tuple[Tensor, float, float]:
        self.inputs.append(x.clone())
        level = self.schedule.levels[i]
        return output(x, level.time), *level.alpha_sigma


@dataclass(frozen=True)
class Toy:
    """A canonical line of K elements seen by N views of (C, 1, width) pixels.

    element: (N, width), -1 for background. average: dense (K, N width), rows sum to 1. confidence: (K, N
    width), what ``average`` was weighted by.
    """

    element: NDArray[np.int64]
    average: Array
    confidence: Array | None = None

    @property
    def space(self) -> LinearSpace:
        return self.ordered(range(len(self.element)))

    def ordered(self, order: Sequence[int]) -> LinearSpace:
        """The space in which views follow others in this ``order``."""
        return LinearSpace.build(self.maps, order=order)

    @property
    def maps(self) -> LinearMaps:
        matrix, seen = csr_matrix(self.average), np.ones(len(self.average), bool)
        confidence = None if self.confidence is None else self.confidence[matrix.nonzero()]
        return LinearMaps(*self.pixels, matrix, seen, confidence)

    @property
    def pixels(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pixels that show something, and the element that each shows."""
        flat = self.element.reshape(-1)
        pixel = np.flatnonzero(flat >= 0)
        return pixel, flat[pixel]

    def weighted(self, exponent: float) -> Toy:
        """The same with weights confidence^exponent."""
        assert self.confidence is not None
        average = self.average / self.confidence * self.confidence**exponent
        return Toy(self.element, average / average.sum(axis=1, keepdims=True), self.confidence)

    def f(self, z: Array, background: Array) -> Array:
        """By loops. z (K, C), background (N, C, 1, width)."""
        w = background.copy()
        for view, column in np.ndindex(*self.element.shape):
            if self.element[view, column] >= 0:
                w[view, :, 0, column] = z[self.element[view, column]]
        return w

    def g(self, w: Array) -> Array:
        """By loops. w (N, C, 1, width) -> (K, C)."""
        views, width = self.element.shape
        z = np.zeros((len(self.average), w.shape[1]))
        for k in range(len(z)):
            for view in range(views):
                for column in range(width):
                    z[k] += self.average[k, view * width + column] * w[view, :, 0, column]
        return z


def many_to_one(seed: int = 0, views: int = 3, width: int = 6, size: int = 5) -> Toy:
    """Several pixels of several views show each element, with weights of their own; some show nothing.

    Elements also take a little from pixels that show other elements, as a Voronoi fill makes them: g(f(z)) is
    not z. Else cases 4 and 5 would be the same.
    """
    rng = np.random.default_rng(seed)
    element = rng.integers(0, size, (views, width))
    element[:, 0] = -1
    element.reshape(-1)[rng.permutation(np.flatnonzero(element.reshape(-1) >= 0))[:size]] = np.arange(size)
    shows = element.reshape(-1)[None] == np.arange(size)[:, None]
    filled = (element.reshape(-1) >= 0) & (rng.random(shows.shape) < 0.2)
    average = shows * rng.uniform(0.2, 1, shows.shape) + filled * rng.uniform(0, 0.3, shows.shape)
    confidence = np.random.default_rng(seed + 100).uniform(0.2, 1, average.shape)
    return Toy(element, average / average.sum(axis=1, keepdims=True), confidence)


def identity(views: int, width: int) -> Toy:
    count = views * width
    return Toy(np.arange(count).reshape(views, width), np.eye(count), np.ones((count, count)))


def unit_noise(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))
