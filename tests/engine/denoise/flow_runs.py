"""Whole trajectories of tiny flow-matching models, ours and those of diffusers' pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from engine.denoise import steps
from engine.denoise.denoiser import Denoiser, Shown
from engine.denoise.levels import Schedule
from engine.options import choices
from engine.sync.sampler import initial_noise, sample
from tests.engine.denoise.loaded import load
from tests.engine.sync import toys
from tests.engine.sync.runs import agreement, sync_of

PROMPT, NEGATIVE = "red bricks, old wood", "gold"
PROMPTS = ["gold", "red bricks, old wood and gold", "a much longer prompt than both of the others, " * 3]


def inputs(rows: int = 1) -> tuple[Tensor, Tensor]:
    """Noise (N, 16, 8, 8), and control pictures (N, 1, 64, 64)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 16, 8, 8, generator=generator)
    return x, torch.rand(rows, 1, 64, 64, generator=generator)


def ours(
    model: Denoiser, count: int, guidance: float, scale: float = 0.75, control: Shown = None
) -> list[Tensor]:
    """The states after each of ``count`` steps of one view, without synchronisation. control: what it is
    shown, where that isn't the one picture of ``inputs``."""
    model.preset = replace(model.preset, conditioning_scale=scale, control_end=1.0)
    x, picture = inputs()
    control = picture if control is None else control
    schedule, states = model.schedule(count, 64), []
    text, negative = model.embed([PROMPT]), model.embed([NEGATIVE])
    for level, end in zip(schedule.levels, schedule.ends, strict=True):
        x0 = model.predict_x0(x, level, text, negative, control, guidance)
        x = steps.ddim(x, x0, *level.alpha_sigma, *end.alpha_sigma)
        states.append(x)
    return states


def theirs(pipeline: Any, shown: Sequence[Tensor] | None = None, **arguments: Any) -> list[Tensor]:
    """The same of one of diffusers' pipelines, from the same noise and picture. shown: what several
    ControlNets are shown, (1, 1, 64, 64) each."""
    states: list[Tensor] = []

    def note(_: Any, i: int, t: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        states.append(tensors["latents"].clone())
        return tensors

    pipeline.set_progress_bar_config(disable=True)
    pictures = [one.expand(-1, 3, -1, -1) * 2 - 1 for one in shown or inputs()[1:]]
    pipeline(
        PROMPT,
        height=64,
        width=64,
        negative_prompt=NEGATIVE,
        control_image=pictures if shown else pictures[0],
        output_type="latent",
        callback_on_step_end=note,
        **arguments,
    )
    return states


def without_chance(vae: Any) -> Any:
    """Some pipelines draw the control picture's latents from the posterior; we take the mean."""
    plain = vae.encode

    def encode(pictures: Tensor) -> Any:
        found = plain(pictures)
        found.latent_dist.sample = lambda generator=None: found.latent_dist.mode()
        return found

    vae.encode = encode
    return vae


def assert_same(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """After every step to 1e-4; and that the steps did something."""
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=0)
    assert not torch.allclose(expected[0], expected[-1], atol=0.1)


def estimates(model: Denoiser, prompts: Sequence[str], guidance: float = 1.0) -> Tensor:
    """x0 of a row for each of the ``prompts`` halfway."""
    x, control = inputs(len(prompts))
    level = model.schedule(4, 64).levels[2]
    return model.predict_x0(x, level, model.embed(prompts), model.embed([NEGATIVE]), control, guidance)


def row_alone(model: Denoiser, prompts: Sequence[str], row: int) -> Tensor:
    """The same of one row, which sees no other."""
    x, control = (tensor[row : row + 1] for tensor in inputs(len(prompts)))
    level = model.schedule(4, 64).levels[2]
    text = model.embed([prompts[row]])
    return model.predict_x0(x, level, text, model.embed([NEGATIVE]), control.clone(), 1.0)


def assert_row_alone_is_row_in_batch(model: Denoiser) -> None:
    """Of prompts of different lengths."""
    together = estimates(model, PROMPTS)
    for row in range(len(PROMPTS)):
        torch.testing.assert_close(row_alone(model, PROMPTS, row), together[row : row + 1], atol=1e-5, rtol=0)


def assert_in_pieces_alike(model: Denoiser, guidance: float = 1.0) -> None:
    """Two rows at a time give what all at once do."""
    together = estimates(model, PROMPTS, guidance)
    model.household.batch = 2
    torch.testing.assert_close(estimates(model, PROMPTS, guidance), together, atol=1e-5, rtol=0)


def assert_control_matters(folder: Path, guidance: float = 1.0) -> None:
    """Of the model in ``folder``, and so does its strength."""
    full, weak, none = (ours(load(folder), 2, guidance, scale)[-1] for scale in (1.0, 0.5, 0.0))
    assert min((full - none).abs().max(), (full - weak).abs().max(), (weak - none).abs().max()) > 1e-2


class Network:
    """A model for lines of latents, (N, C, 1, w), each of which stands for a square of two by two."""

    def __init__(self, model: Denoiser, schedule: Schedule) -> None:
        self.model, self.schedule = model, schedule
        self.text = model.embed(["red bricks", "old wood", "gold"])
        self.control = torch.rand(3, 1, 16, 128, generator=torch.Generator().manual_seed(1))

    def eps(self, x: Tensor, i: int) -> Tensor:
        return self._run(self.model.predict, x, i)

    def x0(self, x: Tensor, i: int) -> Tensor:
        return self._run(self.model.predict_x0, x, i)

    def _run(self, method: Any, x: Tensor, i: int) -> Tensor:
        wide = x.repeat_interleave(2, dim=3).repeat_interleave(2, dim=2)
        found: Tensor = method(wide, self.schedule.levels[i], self.text, self.text, self.control, 1.0)
        return avg_pool2d(found, 2)


def synchronised(model: Denoiser, method: str, apart: bool = False) -> tuple[toys.Toy, Tensor]:
    """Views after four steps, synchronised in each. apart: each begins from noise of its own, else from noise
    that they share."""
    toy, schedule = toys.many_to_one(width=8), model.schedule(4, 64)
    behind, generator = torch.zeros(3, 16, 1, 8), torch.Generator().manual_seed(0)
    x = toys.unit_noise((3, 16, 1, 8), 1) if apart else initial_noise(toy.space, behind, generator)
    sync = sync_of(method, toy, share=1.0)
    *_, last = sample(Network(model, schedule), schedule, sync, x, lambda i: behind, generator)
    assert torch.isfinite(last.x).all()
    return toy, last.x


def scatter(toy: toys.Toy, x: Tensor) -> float:
    """How far pixels that show one element are from each other on average."""
    flat, shown = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]), torch.from_numpy(toy.element.reshape(-1))
    return float(torch.stack([flat[shown == k].std(dim=0).mean() for k in range(5)]).nanmean())


def assert_methods_synchronise(model: Denoiser) -> None:
    """Views agree with each, and better than without. SyncSDE draws them towards each other step by step,
    which shows where they begin apart."""
    alone = agreement(*synchronised(model, "independent"))
    others = set(choices.METHODS) - {"independent", "syncsde"}
    found = {method: agreement(*synchronised(model, method)) for method in others}
    assert max(found.values()) < alone / 10, (alone, found)
    drawn, left = (scatter(*synchronised(model, name, apart=True)) for name in ("syncsde", "independent"))
    assert drawn < 0.9 * left
