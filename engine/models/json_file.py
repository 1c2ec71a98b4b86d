"""Reading the JSON files of a model: one object each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import UserError


def read_json(path: Path, fix: str = "download the model again") -> dict[str, Any]:
    """The object in a JSON file, with or without a byte order mark; raises UserError that names the file,
    with ``fix``."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing", fix) from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}", fix) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} isn't JSON: {error}", fix) from error
    if not isinstance(data, dict):
        raise UserError(f"{path} isn't an object of JSON", fix)
    return data
