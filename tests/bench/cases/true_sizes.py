"""Models in the sizes that are published, with random weights: what they take and cost can be measured
without a download.

``empty`` builds the networks of a family without memory (torch's meta device), to count weights and
operations. ``write`` makes a pipeline in diffusers layout that the engine runs like any other: random weights
in bfloat16, written tensor by tensor, so that it takes no memory to speak of; on the disk it is as large as a
download (`sizes` tells).
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from engine.denoise.resting import EIGHT_BITS, largest, resting
from tests.engine import pipelines
from tests.engine.flow_pipelines import SCHEDULER, write_index, write_t5_tokenizer
from tests.engine.flow_pipelines import write_tokenizer as write_chat_tokenizer
from tests.engine.schedules import SD15, XL

BYTES = 2  # of a weight: bfloat16
_BLOCK = 1 << 22  # random numbers that are made once, and read from another place for each weight


@dataclass(frozen=True)
class TrueSize:
    """A pipeline. kind: its class in model_index.json. networks: by the names of their folders, of each
    "module:Class" and its config. tokenizers: by their folders, "clip", "clip!" (which pads with "!"), "t5"
    or "chat"."""

    kind: str
    networks: Mapping[str, tuple[str, dict[str, Any]]]
    tokenizers: Mapping[str, str]
    scheduler: dict[str, Any] = field(default_factory=dict)


def _clip(name: str = "CLIPTextModel", **config: Any) -> tuple[str, dict[str, Any]]:
    common = {"vocab_size": 49408, "max_position_embeddings": 77, "bos_token_id": 0, "eos_token_id": 2}
    return f"transformers:{name}", {**common, **config}


def _clip_l() -> tuple[str, dict[str, Any]]:
    sizes = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
    return _clip(**sizes, num_attention_heads=12, projection_dim=768)


def _clip_big_g() -> tuple[str, dict[str, Any]]:
    sizes = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32}
    heads = {"num_attention_heads": 20, "projection_dim": 1280, "hidden_act": "gelu"}
    return _clip("CLIPTextModelWithProjection", **sizes, **heads)


def _vae(**config: Any) -> tuple[str, dict[str, Any]]:
    return "diffusers:AutoencoderKL", {
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        **config,
    }


def _flux_vae() -> tuple[str, dict[str, Any]]:
    quantised = {"use_quant_conv": False, "use_post_quant_conv": False}
    numbers = {"scaling_factor": 0.3611, "shift_factor": 0.1159, "force_upcast": True}
    return _vae(latent_channels=16, sample_size=1024, **quantised, **numbers)


def _controlled(unet: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    left = ("sample_size", "out_channels", "up_block_types")
    hint = {"conditioning_embedding_out_channels": (16, 32, 96, 256)}
    return "diffusers:ControlNetModel", {**{k: v for k, v in unet.items() if k not in left}, **hint}


_SD_UNET: dict[str, Any] = {"sample_size": 64, "in_channels": 4, "cross_attention_dim": 768}
_XL_UNET: dict[str, Any] = {
    "sample_size": 128,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
_QWEN_3_4B: dict[str, Any] = {
    "vocab_size": 151936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": True,
}
_QWEN_25_VL_7B: dict[str, Any] = {
    "vocab_size": 152064,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
}
_T5_XXL: dict[str, Any] = {
    "vocab_size": 32128,
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10240,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
}
_Z_CONTROL: dict[str, Any] = {  # 2.1-lite: every tenth layer
    "control_layers_places": [0, 10, 20],
    "control_refiner_layers_places": [0, 1],
    "add_control_noise_refiner": "control_noise_refiner",
    "control_in_dim": 33,
}
_QWEN_VAE: dict[str, Any] = {"latents_mean": [0.0] * 16, "latents_std": [1.0] * 16}


def _flux(told: bool) -> TrueSize:
    transformer, guided = "diffusers:FluxTransformer2DModel", {"guidance_embeds": told}
    control = {"num_layers": 6, "num_single_layers": 0, "guidance_embeds": True}  # Union-Pro-2.0
    networks = {
        "text_encoder": _clip_l(),
        "text_encoder_2": ("transformers:T5EncoderModel", _T5_XXL),
        "transformer": (transformer, guided),
        "controlnet": ("diffusers:FluxControlNetModel", control),
        "vae": _flux_vae(),
    }
    scheduler = {**SCHEDULER, "use_dynamic_shifting": told, "shift": 3.0 if told else 1.0}
    return TrueSize("FluxPipeline", networks, {"tokenizer": "clip", "tokenizer_2": "t5"}, scheduler)


def _z_image(shift: float) -> TrueSize:
    networks = {
        "text_encoder": ("transformers:Qwen3Model", _QWEN_3_4B),
        "transformer": ("diffusers:ZImageTransformer2DModel", {}),
        "controlnet": ("diffusers:ZImageControlNetModel", _Z_CONTROL),
        "vae": _flux_vae(),
    }
    return TrueSize("ZImagePipeline", networks, {"tokenizer": "chat"}, {**SCHEDULER, "shift": shift})


FAMILIES: dict[str, TrueSize] = {
    "sd15": TrueSize(
        "StableDiffusionPipeline",
        {
            "text_encoder": _clip_l(),
            "unet": ("diffusers:UNet2DConditionModel", _SD_UNET),
            "controlnet": _controlled(_SD_UNET),
            "vae": _vae(latent_channels=4, sample_size=512, scaling_factor=0.18215),
        },
        {"tokenizer": "clip"},
        SD15,
    ),
    "sdxl": TrueSize(
        "StableDiffusionXLPipeline",
        {
            "text_encoder": _clip_l(),
            "text_encoder_2": _clip_big_g(),
            "unet": ("diffusers:UNet2DConditionModel", _XL_UNET),
            "controlnet": _controlled(_XL_UNET),
            "vae": _vae(latent_channels=4, sample_size=1024, scaling_factor=0.13025, force_upcast=True),
        },
        {"tokenizer": "clip", "tokenizer_2": "clip!"},
        XL,
    ),
    "z-image-turbo": _z_image(3.0),
    "z-image": _z_image(6.0),
    "qwen-image": TrueSize(
        "QwenImagePipeline",
        {
            "text_encoder": ("transformers:Qwen2_5_VLTextModel", _QWEN_25_VL_7B),
            "transformer": ("diffusers:QwenImageTransformer2DModel", {}),
            "controlnet": ("diffusers:QwenImageControlNetModel", {"num_layers": 5}),
            "vae": ("diffusers:AutoencoderKLQwenImage", _QWEN_VAE),
        },
        {"tokenizer": "chat"},
        {**SCHEDULER, "use_dynamic_shifting": True, "shift_terminal": 0.02},
    ),
    "flux-schnell": _flux(told=False),
    "flux-dev": _flux(told=True),
}


def empty(family: str, name: str) -> Any:
    """The network in the folder ``name`` of a family, built without memory, in evaluation mode."""
    path, config = FAMILIES[family].networks[name]
    module, kind = path.split(":")
    network = getattr(importlib.import_module(module), kind)
    with torch.device("meta"):
        if module == "transformers":
            return network(network.config_class(**config)).eval()
        return network(**config).eval()


class Weights(NamedTuple):
    """How many a network has. eight: those that may rest in 8 bits. largest: of its largest layer."""

    total: int
    eight: int
    largest: int


def weights(family: str, name: str) -> Weights:
    """Of the network in the folder ``name`` of a family."""
    network = empty(family, name)
    numbers = {key: weight.numel() for key, weight in network.named_parameters()}
    eight = sum(numbers.get(key, 0) for key in resting(network, EIGHT_BITS))
    return Weights(sum(numbers.values()), eight, largest(network))


def sizes(family: str) -> dict[str, int]:
    """How many weights each network of a family has."""
    return {name: weights(family, name).total for name in FAMILIES[family].networks}


def write(family: str, folder: Path, weights: bool = True) -> Path:
    """The whole pipeline of a family in ``folder``, which must be empty or not there; see the module.
    weights: whether they are written, too."""
    wanted, words = FAMILIES[family], 0
    for name, kind in wanted.tokenizers.items():
        words = max(words, _write_tokenizer(folder / name, kind))
    for name, (path, _) in wanted.networks.items():
        network = empty(family, name)
        if path.startswith("transformers:"):
            network.config.save_pretrained(folder / name)
            _correct_ends(folder / name / "config.json", words)
            file = "model.safetensors"
        else:
            network.save_config(folder / name)
            file = "diffusion_pytorch_model.safetensors"
        if weights:
            write_weights(network, folder / name / file)
    write_index(folder, wanted.kind, wanted.scheduler)
    return folder


def _write_tokenizer(folder: Path, kind: str) -> int:
    if kind == "t5":
        return write_t5_tokenizer(folder)
    if kind == "chat":
        return write_chat_tokenizer(folder)
    words = pipelines.write_tokenizer(folder, pad=kind.removeprefix("clip") or "<|endoftext|>")
    config = folder / "tokenizer_config.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**said, "model_max_length": 77}), encoding="utf-8")
    return words


def _correct_ends(path: Path, words: int) -> None:
    """CLIP's pooled text is read at the end token: the one of the small tokenizer beside it."""
    config = json.loads(path.read_text(encoding="utf-8"))
    if "bos_token_id" in config and config.get("model_type", "").startswith("clip"):
        config |= {"bos_token_id": words - 2, "eos_token_id": words - 1, "pad_token_id": words - 1}
        path.write_text(json.dumps(config), encoding="utf-8")


