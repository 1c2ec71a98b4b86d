"""Whole jobs with a tiny model of Stable Diffusion XL's build, attention across views as by default."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.host import Host
from engine.options import choices
from engine.protocol import Request, Result
from engine.settings import averages_x0
from engine.worker import Worker

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(worker: Worker, request_for: Callable[..., Request], xl_model: Path) -> Run:
    def one(**options: Any) -> dict[str, Any]:
        request = request_for(model=str(xl_model), views="paper", steps=2, **options)
        outcome = worker.run(request, Host())
        assert isinstance(outcome, Result), outcome
        report: dict[str, Any] = json.loads(Path(outcome.report).read_text(encoding="utf-8"))
        return report

    return one


def test_every_method_runs_and_synchronised_views_agree(run: Run) -> None:
    apart = run(method="independent")["view_psnr"]
    for method in choices.METHODS:
        report = run(method=method, sync_share="all")
        assert (report["attention"], report["sync_space"]) == ("views", "latent")
        if averages_x0(method):
            assert report["view_psnr"] > apart + 0.2, method
        assert math.isfinite(report["view_psnr"])


def test_attention_across_views_is_heard(run: Run) -> None:
    reports = [run(method="independent", attention=attention) for attention in ("views", "off")]
    assert reports[0]["view_psnr"] != reports[1]["view_psnr"]


def test_a_job_with_an_accelerator_is_told_what_it_was_given(
    worker: Worker, request_for: Callable[..., Request], xl_model: Path
) -> None:
    """Fresh noise after each step: in views that agree, in the texture, and in views that don't agree."""
    found = {}
    for method in ("independent", "synctweedies", "case5"):
        asked = {"method": method, "accelerator": "dmd2", "steps": 30, "guidance": 7.0, "views": "paper"}
        outcome = worker.run(request_for(model=str(xl_model), **asked), Host())
        assert isinstance(outcome, Result), outcome
        report = json.loads(Path(outcome.report).read_text(encoding="utf-8"))
        assert (report["accelerator"], report["steps"], report["guidance"]) == ("dmd2", 4, 1.0)
        assert all(word in str(outcome.warnings) for word in ("4 were run", "burn", "may not be sold"))
        found[method] = report["view_psnr"]
    assert found["synctweedies"] > found["independent"] + 0.2
    assert found["case5"] > found["independent"] + 0.2
