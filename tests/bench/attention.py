"""What attention across views costs: `build.py bench attention [--latents N ...] [--seconds S] [--write]`.

Time and memory against plain attention, of self-attention layers alone and of whole steps (UNet and
ControlNet): the starter's and Stable Diffusion 1.5's. Views are the published ten of clutch_bag.obj in the
folder that SYNC_TEXTURE_MESHES names, else of a torus; where a step has fewer, those that the mesh fills
most. On one core, in turns, so that ratios hold on a machine that does other things too. No run may take more
than 1.5 times as long as with plain attention.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from engine.denoise import device as devices
from engine.denoise.attention import Links
from engine.models.presets import SD15
from tests.bench.cases import attention as case
from tests.bench.cases.attention import Found
from tests.bench.pages.markdown import DOCS, put, table

TARGET = 1.5
EARLY = 5 / 30  # of the published 30 steps five are above t = 800, where there is a reference
LATENTS = (32, 64, SD15.latent_view_size)
SMALL = 32  # latents of a side: the starter's, and those of Stable Diffusion's layers alone
HEAD = ("plain, s", "beside", "and reference", "whole run")
MEMORY = ("MB, plain", "MB, beside", "MB, and reference")
Rows = dict[str, Found]


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 when a run takes more than TARGET times as long as a plain one."""
    parser = argparse.ArgumentParser(prog="build.py bench attention", description=__doc__.splitlines()[0])
    parser.add_argument("--latents", type=int, nargs="+", default=LATENTS, help="sides of SD's views")
    parser.add_argument("--pictures", type=int, default=2, help="in a step of SD; default: 2")
    parser.add_argument("--seconds", type=float, default=60, help="for each row, at least one round")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--write", action="store_true", help="put the tables in docs/attention.md")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    device = devices.resolve(options.device)
    layers, steps = measure(device, options.latents, options.pictures, options.seconds)
    parts = {"layers": shown(layers), "steps": shown(steps, memory=True)}
    print("\n\n".join(parts.values()))
    if options.write:
        put(DOCS / "attention.md", parts)
    missed = [name for name, found in steps.items() if np.median(run(found)) > TARGET]
    print(f"more than {TARGET:g} times as long: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


def measure(device: torch.device, sizes: Sequence[int], pictures: int, seconds: float) -> tuple[Rows, Rows]:
    """Layers with all ten views, and steps: the starter's with ten, Stable Diffusion's with ``pictures``."""
    layers: Rows = {}
    steps: Rows = {}

    def add(rows: Rows, name: str, call: case.Call) -> None:
        rows[name] = case.in_turns(call, device, seconds)
        print(f"{name}: {' | '.join(_cells(rows[name]))}", file=sys.stderr, flush=True)

    views = case.paper_links(SMALL)
    makers: list[tuple[str, Callable[[torch.device], case.TimedNetworks]]] = [
        ("starter", case.starter),
        ("SD 1.5", case.stable_diffusion),
    ]
    for model, make in makers:
        networks = make(device)
        for kind in case.self_attention(networks, SMALL):
            add(layers, f"{model}: {kind}", case.layer(kind, views, device))
        if model == "starter":
            add(steps, _name(model, views), case.step(networks, views, SMALL))
            continue
        for size in sizes:
            links = case.fullest(case.paper_links(size), pictures)
            add(steps, _name(model, links), case.step(networks, links, size))
    return layers, steps


def _name(model: str, links: Links) -> str:
    assert links.shown is not None
    count, size, _ = links.shown.shape
    return f"{model}: {size} x {size}, views: {count}, mesh: {links.shown.mean():.0%} of them"


def run(found: Found) -> NDArray[np.float64]:
    """(rounds,): how many times as long as a plain run a whole one takes."""
    return (1 - EARLY) * found.ratio(1) + EARLY * found.ratio(2)


def shown(rows: Rows, memory: bool = False) -> str:
    """A table: seconds of plain attention, how many times as long the others take, and memory, which says
    little where little is needed."""
    head = ["", *HEAD, *(MEMORY if memory else ())]
    return table(head, [[name, *_cells(found)[: len(head) - 1]] for name, found in rows.items()])


def _cells(found: Found) -> list[str]:
    ratios = [_spread(found.ratio(1)), _spread(found.ratio(2)), f"**{_spread(run(found))}**"]
    return [f"{np.median(found.seconds[:, 0]):.3g}", *ratios, *(f"{mb:,.0f}" for mb in found.peak_mb)]


def _spread(values: NDArray[np.float64]) -> str:
    """The median, and what half of all rounds lie between where there are several."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return f"{middle:.2f}" + (f" ({low:.2f} to {high:.2f})" if len(values) > 1 else "")


if __name__ == "__main__":
    sys.exit(main())
