"""Run inside Blender or bpy by test_in_blender.py: labels and tooltips of all that is ours."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.operators import properties  # noqa: E402


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


helper.main(globals(), ADDON, engine.supervisor.abandon)
