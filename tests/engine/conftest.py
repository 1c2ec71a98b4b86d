"""Shared by the engine's tests: a tiny model, small meshes, the command line as a child process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import trimesh

from engine.protocol import Request
from engine.worker import Worker
from tests.engine.pipelines import make_pipeline
from tests.engine.schedules import SD15, STARTER, ZERO_SNR
from tests.engine.xl_pipelines import make_xl_pipeline

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole pipeline of random weights that predicts what the starter does; 64 pixels a view."""
    return make_pipeline(tmp_path_factory.mktemp("models") / "tiny", STARTER, seed=1)


@pytest.fixture(scope="session")
def eps_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An epsilon-predicting pipeline with Stable Diffusion 1.5's scheduler config."""
    return make_pipeline(tmp_path_factory.mktemp("models") / "eps", SD15)


@pytest.fixture(scope="session")
def v_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A v-predicting pipeline with zero terminal SNR."""
    return make_pipeline(tmp_path_factory.mktemp("models") / "v", ZERO_SNR, seed=1)


@pytest.fixture(scope="session")
def sample_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that predicts the sample, with zero terminal SNR, as the starter."""
    return make_pipeline(tmp_path_factory.mktemp("models") / "sample", STARTER, seed=2)


@pytest.fixture(scope="session")
def xl_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of Stable Diffusion XL's build with its scheduler config; a ControlNet union lies in it."""
    return make_xl_pipeline(tmp_path_factory.mktemp("models") / "xl")


@pytest.fixture
def copy(eps_model: Path, tmp_path: Path) -> Path:
    """A copy of a pipeline to be damaged."""
    return shutil.copytree(eps_model, tmp_path / "copy")


@pytest.fixture(scope="session")
def box_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box without UVs."""
    path = tmp_path_factory.mktemp("meshes") / "box.obj"
    trimesh.creation.box().export(path)
    return path


@pytest.fixture(scope="session")
def engine_environment() -> dict[str, str]:
    """The environment of an engine in a child process: one thread, no network."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="session")
def cli(root: Path, engine_python: Path, engine_environment: dict[str, str]) -> Cli:
    """``python -m engine`` with arguments."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        command = [str(engine_python), "-m", "engine", *map(str, arguments)]
        settings: dict[str, object] = {"cwd": root, "env": engine_environment, "timeout": 300, **options}
        return subprocess.run(command, capture_output=True, text=True, **settings)  # type: ignore[call-overload, no-any-return]

    return run


@pytest.fixture(scope="module")
def worker() -> Worker:
    """It keeps the model loaded from test to test."""
    return Worker()


@pytest.fixture
def request_for(tiny_model: Path, box_file: Path, tmp_path: Path) -> Callable[..., Request]:
    """A small, quick request; any field can be given otherwise."""

    def make(**fields: object) -> Request:
        small: dict[str, object] = {
            "mesh": str(box_file),
            "prompt": "red bricks",
            "out": str(tmp_path / "out"),
            "model": str(tiny_model),
            "steps": 2,
            "texture_size": 128,
            "views": "4",
            "device": "cpu",
        }
        return Request(**{**small, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB; skips the test where none can be made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux can make a tiny disk")
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
