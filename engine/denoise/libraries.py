"""diffusers and transformers, imported without what they import for nothing.

Most of the time that a new process took to load was theirs: torch's compiler and its tensors over several
computers, with a computer algebra (sympy); statistics (scipy.stats) for schedulers; every transformer that
diffusers has, for one block of a UNet. What is left out here comes when something asks for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch

from . import compiled

# In pieces of some tenths of a second, in the order in which they import each other: a cancelled job
# shouldn't wait for the end of it.
PIECES = (
    "diffusers",
    "transformers",
    "transformers.modeling_utils",
    "transformers.models.clip.modeling_clip",
    "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.models.autoencoders.autoencoder_tiny",
    "diffusers.models.controlnets.controlnet",
)
_COMPILER = "torch._dynamo"
_LOCK = threading.Lock()  # what is changed meanwhile is changed for all threads
_CROWDED = {"diffusers": "diffusers.models.transformers", "transformers": "transformers.models"}


def load(check: Callable[[], None]) -> None:
    """Import them; ``check`` is called between pieces, and may raise Cancelled."""
    with _LOCK, ExitStack() as stack:
        if not compiled.asked():
            stack.enter_context(_without_compiler())
        stack.enter_context(_by_itself())
        for piece in PIECES:
            check()
            importlib.import_module(piece)
            if piece in _CROWDED:
                _one_by_one(_CROWDED[piece])
            if piece == "diffusers":
                stack.enter_context(_without_statistics())
    check()


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Inside, torch's compiler isn't imported to be told of functions: that falls on deaf ears."""
    if _COMPILER in sys.modules:
        yield
        return
    deaf = _Deaf(_COMPILER)
    deaf.__path__ = [os.path.join(path, "_dynamo") for path in torch.__path__]  # its modules are to be had
    sys.modules[_COMPILER] = deaf
    try:
        yield
    finally:
        del sys.modules[_COMPILER]


class _Deaf(types.ModuleType):
    """A module that has any decorator, none of which does anything."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _unchanged


def _unchanged(function: Any = None, *_: Any, **__: Any) -> Any:
    """A decorator, with or without arguments."""
    return (lambda one: one) if function is None else function


@contextmanager
def _by_itself() -> Iterator[None]:
    """Inside, torch says that it knows of no other computers, as some of its builds do."""
    with patch.object(torch.distributed, "is_available", lambda: False):
        yield


@contextmanager
def _without_statistics() -> Iterator[None]:
    """Inside, diffusers' schedulers do without scipy, which none that we use needs."""
    from diffusers.utils import import_utils

    with patch.object(import_utils, "_scipy_available", False):
        yield


class _Package(types.ModuleType):
    """A package whose modules can be imported before it is itself, which it is when it is asked for more."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__class__ = types.ModuleType  # type: ignore[assignment]
        assert self.__spec__ is not None
        assert self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(sys.modules[self.__name__], name)  # transformers' puts another one in its place


def _one_by_one(name: str) -> None:
    """Have the modules of the package ``name`` imported each by itself."""
    importlib.import_module(name.rpartition(".")[0])
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    assert spec
    package = sys.modules[name] = _Package(name)
    package.__spec__, package.__path__ = spec, list(spec.submodule_search_locations or ())
    package.__loader__, package.__package__, package.__file__ = spec.loader, name, spec.origin
