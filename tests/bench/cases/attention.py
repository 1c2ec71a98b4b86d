"""What `build.py bench attention` measures: layers of self-attention and whole steps of networks, with plain
attention and across views, in turns.

Networks of Stable Diffusion 1.5's configuration have weights at random: time doesn't depend on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine import memory
from engine.canvas.canvas import Prompt
from engine.canvas.mesh_views import canvas_views, take_views
from engine.canvas.rows import links
from engine.denoise import loading
from engine.denoise.attention import AcrossRows, Links, across_rows
from engine.host import Host
from engine.mesh.mesh import Mesh, load
from engine.models import sources
from engine.views.cameras import paper_rig
from engine.views.neighbours import nearest_first
from engine.views.surface import Surface
from tests.bench.cases.meshes import bag
from training.judge import pairs

WAYS = 3  # plain; with those beside; with those beside and the reference
ROUNDS = 40
TOKENS, TIME = 77, 500  # of a prompt; a timestep
CELL = 8  # pixels a latent, a side
STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
Call = Callable[[int], object]  # what is measured, by the number of the way


@dataclass(frozen=True)
class Layer:
    """A kind of self-attention layer: tokens of a picture, numbers a token, heads."""

    tokens: int
    width: int
    heads: int

    def __str__(self) -> str:
        return f"{self.tokens:,} tokens, {self.heads} x {self.width // self.heads}"


@dataclass(frozen=True)
class TimedNetworks:
    unet: Any
    controlnet: Any


@dataclass(frozen=True)
class Found:
    """seconds (rounds, WAYS). peak_mb: the most memory that each way took besides what was there before, in
    MiB; not a number where the system doesn't say."""

    seconds: NDArray[np.float64]
    peak_mb: list[float]

    def ratio(self, way: int) -> NDArray[np.float64]:
        """(rounds,): how many times as long as with plain attention."""
        return np.asarray(self.seconds[:, way] / self.seconds[:, 0])


def paper_links(latents: int) -> Links:
    """Of the published ten views, latents x latents each, of a bag (clutch_bag.obj in the folder that
    SYNC_TEXTURE_MESHES names), else of a torus."""
    mesh = load(found) if (found := bag()) else Mesh(*pairs.shape("torus"))
    nowhere = np.zeros((len(mesh.faces), 3, 2), np.float32)
    surface = Surface.build(mesh.vertices, mesh.faces, nowhere)
    shots = take_views(surface, paper_rig(), CELL * latents, ["depth"], Host())
    return links(canvas_views(shots, [(Prompt("", ""),)] * len(shots)), nearest_first(paper_rig())[0], CELL)


def fullest(views: Links, pictures: int) -> Links:
    """So many of the ``views``, those that the mesh fills most: each attends to itself, the next and the one
    before."""
    assert views.shown is not None
    own = np.arange(pictures)
    chosen = np.argsort(-views.shown.mean(axis=(1, 2)), kind="stable")[:pictures]
    return Links(np.stack([own, (own + 1) % pictures, (own - 1) % pictures], axis=1), 0, views.shown[chosen])


def starter(device: torch.device) -> TimedNetworks:
    """The starter's."""
    model = loading.load(sources.find("starter", lambda: None), device, torch.float32, lambda: None)
    unet, controlnet = (model.family.parts[name].network() for name in ("unet", "controlnet"))
    controlnet.controlnet_cond_embedding = model.family.controlnet.embedding  # as the library has it
    return TimedNetworks(unet, controlnet)


def stable_diffusion(device: torch.device) -> TimedNetworks:
    """Of Stable Diffusion 1.5's configuration, weights at random; in half precision on a card."""
    from diffusers import ControlNetModel, UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
        controlnet = ControlNetModel.from_unet(unet, load_weights_from_unet=False)
    return TimedNetworks(_filled(unet, device), _filled(controlnet, device))


