"""Run by ui.py inside a Blender with a window; prints what it measures as lines of JSON."""

from __future__ import annotations

import json
import os
import time
from statistics import median

import artist
import bpy
from driver import until, view
from sync_texture.blender_sync_addon.operators import running_job
from sync_texture.blender_sync_addon.read import mesh as read_mesh

TIMES: dict[str, list[tuple[float, float]]] = {}  # milliseconds: of the main thread, and by the clock
REDRAWS, READS = 12, 3


def tell(**measured) -> None:
    print(json.dumps({"measured": measured}), flush=True)


def timed(owner, name: str, key: str) -> None:
    """Have TIMES[key] keep how long each call of ``owner.name`` takes."""
    inner = getattr(owner, name)

    def outer(*args, **options):
        wall, work = time.perf_counter(), time.thread_time()
        try:
            return inner(*args, **options)
        finally:
            took = 1000 * (time.thread_time() - work), 1000 * (time.perf_counter() - wall)
            TIMES.setdefault(key, []).append(took)

    # Blender passes as many arguments as a method names.
    as_blender_calls = {"draw": lambda self, context: outer(self, context)}
    as_blender_calls["modal"] = lambda self, context, event: outer(self, context, event)
    setattr(owner, name, as_blender_calls.get(name, outer))


def panels() -> list[type]:
    """Those of our tab, all of them open from now on."""
    known = bpy.types.Panel.__subclasses__()
    ours = [one for one in known if getattr(one, "bl_category", "") == "Sync Texture"]
    for cls in reversed(ours):
        bpy.utils.unregister_class(cls)
    for cls in ours:
        cls.bl_options = set(getattr(cls, "bl_options", ())) - {"DEFAULT_CLOSED"}
        bpy.utils.register_class(cls)
        timed(cls, "draw", cls.bl_idname)
    return ours


def test_panel():
    ours = panels()
    artist.monkey()
    artist.options().prompt = "red bricks"
    yield from artist.open_panel()
    area = view()["area"]
    area.tag_redraw()
    yield 1.0
    TIMES.clear()
    for _ in range(REDRAWS):
        area.tag_redraw()
        yield 0.05
    drawn = [TIMES[cls.bl_idname] for cls in ours if cls.bl_idname in TIMES]
    assert drawn, "the panel wasn't drawn"
    own, wall = (sum(median(times[k] for times in panel) for panel in drawn) for k in (0, 1))
    tell(panel=own, panel_wall=wall)


def test_read():
    side = round(int(os.environ["SYNC_TEXTURE_FACES"]) ** 0.5)
    with bpy.context.temp_override(**view()):
        bpy.ops.mesh.primitive_grid_add(x_subdivisions=side, y_subdivisions=side)
        obj = bpy.context.view_layer.objects.active
    yield 1.0
    timed(read_mesh, "read", "read")
    for _ in range(READS):
        read_mesh.read(obj, bpy.context.evaluated_depsgraph_get(), read_mesh.WantedMesh())
        yield 0.2
    own, wall = (median(column) for column in zip(*TIMES["read"], strict=True))
    tell(read=own, read_wall=wall)
    with bpy.context.temp_override(**view()):
        bpy.ops.object.delete()


def generate():
    """(seconds until the first preview, of the whole)"""
    start, first = time.monotonic(), None
    artist.start()
    while job := artist.running():
        if first is None and job.show.visible:
            first = time.monotonic() - start
        yield 0.02
    return first, time.monotonic() - start


def test_generate():
    suzanne = next(obj for obj in bpy.data.objects if obj.type == "MESH")
    bpy.context.view_layer.objects.active = suzanne
    bpy.context.scene.sync_texture.model = os.environ["SYNC_TEXTURE_MODEL"]
    timed(running_job.JobOperator, "modal", "tick")
    for name in ("cold", "warm"):
        TIMES["tick"] = []
        first, whole = yield from generate()
        assert first is not None, "no preview was seen"
        ticks = TIMES["tick"][:-1]  # the last one puts the result into the file
        own, wall = (max(column) for column in zip(*ticks, strict=True))
        tell(**{name: first / whole, f"{name}_s": whole, "tick": own, "tick_wall": wall})
    tell(load=os.getloadavg()[0], blender=bpy.app.version_string)


def clean_up():
    yield from until(artist.idle)
