"""Which torch suits this computer. No bpy.

A build is a lock in requirements/setup and what is known about it beforehand: how much it downloads and how
much room it takes (in MB, measured; for Windows with CUDA from the size of the file).
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass

AUTO, CPU, CUDA = "auto", "cpu", "cuda"
DRIVER = 580  # the first NVIDIA driver for CUDA 13, which torch is built for
CAPABILITY = 7.5  # the oldest cards that this build has code for: Turing (2018)


@dataclass(frozen=True)
class Build:
    """A build of torch.

    lock: requirements/setup/torch-LOCK.txt. device: what it is for, in words. backend: uv's name of PyTorch's
    own index where it comes from there, else "". oldest: the first Python it exists for. download, disk: MB.
    """

    lock: str
    device: str
    backend: str
    oldest: tuple[int, int]
    download: int
    disk: int


BUILDS = {
    build.lock: build
    for build in (
        Build("linux-cpu", "the processor", "cpu", (3, 11), 330, 1150),
        Build("linux-cuda", "NVIDIA cards", "", (3, 11), 2700, 5200),
        Build("windows-cpu", "the processor", "", (3, 11), 240, 920),
        Build("windows-cuda", "NVIDIA cards", "cu130", (3, 12), 2050, 5000),
        Build("macos", "Apple's GPU", "", (3, 11), 220, 800),
    )
}
NEWEST = (3, 13)


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA card. driver: its major version. capability: as NVIDIA counts generations (8.9)."""

    name: str
    driver: int
    capability: float


@dataclass(frozen=True)
class BuildChoice:
    """A build and why it is the right one, in words that follow "for the processor: "."""

    build: Build
    why: str


def choose(wanted: str, gpu: Gpu | None, system: str = sys.platform) -> BuildChoice:
    """The build for this computer. wanted: AUTO, CPU or CUDA. gpu: the NVIDIA card, None without.

    On a Mac there is but one build, whatever is wanted.
    """
    if system == "darwin":
        return BuildChoice(BUILDS["macos"], "there is one build for Macs")
    name = "windows" if system == "win32" else "linux"
    device, why = _device(wanted, gpu)
    return BuildChoice(BUILDS[f"{name}-{device}"], why)


def _device(wanted: str, gpu: Gpu | None) -> tuple[str, str]:
    if wanted != AUTO:
        return wanted, "chosen in the preferences"
    if gpu is None:
        return CPU, "no NVIDIA card was found"
    if gpu.capability < CAPABILITY:
        return CPU, f"{gpu.name} is too old for this version of PyTorch"
    if gpu.driver < DRIVER:
        return CPU, f"the driver of {gpu.name} is {gpu.driver}; with {DRIVER} or newer the card can be used"
    return CUDA, f"{gpu.name} was found"


LIST_GPUS = ("nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader")
"""The command by which NVIDIA's driver lists the cards."""


def best_gpu(lines: Iterable[str]) -> Gpu | None:
    """The most capable card of those that ``LIST_GPUS`` printed; None without."""
    gpus = []
    for line in lines:
        try:
            name, driver, capability = (part.strip() for part in line.rsplit(",", 2))
            gpus.append(Gpu(name, int(driver.partition(".")[0]), float(capability)))
        except ValueError:  # a message instead of a card
            continue
    return max(gpus, key=lambda gpu: gpu.capability, default=None)


def suits(build: Build, version: tuple[int, int]) -> bool:
    """Whether ``build`` exists for Python ``version``."""
    return build.oldest <= version <= NEWEST


def machine_problem(system: str = sys.platform, machine: str = "") -> str:
    """Why this kind of computer can't run the engine; "" when it can."""
    machine = (machine or platform.machine()).lower()
    if system == "darwin":
        return "" if machine == "arm64" else "Macs with Intel processors aren't supported by PyTorch any more"
    return "" if machine in ("x86_64", "amd64") else f"There are no packages for {machine} processors"
