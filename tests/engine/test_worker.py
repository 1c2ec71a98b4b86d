"""What becomes of a job that goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine import pipeline, protocol
from engine.errors import Cancelled, OutOfMemory, UserError
from engine.host import Host
from engine.protocol import Request
from engine.worker import Failure, Worker, answer

REQUEST = Request(mesh="m.obj", prompt="x", out="o")


def outcome_of(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> protocol.Result | Failure | None:
    def texture(*_: object, **__: object) -> protocol.Result:
        raise error

    monkeypatch.setattr(pipeline, "texture", texture)
    return Worker().run(REQUEST, Host())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("wrong", "mend"), protocol.EXIT_BAD_INPUT),
        (OutOfMemory("too big", "shrink"), protocol.EXIT_OUT_OF_MEMORY),
        (MemoryError(), protocol.EXIT_OUT_OF_MEMORY),
        (RuntimeError("MPS backend out of memory"), protocol.EXIT_OUT_OF_MEMORY),
        (RuntimeError("shapes differ\nin many lines"), protocol.EXIT_BUG),
        (AssertionError(), protocol.EXIT_BUG),
    ],
)
def test_failures_have_the_contracts_code(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    failure = outcome_of(monkeypatch, error)
    assert isinstance(failure, Failure)
    assert failure.code == code
    assert failure.error
    assert failure.fix
    assert "\n" not in failure.error
    message = answer("7", failure)
    assert message["kind"] == protocol.FAILED
    assert (message["id"], message["code"]) == ("7", code)


def test_a_bug_leaves_its_trace_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = outcome_of(monkeypatch, ZeroDivisionError("oops"))
    assert isinstance(failure, Failure)
    assert failure.error.startswith("ZeroDivisionError: oops (test_worker.py:")
    captured = capsys.readouterr()
    assert "Traceback" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=repr)
def test_a_cancelled_job_is_neither_done_nor_failed(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    outcome = outcome_of(monkeypatch, error)
    assert outcome is None
    assert answer("7", outcome) == {"kind": protocol.CANCELLED, "id": "7"}


def test_a_job_cancelled_before_it_began_touches_nothing(request_for: Callable[..., Request]) -> None:
    assert Worker().run(request_for(out="/nowhere/at/all"), Host(cancelled=lambda: True)) is None
