"""What a model is asked for in each view of a mesh: the prompt, and in regions theirs.

Regions lie over the rest, and later ones over earlier ones, as coats of paint do: of what is left of a place,
a region takes as much as the place is in it. So weights of a place sum to 1. They are softened, so that both
sides of a border are painted with an eye on each other; what lies behind the mesh is asked for as what is
nearest to it in the picture. A region of which a view shows next to nothing costs it no pass of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ..options.areas import Region
from ..options.values import cut
from ..settings import Settings
from ..views import prompts
from ..views.cameras import Camera
from ..views.surface import Surface, View
from .canvas import Prompt
from .mesh_areas import MeshArea

Floats = NDArray[np.float32]

SOFT = 0.5  # latents: standard deviation of the blur that softens borders
LEAST = 0.5  # latents of a view that a region must cover, to be painted there


@dataclass(frozen=True)
class ViewPrompts:
    """What each of N views is asked for, and a line about what is asked for nowhere."""

    views: tuple[tuple[Prompt, ...], ...]
    warnings: list[str]

    @classmethod
    def build(
        cls, surface: Surface, shots: Sequence[View], settings: Settings, areas: Sequence[MeshArea]
    ) -> ViewPrompts:
        """For the ``shots`` of ``surface``; ``areas``: of the regions of ``settings``."""
        if not areas:
            alone = tuple((_prompt(shot.camera, settings.prompt, settings.negative),) for shot in shots)
            return cls(alone, [])
        pixels = settings.view_size // settings.latent_view_size
        found = [_weights(surface, shot, areas, pixels) for shot in shots]
        views = tuple(
            _prompts(shot.camera, settings, weights) for shot, weights in zip(shots, found, strict=True)
        )
        return cls(views, _unused(settings.regions, [set(weights) for weights in found]))


def layered(parts: Sequence[Floats]) -> list[Floats]:
    """How much of each place counts for the rest, and then for each of ``parts``, of which later ones lie
    over earlier ones; in sum 1."""
    left = np.ones_like(parts[0])
    found: list[Floats] = []
    for part in reversed(parts):
        found.append(left * part)
        left = left * (1 - part)
    return [left, *reversed(found)]


def softened(weights: Sequence[Floats], mask: NDArray[np.bool_], pixels: int) -> list[Floats]:
    """``weights`` (R, R) that sum to 1 where ``mask`` is, blurred over ``pixels`` a latent; beyond the mask
    they are those of what is nearest. They sum to 1 everywhere."""
    if not mask.any():
        return list(weights)
    row, column = distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return [
        np.asarray(gaussian_filter(one[row, column], SOFT * pixels, mode="nearest"), np.float32)
        for one in weights
    ]


def _weights(
    surface: Surface, shot: View, areas: Sequence[MeshArea], pixels: int
) -> dict[int, Floats | None]:
    """Of what is asked for in ``shot``, by its number: 0 is the rest, then the regions. None for one that is
    alone."""
    hard = layered([area.seen(surface, shot) for area in areas])
    shown = [float((one * shot.mask).sum()) / pixels**2 for one in hard]
    least = min(LEAST, max(shown))  # of a tiny mesh what it shows most of
    kept = [i for i, much in enumerate(shown) if much >= least]
    if len(kept) == 1:
        return {kept[0]: None}
    return dict(zip(kept, softened([hard[i] for i in kept], shot.mask, pixels), strict=True))


def _prompts(camera: Camera, settings: Settings, weights: dict[int, Floats | None]) -> tuple[Prompt, ...]:
    found = []
    for i, mask in weights.items():
        region = settings.regions[i - 1] if i else None
        asked = _prompt(camera, region.prompt if region else settings.prompt, settings.negative)
        guidance = region.guidance if region else None
        found.append(replace(asked, mask=mask, number=i, guidance=guidance))
    return tuple(found)


def _prompt(camera: Camera, prompt: str, negative: str) -> Prompt:
    """With words for where ``camera`` stands."""
    return Prompt(prompts.positive(prompt, camera), prompts.negative(negative, camera))


def _unused(regions: Sequence[Region], used: Sequence[set[int]]) -> list[str]:
    """A line for each prompt that no view is asked for."""
    everywhere = set[int]().union(*used)
    rest = [] if 0 in everywhere else ["regions cover all that is seen: the prompt isn't used"]
    lost = [cut(str(one.area)) for i, one in enumerate(regions, 1) if i not in everywhere]
    return rest + [f"no view shows enough of the region {name}: its prompt isn't used" for name in lost]
