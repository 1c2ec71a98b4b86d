#!/usr/bin/env python3
"""The one command for people: demo, test, bench, guide, picture, zip, validate.

Needs Python 3.11 to 3.13 and nothing else: it makes the environments it needs beside itself (.venv and
.venv-bpy-X.Y) from the locks in requirements/, and keeps them until a lock changes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tools import demo, environments, guide, package, tests
from tools.run import ROOT, BuildError, call, say


def main(arguments: list[str]) -> int:
    """Run the command in ``arguments`` and return the exit status."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and not hasattr(options, "passes_on"):
        _parser().error(f"unrecognised: {' '.join(rest)}")
    try:
        environments.check_python()
        status: int = options.run(options, rest)
        return status
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbuild.py: stopped; what was half made is made again next time", file=sys.stderr)
        return 130


def run_demo(options: argparse.Namespace, _: list[str]) -> int:
    """Texture Suzanne inside Blender and a mesh file on the command line; say where the results are."""
    return demo.run(options.prompt, options.model)


def run_test(_: argparse.Namespace, rest: list[str]) -> int:
    """Ruff, mypy and pytest; the exit status is that of the first that failed."""
    return tests.run(rest)


def run_bench(options: argparse.Namespace, rest: list[str]) -> int:
    """Run one benchmark, or list them all."""
    names = sorted(p.stem for p in (ROOT / "tests/bench").glob("*.py") if not p.stem.startswith("_"))
    if options.name is None:
        say("Benchmarks, each run by `build.py bench NAME`: " + (", ".join(names) or "none"))
        return 0
    if options.name not in names:
        raise BuildError(f"no benchmark is called {options.name}: `build.py bench` lists them")
    python = environments.engine("engine", "dev")
    return call([python, "-m", f"tests.bench.{options.name}", *rest], {"SYNC_TEXTURE_PYTHON": str(python)})


def run_guide(_: argparse.Namespace, __: list[str]) -> int:
    """Make the pictures of docs/guide.md anew, in a Blender with a window."""
    return guide.run()


def run_picture(_: argparse.Namespace, __: list[str]) -> int:
    """Make the README's picture anew."""
    return demo.picture()


def run_zip(_: argparse.Namespace, __: list[str]) -> int:
    """Build dist/sync_texture-VERSION.zip."""
    package.build()
    return 0


def run_validate(options: argparse.Namespace, _: list[str]) -> int:
    """Check a zip, by default the one of this version, which is built first where it is missing."""
    path = Path(options.zip).resolve() if options.zip else package.zip_path()
    if not path.is_file():
        if options.zip:
            raise BuildError(f"no such file: {path}")
        package.build()
    package.validate(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "demo", help="texture Suzanne in Blender and a mesh file; results in out/demo"
    )
    command.add_argument(
        "--prompt", default=demo.PROMPT, help="what the texture shows (default: %(default)r)"
    )
    command.add_argument(
        "--model", default=os.environ.get("SYNC_TEXTURE_MODEL", "starter"), help="name or folder"
    )
    command.set_defaults(run=run_demo)
    command = commands.add_parser("test", help="every check; more arguments go to pytest, such as -k EXPR")
    command.set_defaults(run=run_test, passes_on=True)
    command = commands.add_parser("bench", help="run a benchmark; without a name, list them")
    command.add_argument("name", nargs="?")
    command.set_defaults(run=run_bench, passes_on=True)
    command = commands.add_parser("guide", help="make the pictures of docs/guide.md in a Blender window")
    command.set_defaults(run=run_guide)
    command = commands.add_parser(
        "picture", help="make the README's picture: a still life of textured objects"
    )
    command.set_defaults(run=run_picture)
    commands.add_parser("zip", help="build the extension's zip in dist/").set_defaults(run=run_zip)
    command = commands.add_parser("validate", help="check the zip with Blender's own tool")
    command.add_argument("zip", nargs="?")
    command.set_defaults(run=run_validate)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
