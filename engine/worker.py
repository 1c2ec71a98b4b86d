"""One request to one result, whoever asks. Keeps the last model loaded; holds the one broad except."""

from __future__ import annotations

import contextlib
import gc
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import blend, disk, protocol
from .errors import Cancelled, UserError, Wording, flag
from .host import Host
from .options import values
from .outputs import MESH_FILES, REPORT, Outputs

if TYPE_CHECKING:
    from .denoise.denoiser import Denoiser

_LARGE = {
    protocol.Request: "mesh, texture",
    protocol.ImageRequest: "picture",
    protocol.SplatsRequest: "file of splats, fewer views",
}
PACKAGE = __name__.split(".")[0]


@dataclass(frozen=True)
class Failure:
    """Why a job failed: what is wrong, how to mend it, and the exit status of the contract."""

    wording: Wording
    code: int

    @property
    def error(self) -> str:
        return self.wording.by(flag)[0]

    @property
    def fix(self) -> str:
        return self.wording.by(flag)[1]


class Worker:
    """Does jobs one after the other. frugal: with one view at a time in the networks, whatever would fit."""

    def __init__(self, frugal: bool = False) -> None:
        self._frugal = frugal
        self._key: tuple[str, str] | None = None
        self._model: Denoiser | None = None

    def import_libraries(self) -> None:
        """Import what a job needs, torch and the model's libraries: seconds that the first one then needn't
        wait for. What can't be imported, that job will say."""
        with contextlib.suppress(Exception), _nothing_collected():
            from . import pipeline  # noqa: F401
            from .denoise import libraries

            libraries.load(lambda: None)

    def run(self, request: protocol.AnyRequest, host: Host) -> protocol.Result | Failure | None:
        """The result of ``request``, why there is none, or None when it was cancelled. Never raises."""
        try:
            host.progress("start", 0, 1, None)
            values.check_all(request.table(), request)
            if not isinstance(request, protocol.Request):
                Outputs.of(request).check([REPORT])
                return self._texture(request, host)
            Outputs.of(request).check([*MESH_FILES, *blend.files(request)])
            return blend.through_blender(
                request, host, lambda opened, finish: self._texture(opened, host, finish)
            )
        except (Cancelled, KeyboardInterrupt):
            return None
        except Exception as error:
            # What breaks after a cancel breaks because of it: a library half imported, a process ended.
            return None if host.cancelled() else _failure(error, request)

    def _texture(
        self, request: protocol.AnyRequest, host: Host, finish: blend.Finish = blend.unfinished
    ) -> protocol.Result:
        with _nothing_collected():
            from .pipeline import texture  # torch takes seconds to import; a cancel may come before it

        host.check()
        return texture(
            request, lambda name, device, loras: self._load(name, device, loras, host), host, finish=finish
        )

    def _load(self, name: str, device: str, loras: tuple[str, ...], host: Host) -> Denoiser:
        from .denoise.denoiser import load_denoiser

        if self._model is None or self._key != (name, device):
            if self._model is not None:
                self._model.free()  # before the next one: two may not fit
            self._key = self._model = None
            with _nothing_collected():
                self._model = load_denoiser(name, device, host.check, asked=loras)
            self._key = (name, device)
            if self._frugal:
                self._model.household.limit(rows=1, pictures=1)
        else:
            self._model.use_loras(loras, host.check)
        return self._model


@contextlib.contextmanager
def _nothing_collected() -> Iterator[None]:
    """Inside, Python doesn't look for garbage: of what is imported all stays, and looking through it again
    and again takes a sixth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _failure(error: Exception, request: protocol.AnyRequest) -> Failure:
    if of_disk := disk.failure(error):
        return Failure(of_disk.wording, of_disk.code)
    if isinstance(error, UserError):
        return Failure(error.wording, error.code)
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.split(".")[0] != PACKAGE:
        what = f"the engine's Python ({sys.executable}) has no {error.name}"
        fix = "install it; the engine's doctor lists all it needs"
        return Failure(Wording(what, fix), protocol.EXIT_BAD_INPUT)
    if _ran_out(error):
        fix = f"close other programs, or use a smaller {_LARGE[type(request)]} or model"
        return Failure(Wording("memory ran out", fix), protocol.EXIT_OUT_OF_MEMORY)
    # A bug: say so with its trace, and live on for the next job.
    traceback.print_exception(error, file=sys.stderr)
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{where.filename.rsplit('/', 1)[-1]}:{where.lineno}"
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return Failure(Wording(f"{what} ({place})", "this is a bug: please report it"), protocol.EXIT_BUG)


def _ran_out(error: Exception) -> bool:
    if "torch" not in sys.modules:  # it couldn't be imported: whatever went wrong, ask nothing of it
        return isinstance(error, MemoryError)
    from .memory import ran_out

    return ran_out(error)


def answer(job_id: str, outcome: protocol.Result | Failure | None) -> dict[str, Any]:
    """The message that ends job ``job_id``."""
    if outcome is None:
        return protocol.message(protocol.CANCELLED, id=job_id)
    if isinstance(outcome, Failure):
        return protocol.failed(outcome.wording, outcome.code, id=job_id)
    return protocol.message(protocol.DONE, id=job_id, result=outcome.as_dict())
