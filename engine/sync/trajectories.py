"""SyncSDE's own way with regions: trajectories beside each other that are drawn together by masks.

Published for one picture (mask-based generation: background, foreground, whole), with masks m of the
foreground and k = pull, the same as of views:

    w_back' = psi(w_back)
    w_fore' = psi(w_fore) - k (1 - m) (w_fore - w_back)
    w'      = psi(w) - k [(1 - m) (w - w_back) + m (w - w_fore)],    which is the result

Every one of these is a pull k (w - c(w)): c is the background outside of a mask, and for the whole what the
others are, each where it counts. So a region is a trajectory more; for the whole c sums them all. On a mesh
a view is drawn towards h, what views before it show, each in its own trajectory; where none shows a place, h
keeps the view's own pixels, and c takes their place here. One view is as published for pictures, one prompt
as published for meshes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from .spaces import Space

WHOLE = -1


@dataclass(frozen=True)
class Trajectories:
    """The Space of P states, each of one view and one trajectory; those of the whole come first, one for each
    of the N views of ``space``, which was asked for earlier views.

    view: (P,) int64, of each state. number: (P,) int64, the trajectory, WHOLE for the whole's; not every view
    has every one. share: (P, 1, h, w), how much of a view's latent a state counts for, in sum 1, where the
    view has several; of the whole's 0. filled: (N, 1, h, w) bool, where earlier views show a view.
    """

    space: Space
    view: Tensor
    number: Tensor
    share: Tensor
    filled: Tensor

    @classmethod
    def build(
        cls, space: Space, view: Tensor, number: Tensor, share: Tensor, order: Sequence[int]
    ) -> Trajectories:
        """order: of the views, from the one that the others follow on."""
        h = space.earlier
        assert h is not None, "the space wasn't asked for what earlier views show"
        rank = torch.empty(len(order), 1, *share.shape[2:], device=share.device)
        rank[list(order)] = torch.arange(len(order), device=share.device).float()[:, None, None, None]
        return cls(space, view, number, share, h(rank) < rank - 0.5)  # means of lower ranks

    @property
    def size(self) -> int:
        """Elements of the canonical space, as often as there are trajectories."""
        return self.space.size * len(self._numbers)

    @cached_property
    def _numbers(self) -> list[int]:
        return sorted(set(self.number.tolist()))

    @property
    def _count(self) -> int:
        """N."""
        return len(self.filled)

    def project(self, z: Tensor, background: Tensor) -> Tensor:
        parts = z.chunk(len(self._numbers))
        return self._each(background, lambda full, i: self.space.project(parts[i], full))

    def project_noise(self, z: Tensor, own: Tensor) -> Tensor:
        parts = z.chunk(len(self._numbers))
        return self._each(own, lambda full, i: self.space.project_noise(parts[i], full))

    def unproject(self, w: Tensor) -> Tensor:
        return torch.cat([self.space.unproject(self._of_all_views(w, one)) for one in self._numbers])

    def roundtrip(self, w: Tensor) -> Tensor:
        return self._each(w, lambda full, _: self.space.roundtrip(full))

    def weighted(self, exponent: float) -> Trajectories:
        return replace(self, space=self.space.weighted(exponent))

    @property
    def earlier(self) -> Callable[[Tensor], Tensor]:
        """What each state is drawn towards."""
        return self._towards

    def _towards(self, w: Tensor) -> Tensor:
        h = self.space.earlier
        assert h is not None, "checked when it was built"
        shown = self._each(w, lambda full, _: h(full))
        return torch.where(self.filled[self.view], shown, self._composed(w))

    def _composed(self, w: Tensor) -> Tensor:
        """c: (P, C, h, w) to the same. A background's lerp is from itself to itself."""
        count, view, share = self._count, self.view[self._count :], self.share[self._count :]
        whole = w[:count].clone()
        whole[view] = 0.0
        whole = whole.index_add(0, view, w[count:] * share)
        return torch.cat([whole, torch.lerp(self._background(w)[view], w[count:], share)])

    @cached_property
    def _first(self) -> Tensor:
        """(N,) the state of each view that is its background: its first one, or the whole's where there is no
        other."""
        found = torch.arange(self._count, device=self.view.device)
        for state in reversed(range(self._count, len(self.view))):
            found[self.view[state]] = state
        return found

    def _background(self, w: Tensor) -> Tensor:
        """(N, C, h, w)."""
        return w[self._first]

    def _of_all_views(self, w: Tensor, number: int) -> Tensor:
        """(N, C, h, w): the states of one trajectory; of views without it those of their background."""
        chosen = self.number == number
        found = self._background(w).clone()
        found[self.view[chosen]] = w[chosen]
        return found

    def _each(self, w: Tensor, change: Callable[[Tensor, int], Tensor]) -> Tensor:
        """(P, C, h, w): of each trajectory, what ``change`` makes of the states of all views."""
        found = torch.empty_like(w)
        for i, number in enumerate(self._numbers):
            chosen = self.number == number
            found[chosen] = change(self._of_all_views(w, number), i)[self.view[chosen]]
        return found
