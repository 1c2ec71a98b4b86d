"""Several controls at once: as diffusers' pipelines with a list of ControlNets; and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.denoise import steps
from engine.denoise.denoiser import Denoiser
from engine.errors import UserError
from engine.options.controls import Asked, read_all, write
from tests.engine.denoise.loaded import load, watched
from tests.engine.flow_pipelines import flux_controlnet, make_flux, make_qwen_image, make_z_image
from tests.engine.xl_pipelines import controlnet, noisy

STEPS, GUIDANCE = 3, 5.0
PROMPT, NEGATIVE = "old red bricks", "gold"


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


PICTURES = {kind: draw(2, 1, 64, 64, seed=i).sigmoid() for i, kind in enumerate(("depth", "normal", "lines"))}


def told(model: Denoiser, *controls: str) -> Denoiser:
    model.steer_with(read_all(controls))
    return model


def ours(model: Denoiser) -> list[Tensor]:
    """The latents after every step of one view."""
    x, states, schedule = draw(1, 4, 8, 8), [], model.schedule(STEPS)
    positive, other = model.embed([PROMPT]), model.embed([NEGATIVE])
    shown = {kind: pictures[:1] for kind, pictures in PICTURES.items()}
    for now, end in zip(schedule.levels, schedule.ends, strict=True):
        x0 = model.predict_x0(x, now, positive, other, shown, GUIDANCE)
        x = steps.ddim(x, x0, *now.alpha_sigma, *end.alpha_sigma)
        states.append(x)
    return states


def theirs(kind: str, folder: Path, nets: Sequence[Path], kinds: Sequence[str], **how: Any) -> list[Tensor]:
    """The same of diffusers' ``kind`` of pipeline."""
    import diffusers

    pipeline_class = getattr(diffusers, kind)
    found: Any = [diffusers.ControlNetModel.from_pretrained(net) for net in nets]
    pictures = [PICTURES[one][:1].expand(-1, 3, -1, -1) for one in kinds]
    shown: dict[str, Any] = {"image": pictures}
    if "Union" in kind:
        found = diffusers.ControlNetUnionModel.from_pretrained(nets[0])
        shown = {"control_image": pictures}
    else:
        found = diffusers.MultiControlNetModel(found)
    more = {"add_watermarker": False} if "XL" in kind else {"safety_checker": None}
    pipeline = pipeline_class.from_pretrained(folder, controlnet=found, **more)
    return watched(
        pipeline,
        PROMPT,
        **shown,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        negative_prompt=NEGATIVE,
        latents=draw(1, 4, 8, 8),
        **how,
    )


