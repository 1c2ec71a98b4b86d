"""Tiny pipelines of transformers for flow matching, of the true classes, random but fixed: 16 latent
channels, 8 pixels per latent, views of 64 pixels. Every parameter has noise: convolutions that are zero at
first would hide errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from tests.engine import pipelines

WORDS = ("red", "bricks", "old", "wood", "gold", "user", "assistant")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    "{% if not enable_thinking %}<think></think>{% endif %}"
)
SCHEDULER: dict[str, Any] = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000}
Z_TRANSFORMER: dict[str, Any] = {
    "in_channels": 16,
    "dim": 32,
    "n_layers": 4,
    "n_refiner_layers": 2,
    "n_heads": 2,
    "n_kv_heads": 2,
    "cap_feat_dim": 16,
    "axes_dims": [8, 4, 4],
    "axes_lens": [1024, 64, 64],
}
Z_CONTROLS: dict[str, dict[str, Any]] = {
    "1": {"control_in_dim": 16},
    "2.0": {
        "control_in_dim": 33,
        "control_refiner_layers_places": [0, 1],
        "add_control_noise_refiner": "control_layers",
    },
    "2.1": {
        "control_in_dim": 33,
        "control_refiner_layers_places": [0, 1],
        "add_control_noise_refiner": "control_noise_refiner",
    },
}


def noisy(network: Any) -> Any:
    """``network`` with noise in each parameter: as strong as trained ones, round about."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            scale = 1 / parameter[0].numel() ** 0.5 if parameter.ndim > 1 else 0.1
            centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            parameter.copy_(centre + scale * torch.randn_like(parameter))
    return network.eval()


def write_tokenizer(folder: Path, chat: str | None = CHAT) -> int:
    """A byte-level tokenizer of Qwen's class that knows WORDS; returns the size of its vocabulary."""
    from transformers import Qwen2Tokenizer

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    vocabulary = [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(others))]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        done = word[0]
        for letter in word[1:]:
            merges.append((done, letter))
            done += letter
            vocabulary.append(done)
    table = {token: i for i, token in enumerate(dict.fromkeys(vocabulary))}
    tokenizer = Qwen2Tokenizer(vocab=table, merges=list(dict.fromkeys(merges)))
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = chat
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def autoencoder() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        latent_channels=16,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
        sample_size=64,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        force_upcast=True,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def z_controlnet(version: str) -> Any:
    from diffusers import ZImageControlNetModel

    return noisy(
        ZImageControlNetModel(
            control_layers_places=[0, 2],
            dim=32,
            n_refiner_layers=2,
            n_heads=2,
            n_kv_heads=2,
            **Z_CONTROLS[version],
        )
    )


