"""The command line in this process: what it says, and whether a person could read that."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from tests.bench.fuzz.case import (
    BUG,
    REFUSED,
    TRACEBACK,
    UNCLEAR,
    WORKED,
    WRONG,
    Case,
    Ended,
    printed_problems,
)

STATUSES = range(7)
"""Those that docs/command-line.md promises, but for 1, which is a bug, or a batch with jobs that failed."""


def run(case: Case, words: Sequence[str], wanted: int | None = None, failing: bool = False) -> Ended:
    """Run the command ``words``. wanted: the only status that is right. failing: 1 isn't a bug."""
    from engine import cli

    try:
        status = cli.main(list(words))
    except SystemExit as error:  # what argparse ends with
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return Ended("", said(case), [TRACEBACK])
    problems = [BUG] if status == 1 and not failing else []
    problems += [WRONG] if status not in STATUSES or (wanted is not None and status != wanted) else []
    problems += printed_problems(said(case))
    if status == 2 and not said(case, "stderr").strip():
        problems.append(UNCLEAR)
    return Ended(WORKED if status in (0, 1) else REFUSED, f"status {status}: {said(case)}", problems)


def said(case: Case, *names: str) -> str:
    """What it printed so far."""
    sys.stdout.flush()
    sys.stderr.flush()
    files = [case.root / "log" / name for name in names or ("stderr", "stdout")]
    return "".join(file.read_text("utf-8", "replace") for file in files if file.exists())
