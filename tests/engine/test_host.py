"""Clocks and hosts."""

from __future__ import annotations

import time

import pytest

from engine.errors import Cancelled
from engine.host import Clock, Host


def test_parts_that_nest_are_counted_once() -> None:
    clock = Clock()
    with clock.part("outer"):
        time.sleep(0.02)
        with clock.part("inner"):
            time.sleep(0.05)
        with clock.part("inner"):
            time.sleep(0.05)
    assert 0.1 <= clock.seconds["inner"] < 0.5
    assert 0.02 <= clock.seconds["outer"] < clock.seconds["inner"]


def test_a_part_that_fails_is_counted_and_closed() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="x"), clock.part("a"):
        raise ValueError("x")
    with clock.part("b"):
        time.sleep(0.01)
    assert set(clock.seconds) == {"a", "b"}
    assert clock.seconds["b"] >= 0.01


def test_the_device_is_waited_for_before_the_clock_is_read() -> None:
    clock = Clock(settle=lambda: time.sleep(0.02))
    with clock.part("a"):
        pass
    assert clock.seconds["a"] >= 0.02


class Counter:
    """Something with methods, one of which gives another of its kind."""

    name = "counter"

    def wait(self, seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    def again(self) -> Counter:
        return Counter()


def test_calls_of_what_is_timed_are_counted_and_nothing_else() -> None:
    clock = Clock()
    counter, wait = clock.timed("a", Counter()), clock.timed("b", time.sleep)
    assert counter.name == "counter"
    assert clock.seconds == {}
    assert counter.wait(0.01) == 0.01
    assert counter.again().wait(0.02) == 0.02
    wait(0.01)
    assert 0.03 <= clock.seconds["a"] < 0.5
    assert 0.01 <= clock.seconds["b"] < 0.5
    with pytest.raises(AttributeError):
        counter.nothing  # noqa: B018


def test_a_host_stops_a_job_by_raising() -> None:
    Host().check()
    with pytest.raises(Cancelled):
        Host(cancelled=lambda: True).check()
