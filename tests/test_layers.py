"""Who may import whom, what nobody may call, and how long things may get."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layers import MAX_MEDIAN, median_length, violations

LONG = "def long():\n" + "    x = 1\n" * 50


def test_this_repository_keeps_the_rules(root: Path) -> None:
    assert violations(root) == []


def test_functions_are_short(root: Path) -> None:
    assert median_length(root) <= MAX_MEDIAN


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("engine/mesh/a.py", "from ..views import cameras", "mesh stands below views"),
        ("engine/views/a.py", "from .. import sync", "views stands below sync"),
        ("engine/mesh/a.py", "from ..pipeline import run", "mesh stands below pipeline"),
        ("engine/denoise/a.py", "from ..mesh.mesh import Mesh", "denoise knows nothing of mesh"),
        ("engine/denoise/a.py", "from ..views.cameras import paper", "denoise knows nothing of views"),
        ("engine/errors.py", "from .mesh import mesh", "errors stands below mesh"),
        ("engine/sync/cases.py", "from ..views import cameras", "sync knows nothing of views"),
        ("engine/sync/cases.py", "from ..denoise.denoiser import Text", "sync knows of denoise only levels"),
        ("engine/sync/cases.py", "from ..denoise import device", "sync knows of denoise only levels"),
        ("engine/generate.py", "from .views.cameras import Camera", "generate knows nothing of views"),
        ("engine/generate.py", "from .bake.bake import bake", "generate knows nothing of bake"),
        ("engine/canvas/a.py", "from ..fresh import x", "which has no layer"),
        ("engine/fresh.py", "import json", "fresh has no layer"),
        ("engine/options/a.py", "from ..client import child", "options stands below client"),
        ("engine/options/a.py", "from .. import protocol", "options stands below protocol"),
        ("engine/memory.py", "from . import blend", "memory stands below blend"),
        ("engine/blend.py", "from .worker import Worker", "blend stands below worker"),
        ("engine/serve.py", "from .cli import main", "serve stands below cli"),
        ("engine/worker.py", "from .batch import jobs", "worker stands below batch"),
        ("engine/batch/a.py", "from ..cli import main", "batch stands below cli"),
        ("engine/sync/a.py", "import diffusers", "only engine/denoise may"),
        ("engine/models/a.py", "def f():\n    import torch", "can be told without it"),
        (
            "engine/export/a.py",
            "def f():\n    from transformers import CLIPTextModel",
            "only engine/denoise may",
        ),
        (
            "engine/export/a.py",
            "import importlib\nimportlib.import_module('diffusers')",
            "only engine/denoise may",
        ),
        ("engine/models/a.py", "text = path.read_text()", "go through engine/inputs.py"),
        ("engine/mesh/a.py", "data = (folder / name).read_bytes()", "go through engine/inputs.py"),
        ("engine/mesh/a.py", "file = open(path)", "go through engine/inputs.py"),
        ("engine/views/a.py", "file = path.open('rb')", "go through engine/inputs.py"),
        ("engine/views/a.py", "np.load(path, allow_pickle=False)", "go through engine/inputs.py"),
        ("engine/bake/a.py", "Image.open(path)", "go through engine/inputs.py"),
        ("engine/models/a.py", "print(name)", "goes through engine/terminal.py"),
        ("blender_sync_addon/operators/a.py", "self.report({'ERROR'}, name)", "goes through problem.say"),
        ("engine/mesh/a.py", "import bpy", "knows no Blender"),
        ("engine/mesh/a.py", "from ...blender_sync_addon import package", "imports"),
        ("engine/mesh/a.py", "from engine.errors import UserError", "only a relative import works"),
        ("blender_sync_addon/setup/a.py", "from mathutils import Vector", "knows no Blender"),
        ("blender_sync_addon/jobs/state.py", "def f():\n    import bpy", "knows no Blender"),
        ("blender_sync_addon/write/a.py", "from ..read import mesh", "write knows nothing of read"),
        ("blender_sync_addon/read/a.py", "from ..write import image", "read stands below write"),
        ("blender_sync_addon/jobs/a.py", "from ..results import history", "jobs stands below results"),
        ("blender_sync_addon/command/a.py", "from ..ui.panel import x", "command stands below ui"),
        ("blender_sync_addon/package.py", "from .setup import uv", "package stands below setup"),
        (
            "blender_sync_addon/setup/a.py",
            "def f():\n    from ..jobs import state",
            "setup stands below jobs",
        ),
        ("blender_sync_addon/desk/a.py", "import bpy", "desk has no layer"),
        ("blender_sync_addon/read/a.py", "import torch", "only Blender's own Python"),
        ("blender_sync_addon/read/a.py", "from ...engine.mesh import mesh", "outputs, protocol, words only"),
        ("blender_sync_addon/a.py", "from ..engine import errors", "outputs, protocol, words only"),
        ("blender_sync_addon/a.py", "from ..engine.batch import jobs", "outputs, protocol, words only"),
        ("engine/options/arguments.py", "import numpy", "Blender's Python reads this file, too"),
        ("engine/pictures/png.py", "import PIL", "Blender's Python reads this file, too"),
        ("engine/mesh/frame.py", "from .overlap import areas", "Blender's Python reads this file, too"),
        ("blender_sync_addon/read/a.py", "from ...engine.pictures import read", "only"),
        ("engine/client/a.py", "import numpy", "Blender's Python reads this file, too"),
        ("engine/json_lines.py", "from .worker import answer", "json_lines stands below worker"),
        ("engine/a.py", "import pickle", "can run code"),
        ("engine/a.py", "from http.server import HTTPServer", "listens on a port"),
        ("engine/a.py", "import socket\nsocket.socket().listen()", "listens on a port"),
        ("engine/a.py", "eval('1')", "calls eval"),
        ("training/a.py", "exec('1')", "calls exec"),
        ("engine/a.py", "load('x', trust_remote_code=True)", "trust_remote_code"),
        ("engine/a.py", "import numpy as np\nnp.load('x')", "allow_pickle=False"),
        ("engine/a.py", "import numpy as np\nnp.load('x', allow_pickle=True)", "allow_pickle=False"),
        ("training/a.py", "import torch\ntorch.load('x')", "weights_only=True"),
        ("engine/a.py", LONG, "long has 51 lines"),
        ("engine/a.py", "x = 1\n" * 401, "402 lines"),
    ],
)
def test_a_breach_is_found(tmp_path: Path, path: str, source: str, complaint: str) -> None:
    write(tmp_path / path, source)
    found = violations(tmp_path)
    assert len(found) >= 1, "the breach went unseen"
    assert any(f.startswith(f"{path}:") and complaint in f for f in found), found


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        ("from . import b", "from .c import x", "def f():\n    from .a import y"),
        ("from .b import x", "from . import c", "from typing import Any\n\nfrom ..mesh.a import Any"),
    ],
)
def test_a_circle_of_imports_is_found(tmp_path: Path, a: str, b: str, c: str) -> None:
    for name, source in (("a", a), ("b", b), ("c", c)):
        write(tmp_path / f"engine/mesh/{name}.py", source)
    write(tmp_path / "engine/mesh/d.py", "from . import a, b")
    circle = ["engine.mesh.a", "engine.mesh.b", "engine.mesh.c"]
    wanted = [
        f"{one.replace('.', '/')}.py:1: imports itself by way of {', '.join(x for x in circle if x != one)}"
        for one in circle
    ]
    assert violations(tmp_path) == wanted


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    write(
        tmp_path / "engine/canvas/mesh_maps.py",
        "from ..mesh.mesh import Mesh\nfrom .. import errors, protocol\nimport torch",
    )
    write(
        tmp_path / "engine/denoise/a.py",
        "import diffusers\nfrom ..errors import UserError\nfrom .step import ddim",
    )
    write(tmp_path / "engine/models/a.py", "from .. import terminal\nfrom ..options import choices")
    write(
        tmp_path / "engine/pictures/png.py", "import zlib\nimport numpy as np\nfrom .channels import to_srgb"
    )
    write(tmp_path / "blender_sync_addon/write/a.py", "from ...engine.pictures import channels, png")
    write(tmp_path / "engine/mesh/a.py", "file = open(path, 'wb')\nImage.open(BytesIO(data))\nmodel.eval()")
    write(tmp_path / "engine/mesh/atlas.py", "import numpy as np\nnp.load('x', allow_pickle=False)")
    write(
        tmp_path / "blender_sync_addon/jobs/a.py",
        "from ...engine import json_lines, protocol\nfrom ...engine.client import child\n"
        "from ...engine.protocol import Request",
    )
    write(tmp_path / "blender_sync_addon/read/a.py", "import bpy\nimport numpy as np\nfrom .. import package")
    write(
        tmp_path / "engine/batch/a.py", "from .. import terminal\nfrom ..export.save import writable_folder"
    )
    assert violations(tmp_path) == []


def write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source + "\n", encoding="utf-8")
