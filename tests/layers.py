"""The rules that keep the rooms of this project apart, as a function over a source tree."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

# Every folder and file of engine/, from the bottom up: each may import those before it.
ENGINE = (
    *("words", "errors", "options", "json_types", "protocol", "terminal", "json_lines", "client"),
    *("inputs", "outputs", "disk"),
    *("host", "threads", "memory", "blend"),
    *("pictures", "mesh", "views", "controls", "splats"),
    *("models", "relative", "denoise", "sync", "settings"),
    *("bake", "measure", "export", "canvas"),  # a canvas is finished, measured and written
    *("painter", "generate", "pipeline", "worker", "serve", "batch"),
    *("doctor", "cli", "__main__"),
)
# So of blender_sync_addon/: leaves (the shipped presets are run by Blender itself), then its rooms.
ADD_ON = (
    *("shipped", "problem", "package", "datablocks", "background_lookup", "engine_files"),
    *("setup", "read", "write", "preview"),
    *("jobs", "results"),
    *("command", "operators", "ui"),
)
LAYERS = {"engine": ENGINE, "blender_sync_addon": ADD_ON}
# Standard library only: Blender's Python may read them, too.
FOR_ADD_ON = {"protocol", "words", "options", "client", "json_lines", "inputs", "outputs"}
SHARED = {"errors", "terminal", "json_types", *FOR_ADD_ON}
WITH_NUMPY = ("mesh.frame", "models.presets", "pictures.png", "pictures.channels")  # files for both processes
MODEL_SIDE, MESH_SIDE = ("models", "denoise", "sync"), {"mesh", "views", "controls", "splats"}
# Lower layers that a layer must not know all the same: what denoises a canvas doesn't ask of what it is made.
APART = {
    **dict.fromkeys(MODEL_SIDE, MESH_SIDE),
    **dict.fromkeys(("painter", "generate"), MESH_SIDE | {"bake", "measure", "export"}),
    "write": {"read"},
}
# Files that alone a layer may know of another: synchronising is numbers, whatever the model.
ONLY = {("sync", "denoise"): {"levels", "steps"}}
# Of the add-on what runs in a thread beside Blender, or is tested without it.
NO_BLENDER = (
    "problem",
    "engine_files",
    "setup",
    "read.arrays",
    "preview.pieces",
    "jobs.state",
    "jobs.supervisor",
    "jobs.job_files",
    "jobs.inbox",
    "jobs.received",
)
# Who may open what it reads in other ways than engine/inputs.py: files that came in go through that alone.
READERS = {
    "engine/inputs.py": "it is that way",
    "engine/blend.py": "what Blender answers, in our private folder",
    "engine/batch/journal.py": "a batch's own record",
    "engine/batch/lock.py": "a batch's own lock",
    "engine/client/guard.py": "what our child printed, in our private folder",
    "engine/export/glb.py": "textures that we have just written",
    "engine/mesh/atlas.py": "arrays of our child, in our private folder",
    "engine/mesh/xatlas_child.py": "arrays of our parent, in its private folder",
    "engine/pictures/png.py": "pictures between engine and Blender, whose Python has no inputs.py",
}
PRINTERS = {
    "engine/terminal.py": "it is where that is done",
    "engine/options/arguments.py": "below it, one line that is readable",
}
HUB = {"diffusers", "transformers"}
BLENDER = {"bpy", "bmesh", "mathutils", "gpu", "blf", "bl_ui", "bl_ext", "aud", "freestyle"}
HEAVY = {"torch", "diffusers", "transformers", "trimesh", "embreex", "xatlas", "scipy", "PIL", "safetensors"}
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
SERVERS = {"socketserver", "xmlrpc", "http.server", "flask", "fastapi", "uvicorn", "aiohttp", "tornado"}
SERVING = {"create_server", "start_server", "start_unix_server", "listen"}
MAX_FUNCTION, MAX_FILE = 50, 400
MAX_MEDIAN = 7  # lines of a function, over all of them
PRODUCT = ("engine", "blender_sync_addon", "training", "tools", "demo")


def violations(root: Path) -> list[str]:
    """Every breach of the rules in the tree at ``root``, as "path:line: what"; [] when there is none."""
    files = [p for part in PRODUCT for p in sorted((root / part).rglob("*.py"))]
    files += sorted(root.glob("*.py"))
    found = []
    known: dict[str, set[str]] = {}
    for path in files:
        where = path.relative_to(root)
        layers = LAYERS.get(where.parts[0])
        if layers and _layer(where.parts[1]) not in (*layers, "__init__"):
            found.append(f"{where.as_posix()}:1: {_layer(where.parts[1])} has no layer")
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, str(path))
        known[_module(where)] = {_absolute(where, level, module) for _, level, module in _imports(tree)}
        for line, what in _all_rules(where, text, tree):
            found.append(f"{where.as_posix()}:{line}: {what}")
    return [*found, *_circles(known)]


def median_length(root: Path) -> float:
    """How many lines the middle one of the product's functions has."""
    files = [path for part in PRODUCT for path in (root / part).rglob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in files]
    return statistics.median(length for tree in trees for _, length in _functions(tree))


