"""Reference images through an IP-Adapter: step by step what diffusers' own pipelines give, and afterwards no
trace of them."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.denoise import household, ip_adapter, steps
from engine.denoise.attention import Links
from engine.denoise.denoiser import Denoiser
from engine.denoise.parts import Part
from engine.denoise.references import Reference
from engine.errors import EXIT_BAD_INPUT, Cancelled, UserError
from engine.host import Host
from engine.models.ladder import Room
from engine.protocol import ImageRequest, Request, Result
from engine.worker import Failure, Worker
from tests.engine.denoise.loaded import load, network, watched
from tests.engine.ip_adapter_files import picture, write_adapter, write_encoder

STEPS, SCALE = 3, 0.7
PROMPT, NEGATIVE = "old red bricks", "gold"
KINDS = ("plain", "plus")
PICTURES = picture(1), picture(2, 64, 24)
WEIGHTS = 0.7, 0.4
TWO = [Reference(*one) for one in zip(PICTURES, WEIGHTS, strict=True)]
ALONE = Links(np.arange(2)[:, None], 0)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X, DEPTH = draw(2, 4, 8, 8), draw(2, 1, 64, 64, seed=1).sigmoid()


@pytest.fixture(scope="module")
def adapters(eps_model: Path, xl_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plain and a Plus adapter for each of the models, and their encoder."""
    from diffusers import UNet2DConditionModel

    folder = tmp_path_factory.mktemp("adapters") / "models"
    for name, model in (("sd", eps_model), ("xl", xl_model)):
        unet = UNet2DConditionModel.from_pretrained(model / "unet")
        for kind in KINDS:
            write_adapter(folder / f"{name}-{kind}.safetensors", unet, kind == "plus")
    return folder


@pytest.fixture(scope="module")
def models(eps_model: Path, xl_model: Path) -> dict[str, Denoiser]:
    found = {"sd": load(eps_model), "xl": load(xl_model)}
    for model in found.values():
        model.preset = replace(model.preset, control_end=1.0, conditioning_scale=SCALE)
    return found


def ours(model: Denoiser, guidance: float = 5.0, x: Tensor = X, links: Links | None = None) -> list[Tensor]:
    """The latents after every step."""
    schedule, states = model.schedule(STEPS), []
    positive, negative = model.embed([PROMPT]), model.embed([NEGATIVE])
    with model.attending(links):
        for level, end in zip(schedule.levels, schedule.ends, strict=True):
            x0 = model.predict_x0(x, level, positive, negative, DEPTH[: len(x)], guidance)
            x = steps.ddim(x, x0, *level.alpha_sigma, *end.alpha_sigma)
            states.append(x)
    return states


def theirs(model: Path, adapter: Path, guidance: float) -> list[Tensor]:
    """The same of diffusers, of which one adapter for each picture is one with several."""
    import diffusers

    xl = "XL" if (model / "text_encoder_2").is_dir() else ""
    more: dict[str, Any] = {"add_watermarker": False} if xl else {"safety_checker": None}
    controlnet = diffusers.ControlNetModel.from_pretrained(model / "controlnet")
    pipeline = getattr(diffusers, f"StableDiffusion{xl}ControlNetPipeline").from_pretrained(
        model, controlnet=controlnet, **more
    )
    pipeline.load_ip_adapter(str(adapter.parent.parent), [adapter.parent.name] * 2, [adapter.name] * 2)
    pipeline.set_ip_adapter_scale([*WEIGHTS])
    return watched(
        pipeline,
        [PROMPT] * len(X),
        image=DEPTH.expand(-1, 3, -1, -1),
        negative_prompt=[NEGATIVE] * len(X),
        ip_adapter_image=[Image.fromarray(one) for one in PICTURES],
        guidance_scale=guidance,
        num_inference_steps=STEPS,
        controlnet_conditioning_scale=SCALE,
        latents=X.clone(),
        height=64,
        width=64,
    )


def same(some: list[Tensor], others: list[Tensor]) -> None:
    assert len(some) == len(others) == STEPS
    for one, other in zip(some, others, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "kind", "guidance"),
    [("sd", "plain", 5.0), ("sd", "plus", 5.0), ("xl", "plain", 1.0), ("xl", "plus", 5.0)],
)
def test_every_step_is_that_of_diffusers_and_then_all_is_as_before(
    models: dict[str, Denoiser],
    adapters: Path,
    eps_model: Path,
    xl_model: Path,
    name: str,
    kind: str,
    guidance: float,
) -> None:
    """Two pictures with weights of their own; without guidance there is one pass."""
    model, adapter = models[name], adapters / f"{name}-{kind}.safetensors"
    before, keys = ours(model, guidance), [*network(model, "unet").state_dict()]
    model.refer_to(TWO, str(adapter))
    found = ours(model, guidance)
    same(found, theirs({"sd": eps_model, "xl": xl_model}[name], adapter, guidance))
    assert not torch.allclose(found[-1], before[-1], atol=0.1)
    assert [*network(model, "unet").state_dict()] == keys
    model.refer_to([])
    assert all(map(torch.equal, ours(model, guidance), before))


