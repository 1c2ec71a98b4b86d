"""What a model's networks do wrong, told apart from what is wrong with us: their numbers, their errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import torch
from torch import Tensor

from ..errors import Cancelled, UserError
from ..memory import ran_out
from ..options.values import cut

_LIBRARIES = ("diffusers", "transformers", "tokenizers")
_CHECK = 'check its files by "models verify"'
_FULL = '; in 16 bits, "precision": "full" in its sync_texture.json may help'


@contextmanager
def raised_by_networks() -> Iterator[None]:
    """Inside, what the networks raise, being made of a config that can't work, becomes a UserError. Errors of
    our own and a lack of memory stay what they are."""
    try:
        yield
    except (UserError, Cancelled):
        raise
    except Exception as error:
        if ran_out(error) or not _is_theirs(error.__traceback__):
            raise
        raise UserError(
            f"the model's networks can't be run ({reason(error)})", f"{_CHECK}, or choose another"
        ) from error


def finite(numbers: Tensor, what: str) -> Tensor:
    """``numbers``, once all of them are; raises UserError that says ``what`` gave them otherwise."""
    if bool(torch.isfinite(numbers).all()):
        return numbers
    raise UserError(f"the model's {what} gives numbers that aren't finite", _CHECK + _FULL)


def reason(error: Exception) -> str:
    """What a library's ``error`` says, in one short line."""
    return cut(" ".join(str(error).split()), 200) or type(error).__name__


def _is_theirs(trace: TracebackType | None) -> bool:
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES:
            return True
        trace = trace.tb_next
    return False
