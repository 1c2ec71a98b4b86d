"""Run inside a Blender with a window by test_in_window.py: what an artist does with a texture.

Colours on the screen are looked at, in Solid and in Material Preview (EEVEE); the panel is photographed.
"""

from __future__ import annotations

import time

import artist
import bpy
import helper
import numpy as np
from artist import QUARTERS, active, idle, plane, running, undo
from driver import in_view, photograph, space, until, view
from sync_texture.blender_sync_addon.jobs import engine
from sync_texture.blender_sync_addon.results import history
from sync_texture.blender_sync_addon.results import stored_settings as result_settings
from sync_texture.blender_sync_addon.ui import results as panel

helper.use_fake_engine()

OPS = bpy.ops.sync_texture
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


def prepare():
    artist.plain_view()
    for cls in (panel.ChangePanel, panel.MaterialPanel):
        bpy.utils.unregister_class(cls)
        cls.bl_options = set()
        bpy.utils.register_class(cls)
    yield from artist.open_panel()


def listed():
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
    return all(max(colour) - min(colour) < 20 for colour in artist.quarters(picture))


def test_a_texture_is_shown_in_solid_and_in_material_preview():
    yield from plane(2.4)
    artist.start("bricks")
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
    artist.start(operator=OPS.again, seed="other")
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
    before, all_of_them = helper.dump(), listed()
    for operator in (OPS.remove_result, OPS.take_back, OPS.keep):
        with bpy.context.temp_override(**view()):
            operator("EXEC_DEFAULT", True)
        assert listed() != all_of_them, operator
        undo()
        yield 0.3
        assert listed() == all_of_them
        helper.check_same(before, helper.dump())
        image = history.image(history.of(active())[0])
        assert image.has_data or len(image.pixels), "the picture must come back with it"
    yield 1.0
    check_quarters(photograph("3_undone"))


def test_variations_are_each_a_step():
    yield from plane(2.4)
    artist.start("moss", OPS.variations, count=4)
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
    yield from plane(2.4)
    engine.supervisor.abandon()
    artist.start("slowly", OPS.variations, count=9)
    yield from until(lambda: len(history.of(active())) >= 2)
    running().cancel()
    yield from until(idle)
    yield 0.3
    done = seeds()
    assert 2 <= len(done) < 9
    assert done == list(range(len(done)))
    artist.move("x", 0.5)
    undo()
    yield 0.3
    assert seeds() == done


def test_an_undo_in_mid_run_takes_no_variation_along():
    yield from plane(2.4)
    artist.start("moss", OPS.variations, count=3)
    yield from until(lambda: len(history.of(active())) == 1)
    artist.move("z", -0.5)
    undo()
    yield from until(idle)
    assert seeds() == [0, 1, 2]


def test_own_material_and_the_contact_sheet():
    yield from plane(2.4)
    material = bpy.data.materials.new("own")
    if material.node_tree is None:
        material.use_nodes = True
    active().data.materials.append(material)
    artist.start("moss", OPS.variations, count=3)
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
