"""Which canvas each kind of picture without a mesh is: one of choices.KINDS."""

from __future__ import annotations

from collections.abc import Mapping

from ..host import Clock, Host
from ..protocol import ImageRequest
from . import ambiguous, image, panorama, picture
from .canvas import Prepare, Prepared

_KINDS: Mapping[str, Prepare] = {
    "tile": image.prepare,
    "wide": image.prepare,
    "panorama": panorama.prepare,
    "picture": picture.prepare,
    "ambiguous": ambiguous.prepare,
}


def prepare(request: ImageRequest, host: Host, clock: Clock) -> Prepared:
    """The picture of ``request``; see canvas.Prepare."""
    return _KINDS[request.kind](request, host, clock)
