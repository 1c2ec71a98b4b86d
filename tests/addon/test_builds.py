"""Which torch is right for a computer, where it comes from, and uv's words."""

from __future__ import annotations

from pathlib import Path

import pytest
from sync_texture.blender_sync_addon.setup import builds, engine_folder, uv

RTX = builds.Gpu("RTX 4080", 596, 8.9)


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
    old_driver = builds.choose("auto", builds.Gpu("RTX 3060", 535, 8.6), "linux")
    assert old_driver.build.lock == "linux-cpu"
    assert "535" in old_driver.why
    assert "580" in old_driver.why
    old_card = builds.choose("auto", builds.Gpu("GTX 1080", 580, 6.1), "linux")
    assert old_card.build.lock == "linux-cpu"
    assert "GTX 1080 is too old" in old_card.why


def test_what_the_driver_lists():
    lines = ["Quadro P400, 590.44.01, 6.1", "NVIDIA H200, 590.44.01, 9.0"]
    assert builds.best_gpu(lines) == builds.Gpu("NVIDIA H200", 590, 9.0)
    assert builds.best_gpu(["NVIDIA-SMI has failed, since it couldn't communicate with the driver."]) is None
    assert builds.best_gpu([]) is None


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
    where = engine_folder.EngineFolder(tmp_path, tmp_path)
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
    where = engine_folder.EngineFolder(tmp_path, tmp_path)
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
