"""docs/models-speed.md: what tests/bench/models.py counted and measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.models import presets
from tests.bench.pages import markdown

Operations = Mapping[
    str, Mapping[str, float]
]  # of a family, TFLOP of each of its parts; cases/model_flops.py

TARGET = 1.1
VIEWS = 10
ONCE = ("geometry", "text", "control", "decode", "bake", "measure", "save")
COLUMNS = ("text", "control picture", "network", "row", "encode", "decode")


@dataclass(frozen=True)
class Run:
    """Figures of a texture: seconds, as cases/models.py gives them."""

    geometry: float
    denoise: float
    sync: float
    decode: float
    bake: float
    measure: float
    save: float
    network: float
    text: float
    control: float
    total: float
    load: float
    rows: int
    steps: int
    usual_steps: int
    view: int
    views: int
    device: str
    precision: str
    peak_mb: float

    @property
    def once(self) -> float:
        """What doesn't grow with the steps: synchronising in latents decodes at the end alone."""
        return float(sum(getattr(self, part) for part in ONCE))

    @property
    def _stepping(self) -> float:
        return self.denoise - self.text - self.control + self.sync

    @property
    def beside(self) -> float:
        """Of the steps, the share of what isn't the network in the network's time."""
        return self._stepping / self.network - 1

    @property
    def ratio(self) -> float:
        """The whole run over the network's time in it, with as many steps as the model usually has."""
        more = self.usual_steps / self.steps
        return (self.once + more * self._stepping) / (more * self.network)

    @property
    def misses(self) -> bool:
        """Whether the target, which is for cards, is missed."""
        return self.device.startswith("cuda") and self.ratio > TARGET


def tables(operations: Operations, runs: Mapping[str, Run]) -> Iterator[str]:
    """Rows of both."""
    yield markdown.table(
        ["TFLOP", "view", *COLUMNS, f"{VIEWS} views"], list(map(_counted, operations.items()))
    )
    yield ""
    head = ["seconds", "views", "steps", "network", "else in steps", "once", "whole : network", "peak, GB"]
    yield markdown.table(head, [_ran(name, run) for name, run in runs.items()])


def _counted(item: tuple[str, Mapping[str, float]]) -> list[str]:
    family, found = item
    cells = [f"{found[name]:.2g}" if found[name] < 1 else f"{found[name]:.1f}" for name in COLUMNS]
    return [f"`{family}`", f"{found['view']:.0f}", *cells, f"{_job(family, found):,.0f}"]


def _job(family: str, found: Mapping[str, float]) -> float:
    """TFLOP of what denoises in a job of VIEWS views with the family's usual steps and guidance."""
    usual = presets.of_family(family, 64, 8)
    told = family == "flux-dev"  # the guidance: one pass
    passes = 1 if usual.guidance == 1.0 or told else 2
    return VIEWS * usual.steps * passes * found["row"]


def _ran(name: str, run: Run) -> list[str]:
    return [
        f"{name}, {run.precision}",
        f"{run.views} of {run.view}",
        str(run.steps),
        f"{run.network:.2f}",
        f"{run.beside:.1%}",
        f"{run.once:.2f}",
        f"{run.ratio:.2f}",
        f"{run.peak_mb / 1024:.1f}",
    ]


def page(operations: Operations, runs: Mapping[str, Run]) -> str:
    """The whole page."""
    counted, _, ran = tables(operations, runs)
    return "\n".join([_HEAD, counted, "", _RUNS.format(target=TARGET), "", ran, "", _CARD, ""])


_HEAD = f"""# What models cost

Models in their published sizes with random weights, which cost what trained ones do. Made by `python3
build.py bench models --write`.

## Operations

In TFLOP, 10^12 multiplications and additions, counted as the engine calls the networks: of a prompt, of a
control picture (once a run), of a row (one view in one pass) by the network alone and with its ControlNet,
of a picture through the autoencoder in both directions; and of a job of {VIEWS} views with the model's own
steps and guidance, ControlNet included. Attention across views adds to Stable Diffusion's.

A card that keeps up 80 TFLOP a second takes a minute for 4,800. Where views are averaged as pictures and
there is no small autoencoder, a decoding and two encodings of each view at every step come on top.
"""

_RUNS = """## Whole runs

On a processor seconds are its own, of all threads together, so that they don't depend on what else runs
there; on a card by the clock. *Else in steps*: what a step takes beside the network, as a share of the
network's time: synchronising, guidance, the sampler. *Once*: geometry, prompts, control pictures, decoding,
bake, measuring, saving. *Whole : network*: of a run with the model's usual number of steps, from these;
loading, which an engine does once for all its jobs, is left out. To reach on a card: {target}.

On a processor the starter's network takes so little that baking and saving show, and two views of a larger
model decode at the end as long as they take a step. With more steps there is less of both. Processors that
calculate in bfloat16 do so; `SYNC_TEXTURE_PRECISION=full` in the environment measures in float32."""

_CARD = """## On a card

`python3 build.py bench models --device cuda --family sd15 sdxl z-image-turbo`, with `--compile` too,
measures it there with ten views; it ends with 1 where the target is missed. No card has been measured yet.
In half precision convolutions are channels last. `SYNC_TEXTURE_COMPILE=1` in the environment compiles the
blocks that networks repeat, where Triton is (Linux): the first job waits for that, from half a minute to
minutes, later ones are faster. So it is for many jobs, and off otherwise."""
