"""Run inside Blender or bpy by test_in_blender.py: what the artist can choose, what the panel says of it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from bpy_extras.object_utils import world_to_camera_view

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon import (  # noqa: E402
    advanced,
    ahead,
    menu,
    pace,
    package,
    panel,
    presets,
    properties,
    quality,
    task,
)
from sync_texture.blender_sync_addon.problem import Problem  # noqa: E402
from sync_texture.blender_sync_addon.read import cameras as read_cameras  # noqa: E402
from sync_texture.blender_sync_addon.setup.desk import desk  # noqa: E402
from sync_texture.blender_sync_addon.setup.models import Row  # noqa: E402


def options():
    return bpy.context.scene.sync_texture


def asked(**given) -> str:
    """All that the engine would be asked, as text: the request and the files that go with it."""
    found = {}
    start = task.supervisor.start

    def record(_command, request, prepare):
        prepare()
        folder = Path(request.mesh).parent
        found["request"] = {name: value for name, value in request.as_dict().items() if name != "out"}
        for path in sorted(folder.iterdir()):
            if path.suffix == ".npz":
                found[path.name] = {k: v.tolist() for k, v in np.load(path, allow_pickle=False).items()}
            elif path.is_file():
                found[path.name] = path.read_bytes().hex()
        found["text"] = json.dumps(found, sort_keys=True).replace(str(folder), "FOLDER")
        raise Problem("recorded")

    task.supervisor.start = record
    try:
        helper.raises(lambda: bpy.ops.sync_texture.generate(**given), "recorded")
    finally:
        task.supervisor.start = start
    return found["text"]


def scene_with_everything():
    """A cube: two materials that show images, two UV maps, a face selected; a second cube, a camera."""
    other = helper.cube(location=(4, 0, 0))
    image = bpy.data.images.new("old", 8, 8)
    obj = helper.material_slots_with_faces()
    for slot in [*obj.material_slots]:
        material = slot.material
        material.use_nodes = True
        shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
        node = material.node_tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        uv = material.node_tree.nodes.new("ShaderNodeUVMap")
        uv.uv_map = obj.data.uv_layers[0].name
        material.node_tree.links.new(uv.outputs["UV"], node.inputs["Vector"])
        material.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    second = obj.data.uv_layers["light"]
    uvs = np.empty(len(second.uv) * 2, np.float32)
    obj.data.uv_layers[0].uv.foreach_get("vector", uvs)
    second.uv.foreach_set("vector", uvs / 2)
    obj.data.polygons.foreach_set("select", [True, False, False, False, False, False])
    other.select_set(True)
    camera()
    options().prompt = "bricks"
    return obj


# Another value of each, and what has to be chosen with it for it to count.
OTHERS = {
    "prompt": ("gold", {}),
    "negative": ("rust", {}),
    "model": ("sd15", {}),
    "quality": ("draft", {}),
    "method": ("syncsde", {}),
    "sync_space": ("latent", {}),
    "sync_share": ("all", {}),
    "aggregate": ("mean", {}),
    "attention": ("off", {}),
    "rig": ("paper", {}),
    "view_count": (5, {"rig": "even"}),
    "front": ("x", {}),
    "steps": (7, {}),
    "guidance": (2.0, {}),
    "seed": (3, {}),
    "texture_size": ("256", {}),
    "texture_depth": ("16", {}),
    "from_texture": (True, {}),
    "strength": (0.25, {"from_texture": True}),
    "fill": ("uv", {}),
    "raster": ("embree", {}),
    "texture_sets": ("material", {}),
    "uv_layer": ("light", {}),
    "unwrap": ("always", {}),
    "target": ("selected", {}),
    "slot": ("iron", {"target": "slot"}),
}


def own_properties(cls) -> list:
    return [p for p in cls.bl_rna.properties if p.identifier not in ("rna_type", "name")]


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


def our_classes():
    found = []
    for base in (bpy.types.Operator, bpy.types.Panel, bpy.types.Menu):
        found += [cls for cls in base.__subclasses__() if cls.__module__.startswith("sync_texture.")]
    return [*(cls for cls in found if cls.is_registered), properties.SceneOptions]


def test_everything_has_a_label_and_a_tooltip():
    missing.clear()
    check_labels_and_tooltips()
    assert not missing, missing


missing: list[str] = []


def check_labels_and_tooltips():
    classes = our_classes()
    assert len(classes) > 20
    for cls in classes:
        rna = cls.bl_rna
        is_shown = not issubclass(cls, bpy.types.PropertyGroup)
        if is_shown:
            assert rna.name, cls
            words = rna.name.split()
            assert all(w[0].isupper() or w in SMALL for w in words), f"{cls}: {rna.name}"
        if issubclass(cls, bpy.types.Operator):
            module, name = cls.bl_idname.split(".")
            rna = getattr(getattr(bpy.ops, module), name).get_rna_type()
            check_text(rna.description, cls)
        if issubclass(cls, bpy.types.Panel | bpy.types.Menu):
            continue  # what is in them isn't theirs
        for prop in (p for p in rna.properties if p.identifier not in NO_CHOICE):
            where = f"{cls.__name__}.{prop.identifier}"
            if prop.is_hidden or (prop.identifier == "name" and not is_shown):
                continue
            check_text(prop.description, where)
            assert prop.name, where
            words = prop.name.split()
            assert all(word[0].isupper() or word in SMALL for word in words), (where, words)
            if prop.type == "ENUM":
                for item in prop.enum_items:
                    check_text(item.description, f"{where}.{item.identifier}")


NO_CHOICE = {"rna_type", "filter_glob"}
SMALL = {"a", "an", "and", "for", "from", "in", "of", "or", "the", "to", "with"}


def check_text(text: str, where: object) -> None:
    if not text:
        missing.append(f"{where} has no tooltip")
    elif text.endswith("."):
        missing.append(f"{where}: Blender adds the full stop itself")
    elif text[0].islower() and not text.startswith("nvdiffrast"):
        missing.append(f"{where}: {text}")


def test_operators_that_are_searched_for_are_no_internals():
    shown = {cls.bl_idname for cls in our_classes() if issubclass(cls, bpy.types.Operator)}
    hidden = {c.bl_idname for c in our_classes() if "INTERNAL" in getattr(c, "bl_options", ())}
    assert {"sync_texture.generate", "sync_texture.random_seed", "sync_texture.setup"} <= shown - hidden
    assert "sync_texture.cancel" in hidden


def test_quality_sets_the_numbers_and_the_numbers_tell_the_quality():
    chosen = options()
    assert chosen.quality == quality.STANDARD == quality.of(chosen)
    for model in ("starter", "sd15", "/my/model", "sd21"):
        chosen.model = model
        for name, numbers in quality.table(model).items():
            chosen.quality = name
            assert quality.of(chosen) == chosen.quality == name
            assert (chosen.steps, chosen.rig, chosen.texture_size) == (
                numbers.steps,
                numbers.rig,
                numbers.texture_size,
            )
    chosen.quality = "high"
    chosen.steps = 33
    assert chosen.quality == quality.CUSTOM
    chosen.model = "starter"
    assert chosen.steps == 33, "what was chosen by hand stays"
    chosen.quality = "draft"
    chosen.view_count = 7
    assert chosen.quality == quality.CUSTOM
    chosen.view_count = 6
    assert chosen.quality == "draft"
    chosen.model = "sd15"
    assert (chosen.quality, chosen.texture_size) == ("draft", quality.table("sd15")["draft"].texture_size)


def test_a_script_gives_a_quality_and_a_number():
    helper.cube()
    options().prompt = "bricks"
    options().steps = 33
    small, large = (json.loads(asked(quality="draft", **more))["request"] for more in ({}, {"model": "sd15"}))
    assert (small["steps"], small["views"], small["texture_size"]) == (10, "6", 512)
    assert (large["steps"], large["texture_size"]) == (12, 1024)
    assert json.loads(asked(quality="draft", steps=4))["request"]["steps"] == 4
    assert json.loads(asked())["request"]["steps"] == 33


def test_presets_are_kept_and_bring_all_back():
    chosen = options()
    values = {n: v for n, (v, _) in OTHERS.items() if n in presets.names() and n != "quality"}
    for name, value in values.items():
        setattr(chosen, name, value)
    chosen.prompt = "mine"
    assert bpy.ops.sync_texture.preset_add(name="My Own") == {"FINISHED"}
    path = bpy.utils.preset_find("My_Own", presets.FOLDER)
    assert path
    assert os.environ["BLENDER_USER_RESOURCES"] in path
    for name in presets.names():
        chosen.property_unset(name)
    chosen.prompt = "another"
    bpy.ops.script.execute_preset(filepath=path, menu_idname="SYNC_TEXTURE_MT_presets")
    assert {name: getattr(chosen, name) for name in values} == {
        **values,
        "guidance": chosen.guidance,
        "strength": chosen.strength,
    }
    assert chosen.prompt == "another"
    assert chosen.quality == quality.CUSTOM
    assert bpy.types.SYNC_TEXTURE_MT_presets.bl_label == "My Own"
    assert bpy.ops.sync_texture.preset_add(remove_active=True) == {"FINISHED"}
    assert not bpy.utils.preset_find("My_Own", presets.FOLDER)


def test_shipped_presets_run():
    if not hasattr(bpy.utils, "register_preset_path"):
        return
    (folder,) = [p for p in bpy.utils.preset_paths(presets.FOLDER) if p.startswith(presets.SHIPPED)]
    files = sorted(Path(folder).glob("*.py"))
    assert len(files) == 3
    for path in files:
        for name in presets.names():
            options().property_unset(name)
        before = {name: getattr(options(), name) for name in presets.names()}
        bpy.ops.script.execute_preset(filepath=str(path), menu_idname="SYNC_TEXTURE_MT_presets")
        assert before != {name: getattr(options(), name) for name in presets.names()}, path


def test_the_dice_give_another_seed():
    seeds = {options().seed}
    for _ in range(5):
        assert bpy.ops.sync_texture.random_seed() == {"FINISHED"}
        assert 0 <= options().seed <= 9999
        seeds.add(options().seed)
    assert len(seeds) > 3


# Cameras


def camera(name="eye", location=(3, -5, 2), towards=(0, 0, 0), **lens):
    data = bpy.data.cameras.new(name)
    for key, value in lens.items():
        setattr(data, key, value)
    obj = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(obj)
    from mathutils import Vector

    obj.location = location
    obj.rotation_euler = (Vector(towards) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.view_layer.update()
    return obj


def pixels(entry, points):
    """(n, 2) in [0, 1], the origin at the bottom left, of engine-space ``points``: as engine/views/given.py's
    contract has it, worked out from position, forward, up and fov."""
    forward = np.array(entry["forward"]) / np.linalg.norm(entry["forward"])
    right = np.cross(forward, entry["up"])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    offset = points - np.array(entry["position"])
    half = (offset @ forward) * np.tan(np.radians(entry["fov"]) / 2)
    return np.stack([offset @ right / half, offset @ up / half], axis=1) / 2 + 0.5


def check_cameras(obj, several: bool) -> list:
    """What the engine is told to see is what Blender's own cameras see, square renders without shift."""
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    entries = read_cameras.read(obj, depsgraph, several).entries
    reading = task.Subject(obj, depsgraph, task.Settings("x"), several).read
    for entry in entries:
        own = bpy.data.objects[entry["name"]]
        world = [obj.matrix_world @ vertex.co for vertex in obj.data.vertices]
        seen = [world_to_camera_view(bpy.context.scene, own, point) for point in world]
        found = pixels(entry, reading.arrays().vertices)
        np.testing.assert_allclose(found, [tuple(p)[:2] for p in seen], atol=1e-4)
    return list(entries)


