"""From .safetensors files to networks, tensor by tensor.

Filling by hand rather than through ``from_pretrained`` keeps a load cancellable at every tensor, never leaves
a weight at its random start unnoticed, and takes memory for one copy of the weights. Only safetensors are
read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..models import files, quantised
from ..models.files import SUPPORTED
from ..models.header import header
from .resting import PLAIN, Rest, inside, resting, wake

Check = Callable[[], None]
AGAIN = files.AGAIN
Add = Callable[[str, Tensor], Tensor]  # a weight's name and the weight, to what it is to be


def _as_it_is(_key: str, weight: Tensor) -> Tensor:
    return weight


# The names of the autoencoder's attention in checkpoints from before diffusers 0.15 (Stable Diffusion 1.5's).
OLD_ATTENTION = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}


def of_folder(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a component folder, one by one; raises UserError for missing or damaged weights."""
    paths, _ = files.weights(folder)
    if not paths:
        raise UserError(f"{folder} has no .safetensors weights", f"{AGAIN}; pickled weights are never loaded")
    for path in paths:
        yield from of_file(path)


def of_place(path: Path) -> Iterator[tuple[str, Tensor]]:
    """(key, tensor) of a component folder's weights, or of a single file's."""
    return of_folder(path) if path.is_dir() else of_file(path)


def of_file(path: Path, wanted: Callable[[str], bool] = lambda key: True) -> Iterator[tuple[str, Tensor]]:
    """The tensors of one .safetensors file on the CPU, read when asked for; those whose keys are ``wanted``.
    Weights in 8 bits are as they were before they were made so small. Raises UserError."""
    from safetensors import SafetensorError, safe_open

    scales = quantised.scales(path, header(path))
    own = frozenset(scales.values())
    try:
        with safe_open(path, framework="pt") as stream:
            for key in stream.keys():  # noqa: SIM118 (not a dict)
                if not wanted(key) or key in own:
                    continue
                tensor = stream.get_tensor(key)
                if key in scales:
                    tensor = _unscaled(tensor, stream.get_tensor(scales[key]), f"{path}: {key}")
                yield key, tensor.bfloat16() if tensor.dtype in _FLOAT8 else tensor
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged ({error})", "delete it and download it again") from error


_FLOAT8 = (torch.float8_e4m3fn, torch.float8_e5m2)  # bfloat16 holds all that these hold


def _unscaled(weight: Tensor, scale: Tensor, what: str) -> Tensor:
    """A float8 ``weight`` (O, ...) times its ``scale``, which is one number, one for each output, (O,) or
    (O, 1), or one for each of B pieces of an output, (O, B, 1): float32."""
    outputs, scale = len(weight), scale.float()
    if scale.numel() == 1:
        return weight.float() * scale.reshape(())
    pieces = scale.numel() // max(1, outputs)
    if not pieces or len(scale) != outputs or scale.numel() != outputs * pieces or weight[0].numel() % pieces:
        raise UserError(f"{what} is scaled by {tuple(scale.shape)} numbers", quantised.FIX)
    scaled = weight.float().reshape(outputs, pieces, -1) * scale.reshape(outputs, pieces, 1)
    return scaled.reshape(weight.shape)


# What the keys of a single file in the original layout begin with, by part.
_SECOND_ENCODER = "conditioner.embedders.1.model."
_PREFIXES = {
    "unet": ("model.diffusion_model.",),
    "vae": ("first_stage_model.", "vae."),
    "text_encoder": ("cond_stage_model.", "conditioner.embedders.0."),
    "text_encoder_2": (_SECOND_ENCODER,),
}


def of_checkpoint(path: Path, part: str, network: nn.Module, check: Check) -> list[tuple[str, Tensor]]:
    """The weights of the ``part`` of a single file in the original layout under diffusers' keys. Raises
    UserError where it has none, and what ``check`` raises, which is called between tensors."""
    from diffusers.loaders import single_file_utils as convert

    state = dict(checked(of_file(path, lambda key: key.startswith(_PREFIXES[part])), check))
    try:
        if part == "unet":
            found = convert.convert_ldm_unet_checkpoint(state, network.config)
        elif part == "vae":
            found = convert.convert_ldm_vae_checkpoint(state, network.config)
        elif part == "text_encoder_2":
            found = convert.convert_open_clip_checkpoint(network, state, _SECOND_ENCODER)
        elif convert.is_open_clip_model(state):
            found = convert.convert_open_clip_checkpoint(network, state)
        else:
            found = convert.convert_ldm_clip_checkpoint(state)
    except (KeyError, IndexError) as error:
        raise UserError(f"{path} lacks the {part} or has another layout ({error})", SUPPORTED) from error
    return list(found.items())


