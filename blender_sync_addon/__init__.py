"""Blender's side of Sync Texture: bpy, numpy and the standard library; never torch.

tests/layers.py has the order of its rooms: each imports only from those below it.
"""

from __future__ import annotations

from types import ModuleType


def _modules() -> tuple[ModuleType, ...]:
    """The modules with a ``register``, in the order in which they must be registered.

    Imported here, so that what needs no Blender can be used and tested without one.
    """
    from .command import main
    from .operators import (
        batch,
        controls,
        displacement,
        environment,
        fill_panel,
        lora_rows,
        own_material,
        properties,
        reference_rows,
        region_rows,
        repaint,
        splats,
        texture,
        tile_material,
        variations,
        world,
    )
    from .operators import results as result_operators
    from .results import history, thumbnail
    from .ui import advanced, menus, panel, preferences, presets, regions
    from .ui import repaint as repaint_panel
    from .ui import results as result_panels
    from .ui import tile_material as tile_panel
    from .ui import world as world_panel

    chosen = preferences, lora_rows, reference_rows, region_rows, properties, presets
    operators = texture, batch, environment, fill_panel, controls, tile_material, world, splats, repaint
    operators_of_results = result_operators, own_material, displacement, variations
    results = history, thumbnail, *operators_of_results, result_panels
    more = repaint_panel, tile_panel, world_panel
    return *chosen, *operators, panel, regions, advanced, *results, *more, menus, main


def register() -> None:
    """Called by Blender when the extension is enabled."""
    for module in _modules():
        module.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled and when Blender ends."""
    for module in reversed(_modules()):
        module.unregister()