def same(some: list[Tensor], others: list[Tensor]) -> None:
    assert len(some) == len(others) == STEPS
    for one, other in zip(some, others, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def another(xl_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second ControlNet for ``xl_model``."""
    folder = tmp_path_factory.mktemp("nets") / "another"
    noisy(controlnet(), 9).save_pretrained(folder)
    return folder


def test_several_are_summed_as_diffusers_sums_them(xl_model: Path, another: Path) -> None:
    """Each with a strength of its own, until an end of its own."""
    model = told(load(xl_model), "depth:0.7:1", f"normal={another}:0.4:0.5")
    expected = theirs(
        *("StableDiffusionXLControlNetPipeline", xl_model, [xl_model / "controlnet", another]),
        ["depth", "normal"],
        controlnet_conditioning_scale=[0.7, 0.4],
        control_guidance_end=[1.0, 0.5],
    )
    same(ours(model), expected)
    whole = ours(told(model, "depth:0.7:1", f"normal={another}:0.4:1"))
    torch.testing.assert_close(whole[0], expected[0], rtol=1e-4, atol=1e-4)
    assert (whole[1] - expected[1]).abs().max() > 1e-2, "the end of one changes what comes after"


def test_they_are_for_stable_diffusion_1_too(eps_model: Path, tmp_path: Path) -> None:
    from diffusers import ControlNetModel

    first = eps_model / "controlnet"
    noisy(ControlNetModel.from_pretrained(first), 7).save_pretrained(tmp_path)
    model = told(load(eps_model), "depth:0.3:0.5", f"lines={tmp_path}:0.6:1")
    same(
        ours(model),
        theirs(
            *("StableDiffusionControlNetPipeline", eps_model, [first, tmp_path], ["depth", "lines"]),
            controlnet_conditioning_scale=[0.3, 0.6],
            control_guidance_end=[0.5, 1.0],
        ),
    )


def test_a_union_reads_several_pictures_in_one_pass(xl_model: Path) -> None:
    net = xl_model / "union"
    model = told(load(xl_model), f"depth={net}:0.6:1", f"normal={net}:0.6:1")
    expected = theirs(
        *("StableDiffusionXLControlNetUnionPipeline", xl_model, [net], ["depth", "normal"]),
        control_mode=[1, 4],
        controlnet_conditioning_scale=0.6,
    )
    same(ours(model), expected)
    calls: list[int] = []
    network = model._family.controlnets[net].part.network()  # type: ignore[index]
    network.register_forward_hook(lambda *_: calls.append(1))
    ours(told(model, f"depth={net}:0.6:0.5", f"normal={net}:0.6:0.5"))
    assert len(calls) == 1, "after its end it isn't run"


MAKERS: dict[str, Callable[[Path], Path]] = {
    "z-image": make_z_image,
    "qwen-image": make_qwen_image,
    "flux": make_flux,
}


@pytest.fixture(scope="module", params=["sd", "sdxl", *MAKERS])
def folder(
    request: pytest.FixtureRequest, eps_model: Path, xl_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model of each family, whose ControlNet is a union wherever there are such."""
    if request.param in MAKERS:
        return MAKERS[request.param](tmp_path_factory.mktemp("models") / request.param)
    return eps_model if request.param == "sd" else xl_model


def estimate(model: Denoiser, rows: slice = slice(None)) -> Tensor:
    x = draw(2, model.latent_channels, 8, 8)[rows]
    text, level = model.embed([PROMPT]), model.schedule(4).levels[2]
    shown = {"depth": PICTURES["depth"][rows].clone(), "lines": PICTURES["depth"][rows].clone()}
    return model.predict_x0(x, level, text, text, shown, 1.0)


def test_control_at_strength_0_is_none_and_at_1_is_some(folder: Path) -> None:
    model = load(folder)
    none, full = (estimate(told(model, f"depth:{scale}:1")) for scale in (0, 1))
    x = draw(2, model.latent_channels, 8, 8)
    text = model.embed([PROMPT])
    bare = model.predict_x0(x, model.schedule(4).levels[2], text, text, {}, 1.0)
    torch.testing.assert_close(none, bare, atol=1e-5, rtol=0)
    assert (full - none).abs().max() > 1e-2


def test_two_at_half_strength_are_one_at_full(folder: Path, tmp_path: Path) -> None:
    """Of the same picture by the same weights; and a row alone is the row in a batch. Z-Image's counts its
    strength in layers that come after each other, so there the second has none."""
    model = load(folder)
    copy = shutil.copytree(folder / "controlnet", tmp_path / "copy")
    one = estimate(told(model, "depth:1:1"))
    first, second = (1, 0) if folder.name == "z-image" else (0.5, 0.5)
    both = estimate(told(model, f"depth:{first}:1", f"lines={copy}:{second}:1"))
    torch.testing.assert_close(both, one, atol=1e-4, rtol=0)
    both = estimate(told(model, "depth:1:1", f"lines={copy}:1:1"))
    assert (both - one).abs().max() > 1e-3
    for row in range(2):
        alone = estimate(model, slice(row, row + 1))
        torch.testing.assert_close(alone, both[row : row + 1], atol=1e-5, rtol=0)


def test_controlnets_of_different_lengths_add_up(tmp_path: Path) -> None:
    model = load(make_flux(tmp_path / "model"))
    long = tmp_path / "long"
    flux_controlnet(num_layers=2, num_single_layers=2).save_pretrained(long)
    short, other = estimate(told(model, "depth:1:1")), estimate(told(model, f"lines={long}:1:1"))
    assert (short - other).abs().max() > 1e-3
    for scales, expected in (((1, 0), short), ((0, 1), other)):
        found = estimate(told(model, f"depth:{scales[0]}:1", f"lines={long}:{scales[1]}:1"))
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_what_does_not_fit_changes_nothing(xl_model: Path, eps_model: Path, another: Path) -> None:
    model = told(load(xl_model), "depth:0.5:1")
    before, controls = estimate(model), model.controls
    refused = {
        f"normal={eps_model}": "doesn't fit the model",
        f"position={another}": "pictures, not position",
        "normal": "the model's own ControlNet is for depth pictures, not normal",
        "lines=nowhere.safetensors": "no such model",
    }
    for asked, why in refused.items():
        with pytest.raises(UserError, match=why):
            told(model, asked)
        assert model.controls == controls
    with pytest.raises(UserError, match="reads one kind of picture, not several"):
        told(model, f"lines={another}", f"normal={another}")
    torch.testing.assert_close(estimate(model), before)
    assert told(model).controls[0].scale == model.preset.conditioning_scale, "none: the model's own again"


def test_a_controlnet_says_what_it_is_for_and_how(xl_model: Path, another: Path, tmp_path: Path) -> None:
    net = shutil.copytree(another, tmp_path / "net")
    said = {"control": "position", "conditioning_scale": 0.25, "control_end": 0.5}
    (net / "sync_texture.json").write_text(json.dumps(said))
    (found,) = told(load(xl_model), f"position={net}").controls
    assert (found.kind, found.net, found.scale, found.end) == ("position", net, 0.25, 0.5)
    with pytest.raises(UserError, match="is for position pictures, not normal"):
        told(load(xl_model), f"normal={net}")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("depth", Asked("depth")),
        ("lines:0.5", Asked("lines", "", 0.5)),
        ("normal=own/it:a.safetensors:0.5:0.25", Asked("normal", "own/it:a.safetensors", 0.5, 0.25)),
        ("depth=C:\\nets\\depth:0", Asked("depth", "C:\\nets\\depth", 0.0)),
        ("position = folder", Asked("position", "folder")),
    ],
)
def test_what_is_asked_for_is_read(said: str, expected: Asked) -> None:
    assert read_all([said]) == (expected,)
    assert read_all([write(expected)]) == (expected,)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["pose"], "names no kind of picture"),
        ([""], "names no kind of picture"),
        (["depth="], "names no ControlNet"),
        (["depth:much"], "its scale is 'much', not a number"),
        (["depth=net:much"], "its scale is 'much', not a number"),
        (["depth:nan"], "not a number"),
        (["depth:-1"], "its scale is -1"),
        (["depth:1:0"], "its end is 0"),
        (["depth:1:1.5"], "its end is 1.5"),
        (["depth:1:1:1"], "has 3 numbers"),
        (["depth:1", "depth=x"], "depth is given twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(said: list[str], why: str) -> None:
    with pytest.raises(UserError, match=why) as refused:
        read_all(said)
    assert "--control" in str(refused.value)
    assert refused.value.fix