def test_scene_cameras_see_what_blenders_own_do():
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 100
    obj = helper.cube(location=(1, 2, 3), rotation=(0.3, -0.5, 1.1))
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    parent.rotation_euler = (0.2, 0.1, -0.4)
    camera("a", towards=(1, 2, 3))
    rolled = camera("b", (4, 8, 7), (1, 2, 3), lens=35, sensor_width=22)
    rolled.rotation_euler.rotate_axis("Z", 0.7)
    for scale in ((1, 1, 1), (2, 0.5, 1), (-1, 1, 1), (1, -2, -0.5), (-1, -1, -1)):
        obj.scale = scale
        for own_parent in (None, parent):
            obj.parent = own_parent
            for several in (False, True):
                assert len(check_cameras(obj, several)) == 2


def test_frames_that_are_not_square_are_held_by_the_view():
    obj = helper.cube()
    for size, shift in (((200, 100), 0), ((100, 200), 0), ((200, 100), 0.3)):
        bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = size
        own = camera(shift_x=shift)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        (entry,) = read_cameras.read(obj, depsgraph, True).entries
        half = np.tan(np.radians(entry["fov"]) / 2)
        corners = np.array([tuple(c / -c.z) for c in own.data.view_frame(scene=bpy.context.scene)])
        assert (
            np.abs(corners[:, :2]).max() == np.float32(half)
            or abs(np.abs(corners[:, :2]).max() - half) < 1e-6
        )
        bpy.data.objects.remove(own)


