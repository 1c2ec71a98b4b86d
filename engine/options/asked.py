"""What is asked for, as it crosses between processes: a table's values as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from . import values
from .option import Option, options


@dataclass(frozen=True)
class Asked:
    """A table (option.py) whose instances are sent to an engine."""

    @classmethod
    def table(cls) -> Mapping[str, Option]:
        """Its options by name."""
        own: type = cls
        return options(own)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The request in ``data``; ValueError names unknown or missing fields, or such of another kind."""
        values.require_object(data)
        table = cls.table()
        if unknown := sorted(set(data) - set(table)):
            raise ValueError(f"unknown field in the request: {values.cut(', '.join(unknown))}")
        for name, value in data.items():
            values.require_kind(table[name], value)
        lists = {name: tuple(data[name]) for name in data if table[name].several}
        try:
            return cls(**{**data, **lists})
        except TypeError as error:
            raise ValueError(f"incomplete request: {error}") from error
