"""What a ControlNet makes of its pictures before it looks at anything else: its hints.

They depend on the pictures alone, which are the same at every step and with either prompt. diffusers computes
them anew for each row of each step: of the starter's ControlNet that is more than half.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary


class Hints:
    """The part of a ControlNet that reads pictures, taken out of it: from now on the ``controlnet`` is given
    hints in their place."""

    def __init__(self, controlnet: Any) -> None:
        self._embedding: nn.Module = controlnet.controlnet_cond_embedding
        self._turned: bool = controlnet.config.controlnet_conditioning_channel_order == "bgr"
        self._known = WeakTensorKeyDictionary()  # forgotten with the pictures
        controlnet.controlnet_cond_embedding = nn.Identity()

    def of(self, pictures: Tensor, rows: int) -> Tensor:
        """(N, C, h, w) on the ControlNet's device and in its precision.

        pictures: (N, 1 or 3, H, W) in [0, 1]; one and the same tensor is looked at once, so its values must
        stay. rows: so many of them at once.
        """
        if pictures not in self._known:
            self._known[pictures] = torch.cat([self._made(part) for part in torch.split(pictures, rows)])
        hints: Tensor = self._known[pictures]
        return hints

    def _made(self, pictures: Tensor) -> Tensor:
        weight = next(self._embedding.parameters())
        colours = pictures.to(weight.device, weight.dtype).expand(-1, 3, -1, -1)
        if self._turned:  # so is whatever the ControlNet is given
            return self._embedding(colours.flip(1)).flip(1)  # type: ignore[no-any-return]
        return self._embedding(colours)  # type: ignore[no-any-return]
