"""The models on this computer, as the engine's ``models`` command tells and changes them. No bpy."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...engine import protocol
from ...engine.client.child import without_python_settings
from ..problem import Problem, of_message
from .activity import Activity

_MB = 10**6
MODEL, LORA, CONTROLNET, ADAPTER = "model", "LoRA", "ControlNet", "IP-Adapter"
ESTIMATOR = "estimator"
GROUPS = {
    "starter": "With Sync Texture",
    "sdxl": "Stable Diffusion XL",
    "sd": "Stable Diffusion",
    "z-image": "Z-Image",
    "flux": "FLUX.1",
    "qwen": "Qwen-Image",
}
"""What lists call models together, by how the names of their families begin."""


@dataclass(frozen=True)
class ModelEntry:
    """A model. size: of the download, in words. disk: bytes on this computer, of a part of it too.

    bundled: comes with the extension. link: where one of the artist's own lies, else "". damaged: why what is
    here can't be used, else "". memory: that it wants, in words. kind: "model", "LoRA", "ControlNet",
    "IP-Adapter", "image encoder" or "estimator". family: of models that it is or is for, "" for the artist's
    own. steps: that it takes, 0 where that isn't known. fits: whether it runs on this computer, and about how
    long, in words; "" where that isn't known.
    """

    name: str
    title: str
    licence: str
    size: str
    installed: bool
    disk: int
    bundled: bool
    link: str
    damaged: str = ""
    memory: str = ""
    kind: str = MODEL
    family: str = ""
    steps: int = 0
    fits: str = ""

    @property
    def runs(self) -> bool:
        """Whether it can run here, as far as is known."""
        return not self.fits.startswith("doesn't")

    @property
    def facts(self) -> str:
        """What there is to know before it is downloaded, in words."""
        steps = f"{self.steps} steps. " if self.steps else ""
        memory = f"Memory: {self.memory}. " if self.memory else ""
        return f"{self.title}. {steps}{memory}Licence: {self.licence}"

    @property
    def group(self) -> str:
        """Under which heading it is listed."""
        if self.link:
            return "Your Own"
        if self.kind == ADAPTER:
            return "Reference Images"
        if self.kind == ESTIMATOR:
            return "Estimators of Materials"
        return next((title for start, title in GROUPS.items() if self.family.startswith(start)), "Others")

    @property
    def tree(self) -> str:
        """The name of the folder of models that it was linked with, "" for one that was linked by itself."""
        return self.name.split("/")[0] if self.link and "/" in self.name else ""

    @property
    def state(self) -> str:
        """In words."""
        kind = "" if self.kind == MODEL else f"{self.kind}, "
        if self.link:
            return f"{kind}{_size(self.disk)}, your own" if self.installed else f"{kind}missing or damaged"
        if self.installed:
            whence = "comes with Sync Texture" if self.bundled else "downloaded"
            return f"{kind}{_size(self.disk)}, {whence}"
        return f"{kind}{self.size} to download" + (f", {_size(self.disk)} are here" if self.disk else "")


def _size(count: int) -> str:
    return f"{count / _MB:.0f} MB" if count < 1000 * _MB else f"{count / 1000 / _MB:.1f} GB"


def list_models(activity: Activity, command: Sequence[str]) -> list[ModelEntry]:
    """What ``command`` (models list --json) lists. Raises Problem, Stopped."""
    activity.say("Looking for models")
    answer = run_command(activity, command)
    try:
        return [
            ModelEntry(
                name=model["name"],
                title=model["title"],
                licence=model["licence"],
                size=model["size"],
                installed=model["installed"],
                disk=model["disk"],
                bundled=model["base"] is None and not model["link"],
                link=model["link"] or "",
                damaged=model.get("damaged") or "",
                memory="" if model["link"] else model["memory"],
                kind=str(model.get("kind") or MODEL),
                steps=int(model.get("steps") or 0),
                fits=str(model.get("fits") or ""),
                family=str(model.get("family") or ""),
            )
            for model in answer
        ]
    except (KeyError, TypeError) as error:
        raise Problem(f"The engine lists models in a way that isn't known ({error})") from error


def run_command(activity: Activity, command: Sequence[str]) -> Any:
    """Run the engine's ``command``, show its progress, and give its last line of JSON. Raises Problem."""
    answer: list[Any] = []

    def take(line: str) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            return
        if isinstance(message, dict) and "total" in message:
            _show(activity, message)
        else:
            answer.append(message)

    status, _ = activity.run(command, without_python_settings(os.environ), line=take)
    if status == 0 and answer:
        return answer[-1]
    for message in reversed(answer):
        if isinstance(message, dict) and message.get("kind") == protocol.FAILED:
            raise of_message(message)
    raise Problem(f"The engine ended with exit status {status}", "Open the log for more.")


def _show(activity: Activity, message: dict[str, Any]) -> None:
    done, total = int(message["done"]), max(1, int(message["total"]))
    activity.fraction = min(1.0, done / total)
    activity.stage = f"Downloading {message['file']}: {done // _MB} of {total // _MB} MB"
