"""When what is painted is shown while it is made: at the first step, and then every few.

What is shown is the clean estimate of the moment, which gets its colours by denoise/linear_decoder.py; the
canvas makes files of it. They are gone when the job ends, whichever way; where it is killed, outputs.PREVIEWS
tells the next run that what is left may be written over. A preview changes nothing of the result, costs a few
hundredths of the run, and where the disk refuses it there is none.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .. import protocol
from ..host import Clock, Host
from ..outputs import PREVIEWS
from ..sync.sampler import Step
from . import save

MOST_PREVIEWS = 12  # of a whole run
SHARE = 0.015  # of the time so far that previews after the first may take


class PreviewFiles(Protocol):
    """What a canvas shows of itself. files: their names in the folder of the results."""

    @property
    def files(self) -> Sequence[str]: ...

    def show(self, pictures: NDArray[np.float32]) -> protocol.Preview:
        """Files of what the views ``pictures`` (N, h, w, K) float32 in [0, 1] make; raises OSError."""

    def remove(self) -> None:
        """Delete the files."""


class LivePreview:
    """Shows a job's steps: ``decode`` makes pictures (N, K, h, w) of latents, ``files`` files of them in
    ``folder``."""

    def __init__(
        self,
        folder: Path,
        files: PreviewFiles,
        decode: Callable[[Tensor], Tensor],
        host: Host,
        clock: Clock,
    ) -> None:
        self._folder, self._files, self._decode = folder, files, decode
        self._host, self._clock = host, clock
        self._first = True
        self._start, self._spent = time.perf_counter(), 0.0

    def __enter__(self) -> LivePreview:
        with contextlib.suppress(OSError):
            save.whole(self._folder / PREVIEWS, json.dumps({"files": [PREVIEWS, *self._files.files]}))
        return self

    def __exit__(self, *_: object) -> None:
        self._files.remove()
        with contextlib.suppress(OSError):
            os.unlink(self._folder / PREVIEWS)

    def __call__(self, step: Step) -> None:
        """Show the estimate of ``step``, where its turn has come."""
        now = time.perf_counter()
        if not self._is_due(step, now):
            return
        with self._clock.part("preview"), contextlib.suppress(OSError):  # a full disk: the result will say so
            pictures = self._decode(step.x0).permute(0, 2, 3, 1).contiguous().numpy()
            self._host.preview(self._files.show(pictures))
        if not self._first:
            self._spent += time.perf_counter() - now
        self._first = False

    def _is_due(self, step: Step, now: float) -> bool:
        if self._first:
            return True
        if step.i % math.ceil(step.n / MOST_PREVIEWS):
            return False
        return self._spent <= SHARE * (now - self._start)
