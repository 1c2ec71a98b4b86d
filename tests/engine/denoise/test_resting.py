"""Weights that rest in fewer bits, or elsewhere, and come as they are computed with: held against weights
that the test rounds itself, and against diffusers' own casting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.hooks import apply_layerwise_casting
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from engine.denoise.families.family import NETWORK, TEXT
from engine.denoise.parts import Part
from engine.denoise.resting import EIGHT_BITS
from engine.models.ladder import APART, EIGHT, FULL, HALF
from tests.engine.denoise.flow_runs import PROMPTS, estimates
from tests.engine.denoise.loaded import estimate, load, network
from tests.engine.flow_pipelines import make_flux, make_qwen_image, make_z_image
from tests.engine.pipelines import make_pipeline
from tests.engine.schedules import SD15
from tests.engine.xl_pipelines import make_xl_pipeline


@dataclass(frozen=True)
class Case:
    """A tiny model and what it paints."""

    folder: Path
    paint: Callable[[Denoiser], Tensor]


def flowing(model: Denoiser) -> Tensor:
    return estimates(model, PROMPTS, 2.0)


MAKERS: dict[str, tuple[Callable[[Path], Path], Callable[[Denoiser], Tensor]]] = {
    "sd": (lambda folder: make_pipeline(folder, SD15), estimate),
    "xl": (make_xl_pipeline, estimate),
    "z-image": (make_z_image, flowing),
    "qwen-image": (make_qwen_image, flowing),
    "flux": (lambda folder: make_flux(folder, told=True), flowing),
}


@pytest.fixture(scope="module", params=MAKERS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    make, paint = MAKERS[request.param]
    return Case(make(tmp_path_factory.mktemp("resting") / request.param), paint)


def keep(model: Denoiser, kind: str, away: bool = False) -> Denoiser:
    """``model`` with weights that rest as ``kind``."""
    house = model.household
    house._follow(replace(house.plan, network=kind, text=kind, reads=APART, away=away))
    return model


def parts(model: Denoiser) -> list[Part]:
    return [part for stage in (TEXT, NETWORK) for part in model.household.parts(stage)]


def networks(model: Denoiser) -> dict[str, list[torch.nn.Module]]:
    """By their parts, with what a ControlNet gave away of its own."""
    found = {part.name: [part.network()] for part in parts(model)}
    if given := embedding(model):
        found["controlnet"].append(given)
    return found


def embedding(model: Denoiser) -> Any:
    """What the model's own ControlNet gave away, None where it keeps all."""
    nets = model._family.controlnets
    return getattr(nets[None], "embedding", None) if nets else None


def round_by_hand(model: Denoiser, other: Denoiser) -> None:
    """Give ``model``, whose weights are precise, those of ``other`` as they rest there."""
    theirs = networks(other)
    for part, modules in networks(model).items():
        for mine, resting in zip(modules, theirs[part], strict=True):
            for weight, other_weight in zip(mine.parameters(), resting.parameters(), strict=True):
                weight.data = weight.data.to(other_weight.dtype).float()


@pytest.mark.parametrize(("kind", "bits"), [(EIGHT, EIGHT_BITS), (HALF, None)])
def test_what_rests_in_fewer_bits_computes_as_if_rounded_by_hand(case: Case, kind: str, bits: Any) -> None:
    plain, narrow = load(case.folder), keep(load(case.folder), kind)
    kept = bits or narrow._family.half
    for part in parts(narrow):
        nets = networks(narrow)[part.name]
        weights = {w.data_ptr(): w for net in nets for w in net.parameters()}.values()  # some are tied
        assert {weight.dtype for weight in weights} - {torch.float32} == {kept}, part.name
        assert sum(weight.nbytes for weight in weights) == part.bytes(kept) == part.bytes_here
    precise, found = case.paint(plain), case.paint(narrow)
    round_by_hand(plain, narrow)
    plain._embedded.clear()
    assert torch.equal(found, case.paint(plain))
    assert not torch.equal(found, precise)


@pytest.mark.parametrize("kind", [FULL, EIGHT])
def test_weights_that_wait_elsewhere_are_only_used_while_they_visit(case: Case, kind: str) -> None:
    """Whatever looks at a weight at another time finds nothing in it: here, no number."""
    here, away = keep(load(case.folder), kind), keep(load(case.folder), kind, away=True)
    hide_between_visits(one for nets in networks(away).values() for net in nets for one in net.modules())
    assert torch.equal(case.paint(away), case.paint(here))
    assert sum(part.bytes_here for part in parts(away)) == 0


def hide_between_visits(modules: Iterable[torch.nn.Module]) -> None:
    """Hide the weights of ``modules`` but while the one that has them runs, whichever has them by then: by
    hooks that are called around the engine's."""
    found = list({id(module): module for module in modules}.values())
    weights = [weight for module in found for weight in module.parameters(recurse=False)]
    contents = {weight: (weight.data, torch.full_like(weight.float(), torch.nan)) for weight in weights}

    def show(module: torch.nn.Module, *_: Any) -> None:
        for weight in module.parameters(recurse=False):
            weight.data = contents[weight][0]

    def hide(module: torch.nn.Module, *_: Any) -> None:
        for weight in module.parameters(recurse=False):
            weight.data = contents[weight][1].to(contents[weight][0].dtype)

    for module in found:
        hide(module)
        module.register_forward_pre_hook(show, prepend=True)
        module.register_forward_hook(hide)


def test_eight_bits_are_those_of_diffusers_own_casting(tmp_path: Path) -> None:
    folder = make_xl_pipeline(tmp_path / "xl")
    ours, theirs = keep(load(folder), EIGHT), load(folder)
    pairs = [(network(ours, name), network(theirs, name)) for name in ("unet", "controlnet")]
    for mine, net in pairs:
        patterns = ("pos_embed", "patch_embed", "norm", "time_embed", "^proj_in$", "^proj_out$")
        apply_layerwise_casting(net, EIGHT_BITS, torch.float32, skip_modules_pattern=patterns)
        assert {n: w.dtype for n, w in mine.named_parameters()} == {
            n: w.dtype for n, w in net.named_parameters()
        }
    assert {w.dtype for w in embedding(ours).parameters()} == {torch.float32}
    text = theirs.embed(["red bricks"])
    ours._embedded["red bricks"] = (text.condition, "")  # the same words, read precisely
    assert torch.equal(estimate(ours), estimate(theirs))