def test_selected_cameras_are_the_views_and_others_are_told():
    obj = helper.cube()
    options().prompt, options().rig = "bricks", "scene"
    helper.raises(lambda: bpy.ops.sync_texture.generate(), "no camera")
    camera("first")
    second = camera("second", type="ORTHO")
    helper.raises(lambda: bpy.ops.sync_texture.generate(), "'second'", "perspective")
    second.data.type = "PERSP"

    def names():
        told = json.loads(asked())
        assert told["request"]["cameras"] == "FOLDER/cameras.json"
        data = bytes.fromhex(told["cameras.json"])
        return [entry["name"] for entry in json.loads(data)["cameras"]]

    assert names() == ["first", "second"]
    second.select_set(True)
    assert names() == ["second"]
    assert bpy.context.view_layer.objects.active == obj
    options().rig = "paper"
    assert json.loads(asked())["request"]["cameras"] is None


# What the panel says before


def notices(*objects):
    wanted = objects or (bpy.context.view_layer.objects.active,)
    return ahead.notices(bpy.context, wanted, options())


def only(*objects):
    (found,) = notices(*objects)
    return found


def test_what_stops_comes_with_the_button_that_mends_it():
    obj = helper.cube()
    options().prompt = "bricks"
    assert only(None).stops
    python = os.environ.pop("SYNC_TEXTURE_PYTHON")
    try:
        found = only()
        assert (found.stops, found.button.operator) == (True, "sync_texture.setup")
    finally:
        os.environ["SYNC_TEXTURE_PYTHON"] = python
    bpy.ops.object.mode_set(mode="EDIT")
    found = only()
    assert (found.stops, found.button.operator, found.button.values) == (
        True,
        "object.mode_set",
        {"mode": "OBJECT"},
    )
    press(found.button)
    assert obj.mode == "OBJECT"
    options().rig = "scene"
    press(only().button)
    options().rig = "auto"
    bpy.context.view_layer.objects.active = obj
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    options().unwrap = "never"
    press(only().button)
    assert options().unwrap == "auto"
    assert "one will be made" in notices()[0].text
    options().prompt = " "
    assert "prompt is empty" in only().text


