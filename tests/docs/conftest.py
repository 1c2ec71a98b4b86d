"""A tiny model for the commands that the pages name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.pipelines import make_pipeline
from tests.engine.schedules import STARTER


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of random weights that predicts what the starter does; 64 pixels a view."""
    return make_pipeline(tmp_path_factory.mktemp("models") / "tiny", STARTER, seed=1)
