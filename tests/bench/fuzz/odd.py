"""Odd values: numbers, texts, paths, names and JSON that careless or hostile people write.

Every choice comes from the generator that is given, so that a seed makes the same value again.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

NUMBERS = (
    *(0, 1, -1, 2, 3, 7, 8, 63, 64, 255, 256, 1000, 4096, 8193, 20_000, 65_535, 65_536, 10**6, 10**8),
    *(2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, 10**30, -(10**30)),
    *(0.5, -0.5, 1e-320, 1e-12, 0.1, 1e10, 1e38, 3.5e38, 1e308, -1e308),
)
NOT_NUMBERS = (float("nan"), float("inf"), -float("inf"))
OUTSIDE = "OUTSIDE"
"""In a text: it stands for the absolute path of a file that nothing may open."""

PATHS = (
    *("../outside/secret.bin", "..\\outside\\secret.bin", "%2e%2e/outside/secret.bin", OUTSIDE),
    *("%2E%2E%2Foutside%2Fsecret.bin", "./../outside/secret.bin", "a/../../outside/secret.bin"),
    *(f"file://{OUTSIDE}", f"file:{OUTSIDE}", "/proc/self/environ", "/dev/zero", "/dev/stdin", "/dev/tty"),
    *("//host/share/x.bin", "\\\\host\\share\\x.bin", "C:\\x.bin", "C:x.bin", "http://127.0.0.1:9/x.bin"),
    *("https://localhost/x", "~/secret.bin", "~nobody-at-all/x", ".", "..", "/", "", " ", "\x00", "a\x00b"),
    *("x" * 300, "x/" * 3000, "CON", "aux.png", "nul", "a.", "foo:bar", "link_out/secret.bin", "pipe"),
)
TEXTS = (
    *(
        "",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\x00",
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
        "\x9b2J",
        "\u202egnp.exe",
    ),
    *('=HYPERLINK("http://x")', "@SUM(1)", "+1", "-1+2", "|calc", "<script>alert(1)</script>", "'\"`$(id)"),
    *("%s%n%x", "{0}", "{model}", "{", "}", "<UDIM>", "<SET>", "*", "?", "[a", "--out", "-", "a;b", "../x"),
    *("true", "null", "NaN", "1e999", "0x10", "٣", "½", "é", "日本語", "🙂", "\ufeff", "\udcff", "\ud800"),
    *("a" * 5000, "🙂" * 2000, "../" * 500, "word " * 400, "\u0301" * 300),
)
NAMES = (
    *("a b", "-rf", "--help", "=1+1", "@x", "+1", "a\nb", "a\tb", "\x1b[31m", "\x07", "x" * 200, "é", "日本"),
    *("CON", "aux", "a.", "a ", " a", "foo:bar", "a;b", "a|b", "'", '"', "`id`", "$(id)", "%41", "a%00", "~"),
    *(
        "<UDIM>",
        "<SET>",
        "{prompt}",
        "{out}",
        "*",
        "[a]",
        "#",
        "..a",
        ".hidden",
        "\udcff",
        "\u202eabc",
        "a\\b",
    ),
)
RAW = {
    "RAW-deep-list": "[" * 20_000 + "]" * 20_000,
    "RAW-deep-object": '{"a":' * 20_000 + "1" + "}" * 20_000,
    "RAW-long-number": "9" * 6_000,
    "RAW-exponent": "1e999",
    "RAW-minus-zero": "-0.0",
    "RAW-half-pair": '"\\ud800"',
    "RAW-twice": '{"a": 1, "a": 2}',
    "RAW-word": "undefined",
}
"""JSON that json.dumps doesn't write, by the text that it stands in the place of."""


def number(rng: Random) -> float | int:
    return rng.choice(NUMBERS)


def text(rng: Random) -> str:
    return rng.choice(rng.choice((TEXTS, PATHS, NAMES)))


def value(rng: Random) -> Any:
    """Any value that JSON can hold, and some that it can't."""
    return rng.choice(
        (
            *(
                lambda: None,
                lambda: True,
                lambda: False,
                lambda: [],
                lambda: {},
                lambda: [[]],
                lambda: {"": 0},
            ),
            *(lambda: number(rng), lambda: number(rng), lambda: text(rng), lambda: text(rng)),
            *(lambda: str(number(rng)), lambda: rng.choice(NOT_NUMBERS), lambda: rng.choice(tuple(RAW))),
            *(lambda: [number(rng)] * rng.choice((1, 3, 1000)), lambda: {text(rng): number(rng)}),
            lambda: [text(rng), None, number(rng)],
        )
    )()


def faulty(rng: Random, document: Any, notes: list[str]) -> Any:
    """A copy of ``document`` with one to three places changed; what was done is told in ``notes``."""
    document = json.loads(json.dumps(document))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(document))
        if not places:
            return value(rng)
        holder, key, where = rng.choice(places)
        notes.append(_change(rng, holder, key, where))
    return document


def _change(rng: Random, holder: Any, key: Any, where: str) -> str:
    what = rng.choice(("replace",) * 5 + ("near",) * 2 + ("remove", "wrap", "rename", "repeat", "swap"))
    old = holder[key]
    if what == "near" and isinstance(old, int | float) and not isinstance(old, bool):
        holder[key] = rng.choice(
            (old + 1, old - 1, -old, old * 2, old * 1000, old * 10**9, old / 2, str(old))
        )
        return f"{where} is {shown(holder[key])} instead of {shown(old)}"
    if what == "remove":
        del holder[key]
        return f"{where} is removed"
    if what == "wrap":
        holder[key] = [old] * rng.choice((1, 2, 500))
        return f"{where} is wrapped in a list of {len(holder[key])}"
    if what == "rename" and isinstance(holder, dict):
        holder[text(rng)] = holder.pop(key)
        return f"{where} is called otherwise"
    if what == "repeat" and isinstance(old, list) and old:
        holder[key] = old * rng.choice((2, 100, 5000 // len(old) + 1))
        return f"{where} has {len(holder[key])} entries"
    if what == "swap" and isinstance(holder, dict) and len(holder) > 1:
        other = rng.choice([one for one in holder if one != key])
        holder[key], holder[other] = holder[other], holder[key]
        return f"{where} is swapped with {other}"
    holder[key] = value(rng)
    return f"{where} is {shown(holder[key])}"


def _places(document: Any, where: str = "") -> Any:
    """(holder, key, path in words) of every value inside ``document``."""
    entries: Any = ()
    if isinstance(document, dict):
        entries = list(document.items())
    elif isinstance(document, list):
        entries = list(enumerate(document[:40]))
    for key, inner in entries:
        path = f"{where}.{key}" if where else str(key)
        yield document, key, path
        yield from _places(inner, path)


def dumped(rng: Random, document: Any, outside: str = "") -> bytes:
    """``document`` as JSON, now and then in another encoding or with something before or after it."""
    written = json.dumps(document, ensure_ascii=rng.random() < 0.5).replace(OUTSIDE, outside)
    for stands, raw in RAW.items():
        written = written.replace(f'"{stands}"', raw)
    data = written.encode("utf-8", "surrogatepass")
    way = rng.random()
    if way < 0.02:
        return b"\xef\xbb\xbf" + data
    if way < 0.03:
        return written.encode("utf-16", "surrogatepass")
    if way < 0.04:
        return data + rng.choice((b"\x00", b"}", b" " * 100_000, b"\xff", data))
    return data


def shown(found: Any, most: int = 60) -> str:
    """``found`` in one line of plain ASCII."""
    said = ascii(found)
    return said if len(said) <= most else f"{said[: most - 3]}..."
