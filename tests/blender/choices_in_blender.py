"""Run inside Blender or bpy by test_in_blender.py: every setting and choice, and what shows them."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np

ADDON = helper.enable()
helper.use_fake_engine()

from choosing import OTHERS, asked, options, own_properties, scene_with_everything  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.operators import properties  # noqa: E402
from sync_texture.blender_sync_addon.setup import models  # noqa: E402
from sync_texture.blender_sync_addon.setup.status import setup_status  # noqa: E402
from sync_texture.blender_sync_addon.ui import advanced, menus, panel, preferences, regions  # noqa: E402


def test_every_setting_reaches_the_engine_and_changes_something():
    names = {prop.identifier for prop in own_properties(properties.SceneOptions)}
    assert names == OTHERS.keys(), names ^ OTHERS.keys()
    scene_with_everything()
    plain = {prop.identifier: getattr(options(), prop.identifier) for prop in own_properties(type(options()))}
    for name, (value, needed) in OTHERS.items():
        for other, usual in plain.items():
            setattr(options(), other, usual)
        for other, wanted in needed.items():
            setattr(options(), other, wanted)
        before = asked()
        by_script = asked(**{name: value})
        setattr(options(), name, value)
        assert asked() == by_script, f"{name}: another job from a script than from the panel"
        assert by_script != before, f"{name} does nothing"


def test_every_choice_is_another_job():
    """Of each list, but for those that only say what happens anyway or what this computer can do."""
    scene_with_everything()
    options().target = "active"
    same = {("quality", "custom"), ("unwrap", "never")}
    for prop in own_properties(properties.SceneOptions):
        if prop.type == "ENUM" and prop.identifier != "slot":
            wanted = [i.identifier for i in prop.enum_items if (prop.identifier, i.identifier) not in same]
            jobs = {asked(**{prop.identifier: item}) for item in wanted}
            assert len(jobs) == len(wanted), prop.identifier


def test_the_dice_give_another_seed():
    seeds = {options().seed}
    for _ in range(5):
        assert bpy.ops.sync_texture.random_seed() == {"FINISHED"}
        assert 0 <= options().seed <= 9999
        seeds.add(options().seed)
    assert len(seeds) > 3


class Layout:
    """Takes whatever is drawn into it; keeps the properties' and operators' names."""

    def __init__(self):
        self.props, self.operators, self.labels = [], [], []

    def __getattr__(self, _name):
        return lambda *_words, **_more: self

    def prop(self, _owner, name, **_more):
        self.props.append(name)

    def label(self, text="", **_more):
        self.labels.append(text)

    def operator(self, name, **_more):
        self.operators.append(name)
        return self

    def prop_search(self, _owner, name, *_words, **_more):
        self.props.append(name)


def test_what_counts_for_nothing_is_not_shown():
    for rig, start in (("auto", False), ("even", True)):
        options().rig, options().from_texture = rig, start
        layout = Layout()
        for cls in (advanced.AdvancedPanel, advanced.ViewsPanel):
            fake = types.SimpleNamespace(layout=layout, section=cls.section)
            cls.draw_properties(fake, layout, options(), bpy.context)
        assert ("strength" in layout.props, "view_count" in layout.props) == (start, rig == "even")


def test_the_panels_show_every_setting_once():
    scene_with_everything()
    options().from_texture, options().rig, options().target = True, "even", "slot"
    options().steps, options().guidance, options().reference = 7, 2.0, "old"
    layout = Layout()
    region = types.SimpleNamespace(width=300)
    context = types.SimpleNamespace(view_layer=bpy.context.view_layer, scene=bpy.context.scene, region=region)
    panel.draw_prompt(layout, options())
    panel.draw_generate(layout, context)
    panels = advanced.AdvancedPanel, advanced.ViewsPanel, advanced.TexturePanel, advanced.MethodPanel
    for cls in panels:
        fake = types.SimpleNamespace(layout=layout, section=cls.section)
        cls.draw_properties(fake, layout, options(), context)
    regions.RegionsPanel.draw(types.SimpleNamespace(layout=layout), context)
    shown = [name for name in layout.props if name in OTHERS]
    options().reference = ""
    rows = ("lora", "reference", "region")
    assert sorted([*shown, *rows]) == sorted(OTHERS), set(shown) ^ OTHERS.keys()
    assert {f"sync_texture.{row}_add" for row in rows} <= {*layout.operators}


def loras() -> list[tuple[str, float]]:
    return [(row.file, round(row.weight, 4)) for row in bpy.context.scene.sync_texture_loras]


def test_rows_of_loras_and_their_text_say_the_same():
    options().lora = "a.safetensors:0.5; C:/b.safetensors; mine:2"
    assert loras() == [("a.safetensors", 0.5), ("C:/b.safetensors", 1.0), ("mine", 2.0)]
    layout = Layout()
    fake = types.SimpleNamespace(layout=layout, section=advanced.AdvancedPanel.section)
    advanced.AdvancedPanel.draw_properties(fake, layout, options(), bpy.context)
    assert (layout.props.count("file"), layout.props.count("weight")) == (3, 3)
    rows = bpy.context.scene.sync_texture_loras
    rows[0].weight = 0.25
    assert options().lora == "a.safetensors:0.25; C:/b.safetensors; mine:2"
    assert bpy.ops.sync_texture.lora_remove(index=1) == {"FINISHED"}
    assert options().lora == "a.safetensors:0.25; mine:2"
    assert bpy.ops.sync_texture.lora_add(filepath="/c.safetensors") == {"FINISHED"}
    assert options().lora == "a.safetensors:0.25; mine:2; /c.safetensors"
    rows[2].file = ""  # as one that is being written
    assert (len(rows), options().lora) == (3, "a.safetensors:0.25; mine:2")
    options().lora = ""
    assert loras() == []
    options().lora = "x.safetensors:much"
    assert loras() == [("x.safetensors:much", 1.0)]
    options().lora = ""


def test_loras_reach_the_engine_with_whole_paths():
    scene_with_everything()
    options().lora = "//a.safetensors:0.5; mine"
    request = json.loads(asked())["request"]
    assert request["lora"] == [bpy.path.abspath("//a.safetensors") + ":0.5", "mine"]
    assert json.loads(asked(lora="other:-1"))["request"]["lora"] == ["other:-1"]
    options().lora = ""


def test_rows_of_regions_and_their_text_say_the_same():
    scene_with_everything()
    options().region = "material:wood=old oak; mask:old=moss; group:Rust \\= a=red rust|9"
    rows = bpy.context.scene.sync_texture_regions
    found = [(row.kind, row.image.name if row.image else row.name, row.prompt, row.guidance) for row in rows]
    assert found == [
        ("material", "wood", "old oak", 0),
        ("mask", "old", "moss", 0),
        ("group", "Rust = a", "red rust", 9),
    ]
    rows[0].prompt, rows[0].guidance = "oak; old", 3
    assert bpy.ops.sync_texture.region_move(index=2, by=-1) == {"FINISHED"}
    assert options().region == "material:wood=oak, old|3; group:Rust \\= a=red rust|9; mask:old=moss"
    assert bpy.ops.sync_texture.region_remove(index=1) == {"FINISHED"}
    assert bpy.ops.sync_texture.region_add(kind="faces") == {"FINISHED"}
    assert (len(rows), rows[2].name, bpy.context.scene.sync_texture_region) == (3, "selected", 2)
    assert options().region == "material:wood=oak, old|3; mask:old=moss", "without a prompt it says nothing"
    rows[2].prompt = "gold"
    request = json.loads(asked())["request"]
    assert request["region"] == [
        "material:wood=oak, old|3",
        "mask:FOLDER/mask.1.png=moss",
        "faces:selected=gold",
    ]
    rows[1].image.name = "older: a"  # an artist renames it
    assert json.loads(asked())["request"] == request
    assert options().region == "material:wood=oak, old|3; mask:older: a=moss; faces:selected=gold"
    options().region = ""
    assert len(rows) == 0


def test_renamed_masks_leave_the_rest_of_what_a_script_said_of_regions():
    scene_with_everything()
    for said, why in (("wood", "names no area"), ("mask:gone=moss", "no picture file 'gone'")):
        for text in (said, f"mask:old=rust; {said}"):
            options().region = text
            helper.raises(bpy.ops.sync_texture.generate, why)
            assert options().region == text, "for the artist to mend"
    options().region = "material:wood=oak|0; mask:old=moss|0"
    assert json.loads(asked())["request"]["region"] == [
        "material:wood=oak|0",
        "mask:FOLDER/mask.1.png=moss|0",
    ]
    options().region = ""


def references() -> list[tuple[str, str, float]]:
    rows = bpy.context.scene.sync_texture_references
    return [(row.image.name if row.image else "", row.file, round(row.weight, 4)) for row in rows]


def test_rows_of_reference_images_and_their_text_say_the_same():
    scene_with_everything()
    options().reference = "old:0.25; //photo.jpg"
    assert references() == [("old", "", 0.25), ("", "//photo.jpg", 0.6)]
    rows = bpy.context.scene.sync_texture_references
    rows[0].weight = 0.5
    assert options().reference == "old:0.5; //photo.jpg"
    assert bpy.ops.sync_texture.reference_remove(index=1) == {"FINISHED"}
    assert options().reference == "old:0.5"
    assert bpy.ops.sync_texture.reference_add() == {"FINISHED"}
    assert (len(rows), options().reference) == (2, "old:0.5")
    rows[1].image = bpy.data.images.new("new", 8, 8)
    assert options().reference == "old:0.5; new"
    rows[1].image.name = "newer: a"  # an artist renames it
    request = json.loads(asked())["request"]
    assert options().reference == "old:0.5; newer: a"
    assert request["reference"] == ["FOLDER/like.1.png:0.5", "FOLDER/like.2.png"]
    options().reference = ""
    assert references() == []


def test_reference_images_reach_the_engine_whatever_they_are_in_blender():
    scene_with_everything()
    colours = np.zeros((4, 6, 4), np.float32)
    colours[..., 3], colours[:2, :, 0], colours[2:, :, 1] = 1, 1, 0.5  # the lower half red
    folder = Path(bpy.app.tempdir)
    made = {
        name: bpy.data.images.new(name, 6, 4, float_buffer=name == "float") for name in ("painted", "float")
    }
    for image in made.values():
        image.pixels.foreach_set(colours.ravel())
    stored = bpy.data.images.new("stored", 6, 4)
    stored.pixels.foreach_set(colours.ravel())
    stored.filepath_raw, stored.file_format = str(folder / "stored.png"), "PNG"
    stored.save()
    packed = bpy.data.images.load(str(folder / "stored.png"))
    packed.name = "packed"
    packed.pack()
    wanted = ["painted", "float:0.5", "packed:1", "stored:2", f"{folder}/stored.png:0.1", "old:0"]
    found = json.loads(asked(reference="; ".join(wanted)))
    like = [f"FOLDER/like.{i}.png{weight}" for i, weight in enumerate(("", ":0.5", ":1"), 1)]
    assert found["request"]["reference"] == [*like, f"{folder}/stored.png:2", f"{folder}/stored.png:0.1"]
    for i, green in enumerate((128, 188, 128), 1):  # linear 0.5 is 188 in sRGB
        (folder / "seen.png").write_bytes(bytes.fromhex(found[f"like.{i}.png"]))
        image = bpy.data.images.load(str(folder / "seen.png"))
        seen = np.rint(np.array(image.pixels[:]).reshape(4, 6, 4) * 255)
        assert np.abs(seen[:2] - [255, 0, 0, 255]).max() <= 1
        assert np.abs(seen[2:] - [0, green, 0, 255]).max() <= 1, (i, seen[3, 0])
        bpy.data.images.remove(image)
    tile = json.loads(asked("new_tile", reference="painted; stored"))
    assert tile["request"]["reference"] == ["FOLDER/like.1.png", f"{folder}/stored.png"]
    assert tile["like.1.png"] == found["like.1.png"]


def test_reference_images_that_are_not_there_cost_the_job_alone():
    scene_with_everything()
    film = bpy.data.images.new("film", 8, 8)
    film.source = "SEQUENCE"
    gone = bpy.data.images.new("gone", 8, 8)
    gone.source, gone.filepath = "FILE", "//nowhere.png"
    for name, why in (
        ("no such", "no image and no picture file 'no such'"),
        ("film", "'film' is a film"),
        ("gone", "'gone' is missing"),
        ("old:much", "weight of the reference old"),
    ):
        said = helper.raises(lambda name=name: bpy.ops.sync_texture.generate(reference=name), why)
        assert len(str(said).strip().splitlines()) == 1, said


def test_what_was_linked_with_a_folder_is_used_as_what_it_is():
    rows = [
        models.ModelEntry(f"ui/{name}", "", "your own", "linked", True, 1, False, "/ui/x", kind=kind)
        for name, kind in (("a/m", models.MODEL), ("b/l", models.LORA), ("c/c", models.CONTROLNET))
    ]
    assert [row.state.split(",")[0] for row in rows] == ["0 MB", "LoRA", "ControlNet"]
    layout = Layout()
    setup_status.models = rows
    try:
        preferences.draw_models(layout, bpy.context, 60)
        suggested = properties.models(options(), bpy.context, "")
    finally:
        setup_status.models = None
    shown = [name.removeprefix("sync_texture.") for name in layout.operators]
    each = ["model_use", "model_verify", "model_delete", "lora_add", "model_verify", "model_delete"]
    assert shown[2:] == [*each, "model_verify", "model_delete"], shown
    assert "ui/a/m" in suggested
    assert not {"ui/b/l", "ui/c/c"} & {*suggested}
    assert bpy.ops.sync_texture.lora_add(filepath="ui/b/l") == {"FINISHED"}
    assert options().lora == "ui/b/l"
    options().lora = ""


def test_models_are_listed_under_the_name_of_their_kind():
    facts = ("", "free", "1 GB", False, 0, False, "")
    rows = [
        models.ModelEntry("sdxl", *facts, family="sdxl"),
        models.ModelEntry("sd15", *facts, family="sd15"),
        models.ModelEntry("plus", *facts, kind=models.ADAPTER, family="sdxl"),
        models.ModelEntry("sdxl-turbo", *facts, family="sdxl"),
        models.ModelEntry("mine", "", "your own", "linked", True, 1, False, "/mine"),
        models.ModelEntry("new", *facts, family="nova"),
    ]
    layout = Layout()
    setup_status.models = rows
    try:
        preferences.draw_models(layout, bpy.context, 60)
    finally:
        setup_status.models = None
    said = ("sdxl", "sd15", "plus", "sdxl-turbo", "mine", "new", "Others", "Your Own", "Reference Images")
    heads = [text for text in layout.labels if text in said or text.startswith("Stable")]
    assert heads == [
        *("Stable Diffusion XL", "sdxl", "sdxl-turbo", "Stable Diffusion", "sd15"),
        *("Reference Images", "plus", "Your Own", "mine", "Others", "new"),
    ], heads


def test_numbers_left_to_the_model_are_shown():
    scene_with_everything()
    options().steps, options().guidance = 0, -1.0
    for model, steps, guidance in (
        ("starter", "10 (starter)", "2 (starter)"),
        ("sd15", "30 (sd15)", "15.5 (sd15)"),
        ("/no/such/thing", "as thing has it", "as thing has it"),
    ):
        options().model = model
        layout = Layout()
        cls = advanced.AdvancedPanel
        fake = types.SimpleNamespace(layout=layout, section=cls.section)
        cls.draw_properties(fake, layout, options(), bpy.context)
        assert layout.labels == ["Steps", steps, "Guidance", guidance], layout.labels
        assert not {"steps", "guidance"} & {*layout.props}
    options().model, options().accelerator, layout = "sdxl", "lcm", Layout()
    fake = types.SimpleNamespace(layout=layout, section=cls.section)
    cls.draw_properties(fake, layout, options(), bpy.context)
    assert layout.labels == ["Steps", "as the accelerator has it", "Guidance", "as the accelerator has it"]
    options().model, options().accelerator = "starter", "auto"
    for number in (10, 0):
        assert bpy.ops.sync_texture.choose_number(name="steps") == {"FINISHED"}
        assert options().steps == number
    assert bpy.ops.sync_texture.choose_number(name="guidance") == {"FINISHED"}
    assert options().guidance == 2
    options().guidance = 0
    assert json.loads(asked())["request"]["guidance"] == 0
    options().guidance = -1
    assert json.loads(asked())["request"]["guidance"] is None


def test_the_object_menu_has_what_is_searched_for():
    """Blender's menu search (F3) finds what menus hold, and no other operators."""
    layout = Layout()
    menus.ObjectMenu.draw(types.SimpleNamespace(layout=layout), bpy.context)
    for name in layout.operators:
        module, own = name.split(".")
        assert getattr(getattr(bpy.ops, module), own).get_rna_type().name
    assert {"sync_texture.generate", "sync_texture.variations", "sync_texture.again"} <= {*layout.operators}
    assert len(set(layout.operators)) == len(layout.operators)
    assert menus._draw in bpy.types.VIEW3D_MT_object._dyn_ui_initialize()


helper.main(globals(), ADDON, engine.supervisor.abandon)
