"""Model files from the Hugging Face hub: the local cache first, the network only to download.

Nothing else in the engine talks to the network: components are always loaded from local folders. The switch
is the hub's own: with HF_HUB_OFFLINE=1 the network is never tried.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import disk
from ..errors import UserError
from ..options.values import short
from ..outputs import unportable
from . import files, transfer
from .catalogue import ADAPTERS, ENTRIES, ESTIMATORS, Entry

Check = Callable[[], None]
Progress = Callable[[str, int, int], None]

REACH_SECONDS = 4.0


def cached(name: str) -> Path | None:
    """What is in the local cache of ``name``, None when nothing is: the folder of a repository's newest
    snapshot, or the file of one. No network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

    repo, file = split(name)
    try:
        folder = Path(snapshot_download(repo, local_files_only=True))
    except IncompleteSnapshotError as error:
        folder = Path(error.snapshot_path)  # only what we asked for was downloaded; the loader looks closer
    except LocalEntryNotFoundError:
        return None
    if not file:
        return folder
    return folder / file if (folder / file).is_file() else None


def split(name: str) -> tuple[str, str]:
    """("owner/name", "file") of "owner/name:file"; the second is empty where there is no ":"."""
    repo, _, file = name.partition(":")
    return repo, file


def delete(name: str) -> int:
    """Delete all of the repository that is in the local cache, half-downloaded files too, even if ``name``
    means a file of it; the bytes it took.

    Raises UserError when a file is in use."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=split(name)[0], repo_type="model")
    if not folder.is_dir():
        return 0
    size = sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise UserError(f"{folder} can't be deleted: {error}", "end what uses it, and try again") from error
    return size


def drop(path: Path) -> int:
    """Delete one file of a snapshot in the cache, and the content that it links to; the bytes it took."""
    size = path.stat().st_size
    path.resolve().unlink()
    path.unlink(missing_ok=True)
    return size


def offline() -> bool:
    """Whether the user switched the hub off."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def reachable(check: Check, seconds: float = REACH_SECONDS) -> bool:
    """Whether the hub (or the proxy to it) takes a connection within ``seconds``. The hub's own client tries
    for minutes where packets are dropped silently, so this asks first."""
    host, port = _gate()
    answered = threading.Event()

    def knock() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            answered.set()
        except (OSError, UnicodeError):  # the latter of a proxy whose name can't be one
            pass

    # A thread, since looking up the name may block far longer than any timeout.
    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    while thread.is_alive() and time.monotonic() < end:
        check()
        thread.join(0.1)
    return answered.is_set()


def download(
    name: str, subfolders: Iterable[str], progress: Progress, check: Check, weights: bool = True
) -> Path:
    """Download what the engine needs of a repository into the local cache; returns the snapshot's folder, or
    the file where ``name`` means one.

    subfolders: the component folders wanted ("" for a repository that is one component). Half-precision
    weights are preferred where the repository has both: half the size, and nothing is lost that can be seen.
    progress: called with (file name, bytes so far, bytes in all). check: called often; may raise Cancelled.
    Interrupted downloads resume. Raises UserError when the hub can't be reached or doesn't have it, DiskError
    where there is no room for it.
    """
    if offline() or not reachable(check):
        raise unreachable(name)
    repo, only = split(name)
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import RepositoryNotFoundError

    constants.HF_HUB_DISABLE_XET = True  # its native threads don't stop when ``check`` raises; HTTP does
    try:
        info = HfApi().model_info(repo, files_metadata=True, timeout=30)
        sizes = {f.rfilename: f.size or 0 for f in info.siblings or ()}
        wanted = _wanted(repo, only, sizes, tuple(subfolders), weights)
        return _fetch(repo, {file: sizes[file] for file in wanted}, progress, check) / only
    except RepositoryNotFoundError as error:
        raise UserError(f"the hub has no public model {repo}", "check the name") from error
    except _failures() as error:
        raise UserError(
            f"downloading {repo} failed: {(str(error) or type(error).__name__).splitlines()[0]}",
            "try again: the download resumes",
        ) from error


def _fetch(repo: str, sizes: Mapping[str, int], progress: Progress, check: Check) -> Path:
    """The snapshot's folder with the files of ``sizes``, which are as many bytes. Raises DiskError, and what
    the hub's client does."""
    from huggingface_hub import constants

    cache, folder, meter = Path(constants.HF_HUB_CACHE), Path(), _Meter(sum(sizes.values()), progress, check)
    disk.require(cache, _left(repo, sizes))
    try:
        for file, size in sizes.items():
            check()
            folder = transfer.fetch(repo, file, meter.bar(file)).parents[file.count("/")]
            meter.finished(file, size)
    except OSError as error:
        if full := disk.failure(error, cache, _left(repo, sizes)):
            raise full from error
        raise
    return folder


