"""Estimators of Marigold's kind against diffusers' own pipeline, and synchronised over views against not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import MarigoldIntrinsicsPipeline, MarigoldNormalsPipeline
from PIL import Image
from torch import Tensor

from engine import generate, settings
from engine.bake.lean import without_shape
from engine.canvas import mesh as mesh_canvas
from engine.canvas.canvas import CanvasView, Prompt
from engine.controls.normal import TOWARDS, facing
from engine.denoise.autoencoder import Autoencoder
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.denoise.estimates import Estimating, open_estimators
from engine.errors import OutOfMemory, UserError
from engine.host import Clock, Host
from engine.models.ladder import Room
from engine.options.channels import CHANNELS
from engine.painter import Painter
from engine.pictures import png
from engine.protocol import Request, Result
from engine.sync.spaces import Averaging, LinearMaps, LinearSpace
from engine.views.surface import Surface, View
from engine.worker import Failure, Worker
from tests.engine.marigold import APPEARANCE, LIGHTING, SCHEDULER, make_marigold, make_normals

Make = Callable[..., Request]
BASE, ROUGHNESS, METALLIC, NORMAL = (
    CHANNELS[name] for name in ("base_color", "roughness", "metallic", "normal")
)
SIDE = 64


@pytest.fixture(scope="module")
def marigold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marigold(tmp_path_factory.mktemp("estimators") / "appearance")


@pytest.fixture(scope="module")
def denoiser(tiny_model: Path) -> Denoiser:
    return load_denoiser(str(tiny_model), "cpu", lambda: None)


@pytest.fixture
def opened(marigold: Path, denoiser: Denoiser) -> Estimating:
    return open_estimators([str(marigold)], denoiser, lambda: None)[0]


class Shown:
    """A canvas of ``count`` views of which each pixel is one of the canonical variable, the same in all views
    but turned by quarters, against the clock."""

    def __init__(self, count: int = 1) -> None:
        everywhere, quarter = np.ones((SIDE, SIDE), bool), np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
        axes = [np.linalg.matrix_power(quarter, i).astype(np.float32) for i in range(count)]
        prompts = (Prompt("x", ""),)
        self.views = [CanvasView(SIDE, SIDE, prompts, {}, everywhere, axes=one) for one in axes]
        self.order: Sequence[int] = range(count)
        self.channels = (BASE, ROUGHNESS, METALLIC)
        self.lighter = ("views",)

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> LinearSpace:
        from scipy.sparse import csr_matrix

        side, count = SIDE // scale, len(self.views)
        grid = np.arange(side * side).reshape(side, side)
        element = np.concatenate([np.rot90(grid, i).ravel() for i in range(count)])
        pixel = np.arange(len(element))
        average = csr_matrix((np.full(len(pixel), 1 / count), (element, pixel)), (side * side, len(pixel)))
        return LinearSpace.build(LinearMaps(pixel, element, average, np.ones(side * side, bool)), device)

    def start(self) -> None:
        return None


def pictures(count: int = 1) -> Tensor:
    """Smooth ones: what a view shows, turned as the views are."""
    coarse = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(5))
    first = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    return torch.cat([torch.rot90(first, i, (2, 3)) for i in range(count)])


def painter(denoiser: Denoiser, opened: Estimating, **asked: Any) -> Painter:
    request = Request(mesh="", prompt="x", out="", estimator=("it",), **asked)
    used = settings.resolve(request, denoiser.preset, opened.told)
    return Painter(denoiser, used, Clock(), Host(), (opened,))


def by_diffusers(folder: Path, shown: Tensor, latents: Tensor, **how: Any) -> Tensor:
    """(3 T, H, W) of one view."""
    pipe = MarigoldIntrinsicsPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    found = pipe(shown, latents=latents, output_type="pt", batch_size=1, **how).prediction
    return found.flatten(0, 1)


def told_alone(denoiser: Denoiser, opened: Estimating, method: str = "independent", **asked: Any) -> Any:
    """What is told of one view, and the noise that it began with."""
    begun: list[Tensor] = []
    sample = generate.sample

    def noting(*given: Any) -> Any:
        begun.append(given[3])
        return sample(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "sample", noting)
        own = painter(denoiser, opened, method=method, **asked)
        found = generate._estimated(Shown(), own, opened, pictures())  # type: ignore[arg-type]
    return found, begun[0]


@pytest.mark.parametrize("resolution", [0, SIDE])
def test_a_view_alone_is_as_diffusers_own_pipeline_has_it(
    marigold: Path, denoiser: Denoiser, opened: Estimating, resolution: int
) -> None:
    found, begun = told_alone(denoiser, opened)
    wanted = by_diffusers(marigold, pictures(), begun, processing_resolution=resolution)
    assert wanted.std() > 0.01
    torch.testing.assert_close(found[BASE][0], wanted[:3], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[ROUGHNESS][0], wanted[3:4], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[METALLIC][0], wanted[4:5], atol=1e-4, rtol=0)


@pytest.mark.parametrize("space", ["latent", "rgb"])
def test_agreeing_with_itself_alone_changes_nothing(
    marigold: Path, denoiser: Denoiser, opened: Estimating, space: str
) -> None:
    """Through f and g of one view, in which every pixel is an element of its own."""
    found, begun = told_alone(denoiser, opened, "synctweedies", sync_space=space)
    wanted = by_diffusers(marigold, pictures(), begun, processing_resolution=0)
    torch.testing.assert_close(found[BASE][0], wanted[:3], atol=1e-4, rtol=0)


def test_linear_light_is_shown_as_diffusers_shows_it(tmp_path: Path, denoiser: Denoiser) -> None:
    folder = make_marigold(tmp_path / "lighting", LIGHTING)
    (lighting,) = open_estimators([str(folder)], denoiser, lambda: None)
    assert [*lighting.told] == [BASE]
    found, begun = told_alone(denoiser, lighting)
    raw = by_diffusers(folder, pictures(), begun, processing_resolution=0)
    pipe = MarigoldIntrinsicsPipeline.from_pretrained(folder)
    (shown,) = pipe.image_processor.visualize_intrinsics(raw.reshape(3, 3, SIDE, SIDE), LIGHTING)
    theirs = torch.from_numpy(np.asarray(shown["albedo"]) / 255.0).permute(2, 0, 1).float()
    torch.testing.assert_close(found[BASE][0], theirs, atol=1.01 / 255, rtol=0)  # it rounds down


@pytest.fixture
def _squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """An autoencoder that turns with its pictures: a latent is the mean of a square of pixels."""
    pool, grow = torch.nn.functional.avg_pool2d, torch.nn.functional.interpolate

    def encoded(self: Autoencoder, vae: Any, shown: Tensor) -> Tensor:
        means = pool(shown, 8)
        return torch.cat([means, means[:, :1]], dim=1)

    monkeypatch.setattr(Autoencoder, "_encoded", encoded)
    monkeypatch.setattr(Autoencoder, "_decoded", lambda self, vae, own: grow(own[:, :3], scale_factor=8.0))


@pytest.mark.usefixtures("_squares")
@pytest.mark.parametrize("space", ["latent", "rgb"])
def test_views_that_are_synchronised_agree(denoiser: Denoiser, opened: Estimating, space: str) -> None:
    """Of one surface, turned by quarters. What disagrees is the network, which knows up from down."""

    def spread(method: str) -> dict[str, float]:
        asked = {} if method == "independent" else {"sync_space": space}
        canvas: Any = Shown(4)
        own = painter(denoiser, opened, method=method, **asked)
        found = generate._estimated(canvas, own, opened, pictures(4))
        return {channel.name: _spread(values) for channel, values in found.items()}

    apart, together = spread("independent"), spread("synctweedies")
    assert min(apart.values()) > 0.01, apart
    assert max(together.values()) < 1e-4, together


@pytest.mark.parametrize("whole", [True, False])
def test_normals_of_a_view_alone_are_as_diffusers_own_pipeline_has_them(
    tmp_path: Path, denoiser: Denoiser, whole: bool
) -> None:
    folder = make_normals(tmp_path / "normals", use_full_z_range=whole)
    (normals,) = open_estimators([str(folder)], denoiser, lambda: None)
    assert [*normals.told] == [NORMAL]
    pipe = MarigoldNormalsPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    for method in ("independent", "synctweedies"):
        found, begun = told_alone(denoiser, normals, method)
        wanted = pipe(pictures(), latents=begun, output_type="pt", processing_resolution=0).prediction
        assert wanted.std() > 0.1
        torch.testing.assert_close(found[NORMAL] * 2 - 1, wanted, atol=2e-4, rtol=0)


@pytest.mark.usefixtures("_squares")
def test_normals_agree_in_the_space_of_the_mesh(tmp_path: Path, denoiser: Denoiser) -> None:
    """Seen by views that are turned they are others, and their latents too."""
    folder = make_normals(tmp_path / "normals")
    (normals,) = open_estimators([str(folder)], denoiser, lambda: None)

    def spread(method: str) -> float:
        canvas: Any = Shown(4)
        own = painter(denoiser, normals, method=method)
        return _spread(generate._estimated(canvas, own, normals, pictures(4))[NORMAL])

    assert spread("independent") > 0.1
    assert spread("synctweedies") < 0.05  # the noise that the last step leaves doesn't turn with the views


def _spread(found: Tensor) -> float:
    """How far the views' numbers are from their mean, seen from the first view."""
    seen = torch.stack([torch.rot90(one, -i, (1, 2)) for i, one in enumerate(found)])
    return float((seen - seen.mean(dim=0)).square().mean().sqrt())