def make_z_image(folder: Path, version: str = "2.1", seed: int = 0) -> Path:
    """A pipeline of Z-Image-Turbo in diffusers layout, with a Fun ControlNet of ``version``."""
    from diffusers import ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

    torch.manual_seed(seed)
    words = write_tokenizer(folder / "tokenizer")
    text = Qwen3Config(
        vocab_size=words,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    noisy(Qwen3Model(text)).save_pretrained(folder / "text_encoder")
    _spell_as_published(folder / "text_encoder" / "config.json")
    noisy(ZImageTransformer2DModel(**Z_TRANSFORMER)).save_pretrained(folder / "transformer")
    z_controlnet(version).save_pretrained(folder / "controlnet")
    noisy(autoencoder()).save_pretrained(folder / "vae")
    write_index(folder, "ZImagePipeline", {**SCHEDULER, "shift": 3.0})
    return folder


QWEN_TRANSFORMER: dict[str, Any] = {
    "in_channels": 64,
    "num_layers": 3,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": 32,
    "axes_dims_rope": (8, 4, 4),
}


def qwen_controlnet() -> Any:
    from diffusers import QwenImageControlNetModel

    return noisy(QwenImageControlNetModel(**{**QWEN_TRANSFORMER, "num_layers": 2}))


def make_qwen_image(folder: Path, seed: int = 0) -> Path:
    """A pipeline of Qwen-Image in diffusers layout, with a ControlNet; its language model can see, too."""
    from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    torch.manual_seed(seed)
    words = write_tokenizer(folder / "tokenizer", chat=None)
    text = {
        "vocab_size": words,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
    }
    eyes = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 32}
    seeing = Qwen2_5_VLConfig(text_config=text, vision_config=eyes)
    noisy(Qwen2_5_VLForConditionalGeneration(seeing)).save_pretrained(folder / "text_encoder")
    noisy(QwenImageTransformer2DModel(**QWEN_TRANSFORMER)).save_pretrained(folder / "transformer")
    qwen_controlnet().save_pretrained(folder / "controlnet")
    vae = AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=16,
        dim_mult=[1, 2, 2, 2],
        num_res_blocks=1,
        latents_mean=[0.1 * n - 0.5 for n in range(16)],
        latents_std=[1 + 0.1 * n for n in range(16)],
    )
    noisy(vae).save_pretrained(folder / "vae")
    config = json.loads((folder / "vae" / "config.json").read_text(encoding="utf-8"))
    (folder / "vae" / "config.json").write_text(json.dumps({**config, "sample_size": 64}), encoding="utf-8")
    dynamic = {"use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 0.9, "max_image_seq_len": 8192}
    write_index(folder, "QwenImagePipeline", {**SCHEDULER, **dynamic, "shift_terminal": 0.02})
    return folder


FLUX_TRANSFORMER: dict[str, Any] = {
    "in_channels": 64,
    "num_layers": 2,
    "num_single_layers": 3,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": 24,
    "pooled_projection_dim": 16,
    "axes_dims_rope": (4, 4, 8),
}


def flux_controlnet(**changes: Any) -> Any:
    from diffusers import FluxControlNetModel

    return noisy(
        FluxControlNetModel(**{**FLUX_TRANSFORMER, "num_layers": 1, "num_single_layers": 1, **changes})
    )


def write_t5_tokenizer(folder: Path) -> int:
    """One of T5's class that knows letters and WORDS; returns the size of its vocabulary."""
    from transformers import T5Tokenizer

    letters = [chr(n) for n in range(33, 127)]
    pieces = ["<pad>", "</s>", "<unk>", "\u2581", *letters, *(f"\u2581{word}" for word in WORDS)]
    T5Tokenizer(vocab=[(piece, -float(n)) for n, piece in enumerate(pieces)], extra_ids=0).save_pretrained(
        folder
    )
    return len(pieces)


def make_flux(folder: Path, told: bool = False, seed: int = 0) -> Path:
    """A pipeline of FLUX.1-schnell in diffusers layout, with a ControlNet. told: of dev, whose network is
    told the guidance."""
    from diffusers import FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    torch.manual_seed(seed)
    words = pipelines.write_tokenizer(folder / "tokenizer")
    clip = CLIPTextConfig(
        vocab_size=words,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=pipelines.TOKENS,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
    )
    noisy(CLIPTextModel(clip)).save_pretrained(folder / "text_encoder")
    pieces = write_t5_tokenizer(folder / "tokenizer_2")
    t5 = T5Config(vocab_size=pieces, d_model=24, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    noisy(T5EncoderModel(t5)).save_pretrained(folder / "text_encoder_2")
    transformer = FluxTransformer2DModel(**FLUX_TRANSFORMER, guidance_embeds=told)
    noisy(transformer).save_pretrained(folder / "transformer")
    flux_controlnet(guidance_embeds=told).save_pretrained(folder / "controlnet")
    noisy(autoencoder()).save_pretrained(folder / "vae")
    write_index(
        folder, "FluxPipeline", {**SCHEDULER, "use_dynamic_shifting": told, "shift": 3.0 if told else 1.0}
    )
    return folder


def _spell_as_published(path: Path) -> None:
    """The config of a language model as transformers 4 wrote it: its positions turn a hundred times slower
    than where it says nothing."""
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["rope_parameters"]
    config |= {"rope_theta": 1000000, "rope_scaling": None, "architectures": ["Qwen3ForCausalLM"]}
    path.write_text(json.dumps(config), encoding="utf-8")


def write_index(folder: Path, kind: str, scheduler: dict[str, Any]) -> None:
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler), encoding="utf-8")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": kind}), encoding="utf-8")