def write_weights(network: nn.Module, path: Path) -> None:
    """A .safetensors file of random bfloat16 weights for an empty ``network``: as strong as trained ones,
    round about, so that numbers neither vanish nor overflow. A tied weight is written once."""
    names, seen = [], set()
    for name, weight in network.named_parameters(remove_duplicate=False):
        if id(weight) not in seen:
            seen.add(id(weight))
            names.append((name, weight))
    table, end = {}, 0
    for name, weight in names:
        start, end = end, end + weight.numel() * BYTES
        table[name] = {"dtype": "BF16", "shape": list(weight.shape), "data_offsets": [start, end]}
    head = json.dumps(table).encode()
    head += b" " * (-len(head) % 8)
    noise = torch.randn(_BLOCK, generator=torch.Generator().manual_seed(0))
    with path.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for i, (name, weight) in enumerate(names):
            for piece in _pieces(name, weight, noise.roll(7919 * i)[: weight.numel()]):
                file.write(piece.bfloat16().view(torch.int16).numpy().tobytes())


def _pieces(name: str, weight: Tensor, noise: Tensor) -> Iterator[Tensor]:
    """The numbers of ``weight`` one after the other, at most as many at once as there is ``noise``."""
    scale = 1 / math.sqrt(weight[0].numel()) if weight.ndim > 1 else 0.1
    centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
    values = centre + scale * noise
    for start in range(0, weight.numel(), len(noise)):
        yield values[: weight.numel() - start]
