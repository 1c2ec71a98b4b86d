"""The loop that teaches a decoder, whichever autoencoder it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from training.optim import Optimizer, cosine

Log = Callable[[str], None]


@dataclass(frozen=True)
class Regression:
    """``steps`` updates, each from a loss in every one of ``threads`` threads; ``rate`` is the highest."""

    steps: int
    seed: int
    threads: int
    rate: float
    warm_up: int

    def fit(self, network: nn.Module, loss: Callable[[torch.Generator], Tensor], name: str, log: Log) -> None:
        """Minimise ``loss``, which draws its samples, over the weights of ``network`` that require gradients.
        They end as float32, averaged over the last steps and fixed."""
        optimizer = Optimizer([network], average=0.998)
        generators = [torch.Generator().manual_seed(self.seed + part) for part in range(self.threads)]
        losses = [partial(loss, generator) for generator in generators]
        with ThreadPoolExecutor(self.threads, initializer=lambda: torch.set_num_threads(1)) as pool:
            for step in range(self.steps):
                values, gradients = optimizer.together(pool, losses)
                optimizer.step(gradients, cosine(step / self.steps, step, self.rate, self.warm_up))
                if step % 100 == 0:
                    log(f"{name} step {step} of {self.steps}: loss {float(values[0]):.4f}")
        with optimizer.averaged():
            weights = {key: value.clone() for key, value in network.state_dict().items()}
        network.float().load_state_dict(weights)
        network.eval().requires_grad_(False)
