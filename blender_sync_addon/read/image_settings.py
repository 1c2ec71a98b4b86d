"""What the artist chose for a picture without a mesh, as a request to the engine; and what a result keeps of
it."""

from __future__ import annotations

from typing import Any

from ...engine import protocol
from ...engine.options import values
from ...engine.options.image import PICTURE, ImageRequest
from ...engine.options.option import PANEL, at
from ..datablocks import TAG
from ..problem import Problem
from . import settings as read_settings

KIND = "kind"
"""What only the origin of a picture has: see ``origin``."""
SHARED = tuple(name for name, one in at(ImageRequest, PANEL).items() if one.section != PICTURE)
"""The options that a picture has in common with a texture: the panel's."""


def of_options(options: Any, fallback: Any, device: str, **own: Any) -> ImageRequest:
    """The request in ``options`` (an operator), of the panel's ``fallback`` where it has none of its own.

    own: the kind, and what else only pictures have. Its folder is the job's to say.
    """
    chosen = read_settings.from_options(options, fallback, device)
    shared = {name: getattr(chosen, name) for name in SHARED}
    return ImageRequest(**{**shared, **own, "device": device, "out": ""})


def check(request: ImageRequest) -> None:
    """Raise Problem for what the engine would refuse anyway, before anything is started."""
    if not request.prompt.strip():
        raise Problem("The prompt is empty", "Say what it should show, for example 'weathered red bricks'.")
    try:
        values.check_all(request.table(), request)
    except protocol.UserError as error:
        raise Problem.of(error) from error


def origin(request: ImageRequest) -> dict[str, Any]:
    """How a picture was made, to be kept with it: what was chosen, without what was left open."""
    return read_settings.origin_of(request, (KIND, *at(ImageRequest, PANEL)))


def kind(material: Any | None) -> str:
    """The kind of picture that our ``material`` shows; "" for a texture, and for none."""
    return str(material[TAG].get(KIND, "")) if material is not None and TAG in material else ""


def stored(material: Any, device: str) -> ImageRequest:
    """The request that our ``material``, which shows a picture, was made by."""
    table = ImageRequest.table()
    return ImageRequest(**{**read_settings.kept(material, table, table), "device": device, "out": ""})