def self_attention(networks: TimedNetworks, latents: int) -> list[Layer]:
    """The kinds of self-attention layers at latents x latents, those of most tokens first."""
    halvings = len(networks.unet.config.block_out_channels) - 1
    kinds = {
        Layer((latents >> _level(path, halvings)) ** 2, module.to_q.out_features, module.heads)
        for path, module in networks.unet.named_modules()
        if path.endswith("attn1")
    }
    return sorted(kinds, key=lambda kind: (-kind.tokens, kind.width))


def layer(kind: Layer, links: Links, device: torch.device) -> Call:
    """One layer, its projections included, on a row for each picture."""
    from diffusers.models.attention_processor import Attention, AttnProcessor2_0

    made = Attention(query_dim=kind.width, heads=kind.heads, dim_head=kind.width // kind.heads)
    attention = made.eval().to(device, _dtype(device))
    x = _noise(attention.to_q.weight, len(links.beside), kind.tokens, kind.width)
    plain, across = AttnProcessor2_0(), AcrossRows(links)

    def call(way: int) -> Tensor:
        if way == 0:
            return plain(attention, x)
        across.begin(torch.arange(len(x)), way == 2, device)
        return across(attention, x)

    return call


def step(networks: TimedNetworks, links: Links, latents: int) -> Call:
    """UNet and ControlNet on a row for each picture, latents x latents each."""
    unet, controlnet = networks.unet, networks.controlnet
    rows, like = len(links.beside), next(unet.parameters())
    pixels = latents * 2 ** (len(controlnet.config.conditioning_embedding_out_channels) - 1)
    x = _noise(like, rows, unet.config.in_channels, latents, latents)
    text = _noise(like, rows, TOKENS, unet.config.cross_attention_dim)
    picture = _noise(like, rows, 3, pixels, pixels)

    def both() -> Tensor:
        down, mid = controlnet(x, TIME, text, picture, return_dict=False)
        residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
        output: Tensor = unet(x, TIME, text, **residuals).sample
        return output

    def call(way: int) -> Tensor:
        if way == 0:
            return both()
        with across_rows(unet, links) as processor:
            processor.begin(torch.arange(rows), way == 2, like.device)
            return both()

    return call


def in_turns(call: Call, device: torch.device, seconds: float) -> Found:
    """Rounds of all ways until they have taken ``seconds``, ROUNDS at most: in turns, so that what else the
    machine does hits all alike. Seconds of a processor, or by the clock for another device."""
    before = _forget_peak(device)
    first, peaks = _round(call, device)
    found = [first]
    while len(found) < ROUNDS and np.sum(found) < seconds:
        found.append(_round(call, device)[0])
    return Found(np.array(found), [peak - before for peak in peaks])


@torch.no_grad()
def _round(call: Call, device: torch.device) -> tuple[list[float], list[float]]:
    """Of each way seconds, and the most memory there was, in MiB."""
    settle = memory.settler(device)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    seconds, peaks = [], []
    for way in range(WAYS):
        _forget_peak(device)
        start = clock()
        call(way)
        settle()
        seconds.append(clock() - start)
        peaks.append(_peak_mb(device))
    return seconds, peaks


def _level(path: str, halvings: int) -> int:
    """How often pictures are halved where the module at ``path`` is."""
    part, number, *_ = path.split(".")
    if part == "mid_block":
        return halvings
    return int(number) if part == "down_blocks" else halvings - int(number)


def _filled(network: nn.Module, device: torch.device) -> nn.Module:
    network = network.to_empty(device="cpu").eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                parameter.uniform_(-0.03, 0.03)
            else:
                parameter.fill_(0.0 if name.endswith("bias") else 1.0)
    return network.to(device, _dtype(device))


def _dtype(device: torch.device) -> torch.dtype:
    return torch.float16 if device.type == "cuda" else torch.float32


def _noise(like: Tensor, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(like)


def _forget_peak(device: torch.device) -> float:
    """From now on count the most memory anew, where the system can; how much there is, in MiB."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / 2**20
    if FORGET.exists():
        FORGET.write_text("5", encoding="ascii")
    return _status("VmRSS")


def _peak_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return _status("VmHWM")


def _status(name: str) -> float:
    """A figure of this process in MiB."""
    if not STATUS.is_file():
        return float("nan")
    lines = STATUS.read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))
