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


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker()


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
