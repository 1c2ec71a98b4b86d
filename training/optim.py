"""AdamW for networks that may compute in bfloat16: float32 master weights, and their moving average."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.denoise.device import has_bfloat16


def fastest(device: torch.device) -> torch.dtype:
    """What networks learn in soonest on ``device``: bfloat16, or float32 on a CPU without it. With AVX-512
    BF16 bfloat16 is twice as fast; where it is emulated, as with AVX2, 10 to 20 times as slow."""
    return torch.bfloat16 if device.type == "cuda" or has_bfloat16(device) else torch.float32


class Optimizer:
    """Trains the parameters of ``networks`` that require gradients.

    The networks hold copies in the ``fastest`` precision, but for modules with a true attribute ``exact``;
    masters, moments and the moving average are float32. ``average`` is the average's memory: about
    1 / (1 - average) steps.
    """

    def __init__(self, networks: list[nn.Module], average: float, decay: float = 0.0) -> None:
        self.networks = networks
        self.average = average
        self.working: list[Tensor] = [
            p for network in networks for p in network.parameters() if p.requires_grad
        ]
        self.masters = [p.detach().clone().float() for p in self.working]
        self.averages = [p.clone() for p in self.masters]
        self.precision = fastest(self.masters[0].device)
        self._cast(self.precision)
        self.adam = torch.optim.AdamW(self.masters, betas=(0.9, 0.99), weight_decay=decay, fused=True)
        self.steps = 0

    def gradients(self, loss: Tensor) -> list[Tensor]:
        """float32 gradients of ``loss`` for every weight; may be called from several threads at once."""
        found = torch.autograd.grad(loss, self.working, allow_unused=True, materialize_grads=True)
        return [gradient.float() for gradient in found]

    def together(
        self, threads: ThreadPoolExecutor, losses: list[Callable[[], Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Each loss in a thread of its own: (the losses as they came, the gradients of their mean).

        On a machine that others use too, this is twice as fast as threads inside the operations, which wait
        for each other.
        """

        def run(loss: Callable[[], Tensor]) -> tuple[Tensor, list[Tensor]]:
            value = loss()
            return value.detach(), self.gradients(value.mean())

        found = list(threads.map(run, losses))
        total = found[0][1]
        for _, more in found[1:]:
            torch._foreach_add_(total, more)
        torch._foreach_div_(total, len(found))
        return [value for value, _ in found], total

    def step(self, gradients: list[Tensor], rate: float) -> None:
        """One update; gradients are clipped to norm 1."""
        for master, gradient in zip(self.masters, gradients, strict=True):
            master.grad = gradient
        nn.utils.clip_grad_norm_(self.masters, 1.0)
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        self.steps += 1
        memory = min(self.average, (1 + self.steps) / (10 + self.steps))  # forget the random start sooner
        with torch.no_grad():
            torch._foreach_lerp_(self.averages, self.masters, 1 - memory)
            torch._foreach_copy_(self.working, self.masters)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The networks in float32 with the averaged weights, for sampling and export."""
        self._load(torch.float32, self.averages)
        try:
            yield
        finally:
            self._load(self.precision, self.masters)

    def _cast(self, dtype: torch.dtype) -> None:
        """But what is exact, which would come back from bfloat16 as something else."""
        modules = [module for network in self.networks for module in network.modules()]
        exact = {id(p) for one in modules if getattr(one, "exact", False) for p in one.parameters()}
        for module in modules:
            for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                if tensor.is_floating_point() and id(tensor) not in exact:
                    tensor.data = tensor.data.to(dtype)

    def _load(self, dtype: torch.dtype, weights: list[Tensor]) -> None:
        self._cast(dtype)
        with torch.no_grad():
            torch._foreach_copy_(self.working, weights)

    def state(self) -> dict[str, Tensor]:
        """All that a resumed run needs."""
        found = {}
        for i, master in enumerate(self.masters):
            found[f"master.{i}"], found[f"average.{i}"] = master, self.averages[i]
            found |= {f"{key}.{i}": value for key, value in self.adam.state[master].items()}
        return {name: value.contiguous() for name, value in found.items()}

    def restore(self, state: dict[str, Tensor], steps: int) -> None:
        """Continue from :meth:`state` after ``steps`` steps."""
        with torch.no_grad():
            for i, master in enumerate(self.masters):
                master.copy_(state[f"master.{i}"])
                self.averages[i].copy_(state[f"average.{i}"])
                self.adam.state[master] = {
                    "step": state[f"step.{i}"],  # the moments in the master's own memory format
                    **{
                        k: torch.empty_like(master).copy_(state[f"{k}.{i}"])
                        for k in ("exp_avg", "exp_avg_sq")
                    },
                }
            torch._foreach_copy_(self.working, self.masters)
        self.steps = steps


def checkpoint(folder: Path, optimizer: Optimizer, elapsed: float, samples: int) -> None:
    """Replace the checkpoint as a whole: a run killed while writing keeps the old one. elapsed: seconds spent
    so far. samples: made so far."""
    folder.mkdir(exist_ok=True)
    new = folder / "new.safetensors"
    counters = {"elapsed": str(elapsed), "samples": str(samples), "steps": str(optimizer.steps)}
    save_file(optimizer.state(), new, metadata=counters)
    new.replace(folder / "state.safetensors")


def resume(folder: Path, optimizer: Optimizer) -> tuple[float, int]:
    """Restore a checkpoint if there is one: (seconds spent, samples made), zero for a fresh run."""
    path = folder / "state.safetensors"
    if not path.exists():
        return 0.0, 0
    with safe_open(path, "pt") as file:
        counters = file.metadata()
    optimizer.restore(load_file(path), int(counters["steps"]))
    return float(counters["elapsed"]), int(counters["samples"])


def cosine(progress: float, steps: int, peak: float, warm_up: int, floor: float = 0.01) -> float:
    """The learning rate: linear warm-up over ``warm_up`` steps, then half a cosine over ``progress`` 0..1."""
    fall = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return peak * min(1.0, (steps + 1) / warm_up) * (floor + (1 - floor) * fall)
