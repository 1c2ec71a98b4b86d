"""What the artist chooses: one list of properties, for the scene (the panel) and for the operator."""

# Annotations of a property are values here, not types.
# mypy: disable-error-code="valid-type,misc,name-defined"

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ...engine.options import choices
from ..jobs import engine
from ..read import quality
from ..read import settings as read_settings
from ..setup import vocabulary
from ..setup.status import setup_status
from ..setup.vocabulary import PromptVocabulary

_METHODS = {
    "synctweedies": ("SyncTweedies", "Average the clean images of all views in the texture (best)"),
    "case1": ("Case 1", "Average the noise predictions, denoise the views"),
    "case2": ("Case 2", "Average the clean images, denoise the views (what SyncTweedies is)"),
    "case3": ("Case 3", "Average the denoised views"),
    "case4": ("Case 4", "Average the noise predictions, denoise the texture"),
    "case5": ("Case 5", "Average the clean images, denoise the texture"),
    "syncmvd": ("SyncMVD", "Average the clean images, denoise the texture with fresh noise at every step"),
    "syncsde": ("SyncSDE", "Draw every view towards those before it, from the front to the back"),
    "independent": ("Independent", "Every view on its own, joined at the end (for comparison: seams)"),
}
METHODS = [(name, *_METHODS.get(name, (name, ""))) for name in choices.METHODS]
SYNC_SPACES = [
    ("auto", "Automatic", "What suits the model"),
    ("latent", "Latent", "Average in the model's own coarse space, as published"),
    ("rgb", "Colour", "Average colours at full resolution: views agree better"),
]
ATTENTIONS = [
    ("auto", "Automatic", "What suits the model"),
    ("views", "Across Views", "Each view looks at those beside it while it is painted: they agree better"),
    ("off", "Off", "Each view looks at itself alone: a little faster"),
]
RASTERS = [
    ("auto", "Automatic", "On the graphics card where nvdiffrast is installed and used, else Embree"),
    ("embree", "Embree", "On the processor"),
    ("nvdiffrast", "nvdiffrast", "On an NVIDIA card; has to be installed in the engine's Python"),
]
RIGS = [
    ("paper", "As Published", "The published ten views: eight all around and two from above"),
    ("auto", "Automatic", "At most 16 views, chosen so that all that can be seen of the object is painted"),
    ("even", "Evenly Spread", "A number of views of your choice, evenly spread"),
    (
        "scene",
        "Scene Cameras",
        "The selected cameras, or where none is selected all cameras of the scene. Each view is the square "
        "around its camera's frame",
    ),
]
FRONTS = [
    ("-y", "-Y", "As Blender has it: what you see from the front (numpad 1)"),
    ("x", "+X", "What you see from the right (numpad 3)"),
    ("y", "+Y", "What you see from behind (Ctrl numpad 1)"),
    ("-x", "-X", "What you see from the left (Ctrl numpad 3)"),
]
SYNC_SHARES = [
    ("auto", "Automatic", "What suits the model"),
    ("published", "First Four Fifths", "Then each view is finished on its own, as published: sharper"),
    ("all", "All", "Views agree to the end: fewer seams"),
    ("ramp", "Less and Less", "In all steps, but each view keeps more and more of its own"),
]
AGGREGATES = [
    ("auto", "Automatic", "What suits the model"),
    ("mean", "Average", "The average of all views, those that face it counting most, as published"),
    ("best", "Best View", "The view that faces it counts nearly alone: sharper"),
]
UNWRAPS = [
    ("auto", "Automatic", "Keep the UV map where it is usable, else make a new one"),
    ("always", "Always New", "Make a new UV map"),
    ("never", "Never", "Keep the UV map as it is"),
]
FILLS = [
    ("surface", "Surface", "From the surface around them, across seams too"),
    ("uv", "UV Map", "From the nearest texel of the texture, as published"),
]
DEPTHS = [
    ("8", "8 Bits", "256 levels of each colour: small files, shown by everything"),
    ("16", "16 Bits", "65536 levels of each colour: no bands in smooth gradients"),
    ("half", "Half Float", "OpenEXR in linear light, 16 bits of each colour"),
    ("float", "Float", "OpenEXR in linear light, 32 bits of each colour: large files"),
]
TARGETS = [
    ("active", "Active Object", "The active object, seen by its own axes"),
    ("selected", "Selected Objects", "All selected meshes together, as they stand in the scene"),
    (
        "slot",
        "Material Slot",
        "The faces of one material slot of the active object. All others stay as they are",
    ),
    (
        "faces",
        "Selected Faces",
        "The faces of the active object that are selected in Edit Mode get a material slot of their own. All "
        "others stay as they are",
    ),
]
SETS = [
    ("auto", "Objects", "A texture for each object"),
    ("material", "Materials", "A texture for each material of each object"),
    ("one", "One", "One texture for all: their UVs must not overlap"),
]
MODELS = ("starter", "sd15", "sd21")
SIZES = [(str(size), f"{size} px", f"{size} x {size} pixels") for size in (256, 512, 1024, 2048, 4096, 8192)]


def prompts(options: Any, _context: Any, typed: str) -> list[str]:
    """What Blender suggests in the prompt's field: first what was typed, since Enter takes the first; all
    examples when the field is opened."""
    known = prompt_vocabulary(options)
    if known is None:
        return []
    return _first(typed, vocabulary.complete(known, "" if typed == options.prompt else typed))


