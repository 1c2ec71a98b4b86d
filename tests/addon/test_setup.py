"""Setting up without Blender: which torch, where, uv's words, and whole runs with a stand-in for uv."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
import zipfile
from pathlib import Path

import pytest
from sync_texture.blender_sync_addon.problem import Problem, Stopped
from sync_texture.blender_sync_addon.setup import builds, findings, make, place, uv, whole
from sync_texture.blender_sync_addon.setup.activity import Activity
from sync_texture.blender_sync_addon.setup.desk import Desk

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a shell script")

# Which torch


RTX = builds.Card("RTX 4080", 596, 8.9)


def test_the_right_torch_for_each_computer():
    def lock(wish, card, system):
        return builds.choose(wish, card, system).build.lock

    assert lock("auto", RTX, "linux") == "linux-cuda"
    assert lock("auto", RTX, "win32") == "windows-cuda"
    assert lock("auto", None, "linux") == "linux-cpu"
    assert lock("auto", None, "win32") == "windows-cpu"
    assert lock("cpu", RTX, "linux") == "linux-cpu"
    assert lock("cuda", None, "win32") == "windows-cuda"
    assert {lock(wish, RTX, "darwin") for wish in ("auto", "cpu", "cuda")} == {"macos"}


def test_a_card_that_cant_be_used_is_said_why():
    old_driver = builds.choose("auto", builds.Card("RTX 3060", 535, 8.6), "linux")
    assert old_driver.build.lock == "linux-cpu"
    assert "535" in old_driver.why
    assert "580" in old_driver.why
    old_card = builds.choose("auto", builds.Card("GTX 1080", 580, 6.1), "linux")
    assert old_card.build.lock == "linux-cpu"
    assert "GTX 1080 is too old" in old_card.why


def test_what_the_driver_lists():
    lines = ["Quadro P400, 590.44.01, 6.1", "NVIDIA H200, 590.44.01, 9.0"]
    assert builds.best_card(lines) == builds.Card("NVIDIA H200", 590, 9.0)
    assert builds.best_card(["NVIDIA-SMI has failed, since it couldn't communicate with the driver."]) is None
    assert builds.best_card([]) is None


def test_pythons_that_a_build_exists_for():
    assert builds.suits(builds.BUILDS["linux-cpu"], (3, 11))
    assert not builds.suits(builds.BUILDS["windows-cuda"], (3, 11))
    assert not builds.suits(builds.BUILDS["linux-cpu"], (3, 14))
    assert uv.versions(builds.BUILDS["windows-cuda"]) == ">=3.12,<3.14"


def test_computers_without_packages_are_told():
    assert builds.machine_problem("linux", "x86_64") == ""
    assert builds.machine_problem("win32", "AMD64") == ""
    assert builds.machine_problem("darwin", "arm64") == ""
    assert "Intel" in builds.machine_problem("darwin", "x86_64")
    assert "aarch64" in builds.machine_problem("linux", "aarch64")


# uv's words


def test_what_the_user_says_about_packages_reaches_uv(tmp_path):
    where = place.Place(tmp_path, tmp_path)
    given = {
        "PIP_INDEX_URL": "https://mirror/simple",
        "PIP_FIND_LINKS": "/wheels",
        "UV_TORCH_BACKEND": "cu118",
        "UV_CACHE_DIR": "/elsewhere",
        "VIRTUAL_ENV": "/venv",
        "PYTHONPATH": "/blender",
        "HOME": "/home",
    }
    found = uv.environ(given, where, "")
    assert found["UV_DEFAULT_INDEX"] == "https://mirror/simple"
    assert found["UV_FIND_LINKS"] == "/wheels"
    assert found["UV_CACHE_DIR"] == str(tmp_path / "packages")
    assert found["HOME"] == "/home"
    assert not {"UV_TORCH_BACKEND", "VIRTUAL_ENV", "PYTHONPATH"} & found.keys()
    assert (
        uv.environ({**given, "UV_DEFAULT_INDEX": "https://own"}, where, "")["UV_DEFAULT_INDEX"]
        == "https://own"
    )
    assert uv.environ({}, where, "https://preferred")["UV_INDEX"] == "https://preferred"
    assert uv.environ({}, where, str(tmp_path))["UV_FIND_LINKS"] == str(tmp_path)


def test_torch_comes_from_its_own_index_unless_the_user_names_a_place(tmp_path):
    where = place.Place(tmp_path, tmp_path)
    build = builds.BUILDS["linux-cpu"]
    assert "--torch-backend" in uv.install_command(Path("uv"), where, build, {}, True)
    mirror = {"UV_DEFAULT_INDEX": "https://mirror"}
    assert "--torch-backend" in uv.install_command(Path("uv"), where, build, mirror, True)
    links = {"UV_FIND_LINKS": "/wheels"}
    assert "--torch-backend" not in uv.install_command(Path("uv"), where, build, links, True)
    cuda = uv.install_command(Path("uv"), where, builds.BUILDS["linux-cuda"], {}, True)
    assert "--torch-backend" not in cuda
    assert "--require-hashes" in cuda


@pytest.mark.parametrize(
    ("lines", "online", "words"),
    [
        (["error: Failed to fetch: `https://me:secret@host/simple/x`"], True, "host was not reached"),
        (
            ["error: Failed to fetch", "  cause: invalid peer certificate: UnknownIssuer"],
            True,
            "SSL_CERT_FILE",
        ),
        (["  cause: No space left on device (os error 28)"], True, "disk became full"),
        (["  cause: Hash mismatch for `torch==2.13.0`"], True, "was refused"),
        (["error: something else"], True, "something else"),
        ([], True, "said nothing"),
        (["error: Network connectivity is disabled"], False, "online access is off"),
    ],
)
def test_failures_in_one_line(lines, online, words):
    said = str(uv.explain(lines, online))
    assert words in said
    assert "secret" not in said
    assert "\n" not in said


# Whole runs. The stand-in for uv makes an "environment" whose Python answers as the doctor does.

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
    monkeypatch.setattr(place, "check_room", lambda *_: None)
    where = place.Place(tmp_path / "user", locks)
    return make.Plan(where, "cpu", "/blender/python", (3, 11), True, "", wheels, tmp_path / "engine")


def made(plan, **variables):
    """The ended activity that made ``plan``."""
    activity = Activity("Setting up the engine", plan.place.log)
    environ = {"PATH": os.environ["PATH"], "ANSWER": json.dumps(GOOD), **variables}
    activity.start(lambda running: make.make(running, plan, environ))
    assert activity.wait(30)
    return activity


def asked(plan):
    return (plan.place.root / "asked").read_text().splitlines()


def test_an_environment_is_made_tried_and_put_in_place(plan):
    activity = made(plan)
    assert activity.problem is None
    assert activity.result == GOOD
    state, stamp = place.state(plan.place)
    assert state == "ready"
    assert (stamp.python, stamp.torch) == ("3.11.7", "2.13.0")
    assert place.in_use(plan.place) == plan.place.python()
    assert not plan.place.part.exists()
    venv, sync, *_ = asked(plan)
    assert "--python /blender/python" in venv
    assert "--require-hashes" in sync
    assert "--offline" not in sync
    assert "== Done" in plan.place.log.read_text()
    place.remove(plan.place)
    assert place.state(plan.place) == ("none", None)


def test_a_blender_whose_python_is_too_new_or_refused_gets_another(plan):
    newer = make.Plan(**{**vars(plan), "version": (3, 14)})
    assert made(newer).problem is None
    assert asked(plan)[0].endswith("--python >=3.11,<3.14")
    assert made(plan, REFUSED="/blender/python").problem is None
    assert asked(plan)[-2].endswith("--python >=3.11,<3.14")


def test_the_old_environment_stays_until_the_new_one_works(plan):
    made(plan)
    kept = plan.place.environment / "kept"
    kept.touch()
    bad = {**GOOD, "usable": False, "verdict": "unusable: install torch", "missing": ["torch"]}
    for variables in ({"FAILS": "dns error"}, {"ANSWER": json.dumps(bad)}, {"ANSWER": "Traceback"}):
        assert made(plan, **variables).problem
        assert kept.exists()
        assert place.state(plan.place)[0] == "ready"
    assert made(plan).problem is None
    assert not kept.exists()
    assert not plan.place.part.exists()


def test_cancel_takes_less_than_two_seconds_and_a_second_try_goes_on(plan):
    activity = Activity("Setting up the engine", plan.place.log)
    environ = {"PATH": os.environ["PATH"], "SLOW": "1"}
    activity.start(lambda running: make.make(running, plan, environ))
    end = time.monotonic() + 20
    while "Resolved" not in (plan.place.log.read_text() if plan.place.log.exists() else ""):
        assert time.monotonic() < end
        time.sleep(0.05)
    started = time.monotonic()
    activity.cancel()
    assert activity.wait(5)
    assert time.monotonic() - started < 2
    assert isinstance(activity.problem, Stopped)
    assert place.state(plan.place) == ("none", None)
    assert made(plan).problem is None


def test_a_part_left_by_a_killed_blender_is_cleared(plan):
    (plan.place.part / "bin").mkdir(parents=True)
    (plan.place.root / "trash-old").mkdir()
    assert made(plan).problem is None
    end = time.monotonic() + 10
    while list(plan.place.root.glob("trash-*")):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_two_blenders_dont_set_up_at_once(plan):
    with place.locked(plan.place):
        assert "Another Blender" in str(made(plan).problem)
    assert made(plan).problem is None


def test_repair_brings_back_a_deleted_file_and_downloads_a_damaged_one_again(plan):
    made(plan)
    module = plan.place.environment / "lib/python3.11/site-packages/tiny.py"
    module.unlink()
    assert list(whole.damaged(plan.place.environment, lambda: None)) == ["tiny"]
    assert made(plan).problem is None
    assert module.read_text() == "1"
    (plan.place.packages / "archive-v0/tiny.py").write_text("x")  # linked files are damaged together
    assert made(plan).problem is None
    assert module.read_text() == "1"
    assert any(line == "cache clean tiny" for line in asked(plan))


def test_offline_is_refused_at_once_unless_everything_is_here(plan):
    offline = make.Plan(**{**vars(plan), "online": False})
    refused = made(offline)
    assert str(refused.problem) == (
        "Blender's online access is off, and 330 MB have to be downloaded. "
        "Turn on Allow Online Access in Preferences > System > Network."
    )
    assert not (plan.place.root / "asked").exists(), "uv was run"
    assert made(offline, UV_FIND_LINKS=str(plan.wheels)).problem is None, "a folder needs no network"
    assert all("--offline" in line for line in asked(plan)[:2])
    assert made(offline).problem is None, "neither does what was downloaded"


def test_an_upgrade_makes_it_outdated_and_a_lost_stamp_broken(plan):
    made(plan)
    (plan.place.locks / "engine.txt").write_text("newer")
    assert place.state(plan.place)[0] == "outdated"
    assert place.in_use(plan.place), "it is used until it is updated"
    (plan.place.environment / place.STAMP).unlink()
    assert place.state(plan.place) == ("broken", None)
    assert place.in_use(plan.place) is None


def test_a_full_disk_is_told_before_anything_is_downloaded(tmp_path):
    where = place.Place(tmp_path, tmp_path)
    with pytest.raises(Problem, match=r"too full: 9999999\.0 GB are needed"):
        place.check_room(where, 9_999_999_000)
    place.check_room(where, 1)


def test_a_folder_that_cant_be_written_is_told(plan):
    plan.place.root.mkdir()
    plan.place.root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(plan.place.root, os.W_OK):
            pytest.skip("this user may write everywhere")
        assert "ermission" in str(made(plan).problem)
    finally:
        plan.place.root.chmod(stat.S_IRWXU)


# What is shown


def test_one_thing_at_a_time(tmp_path):
    desk = Desk()
    told = []
    desk.begin("One", lambda running: running.run(["sleep", "30"], os.environ), told.append, tmp_path / "log")
    with pytest.raises(Problem, match="One isn't finished"):
        desk.begin("Two", lambda _: None, told.append, tmp_path / "log")
    assert not desk.settle()
    desk.stop()
    desk.current.wait(5)
    assert desk.settle()
    assert desk.message == "One: cancelled"
    desk.begin("Three", lambda _: 3, told.append, tmp_path / "log").wait(5)
    assert desk.settle()
    assert told == [3]
    assert desk.message == "Three: done"
    desk.begin("Four", lambda _: 1 / 0, told.append, tmp_path / "log").wait(5)
    desk.settle()
    assert "ZeroDivisionError" in desk.message


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
