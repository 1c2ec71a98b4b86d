"""From a channel's image to the Principled BSDF: what stands between, and what must be turned up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.options.channels import Channel

STRENGTHS = {"Emission Color": "Emission Strength"}
"""Inputs that count for nothing until another one is turned up."""

MakeNode = Callable[[str], Any]


def between(tree: Any, texture: Any, channel: Channel, uv_layer: str, make: MakeNode) -> Any:
    """The output that feeds the socket of ``channel``, whose ``texture`` node is laid out by ``uv_layer``: of
    a node that ``make`` makes where one has to stand between."""
    if not channel.through:
        return texture.outputs["Color"]
    node = make(channel.through)
    node.uv_map = uv_layer
    tree.links.new(texture.outputs["Color"], node.inputs["Color"])
    return node.outputs["Normal"]


def strength(shader: Any, channel: Channel) -> Any | None:
    """The input of ``shader`` that turns ``channel`` up; None where it needs none."""
    return shader.inputs.get(STRENGTHS.get(channel.socket, ""))
