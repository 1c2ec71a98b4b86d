"""Files that come in: what is opened, how much of it is read, and which others a file may name."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import inputs
from engine.errors import Cancelled, OutOfMemory, UserError
from engine.mesh.mesh import load

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the whole path may be longer than a socket's can be
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


@POSIX
@pytest.mark.parametrize("make", [a_pipe, a_socket, a_device, a_folder])
def test_what_is_no_file_is_refused_at_once(make: object, tmp_path: Path) -> None:
    path = tmp_path / "mesh.obj"
    make(path)  # type: ignore[operator]
    done = []

    def read() -> None:
        with pytest.raises(UserError, match=r"is a (pipe|socket|device|folder)") as caught:
            load(path)
        done.append(caught.value.fix)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(10)
    assert done == ["name a file"]


@POSIX
def test_a_link_to_a_pipe_is_a_pipe_too(tmp_path: Path) -> None:
    a_pipe(tmp_path / "pipe")
    (tmp_path / "mesh.obj").symlink_to(tmp_path / "pipe")
    with pytest.raises(UserError, match="is a pipe"):
        inputs.read_input(tmp_path / "mesh.obj")


def test_missing_empty_and_forbidden_files(tmp_path: Path) -> None:
    for name in ("gone", "gone/deeper", "nul\0l"):
        with pytest.raises(UserError, match="there is no file"):
            inputs.open_input(tmp_path / name)
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(UserError, match="is empty"):
        inputs.read_input(tmp_path / "empty")
    secret = tmp_path / "secret"
    secret.write_bytes(b"1")
    secret.chmod(0)
    if not os.access(secret, os.R_OK):  # root may read all
        with pytest.raises(UserError, match="may not be read"):
            inputs.read_input(secret)


def test_sizes_are_known_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: no disk holds it
    with pytest.raises(OutOfMemory, match=r"'large' takes about 1,024.0 GiB of memory"):
        inputs.read_input(path)
    with pytest.raises(UserError, match="no file of its kind has more than 1,000"):
        inputs.read_input(path, most=1000)
    small = tmp_path / "small"
    small.write_bytes(bytes(1000))
    monkeypatch.setattr(inputs, "physical_bytes", lambda: 5000)
    assert inputs.read_input(small, copies=5) == bytes(1000)
    with pytest.raises(OutOfMemory):
        inputs.read_input(small, copies=6)


def test_long_reads_can_be_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * inputs.PIECE + 1))
    looks = []
    assert len(inputs.read_input(path, lambda: looks.append(1))) == 3 * inputs.PIECE + 1
    assert len(looks) == 4

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        inputs.read_input(path, cancel)


@pytest.mark.parametrize(
    "name", ["a.bin", "./a.bin", "sub/a.bin", "my%20a.bin", "ä/ö.bin", "a..b.bin", "%C3%A4"]
)
def test_files_beside_are_found(name: str, tmp_path: Path) -> None:
    found = inputs.named_file(tmp_path / "mesh.gltf", name)
    assert found.is_relative_to(tmp_path.resolve())


OUTSIDE = (
    *("../a.bin", "sub/../../a.bin", "..", "a/..", "/etc/passwd", "//host/share/a.bin", "///etc/passwd"),
    *("C:a.bin", "c:/a.bin", "C:\\a.bin", "..\\a.bin", "sub\\a.bin", "\\\\host\\share", "~/a.bin", "~root/a"),
    *("file:///etc/passwd", "http://example.org/a.bin", "ftp:a", "data:,a", "a.bin:stream", "", " ", "a\nb"),
)


@pytest.mark.parametrize("times", [0, 1, 2, 3])
@pytest.mark.parametrize("name", OUTSIDE)
def test_paths_out_of_the_folder_are_refused_however_encoded(name: str, times: int, tmp_path: Path) -> None:
    for _ in range(times):
        name = "".join(f"%{byte:02x}" for byte in name.encode())
    with pytest.raises(UserError, match="names the file") as caught:
        inputs.named_file(tmp_path / "mesh.gltf", name)
    assert "\n" not in str(caught.value)


@MANY
@given(
    parts=st.lists(
        st.sampled_from(["..", ".", "a", "etc", "", "C:", "\\", "~", "%2e%2e", "%2f", "%5c"]), max_size=6
    ),
    encoded=st.integers(0, 2),
)
def test_no_path_leads_out(parts: list[str], encoded: int, tmp_path: Path) -> None:
    name = "/".join(parts)
    for _ in range(encoded):
        name = quote(name, safe="")
    try:
        found = inputs.named_file(tmp_path / "mesh.gltf", name)
    except UserError:
        return
    assert found.is_relative_to(tmp_path.resolve())


@POSIX
def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (tmp_path / "secret.bin").write_bytes(b"secret")
    (own / "link.bin").symlink_to(tmp_path / "secret.bin")
    (own / "folder").symlink_to(tmp_path)
    (own / "circle").symlink_to(own / "circle")
    for name in ("link.bin", "folder/secret.bin"):
        with pytest.raises(UserError, match="a link out of its folder"):
            inputs.named_file(own / "mesh.gltf", name)
    if sys.version_info < (3, 13):
        with pytest.raises(UserError, match="leads nowhere"):
            inputs.named_file(own / "mesh.gltf", "circle")
    (own / "real.bin").write_bytes(b"ours")
    (own / "inside.bin").symlink_to(own / "real.bin")
    assert inputs.named_file(own / "mesh.gltf", "inside.bin").read_bytes() == b"ours"