def press(button):
    module, name = button.operator.split(".")
    assert getattr(getattr(bpy.ops, module), name)(**button.values) == {"FINISHED"}


def test_a_model_that_is_not_here_is_offered():
    helper.cube()
    options().prompt = "bricks"
    rows = [
        Row("starter", "", "", "bundled", True, 1, True, ""),
        Row("sd15", "", "", "2.9 GB", False, 0, False, ""),
    ]
    desk.models = rows
    try:
        assert not only().stops
        options().model = "sd15"
        found = only()
        assert found.stops
        assert "2.9 GB" in found.text + found.fix
        wanted = "model_download" if bpy.app.online_access else "context_set_boolean"
        assert found.button.operator.endswith(wanted)
        assert properties.models(options(), bpy.context, "")[:3] == ["starter", "sd15", "sd21"]
        options().model = "/nowhere/model"
        assert "no model at" in only().text
    finally:
        desk.models = None


def test_views_and_steps_are_told_and_from_the_last_run_the_time():
    (package.user_folder() / pace.FILE).unlink(missing_ok=True)  # of a profile that is used again
    helper.cube()
    options().prompt = "bricks"
    assert only().text == "At most 16 views, steps as suit the model"
    report = {
        "steps": 20,
        "views": [{}] * 6,
        "strength": None,
        "seconds": {"denoise": 20.0, "sync": 1.0, "decode": 3.0, "total": 30.0},
    }
    path = Path(tempfile.mkdtemp()) / "report.json"
    path.write_text(json.dumps(report))
    pace.note(package.user_folder(), pace.key("starter", "auto"), path, "auto", own_steps=True)
    assert only().text == "At most 16 views, 20 steps: about 30 s"
    options().rig, options().view_count, options().steps = "even", 12, 20
    assert only().text == "12 views, 20 steps: about 54 s"
    options().model = "other"
    assert only().text == "12 views, 20 steps"
    path.write_text("{}")
    pace.note(package.user_folder(), pace.key("starter", "auto"), path, "auto", own_steps=True)
    options().model = "starter"
    assert only().text == "12 views, 20 steps: about 54 s"


