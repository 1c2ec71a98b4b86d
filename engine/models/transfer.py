"""One large file into the hub's cache, resumable in the middle and cancellable at every chunk.

The hub's own client drops a half-downloaded file. This fetches the content into the place where that client
keeps it (``blobs``, by its checksum) and leaves the rest of the book-keeping to it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import UserError
from ..inputs import open_input


def fetch(repo: str, name: str, bar: type[Any]) -> Path:
    """Download file ``name`` of ``repo`` into the cache unless it is there; returns its path in the snapshot.

    bar: a progress bar class, as tqdm; what its ``update`` raises ends the download, which the next call
    resumes. Raises UserError when the content isn't what the hub published, else what the hub's client does.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    url = hf_hub_url(repo, name)
    headers = build_hf_headers()
    meta = get_hf_file_metadata(url, headers=headers)
    if meta.etag and meta.size:
        same_host = urlsplit(meta.location).netloc == urlsplit(url).netloc
        _content(blobs(repo) / meta.etag, meta.location, headers if same_host else {}, meta.size, bar)
    path = Path(hf_hub_download(repo, name, tqdm_class=bar))
    if meta.etag and meta.size and not path.is_symlink():
        (blobs(repo) / meta.etag).unlink(missing_ok=True)  # no links on this file system: don't keep it twice
    return path


def blobs(repo: str) -> Path:
    """The folder of ``repo``'s contents in the cache; it needn't be there."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model") / "blobs"


def _content(blob: Path, url: str, headers: dict[str, str], size: int, bar: type[Any]) -> None:
    from huggingface_hub.file_download import http_get

    if blob.exists():
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(blob.name + ".part")
    with part.open("ab") as stream:
        if stream.tell() > size:
            stream.truncate(0)
        http_get(url, stream, resume_size=stream.tell(), headers=headers, expected_size=size, tqdm_class=bar)
    if len(blob.name) == 64 and checksum(part) != blob.name:  # large files' etag is their SHA-256
        part.unlink()
        raise UserError(f"{blob.name[:12]}... arrived damaged from the hub", "download again")
    part.rename(blob)


def checksum(path: Path) -> str:
    """The SHA-256 of a file's contents in hexadecimal. Raises UserError for what is no file."""
    stream, _ = open_input(path)
    with stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
