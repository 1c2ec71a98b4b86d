"""From where pictures show that a surface faces to a normal map: what they know beyond the mesh's own shape.

An estimator's normals hold the shape of the mesh as it guesses it, and relief. The shape is known, and the
guess is wrong over large parts: so of how its normals differ from the mesh's, only what changes within REACH
is kept. That difference, a lean, is a vector in the mesh's space, so that views can be averaged and holes
filled; in the texture it is said in the tangent space of relief.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ..controls.normal import TOWARDS, facing
from ..options.channels import CHANNELS, Channel, columns
from ..pictures.channels import neutral
from ..pictures.pages import shaped
from ..views.surface import Surface, View
from .fill import padded
from .relief import AT_ONCE
from .texels import SurfaceTexels

REACH = 1 / 32  # of a view's width: deviation of the Gaussian beyond which an estimator isn't believed
STEEPEST = 0.1  # cosine between a leaning normal and the surface's, at least

Floats = NDArray[np.float32]


def leans(surface: Surface, view: View, normals: Floats) -> Floats:
    """(R, R, 3) float32 in [0, 1], vectors v as (v + 1) / 2: how far ``normals``, unit ones n as
    (n + 1) / 2, shaped alike and in the mesh's space, lean away from those of the ``surface`` in ``view``."""
    mask, own = view.mask, facing(surface, view) @ (view.camera.axes * TOWARDS)
    shown = 2 * normals[mask] - 1
    length = np.linalg.norm(shown, axis=1, keepdims=True)
    apart = np.zeros((*mask.shape, 3), np.float32)
    apart[mask] = np.where(length > 1e-6, shown / np.maximum(length, 1e-6) - own, 0)
    sigma = REACH * view.resolution
    near = gaussian_filter(mask.astype(np.float32), sigma)[..., None]
    coarse = gaussian_filter(apart, (sigma, sigma, 0)) / np.maximum(near, 1e-6)
    return np.asarray(np.where(mask[..., None], apart - coarse, 0).clip(-1, 1) / 2 + 0.5, np.float32)


def without_shape(
    surface: Surface, views: Sequence[View], pictures: Floats, layers: Sequence[Channel]
) -> Floats:
    """``pictures`` (N, R, R, K) of ``views``, which say ``layers``, with leans in place of normals."""
    own = columns(layers).get(CHANNELS["normal"])
    if own is None:
        return pictures
    found = pictures.copy()
    for view, picture in zip(views, found, strict=True):
        picture[..., own] = leans(surface, view, picture[..., own])
    return found


def leaning(lean: Floats, texels: SurfaceTexels) -> Floats:
    """The normal map, (T, T, 3), or of pages, float32 in [0, 1], of ``lean``, shaped alike, as by
    :func:`leans`; as relief.normal_map's. Between the charts the nearest texel's."""
    flat, found = lean.reshape(-1, 3), np.empty((len(texels.index), 3), np.float32)
    if not len(found):
        return shaped(np.tile(neutral([CHANNELS["normal"]]), (len(flat), 1)), texels.size)
    for start in range(0, len(found), AT_ONCE):
        own = texels.pick(slice(start, start + AT_ONCE))
        vector = 2 * flat[own.index] - 1
        frame = (*_tangents(own), own.normal)
        normal = np.stack([(vector * axis).sum(axis=1) for axis in frame], axis=1)
        normal[:, 2] = np.maximum(1 + normal[:, 2], STEEPEST)
        found[start : start + AT_ONCE] = normal / np.linalg.norm(normal, axis=1, keepdims=True) / 2 + 0.5
    return padded(texels.size, found, texels.near)


def _tangents(own: SurfaceTexels) -> tuple[Floats, Floats]:
    """(n, 3) unit T and B of ``own`` texels; 0 where a face has no area in the texture."""
    face = own.face.astype(np.intp)
    u, v = own.planes.across[:, face].T, -own.planes.down[:, face].T
    along = u * _inverse_length(u)
    across = v - (v * along).sum(axis=1, keepdims=True) * along
    return along, across * _inverse_length(across)


def _inverse_length(vectors: Floats) -> Floats:
    """(n, 1), 0 for those of no length."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    inverse: Floats = np.divide(1, length, out=np.zeros_like(length), where=length > 1e-12)
    return inverse