def test_a_job_has_what_the_estimator_tells(
    request_for: Make, marigold: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its channels where they belong; the base colour is albedo where that is asked for; what it can't tell
    is said; without a need for it, it isn't run."""
    told = {BASE: (0.2, 0.4, 0.6), ROUGHNESS: (0.25,), METALLIC: (0.75,)}

    def constant(pictures: Tensor, _of: Any) -> dict[Any, Tensor]:
        n, _, height, width = pictures.shape
        values = {one: torch.tensor(said)[None, :, None, None] for one, said in told.items()}
        return {one: value.expand(n, -1, height, width) for one, value in values.items()}

    monkeypatch.setattr(generate, "channels_of", constant)
    run, stages = Worker(), []
    host = Host(progress=lambda stage, *_: stages.append(stage))
    small = {"views": "2", "texture_size": 64}
    names, by = ("roughness", "metallic", "height"), (str(marigold),)
    found = run.run(request_for(estimator=by, channels=names, delight=True, **small), host)
    assert isinstance(found, Result), found
    assert any("can't tell height" in warning for warning in found.warnings)
    assert any("of views of 64 it tells little" in warning for warning in found.warnings)
    files = found.textures[0].files
    assert [*files] == ["base_color", "roughness", "metallic"]
    for channel, said in told.items():
        values = np.asarray(Image.open(files[channel.name]).convert("RGB"), np.float64)
        np.testing.assert_allclose(values / 255, np.broadcast_to(said, values.shape), atol=0.51 / 255)
    assert "estimate" in stages
    report = json.loads(Path(found.report).read_text())
    assert (report["estimator"], report["delight"]) == (["appearance"], True)
    assert report["seconds"]["estimate"] > 0
    stages.clear()
    plain = run.run(request_for(estimator=by, channels=("color",), out=str(tmp_path / "2"), **small), host)
    without = run.run(request_for(out=str(tmp_path / "3"), **small), Host())
    assert isinstance(plain, Result)
    assert isinstance(without, Result)
    assert "estimate" not in stages
    assert Path(plain.texture).read_bytes() == Path(without.texture).read_bytes()


def test_the_first_that_can_tell_does_and_the_model_itself_tells_the_rest(
    request_for: Make, marigold: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Beside a model that has an estimator of its own."""
    from tests.engine.estimators import made

    model = shutil.copytree(tiny_model, tmp_path / "model")
    made(model)
    asked = {"model": str(model), "views": "2", "texture_depth": "float"}
    begun: list[str] = []
    host = Host(progress=lambda stage, step, *_: begun.extend([stage] * (step == 0)))
    own = Worker().run(request_for(**asked, out=str(tmp_path / "own")), Host())
    twice = (str(marigold), str(marigold))
    both = Worker().run(request_for(**asked, estimator=twice, out=str(tmp_path / "both")), host)
    assert begun.count("estimate") == 1
    assert isinstance(own, Result)
    assert isinstance(both, Result)
    one, other = own.textures[0].others, both.textures[0].others
    assert [*one] == [*other] == ["roughness", "metallic", "height", "normal", "emission"]
    same = {name: Path(one[name]).read_bytes() == Path(other[name]).read_bytes() for name in one}
    assert same == {
        "roughness": False,
        "metallic": False,
        "height": True,
        "normal": True,
        "emission": True,
    }


def test_a_normal_map_is_made_of_normals_that_are_told(
    request_for: Make, marigold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where views show nothing beyond the mesh's own shape, it is flat; there is no height then."""
    folder = make_normals(tmp_path / "normals")

    def own(surface: Surface, shots: list[View], pictures: Any, layers: Any) -> Any:
        shown = np.full((*pictures.shape[:3], 3), 0.5, np.float32)
        for shot, picture in zip(shots, shown, strict=True):
            picture[shot.mask] = facing(surface, shot) @ (shot.camera.axes * TOWARDS) / 2 + 0.5
        return without_shape(surface, shots, np.concatenate([pictures[..., :-3], shown], axis=-1), layers)

    monkeypatch.setattr(mesh_canvas, "without_shape", own)
    asked = request_for(estimator=(str(marigold), str(folder)), views="2", texture_size=64)
    found = Worker().run(asked, Host())
    assert isinstance(found, Result), found
    files = found.textures[0].files
    assert [*files] == ["base_color", "roughness", "metallic", "normal"]
    values = png.read(Path(files["normal"])).astype(np.float64)
    assert values.max() > 255  # 16 bits
    flat = np.broadcast_to([0.5, 0.5, 1.0], values.shape)
    np.testing.assert_allclose(values / 65535, flat, atol=2 / 255)


def test_it_leaves_no_weights_and_takes_the_models_memory_only_where_it_must(
    denoiser: Denoiser, opened: Estimating, monkeypatch: pytest.MonkeyPatch
) -> None:
    denoiser.embed(["x"])
    denoiser.ready()
    told_alone(denoiser, opened)
    parts = [part for stage in ("text", "network", "pixels") for part in opened.household.parts(stage)]
    assert len(parts) == 3
    assert not any(part.is_loaded for part in parts)
    (network,) = [part for part in denoiser.household.parts("network") if part.name == "unet"]
    assert network.is_loaded
    need = opened.household.plan.need
    room = Room(need / 2, need * 100, "the card", eight=False, away=False)
    freed: list[int] = []

    def there(_device: torch.device) -> Room:
        if not network.is_loaded:
            freed.append(1)
        return replace(room, free=need * 2 if freed else room.free)

    monkeypatch.setattr("engine.denoise.device.room", there)
    opened.begin([None])
    assert not network.is_loaded


def test_what_finds_no_room_is_refused_before_anything_is_painted(
    denoiser: Denoiser, marigold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Room(1e5, 1e5, "the card", eight=False, away=False)
    monkeypatch.setattr("engine.denoise.device.room", lambda _device: small)
    with pytest.raises(OutOfMemory) as caught:
        open_estimators([str(marigold)], denoiser, lambda: None)
    assert "takes" in str(caught.value)
    assert "--estimator" in caught.value.fix


def test_where_memory_runs_out_it_begins_again_with_less(
    denoiser: Denoiser, opened: Estimating, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = told_alone(denoiser, opened)
    network, failed = Denoiser._network, []

    def once(self: Denoiser, *given: Any) -> Tensor:
        if not failed:
            failed.append(self)
            raise MemoryError
        return network(self, *given)

    monkeypatch.setattr(Denoiser, "_network", once)
    again, _ = told_alone(denoiser, opened)
    assert failed == [opened]
    torch.testing.assert_close(again[BASE], whole[BASE], atol=1e-5, rtol=0)


def test_cancelling_while_it_tells_leaves_nothing(request_for: Make, marigold: Path) -> None:
    asked, stage = request_for(estimator=(str(marigold),)), [""]

    def told(name: str, *_: object) -> None:
        stage[0] = name

    host = Host(progress=told, cancelled=lambda: stage[0] == "estimate")
    assert Worker().run(asked, host) is None
    assert not [*Path(asked.out).glob("*")] or not Path(asked.out).exists()


def test_delight_needs_an_estimator_that_tells_albedo(
    request_for: Make, tmp_path: Path, tiny_model: Path
) -> None:
    def refused(**asked: Any) -> Failure:
        found = Worker().run(request_for(**asked), Host())
        assert isinstance(found, Failure), found
        return found

    none = refused(model="starter", delight=True)
    assert "--delight" in none.error
    assert "--estimator" in none.fix
    assert "starter" in none.fix
    rough = {**APPEARANCE, "target_names": ["material"]}
    folder = make_marigold(tmp_path / "rough", rough)
    other = refused(delight=True, estimator=(str(folder),))
    assert "roughness or metallic" in other.error


def _without(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink() if (folder / name).is_file() else shutil.rmtree(folder / name)


def _said(**said: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "model_index.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **said}), encoding="utf-8")

    return change


def _network(**said: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "unet" / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **said}), encoding="utf-8")

    return change


def _scheduler(folder: Path) -> None:
    file = folder / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps({**SCHEDULER, "_class_name": "LCMScheduler"}), encoding="utf-8")


_ODD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no index": (lambda folder: _without(folder, "model_index.json"), "is no Marigold model"),
    "a model": (_said(_class_name="StableDiffusionPipeline"), "StableDiffusionPipeline, no Marigold model"),
    "depth": (_said(_class_name="MarigoldDepthPipeline"), "tells nothing that a material has"),
    "no weights": (lambda f: _without(f, "vae/diffusion_pytorch_model.safetensors"), "lacks vae"),
    "no tokenizer": (lambda folder: _without(folder, "tokenizer"), "lacks tokenizer"),
    "no targets": (_said(target_properties=None), "target_properties of"),
    "unknown targets": (
        _said(target_properties={"target_names": ["shading", "residual"]}),
        "tells shading, residual, nothing that a material has",
    ),
    "odd targets": (_said(target_properties={"target_names": [["albedo"], 3]}), "['albedo']"),
    "odd parts": (
        _said(target_properties={**APPEARANCE, "material": {"prediction_space": "stack"}}),
        "sub_target_names of 'material' are None",
    ),
    "odd about": (_said(target_properties={**APPEARANCE, "albedo": 3}), "said of 'albedo' is 3"),
    "more targets than it paints": (
        _said(target_properties={**APPEARANCE, "target_names": ["albedo", "material", "shading"]}),
        "in_channels is 12, not 16",
    ),
    "steps": (_said(default_denoising_steps=0), "default_denoising_steps"),
    "another text": (_network(cross_attention_dim=64), "cross_attention_dim is 64, not 32"),
    "another class": (_network(_class_name="UNet3D"), "'UNet3D', not a UNet2DConditionModel"),
    "few steps": (_scheduler, "LCMScheduler"),
}


@pytest.mark.parametrize("kind", _ODD)
def test_what_is_no_estimator_is_named_in_one_line(
    marigold: Path, denoiser: Denoiser, tmp_path: Path, kind: str
) -> None:
    change, words = _ODD[kind]
    folder = shutil.copytree(marigold, tmp_path / "odd")
    change(folder)
    with pytest.raises(UserError) as caught:
        open_estimators([str(folder)], denoiser, lambda: None)
    assert words in str(caught.value)
    assert caught.value.fix
    assert "\n" not in str(caught.value)


def test_files_and_unknown_names_are_no_estimators(denoiser: Denoiser, tmp_path: Path) -> None:
    file = tmp_path / "marigold.safetensors"
    file.write_bytes(b"x")
    for name, words in ((str(file), "is a file"), ("marigolt", "no estimator 'marigolt'")):
        with pytest.raises(UserError) as caught:
            open_estimators([name], denoiser, lambda: None)
        assert words in str(caught.value)
        assert "marigold-appearance" in caught.value.fix


def test_an_estimator_is_no_model(marigold: Path) -> None:
    for name in (str(marigold), "marigold-appearance"):
        with pytest.raises(UserError) as caught:
            load_denoiser(name, "cpu", lambda: None)
        assert "--estimator" in caught.value.fix