def _functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Each function and its lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def _module(where: Path) -> str:
    return ".".join(where.with_suffix("").parts).removesuffix(".__init__")


def _circles(known: dict[str, set[str]]) -> Iterator[str]:
    """The files that import themselves by way of others. known: what each module imports; of what isn't a
    module itself, what it is imported from counts."""

    def imported(module: str) -> Iterator[str]:
        for name in known[module]:
            name = name if name in known else name.rpartition(".")[0]
            if name in known and name != module:
                yield name

    below: dict[str, set[str]] = {}
    for module in known:
        waiting, below[module] = [module], set()
        while waiting:
            new = set(imported(waiting.pop())) - below[module]
            below[module] |= new
            waiting += new
    for module in known:
        if module in below[module]:
            others = sorted(name for name in below[module] if module in below[name] and name != module)
            yield f"{module.replace('.', '/')}.py:1: imports itself by way of {', '.join(others)}"


def _all_rules(where: Path, text: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    imports = [(line, _absolute(where, level, module)) for line, level, module in _imports(tree)]
    for line, module in imports:
        yield from ((line, what) for what in _import_rules(where, module))
    yield from _call_rules(tree)
    if where.parts[0] == "engine" and where.as_posix() not in READERS:
        yield from _reading_rules(tree)
    if where.parts[0] == "engine" and where.as_posix() not in PRINTERS:
        yield from _printing_rules(tree)
    if where.parts[0] == "blender_sync_addon" and where.name != "problem.py":
        yield from _reporting_rules(tree)
    yield from _size_rules(text, tree)
    if where.parts[0] == "engine" or where.parts[0] == "blender_sync_addon":
        yield from _relative_rules(where, tree)


def _printing_rules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno, "prints by itself: what is shown goes through engine/terminal.py"


def _reporting_rules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and _name(node.func) == "report"
            and any(isinstance(one, ast.Set) for one in node.args)
        ):
            yield node.lineno, "reports by itself: what operators say goes through problem.say"


def _imports(tree: ast.Module) -> Iterator[tuple[int, int, str]]:
    """(line, level, dotted module) of every import; ``from x import y`` counts as x.y, since y may be one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, 0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, node.level, ".".join(filter(None, (node.module, alias.name)))
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            names = [a.value for a in node.args[:1] if isinstance(a, ast.Constant)]
            yield from ((node.lineno, 0, name) for name in names if isinstance(name, str))


def _absolute(where: Path, level: int, module: str) -> str:
    """``module`` as seen from the repository's root."""
    if not level:
        return module
    parent = where.parts[: len(where.parts) - level]
    return ".".join((*parent, module))


def _import_rules(where: Path, module: str) -> Iterator[str]:
    part, top = where.parts[0], module.split(".")[0]
    in_add_on, in_engine = part == "blender_sync_addon", part == "engine"
    if top in UNSAFE:
        yield f"imports {top}: loading it can run code"
    if top in SERVERS or any(module.startswith(f"{name}.") or module == name for name in SERVERS):
        yield f"imports {module}: nothing here listens on a port"
    if top in HUB and in_engine and where.parts[:2] != ("engine", "denoise"):
        yield f"imports {top}: only engine/denoise may"
    if top == "torch" and where.parts[:2] == ("engine", "models"):
        yield "imports torch: which models there are can be told without it"
    if top in BLENDER and (in_engine or (in_add_on and _is_without_blender(where))):
        yield f"imports {top}: this part knows no Blender"
    if in_add_on and top in HEAVY:
        yield f"imports {top}: the add-on has only Blender's own Python"
    if in_add_on and top == "engine" and not _is_for_add_on(module):
        yield f"imports {module}: of the engine the add-on knows {', '.join(sorted(FOR_ADD_ON))} only"
    if in_engine and _is_beyond_blender(where, module):
        yield f"imports {module}: Blender's Python reads this file, too"
    if in_engine and top == "blender_sync_addon":
        yield "imports the add-on: the engine doesn't know it"
    if top == part and part in LAYERS:
        yield from _layer_rules(where, module)


