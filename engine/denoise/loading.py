"""From files to networks: diffusers' and transformers' own classes, filled tensor by tensor.

Filling by hand rather than through ``from_pretrained`` keeps a load cancellable at every tensor, never leaves
a weight at its random start unnoticed, and takes memory for one copy of the weights. Only safetensors are
read. Imports of diffusers and transformers stay inside functions: they take seconds, and a request with a
typing error should be answered at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..models import files, sidecar, vocabulary
from ..models.checks import check_condition_size, check_configs, check_controlnet, check_tiny
from ..models.families import SUPPORTED
from ..models.files import read_json
from ..models.hub import Check
from ..models.sidecar import Sidecar
from ..models.sources import Sources
from ..models.vocabulary import Vocabulary
from . import ddim
from .simplify import simplify

AGAIN = "download the model again"

# The libraries in pieces of about a second, in the order in which they import each other: importing takes
# several seconds in all, and a cancelled job shouldn't wait for the end of it.
LIBRARIES = (
    "transformers",
    "torch._dynamo",
    "transformers.modeling_utils",
    "transformers.models.clip.modeling_clip",
    "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.models.autoencoders.autoencoder_tiny",
    "diffusers.models.controlnets.controlnet",
)

# The names of the autoencoder's attention in checkpoints from before diffusers 0.15 (Stable Diffusion 1.5's).
OLD_ATTENTION = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}


@dataclass
class Parts:
    """A loaded pipeline. The networks are on the device, in evaluation mode. vocabulary: None where the model
    says nothing about the words that it knows. tiny: the tiny autoencoder, None without one."""

    family: str
    tokenizer: Any
    text_encoder: Any
    unet: Any
    controlnet: Any
    vae: Any
    tiny: Any
    scheduler: dict[str, Any]
    sidecar: Sidecar
    vocabulary: Vocabulary | None


def load(sources: Sources, device: torch.device, dtype: torch.dtype, check: Check) -> Parts:
    """Load every part; raises UserError for missing, damaged or mismatched files, and what ``check`` raises.

    The autoencoder is kept in float32 where its config says that half precision overflows.
    """
    configs = {
        name: read_json(sources.pipeline / name / "config.json") for name in ("text_encoder", "unet", "vae")
    }
    scheduler = read_json(sources.pipeline / "scheduler" / "scheduler_config.json")
    check_configs(sources, configs)
    ddim.check(scheduler)
    own = sidecar.of_model(sources.pipeline, sources.controlnet)
    for library in LIBRARIES:
        check()
        importlib.import_module(library)
    models = _empty(configs)
    vae_dtype = torch.float32 if models["vae"].config.force_upcast else dtype
    check()
    checkpoint = _Checkpoint(sources.checkpoint, check) if sources.checkpoint else None
    for name, model in models.items():
        if checkpoint:
            tensors: Iterable[tuple[str, Tensor]] = checkpoint.tensors(name, model)
        else:
            tensors = folder_tensors(sources.pipeline / name)
        fill(model, tensors, vae_dtype if name == "vae" else dtype, device, check, name)
    controlnet = load_controlnet(sources.controlnet, models["unet"], device, dtype, check)
    check_condition_size(sources.controlnet, controlnet.config, models["vae"].config)
    tiny = load_tiny(sources.tiny, models["vae"], device, dtype, check) if sources.tiny else None
    check()
    words = None if checkpoint else vocabulary.read(sources.pipeline)
    return Parts(
        sources.family,
        tokenizer(sources.pipeline),
        controlnet=controlnet,
        tiny=tiny,
        scheduler=scheduler,
        sidecar=own,
        vocabulary=words,
        **models,
    )


def _empty(configs: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The networks without memory for their weights (on torch's meta device)."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.utils import logging
    from transformers.models.clip.modeling_clip import CLIPTextConfig, CLIPTextModel

    logging.set_verbosity_error()  # notes about other versions' configs; our own errors say what matters
    with torch.device("meta"):
        return {
            "text_encoder": CLIPTextModel(CLIPTextConfig.from_dict(configs["text_encoder"])),
            "unet": UNet2DConditionModel.from_config(configs["unet"]),
            "vae": AutoencoderKL.from_config(configs["vae"]),
        }


def load_controlnet(path: Path, unet: Any, device: torch.device, dtype: torch.dtype, check: Check) -> Any:
    """The ControlNet at ``path``: a component folder, or a single file, shaped after ``unet``."""
    from diffusers.models.controlnets.controlnet import ControlNetModel

    with torch.device("meta"):
        if path.is_file():
            model = ControlNetModel.from_unet(unet, load_weights_from_unet=False)
        else:
            config = read_json(path / "config.json")
            check_controlnet(path, config, unet.config)
            model = ControlNetModel.from_config(config)
    tensors = _controlnet_file_tensors(path, model) if path.is_file() else folder_tensors(path)
    fill(model, tensors, dtype, device, check, "controlnet")
    return model


def load_tiny(path: Path, vae: Any, device: torch.device, dtype: torch.dtype, check: Check) -> Any:
    """The tiny autoencoder in the folder ``path``, for the latents of ``vae``."""
    from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    config = read_json(path / "config.json")
    check_tiny(path, config, vae.config)
    with torch.device("meta"):
        family = AutoencoderDC if config["_class_name"] == "AutoencoderDC" else AutoencoderTiny
        model = family.from_config(config)
    fill(model, folder_tensors(path), dtype, device, check, sidecar.TINY_AUTOENCODER)
    if family is AutoencoderDC:
        simplify(model)
    return model


def tokenizer(pipeline: Path) -> Any:
    """The pipeline's CLIP tokenizer."""
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    try:
        return CLIPTokenizer.from_pretrained(str(pipeline / "tokenizer"), local_files_only=True)
    except (OSError, ValueError) as error:
        raise UserError(f"{pipeline / 'tokenizer'} has no usable CLIP tokenizer", AGAIN) from error


