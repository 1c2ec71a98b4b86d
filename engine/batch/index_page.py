"""index.html: every job as a picture with its words and links. One file, no scripts, nothing from afar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import quote

Row = dict[str, Any]
MESH_FILES = ("mesh.glb", "views.png")  # what a mesh has besides its texture
REPORT = "report.json"
STATES = ("done", "failed", "refused", "waiting", "running")

STYLE = """
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0 0 .5rem; }
label { margin-right: 1rem; cursor: pointer; }
main { display: grid; grid-template-columns: repeat(auto-fill, 258px); gap: 1rem; margin-top: 1rem; }
article { border: 1px solid #8886; border-radius: 6px; overflow: hidden; }
article > div { padding: .5rem .7rem; overflow-wrap: anywhere; }
img { display: block; width: 256px; height: 256px; background: #8883; }
h2 { font-size: 1rem; margin: 0; }
p { margin: .2rem 0; }
small { opacity: .75; }
.failed, .refused { border-color: #c33; }
.why { color: #c33; }
"""


def page(rows: Sequence[Row]) -> str:
    """The whole page for ``rows`` as summary has them."""
    counts = Counter(str(row["state"]) for row in rows)
    title = f"{len(rows)} jobs: " + ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    shown = [state for state in STATES if counts[state]]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(title)}</title><style>{STYLE}{_hiding(shown)}</style></head><body>",
            f"<h1>{escape(title)}</h1><form>{''.join(map(_choice, ['all', *shown]))}</form><main>",
            *map(_article, rows),
            "</main></body></html>\n",
        ]
    )


def _choice(state: str) -> str:
    checked = " checked" if state == "all" else ""
    return f'<label><input type="radio" name="show" id="show-{state}"{checked}> {state}</label>'


def _hiding(states: Sequence[str]) -> str:
    """Rules that leave the chosen state alone on the page."""
    return "".join(
        f"body:has(#show-{state}:checked) article:not(.{state}) {{ display: none; }}\n" for state in states
    )


def _article(row: Row) -> str:
    state = str(row["state"])
    parts = [f'<article class="{escape(state)}" id="line-{int(row["line"])}">']
    texture = str(row.get("texture") or "").rpartition("/")[2]
    large, small = ("views.png", "turntable.gif") if row.get("glb") else (texture, texture)
    if state == "done":
        parts.append(
            f'<a href="{_link(row, large)}"><img loading="lazy" alt="{_text(row.get("prompt"))}"'
            f' src="{_link(row, small)}"></a>'
        )
    parts += [
        f"<div><h2>{_text(row.get('name') or 'line ' + str(row['line']))}</h2>",
        f"<p>{_text(row.get('prompt'))}</p>",
        f"<p><small>{_text(_details(row))}</small></p>",
    ]
    if row.get("error"):
        parts.append(f'<p class="why">{_text(row["error"])}. {_text(row.get("fix"))}</p>')
    if row.get("warnings"):
        parts.append(f"<p><small>{_text(row['warnings'])}</small></p>")
    if state == "done":
        names = filter(None, (texture, *(MESH_FILES if row.get("glb") else ()), REPORT))
        links = " · ".join(f'<a href="{_link(row, name)}">{_text(name)}</a>' for name in names)
        parts.append(f"<p>{links}</p>")
    return "".join([*parts, "</div></article>"])


def _details(row: Row) -> str:
    mesh = str(row.get("mesh") or "").replace("\\", "/").rpartition("/")[2]
    found = [f"line {row['line']}", mesh, str(row.get("model") or "")]
    if row.get("seconds") is not None:
        found.append(f"{row['seconds']:.1f} s")
    if isinstance(row.get("coverage"), float):
        found.append(f"coverage {row['coverage']:.1%}")
    if isinstance(row.get("seam_error"), float):
        found.append(f"seams {row['seam_error']:.2f}")
    return " · ".join(filter(None, found))


def _text(value: object) -> str:
    return escape("" if value is None else str(value))


def _link(row: Row, name: str) -> str:
    """From the page to a file of the job, whatever its folder is called."""
    return escape(quote(f"{row['name']}/{name}", errors="surrogateescape"))
