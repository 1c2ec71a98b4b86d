"""Make the engine's private environment, or mend it: beside the old one, tried, put in its place. No bpy.

What was downloaded is kept, so what was cancelled goes on where it was, and mending needs no network. Until
the new environment has been tried, the old one stays as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.client.child import without_python_settings
from ..problem import Problem, Stopped
from . import builds, engine_folder, engine_python, integrity, uv
from .activity import Activity
from .builds import BuildChoice
from .engine_folder import EngineFolder

_MB = 10**6


@dataclass(frozen=True)
class InstallationPlan:
    """What to make and from what.

    wanted: builds.AUTO, CPU or CUDA. python, version: Blender's own Python. online: may the network be used?
    source: a package index or a folder of wheels, or "". wheels: the folder with uv's. engine: the engine's.
    """

    folder: EngineFolder
    wanted: str
    python: str
    version: tuple[int, int]
    online: bool
    source: str
    wheels: Path
    engine: Path


def install(
    activity: Activity, plan: InstallationPlan, environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Make the environment; what the doctor says of it. Raises Problem, Stopped, OSError."""
    if problem := builds.machine_problem():
        raise Problem(problem)
    activity.say("Looking at this computer")
    choice = builds.choose(plan.wanted, _gpu(activity, environ))
    activity.note(f"PyTorch for {choice.build.device}: {choice.why}")
    variables = uv.environ(environ, plan.folder, plan.source)
    _check_online(plan, choice, variables)
    with engine_folder.locked(plan.folder):
        engine_folder.clear_leftovers(plan.folder)
        engine_folder.check_room(plan.folder, round(choice.build.disk * 1.1))
        found = _Installation(activity, plan, choice, variables).make()
        engine_folder.put_in_place(plan.folder)
    return found


def _gpu(activity: Activity, environ: Mapping[str, str]) -> builds.Gpu | None:
    """The NVIDIA card, if the driver's own tool is there and knows one."""
    try:
        status, lines = activity.run(builds.LIST_GPUS, without_python_settings(environ))
    except Stopped:
        raise
    except Problem:
        return None
    return builds.best_gpu(lines) if status == 0 else None


def _check_online(plan: InstallationPlan, choice: BuildChoice, variables: Mapping[str, str]) -> None:
    """Without a network, only what was downloaded before or lies in a folder can be used."""
    if plan.online or uv.local_folder(variables) or (plan.folder.packages / "archive-v0").exists():
        return
    what = f"Blender's online access is off, and {choice.build.download} MB have to be downloaded"
    raise Problem(what, "Turn on Allow Online Access in Preferences > System > Network.")


class _Installation:
    """The steps in order, on what they share."""

    def __init__(
        self, activity: Activity, plan: InstallationPlan, choice: BuildChoice, variables: Mapping[str, str]
    ) -> None:
        self.activity, self.plan, self.choice = activity, plan, choice
        self.variables = variables
        self.uv = Path()

    def make(self) -> dict[str, Any]:
        self.uv = uv.unpack(self.plan.wheels, self.plan.folder.root)
        self._bare()
        self._install()
        self._check()
        return self._try()

    def _bare(self) -> None:
        """An empty environment: of Blender's own Python where torch has a build for that, else of another."""
        self.activity.say("Making the environment")
        candidates = [uv.versions(self.choice.build)]
        if builds.suits(self.choice.build, self.plan.version):
            candidates.insert(0, self.plan.python)
        lines: list[str] = []
        for python in candidates:
            command = uv.make_command(self.uv, self.plan.folder, python, self.plan.online)
            status, lines = self.activity.run(command, self.variables)
            if status == 0:
                return
        raise self._failure(lines)

    def _install(self) -> None:
        what = f"Getting PyTorch for {self.choice.build.device}"
        self.activity.say(f"{what} and other packages", 0.0)
        plan = self.plan
        command = uv.install_command(
            self.uv, plan.folder, self.choice.build, self.variables, online=plan.online
        )
        status, lines = self.activity.run(command, self.variables, tick=self._measure)
        if status:
            raise self._failure(lines)

    def _measure(self) -> None:
        """How far it is, by what has arrived and been unpacked."""
        there, expected = (
            engine_folder.size(self.plan.folder.packages, self.activity.check) // _MB,
            self.choice.build.disk,
        )
        share = max(self.activity.fraction or 0.0, min(0.97, there / expected))  # files move: no step back
        self.activity.fraction = share
        self.activity.stage = f"Getting packages: {round(share * expected)} of {expected} MB"

    def _check(self) -> None:
        """What is linked may have been damaged where it was kept; then it is downloaded again, once."""
        part = self.plan.folder.part
        self.activity.say("Checking the files")
        bad = integrity.damaged(part, self.activity.check)
        if not bad:
            return
        self.activity.note(f"Damaged: {json.dumps(bad)[:2000]}")
        self.activity.run(uv.clean_command(self.uv, list(bad)), self.variables)
        engine_folder.discard(part)
        self._bare()
        self._install()
        if bad := integrity.damaged(part, self.activity.check):
            raise Problem(f"The packages {', '.join(bad)} arrive damaged", "Look whether the disk is sound.")

    def _try(self) -> dict[str, Any]:
        """Have the engine's doctor look at the new environment, from within."""
        self.activity.say("Trying the engine")
        found = ask_doctor(self.activity, self.plan.folder.python(self.plan.folder.part), self.plan.engine)
        if not found["usable"]:
            raise Problem(f"The new environment can't run the engine: {found['verdict']}", "Open the log.")
        stamp = engine_folder.Stamp(
            build=self.choice.build.lock,
            fingerprint=self.plan.folder.fingerprint(self.choice.build.lock),
            python=found["python"],
            torch=found["packages"]["torch"],
        )
        engine_folder.write_stamp(self.plan.folder.part, stamp)
        return found

    def _failure(self, lines: list[str]) -> Problem:
        return uv.explain(lines, self.plan.online)


def ask_doctor(activity: Activity, python: str | Path, engine: Path) -> dict[str, Any]:
    """What the engine's doctor says with ``python`` (see engine/doctor.py). Raises Problem, Stopped."""
    command = engine_python.command_of(str(python), ["--offline", "doctor", "--json"], engine)
    status, lines = activity.run(command, without_python_settings(os.environ))
    for line in reversed(lines):
        try:
            found = json.loads(line)
            return {**found, "usable": bool(found["usable"]), "verdict": str(found["verdict"])}
        except (ValueError, TypeError, KeyError):
            continue
    last = f": {lines[-1]}" if lines else ""
    raise Problem(f"The engine doesn't start (exit status {status}){last}", "Open the log, or repair it.")


def check(activity: Activity, python: str, engine: Path, own: Path | None) -> dict[str, Any]:
    """As ``ask_doctor``; besides, "damaged": the packages of the environment ``own`` that aren't whole."""
    damaged: list[str] = []
    if own:
        activity.say("Checking the files")
        damaged = list(integrity.damaged(own, activity.check))
    activity.say("Asking the engine")
    found = ask_doctor(activity, python, engine)
    return {**found, "damaged": damaged, "usable": found["usable"] and not damaged}


def remove(activity: Activity, folder: EngineFolder) -> None:
    """Delete the environment and what belongs to it. Raises Problem."""
    activity.say("Removing the engine's environment")
    engine_folder.remove(folder)
