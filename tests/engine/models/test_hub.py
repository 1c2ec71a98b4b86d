"""Downloads from a small imitation of the hub on this computer, and the list of models."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine import disk
from engine.errors import Cancelled, DiskError, UserError
from engine.models import catalogue, command, estimators, hub, ip_adapters, manage, sidecar, sources, trees
from engine.models.catalogue import STARTER_FOLDER
from engine.models.describe import describe
from engine.models.transfer import checksum
from tests.engine.marigold import make_marigold
from tests.engine.xl_pipelines import UNET

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves the folders of ``repos`` (name -> folder) as the hub does; remembers what was asked for."""

    def __init__(self, repos: dict[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos = repos
        self.corrupt = False
        self.asked: list[tuple[str, str, str]] = []  # method, file, range


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a cancelled client just goes away
            super().handle()

    def answer(self, body: bool) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/api/models/"):
            self.info(path.removeprefix("/api/models/"))
            return
        repo, _, rest = path.strip("/").partition("/resolve/")
        name = rest.partition("/")[2]
        span = self.headers.get("Range", "")
        self.server.asked.append((self.command, name, span))
        self.file(self.server.repos[repo] / name, span, body)

    def info(self, repo: str) -> None:
        folder = self.server.repos.get(repo.partition("/revision/")[0])
        if folder is None:
            self.reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        paths = [path for path in folder.rglob("*") if path.is_file()]
        siblings = [
            {"rfilename": path.relative_to(folder).as_posix(), "size": path.stat().st_size} for path in paths
        ]
        self.reply(200, json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode(), {})

    def file(self, path: Path, span: str, body: bool) -> None:
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
        if self.server.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        begin = int(span.removeprefix("bytes=").partition("-")[0]) if span else 0
        if span:
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        self.reply(206 if span else 200, data[begin:], headers, body)

    def reply(self, status: int, data: bytes, headers: dict[str, str], body: bool = True) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def served(eps_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one pipeline, "them/pipe", that also has pickles and needless files, and one ControlNet."""
    from huggingface_hub import constants

    pipe = shutil.copytree(eps_model, tmp_path / "pipe", ignore=shutil.ignore_patterns("controlnet"))
    (pipe / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    (pipe / "unet" / "diffusion_pytorch_model.non_ema.safetensors").write_bytes(b"large")
    (pipe / "v1-5-pruned.safetensors").write_bytes(b"larger")
    (pipe / "README.md").write_text("words")
    server = Hub({"them/pipe": pipe, "them/depth": eps_model / "controlnet"})
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.shutdown()
    server.server_close()


def go_on() -> None:
    """A check that never cancels."""


def test_a_model_by_its_hub_name(served: Hub) -> None:
    found = sources.find("them/pipe+them/depth", go_on)
    assert found.pipeline == hub.cached("them/pipe")
    assert manage.verify("them/pipe") == []
    assert found.controlnet == hub.cached("them/depth")
    names = {path.name for path in found.pipeline.rglob("*") if path.is_file()}
    assert not names & {"diffusion_pytorch_model.bin", "v1-5-pruned.safetensors", "README.md"}
    assert "diffusion_pytorch_model.non_ema.safetensors" not in names

    served.asked.clear()
    assert sources.find("them/pipe+them/depth", go_on) == found
    assert served.asked == [], "what is cached needs no network"


@pytest.fixture
def bare(served: Hub, tmp_path: Path) -> Path:
    """A repository of nothing but files, "them/bare", two ControlNets among them."""
    folder = tmp_path / "bare"
    (folder / "deep").mkdir(parents=True)
    weights = served.repos["them/depth"] / "diffusion_pytorch_model.safetensors"
    for name in ("a.safetensors", "deep/b.safetensors"):
        shutil.copy(weights, folder / name)
    (folder / "README.md").write_text("words")
    served.repos["them/bare"] = folder
    return folder


@pytest.mark.parametrize("file", ["a.safetensors", "deep/b.safetensors"])
def test_one_file_of_a_repository(served: Hub, bare: Path, file: str) -> None:
    name = f"them/bare:{file}"
    assert hub.cached(name) is None
    found = sources.find(f"{STARTER_FOLDER}+{name}", go_on)
    assert found.controlnet.read_bytes() == (bare / file).read_bytes()
    assert {asked for _, asked, _ in served.asked} == {file}, "and nothing else of it"
    assert manage.verify(name) == []
    assert manage.installed(name)

    served.asked.clear()
    assert sources.find(f"starter+{name}", go_on).controlnet == found.controlnet == hub.cached(name)
    assert served.asked == [], "what is cached needs no network"
    found.controlnet.resolve().write_bytes(b"12345678")
    assert any("damaged" in line for line in manage.verify(name))
    manage.download(name, lambda *_: None, go_on)
    assert manage.verify(name) == []
    assert manage.delete(name) >= (bare / file).stat().st_size
    assert hub.cached(name) is None


def test_a_file_that_a_repository_lacks(served: Hub, bare: Path) -> None:
    for name in ("them/bare:c.safetensors", "them/bare"):
        with pytest.raises(UserError, match=r"them/bare") as error:
            sources.find(f"starter+{name}", go_on)
        assert "them/bare:a.safetensors" in error.value.fix


@pytest.mark.parametrize("file", ["../a.safetensors", "a.bin", "a/../../b.safetensors", "/a.safetensors", ""])
def test_what_is_no_file_of_a_repository(served: Hub, bare: Path, file: str) -> None:
    with pytest.raises(UserError):
        sources.find(f"starter+them/bare:{file}", go_on)
    assert served.asked == []


def test_a_catalogue_model_may_have_a_file_as_its_controlnet(
    served: Hub, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = catalogue.Entry(
        "mine", "Mine", "them/pipe", "them/bare:a.safetensors", "starter", "free", "small"
    )
    monkeypatch.setattr(manage, "ENTRIES", (entry,))
    monkeypatch.setitem(catalogue.BY_NAME, "mine", entry)
    manage.download("mine", lambda *_: None, go_on)
    listed = manage.list_models()[0]
    assert (listed.installed, listed.control) == (True, "depth")
    assert listed.disk > (bare / "a.safetensors").stat().st_size
    assert sources.find("mine", go_on).controlnet == hub.cached("them/bare:a.safetensors")
    assert sources.find("starter+mine", go_on).controlnet == hub.cached("them/bare:a.safetensors")


def test_progress_counts_every_byte(served: Hub) -> None:
    seen: list[tuple[str, int, int]] = []
    manage.download("them/depth", lambda name, done, total: seen.append((name, done, total)), go_on)
    counts = [done for _, done, _ in seen]
    assert counts == sorted(counts)
    folder = served.repos["them/depth"]
    assert seen[-1][1] == seen[-1][2] == sum(path.stat().st_size for path in folder.iterdir())


def test_cancel_then_resume(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 50_000)
    begun = False

    def progress(name: str, done: int, total: int) -> None:
        nonlocal begun
        begun = begun or (name.endswith(".safetensors") and done > 100_000)

    def check() -> None:
        if begun:
            raise Cancelled

    with pytest.raises(Cancelled):
        manage.download("them/depth", progress, check)
    assert manage.verify("them/depth") != []
    manage.download("them/depth", lambda *_: None, go_on)
    assert manage.verify("them/depth") == []
    resumed = [span for method, name, span in served.asked if method == "GET" and span]
    assert len(resumed) == 1, "the second download begins where the first one ended"


@pytest.mark.parametrize("is_looked_for", [True, False])
def test_a_full_disk_is_told_with_what_is_needed(
    served: Hub, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch, is_looked_for: bool
) -> None:
    """Before anything comes, or, where the system doesn't tell how much is free, when the disk refuses."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tiny_disk))
    if not is_looked_for:
        monkeypatch.setattr(disk, "require", lambda *_: None)
    with pytest.raises(DiskError, match=rf"^the disk with {tiny_disk} is full: .* MB are needed$"):
        manage.download("them/pipe", lambda *_: None, go_on)
    assert served.asked or is_looked_for


def test_damage_on_the_way_is_found(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "corrupt", True)
    with pytest.raises(UserError, match="damaged"):
        manage.download("them/depth", lambda *_: None, go_on)
    monkeypatch.setattr(served, "corrupt", False)
    manage.download("them/depth", lambda *_: None, go_on)
    assert manage.verify("them/depth") == []


def test_a_name_the_hub_does_not_have(served: Hub) -> None:
    with pytest.raises(UserError, match="no public model them/nothing"):
        sources.find("them/nothing", go_on)


def test_a_repository_of_something_else(served: Hub, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "README.md").write_text("words")
    served.repos["them/other"] = tmp_path / "other"
    with pytest.raises(UserError, match="diffusers layout"):
        sources.find("them/other", go_on)


def test_damage_in_the_cache_is_found(served: Hub) -> None:
    manage.download("them/depth", lambda *_: None, go_on)
    folder = hub.cached("them/depth")
    assert folder
    blob = (folder / "diffusion_pytorch_model.safetensors").resolve()
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    assert ["contents" in line for line in manage.verify("them/depth")] == [True]
    manage.download("them/depth", lambda *_: None, go_on)
    assert manage.verify("them/depth") == []


def test_catalogue_models_are_listed_once_downloaded(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalogue.Entry("mine", "Mine", "them/pipe", "them/depth", "starter", "free", "small")
    monkeypatch.setattr(manage, "ENTRIES", (entry,))
    monkeypatch.setitem(catalogue.BY_NAME, "mine", entry)
    assert not manage.list_models()[0].installed
    assert len(manage.verify("mine")) == 2
    manage.download("mine", lambda *_: None, go_on)
    assert manage.list_models()[0].installed
    assert sources.find("mine", go_on).controlnet == hub.cached("them/depth")


def test_a_download_says_its_licence_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = catalogue.Entry("mine", "Mine", "them/pipe", "them/depth", "starter", "not to be sold", "2 MB")
    monkeypatch.setattr(manage, "ENTRIES", (entry,))
    monkeypatch.setitem(catalogue.BY_NAME, "mine", entry)
    said: list[str] = []
    monkeypatch.setattr(manage, "download", lambda *_: said.append(capsys.readouterr().out))
    assert command.run("download", "mine") == 0
    (before,) = said
    assert before.startswith("mine: Mine\nlicence   not to be sold\nsize      2 MB to download\n")


def test_what_two_models_have_in_common_is_deleted_with_the_last(
    served: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.repos["them/other"] = served.repos["them/depth"]
    entries = [
        catalogue.Entry(name, "", "them/pipe", f"them/{net}", "starter", "free", "small")
        for name, net in (("one", "depth"), ("two", "other"))
    ]
    monkeypatch.setattr(manage, "ENTRIES", tuple(entries))
    for entry in entries:
        monkeypatch.setitem(catalogue.BY_NAME, entry.name, entry)
        manage.download(entry.name, lambda *_: None, go_on)
    assert manage.delete("one") > 0
    assert (manage.installed("one"), manage.installed("two")) == (False, True)
    assert manage.delete("two") > 0
    assert [hub.cached(f"them/{name}") for name in ("pipe", "depth", "other")] == [None] * 3


def test_an_adapter_comes_with_its_image_encoder_and_goes_alone(served: Hub, tmp_path: Path) -> None:
    """Adapters of one repository share the encoder, which goes with the last of them."""
    from diffusers import UNet2DConditionModel

    from tests.engine.ip_adapter_files import write_adapter, write_encoder

    repository, unet = tmp_path / "adapters", UNet2DConditionModel.from_config(UNET)
    names = "ip-adapter-sd15", "ip-adapter-plus-sd15"
    for seed, name in enumerate(names):
        file = str(catalogue.ADAPTERS[name].base).partition(":")[2]
        write_adapter(repository / file, unet, seed=seed)
    (repository / "models" / "image_encoder" / "pytorch_model.bin").write_bytes(b"pickle")
    write_encoder(repository / "sdxl_models" / "image_encoder")
    served.repos["h94/IP-Adapter"] = repository
    found = ip_adapters.find(names[0], "sd15", sources.Fetch(lambda *_: None, go_on))
    assert found.encoder == found.file.path.parent / "image_encoder"
    asked = {name for _, name, _ in served.asked}
    assert {name.rpartition(".")[2] for name in asked} == {"safetensors", "json"}
    assert not any("sdxl_models" in name or "plus" in name for name in asked)
    manage.download(names[1], lambda *_: None, go_on)
    assert all(manage.installed(name) and manage.verify(name) == [] for name in names)
    (found.encoder / "model.safetensors").write_bytes(b"damaged")
    assert all("damaged" in manage.verify(name)[0] for name in names)
    manage.download(names[1], lambda *_: None, go_on)
    assert manage.delete(names[1]) > 0
    assert [manage.installed(name) for name in names] == [True, False]
    assert manage.delete(names[0]) > 0
    assert hub.cached("h94/IP-Adapter") is None


def test_an_estimator_comes_with_all_its_parts(served: Hub, tmp_path: Path) -> None:
    name = "marigold-appearance"
    folder = make_marigold(tmp_path / "appearance")
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    served.repos[str(catalogue.ESTIMATORS[name].base)] = folder
    fetch = sources.Fetch(lambda *_: None, go_on)
    (found,) = estimators.find([name], fetch)
    asked = {file for _, file, _ in served.asked if file}
    assert {file.rpartition(".")[2] for file in asked} <= {"safetensors", "json", "txt"}
    assert manage.verify(name) == []
    (listed,) = (one for one in manage.list_models() if one.entry.name == name)
    assert (listed.installed, listed.kind) == (True, trees.ESTIMATOR)
    assert describe(name).limits == ("It tells Base Color, Roughness, Metallic of pictures, in 3 steps.",)
    served.asked.clear()
    assert estimators.find([name], fetch) == (found,)
    assert not served.asked
    (found.folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    assert any("vae" in line for line in manage.verify(name))
    manage.download(name, lambda *_: None, go_on)
    assert manage.installed(name)
    assert manage.delete(name) > 0
    assert not manage.installed(name)


def test_a_folder_that_is_an_estimator_is_listed_as_one(tmp_path: Path) -> None:
    manage.link("mine", make_marigold(tmp_path / "appearance"))
    try:
        (listed,) = (one for one in manage.list_models() if one.entry.name == "mine")
        assert (listed.installed, listed.kind) == (True, trees.ESTIMATOR)
        (found,) = estimators.find(["mine"], sources.Fetch(lambda *_: None, go_on))
        assert found.folder == (tmp_path / "appearance").resolve()
    finally:
        manage.delete("mine")


def test_a_pipeline_of_two_text_encoders_comes_whole(served: Hub, xl_model: Path) -> None:
    served.repos["them/xl"] = xl_model
    found = sources.find("them/xl+them/depth", go_on)
    assert found.family == "sdxl"
    assert manage.verify("them/xl") == []
    encoder = hub.cached("them/xl") / "text_encoder_2" / "model.safetensors"  # type: ignore[operator]
    encoder.unlink()
    assert any("text_encoder_2" in line for line in manage.verify("them/xl"))
    assert sources.find("them/xl+them/depth", go_on) == found, "what is missing is fetched"
    assert encoder.exists()


def test_what_models_say_of_themselves_comes_along(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = shutil.copytree(served.repos["them/depth"], tmp_path / "places")
    (places / sidecar.FILE).write_text('{"control": "position"}')
    (served.repos["them/pipe"] / sidecar.FILE).write_text('{"steps": 7}')
    served.repos["them/places"] = places
    found = sources.find("them/pipe+them/places", go_on)
    assert sidecar.of_model(found.pipeline, found.controlnet) == sidecar.Sidecar(
        {"control": "position", "steps": 7}
    )
    entry = catalogue.Entry("mine", "Mine", "them/pipe", "them/places", "starter", "free", "small")
    monkeypatch.setattr(manage, "ENTRIES", (entry,))
    monkeypatch.setitem(catalogue.BY_NAME, "mine", entry)
    listed = manage.list_models()[0]
    assert (listed.entry, listed.installed, listed.control, listed.link) == (entry, True, "position", None)
    assert listed.disk > 0


def test_verify_a_folder(eps_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(eps_model, tmp_path / "model")
    assert manage.verify(str(folder)) == []
    unet, vae = (folder / part / "diffusion_pytorch_model.safetensors" for part in ("unet", "vae"))
    (folder / manage.CHECKSUMS).write_text(
        f"{checksum(unet)}  unet/{unet.name}\n{'0' * 64}  vae/{vae.name}\n"
    )
    assert manage.verify(str(folder)) == [f"{vae} is damaged: its contents aren't what was published"]
    unet.write_bytes(unet.read_bytes()[:-10])
    assert any("unet" in line and "damaged" in line for line in manage.verify(str(folder)))
    unet.unlink()
    assert any("no .safetensors weights" in line for line in manage.verify(str(folder)))


def test_download_of_an_unknown_name() -> None:
    with pytest.raises(UserError, match="unknown model"):
        manage.download("sd16", lambda *_: None, go_on)


def test_published_names() -> None:
    assert {"starter", "sd15", "sd21"} <= set(catalogue.BY_NAME)
    assert all(
        hub_id is None or "/" in hub_id for e in catalogue.ENTRIES for hub_id in (e.base, e.controlnet)
    )
