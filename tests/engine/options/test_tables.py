"""The tables of options: entries are whole, values are read and refused alike, errors name options."""

from __future__ import annotations

import ast
import dataclasses
import json
from pathlib import Path

import pytest

from engine import errors
from engine.errors import UserError
from engine.options import blender, commands, job_fields, model_file, values
from engine.options.blender import label, panel
from engine.options.image import ImageRequest
from engine.options.option import BLENDER, ENGINE, JOBS, PANEL, Option, at, options
from engine.options.page import page
from engine.options.request import OPTIONS, Request, by_model
from engine.options.splats import SplatsRequest

TABLES = (
    Request,
    ImageRequest,
    SplatsRequest,
    model_file.ModelFile,
    *(blender.Panel, blender.Texture, blender.ObjectBatch),
    *(commands.Whole, commands.Output, commands.Batch, commands.Models, commands.Doctor, commands.Serve),
)
ENTRIES = [(table, entry) for table in TABLES for entry in options(table).values()]


@pytest.mark.parametrize("table", TABLES)
def test_every_field_is_an_entry(table: type) -> None:
    assert list(options(table)) == [field.name for field in dataclasses.fields(table)]


@pytest.mark.parametrize(("table", "entry"), ENTRIES, ids=lambda one: getattr(one, "name", ""))
def test_an_entry_is_whole(table: type, entry: Option) -> None:
    texts = [entry.help, *(text for _, text in entry.choices.values())]
    assert all(
        (text and not text.endswith(".") and not text[0].islower()) or text[0] == "." for text in texts
    )
    assert entry.label
    assert all(words[0] for words in entry.choices.values())
    assert entry.required or entry.optional or values.is_kind(entry, entry.default)
    if not entry.by_space and not entry.required:
        values.check(entry, entry.default)
    for number in entry.common:
        values.check(entry, number)


def test_the_page_is_current(root: Path) -> None:
    """By ``python -m engine.options docs/options.md``."""
    assert (root / "docs" / "options.md").read_text(encoding="utf-8") == page() + "\n"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("steps", "12", 12),
        ("steps", 12.0, 12),
        ("guidance", "3", 3.0),
        ("guidance", 3, 3.0),
        ("views", 6, "6"),
        ("views", "auto", "auto"),
        ("preview", "yes", True),
        ("preview", False, False),
        ("objects", "a; b", ("a", "b")),
        ("objects", ["a", "b"], ("a", "b")),
        ("texture_depth", 16, "16"),
    ],
)
def test_values_are_read(name: str, value: object, found: object) -> None:
    read = values.read(OPTIONS[name], value)
    assert (read, type(read)) == (found, type(found))
    values.check(OPTIONS[name], read)


WRONG = [
    ("steps", "many", "not a whole number"),
    ("steps", 0, "is 0"),
    ("steps", 1001, "is 1001"),
    ("guidance", "nan", "not a number"),
    ("guidance", 100.5, "is 100.5"),
    ("seed", -1, "is -1"),
    ("seed", 2**31, "is 2147483648"),
    ("views", "0", "is '0'"),
    ("views", "65", "is '65'"),
    ("views", "9" * 5000, "is '999"),
    ("views", "scene", "is 'scene'"),
    ("strength", 0, "is 0"),
    ("strength", 1.01, "is 1.01"),
    ("texture_size", 63, "is 63"),
    ("front", 400, "is 400"),
    ("preview", "perhaps", "not true or false"),
    ("method", "magic", "is 'magic'"),
    ("objects", 3, "not a list of texts"),
]


@pytest.mark.parametrize(("name", "value", "why"), WRONG)
def test_values_are_refused(name: str, value: object, why: str) -> None:
    with pytest.raises(UserError, match=why) as refused:
        values.check(OPTIONS[name], values.read(OPTIONS[name], value))
    assert refused.value.fix
    assert [*refused.value.wording.options] == [name]


def test_a_request_from_json_has_values_of_its_kinds() -> None:
    good = {"mesh": "m.obj", "prompt": "red", "out": "o", "guidance": 3, "objects": ["a"], "steps": None}
    assert Request.from_dict(json.loads(json.dumps(good))).objects == ("a",)
    assert Request.from_dict(Request(**good).as_dict()) == Request(**{**good, "objects": ("a",)})
    wrong: dict[str, object] = {
        "steps": "7",
        "seed": True,
        "preview": 1,
        "objects": "a",
        "views": 4,
        "front": None,
    }
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=name):
            Request.from_dict({**good, name: value})
    with pytest.raises(ValueError, match="colour"):
        Request.from_dict({**good, "colour": "red"})
    with pytest.raises(ValueError, match="prompt"):
        Request.from_dict({"mesh": "m.obj", "out": "o"})


def test_each_door_calls_an_option_its_own_way() -> None:
    error = UserError(
        "{steps} is 0", "use {sync_space}, or {objects}", steps=None, sync_space="rgb", objects=None
    )
    assert (str(error), error.fix) == ("--steps is 0", "use --sync-space rgb, or --object")
    assert error.wording.by(errors.column) == ("steps is 0", "use sync_space rgb, or objects")
    assert error.wording.by(label) == ("Steps is 0", "use Agree In Colour, or Objects")


def test_what_is_no_option_stays_as_it_is() -> None:
    assert str(UserError("no {prompt} in '{steps}'", "", prompt=None)) == "no --prompt in '{steps}'"


def test_errors_name_options_that_there_are(root: Path) -> None:
    known = {name for table in TABLES for name in options(table)}
    named = [
        (path.name, keyword.arg)
        for path in (root / "engine").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in ("UserError", "OutOfMemory", "Problem")
        for keyword in node.keywords
        if keyword.arg is not None
    ]
    assert len(named) > 10
    assert not [(path, name) for path, name in named if name not in known]


def test_no_error_spells_a_flag(root: Path) -> None:
    flags = {entry.flag for _, entry in ENTRIES if not entry.positional}
    for path in (root / "engine").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("UserError", "OutOfMemory"):
                text = ast.unparse(node)
                assert not [flag for flag in flags if f"{flag} " in text or f"{flag}'" in text], (path, text)


def test_doors() -> None:
    assert set(job_fields.OPTIONS) == set(at(Request, JOBS))
    assert "scene" in at(Request, BLENDER)["views"].choices
    assert "scene" not in at(Request, ENGINE)["views"].choices
    assert "object" in at(Request, ENGINE)["texture_sets"].choices
    assert "object" not in panel()["texture_sets"].choices
    assert set(panel()) >= set(at(Request, PANEL))
    assert list(panel())[:4] == ["quality", "target", "slot", "prompt"]
    assert list(panel()).index("rig") < list(panel()).index("raster")


def test_a_model_s_file_says_what_a_model_decides() -> None:
    assert set(by_model()) <= set(model_file.keys())
    share, size = model_file.keys()["sync_share"], model_file.keys()["texture_size"]
    for good in ({"latent": 0.3}, {"rgb": "ramp", "latent": 1}, {}):
        assert values.holds(share, good)
    for bad in ({"latent": 1.1}, {"rgb": "some"}, {"hsv": 0.3}, 0.3, {"latent": True}):
        assert not values.holds(share, bad)
    assert values.holds(size, {"latent": 16})
    assert not values.holds(size, {"latent": 15})
    assert not values.holds(size, {"latent": 15.5})
