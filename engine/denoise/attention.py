"""Self-attention across pictures: a row of the batch also attends to the rows beside it, and to a reference.

    A = softmax(Q K^T / sqrt(d)) V, keys and values of the row and of those beside it, one after the other
    R = the same with the reference's keys and values
    out = (A + r R) / (1 + r),  r = 1 in the first steps, then 0

As published with SyncMVD and kept by its successors, for the UNet's self-attention only: the ControlNet's and
all cross-attention stay as they are. Published it runs sample by sample, each cloning the keys and values of
the whole batch, and computes R where r is 0 too. Here all rows are one batch: keys and values are computed
once a row and gathered by index, only those that are needed; the reference's aren't copied, since all rows
of a prompt attend to the same. `build.py bench attention` measures what it costs.

Where it is known what of a picture shows the mesh, a row takes of others only that (``Links.shown``):
the published formula without the keys of backgrounds, which say nothing about the mesh and never get into the
texture. They are most of a view, and so most of what attention across views would cost.

The rows of the negative and of the positive prompt never see each other. Rows can only see what goes
through the network in the same pass, so a pass holds all pictures wherever memory allows. Where it doesn't,
passes are made of pictures that lie beside each other, a row attends to those of its links that are in its
pass, and only the pass that holds the reference has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, scaled_dot_product_attention

from ..errors import UserError
from .device import MAPS_ALIVE

Ints = NDArray[np.int64]

STEPS = 8  # a picture offers so many eighths of its tokens


@dataclass(frozen=True)
class Links:
    """Which picture attends to which. beside: (N, K) int64, numbers of pictures, the own among them, -1 for
    none. reference: the picture that all attend to at first. shown: (N, h, w) float32 in [0, 1], how much of
    each latent shows what others are to attend to; None: all of it."""

    beside: Ints
    reference: int
    shown: NDArray[np.float32] | None = None

    @property
    def width(self) -> int:
        """K, the most pictures that any attends to."""
        return int(self.beside.shape[1])


@dataclass(frozen=True)
class _Plan:
    """Who sees whom in one pass. chosen: (B,) its rows' numbers among all. keys: (B, K) the places in the
    pass of those whose keys they take, -1 for none. references: (H,) the place of the one that each of H
    equal parts of the batch takes as reference, None for none."""

    chosen: Ints
    keys: Ints
    references: Tensor | None


class AcrossRows:
    """An attention processor of diffusers: replaces the plain one of self-attention layers.

    ``begin`` says which rows the next pass consists of.
    """

    def __init__(self, links: Links) -> None:
        self.links = links
        self._plan: _Plan
        self._groups: dict[tuple[bytes, int], list[tuple[Tensor, Tensor]]] = {}

    def affordable(self, batch: int) -> int:
        """How many rows fit into a pass where ``batch`` plain ones do: the gathered keys and values take the
        memory of two feature maps for each picture that a row attends to."""
        return max(1, batch * MAPS_ALIVE // (MAPS_ALIVE + 2 * self.links.width))

    def passes(self, rows: int, batch: int) -> list[Tensor]:
        """The numbers of the rows of each pass, (B,) int64 each. rows: N, or 2 N with those of the negative
        prompt first. batch: at most so many rows a pass."""
        if rows <= batch:
            return [torch.arange(rows)]
        count = len(self.links.beside)
        order = _side_by_side(self.links.beside) if count > batch else np.arange(count)
        parts = np.array_split(order, -(-count // batch))
        return [torch.from_numpy(part + start) for start in range(0, rows, count) for part in parts]

    def begin(self, rows: Tensor, with_reference: bool, device: torch.device) -> None:
        """The next pass consists of ``rows`` (B,), one of those of :meth:`passes`."""
        chosen, count = rows.numpy(), len(self.links.beside)
        place = np.full(2 * count + 1, -1)  # of each row in the pass; the last one stands for none
        place[chosen] = np.arange(len(chosen))
        picture, start = chosen % count, chosen - chosen % count
        beside = self.links.beside[picture]
        keys = place[np.where(beside < 0, -1, beside + start[:, None])]
        references = np.unique(place[self.links.reference + start])  # one for each prompt, in their order
        present = with_reference and bool((references >= 0).all())
        self._plan = _Plan(chosen, keys, _on(device, references) if present else None)

    def __call__(self, attn: Any, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """What diffusers calls: (B, tokens, width) to the same, through the layer's own projections."""
        query, key, value = (project(hidden_states) for project in (attn.to_q, attn.to_k, attn.to_v))
        mixed = self._beside(query, key, value, attn.heads)
        if (rows := self._plan.references) is not None:
            mixed = (mixed + _attend_together(query, key[rows], value[rows], attn.heads)) / 2
        projection, dropout = attn.to_out
        return dropout(projection(mixed))  # type: ignore[no-any-return]

    def _beside(self, query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
        groups = self.groups(query.shape[1], query.device)
        if len(groups) == 1:  # all rows, in order
            _, taken = groups[0]
            return _attend(query, _gather(key, taken), _gather(value, taken), heads)
        mixed = torch.empty_like(query)
        for rows, taken in groups:
            mixed[rows] = _attend(query[rows], _gather(key, taken), _gather(value, taken), heads)
        return mixed

    def groups(self, tokens: int, device: torch.device) -> list[tuple[Tensor, Tensor]]:
        """The pass's rows (m,), by how many keys they take, and these (m, k), as numbers among all B tokens
        of the pass: all of the row's own, and what those beside it offer."""
        name = self._plan.chosen.tobytes(), tokens
        if name not in self._groups:
            taken = self._taken(tokens)
            count = np.array([len(numbers) for numbers in taken])
            self._groups[name] = [
                (_on(device, rows), _on(device, np.stack([taken[row] for row in rows])))
                for rows in (np.flatnonzero(count == k) for k in np.unique(count))
            ]
        return self._groups[name]

    def _taken(self, tokens: int) -> list[Ints]:
        """Of each row of the pass the tokens (k,) that it takes keys from."""
        own, offered = np.arange(tokens), _offered(self.links, tokens)
        picture = self._plan.chosen % len(self.links.beside)

        def of(row: int, key: int) -> Ints:
            return key * tokens + (own if key == row else offered[picture[key]])

        return [np.concatenate([of(i, j) for j in row if j >= 0]) for i, row in enumerate(self._plan.keys)]


def _offered(links: Links, tokens: int) -> list[Ints]:
    """The tokens (n,) of each picture that others attend to: those that show something and, so that few
    numbers differ and rows fit together, a few that don't."""
    shape = None if links.shown is None else _shape(tokens, *links.shown.shape[1:])
    if links.shown is None or shape is None:
        return [np.arange(tokens)] * len(links.beside)
    shown = adaptive_avg_pool2d(torch.from_numpy(links.shown)[:, None], shape).reshape(-1, tokens).numpy()
    most = np.argsort(-shown, axis=1, kind="stable")
    step = max(1, tokens // STEPS)
    counts = -(-(shown > 0).sum(axis=1) // step) * step
    return [np.sort(order[:n]) for order, n in zip(most, counts, strict=True)]


def _shape(tokens: int, height: int, width: int) -> tuple[int, int] | None:
    """(rows, columns) of ``tokens`` of a picture of so many latents, which networks halve again and again;
    None where it can't have so many."""
    while height * width > tokens:
        height, width = -(-height // 2), -(-width // 2)
    return (height, width) if height * width == tokens else None


@contextmanager
def across_rows(unet: Any, links: Links) -> Iterator[AcrossRows]:
    """Inside, the self-attention layers of ``unet`` work across rows; afterwards as they did before. Raises
    UserError for a network that has no such layers."""
    before = dict(getattr(unet, "attn_processors", {}))
    processor = AcrossRows(links)
    across = {name: processor for name in before if name.endswith("attn1.processor")}
    if not across:
        what = f"the model's {type(unet).__name__} has no self-attention that can work across views"
        raise UserError(what, "switch attention across views off")
    unet.set_attn_processor({**before, **across})
    try:
        yield processor
    finally:
        unet.set_attn_processor(before)


def _attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Attention of (B, tokens, width) to (B, any, width)."""
    batch, _, width = query.shape
    q, k, v = (t.reshape(batch, -1, heads, width // heads).transpose(1, 2) for t in (query, key, value))
    return scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def _attend_together(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Attention of (B, tokens, width) to (H, any, width): each of H equal parts of the batch to one."""
    parts = query.reshape(len(key), -1, query.shape[2])
    return _attend(parts, key, value, heads).reshape(query.shape)


def _gather(tensor: Tensor, taken: Tensor) -> Tensor:
    """(B, tokens, width) and (m, k) to (m, k, width): the tokens ``taken`` of all B."""
    return tensor.flatten(0, 1).index_select(0, taken.flatten()).reshape(*taken.shape, tensor.shape[2])


def _side_by_side(beside: Ints) -> Ints:
    """All pictures in an order in which those that attend to each other are near each other."""
    row, column = np.nonzero(beside >= 0)
    count = len(beside)
    graph = csr_matrix((np.ones(len(row)), (row, beside[row, column])), shape=(count, count))
    return np.asarray(reverse_cuthill_mckee(graph + graph.T, symmetric_mode=True), np.int64)


def _on(device: torch.device, numbers: Ints) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(numbers)).to(device)
