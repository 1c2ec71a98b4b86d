"""The options of ``image``: the table of all that a picture without a mesh can be asked for.

What it has in common with a texture is the entry of request.py itself, with other words where it needs them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import choices
from .asked import Asked
from .option import ENGINE, JOBS, PANEL, option
from .request import as_texture as _as_texture

PICTURE = "Picture"
_HERE = frozenset({ENGINE, JOBS})
_LEAST, _MOST = 64, 8192
AMBIGUOUS = ("kind", "ambiguous")
SURFACES = ("tile", "wide")
"""The kinds that are pictures of a surface, of which more than the colour can be told."""


def _side(label: str, usual: str) -> Any:
    """The field of a side of the picture. The report has the size that the picture has."""
    entry = option(
        label,
        "Of the picture",
        PICTURE,
        low=_LEAST,
        high=_MOST,
        unit="px",
        reported=False,
        usual=usual,
        doors=_HERE | {PANEL},
    )
    return field(default=None, metadata=entry)


@dataclass(frozen=True)
class ImageRequest(Asked):
    """One picture. ``None`` means "not given": the kind and the model's preset decide.

    out: folder that receives image.png and report.json. width, height: in pixels. init_image: path of the
    picture that is painted anew, of which image.png has the size and the depth; with floats it is image.exr.
    mask: path of a picture, white where it is. strength: as of a texture. other_prompts, view: of
    an ambiguous picture's views after the first, in their order.
    """

    kind: str = field(metadata=option("Kind", "What it is", PICTURE, choices=choices.KINDS, doors=_HERE))
    prompt: str = _as_texture(
        "prompt",
        help="What it should show, for example: weathered red bricks; of an ambiguous one each view",
        repeats=True,
    )
    out: str = _as_texture("out")
    width: int | None = _side(
        "Width",
        "2 views of the model for a tile, 6 for a wide picture, 4 for a panorama, 1 for an ambiguous one",
    )
    height: int | None = _side(
        "Height", "2 views of the model for a tile, 1 for a wide picture, half the width for a panorama"
    )
    depth: str | None = field(
        default=None,
        metadata=option(
            "Depth",
            "Of a panorama, what stands around: distances as an equirectangular OpenEXR picture",
            PICTURE,
            doors=_HERE,
            metavar="FILE",
            needs=("kind", "panorama"),
            reported=False,
        ),
    )
    init_image: str | None = field(
        default=None,
        metadata=option(
            "Picture to Start From",
            "The picture that is painted anew; it keeps its size",
            PICTURE,
            doors=_HERE,
            metavar="FILE",
            needs=("kind", "picture"),
            reported=False,
        ),
    )
    mask: str | None = field(
        default=None,
        metadata=option(
            "Mask",
            "A picture that is white where that is painted, black where it stays as it is",
            PICTURE,
            doors=_HERE,
            metavar="FILE",
            usual="all of it is painted",
            needs=("kind", "picture"),
            reported=False,
        ),
    )
    strength: float | None = _as_texture(
        "strength",
        help="How far from the picture that it starts from: 0.1 retouches, 1 makes a new one",
        doors=_HERE,
        needs=("kind", "picture"),
    )
    other_prompts: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Other Prompts",
            "Of an ambiguous picture: what its further views show",
            PICTURE,
            doors=frozenset({JOBS}),
            needs=AMBIGUOUS,
        ),
    )
    channels: tuple[str, ...] = _as_texture(
        "channels",
        section=PICTURE,
        help="What is made of the surface of a tile or a wide picture: full, color, or several of the others",
        usual="full, as far as the model can; of other kinds color",
        doors=_HERE | {PANEL},
    )
    view: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "View",
            "How an ambiguous picture is looked at to see the second prompt; several: the third, and so on",
            PICTURE,
            choices=choices.LOOKS,
            doors=_HERE,
            needs=AMBIGUOUS,
            usual="rotate_cw",
        ),
    )
    layers: int = field(
        default=1,
        metadata=option(
            "Layers",
            "An ambiguous picture is the mean of so many: n-to-1, for comparing methods",
            PICTURE,
            low=1,
            high=100,
            doors=_HERE,
            needs=AMBIGUOUS,
        ),
    )
    overwrite: bool = _as_texture("overwrite", doors=_HERE)
    device: str = _as_texture("device")
    preview: bool = _as_texture(
        "preview", help="Keep preview.image.png in the folder up to date meanwhile", doors=frozenset({ENGINE})
    )
    model: str = _as_texture("model")
    lora: tuple[str, ...] = _as_texture("lora")
    reference: tuple[str, ...] = _as_texture("reference")
    ip_adapter: str = _as_texture("ip_adapter")
    negative: str | None = _as_texture("negative", help="What to keep out of the picture")
    accelerator: str | None = _as_texture("accelerator")
    steps: int | None = _as_texture("steps")
    guidance: float | None = _as_texture("guidance")
    seed: int = _as_texture("seed", help="The same seed with the same settings: the same picture")
    method: str = _as_texture("method")
    sync_space: str | None = _as_texture("sync_space")
    sync_share: str | None = _as_texture("sync_share")
    aggregate: str | None = _as_texture("aggregate")
    attention: str | None = _as_texture("attention")

    @property
    def prompts(self) -> tuple[str, ...]:
        """Those of all views that have one of their own."""
        return (self.prompt, *self.other_prompts)

    @property
    def looks(self) -> tuple[str, ...]:
        """How each of an ambiguous picture's views looks at it."""
        return ("identity", *(self.view or self.table()["view"].usual.split()))
