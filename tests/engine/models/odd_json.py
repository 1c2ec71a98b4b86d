"""What careless and hostile people write into JSON, for tests that generate it."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import strategies as st

NUMBERS = (
    *(0, 1, -1, 2, 3, 7, 20_000, 2**20, 2**31, 2**40, 2**63, 2**64, 10**30, -(2**31), -(10**30)),
    *(0.5, -0.5, 1e-320, 1e30, 1e308, -1e308, math.nan, math.inf, -math.inf),
)
TEXTS = ("", " ", "x", "silu", "linear", "\n", "\x00", "\x1b[31m", "\ud800", "/dev/zero", "a" * 5000, "{0}")
scalars = st.sampled_from((None, True, False, *NUMBERS, *TEXTS))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(TEXTS), inner, max_size=2)
    ),
    max_leaves=4,
)
"""Any value of JSON, and those numbers that only Python's JSON has."""


def dumped(document: Any) -> bytes:
    """As bytes, half surrogate pairs as escapes."""
    return json.dumps(document).encode()
