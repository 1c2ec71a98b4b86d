"""Areas of a mesh by their names: what a file says of its faces, and weights that Blender hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..options.areas import ONLY_BLENDER, Area, refused
from ..options.choices import AREAS
from ..options.values import cut

Floats = NDArray[np.float32]
_SHOWN = 160  # characters of names in a message


@dataclass(frozen=True)
class Labels:
    """number (F,) int32: of each face's name among ``names``."""

    number: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def all(cls, name: str, count: int) -> Labels:
        """One ``name`` for ``count`` faces."""
        return cls(np.zeros(count, np.int32), (name,))

    def called(self, name: str) -> NDArray[np.bool_]:
        """(F,) the faces with this ``name``."""
        return np.array([one == name for one in self.names])[self.number]


@dataclass(frozen=True)
class Areas:
    """labels: by their kind, "material", "object" or "file". weights: (F, 3) float32 in [0, 1] of each
    corner, by how options spell the area."""

    labels: Mapping[str, Labels] = field(default_factory=dict)
    weights: Mapping[str, Floats] = field(default_factory=dict)

    def pick(self, faces: NDArray[np.bool_]) -> Areas:
        """Of ``faces`` (F,) alone."""
        labels = {kind: Labels(one.number[faces], one.names) for kind, one in self.labels.items()}
        return Areas(labels, {name: own[faces] for name, own in self.weights.items()})

    def of_file(self, name: str, count: int) -> Areas:
        """All ``count`` faces are of the file ``name``, too."""
        return Areas({**self.labels, "file": Labels.all(name, count)}, self.weights)

    def of(self, area: Area, option: str) -> Floats:
        """(F, 3): how much each corner is in ``area``, a value of ``option``; raises UserError where nothing
        is called so."""
        if str(area) in self.weights:
            return self.weights[str(area)]
        if area.kind in ONLY_BLENDER:
            what = f"{cut(str(area))!r} can be found in Blender's own objects only"
            raise refused(option, what, "give a .blend, or use material:, object: or mask:")
        kinds = ("object", "file") if area.kind == "object" else (area.kind,)
        own = [self.labels[kind] for kind in kinds if kind in self.labels]
        inside = [one.called(area.name) for one in own if area.name in one.names]
        if not inside:
            raise refused(option, f"no {area.kind} is called {cut(area.name)!r}", _known(area.kind, own))
        return np.repeat(np.logical_or.reduce(inside).astype(np.float32)[:, None], 3, axis=1)


def _known(kind: str, own: Sequence[Labels]) -> str:
    """How to mend a name that isn't there."""
    names = ", ".join(repr(name) for name in dict.fromkeys(name for one in own for name in one.names) if name)
    if names:
        return f"name one of {cut(names, _SHOWN)}"
    return f"the mesh names no {AREAS[kind][0].lower()}s; use a mask: of the area instead"


def joined(areas: Sequence[Areas], counts: Sequence[int]) -> Areas:
    """Those of meshes with ``counts`` faces, one after the other: equal names are one area."""
    kinds = dict.fromkeys(kind for one in areas for kind in one.labels)
    spelled = dict.fromkeys(name for one in areas for name in one.weights)
    weights = {
        name: np.concatenate(
            [
                one.weights.get(name, np.zeros((count, 3), np.float32))
                for one, count in zip(areas, counts, strict=True)
            ]
        )
        for name in spelled
    }
    return Areas({kind: _joined_labels(kind, areas, counts) for kind in kinds}, weights)


def _joined_labels(kind: str, areas: Sequence[Areas], counts: Sequence[int]) -> Labels:
    each = [one.labels.get(kind, Labels.all("", count)) for one, count in zip(areas, counts, strict=True)]
    starts = np.cumsum([0, *(len(one.names) for one in each)])
    number = [one.number + start for one, start in zip(each, starts, strict=False)]
    names = tuple(name for one in each for name in one.names)
    return Labels(np.concatenate(number).astype(np.int32), names)
