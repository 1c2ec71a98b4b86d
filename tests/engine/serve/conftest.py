"""Engines as child processes, warm or new."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trimesh

from tests.engine.serve.child import EngineChild, Start


@pytest.fixture(scope="module")
def start(root: Path, engine_python: Path, engine_environment: dict[str, str]) -> Iterator[Start]:
    """Start an engine; it is killed at the end."""
    engines = []

    def run(*command: str, cwd: Path = root, **environment: str) -> EngineChild:
        words = list(command) or [str(engine_python), "-m", "engine", "serve"]
        engine = EngineChild(words, cwd, {**engine_environment, **environment})
        engines.append(engine)
        return engine

    yield run
    for engine in engines:
        engine.kill()


@pytest.fixture(scope="module")
def _warm(start: Start) -> list[EngineChild]:
    return [start()]


@pytest.fixture
def engine(_warm: list[EngineChild], start: Start) -> EngineChild:
    """An engine that earlier tests may have warmed up; another one where they ended it."""
    try:
        _warm[0].process.wait(1.0)  # one that had to end to answer a cancel may still be at it
    except subprocess.TimeoutExpired:
        return _warm[0]
    _warm[0] = start()
    return _warm[0]


@pytest.fixture(scope="module")
def big_mesh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mesh whose unwrapping takes long: one call into native code that nothing interrupts."""
    path = tmp_path_factory.mktemp("big") / "big.ply"
    trimesh.creation.icosphere(subdivisions=6).export(path)
    return path
