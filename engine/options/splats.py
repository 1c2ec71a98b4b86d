"""The options of ``splats``: the table of all that Gaussian splats can be asked for.

What it has in common with a texture is the entry of request.py itself, with other words where it needs them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import choices
from .asked import Asked
from .job import VIEWS
from .option import ENGINE, option
from .request import as_texture

SPLATS = "Splats"
# What a .ply says of a splat. DC: of spherical harmonics the constant one; colours are 0.5 + DC f_dc.
COLOUR, REST, OPACITY = ("f_dc_0", "f_dc_1", "f_dc_2"), "f_rest_", "opacity"
SCALE, ROTATION = ("scale_0", "scale_1", "scale_2"), ("rot_0", "rot_1", "rot_2", "rot_3")
NEEDED = (*COLOUR, OPACITY, *SCALE, *ROTATION)
DC = 0.28209479177387814
_HERE = frozenset({ENGINE})


@dataclass(frozen=True)
class SplatsRequest(Asked):
    """Splats that get other colours. ``None`` means "not given": the model's preset decides.

    splats: path of a .ply as 3D Gaussian splatting writes it. out: folder that receives splats.ply, views.png
    and report.json. cameras: path of a JSON file (views/camera_file.py), in the axes and units of the splats.
    """

    splats: str = field(
        metadata=option(
            "Splats",
            "A .ply as 3D Gaussian splatting writes it",
            SPLATS,
            metavar="FILE",
            positional=True,
            reported=False,
            doors=_HERE,
        )
    )
    prompt: str = as_texture("prompt")
    out: str = as_texture("out")
    tints: str = field(
        default="drop",
        metadata=option(
            "Tints",
            "What becomes of colours that change with the direction they are seen from (f_rest)",
            SPLATS,
            choices=choices.TINTS,
            doors=_HERE,
        ),
    )
    overwrite: bool = as_texture("overwrite", doors=_HERE)
    device: str = as_texture("device")
    preview: bool = as_texture(
        "preview", help="Keep preview.views.png in the folder up to date meanwhile", doors=_HERE
    )
    model: str = as_texture("model")
    lora: tuple[str, ...] = as_texture("lora")
    reference: tuple[str, ...] = as_texture("reference")
    ip_adapter: str = as_texture("ip_adapter")
    negative: str | None = as_texture("negative", help="What to keep out of the colours")
    accelerator: str | None = as_texture("accelerator")
    steps: int | None = as_texture("steps")
    guidance: float | None = as_texture("guidance")
    seed: int = as_texture("seed", help="The same seed with the same settings: the same colours")
    controls: tuple[str, ...] = as_texture("controls")
    method: str = as_texture("method")
    sync_space: str | None = as_texture("sync_space")
    sync_share: str | None = as_texture("sync_share")
    aggregate: str | None = as_texture("aggregate")
    attention: str | None = as_texture("attention")
    views: str = field(
        default="auto",
        metadata=option(
            "Views",
            "From where the splats are looked at",
            VIEWS,
            choices=choices.SPLAT_VIEWS,
            low=1,
            high=64,
            doors=_HERE,
            reported=False,
        ),
    )
    cameras: str | None = as_texture("cameras", doors=_HERE)
    front: float = as_texture("front", help="Which side is the front: 0 is +Z, 90 is +X", doors=_HERE)
    up: str = field(
        default="y",
        metadata=option(
            "Up", "Which way is up in the file", VIEWS, choices=choices.SPLAT_UPS, doors=_HERE, reported=False
        ),
    )

    @property
    def prompts(self) -> tuple[str, ...]:
        return (self.prompt,)

    @property
    def kind(self) -> str:
        """As a preset's table calls it, beside the kinds of pictures."""
        return "splats"
