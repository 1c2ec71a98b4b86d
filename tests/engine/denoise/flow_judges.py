"""diffusers' own pipelines of the flow-matching families, of our models' folders, with ``controlnet``, a
network of diffusers'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.denoise.flow_runs import without_chance


def flux(folder: Path, controlnet: Any) -> Any:
    from diffusers import (
        AutoencoderKL,
        FlowMatchEulerDiscreteScheduler,
        FluxControlNetPipeline,
        FluxTransformer2DModel,
    )
    from transformers import AutoTokenizer, CLIPTextModel, T5EncoderModel

    return FluxControlNetPipeline(
        FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler"),
        without_chance(AutoencoderKL.from_pretrained(folder / "vae")),
        CLIPTextModel.from_pretrained(folder / "text_encoder"),
        AutoTokenizer.from_pretrained(folder / "tokenizer"),
        T5EncoderModel.from_pretrained(folder / "text_encoder_2"),
        AutoTokenizer.from_pretrained(folder / "tokenizer_2"),
        FluxTransformer2DModel.from_pretrained(folder / "transformer"),
        controlnet,
    )


def qwen_image(folder: Path, controlnet: Any) -> Any:
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImageControlNetPipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

    return QwenImageControlNetPipeline(
        FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler"),
        without_chance(AutoencoderKLQwenImage.from_pretrained(folder / "vae")),
        Qwen2_5_VLForConditionalGeneration.from_pretrained(folder / "text_encoder"),
        AutoTokenizer.from_pretrained(folder / "tokenizer"),
        QwenImageTransformer2DModel.from_pretrained(folder / "transformer"),
        controlnet,
    )


def z_image(folder: Path, controlnet: Any) -> Any:
    from diffusers import (
        AutoencoderKL,
        FlowMatchEulerDiscreteScheduler,
        ZImageControlNetPipeline,
        ZImageTransformer2DModel,
    )
    from transformers import AutoTokenizer, Qwen3Model

    return ZImageControlNetPipeline(
        FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler"),
        AutoencoderKL.from_pretrained(folder / "vae"),
        Qwen3Model.from_pretrained(folder / "text_encoder"),
        AutoTokenizer.from_pretrained(folder / "tokenizer"),
        ZImageTransformer2DModel.from_pretrained(folder / "transformer"),
        controlnet,
    )
