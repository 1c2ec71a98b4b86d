"""From a config, the JSON beside a model's weights, to an empty network. Configs come from anywhere: what one
says is held against what the network's constructor takes, and a network can be no larger than this computer.

An empty network has real buffers, so whatever its constructor counts out (positions, frequencies) is there,
and parameters without memory (torch's meta device), so that weights are held once.
"""

from __future__ import annotations

import importlib
import inspect
import math
import types
import typing
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from torch import Tensor, nn

from ..errors import UserError
from ..inputs import physical_bytes
from ..options.values import short
from .faults import reason
from .weights import AGAIN

MOST_TENSORS = 10_000  # of one network; Stable Diffusion XL's has 1,680
LARGEST = 1 << 20  # of the numbers in a config: widths, counts, positions
_MOST_ENTRIES = 64  # of a list in a config: a network has a few blocks
_BYTES = 2  # of a parameter, at least
_OLDER = {"rope_theta": float, "rope_scaling": dict}  # transformers 4's for rope_parameters; 5 reads it, too


@contextmanager
def empty_parameters() -> Iterator[None]:
    """Modules that are built inside have parameters without memory. Raises UserError where they are too many,
    or would take more than this computer has."""
    plain, room = nn.Module.register_parameter, (physical_bytes() or math.inf) / _BYTES
    tensors = elements = 0

    def register(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal tensors, elements
        if parameter is not None and not parameter.is_meta:  # else it is one that was tied to another
            tensors, elements = tensors + 1, elements + parameter.numel()
            if tensors > MOST_TENSORS or elements > room:
                raise UserError(f"it has {tensors:,} weights or more, {elements:,} numbers", AGAIN)
            parameter = nn.Parameter(parameter.detach().to("meta"), parameter.requires_grad)
        plain(module, name, parameter)

    nn.Module.register_parameter = register  # type: ignore[method-assign, assignment]
    try:
        with patch.object(Tensor, "normal_", _nothing_drawn):
            yield
    finally:
        nn.Module.register_parameter = plain  # type: ignore[method-assign]


_normal = Tensor.normal_


def _nothing_drawn(tensor: Tensor, *how: Any, **more: Any) -> Tensor:
    """For parameters without memory, torch would import its compiler to draw nothing: seconds."""
    return tensor if tensor.is_meta else _normal(tensor, *how, **more)


def build(network: str, config: Mapping[str, Any], path: Path) -> Any:
    """The empty network "module:Class" of diffusers or transformers with ``config``, which was read from
    ``path``. Raises UserError that names ``path`` where no network can be made of it."""
    module, name = network.split(":")
    kind = getattr(importlib.import_module(module), name)
    try:
        with empty_parameters(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of the library's own classes to each other
            if known := getattr(kind, "config_class", None):
                return kind(known(**_taken(config, {**inspect.get_annotations(known), **_OLDER})))
            annotations = {n: p.annotation for n, p in inspect.signature(kind).parameters.items()}
            return kind.from_config(_taken(config, annotations))
    except UserError as error:
        raise UserError(f"{path}: {error}", error.fix) from error
    except Exception as error:  # whatever a constructor makes of numbers that make no sense
        raise UserError(f"{path}: no {name} can be made of it ({reason(error)})", AGAIN) from error


def _taken(config: Mapping[str, Any], annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Of ``config`` what the constructor takes. Raises UserError for values of other kinds, and for numbers
    and lists that no network has."""
    taken = {key: value for key, value in config.items() if key in annotations}
    for key, value in taken.items():
        if not _fits(value, _kinds(annotations[key])):
            raise UserError(f"{key} is {short(value)}", AGAIN)
    return taken


def _kinds(annotation: Any) -> set[type]:
    """The types that are in ``annotation``, a float's with whole numbers among them; any plain ones where
    there is none, as in Z-Image's networks."""
    if annotation is inspect.Parameter.empty:
        return {bool, int, float, str}
    if typing.get_origin(annotation) is typing.Literal:
        return {type(one) for one in typing.get_args(annotation)}
    if inner := typing.get_args(annotation):
        found = set().union(*map(_kinds, inner))
        return found if typing.get_origin(annotation) in (types.UnionType, typing.Union) else found | {list}
    return {int, float} if annotation is float else {annotation}


def _fits(value: Any, kinds: set[type]) -> bool:
    """Lists are taken wherever plain values are: configs have more of them than constructors say."""
    if isinstance(value, list | tuple):
        return len(value) <= _MOST_ENTRIES and all(_fits(one, kinds) for one in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(kinds & {int, float}) and abs(value) <= LARGEST
    return value is None or type(value) in kinds
