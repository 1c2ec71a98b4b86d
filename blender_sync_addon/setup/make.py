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

from ..jobs import environment
from ..problem import Problem, Stopped
from . import builds, integrity, place, uv
from .activity import Activity
from .builds import Choice
from .place import Place

_MB = 10**6


@dataclass(frozen=True)
class Plan:
    """What to make and from what.

    wish: builds.AUTO, CPU or CUDA. python, version: Blender's own Python. online: may the network be used?
    source: a package index or a folder of wheels, or "". wheels: the folder with uv's. engine: the engine's.
    """

    place: Place
    wish: str
    python: str
    version: tuple[int, int]
    online: bool
    source: str
    wheels: Path
    engine: Path


def make(activity: Activity, plan: Plan, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Make the environment; what the doctor says of it. Raises Problem, Stopped, OSError."""
    if problem := builds.machine_problem():
        raise Problem(problem)
    activity.say("Looking at this computer")
    choice = builds.choose(plan.wish, _card(activity, environ))
    activity.note(f"PyTorch for {choice.build.device}: {choice.why}")
    variables = uv.environ(environ, plan.place, plan.source)
    _check_online(plan, choice, variables)
    with place.locked(plan.place):
        place.clear_leftovers(plan.place)
        place.check_room(plan.place, round(choice.build.disk * 1.1))
        found = _Maker(activity, plan, choice, variables).make()
        place.put_in_place(plan.place)
    return found


def _card(activity: Activity, environ: Mapping[str, str]) -> builds.Card | None:
    """The NVIDIA card, if the driver's own tool is there and knows one."""
    try:
        status, lines = activity.run(builds.CARDS, environment.child_environment(environ))
    except Stopped:
        raise
    except Problem:
        return None
    return builds.best_card(lines) if status == 0 else None


def _check_online(plan: Plan, choice: Choice, variables: Mapping[str, str]) -> None:
    """Without a network, only what was downloaded before or lies in a folder can be used."""
    if plan.online or uv.local_folder(variables) or (plan.place.packages / "archive-v0").exists():
        return
    what = f"Blender's online access is off, and {choice.build.download} MB have to be downloaded"
    raise Problem(what, "Turn on Allow Online Access in Preferences > System > Network.")


class _Maker:
    """The steps in order, on what they share."""

    def __init__(self, activity: Activity, plan: Plan, choice: Choice, variables: Mapping[str, str]) -> None:
        self.activity, self.plan, self.choice = activity, plan, choice
        self.variables = variables
        self.uv = Path()

    def make(self) -> dict[str, Any]:
        self.uv = uv.unpack(self.plan.wheels, self.plan.place.root)
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
            command = uv.make_command(self.uv, self.plan.place, python, self.plan.online)
            status, lines = self.activity.run(command, self.variables)
            if status == 0:
                return
        raise self._failure(lines)

    def _install(self) -> None:
        what = f"Getting PyTorch for {self.choice.build.device}"
        self.activity.say(f"{what} and other packages", 0.0)
        plan = self.plan
        command = uv.install_command(
            self.uv, plan.place, self.choice.build, self.variables, online=plan.online
        )
        status, lines = self.activity.run(command, self.variables, tick=self._measure)
        if status:
            raise self._failure(lines)

    def _measure(self) -> None:
        """How far it is, by what has arrived and been unpacked."""
        there, expected = (
            place.size(self.plan.place.packages, self.activity.check) // _MB,
            self.choice.build.disk,
        )
        share = max(self.activity.fraction or 0.0, min(0.97, there / expected))  # files move: no step back
        self.activity.fraction = share
        self.activity.stage = f"Getting packages: {round(share * expected)} of {expected} MB"

    def _check(self) -> None:
        """What is linked may have been damaged where it was kept; then it is downloaded again, once."""
        part = self.plan.place.part
        self.activity.say("Checking the files")
        bad = integrity.damaged(part, self.activity.check)
        if not bad:
            return
        self.activity.note(f"Damaged: {json.dumps(bad)[:2000]}")
        self.activity.run(uv.clean_command(self.uv, list(bad)), self.variables)
        place.discard(part)
        self._bare()
        self._install()
        if bad := integrity.damaged(part, self.activity.check):
            raise Problem(f"The packages {', '.join(bad)} arrive damaged", "Look whether the disk is sound.")

    def _try(self) -> dict[str, Any]:
        """Have the engine's doctor look at the new environment, from within."""
        self.activity.say("Trying the engine")
        found = examine(self.activity, self.plan.place.python(self.plan.place.part), self.plan.engine)
        if not found["usable"]:
            raise Problem(f"The new environment can't run the engine: {found['verdict']}", "Open the log.")
        stamp = place.Stamp(
            build=self.choice.build.lock,
            fingerprint=self.plan.place.fingerprint(self.choice.build.lock),
            python=found["python"],
            torch=found["packages"]["torch"],
        )
        place.write_stamp(self.plan.place.part, stamp)
        return found

    def _failure(self, lines: list[str]) -> Problem:
        return uv.explain(lines, self.plan.online)


def examine(activity: Activity, python: str | Path, engine: Path) -> dict[str, Any]:
    """What the engine's doctor says with ``python`` (see engine/doctor.py). Raises Problem, Stopped."""
    command = environment.command(str(python), engine, ["--offline", "doctor", "--json"])
    status, lines = activity.run(command, environment.child_environment(os.environ))
    for line in reversed(lines):
        try:
            found = json.loads(line)
            return {**found, "usable": bool(found["usable"]), "verdict": str(found["verdict"])}
        except (ValueError, TypeError, KeyError):
            continue
    last = f": {lines[-1]}" if lines else ""
    raise Problem(f"The engine doesn't start (exit status {status}){last}", "Open the log, or repair it.")


def check(activity: Activity, python: str, engine: Path, own: Path | None) -> dict[str, Any]:
    """As ``examine``; besides, "damaged": the packages of the environment ``own`` that aren't whole."""
    damaged: list[str] = []
    if own:
        activity.say("Checking the files")
        damaged = list(integrity.damaged(own, activity.check))
    activity.say("Asking the engine")
    found = examine(activity, python, engine)
    return {**found, "damaged": damaged, "usable": found["usable"] and not damaged}


def remove(activity: Activity, where: Place) -> None:
    """Delete the environment and what belongs to it. Raises Problem."""
    activity.say("Removing the engine's environment")
    place.remove(where)