def folder_tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a component folder, one by one; raises UserError for missing or damaged weights."""
    paths, _ = files.weights(folder)
    if not paths:
        raise UserError(f"{folder} has no .safetensors weights", f"{AGAIN}; pickled weights are never loaded")
    for path in paths:
        yield from file_tensors(path)


def file_tensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of one .safetensors file, on the CPU, read when asked for."""
    from safetensors import SafetensorError, safe_open

    files.header(path)
    try:
        with safe_open(path, framework="pt") as stream:
            for key in stream.keys():  # noqa: SIM118 (not a dict)
                yield key, stream.get_tensor(key)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged ({error})", "delete it and download it again") from error


def fill(
    model: nn.Module,
    tensors: Iterable[tuple[str, Tensor]],
    dtype: torch.dtype,
    device: torch.device,
    check: Check,
    name: str,
) -> None:
    """Give an empty ``model`` its weights in ``dtype`` on ``device`` and freeze it; calls ``check`` between.

    Raises UserError when a weight is missing or has another shape; what the model doesn't know is left out.
    """
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    state: dict[str, Tensor] = {}
    for raw, tensor in tensors:
        check()
        key = _modern(raw, shapes)
        if key not in shapes:
            continue
        if tensor.ndim != len(shapes[key]) and tensor.numel() == _size(shapes[key]):
            tensor = tensor.reshape(shapes[key])  # 1x1 convolutions that became linear layers
        if tuple(tensor.shape) != shapes[key]:
            raise UserError(
                f"the {name} weight {raw} is {tuple(tensor.shape)}, its config says {shapes[key]}", AGAIN
            )
        state[key] = tensor.to(device, dtype, memory_format=_layout(tensor, device))
    if missing := sorted(set(shapes) - set(state)):
        raise UserError(f"the {name} lacks {len(missing)} weights, {missing[0]} among them", AGAIN)
    model.load_state_dict(state, assign=True)
    _restore_positions(model, device)
    model.requires_grad_(False).eval()


def _layout(weight: Tensor, device: torch.device) -> torch.memory_format:
    """Channels last for convolutions on the CPU: measured, the starter's autoencoder takes a quarter less
    time, its network a fifth."""
    return torch.channels_last if weight.ndim == 4 and device.type == "cpu" else torch.preserve_format


def _modern(key: str, shapes: Mapping[str, Any]) -> str:
    """``key`` as this version of the library spells it."""
    if key in shapes:
        return key
    for candidate in (key.removeprefix("text_model."), f"text_model.{key}"):
        if candidate in shapes:
            return candidate
    for old, new in OLD_ATTENTION.items():
        key = key.replace(old, new)
    return key


def _size(shape: Iterable[int]) -> int:
    return int(torch.Size(shape).numel())


def _restore_positions(model: nn.Module, device: torch.device) -> None:
    """CLIP's token positions are a constant outside the weights: count them again."""
    for module in model.modules():
        positions = getattr(module, "position_ids", None)
        if isinstance(positions, Tensor) and positions.is_meta:
            module.position_ids = torch.arange(positions.shape[-1], device=device).expand(1, -1)


class _Checkpoint:
    """A single-file checkpoint in the original layout, read once and converted part by part."""

    def __init__(self, path: Path, check: Check) -> None:
        self.path = path
        self.state: dict[str, Tensor] = {}
        for key, tensor in file_tensors(path):
            check()
            self.state[key] = tensor

    def tensors(self, name: str, model: Any) -> Iterable[tuple[str, Tensor]]:
        """The weights of part ``name`` under diffusers' keys."""
        from diffusers.loaders import single_file_utils as convert

        try:
            if name == "unet":
                state = convert.convert_ldm_unet_checkpoint(dict(self.state), model.config)
            elif name == "vae":
                state = convert.convert_ldm_vae_checkpoint(dict(self.state), model.config)
            elif convert.is_open_clip_model(self.state):
                state = convert.convert_open_clip_checkpoint(model, dict(self.state))
            else:
                state = convert.convert_ldm_clip_checkpoint(dict(self.state))
        except (KeyError, IndexError) as error:
            raise UserError(
                f"{self.path} lacks the {name} or has another layout ({error})", SUPPORTED
            ) from error
        return list(state.items())


def _controlnet_file_tensors(path: Path, model: Any) -> Iterable[tuple[str, Tensor]]:
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    state = dict(file_tensors(path))
    try:
        return list(convert_controlnet_checkpoint(state, model.config).items())
    except (KeyError, IndexError) as error:
        raise UserError(f"{path} isn't a ControlNet ({error})", "give a depth ControlNet") from error