def _is_without_blender(where: Path) -> bool:
    inner = ".".join(where.with_suffix("").parts[1:])
    return any(inner == name or inner.startswith(f"{name}.") for name in NO_BLENDER)


def _is_for_add_on(module: str) -> bool:
    """Whether ``module``, or what it is imported from, is one of the engine's that the add-on reads."""
    inner = module.removeprefix("engine.")
    return inner.split(".")[0] in FOR_ADD_ON or inner.startswith(WITH_NUMPY)


def _is_beyond_blender(where: Path, module: str) -> bool:
    """Whether the engine's file ``where`` is one that Blender's Python reads, without ``module``."""
    with_numpy, top = ".".join(where.with_suffix("").parts[1:]) in WITH_NUMPY, module.split(".")[0]
    if not with_numpy and _layer(where.parts[1]) not in SHARED:
        return False
    if top == "engine":
        return with_numpy and not _is_for_add_on(module)
    return top not in sys.stdlib_module_names and not (with_numpy and top == "numpy")


def _layer_rules(where: Path, module: str) -> Iterator[str]:
    own, other = _layer(where.parts[1]), [*module.split("."), ""][1]
    layers = LAYERS[where.parts[0]]
    if own == "__init__" or not other or other == own:
        return
    if other not in layers:
        yield f"imports {module}, which has no layer"
    elif own in layers and layers.index(other) > layers.index(own):
        yield f"imports {module}: {own} stands below {other}"
    elif other in APART.get(own, ()):
        yield f"imports {module}: {own} knows nothing of {other}"
    elif (own, other) in ONLY and module.split(".")[2] not in ONLY[own, other]:
        yield f"imports {module}: {own} knows of {other} only {', '.join(sorted(ONLY[own, other]))}"


def _layer(part: str) -> str:
    return part.removesuffix(".py")


def _relative_rules(where: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Inside the extension only relative imports find our own modules, whatever Blender calls the package."""
    if where.name == "__main__.py":
        return
    for line, level, module in _imports(tree):
        if level == 0 and module.split(".")[0] in ("engine", "blender_sync_addon"):
            yield line, f"imports {module} absolutely: in Blender only a relative import works"


def _call_rules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        keywords = {k.arg: k.value for k in node.keywords}
        if isinstance(node.func, ast.Name) and name in ("eval", "exec"):
            yield node.lineno, f"calls {name}"
        if name in SERVING or (name == "bind" and _owner(node.func).endswith(("sock", "socket", "server"))):
            yield node.lineno, f"calls {name}: nothing here listens on a port"
        if _is_true(keywords.get("trust_remote_code")):
            yield node.lineno, "sets trust_remote_code"
        if (
            name == "load"
            and _owner(node.func) in ("np", "numpy")
            and not _is_false(keywords.get("allow_pickle"))
        ):
            yield node.lineno, "calls np.load without allow_pickle=False"
        if name == "load" and _owner(node.func) == "torch" and not _is_true(keywords.get("weights_only")):
            yield node.lineno, "calls torch.load without weights_only=True"
        if _is_true(keywords.get("shell")):
            yield node.lineno, "runs a shell"


def _reading_rules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What comes in may be a pipe, a device, or larger than memory; inputs.py knows."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _reads_a_file(node):
            yield node.lineno, f"calls {_name(node.func)}: files that come in go through engine/inputs.py"


def _reads_a_file(call: ast.Call) -> bool:
    name, owner = _name(call.func), _owner(call.func)
    if name in ("read_text", "read_bytes") or (name == "load" and owner in ("np", "numpy")):
        return True
    if name != "open" or owner == "os":
        return False
    given = call.args[1:] if isinstance(call.func, ast.Name) else call.args
    if owner == "Image":
        return not (isinstance(given[0], ast.Call) and _name(given[0].func) == "BytesIO")
    mode = given[0] if given else None
    if mode is not None and not isinstance(mode, ast.Constant):
        return False  # a member of an archive
    return mode is None or not set("wax") & set(str(mode.value))


def _size_rules(text: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if (count := text.count("\n")) > MAX_FILE:
        yield MAX_FILE, f"the file has {count} lines, more than {MAX_FILE}"
    for function, length in _functions(tree):
        if length > MAX_FUNCTION:
            yield function.lineno, f"{function.name} has {length} lines, more than {MAX_FUNCTION}"


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _owner(function: ast.expr) -> str:
    """The name before the dot: "np" for ``np.load``."""
    return _name(function.value) if isinstance(function, ast.Attribute) else ""


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


if __name__ == "__main__":
    print("\n".join(violations(Path(sys.argv[1]))))