def _left(repo: str, sizes: Mapping[str, int]) -> int:
    """Of the bytes of ``sizes`` those that aren't in the cache yet."""
    from huggingface_hub import try_to_load_from_cache

    missing = (file for file in sizes if not isinstance(try_to_load_from_cache(repo, file), str))
    begun = sum(part.stat().st_size for part in transfer.blobs(repo).glob("*.part"))
    return max(0, sum(sizes[file] for file in missing) - begun)


def _wanted(
    repo: str, only: str, sizes: Mapping[str, int], subfolders: tuple[str, ...], weights: bool
) -> list[str]:
    """Of the files of ``repo``, with their ``sizes``, those to download; raises UserError where there are
    none."""
    bare = [file for file in sizes if "/" not in file and file.endswith(".safetensors")]
    if only and only not in sizes:
        others = f"choose another, such as {repo}:{bare[0]}" if bare else "choose another repository"
        raise UserError(f"{repo} has no file {only}", others)
    wanted = [only] if only else files.wanted(sizes, subfolders, weights)
    if odd := next((name for name in wanted if any(map(unportable, name.split("/")))), None):
        what = f"{repo} has the file {short(odd)}, a name that not every system can hold"
        raise UserError(what, "tell who published it, or choose another")
    if not wanted:
        one = f"{repo}:{bare[0]}" if bare else "a single file of it"
        raise UserError(f"{repo} isn't a model in diffusers layout", f"choose another, or {one}")
    return wanted


def _failures() -> tuple[type[Exception], ...]:
    """What the hub's client raises when the network or the disk fails."""
    from huggingface_hub import errors

    # The transport library behind it differs between versions; this is its base class in each of them.
    return (errors.HTTPError, OSError)  # type: ignore[attr-defined]


def unreachable(repo: str) -> UserError:
    """The error for weights that are neither cached nor to be had now."""
    off = "the network is switched off (Blender's online access, {offline} or HF_HUB_OFFLINE)"
    why = off if offline() else "the hub can't be reached"
    known = (*ENTRIES, *ADAPTERS.values(), *ESTIMATORS.values())
    entry = next((e for e in known if repo in (e.base, e.controlnet) or _encoder_of(e) == repo), None)
    instead = "a folder or .safetensors file as the model"
    if entry and entry.encoder:
        instead = "a .safetensors file as the IP-Adapter"
    elif entry and entry.name in ESTIMATORS:
        instead = "a folder as the estimator"
    return UserError(
        f"the weights of {repo} aren't on this computer and {why}",
        f'run "python -m engine models download {entry.name if entry else repo}" with a network connection, '
        f"or give {instead}",
        offline=None,
    )


def _encoder_of(entry: Entry) -> str | None:
    """The repository of an IP-Adapter's image encoder, None for models."""
    return split(entry.base)[0] if entry.base and entry.encoder else None


def _gate() -> tuple[str, int]:
    """Host and port that a connection to the hub goes to."""
    from huggingface_hub import constants

    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    url = urlsplit(proxy if proxy and "://" in proxy else constants.ENDPOINT)
    return url.hostname or "", url.port or (80 if url.scheme == "http" else 443)


class _Meter:
    """Adds up the bytes of several downloads and looks for cancellation while they run."""

    def __init__(self, total: int, progress: Progress, check: Check) -> None:
        self.total, self.progress, self.check = total, progress, check
        self.done = 0

    def finished(self, name: str, size: int) -> None:
        self.done += size
        self.progress(name, self.done, self.total)

    def bar(self, name: str) -> type[Any]:
        """A progress bar class for one file, as the hub's client wants it."""
        from tqdm import tqdm  # type: ignore[import-untyped]

        meter = self

        class CountingBar(tqdm):  # type: ignore[misc]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                kwargs["disable"] = True  # counted, never drawn
                kwargs.pop("name", None)
                super().__init__(*args, **kwargs)
                self.seen = int(kwargs.get("initial") or 0)

            def update(self, n: float | None = 1) -> None:
                meter.check()
                self.seen += int(n or 0)
                meter.progress(name, meter.done + self.seen, meter.total)

        return CountingBar
