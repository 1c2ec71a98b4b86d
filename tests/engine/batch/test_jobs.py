"""Job files: what is read, what is refused and why, and what the jobs are called."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.batch import names
from engine.batch.jobs import JobLine, RefusedLine, Shard, read
from engine.errors import UserError
from engine.outputs import inputs_of
from engine.protocol import ImageRequest, Request
from tests.engine.batch.conftest import Write


def one(write: Write, line: dict[str, object] | str, **defaults: object) -> JobLine:
    jobs, refused = read(write([line]), defaults)
    assert not refused, refused
    (job,) = jobs
    return job


def why(write: Write, line: dict[str, object] | str) -> str:
    jobs, refused = read(write([line]), {})
    assert not jobs
    (no,) = refused
    assert no.error
    assert no.fix
    assert "\n" not in no.error + no.fix
    return f"{no.error}. {no.fix}"


def test_a_line_is_a_request(write: Write, place: Path) -> None:
    line = {"prompt": "red", "texture-size": 128, "guidance": 3, "views": 6, "negative": "", "steps": None}
    request = one(write, line, steps=7).request
    assert request == Request(
        mesh=str(place / "m.obj"), prompt="red", out="", texture_size=128, guidance=3.0, views="6", steps=7
    )
    assert isinstance(request.guidance, float)


def test_the_line_wins_over_the_command_line(write: Write) -> None:
    job = one(write, {"prompt": "red", "seed": 1}, prompt="blue", seed=2, method="case1")
    assert (job.request.prompt, job.request.seed, job.request.method) == ("red", 1, "case1")
    assert one(write, {}, prompt="blue").request.prompt == "blue"


def test_a_line_with_a_kind_is_a_picture(place: Path, write: Write) -> None:
    """Alone and beside meshes; options of the command line count as far as pictures have them."""
    lines = ['{"kind": "tile", "prompt": "moss", "width": 128, "out": "moss"}']
    lines += ['{"kind": "ambiguous", "prompt": ["red", "blue"], "view": "flip"}']
    (tile, turned), refused = read(write(lines), {"seed": 3, "texture_size": 64, "strength": 0.5})
    assert not refused
    assert (tile.name, tile.request) == ("moss", ImageRequest("tile", "moss", "", width=128, seed=3))
    both = {"other_prompts": ("blue",), "view": ("flip",), "seed": 3}
    assert turned.request == ImageRequest("ambiguous", "red", "", **both)
    assert turned.name.startswith("ambiguous-red-")
    path = write(["kind,mesh,prompt,width,views", "tile,,moss,128,", ",m.obj,red,,6"], "jobs.csv")
    (same, mesh), _ = read(path, {})
    assert same.request == ImageRequest("tile", "moss", "", width=128)
    assert mesh.request == Request(str(place / "m.obj"), "red", "", views="6")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"kind": "tile"}', "names no prompt"),
        ('{"kind": "mosaic", "prompt": "x"}', "one of tile, wide"),
        ('{"kind": "tile", "prompt": "x", "views": "4"}', "a picture has no views"),
        ('{"mesh": "m.obj", "prompt": "x", "width": 64}', "width is for pictures"),
        ('{"kind": "tile", "prompt": "x", "width": 20}', "width is 20"),
        ('{"kind": "picture", "prompt": "x", "init_image": "gone.png"}', "there is no file"),
    ],
)
def test_lines_that_make_no_picture(write: Write, line: str, said: str) -> None:
    assert said in why(write, line)


def test_a_picture_is_made_anew_when_one_that_it_reads_changed(write: Write, place: Path) -> None:
    (place / "old.png").write_bytes(b"one")
    line = {"kind": "picture", "prompt": "moss", "init_image": "old.png"}
    before = one(write, json.dumps(line))
    assert before.request.init_image == str(place / "old.png")
    (place / "old.png").write_bytes(b"another")
    assert one(write, json.dumps(line)).fingerprint != before.fingerprint


def test_several_meshes_are_textured_together(write: Write, place: Path) -> None:
    (place / "n.ply").write_text("ply")
    job = one(write, {"mesh": ["m.obj", "n.ply"], "prompt": "red"})
    assert job.request.meshes == (str(place / "m.obj"), str(place / "n.ply"))
    path = write(["mesh,other_meshes,prompt", "m.obj,n.ply,red"], "jobs.csv")
    (same,), _ = read(path, {})
    assert (same.request, same.fingerprint) == (job.request, job.fingerprint)
    assert "there is no file" in why(write, {"mesh": ["m.obj", "k.ply"], "prompt": "red"})
    assert "not text" in why(write, {"mesh": [3.5], "prompt": "red"})
    assert "names no mesh" in why(write, {"mesh": [], "prompt": "red"})


def test_a_texture_to_start_from_may_stand_for_several(write: Write, place: Path) -> None:
    line = {"prompt": "red", "init_texture": "old.<SET>.<UDIM>.png", "out": "x"}
    assert "there is no file" in why(write, line)
    (place / "old.a.1001.png").write_bytes(b"1")
    before = one(write, line).fingerprint
    (place / "old.b.1002.png").write_bytes(b"2")
    assert one(write, line).fingerprint != before
    assert one(write, line).request.init_texture == str(place / "old.<SET>.<UDIM>.png")


def test_masks_of_regions_lie_beside_the_job_file(write: Write, place: Path) -> None:
    line = {"mesh": "m.obj", "prompt": "red", "region": [r"mask:a\=b.png=moss / lichen|3", "material:x=y"]}
    assert "there is no file" in why(write, line)
    (place / "a=b.png").write_bytes(b"1")
    before = one(write, line)
    escaped = str(place / "a=b.png").replace("=", r"\=")
    assert before.request.region == (f"mask:{escaped}=moss / lichen|3", "material:x=y")
    assert str(place / "a=b.png") in inputs_of(before.request)
    (place / "a=b.png").write_bytes(b"22")
    assert one(write, line).fingerprint != before.fingerprint


def test_loras_lie_beside_the_job_file_and_count_for_what_is_done(write: Write, place: Path) -> None:
    for name in ("a", "b"):
        save_file({"conv_in.lora_A.weight": np.zeros((1, 4), np.float32)}, place / f"{name}.safetensors")
    line = {"mesh": "m.obj", "prompt": "red", "lora": ["a.safetensors:0.5", str(place / "b.safetensors")]}
    job = one(write, line)
    assert job.request.lora == (f"{place / 'a.safetensors'}:0.5", str(place / "b.safetensors"))
    path = write(["mesh,lora,prompt", "m.obj,a.safetensors:0.5;b.safetensors,red"], "jobs.csv")
    (same,), _ = read(path, {})
    assert same.request == job.request
    save_file({"conv_in.lora_A.weight": np.zeros((2, 4), np.float32)}, place / "a.safetensors")
    assert one(write, line).fingerprint != job.fingerprint
    assert "there is no LoRA" in why(write, {**line, "lora": ["c.safetensors"]})
    assert "the weight of the LoRA" in why(write, {**line, "lora": ["a.safetensors:much"]})


def test_reference_images_lie_beside_the_job_file_and_count_for_what_is_done(
    write: Write, place: Path
) -> None:
    for name in ("a.png", "b.png"):
        (place / name).write_bytes(b"1")
    line = {"mesh": "m.obj", "prompt": "red", "reference": ["a.png:0.5", str(place / "b.png")]}
    job = one(write, line)
    assert job.request.reference == (f"{place / 'a.png'}:0.5", str(place / "b.png"))
    path = write(["mesh,reference,prompt", "m.obj,a.png:0.5;b.png,red"], "jobs.csv")
    (same,), _ = read(path, {})
    assert same.request == job.request
    (place / "a.png").write_bytes(b"22")
    assert one(write, line).fingerprint != job.fingerprint
    assert "there is no file" in why(write, {**line, "reference": ["c.png"]})
    assert "the weight of the reference" in why(write, {**line, "reference": ["a.png:-1"]})


def test_csv_says_the_same_as_json(write: Write) -> None:
    """Every field of a request, text in a spreadsheet, what it is in JSON."""
    values = {"prompt": 'a "red", old; wall', "seed": 12, "guidance": 2.5, "steps": 3, "views": "auto"}
    values |= {"texture_size": 256, "method": "case2", "model": "starter", "out": "wände/ß"}
    assert set(values) < {field.name for field in dataclasses.fields(Request)}
    as_json = one(write, values)
    for mark in (",", ";", "\t"):
        cells = ['"' + str(value).replace('"', '""') + '"' for value in ("m.obj", *values.values())]
        path = write([mark.join(["mesh", *values]), mark.join(cells)], "jobs.csv")
        (job,), refused = read(path, {})
        assert not refused
        assert job.request == as_json.request
        assert (job.name, job.fingerprint) == (as_json.name, as_json.fingerprint)
        assert job.line == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_other_programs_write_is_read(write: Write, encoding: str) -> None:
    path = write(["mesh,prompt,out\r", "m.obj,grüne Wände\r", "\r", "m.obj,été,x\r"], "jobs.csv")
    path.write_bytes(path.read_text("utf-8").encode(encoding))
    jobs, refused = read(path, {})
    assert not refused
    assert [(job.line, job.request.prompt) for job in jobs] == [(2, "grüne Wände"), (4, "été")]


BROKEN = {
    '{"mesh": "m.obj", "prompt"': "isn't JSON",
    '["m.obj", "red"]': "no JSON object",
    "nonsense": "isn't JSON",
    "[" * 100_000: "isn't JSON",
    '{"prompt": "red"}': "names no mesh",
    '{"mesh": "m.obj"}': "names no prompt",
    '{"mesh": "m.obj", "prompt": "  "}': "names no prompt",
    '{"mesh": "m.obj", "prompt": ["red"]}': "not text",
    '{"mesh": "m.obj", "prompt": "\\ud800"}': "not text",
    '{"mesh": "m.obj", "prompt": "red", "sede": 3}': "did you mean seed?",
    '{"mesh": "m.obj", "refused": "it has no faces", "fix": "model some"}': "it has no faces. model some",
    '{"mesh": "m.obj", "prompt": "red", "seed": 1, "--seed": 2}': "said twice",
    '{"mesh": "m.obj", "prompt": "red", "seed": 1.5}': "not a whole number",
    '{"mesh": "m.obj", "prompt": "red", "seed": true}': "not a whole number",
    '{"mesh": "m.obj", "prompt": "red", "guidance": "much"}': "not a number",
    '{"mesh": "m.obj", "prompt": "red", "guidance": NaN}': "not a number",
    '{"mesh": "m.obj", "prompt": "red", "method": "magic"}': "use one of synctweedies",
    '{"mesh": "m.obj", "prompt": "red", "texture_size": 1000000000}': "use a whole number from 64 to 8192",
    '{"mesh": "m.obj", "prompt": "red", "steps": 0}': "use a whole number from 1 to 1000",
    '{"mesh": "m.obj", "prompt": "red", "views": "some"}': "use one of auto, paper or a whole number from 1",
    '{"mesh": "nowhere.obj", "prompt": "red"}': "there is no file",
    '{"mesh": "m\\u0000.obj", "prompt": "red"}': "a zero character",
    '{"mesh": "m.max", "prompt": "red"}': "not a kind of mesh file",
    '{"mesh": "m.obj", "prompt": "red", "init_texture": "no.png"}': "there is no file",
    '{"mesh": "m.obj", "prompt": "red", "out": "../x"}': "outside",
    '{"mesh": "m.obj", "prompt": "red", "out": "/tmp/x"}': "outside",
    '{"mesh": "m.obj", "prompt": "red", "out": "C:/x"}': "outside",
    '{"mesh": "m.obj", "prompt": "red", "out": "."}': "no name",
    '{"mesh": "m.obj", "prompt": "red", "out": "a\\nb"}': "Windows can't hold",
    f'{{"mesh": "m.obj", "prompt": "red", "out": "{"n" * 300}"}}': "no file has so long a name",
    f'{{"mesh": "m.obj", "prompt": "red", "out": "{"/".join(["d" * 200] * 25)}"}}': "4096 in all",
    '{"mesh": "m.obj", "prompt": "red", "out": "Index.html"}': "needs for itself",
    '{"mesh": "m.obj", "prompt": "red", "out": ".sync_texture-batch/x"}': "needs for itself",
}


@pytest.mark.parametrize("line", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_line_costs_that_line_only(write: Write, line: str) -> None:
    good = {"prompt": "blue"}
    jobs, refused = read(
        write([good, line, {**good, "seed": 1}]) if line[0] != "[" else write([good, line]), {}
    )
    assert [job.line for job in jobs] in ([1, 3], [1])
    (no,) = refused
    assert no.line == 2
    assert BROKEN[line] in f"{no.error}. {no.fix}"
    assert len(no.error) < 400


def test_bytes_that_are_no_text_cost_their_line_only(write: Write) -> None:
    path = write([{"prompt": "a"}, "HERE", {"prompt": "b"}])
    path.write_bytes(path.read_bytes().replace(b"HERE", b'{"mesh": "m.obj", "prompt": "\xff\xfe"}'))
    jobs, refused = read(path, {})
    assert [job.line for job in jobs] == [1, 3]
    assert [no.line for no in refused] == [2]


def test_a_quote_that_nobody_closes_costs_its_line_only(write: Write) -> None:
    path = write(["mesh,prompt", 'm.obj,"red', "m.obj,blue", "m.obj,green,3,4", "m.obj"], "jobs.csv")
    jobs, refused = read(path, {})
    assert [job.line for job in jobs] == [3]
    assert [no.line for no in refused] == [2, 4, 5]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [([], "lists no jobs"), (["[", "{}", "]"], "JSON array"), (["mesh,colour", "m.obj,red"], "'colour'")],
)
def test_a_file_that_is_no_job_file_is_refused_whole(write: Write, lines: list[str], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        read(write(lines), {})


def test_a_job_file_that_is_not_there_is_refused(place: Path) -> None:
    (place / "empty.csv").write_text("\n \n", encoding="utf-8")
    with pytest.raises(UserError, match="lists no jobs"):
        read(place / "empty.csv", {})
    for path in (place / "nowhere.csv", place):
        with pytest.raises(UserError, match=r"there is no file|is a folder"):
            read(path, {})


def refused_lines(write: Write, *outs: str) -> list[RefusedLine]:
    return read(write([{"prompt": "red", "out": out} for out in outs]), {})[1]


def test_conflicting_folders_are_refused(write: Write) -> None:
    refused = refused_lines(write, "a", "b/c", "A", "b", "b/c/d", "b\\C", "ä", "a\u0308", "a/b", "bc", "b/d")
    assert [no.line for no in refused] == [3, 4, 5, 6, 8, 9]
    assert all("conflicts with that of line" in no.error for no in refused)
    assert "line 2" in refused[1].error


def test_the_same_line_twice_is_refused_but_another_seed_is_another_job(write: Write) -> None:
    lines = [{"prompt": "red"}, {"prompt": "red", "seed": 1}, {"prompt": "red"}]
    jobs, refused = read(write(lines), {})
    assert [job.line for job in jobs] == [1, 2]
    assert [no.line for no in refused] == [3]
    assert refused[0].mesh == "m.obj"


def test_made_names_are_short_speak_and_stay_when_lines_move(write: Write) -> None:
    job = one(write, {"prompt": "weathered: red/bricks, old? " * 20})
    assert job.name.startswith("m-weathered-red-bricks-old-")
    assert len(job.name.encode()) < 255
    assert one(write, {"prompt": "天" * 500}).name.encode().__len__() < 255
    assert names.default_name("C:\\folder\\pot.obj", "x", {}).startswith("pot-x-")
    first, second = read(write([{"prompt": "a"}, {"prompt": "b"}]), {})[0]
    moved = read(write([{"prompt": "b"}, "", {"prompt": "a"}]), {})[0]
    assert {job.name for job in moved} == {first.name, second.name}


def test_thousands_of_seeds_have_names_of_their_own() -> None:
    made = {names.default_name("m.obj", "red bricks", {"seed": seed}) for seed in range(50_000)}
    assert len(made) == 50_000


def test_parts_make_a_whole() -> None:
    parts = [Shard.read(f"{k}/3") for k in (1, 2, 3)]
    for line in range(1, 20):
        assert [part.has(line) for part in parts].count(True) == 1
    for wrong in ("0/3", "4/3", "1", "1/", "a/b", "1/3/5", "-1/3", "1/" + "9" * 5000):
        with pytest.raises(UserError, match="the part is"):
            Shard.read(wrong)


def test_the_fingerprint_follows_what_matters(write: Write, place: Path) -> None:
    line = {"prompt": "red", "out": "x"}
    before = one(write, line)
    assert one(write, line).fingerprint == before.fingerprint
    assert one(write, line, steps=9).fingerprint != before.fingerprint
    assert one(write, {**line, "prompt": "blue"}).fingerprint != before.fingerprint
    (place / "m.obj").write_text("v 1 1 1\nv 0 0 0\n")
    assert one(write, line).fingerprint != before.fingerprint
    json.dumps(before.request.as_dict())


def test_overwrite_changes_neither_a_job_s_name_nor_whether_it_is_done(write: Write) -> None:
    plain = one(write, {"prompt": "red"})
    for line, defaults in (({"overwrite": True}, {}), ({}, {"overwrite": True})):
        meant = one(write, {"prompt": "red", **line}, **defaults)
        assert meant.request.overwrite
        assert (meant.name, meant.fingerprint) == (plain.name, plain.fingerprint)