def test_a_row_alone_in_its_own_group_equals_attention_within_it(
    models: dict[str, Denoiser], adapters: Path
) -> None:
    """Attention across views takes the place of other layers."""
    model = models["sd"]
    model.refer_to(TWO[:1], str(adapters / "sd-plus.safetensors"))
    model.preset = replace(model.preset, reference_share=0.0)
    together = ours(model)
    same(ours(model, links=ALONE), together)
    across = ours(model, links=Links(np.array([[0, 1], [1, 0]]), 0))
    assert not torch.allclose(across[-1], together[-1], atol=1e-3)
    same(ours(model, x=X[:1]), [one[:1] for one in together])
    model.refer_to([])


def test_weights_scale_it_and_pictures_differ(models: dict[str, Denoiser], adapters: Path) -> None:
    model, adapter = models["sd"], str(adapters / "sd-plain.safetensors")
    plain = ours(model)[-1]
    distances = []
    for weight in (1e-6, 0.1, 0.5):
        model.refer_to([Reference(PICTURES[0], weight)], adapter)
        distances.append(float((ours(model)[-1] - plain).abs().max()))
    assert distances[0] < 1e-3 < distances[1] < distances[2]
    model.refer_to([Reference(PICTURES[1], 0.5)], adapter)
    other = ours(model)[-1]
    model.refer_to([Reference(PICTURES[0], 0.5)], adapter)
    assert not torch.allclose(ours(model)[-1], other, atol=1e-3)
    model.refer_to([])


def test_pictures_are_looked_at_once_and_the_encoder_leaves(
    eps_model: Path, adapters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Part]] = []
    build = ip_adapter.encoder

    def noted(*how: Any) -> Part:
        part = build(*how)
        made.append(weakref.ref(part))
        return part

    monkeypatch.setattr(ip_adapter, "encoder", noted)
    model, adapter = load(eps_model), adapters / "sd-plus.safetensors"
    for references in (TWO[:1], [], TWO[:1], TWO, TWO[::-1]):
        model.refer_to(references, str(adapter))
    assert len(made) == 2  # for one picture, then for the other
    gc.collect()
    assert not any(one() for one in made)
    calls = iter(range(30))

    def check() -> None:
        if next(calls, None) is None:
            raise Cancelled

    with pytest.raises(Cancelled):
        model.refer_to([Reference(picture(9), 1.0)], str(adapter), check)
    gc.collect()
    assert len(made) == 3
    assert made[-1]() is None
    assert model.adapter == str(adapter)  # of before


