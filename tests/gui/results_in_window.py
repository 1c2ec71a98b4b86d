"""Run inside a Blender with a window by test_results_in_window.py: what an artist does with a texture.

Colours on the screen are looked at, in Solid and in Material Preview (EEVEE); the panel is photographed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gui"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "blender"))

import bpy
import driver
import helper
import numpy as np
from driver import in_view, panel_tab, photograph, space, until, view

bpy.context.preferences.view.show_splash = False
ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.operators import texture  # noqa: E402
from sync_texture.blender_sync_addon.results import history  # noqa: E402
from sync_texture.blender_sync_addon.results import stored_settings as result_settings  # noqa: E402
from sync_texture.blender_sync_addon.ui import results as panel  # noqa: E402

OPS = bpy.ops.sync_texture
FAKE = helper.fake_engine
QUARTERS = {(-0.3, -0.3): FAKE.RED, (0.3, -0.3): FAKE.GREEN, (-0.3, 0.3): FAKE.BLUE, (0.3, 0.3): FAKE.YELLOW}
USUAL: dict[str, float] = {}


def timed(name: str) -> None:
    """Have USUAL keep the median of the main thread's milliseconds in ``panel.name``."""
    inner, times = getattr(panel, name), []

    def outer(*args, **options):
        start = time.thread_time()
        inner(*args, **options)
        times.append(1000 * (time.thread_time() - start))
        USUAL[name] = sorted(times)[len(times) // 2]

    setattr(panel, name, outer)


for part in ("draw_new", "draw_variations", "draw_details"):
    timed(part)


def idle():
    return texture.running() is None


def prepare():
    shading = space().shading
    shading.type, shading.light, shading.color_type = "SOLID", "FLAT", "TEXTURE"
    space().overlay.show_overlays = False
    space().show_gizmo = False
    space().show_region_ui = True
    for cls in (panel.ChangePanel, panel.MaterialPanel):
        bpy.utils.unregister_class(cls)
        cls.bl_options = set()
        bpy.utils.register_class(cls)
    yield 0.5
    panel_tab()
    yield 0.3


def clean_up():
    if not idle():
        texture.running().cancel()
        yield from until(idle)
    yield 0.1


def plane():
    """A square seen from above that fills most of the 3D view, alone in the file."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**view()):
        bpy.ops.mesh.primitive_plane_add(size=2.4)
        bpy.ops.view3d.view_axis(type="TOP")
        space().region_3d.view_perspective = "ORTHO"
        space().region_3d.view_distance = 6
        bpy.ops.ed.undo_push(message="plane")
    yield 0.5


def start(operator, **options):
    with bpy.context.temp_override(**view()):
        assert operator("INVOKE_DEFAULT", **options) == {"RUNNING_MODAL"}


def undo(redo: bool = False):
    with bpy.context.temp_override(**view()):
        (bpy.ops.ed.redo if redo else bpy.ops.ed.undo)()


def active():
    return bpy.context.view_layer.objects.active


def told():
    """What the file says of the active object's results."""
    results = history.of(active())
    return [(one.name, one.kept, one.material.name, len(one.parts), one.batch) for one in results]


def seeds():
    return [result_settings.stored(one.material).seed for one in history.of(active())]


def check_quarters(picture):
    """Colours in the 3D view; light and view transforms add some grey to them."""
    for place, wanted in QUARTERS.items():
        colour = np.subtract(in_view(picture, *place), min(in_view(picture, *place)))
        seen = helper.nearest(colour, helper.COLOURS)
        assert helper.COLOURS[seen] == wanted, (place, seen)


def relit(lit, flat):
    """Whether two pictures of the 3D view differ in its middle: one is lit, one isn't."""
    pairs = [(in_view(lit, *place), in_view(flat, *place)) for place in QUARTERS]
    return all(max(abs(a - b) for a, b in zip(*pair, strict=True)) > 20 for pair in pairs)


def grey(picture):
    """Whether the 3D view is empty in its middle."""
    colours = [in_view(picture, *place) for place in QUARTERS]
    return all(max(colour) - min(colour) < 20 for colour in colours)


def test_a_texture_is_shown_in_solid_and_in_material_preview():
    yield from plane()
    bpy.context.scene.sync_texture.prompt = "bricks"
    start(OPS.generate)
    yield from until(idle)
    yield 0.7
    solid = photograph("1_new")
    check_quarters(solid)
    space().shading.type = "MATERIAL"
    end = time.monotonic() + 90
    lit = solid
    while time.monotonic() < end and (grey(lit) or not relit(lit, solid)):  # shaders are compiled first
        yield 1.0
        lit = photograph("2_eevee")
    space().shading.type = "SOLID"
    check_quarters(lit)
    assert relit(lit, solid)
    yield 0.5


def test_switching_is_undone_exactly():
    start(OPS.again, seed="other")
    yield from until(idle)
    yield 0.3
    assert seeds() == [0, 1]
    before = helper.dump()
    with bpy.context.temp_override(**view()):
        OPS.show_result("EXEC_DEFAULT", True, index=0)
    shown = helper.dump()
    assert history.shown(active()) == 0
    undo()
    yield 0.3
    assert history.shown(active()) == 1
    helper.check_same(before, helper.dump())
    undo(redo=True)
    yield 0.3
    helper.check_same(shown, helper.dump())


def test_removing_is_undone_exactly():
    before, listed = helper.dump(), told()
    for operator in (OPS.remove_result, OPS.take_back, OPS.keep):
        with bpy.context.temp_override(**view()):
            operator("EXEC_DEFAULT", True)
        assert told() != listed, operator
        undo()
        yield 0.3
        assert told() == listed
        helper.check_same(before, helper.dump())
        image = history.image(history.of(active())[0])
        assert image.has_data or len(image.pixels), "the picture must come back with it"
    yield 1.0
    check_quarters(photograph("3_undone"))


def test_variations_are_each_a_step():
    yield from plane()
    bpy.context.scene.sync_texture.prompt = "moss"
    start(OPS.variations, count=4)
    yield from until(lambda: len(history.of(active())) == 2)
    photograph("4_variations_running")
    yield from until(idle)
    yield 3.0
    assert seeds() == [0, 1, 2, 3]
    photograph("5_variations")
    undo()
    yield 0.3
    assert seeds() == [0, 1, 2]
    undo()
    yield 0.3
    assert seeds() == [0, 1]
    undo(redo=True)
    undo(redo=True)
    yield 0.3
    assert seeds() == [0, 1, 2, 3]
    photograph("6_variations_redone")


def test_cancel_keeps_what_is_done():
    yield from plane()
    engine.supervisor.abandon()
    bpy.context.scene.sync_texture.prompt = "slowly"
    start(OPS.variations, count=9)
    yield from until(lambda: len(history.of(active())) >= 2)
    texture.running().cancel()
    yield from until(idle)
    yield 0.3
    done = seeds()
    assert 2 <= len(done) < 9
    assert done == list(range(len(done)))
    with bpy.context.temp_override(**view()):
        active().location.x = 0.5
        bpy.ops.ed.undo_push(message="moved")
    undo()
    yield 0.3
    assert seeds() == done


def test_an_undo_in_mid_run_takes_no_variation_along():
    yield from plane()
    bpy.context.scene.sync_texture.prompt = "moss"
    start(OPS.variations, count=3)
    yield from until(lambda: len(history.of(active())) == 1)
    with bpy.context.temp_override(**view()):
        active().location.z = -0.5
        bpy.ops.ed.undo_push(message="moved")
    undo()
    yield from until(idle)
    assert seeds() == [0, 1, 2]


def test_own_material_and_the_contact_sheet():
    yield from plane()
    material = bpy.data.materials.new("own")
    if material.node_tree is None:
        material.use_nodes = True
    active().data.materials.append(material)
    bpy.context.scene.sync_texture.prompt = "moss"
    start(OPS.variations, count=3)
    yield from until(idle)
    with bpy.context.temp_override(**view()):
        bpy.ops.ed.undo_push(message="before")
        before = helper.dump()
        assert OPS.feed_base_color("EXEC_DEFAULT", True) == {"FINISHED"}
    yield 0.7
    check_quarters(photograph("7_own_material"))
    undo()
    yield 0.3
    helper.check_same(before, helper.dump())
    with bpy.context.temp_override(**view()):
        assert OPS.view_sheet() == {"FINISHED"}
    yield 1.0
    photograph("8_sheet")
    editors = [
        a for w in bpy.context.window_manager.windows for a in w.screen.areas if a.ui_type == "IMAGE_EDITOR"
    ]
    assert [area.spaces.active.image for area in editors] == [history.of(active())[0].sheet]


def test_drawing_is_quick():
    yield 0.5
    assert set(USUAL) == {"draw_new", "draw_variations", "draw_details"}
    assert max(USUAL.values()) < 5, USUAL
    print("milliseconds", {name: round(ms, 2) for name, ms in USUAL.items()}, flush=True)


driver.run(dict(globals()), prepare, clean_up)
