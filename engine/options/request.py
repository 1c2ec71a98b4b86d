"""The options of ``texture``: the table of all that one texturing job can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from . import choices
from .areas import SPELLED as SPELLED_AREA
from .areas import SPELLED_REGION, read_regions
from .asked import Asked
from .controls import SPELLED
from .job import COMMANDS, FILES, METHOD, MODEL, TEXTURE, VIEWS
from .option import Option, option, options
from .painter import Painter

_LAYOUT = "By which seed the starter lays patterns: that of the texture to start from lets its bricks go on"


@dataclass(frozen=True)
class Request(Asked, Painter):
    """One texturing job. ``None`` means "not given": the model's preset decides.

    mesh: path of a mesh file (.obj .glb .gltf .ply .stl) or of an ``.npz`` written by the add-on with
        ``vertices`` (V, 3) float32 in engine axes, ``faces`` (F, 3) int32, optional ``uvs`` (F, 3, 2)
        float32 per triangle corner with the origin at the bottom left, optional ``polygons`` (F,) int32:
        the polygon that each triangle is part of; optional ``materials`` (F,) int32, numbers among
        ``material_names`` (M,) text; more in mesh/formats/npz.py. Or of a .blend, .fbx or .usd, which Blender
        opens.
    other_meshes: more such paths, textured together with it where they lie; other_unwraps: ``unwrap`` of
        each, where it isn't the same for all.
    out: folder that receives texture.png, mesh.glb, views.png, turntable.gif, report.json.
    cameras: path of a JSON file (views/camera_file.py); cameras that see nothing are left out.
    texture_sets: where there are several textures, or UDIM tiles, texture.NAME.png, texture.1001.png or
        texture.NAME.1001.png takes texture.png's place.
    region: areas with prompts of their own (options/areas.py), later ones over earlier ones.
    init_texture: path of a picture, with <SET> in place of NAME and <UDIM> in place of the number where there
        are several. strength: the share of the steps that are run. Only with each other.
    repaint: areas (options/areas.py) of init_texture that alone are painted; the result has its size and
        depth.
    texture_depth: bits a channel of texture.png; with "half" or "float", texture.exr is the result, and
        texture.png lies beside it in 8 bits.
    write_uvs: uvs.npy (uvs.1.npy, ...), (F, 3, 2) float32 of each mesh that doesn't keep the UVs that it has.
    """

    region: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Regions",
            "An area with a prompt of its own, as in material:Trim=polished gold: by material, object, "
            "mask (a file), or in Blender group or faces; several: later ones lie over earlier ones",
            MODEL,
            metavar=SPELLED_REGION,
            personal=True,
        ),
    )
    negative: str | None = field(
        default=None,
        metadata=option("Negative Prompt", "What to keep out of the texture", MODEL, by_model=True),
    )
    accelerator: str | None = field(
        default=None,
        metadata=option(
            "Accelerator",
            "How the weights, or those of a LoRA, were made for few steps. Decides steps and guidance",
            MODEL,
            choices=choices.ACCELERATORS,
            by_model=True,
        ),
    )
    steps: int | None = field(
        default=None, metadata=option("Steps", "Denoising steps", MODEL, low=1, high=1000, by_model=True)
    )
    guidance: float | None = field(
        default=None,
        metadata=option(
            "Guidance", "How closely the prompt is followed", MODEL, low=0, high=100, by_model=True
        ),
    )
    seed: int = field(
        default=0,
        metadata=option(
            "Seed",
            "The same seed with the same settings: the same texture",
            MODEL,
            low=0,
            high=2**31 - 1,  # Blender's integers hold no more
            personal=True,
        ),
    )
    layout: int | None = field(
        default=None,
        metadata=option("Layout", _LAYOUT, MODEL, low=0, high=2**31 - 1, doors=COMMANDS, usual="the seed"),
    )
    init_texture: str | None = field(
        default=None,
        metadata=option(
            "Texture to Start From",
            "A texture for the mesh's own UVs, to start from",
            MODEL,
            doors=COMMANDS,
            metavar="FILE",
        ),
    )
    strength: float | None = field(
        default=None,
        metadata=option(
            "Strength",
            "How far from the texture that it starts from: 0.1 retouches, 1 makes a new one",
            MODEL,
            low=0.01,
            high=1,
            instead=0.5,  # colours turn to the prompt's, large shapes stay recognisable
            needs=("from_texture", True),
        ),
    )
    repaint: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Repaint",
            "Of the texture to start from this area alone, all else stays to the bit: material:, object: or "
            "mask: and its name, as in mask:spots.png; several: all of them",
            MODEL,
            doors=COMMANDS,
            metavar=SPELLED_AREA,
            usual="all of it",
            reported=False,
            blender_help="Of the texture to start from this area alone: material:, object:, mask:, group: or "
            "faces: and its name; several: all of them",
        ),
    )
    controls: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Controls",
            "What steers the model: depth, position, place, normal or lines, by which ControlNet, how much"
            " (0 to 10), until which share of the steps, as in normal=FILE:0.6:0.5; several times: together",
            MODEL,
            metavar=SPELLED,
            usual="the model's own",
            reported=False,
        ),
    )
    method: str = field(
        default="synctweedies",
        metadata=option("Method", "How the views are brought to agree", METHOD, choices=choices.METHODS),
    )
    sync_space: str | None = field(
        default=None,
        metadata=option(
            "Agree In", "Where the views are averaged", METHOD, choices=choices.SYNC_SPACES, by_model=True
        ),
    )
    sync_share: str | None = field(
        default=None,
        metadata=option(
            "Agree During",
            "In which of the steps the views are brought to agree",
            METHOD,
            choices=choices.SYNC_SHARES,
            by_model=True,
        ),
    )
    aggregate: str | None = field(
        default=None,
        metadata=option(
            "Blend Views",
            "What a place that several views see takes from them",
            METHOD,
            choices=choices.AGGREGATES,
            by_model=True,
        ),
    )
    attention: str | None = field(
        default=None,
        metadata=option(
            "Attention",
            "Whether the model compares views as it paints them",
            METHOD,
            choices=choices.ATTENTIONS,
            by_model=True,
        ),
    )
    views: str = field(
        default="auto",
        metadata=option(
            "Views",
            "From where the object is looked at",
            VIEWS,
            choices=choices.VIEWS,
            blender_choices=choices.SCENE_VIEWS,
            low=1,
            high=64,
            doors=COMMANDS,
            reported=False,
        ),
    )
    cameras: str | None = field(
        default=None,
        metadata=option(
            "Cameras",
            "A JSON file of cameras that are the views instead",
            VIEWS,
            doors=COMMANDS,
            metavar="FILE",
            reported=False,
        ),
    )
    front: float = field(
        default=0.0,
        metadata=option(
            "Front",
            "Which side of the mesh is its front: 0 is +Z, 90 is +X",
            VIEWS,
            low=-360,
            high=360,
            unit="degrees",
            metavar="DEGREES",
            doors=COMMANDS,
            blender_help="Which side of the object is its front: 0 is its -Y, 90 is +X",
        ),
    )
    up: str = field(
        default="y",
        metadata=option(
            "Up",
            "Which way is up in .obj, .ply and .stl. Other kinds of file say it themselves",
            VIEWS,
            choices=choices.UPS,
            doors=FILES,
            reported=False,
        ),
    )
    raster: str = field(
        default="auto",
        metadata=option(
            "Rasteriser",
            "What draws the views. Textures are the same",
            VIEWS,
            choices=choices.RASTERS,
            reported=False,
        ),
    )
    texture_size: int = field(
        default=1024,
        metadata=option(
            "Size",
            "Width and height of the texture",
            TEXTURE,
            low=64,
            high=8192,
            common=(256, 512, 1024, 2048, 4096, 8192),
            unit="px",
        ),
    )
    detail: str = field(
        default="off",
        metadata=option(
            "Detail",
            "Close-ups after the views of the whole, for a texture that is sharp from near",
            TEXTURE,
            choices=choices.DETAILS,
        ),
    )
    channels: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Material",
            "What is made of the surface: full, color, or several of the others",
            TEXTURE,
            choices=choices.CHANNELS,
            unseen=tuple(choices.CHANNELS)[2:],
            together=True,
            instead="full",
            usual="full, as far as the model can",
        ),
    )
    estimator: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Estimators",
            "What tells roughness, metal, albedo or normals from the finished views: a name, or a folder "
            "with a Marigold model; several: for each channel the first that can tell it",
            TEXTURE,
            metavar="NAME|DIR",
            usual="the model's own, where it has one",
        ),
    )
    delight: bool = field(
        default=False,
        metadata=option(
            "Without Light",
            "The base colour is the estimator's albedo, in which no light and no shadow is painted",
            TEXTURE,
        ),
    )
    texture_depth: str = field(
        default="8",
        metadata=option(
            "Depth", "Bits of each colour in the texture's file", TEXTURE, choices=choices.TEXTURE_DEPTHS
        ),
    )
    texture_sets: str = field(
        default="auto",
        metadata=option(
            "Texture Sets",
            "What has a UV space and a texture of its own",
            TEXTURE,
            choices=choices.TEXTURE_SETS,
            blender_choices={"auto": ("Objects", "A texture for each object")},
            unseen=("object",),
        ),
    )
    unwrap: str = field(
        default="auto",
        metadata=option(
            "Unwrap",
            "Whether to make a new UV map",
            TEXTURE,
            choices=choices.UNWRAPS,
            reported=False,
            blender_help="Whether to make a new UV map. It is added; none of yours is changed",
        ),
    )
    uv_layer: str = field(
        default="",
        metadata=option(
            "UV Map",
            "UV map of a .blend's objects to texture",
            TEXTURE,
            metavar="NAME",
            blender_help="UV map to texture",
            usual="the active one",
            reported=False,
            personal=True,
        ),
    )
    fill: str = field(
        default="surface",
        metadata=option(
            "Fill",
            "From where parts that no view sees take their colours",
            TEXTURE,
            choices=choices.FILLS,
        ),
    )

    @property
    def prompts(self) -> tuple[str, ...]:
        """The prompt, and those of regions. Raises UserError for regions that can't be read."""
        return (self.prompt, *(one.prompt for one in read_regions(self.region)))

    @property
    def meshes(self) -> tuple[str, ...]:
        return (self.mesh, *self.other_meshes)

    @property
    def unwraps(self) -> tuple[str, ...]:
        """How each of ``meshes`` is unwrapped."""
        return (self.unwrap, *(self.other_unwraps or [self.unwrap] * len(self.other_meshes)))


OPTIONS = options(Request)
"""All options of ``texture``, by name."""


def by_model() -> dict[str, Option]:
    """The options that a model decides where they are not given."""
    return {name: one for name, one in OPTIONS.items() if one.by_model}


def as_texture(name: str, **words: Any) -> Any:
    """The field of another table with a texture's option ``name``, with other ``words``."""
    entry = replace(OPTIONS[name], **words)
    if entry.required:
        return field(metadata={"option": entry})
    return field(default=entry.default, metadata={"option": entry})
