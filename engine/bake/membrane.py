"""Colours that meet those around them: a painted area is bent, near its border, to what lies there.

Of a painted picture u and the present one v the difference v - u is known outside of the area. Inside it is
spread as a membrane fixed there (Perez et al., Poisson image editing, 2003), which a weak pull brings back to
0 within some ``reach``: deep inside, what was painted stays as it is.

    (L + 1 / reach^2) x = border

with L the graph Laplacian of the elements inside, the elements outside next to them as border. A small step
in u itself at the border goes as well, since there what is known met what is new; a large one is an edge that
was painted on purpose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import cg

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Pairs = tuple[NDArray[np.integer], NDArray[np.integer]]  # (p,), (p,) numbers of elements side by side

STEP = 0.12  # of colours; from which on a step is an edge
ROUNDS = 200
ACCURACY = 1e-3


def membrane(pairs: Pairs, inside: Bools, present: Floats, painted: Floats, reach: float) -> Floats:
    """(m, K): what is added to each of the elements ``inside`` (n,), m of them, so that they meet those
    beside them. present, painted: (n, K) colours, those of v and u. reach: elements."""
    number = np.cumsum(inside) - 1
    a, b = (np.concatenate([one, other]) for one, other in (pairs, pairs[::-1]))
    inner, border = inside[a] & inside[b], inside[a] & ~inside[b]
    count = int(inside.sum())
    held = 1 / reach**2 + np.bincount(number[a[inside[a]]], minlength=count)
    rows = np.concatenate([number[a[inner]], np.arange(count)])
    columns = np.concatenate([number[b[inner]], np.arange(count)])
    weight = np.concatenate([-np.ones(int(inner.sum())), held])
    system = coo_matrix((weight, (rows, columns)), shape=(count, count)).tocsr()
    a, b = a[border], b[border]
    beside = present[b] - painted[b] + _small(painted[b] - painted[a])
    right = [np.bincount(number[a], beside[:, k], count) for k in range(beside.shape[1])]
    solved = [cg(system, one, rtol=ACCURACY, maxiter=ROUNDS)[0] for one in right]
    return np.stack(solved, axis=1).astype(np.float32)


def _small(step: Floats) -> Floats:
    """(m, K) of ``step`` what isn't an edge."""
    square = np.einsum("mk,mk->m", step, step) / STEP**2
    found: Floats = step * np.exp(-square)[:, None]
    return found


def in_grid(height: int, width: int) -> Pairs:
    """The pairs of pixels beside and above each other."""
    number = np.arange(height * width, dtype=np.int32).reshape(height, width)
    across, down = (number[:, :-1], number[:, 1:]), (number[:-1], number[1:])
    a, b = (
        np.concatenate([one.reshape(-1), other.reshape(-1)]) for one, other in zip(across, down, strict=True)
    )
    return a, b
