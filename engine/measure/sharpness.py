"""How much fine detail pictures of a mesh show: the power of what changes within a few pixels.

Averaging views takes it away, and no other measure says so: seams vanish and views agree best on a texture
without any. So a texture, rendered as the views show it, is compared with pictures that were never averaged:
those of ``--method independent`` with the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft2
from scipy.ndimage import distance_transform_edt

from .. import threads

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Spectrum = NDArray[np.float64]

BANDS = 16  # of equal width, from 0 to half a cycle a pixel; what lies beyond, in corners, is left out
FINE = 4  # the first of the fine ones: from 1/8 cycle a pixel on, eight pixels and less
TAPER = 1 / 16  # of a picture's side: so far in from the silhouette, an edge itself, a view counts less


def spectrum(pictures: Floats, inside: Bools) -> Spectrum:
    """(BANDS,) float64: the variance that each band of frequencies adds, by directions and views averaged.

    pictures: (N, R, R, 3) float32 in [0, 1]; inside: (N, R, R) bool, what counts of them. 0 where nothing
    does. Colours' variances are added up; a view counts by its pixels.
    """
    return _spectrum(pictures, threads.each(_window, inside))


def _spectrum(pictures: Floats, windows: Sequence[Floats]) -> Spectrum:
    """As :func:`spectrum`, of pictures seen through ``windows`` (R, R)."""
    areas = [float((window**2).sum(dtype=np.float64)) for window in windows]
    seen = [i for i, area in enumerate(areas) if area > 0]
    powers = threads.each(lambda i: _banded(_periodogram(pictures[i], windows[i])), seen)
    return sum(powers, np.zeros(BANDS)) / (sum(areas) or 1.0)


def sharpness(pictures: Floats, references: Floats, inside: Bools) -> float:
    """The power of fine detail in ``pictures`` for each unit of it in ``references``; arguments as in
    :func:`spectrum`. 1: as sharp; less: blurred; more: sharper, or noisy. NaN where the latter have none."""
    windows = threads.each(_window, inside)
    ours, theirs = (_spectrum(these, windows)[FINE:].sum() for these in (pictures, references))
    return float(ours / theirs) if theirs > 0 else float("nan")


def _window(mask: Bools) -> Floats:
    """(R, R) in [0, 1]: rises smoothly from the border of ``mask``, and of the picture, inwards."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    rise = np.clip(depth / (TAPER * len(mask)), 0, 1)
    return np.asarray(np.sin(np.pi / 2 * rise) ** 2, np.float32)


def _periodogram(picture: Floats, window: Floats) -> Floats:
    """(R, R // 2 + 1): the power at each frequency, 0 first, of what differs from the mean colour, and at the
    opposite one, whose half is left out. (That counts the last column twice, but no band takes it.)"""
    mean = np.tensordot(window, picture, 2) / window.sum()
    waves = rfft2((picture - mean) * window[..., None], axes=(0, 1))
    power: Floats = (np.abs(waves) ** 2).sum(axis=-1) / window.size
    power[:, 1:] *= 2
    return power


def _banded(power: Floats) -> Spectrum:
    rows, columns = np.fft.fftfreq(len(power)), np.arange(power.shape[1]) / len(power)
    radius = np.hypot(rows[:, None], columns)
    band = np.minimum((radius * 2 * BANDS).astype(np.intp), BANDS).reshape(-1)
    sums: Spectrum = np.bincount(band, power.reshape(-1), minlength=BANDS + 1)[:BANDS].astype(np.float64)
    return sums
