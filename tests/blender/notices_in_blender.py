"""Run inside Blender or bpy by test_in_blender.py: what the panel says before Generate is pressed."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from choosing import options  # noqa: E402
from sync_texture.blender_sync_addon import package  # noqa: E402
from sync_texture.blender_sync_addon.jobs import durations, engine  # noqa: E402
from sync_texture.blender_sync_addon.operators import notices as panel_notices  # noqa: E402
from sync_texture.blender_sync_addon.operators import properties  # noqa: E402
from sync_texture.blender_sync_addon.setup.models import ADAPTER, ESTIMATOR, ModelEntry  # noqa: E402
from sync_texture.blender_sync_addon.setup.status import setup_status  # noqa: E402


def notices(*objects):
    wanted = objects or (bpy.context.view_layer.objects.active,)
    return panel_notices.notices(bpy.context, wanted, options())


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


@contextmanager
def known(*rows):
    """Inside, these models are known, in a list that may be changed; the prompt is there."""
    helper.cube()
    options().prompt = "bricks"
    setup_status.models = [*rows]
    try:
        yield setup_status.models
    finally:
        setup_status.models = None


STARTER = ModelEntry("starter", "", "", "bundled", True, 1, True, "", family="starter")
SD15 = ModelEntry("sd15", "", "", "2.9 GB", False, 0, False, "", fits="runs on the GeForce (8 GB)")
HERE = dataclasses.replace(SD15, installed=True, family="sd15")
ADAPTER_ROW = ModelEntry(
    "ip-adapter-sd15", "", "Apache-2.0", "2.6 GB", False, 0, False, "", kind=ADAPTER, family="sd15"
)
ESTIMATOR_ROW = dataclasses.replace(
    ADAPTER_ROW, name="marigold-appearance", kind=ESTIMATOR, family="marigold"
)


def test_a_model_that_is_not_here_is_offered():
    with known(STARTER, SD15):
        assert not only().stops
        options().model = "sd15"
        found = only()
        assert found.stops
        assert "2.9 GB" in found.text + found.fix
        assert not bpy.app.online_access or "Here it runs on the GeForce (8 GB)" in found.fix
        wanted = "model_download" if bpy.app.online_access else "context_set_boolean"
        assert found.button.operator.endswith(wanted)
        system = bpy.context.preferences.system
        before, system.use_online_access = system.use_online_access, False
        if not bpy.app.online_access:
            assert only().button.values["value"] is True  # as its button takes it
        system.use_online_access = before
        assert properties.models(options(), bpy.context, "")[:3] == ["starter", "sd15", "sd21"]
        options().model = "/nowhere/model"
        assert "no model at" in only().text


def test_what_shows_a_model_its_references_is_offered():
    with known(STARTER, SD15) as rows:
        options().model, options().reference = "sd15", "photo"
        assert "'sd15'" in only().text  # first
        rows[:] = [STARTER, HERE]
        assert not only().stops
        rows.append(ADAPTER_ROW)
        found = only()
        assert (found.stops, found.button.values.get("name", "ip-adapter-sd15")) == (True, "ip-adapter-sd15")
        assert "IP-Adapter 'ip-adapter-sd15'" in found.text
        assert "2.6 GB" in found.text + found.fix
        options().model = "starter"
        found = only()
        assert "'starter' takes no reference images" in found.text
        assert "sd15" in found.fix
        options().reference, options().model = "", "sd15"
        assert not only().stops


def test_an_estimator_that_is_not_here_is_offered():
    with known(STARTER, HERE) as rows:
        options().model = "sd15"
        options().delight = True
        assert "takes an estimator" in only().text
        options().estimator = "own/material; marigold-appearance"
        assert not only().stops
        rows.append(ESTIMATOR_ROW)
        assert rows[-1].group == "Estimators of Materials"
        found = only()
        assert found.stops
        assert "estimator 'marigold-appearance'" in found.text
        options().delight, options().estimator = False, ""
        bpy.ops.sync_texture.estimator_use(name="marigold-appearance")
        bpy.ops.sync_texture.estimator_use(name="own/other")
        assert options().estimator == "marigold-appearance; own/other"


def test_views_and_steps_are_told_and_from_the_last_run_the_time():
    (package.user_folder() / durations.FILE).unlink(missing_ok=True)  # of a profile that is used again
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
    durations.remember(package.user_folder(), durations.key("starter", "auto"), path, "auto", own_steps=True)
    assert only().text == "At most 16 views, 20 steps: about 30 s"
    options().detail = "2"  # nobody has seen any: as ten views more
    assert only().text == "At most 16 views and close-ups, 20 steps: about 1 min"
    options().detail = "off"
    options().rig, options().view_count, options().steps = "even", 12, 20
    assert only().text == "12 views, 20 steps: about 54 s"
    options().model = "other"
    assert only().text == "12 views, 20 steps"
    path.write_text("{}")
    durations.remember(package.user_folder(), durations.key("starter", "auto"), path, "auto", own_steps=True)
    options().model = "starter"
    assert only().text == "12 views, 20 steps: about 54 s"


helper.main(globals(), ADDON, engine.supervisor.abandon)
