"""OBJ files in every way that the format can be written."""

from __future__ import annotations

import numpy as np

from tests.engine.mesh.corpus.solids import Case, Polygon, Random, solids

MARK = b"\xef\xbb\xbf"


def write(rng: Random) -> Case:
    """A file, and what it holds."""
    polygons = solids(rng)
    if rng.random() < 0.15:
        polygons = [Polygon(one.points, None, one.material, one.object) for one in polygons]
    elif rng.random() < 0.2:
        polygons = [
            Polygon(one.points, one.uvs if rng.random() < 0.8 else None, one.material, one.object)
            for one in polygons
        ]
    data = _Writer(rng).file(polygons)
    marked = data.startswith(MARK) and not data.startswith(MARK + b"#")
    unread = "the first line, behind a byte order mark" if marked else ""
    named = {one.material != "" for one in polygons}
    return Case({"thing.obj": data}, polygons, unread, materials=len(named) == 1)


class _Writer:
    """One way of writing."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.relative = rng.random() < 0.35
        self.interleaved = rng.random() < 0.4
        self.shared = rng.random() < 0.7
        self.normals = rng.random() < 0.5
        self.extra = str(rng.choice(["", " 1.0", " 0.5 0.5 0.5"]))
        self.number = str(rng.choice(["%.6f", "%.9g", "%.6e", "plus"]))
        self.blank = str(rng.choice([" ", "\t", "  ", " \t "]))
        self.indent = str(rng.choice(["", "", "  ", "\t"]))
        self.comments, self.continued = rng.random() < 0.3, rng.random() < 0.2
        self.ending = str(rng.choice(["\n", "\n", "\r\n"]))
        self.third = rng.random() < 0.2
        self.lines: list[str] = []
        self.known: dict[tuple[str, bytes], int] = {}
        self.count = {"v": 0, "vt": 0, "vn": 0}

    def file(self, polygons: list[Polygon]) -> bytes:
        if self.rng.random() < 0.5:
            self.lines.append("# made by a test # twice")
        if self.rng.random() < 0.5:
            self.lines.append("mtllib gone.mtl")
        if not self.interleaved:
            for one in polygons:
                self._declare(one)
        material = thing = None
        for one in sorted(polygons, key=lambda one: (one.material != "", one.object)):
            if one.object != thing:
                thing = one.object
                self.lines.append(f"{'og'[int(self.rng.integers(2))]} {thing}")
                self.known = self.known if not self.interleaved else {}
            if one.material != material and one.material:
                material = one.material
                self.lines.append(f"usemtl {material}")
            if self.rng.random() < 0.1:
                self.lines.append(str(self.rng.choice(["s 1", "s off", "", "# f 1 2 3", "g", "l 1 2"])))
            self._face(one)
        text = self.ending.join(self.lines) + ("" if self.rng.random() < 0.2 else self.ending)
        return (MARK if self.rng.random() < 0.15 else b"") + text.encode()

    def _face(self, one: Polygon) -> None:
        places, uvs = self._declare(one)
        words = []
        for i, place in enumerate(places):
            uv = "" if one.uvs is None else str(self._name("vt", uvs[i]))
            normal = str(self._name("vn", self.count["vn"])) if self.normals else ""
            words.append(f"{self._name('v', place)}/{uv}/{normal}".rstrip("/"))
        line = f"f{self.blank}" + self.blank.join(words)
        if self.continued:
            middle = len(words) // 2
            line = f"f {' '.join(words[:middle])} \\{self.ending} {' '.join(words[middle:])}"
        self._add(line)

    def _name(self, kind: str, number: int) -> int:
        return number - self.count[kind] - 1 if self.relative else number

    def _declare(self, one: Polygon) -> tuple[list[int], list[int]]:
        """The numbers of its places and UVs, written where they aren't known yet."""
        if self.normals and (self.rng.random() < 0.3 or not self.count["vn"]):
            self._next("vn", np.array([0.0, 0.0, 1.0]), "")
        places = [self._known("v", point) for point in one.points]
        uvs = [] if one.uvs is None else [self._known("vt", uv) for uv in one.uvs]
        return places, uvs

    def _known(self, kind: str, values: np.ndarray) -> int:
        key = (kind, np.round(values, 9).tobytes())
        if key not in self.known or (self.interleaved and not self.shared and self.rng.random() < 0.3):
            extra = self.extra if kind == "v" else " 0" if self.third else ""
            self.known[key] = self._next(kind, values, extra)
        return self.known[key]

    def _next(self, kind: str, values: np.ndarray, extra: str) -> int:
        self._add(kind + self.blank + self.blank.join(self._written(value) for value in values) + extra)
        self.count[kind] += 1
        return self.count[kind]

    def _written(self, value: float) -> str:
        if self.number == "plus":
            return f"{value:+.7G}"
        return self.number % value

    def _add(self, line: str) -> None:
        comment = " # here" if self.comments and self.rng.random() < 0.5 else ""
        self.lines.append(self.indent + line + comment)
