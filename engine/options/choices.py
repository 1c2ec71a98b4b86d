"""The values of options that are one of a few, each with its label and tooltip."""

from __future__ import annotations

METHODS = {
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
KINDS = {
    "tile": ("Tile", "A material that goes on at its own other edge: it tiles without a seam"),
    "wide": ("Wide", "A picture of any width, painted through windows that overlap"),
    "panorama": ("Panorama", "All directions from one place, for a world: twice as wide as high"),
    "picture": ("Picture", "A picture of one's own, painted anew: all of it, or what a mask covers"),
    "ambiguous": ("Ambiguous", "One picture that shows something else when it is turned or rearranged"),
}
LOOKS = {
    "identity": ("As It Is", "Both prompts meet in one picture"),
    "flip": ("Flip", "Upside down, as in water"),
    "rotate_cw": ("Turn Clockwise", "Turned by 90 degrees clockwise"),
    "rotate_ccw": ("Turn Anticlockwise", "Turned by 90 degrees the other way"),
    "rotate_180": ("Turn by Half", "Turned by 180 degrees"),
    "skew": ("Skew", "Each column moved down a little further than the one before"),
    "jigsaw": ("Jigsaw", "Its 4 x 4 squares in another order"),
    "patches": ("Patches", "Its 8 x 8 squares in another order"),
    "inner_circle": ("Inner Circle", "A disc in its middle turned by 180 degrees"),
    "inner_rotate": ("Inner Turn", "The same disc turned by 45 degrees: not one to one"),
}
EYES = {
    "camera": ("Active Camera", "From where the scene's camera stands; its middle is where that looks"),
    "cursor": ("3D Cursor", "From the 3D cursor; its middle is +Y"),
}
SYNC_SPACES = {
    "latent": ("Latent", "Average in the model's own coarse space, as published"),
    "rgb": ("Colour", "Average colours at full resolution: views agree better"),
}
SYNC_SHARES = {
    "published": ("First Four Fifths", "Then each view is finished on its own, as published: sharper"),
    "all": ("All", "Views agree to the end: fewer seams"),
    "ramp": ("Less and Less", "In all steps, but each view keeps more and more of its own"),
}
AGGREGATES = {
    "mean": ("Average", "The average of all views, those that face it counting most, as published"),
    "best": ("Best View", "The view that faces it counts nearly alone: sharper"),
}
ATTENTIONS = {
    "views": ("Across Views", "Each view looks at those beside it while it is painted: they agree better"),
    "off": ("Off", "Each view looks at itself alone: a little faster"),
}
VIEWS = {
    "auto": ("Automatic", "At most 16 views, chosen so that all that can be seen of the object is painted"),
    "paper": ("As Published", "The published ten views: eight all around and two from above"),
}
SCENE_VIEWS = {
    "scene": (
        "Scene Cameras",
        "The selected cameras, or where none is selected all cameras of the scene. Each view is the square "
        "around its camera's frame",
    ),
}
SPLAT_VIEWS = {
    "auto": ("Automatic", "At most 16 views, chosen so that all that can be seen of the splats is painted"),
    "dense": ("Dense", "The published fifty views: twice around, up to 60 degrees from above"),
    "sparse": ("Sparse", "The published ten views of meshes: eight all around and two from above"),
}
SPLAT_UPS = {
    "y": ("+Y", "As splat editors turn captures, and splats made from glTF have it"),
    "z": ("+Z", "As the synthetic scenes of NeRF have it, and Blender"),
    "-y": ("-Y", "As the training of 3D Gaussian splatting writes captures"),
}
TINTS = {
    "drop": ("Drop", "They become 0: the new colours show as they are"),
    "keep": ("Keep", "They stay, and tint the new colours as they did the old"),
}
RASTERS = {
    "auto": ("Automatic", "On the graphics card where nvdiffrast is installed and used, else Embree"),
    "embree": ("Embree", "On the processor"),
    "nvdiffrast": ("nvdiffrast", "On an NVIDIA card; has to be installed in the engine's Python"),
}
TEXTURE_DEPTHS = {
    "8": ("8 Bits", "256 levels of each colour: small files, shown by everything"),
    "16": ("16 Bits", "65536 levels of each colour: no bands in smooth gradients"),
    "half": ("Half Float", "OpenEXR in linear light, 16 bits of each colour"),
    "float": ("Float", "OpenEXR in linear light, 32 bits of each colour: large files"),
}
CHANNELS = {
    "full": ("Full", "All that the model can say of a surface"),
    "color": ("Colour Only", "The base colour alone"),
    "roughness": ("Roughness", "How dull it is"),
    "metallic": ("Metallic", "Where it is bare metal"),
    "height": ("Height", "Its relief; grey is the mesh"),
    "normal": ("Normal", "The relief as a normal map, OpenGL's green"),
    "emission": ("Emission", "What glows"),
}
DETAILS = {
    "off": ("Off", "The views of the whole object are all there is"),
    "2": (
        "2x",
        "Close-ups with twice as many pixels along the surface; about as many again as there are views",
    ),
    "4": ("4x", "Close-ups with four times as many pixels: many of them, and a large texture"),
    "auto": ("Automatic", "As near as the texture has room for, and the model paints well"),
}
TEXTURE_SETS = {
    "auto": ("Meshes", "A texture for each mesh file, or in Blender for each object"),
    "one": ("One", "One texture for all: their UVs must not overlap"),
    "object": ("Objects in Meshes", "A texture for each object in them"),
    "material": ("Materials", "A texture for each material of each object"),
}
UNWRAPS = {
    "auto": ("Automatic", "Keep the UV map where it is usable, else make a new one"),
    "always": ("Always New", "Make a new UV map"),
    "keep": ("Keep or Refuse", "Keep the UV map where it is usable, else do nothing"),
    "never": ("Never", "Keep the UV map as it is"),
}
FILLS = {
    "surface": ("Surface", "From the surface around them, across seams too"),
    "uv": ("UV Map", "From the nearest texel of the texture, as published"),
}
DEVICES = {
    "auto": ("Automatic", "The fastest that this computer has"),
    "cpu": ("CPU", "The processor: always there, slow"),
    "cuda": ("NVIDIA GPU", "CUDA"),
    "mps": ("Apple GPU", "Metal"),
}
SCENES = {
    "beside": ("Beside", "Textures lie beside it"),
    "packed": ("Packed", "Textures are packed into it"),
    "none": ("None", "There is no scene.blend"),
}
QUALITIES = {
    "draft": ("Draft", "Few steps from few views, a small texture: to see what a prompt gives"),
    "standard": ("Standard", "As many steps as suit the model, from as many views as the object needs"),
    "high": ("High", "More steps and a larger texture"),
    "custom": ("Custom", "Steps, views and size as chosen under Advanced"),
}
TARGETS = {
    "active": ("Active Object", "The active object, seen by its own axes"),
    "selected": ("Selected Objects", "All selected meshes together, as they stand in the scene"),
    "slot": (
        "Material Slot",
        "The faces of one material slot of the active object. All others stay as they are",
    ),
    "faces": (
        "Selected Faces",
        "The faces of the active object that are selected in Edit Mode get a material slot of their own. All "
        "others stay as they are",
    ),
}
FRONTS = {
    "-y": ("-Y", "As Blender has it: what you see from the front (numpad 1)"),
    "x": ("+X", "What you see from the right (numpad 3)"),
    "y": ("+Y", "What you see from behind (Ctrl numpad 1)"),
    "-x": ("-X", "What you see from the left (Ctrl numpad 3)"),
}
UPS = {
    "y": ("+Y", "As glTF has it, and most programs write OBJ"),
    "z": ("+Z", "As CAD programs, printers and scanners have it, and Blender"),
    "auto": ("By Kind", "+Z for .stl and .ply, else +Y"),
}
EVEN_VIEWS = {"even": ("Evenly Spread", "A number of views of your choice, evenly spread")}
CONTROLS = {
    "depth": ("Depth", "Near is white, as published"),
    "position": ("Position", "The place in the unit sphere as a colour, (p + 1) / 2"),
    "place": ("Place", "Position, with noise that never changes there, which irregular patterns can follow"),
    "normal": (
        "Normal",
        "Where the surface faces, seen by the camera: red is left, green up, blue towards it",
    ),
    "lines": ("Lines", "Outlines, folds, creases and borders of parts, white on black"),
}
CONDITIONING = (3, 14)
"""Channels of pictures that ControlNets may read: a colour, and for a place the noise there, too
(controls/noise.py)."""
OF_PLACES = ("position", "place")
"""Kinds of pictures that only models made for this engine read."""
AREAS = {
    "material": ("Material", "The faces of a material"),
    "object": ("Object", "An object of the file, or the file itself"),
    "mask": ("Mask", "Where a picture for the mesh's UVs is white; <SET> and <UDIM> stand for several"),
    "group": ("Vertex Group", "In Blender: a vertex group, as much as its weights say"),
    "faces": ("Faces", "In Blender: selected, the number of a face set, or a face attribute by its name"),
}
REPAINTED = {name: AREAS[name] for name in ("faces", "group", "mask", "material")}
PRECISIONS = {
    "half": ("Half", "16 bits where the device is faster with them"),
    "bfloat16": ("Bfloat16", "16 bits with the range of 32, where the device calculates in them, else 32"),
    "full": ("Full", "32 bits, on every device"),
}
AUTOENCODERS = {
    "full": ("Full", "The model's own"),
    "tiny": ("Tiny", "The tiny one, where it makes better pictures too"),
}
ACCELERATORS = {
    "none": ("None", "As many steps as the model needs"),
    "lightning-4": ("Lightning, 4 Steps", "SDXL-Lightning's or Qwen-Image-Lightning's weights for 4 steps"),
    "lightning-8": ("Lightning, 8 Steps", "SDXL-Lightning's or Qwen-Image-Lightning's weights for 8 steps"),
    "hyper-sd-4": ("Hyper-SD, 4 Steps", "Hyper-SD's weights for 4 steps"),
    "hyper-sd-8": ("Hyper-SD, 8 Steps", "Hyper-SD's weights for 8 steps"),
    "hyper-sd-cfg": ("Hyper-SD, Guided", "Hyper-SD's weights that keep guidance, 8 or 12 steps"),
    "lcm": ("LCM", "Latent consistency: 4 to 8 steps, each with fresh noise"),
    "lcm-model": ("LCM, Whole Model", "Latent consistency models, which are told the guidance"),
    "tcd": ("TCD", "Trajectory consistency: 4 to 8 steps"),
    "dmd2": ("DMD2", "4 steps, each with fresh noise. The textures may not be sold"),
    "turbo": ("SD-Turbo", "SD-Turbo and SDXL-Turbo, which are models of their own: 1 to 4 steps"),
    "distilled": ("Built In", "Z-Image-Turbo and FLUX.1-schnell, which were made for few steps"),
}
