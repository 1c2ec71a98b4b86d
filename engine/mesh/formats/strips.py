"""Strips and fans of triangles."""

from __future__ import annotations

import numpy as np

from ..raw import Indices


def strip_triangles(names: Indices) -> Indices:
    """(n - 2, 3) the triangles of a strip of vertices (n,), all of which face one way."""
    if len(names) < 3:
        return np.zeros((0, 3), np.int64)
    found = np.stack([names[:-2], names[1:-1], names[2:]], axis=1)
    found[1::2] = found[1::2, ::-1]
    return found


def strips_triangles(names: Indices, counts: Indices) -> Indices:
    """(n, 3) the triangles of several strips behind one another, ``counts`` of vertices each, in which -1
    begins a new one. Those without area, which only join strips, are left out."""
    ends = np.cumsum(counts)
    apart = np.insert(names, ends, -1)
    gaps = np.flatnonzero(apart == -1)
    first = np.concatenate([[-1], gaps])[np.searchsorted(gaps, np.arange(len(apart)))] + 1
    nth = np.arange(len(apart)) - first  # in its run
    found = (
        np.stack([apart[:-2], apart[1:-1], apart[2:]], axis=1)
        if len(apart) > 2
        else np.zeros((0, 3), np.int64)
    )
    odd = nth[: len(found)] % 2 == 1
    found[odd] = found[odd, ::-1]
    solid = (found != -1).all(axis=1) & (found != found[:, [1, 2, 0]]).all(axis=1)
    return np.asarray(found[solid])


def fan_triangles(names: Indices) -> Indices:
    """(n - 2, 3) the triangles of a fan of vertices (n,) around the first."""
    if len(names) < 3:
        return np.zeros((0, 3), np.int64)
    return np.stack([np.full(len(names) - 2, names[0]), names[1:-1], names[2:]], axis=1)
