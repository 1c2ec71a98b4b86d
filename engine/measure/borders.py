"""Whether a painted area meets what lies around it: how large the step is at its border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Pairs = tuple[NDArray[np.integer], NDArray[np.integer]]


def border_error(colours: Floats, pairs: Pairs, inside: Bools) -> float | None:
    """The mean difference of neighbours across the border, over that of neighbours on either side of it.

    colours: (n, K). pairs: numbers (p,) of neighbours. inside: (n,). 1: the border is like any other place;
    None where there is no border, or nothing to compare it with.
    """
    a, b = pairs
    across = inside[a] != inside[b]
    beside = np.zeros(len(inside), bool)
    beside[a[across]] = beside[b[across]] = True
    near = ~across & (beside[a] | beside[b])
    if not across.any() or not near.any():
        return None
    step, usual = (float(np.abs(colours[a[one]] - colours[b[one]]).mean()) for one in (across, near))
    return step / usual if usual > 0 else None