def checked(tensors: Iterable[tuple[str, Tensor]], check: Check) -> Iterator[tuple[str, Tensor]]:
    """``tensors``, with a ``check`` before each."""
    for item in tensors:
        check()
        yield item


def fill(
    network: nn.Module,
    tensors: Iterable[tuple[str, Tensor]],
    dtype: torch.dtype,
    device: torch.device,
    check: Check,
    name: str,
    add: Add = _as_it_is,
    rest: Rest = PLAIN,
    exact: tuple[str, ...] = (),
) -> None:
    """Give an empty ``network`` (parts.py) its weights on ``device`` and freeze it; calls ``check`` between.
    add: called with each weight as its file has it. rest: how they lie while they aren't computed with.

    Parameters come in ``dtype``, those of the modules ``exact`` in float32; buffers (statistics, counts,
    tables) stay as precise as the network has them. Weights that are tied to one another are one, whichever
    of their names a file has. Raises UserError when a weight is missing or has another shape; what the
    network doesn't know is left out.
    """
    own = network.state_dict()
    kinds = {key: buffer.dtype for key, buffer in network.named_buffers()}
    kinds |= {key: torch.float32 for key in own if inside(key, exact)}
    names = resting(network, rest.stored, exact)
    kinds |= dict.fromkeys(names, rest.stored or dtype)
    home = torch.device("cpu") if rest.away else device
    state: dict[str, Tensor] = {}
    for raw, tensor in checked(tensors, check):
        key = _modern(raw, own)
        if key in own:
            fitted = add(key, _fitted(tensor, tuple(own[key].shape), f"the {name} weight {raw}"))
            kind = kinds.get(key, dtype if tensor.is_floating_point() else tensor.dtype)
            state[key] = fitted.to(home, kind, memory_format=_layout(fitted, device))
    _tie(network, state)
    if missing := sorted(set(own) - set(state)):
        raise UserError(f"the {name} lacks {len(missing)} weights, {missing[0]} among them", AGAIN)
    network.load_state_dict(state, assign=True)
    _move_buffers(network, device)
    network.requires_grad_(False).eval()
    wake(network, rest, names, device, dtype)


def refill(
    network: nn.Module, tensors: Iterable[tuple[str, Tensor]], keys: Iterable[str], check: Check, add: Add
) -> None:
    """Give the weights ``keys`` of a ``network`` that was filled their values again, as ``add`` makes them
    now. Raises UserError where ``tensors`` lack one, and what ``check`` raises."""
    own, left = dict(network.named_parameters(remove_duplicate=False)), set(keys)
    for raw, tensor in checked(tensors, check):
        key = _modern(raw, own)
        if key in left:
            own[key].data.copy_(add(key, _fitted(tensor, tuple(own[key].shape), f"the weight {raw}")))
            left.remove(key)
    if left:
        raise UserError(f"the weight {min(left)} isn't there any more", AGAIN)


def _fitted(tensor: Tensor, shape: tuple[int, ...], what: str) -> Tensor:
    if tensor.ndim != len(shape) and tensor.numel() == torch.Size(shape).numel():
        tensor = tensor.reshape(shape)  # 1x1 convolutions that became linear layers
    if tuple(tensor.shape) != shape:
        raise UserError(f"{what} is {tuple(tensor.shape)}, its config says {shape}", AGAIN)
    return tensor


def _tie(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Complete ``state`` by weights that are known under another name."""
    names = defaultdict(list)
    for name, parameter in network.named_parameters(remove_duplicate=False):
        names[id(parameter)].append(name)
    for same in names.values():
        if known := [name for name in same if name in state]:
            state.update({name: state[known[0]] for name in same if name not in state})


def _move_buffers(network: nn.Module, device: torch.device) -> None:
    """Those that aren't in files were made on the CPU."""
    for module in network.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, buffer.to(device))


def _layout(weight: Tensor, device: torch.device) -> torch.memory_format:
    """Channels last for convolutions: measured on a CPU, the starter's autoencoder takes a quarter less time,
    its network a fifth; on NVIDIA cards it is how their own kernels for half precision read pictures."""
    last = weight.ndim == 4 and device.type in ("cpu", "cuda")
    return torch.channels_last if last else torch.preserve_format


def _modern(key: str, known: Mapping[str, Tensor]) -> str:
    """``key`` as this version of the library spells it."""
    if key in known:
        return key
    for candidate in (
        key.removeprefix("text_model."),
        f"text_model.{key}",
        key.removeprefix("model."),  # of a language model that was saved with its last layer
        key.removeprefix("model.language_model."),  # and of one that sees
    ):
        if candidate in known:
            return candidate
    for old, new in OLD_ATTENTION.items():
        key = key.replace(old, new)
    return key
