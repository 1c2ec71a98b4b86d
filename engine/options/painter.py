"""The options of a job that say which model paints, and what is added to it; request.py has the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from .job import MODEL, Job
from .option import option
from .weighted import REFERENCE


@dataclass(frozen=True)
class Painter(Job):
    """See :class:`~engine.options.request.Request`."""

    model: str = field(
        default="starter",
        metadata=option(
            "Model",
            "Name of a model, or a folder or .safetensors file with one. 'starter' needs no download",
            MODEL,
            metavar="NAME|DIR|FILE",
        ),
    )
    lora: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "LoRAs",
            "A LoRA for the model, and how much of it, such as style.safetensors:0.8; several: all of them",
            MODEL,
            metavar="FILE[:WEIGHT]",
            blender_help="LoRAs for the model, each with how much of it: style.safetensors:0.8; "
            "other.safetensors",
        ),
    )
    reference: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Reference Images",
            "A picture that it is to look like, and how much beside the prompt, such as "
            f"{REFERENCE.example}; {REFERENCE.usual:g} without a number; several: all of them. For Stable "
            "Diffusion 1.5 and XL",
            MODEL,
            metavar="IMAGE[:WEIGHT]",
            personal=True,
            reported=False,
            blender_help="Images that it is to look like, each with how much beside the prompt, such as "
            f"{REFERENCE.example}; brick.jpg: images of the .blend, or files. For Stable Diffusion 1.5, XL",
        ),
    )
    ip_adapter: str = field(
        default="",
        metadata=option(
            "IP-Adapter",
            "What shows the model its reference images: a name, or a .safetensors file",
            MODEL,
            metavar="NAME|FILE",
            usual="one for the model's family",
            reported=False,
        ),
    )
