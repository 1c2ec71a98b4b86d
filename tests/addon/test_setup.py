"""Setting up without Blender: whole runs with a stand-in for uv, and what is found afterwards."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
import zipfile

import pytest
from sync_texture.blender_sync_addon.problem import Problem, Stopped
from sync_texture.blender_sync_addon.setup import builds, engine_folder, findings, installation, integrity
from sync_texture.blender_sync_addon.setup.activity import Activity

from tests.processes import SLACK_S

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a shell script")

# The stand-in for uv makes an "environment" whose Python answers as the doctor does.
UV = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
if [ "$1" = venv ]; then
    case " $* " in *" $REFUSED "*) echo "error: not this Python" >&2; exit 2;; esac
    mkdir -p "$2/bin" "$2/lib/python3.11/site-packages/tiny-1.dist-info"
    printf '#!/bin/sh\\ncat "$(dirname "$0")/answer"\\n' > "$2/bin/python"; chmod +x "$2/bin/python"
    echo "$2" > "$(dirname "$0")/made"
elif [ "$1 $2" = "pip sync" ]; then
    echo Resolved
    if [ -n "$FAILS" ]; then echo "error: $FAILS" >&2; exit 1; fi
    if [ -n "$SLOW" ]; then sleep 60; fi
    made=$(cat "$(dirname "$0")/made"); site="$made/lib/python3.11/site-packages"
    mkdir -p "$UV_CACHE_DIR/archive-v0"
    [ -f "$UV_CACHE_DIR/archive-v0/tiny.py" ] || printf 1 > "$UV_CACHE_DIR/archive-v0/tiny.py"
    cp "$UV_CACHE_DIR/archive-v0/tiny.py" "$site/tiny.py"
    echo "tiny.py,sha256=a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s,1" > "$site/tiny-1.dist-info/RECORD"
    printf '%s' "$ANSWER" > "$made/bin/answer"
elif [ "$1 $2" = "cache clean" ]; then rm "$UV_CACHE_DIR/archive-v0/$3.py"
fi
"""
GOOD = {
    "usable": True,
    "verdict": "ready",
    "python": "3.11.7",
    "missing": [],
    "packages": {"torch": "2.13.0", "diffusers": "0.42.1"},
    "devices": {"cpu": True, "cuda": False, "mps": False},
    "gpu": None,
    "rasteriser": "embree (no card)",
    "disk_free": 10**11,
}


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A plan that wants nothing of this computer; ``made`` runs it."""
    wheels, locks = tmp_path / "wheels", tmp_path / "locks"
    for folder in (wheels, locks):
        folder.mkdir()
    for name in ("engine", *(f"torch-{build}" for build in builds.BUILDS)):
        (locks / f"{name}.txt").write_text(name)
    tag = "manylinux_x86_64" if sys.platform == "linux" else "macosx_arm64"
    with zipfile.ZipFile(wheels / f"uv-0.1-py3-none-{tag}.whl", "w") as archive:
        archive.writestr("uv-0.1.data/scripts/uv", UV)
    monkeypatch.setattr(builds, "machine_problem", lambda: "")
    monkeypatch.setattr(engine_folder, "check_room", lambda *_: None)
    where = engine_folder.EngineFolder(tmp_path / "user", locks)
    return installation.InstallationPlan(
        where, "cpu", "/blender/python", (3, 11), True, "", wheels, tmp_path / "engine"
    )


def made(plan, **variables):
    """The ended activity that made ``plan``."""
    activity = Activity("Setting up the engine", plan.folder.log)
    environ = {"PATH": os.environ["PATH"], "ANSWER": json.dumps(GOOD), **variables}
    activity.start(lambda running: installation.install(running, plan, environ))
    assert activity.wait(30)
    return activity


def asked(plan):
    return (plan.folder.root / "asked").read_text().splitlines()


def test_an_environment_is_made_tried_and_put_in_place(plan):
    activity = made(plan)
    assert activity.problem is None
    assert activity.result == GOOD
    state, stamp = engine_folder.state(plan.folder)
    assert state == "ready"
    assert (stamp.python, stamp.torch) == ("3.11.7", "2.13.0")
    assert engine_folder.in_use(plan.folder) == plan.folder.python()
    assert not plan.folder.part.exists()
    venv, sync, *_ = asked(plan)
    assert "--python /blender/python" in venv
    assert "--require-hashes" in sync
    assert "--offline" not in sync
    assert "== Done" in plan.folder.log.read_text()
    engine_folder.remove(plan.folder)
    assert engine_folder.state(plan.folder) == ("none", None)


def test_a_blender_whose_python_is_too_new_or_refused_gets_another(plan):
    newer = installation.InstallationPlan(**{**vars(plan), "version": (3, 14)})
    assert made(newer).problem is None
    assert asked(plan)[0].endswith("--python >=3.11,<3.14")
    assert made(plan, REFUSED="/blender/python").problem is None
    assert asked(plan)[-2].endswith("--python >=3.11,<3.14")


def test_the_old_environment_stays_until_the_new_one_works(plan):
    made(plan)
    kept = plan.folder.environment / "kept"
    kept.touch()
    bad = {**GOOD, "usable": False, "verdict": "unusable: install torch", "missing": ["torch"]}
    for variables in ({"FAILS": "dns error"}, {"ANSWER": json.dumps(bad)}, {"ANSWER": "Traceback"}):
        assert made(plan, **variables).problem
        assert kept.exists()
        assert engine_folder.state(plan.folder)[0] == "ready"
    assert made(plan).problem is None
    assert not kept.exists()
    assert not plan.folder.part.exists()


def test_cancel_takes_less_than_two_seconds_and_a_second_try_goes_on(plan):
    activity = Activity("Setting up the engine", plan.folder.log)
    environ = {"PATH": os.environ["PATH"], "SLOW": "1"}
    activity.start(lambda running: installation.install(running, plan, environ))
    end = time.monotonic() + 20
    while "Resolved" not in (plan.folder.log.read_text() if plan.folder.log.exists() else ""):
        assert time.monotonic() < end
        time.sleep(0.05)
    started = time.monotonic()
    activity.cancel()
    assert activity.wait(5)
    assert time.monotonic() - started < 2 + SLACK_S
    assert isinstance(activity.problem, Stopped)
    assert engine_folder.state(plan.folder) == ("none", None)
    assert made(plan).problem is None


def test_a_part_left_by_a_killed_blender_is_cleared(plan):
    (plan.folder.part / "bin").mkdir(parents=True)
    (plan.folder.root / "trash-old").mkdir()
    assert made(plan).problem is None
    end = time.monotonic() + 10
    while list(plan.folder.root.glob("trash-*")):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_two_blenders_dont_set_up_at_once(plan):
    with engine_folder.locked(plan.folder):
        assert "Another Blender" in str(made(plan).problem)
    assert made(plan).problem is None


def test_repair_brings_back_a_deleted_file_and_downloads_a_damaged_one_again(plan):
    made(plan)
    module = plan.folder.environment / "lib/python3.11/site-packages/tiny.py"
    module.unlink()
    assert list(integrity.damaged(plan.folder.environment, lambda: None)) == ["tiny"]
    assert made(plan).problem is None
    assert module.read_text() == "1"
    (plan.folder.packages / "archive-v0/tiny.py").write_text("x")  # linked files are damaged together
    assert made(plan).problem is None
    assert module.read_text() == "1"
    assert any(line == "cache clean tiny" for line in asked(plan))


def test_offline_is_refused_at_once_unless_everything_is_here(plan):
    offline = installation.InstallationPlan(**{**vars(plan), "online": False})
    refused = made(offline)
    assert str(refused.problem) == (
        "Blender's online access is off, and 330 MB have to be downloaded. "
        "Turn on Allow Online Access in Preferences > System > Network."
    )
    assert not (plan.folder.root / "asked").exists(), "uv was run"
    assert made(offline, UV_FIND_LINKS=str(plan.wheels)).problem is None, "a folder needs no network"
    assert all("--offline" in line for line in asked(plan)[:2])
    assert made(offline).problem is None, "neither does what was downloaded"


def test_an_upgrade_makes_it_outdated_and_a_lost_stamp_broken(plan):
    made(plan)
    (plan.folder.locks / "engine.txt").write_text("newer")
    assert engine_folder.state(plan.folder)[0] == "outdated"
    assert engine_folder.in_use(plan.folder), "it is used until it is updated"
    (plan.folder.environment / engine_folder.STAMP).unlink()
    assert engine_folder.state(plan.folder) == ("broken", None)
    assert engine_folder.in_use(plan.folder) is None


def test_a_full_disk_is_told_before_anything_is_downloaded(tmp_path):
    where = engine_folder.EngineFolder(tmp_path, tmp_path)
    with pytest.raises(Problem, match=r"too full: 9999999\.0 GB are needed"):
        engine_folder.check_room(where, 9_999_999_000)
    engine_folder.check_room(where, 1)


def test_a_folder_that_cant_be_written_is_told(plan):
    plan.folder.root.mkdir()
    plan.folder.root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(plan.folder.root, os.W_OK):
            pytest.skip("this user may write everywhere")
        assert "ermission" in str(made(plan).problem)
    finally:
        plan.folder.root.chmod(stat.S_IRWXU)


def test_findings_are_sentences():
    good = [finding.text for finding in findings.sentences(GOOD)]
    assert good[0] == "Everything is ready to make textures"
    assert "processor" in good[1]
    card = {"name": "NVIDIA H200", "free": 139 * 10**9, "total": 141 * 10**9}
    assert "NVIDIA H200: 139.0 of 141.0 GB" in findings.sentences({**GOOD, "gpu": card}, "linux-cuda")[1].text
    lost = findings.sentences(GOOD, "linux-cuda")[1]
    assert "driver" in lost.text
    assert not lost.good
    (bad,) = findings.sentences({**GOOD, "usable": False, "missing": ["torch", "xatlas"]})
    assert "lacks torch, xatlas" in bad.text
    assert not findings.sentences({**GOOD, "disk_free": 10**9})[-1].good
