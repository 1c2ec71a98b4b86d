"""Readings of the corpus: ours and Blender's, each against what the files were made to show."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

from engine.mesh import read
from tests.engine.mesh.corpus import gltf_files, obj_files, ply_files, soup, stl_files
from tests.engine.mesh.corpus.solids import Case
from tests.engine.mesh.corpus.soup import Soup

KINDS = {"obj": obj_files.write, "ply": ply_files.write, "stl": stl_files.write, "gltf": gltf_files.write}
SCRIPT = Path(__file__).with_name("in_blender.py")


def made(kind: str, seed: int) -> Case:
    """The file number ``seed`` of a ``kind``; the same one every time."""
    return KINDS[kind](np.random.default_rng(seed))


def written(case: Case, folder: Path) -> Path:
    """The file to open, in ``folder`` with what it needs."""
    for name, data in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder / case.name


def ours(case: Case, path: Path) -> list[str]:
    """Where the engine's reading of ``path`` differs from the truth, as words."""
    raw = read.read(path, "material")
    materials = [case.shown[0].material] * len(raw.faces)
    if raw.part is not None:
        materials = [raw.parts[number] for number in raw.part]
    uvs = np.zeros((len(raw.faces), 3, 2)) if raw.uvs is None else raw.uvs
    own = soup.of_triangles(Soup(raw.vertices[raw.faces], uvs, materials))
    return soup.differences(soup.of_polygons(case.shown), own)


def blenders(cases: dict[str, Case], python: Path, folder: Path) -> dict[str, list[str]]:
    """Where Blender's readings differ from the truth, by the names of ``cases``, for those that it can read;
    all are read by one process."""
    readable = {name: case for name, case in cases.items() if not case.unread}
    files = {
        name: written(case, folder / name).relative_to(folder).as_posix() for name, case in readable.items()
    }
    (folder / "files.json").write_text(json.dumps(list(files.values())), encoding="utf-8")
    subprocess.run([python, SCRIPT, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = {}
    for name, case in readable.items():
        with np.load(folder / f"{files[name].replace('/', '_')}.npz", allow_pickle=False) as arrays:
            found[name] = [str(arrays["error"])] if "error" in arrays else _differences(case, arrays)
    return found


def _differences(case: Case, arrays: np.lib.npyio.NpzFile) -> list[str]:
    uvs = arrays["uvs"].copy()
    uvs[(uvs == (0, 1)).all(axis=(1, 2))] = 0  # what its glTF importer gives primitives without any
    read = Soup(arrays["points"], uvs, arrays["materials"].tolist()[: len(uvs)])
    truth = soup.of_polygons(case.shown, case.uvs, case.materials)
    return soup.differences(truth, soup.of_triangles(read, case.uvs, case.materials))