def test_what_isnt_needed_meanwhile_leaves_memory_for_the_encoder(
    eps_model: Path, adapters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, adapter = load(eps_model), str(adapters / "sd-plain.safetensors")
    plain, asked = ours(model), []
    unet = network(model, "unet")
    monkeypatch.setattr(
        household.devices, "room", lambda device: asked.append(device) or Room(1 << 10, 1 << 40)
    )
    model.household.lend(1 << 9)
    assert network(model, "unet") is unet
    monkeypatch.setattr(model.household, "settle", lambda: None)
    model.refer_to(TWO, adapter)
    assert not model._family.parts["unet"].is_loaded
    assert not model._family.parts["text_encoder"].is_loaded
    found = ours(model)
    model.refer_to([])
    assert all(map(torch.equal, ours(model), plain))
    monkeypatch.undo()
    model.refer_to(TWO, adapter)
    assert all(map(torch.equal, ours(model), found))


def test_an_adapter_of_another_model_and_damaged_ones_leave_all_as_it_was(
    models: dict[str, Denoiser], adapters: Path, tmp_path: Path
) -> None:
    model, good = models["sd"], adapters / "sd-plain.safetensors"
    model.refer_to(TWO, str(good))
    before = ours(model)
    state = load_file(good)
    odd = {
        "infinite": {**state, "image_proj.proj.bias": state["image_proj.proj.bias"] / 0},
        "half": {key: one for key, one in state.items() if not key.endswith("3.to_v_ip.weight")},
        "without a norm": {key: one for key, one in state.items() if "norm.bias" not in key},
    }
    shutil.copytree(adapters / "image_encoder", tmp_path / "image_encoder")
    for name, changed in odd.items():
        save_file(changed, tmp_path / f"{name}.safetensors")
    for bad, what in (
        (adapters / "xl-plus.safetensors", "doesn't fit the model: .* layers read text of width 64"),
        (tmp_path / "infinite.safetensors", "IP-Adapter gives numbers that aren't finite"),
        (tmp_path / "half.safetensors", "isn't a whole IP-Adapter"),
        (tmp_path / "without a norm.safetensors", "lacks 1 weights"),
    ):
        with pytest.raises(UserError, match=what) as error:
            model.refer_to(TWO[:1], str(bad))
        assert len(str(error.value)) <= 320
        assert "\n" not in str(error.value)
    assert all(map(torch.equal, ours(model), before))
    model.refer_to([])


def test_an_encoder_in_a_single_file_gives_the_same(
    models: dict[str, Denoiser], adapters: Path, tmp_path: Path
) -> None:
    """As other programs have it, in a folder of its own beside that of the adapters."""
    model = models["sd"]
    for name in ("plain", "plus"):
        place = tmp_path / "models" / "ipadapter" / f"{name}.safetensors"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(adapters / f"sd-{name}.safetensors", place)
        (tmp_path / "models" / "clip_vision").mkdir(exist_ok=True)
        file = adapters / "image_encoder" / "model.safetensors"
        shutil.copy(file, tmp_path / "models" / "clip_vision" / "vit.safetensors")
        found = []
        for one in (place, adapters / f"sd-{name}.safetensors"):
            model.refer_to(TWO, str(one))
            found.append(ours(model))
        assert all(map(torch.equal, *found))
    model.refer_to([])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(PICTURES[0]).save(path)
    return path


def pixels(result: Any) -> np.ndarray[Any, Any]:
    assert isinstance(result, Result), result
    return np.asarray(Image.open(result.texture))


def test_a_warm_worker_with_a_reference_and_back(
    tiny_model: Path, adapters: Path, photo: Path, tmp_path: Path, request_for: Callable[..., Request]
) -> None:
    """Textures and pictures; what the report says; weight 0 is none; what is wrong costs its job alone."""
    worker, adapter = Worker(), str(adapters / "sd-plus.safetensors")
    common = {"views": "2", "texture_size": 64, "steps": 1, "overwrite": True}

    def run(*reference: str, ip_adapter: str = adapter, **more: object) -> Any:
        asked = request_for(reference=reference, ip_adapter=ip_adapter, **{**common, **more})
        return worker.run(asked, Host())

    plain = pixels(run(ip_adapter=""))
    liked = run(f"{photo}:0.8")
    report = json.loads(Path(liked.report).read_text())
    assert report["references"] == [{"image": "photo.png", "weight": 0.8}]
    assert report["ip_adapter"] == "sd-plus.safetensors"
    assert not np.array_equal(pixels(liked), plain)
    for bad, what in (
        ((str(tmp_path / "no.png"),), "no.png"),
        ((f"{photo}:much",), "weight of the reference"),
        ((f"{photo}:-1",), "weight of the reference"),
        ((str(photo),) * 9, "9 --reference"),
        ((adapter,), "is no picture"),
    ):
        failure = run(*bad)
        assert isinstance(failure, Failure)
        assert (failure.code, "\n" in failure.error) == (EXIT_BAD_INPUT, False)
        assert what in failure.error
    cut = tmp_path / "cut.png"
    cut.write_bytes(photo.read_bytes()[:60])
    assert isinstance(run(str(cut)), Failure)
    none = run(str(photo), ip_adapter="")
    assert "no IP-Adapter is known for this model" in none.error
    assert "sd15" in none.fix
    assert np.array_equal(pixels(run(f"{photo}:0")), plain)
    out = str(tmp_path / "tile")
    tile = ImageRequest(
        "tile", "wood", out, model=str(tiny_model), steps=1, width=64, height=64, device="cpu"
    )
    found = [
        pixels(worker.run(replace(tile, reference=one, ip_adapter=adapter, overwrite=True), Host()))
        for one in ((), (str(photo),), ())
    ]
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])


def test_of_very_long_pictures_the_middle_is_seen(models: dict[str, Denoiser], adapters: Path) -> None:
    """As of all others, and without the memory that the rest of it would take as large."""
    model, adapter, long = models["sd"], str(adapters / "sd-plain.safetensors"), picture(5, 40, 360)
    longest, found = np.zeros((40, 40_360, 3), np.uint8), []
    longest[:, 20_000:-20_000] = long
    for pixels in (long[:, 120:-120], long, longest):
        model.refer_to([Reference(pixels, 1.0)], adapter)
        found.append(ours(model)[-1])
    model.refer_to([])
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=1e-3)
    torch.testing.assert_close(found[2], found[0], rtol=0, atol=1e-3)


def test_clear_parts_of_a_picture_are_white(tmp_path: Path) -> None:
    from engine.pictures.read import flat

    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0], rgba[1, 1] = [200, 100, 50, 255], [0, 0, 0, 128]
    Image.fromarray(rgba).save(tmp_path / "glass.png")
    np.testing.assert_array_equal(
        flat(tmp_path / "glass.png"), [[[200, 100, 50]] * 2, [[255] * 3, [127] * 3]]
    )


def test_an_encoder_of_another_size_is_not_taken(adapters: Path, tmp_path: Path) -> None:
    """And where no other is known, it is said which is missing."""
    from engine.models import ip_adapters
    from engine.models.sources import Fetch

    file = tmp_path / "alone.safetensors"
    shutil.copy(adapters / "sd-plain.safetensors", file)
    write_encoder(tmp_path / "image_encoder", vector=20)
    with pytest.raises(UserError, match="image encoder that gives 24 numbers") as error:
        ip_adapters.find(str(file), "sd15", Fetch(lambda *_: None, lambda: None))
    assert "image_encoder" in error.value.fix