def models(_options: Any, _context: Any, typed: str) -> list[str]:
    """What Blender suggests in the model's field: those that come with us or were listed in Preferences."""
    return _first(typed, [*MODELS, *(row.name for row in setup_status.models or ())])


def _first(typed: str, suggested: list[str]) -> list[str]:
    return list(dict.fromkeys([typed, *suggested] if typed else suggested))


def prompt_vocabulary(options: Any) -> PromptVocabulary | None:
    """What the model chosen in ``options`` knows; None when nothing is known about it."""
    return vocabulary.of_model(read_settings.model(options.model))


def _start_engine(_options: Any, _context: Any) -> None:
    """A prompt was written: a job is likely to follow."""
    engine.start_early()


class JobOptions:
    """What one job can be asked for: properties of the scene's group and of operators."""

    prompt: StringProperty(
        name="Prompt",
        description="What the object should look like, for example: weathered red bricks",
        search=prompts,
        search_options={"SUGGESTION"},
        update=_start_engine,
    )
    negative: StringProperty(
        name="Negative Prompt",
        description="What to keep out of the texture. Empty: the model's own",
    )
    model: StringProperty(
        name="Model",
        default="starter",
        description="Name of a model, or a folder or .safetensors file with one. 'starter' needs no download",
        search=models,
        search_options={"SUGGESTION"},
        update=quality.chosen,
    )
    quality: EnumProperty(
        name="Quality",
        items=quality.ITEMS,
        default=quality.STANDARD,
        description="Sets steps, views and texture size for the chosen model",
        update=quality.chosen,
    )
    method: EnumProperty(name="Method", items=METHODS, description="How the views are brought to agree")
    sync_space: EnumProperty(name="Agree In", items=SYNC_SPACES, description="Where the views are averaged")
    sync_share: EnumProperty(
        name="Agree During",
        items=SYNC_SHARES,
        description="In which of the steps the views are brought to agree",
    )
    aggregate: EnumProperty(
        name="Blend Views",
        items=AGGREGATES,
        description="What a place that several views see takes from them",
    )
    attention: EnumProperty(
        name="Attention", items=ATTENTIONS, description="Whether the model compares views as it paints them"
    )
    rig: EnumProperty(
        name="Views",
        items=RIGS,
        default="auto",
        description="From where the object is looked at",
        update=quality.changed,
    )
    view_count: IntProperty(
        name="Count",
        default=12,
        min=1,
        max=64,
        description="Number of evenly spread views",
        update=quality.changed,
    )
    front: EnumProperty(
        name="Front",
        items=FRONTS,
        description="Which side of the object is its front: it is what 'front view' means to the model",
    )
    steps: IntProperty(
        name="Steps",
        default=0,
        min=0,
        max=1000,
        description="Denoising steps. 0: as many as suit the model",
        update=quality.changed,
    )
    guidance: FloatProperty(
        name="Guidance",
        default=0.0,
        min=0.0,
        max=50.0,
        description="How closely the prompt is followed. 0: what suits the model",
    )
    seed: IntProperty(
        name="Seed", default=0, min=0, description="The same seed with the same settings: the same texture"
    )
    texture_size: EnumProperty(
        name="Size",
        items=SIZES,
        default="1024",
        description="Width and height of the texture",
        update=quality.changed,
    )
    texture_depth: EnumProperty(
        name="Depth", items=DEPTHS, default="8", description="Bits of each colour in the texture's file"
    )
    from_texture: BoolProperty(
        name="Start from Current Texture",
        description="Change the image that the active material shows as its base colour, instead of making a "
        "new one. What no view sees stays as it is",
    )
    strength: FloatProperty(
        name="Strength",
        default=0.5,
        min=0.01,
        max=1.0,
        subtype="FACTOR",
        description="How far from the current texture: a little retouches it, 1 makes a new one",
    )
    fill: EnumProperty(
        name="Fill", items=FILLS, description="From where parts that no view sees take their colours"
    )
    raster: EnumProperty(
        name="Rasteriser", items=RASTERS, description="What draws the views. Textures are the same"
    )
    texture_sets: EnumProperty(
        name="Texture Sets", items=SETS, description="What has a UV space and a texture of its own"
    )
    uv_layer: StringProperty(name="UV Map", description="UV map to texture. Empty: the active one")
    unwrap: EnumProperty(
        name="Unwrap",
        items=UNWRAPS,
        description="Whether to make a new UV map. It is added; none of yours is changed",
    )


class Options(JobOptions):
    """And for what."""

    target: EnumProperty(name="Target", items=TARGETS, description="What is textured")
    slot: StringProperty(
        name="Slot", description="Material of the slot to texture. Empty: the object's active slot"
    )


class SceneOptions(Options, bpy.types.PropertyGroup):
    """The panel's choices, stored with the scene."""

    bl_idname = "SYNC_TEXTURE_scene_options"


def register() -> None:
    bpy.utils.register_class(SceneOptions)
    bpy.types.Scene.sync_texture = PointerProperty(type=SceneOptions)


def unregister() -> None:
    del bpy.types.Scene.sync_texture
    bpy.utils.unregister_class(SceneOptions)