class Layout:
    """Takes whatever is drawn into it; keeps the properties' and operators' names."""

    def __init__(self):
        self.props, self.operators = [], []

    def __getattr__(self, _name):
        return lambda *_words, **_more: self

    def prop(self, _owner, name, **_more):
        self.props.append(name)

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
            cls.draw_properties(types.SimpleNamespace(layout=layout), layout, options(), bpy.context)
        assert ("strength" in layout.props, "view_count" in layout.props) == (start, rig == "even")


def test_the_panels_show_every_setting_once():
    scene_with_everything()
    options().from_texture, options().rig, options().target = True, "even", "slot"
    layout = Layout()
    region = types.SimpleNamespace(width=300)
    context = types.SimpleNamespace(view_layer=bpy.context.view_layer, scene=bpy.context.scene, region=region)
    panel.draw_prompt(layout, options())
    panel.draw_generate(layout, context)
    panels = advanced.AdvancedPanel, advanced.ViewsPanel, advanced.TexturePanel, advanced.MethodPanel
    for cls in panels:
        fake = types.SimpleNamespace(layout=layout)
        cls.draw_properties(fake, layout, options(), context)
    shown = [name for name in layout.props if name in OTHERS]
    assert sorted(shown) == sorted(OTHERS), set(shown) ^ OTHERS.keys()


def test_the_object_menu_has_what_is_searched_for():
    """Blender's menu search (F3) finds what menus hold, and no other operators."""
    layout = Layout()
    menu.ObjectMenu.draw(types.SimpleNamespace(layout=layout), bpy.context)
    for name in layout.operators:
        module, own = name.split(".")
        assert getattr(getattr(bpy.ops, module), own).get_rna_type().name
    assert {"sync_texture.generate", "sync_texture.variations", "sync_texture.again"} <= {*layout.operators}
    assert len(set(layout.operators)) == len(layout.operators)
    assert menu._draw in bpy.types.VIEW3D_MT_object._dyn_ui_initialize()


helper.main(globals(), ADDON, task.supervisor.abandon)
