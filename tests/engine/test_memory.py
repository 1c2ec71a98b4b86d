"""What counts as memory running out, and how much was used."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import memory
from engine.errors import UserError
from engine.options import request
from engine.terminal import ProgressBar


def test_real_failures_are_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert memory.ran_out(caught.value)
    with pytest.raises(MemoryError) as from_numpy:
        np.empty(1 << 60, np.uint8)
    assert memory.ran_out(from_numpy.value)


def test_other_failures_are_not() -> None:
    assert not memory.ran_out(RuntimeError("shapes differ"))
    assert not memory.ran_out(ValueError("out of memory"))


def test_the_peak_is_in_mib() -> None:
    before = memory.peak_mb()
    block = np.ones(96 << 20, np.uint8)
    assert block[-1] == 1
    after = memory.peak_mb()
    assert 20 < before <= after < 100_000
    assert after >= 96


def test_sparse_maps_stay_off_mps() -> None:
    assert memory.tensor_home(torch.device("mps")) == torch.device("cpu")
    assert memory.tensor_home(torch.device("cpu")) == torch.device("cpu")


EACH_TIME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LEAST, LARGEST = (int(end) for end in request.OPTIONS["texture_size"].limits)
MOST_VIEWS = int(request.OPTIONS["views"].limits[1])


def said(check: Callable[[int, int], list[str]], count: int, size: int, there: int) -> tuple[str, str]:
    """Whether a computer with so many bytes is asked for more than it has, or much of it; the words."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("memory", "inputs"):
            patch.setattr(f"engine.{module}.physical_bytes", lambda: there)
        try:
            notes = check(count, size)
        except UserError as error:
            return "refused", f"{error} {error.fix}"
    return ("noted", notes[0]) if notes else ("nothing", "")


@EACH_TIME
@given(
    count=st.integers(1, 50_000),
    size=st.integers(LEAST, LARGEST),
    there=st.floats(29, 42).map(lambda power: int(2**power)),
)
def test_textures_of_every_size_fit_are_announced_or_refused(count: int, size: int, there: int) -> None:
    kind, words = said(memory.check_textures, count, size, there)
    pictures = count * size**2 * 3 * 4  # float32 colours alone
    if pictures > there or count * size**2 >= 2**31:
        assert kind == "refused"
    if kind != "refused":
        assert said(memory.check_textures, count, size, 4 * there)[0] == "nothing"
        assert said(memory.check_textures, max(1, count // 2), size, there)[0] != "refused"
    if kind != "nothing":
        assert "\n" not in words
        assert f"{size} x {size}" in words
        assert (f"{count:,} textures" in words) == (count > 1)
    assert ("--texture-size" in words) == (kind == "refused")


@EACH_TIME
@given(
    count=st.integers(1, MOST_VIEWS),
    size=st.integers(16, 4096),
    there=st.floats(29, 40).map(lambda power: int(2**power)),
)
def test_views_of_every_size_fit_are_announced_or_refused(count: int, size: int, there: int) -> None:
    kind, words = said(memory.check_views, count, size, there)
    if count * size**2 * 3 * 4 > there:
        assert kind == "refused"
    assert ("--views" in words) == (kind == "refused")
    if kind == "noted":
        assert words.startswith(f"a job of {count} view{'s' * (count > 1)} of {size} x {size} takes ")
        assert said(memory.check_views, count, size, 8 * there)[0] == "nothing"


def test_usual_jobs_are_neither_announced_nor_refused() -> None:
    """On a computer of 8 GiB: 2048 texels, and Stable Diffusion's views."""
    assert said(memory.check_textures, 1, 2048, 8 << 30)[0] == "nothing"
    assert said(memory.check_views, 10, 768, 8 << 30)[0] == "nothing"


def test_notes_are_said_once_the_input_has_proved_good(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar() as bar:
        bar("mesh", 0, 1, None)
        bar.note(["it takes much"])
        assert capsys.readouterr().err == ""
        bar("plan", 0, 1, None)
    lines = capsys.readouterr().err.splitlines()
    assert "note: it takes much" in lines[1]
    assert bar.noted == {"it takes much"}
