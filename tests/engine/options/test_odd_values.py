"""Whatever values a request has, however odd: taken, or refused in one line that says how to mend it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import protocol
from engine.cli import main
from engine.errors import UserError
from engine.host import Host
from engine.models import manage
from engine.options import values
from engine.options.asked import Asked
from engine.options.request import OPTIONS
from engine.protocol import ImageRequest, Request, SplatsRequest
from engine.worker import Failure, Worker

GOOD = {"mesh": "no/such.obj", "prompt": "red bricks", "out": "no/such/folder", "steps": 1}
GOOD_PICTURE = {"kind": "tile", "prompt": "red bricks", "out": "no/such/folder", "steps": 1}
GOOD_SPLATS = {"splats": "no/such.ply", "prompt": "red bricks", "out": "no/such/folder", "steps": 1}
KINDS = ((Request, GOOD), (ImageRequest, GOOD_PICTURE), (SplatsRequest, GOOD_SPLATS))
NUMBERS = (
    "zero",
    "minus one",
    "beyond 64 bits",
    "beyond floats",
    "a half",
    "huge",
    "not a number",
    "infinite",
)
ODD: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "beyond 64 bits": 2**64,
    "beyond floats": 10**400,
    "a half": 0.5,
    "huge": 1e308,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "empty": "",
    "blank": " ",
    "a zero character": "a\0b",
    "half a byte": "\udcff",
    "half a pair": "\ud800",
    "5,000 characters": "x" * 5000,
    "a million": "x" * 1_000_000,
    "a long name": "a/" + "x" * 300 + "/b.obj",
    "nobody's home": "~nouser/x",
    "a device": "/dev/null/x",
    "lines": "a\nb\r\x1b[2J",
    "list": [],
    "object": {},
    "list of lists": [[]],
    "list of nulls": [None],
    "list of odd texts": ["a\0b", "\udcff", "x" * 5000],
    "list of numbers": [1],
    "list of bad files": ["~nouser/x", "nowhere.obj"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([*ODD.values()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def outcome(data: Any, kind: type[Asked] = Request) -> Failure | None:
    """What becomes of the request in ``data``, as far as it can be told without doing it."""
    crossed = protocol.decode(protocol.encode(protocol.message(protocol.JOB, request=data)))["request"]
    try:
        request = kind.from_dict(crossed)
    except ValueError as error:
        return Failure(protocol.Wording(str(error), "mend it"), protocol.EXIT_BAD_INPUT)
    try:
        values.check_all(kind.table(), request)
    except UserError as error:
        return Failure(error.wording, error.code)
    return None


def is_clear(failure: Failure) -> bool:
    said = failure.error, failure.fix
    return all(0 < len(one) < 300 and one.isprintable() for one in said) and "bug" not in failure.fix


@pytest.mark.parametrize(
    ("request_kind", "good", "name"), [(kind, good, name) for kind, good in KINDS for name in kind.table()]
)
def test_every_value_of_every_option_has_an_answer(
    request_kind: type[Asked], good: dict[str, Any], name: str
) -> None:
    for kind, value in ODD.items():
        failure = outcome({**good, name: value}, request_kind)
        assert failure is None or is_clear(failure), (kind, failure)


SIZES = [
    (kind, good, name)
    for kind, good in KINDS
    for name, one in kind.table().items()
    if one.kind in (int, float) and not one.several
]


@pytest.mark.parametrize(("request_kind", "good", "name"), SIZES)
def test_no_size_of_a_request_is_beyond_its_limits(
    request_kind: type[Asked], good: dict[str, Any], name: str
) -> None:
    """Every number has two limits, is taken at both, and is refused beyond them, whatever its size."""
    entry = request_kind.table()[name]
    low, high = entry.limits
    for value in (low, high):
        assert outcome({**good, name: entry.kind(value)}, request_kind) is None, value
    for value in (low - 1, high + 1, *(ODD[kind] for kind in NUMBERS)):
        inside = value == value and low <= value <= high and (entry.kind is float or value == int(value))
        failure = outcome({**good, name: value}, request_kind)
        assert inside or (failure is not None and is_clear(failure)), value


def test_pictures_and_meshes_have_sizes() -> None:
    named = {(kind.__name__, name) for kind, _, name in SIZES}
    assert {("Request", "texture_size"), ("ImageRequest", "width"), ("ImageRequest", "height")} <= named


@pytest.mark.parametrize("name", [name for name, one in OPTIONS.items() if one.kind is str])
@pytest.mark.parametrize("kind", ["a zero character", "half a pair", "a million"])
def test_texts_that_nothing_can_take_are_refused(name: str, kind: str) -> None:
    value = [ODD[kind]] if OPTIONS[name].several else ODD[kind]
    assert outcome({**GOOD, name: value}) is not None


@given(st.dictionaries(st.sampled_from([*OPTIONS]) | st.text(max_size=5), JSON, max_size=4) | JSON)
@settings(max_examples=300, deadline=None)
def test_any_request_has_an_answer(found: Any) -> None:
    failure = outcome({**GOOD, **found} if isinstance(found, dict) else found)
    assert failure is None or is_clear(failure), failure


@pytest.mark.parametrize("name", ["mesh", "out", "prompt", "model", "init_texture", "cameras"])
@pytest.mark.parametrize("kind", ["a zero character", "half a pair", "5,000 characters", "a long name"])
def test_no_job_calls_bad_values_a_bug(
    name: str, kind: str, request_for: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    request = request_for(**{"mesh": "nowhere.obj", name: ODD[kind]})
    failure = Worker().run(request, Host())
    assert isinstance(failure, Failure)
    assert failure.code == protocol.EXIT_BAD_INPUT
    assert is_clear(failure), failure


@pytest.mark.parametrize("name", ["~nouser/x", "x" * 5000, "~nouser/x+y", "starter+~nouser/x"])
def test_models_that_no_path_can_name(name: str, request_for: Any) -> None:
    failure = Worker().run(request_for(model=name), Host())
    assert isinstance(failure, Failure)
    assert failure.code == protocol.EXIT_BAD_INPUT
    assert is_clear(failure), failure
    with pytest.raises(UserError):
        manage.link("mine", manage.Path(name))


@pytest.mark.parametrize(
    "words",
    [
        ["texture", "--mesh", "a.obj", "--out", "o", "--prompt", "\udcff"],
        ["texture", "--mesh", "a.obj", "--out", "o", "--prompt", "x" * 20_000],
        ["texture", "--mesh", "x" * 5000, "--out", "o", "--prompt", "red"],
        ["texture", "--mesh", "a.obj", "--out", "x" * 5000, "--prompt", "red"],
        ["texture", "--mesh", "a.obj", "--out", "", "--prompt", "red"],
        ["texture", "--mesh", "a.obj", "--out", "o", "--prompt", "red", "--model", "x" * 5000],
        ["models", "show", "~nouser/x"],
        ["models", "verify", "x" * 5000],
        ["models", "show", "\udcff"],
        ["models", "link", "mine", "~nouser/x"],
        ["models", "link", "mine", "x" * 5000],
        ["models", "delete", "~nouser/x"],
        ["batch", "x" * 5000, "--out", "o"],
        ["batch", "\udcff", "--out", "o"],
        ["batch", "jobs.csv", "--out", "x" * 5000],
    ],
    ids=lambda words: " ".join(word[:12] for word in words).encode("ascii", "replace").decode(),
)
def test_the_command_line_answers_in_one_line(
    words: list[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(words)
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capfd.readouterr()
    assert (status, out) == (protocol.EXIT_BAD_INPUT, "")
    assert re.fullmatch(r"error: [^\n]{1,300}\. [^\n]+\n", err), err
    assert not [*tmp_path.iterdir()]


def test_a_deep_request_is_refused() -> None:
    for depth in range(300, 990, 10):
        try:
            deep = json.loads("[" * depth + "]" * depth)
        except RecursionError:  # as protocol.decode refuses it
            continue
        with pytest.raises(ValueError, match="not an object"):
            Request.from_dict(deep)


@pytest.mark.parametrize("given", [["--control", "depth"], ["--views=3"]])
def test_a_picture_says_which_options_are_for_meshes(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["image", "--kind", "tile", "--prompt", "bricks", "--out", "nowhere"]
    with pytest.raises(SystemExit) as ended:
        main([*words, *given, "--nonsense"])
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert line.startswith(
        f"error: a picture takes no {given[0].split('=')[0]}, which counts for meshes alone"
    )
    with pytest.raises(SystemExit):
        main([*words, "--nonsense"])
    assert capsys.readouterr().err.startswith("error: unrecognized arguments: --nonsense")
