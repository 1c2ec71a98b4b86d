"""Which family a folder or a file belongs to, and what is said of those that belong to none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import UserError
from engine.models import families, presets, sources
from engine.models.catalogue import ENTRIES, STARTER_FOLDER
from engine.models.describe import describe

TEXT_WEIGHT = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"


def folder(path: Path, parts: families.Parts = families.STABLE_DIFFUSION, **unet: object) -> Path:
    """A pipeline of configs alone."""
    for part in parts.all:
        (path / part).mkdir(parents=True)
    config = {"_class_name": "UNet2DConditionModel", "sample_size": 64, **unet}
    (path / "unet" / "config.json").write_text(json.dumps(config))
    return path


def checkpoint(path: Path, key: str, width: int = 8) -> Path:
    save_file({key: torch.zeros(4, width)}, path)
    return path


@pytest.mark.parametrize(("width", "family"), [(768, "sd15"), (1024, "sd21"), (128, "starter")])
def test_the_width_of_text_tells(tmp_path: Path, width: int, family: str) -> None:
    assert families.of_folder(folder(tmp_path / "folder", cross_attention_dim=width)) == family
    assert families.of_checkpoint(checkpoint(tmp_path / "x.safetensors", TEXT_WEIGHT, width)) == family


@pytest.mark.parametrize("width", [2048, 128])
def test_one_that_reads_the_pictures_size_is_of_the_xl_family(tmp_path: Path, width: int) -> None:
    sized = {"addition_embed_type": "text_time", "cross_attention_dim": width}
    assert families.of_folder(folder(tmp_path / "folder", families.STABLE_DIFFUSION_XL, **sized)) == "sdxl"
    label = "model.diffusion_model.label_emb.0.0.weight"
    path = checkpoint(tmp_path / "x.safetensors", TEXT_WEIGHT, width)
    assert families.of_checkpoint(path) != "sdxl" if width == 128 else True
    save_file({TEXT_WEIGHT: torch.zeros(4, width), label: torch.zeros(1)}, path)
    assert families.of_checkpoint(path) == "sdxl"


def test_without_the_second_encoder_it_is_no_pipeline(tmp_path: Path) -> None:
    path = folder(tmp_path / "folder", addition_embed_type="text_time", cross_attention_dim=2048)
    (path / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionXLPipeline"}))
    with pytest.raises(UserError, match="text_encoder_2 missing"):
        families.of_folder(path)


@pytest.mark.parametrize("width", [2048, 1280, 4096, None, [768, 768]])
def test_an_unknown_width_is_refused(tmp_path: Path, width: object) -> None:
    """It got the starter's defaults: guidance 3, 10 steps, RGB synchronisation."""
    path = folder(tmp_path / "folder", cross_attention_dim=width)
    with pytest.raises(UserError, match="text of width") as error:
        families.of_folder(path)
    assert str(path) in str(error.value)
    with pytest.raises(UserError, match="text of width"):
        sources.find(str(path), lambda: None)
    with pytest.raises(UserError, match="text of width"):
        describe(str(path))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"_class_name": "UNet3DConditionModel"}, "UNet3DConditionModel"),
        ({"_class_name": "SD3Transformer2DModel"}, "SD3Transformer2DModel"),
        ({"addition_embed_type": "text_time", "cross_attention_dim": 1280}, "refiner of Stable Diffusion XL"),
    ],
)
def test_other_networks_are_refused_by_name(tmp_path: Path, config: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        families.of_folder(folder(tmp_path / "folder", **{"cross_attention_dim": 768, **config}))


@pytest.mark.parametrize(
    "kind",
    ["StableDiffusion3Pipeline", "FluxPipeline", "ZImagePipeline", "Kandinsky"],
)
def test_other_pipelines_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = folder(tmp_path / "folder", cross_attention_dim=768)
    (path / "model_index.json").write_text(json.dumps({"_class_name": kind}))
    with pytest.raises(UserError, match=kind):
        families.of_folder(path)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("conditioner.embedders.0.model.x", "refiner of Stable Diffusion XL"),
        ("model.diffusion_model.joint_blocks.0.context_block.x", "Stable Diffusion 3"),
        ("double_stream_modulation_img.lin.weight", "FLUX.2"),
        ("model.diffusion_model.distilled_guidance_layer.in_proj.bias", "Chroma"),
        ("txt_in.text_norm.weight", "Qwen-Image-2.1"),
        ("controlnet_blocks.0.weight", "ControlNet"),
    ],
)
def test_other_single_files_are_refused_by_name(tmp_path: Path, key: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        families.of_checkpoint(checkpoint(tmp_path / "x.safetensors", key))


def test_a_file_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="isn't a Stable Diffusion checkpoint"):
        families.of_checkpoint(checkpoint(tmp_path / "x.safetensors", "weight"))


def transformer(path: Path, kind: str = "ZImagePipeline", shift: float = 3.0, **config: object) -> Path:
    """A pipeline of a transformer, configs alone."""
    for part in families.Z_IMAGE.all:
        (path / part).mkdir(parents=True)
    found = {"_class_name": "ZImageTransformer2DModel", **config}
    (path / "transformer" / "config.json").write_text(json.dumps(found))
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps({"shift": shift}))
    (path / "model_index.json").write_text(json.dumps({"_class_name": kind} if kind else {}))
    return path


@pytest.mark.parametrize("kind", ["", "ZImagePipeline", "ZImageControlNetPipeline", "ZImageImg2ImgPipeline"])
@pytest.mark.parametrize(("shift", "family"), [(3.0, "z-image-turbo"), (6.0, "z-image"), (6, "z-image")])
def test_a_transformer_tells_and_its_scheduler_whether_it_is_for_few_steps(
    tmp_path: Path, kind: str, shift: float, family: str
) -> None:
    assert families.of_folder(transformer(tmp_path / "folder", kind, shift)) == family


FLUX = {"_class_name": "FluxTransformer2DModel", "kind": "FluxPipeline"}
QWEN = {"_class_name": "QwenImageTransformer2DModel", "kind": "QwenImagePipeline"}


def test_a_transformer_tells_whose_it_is(tmp_path: Path) -> None:
    assert families.of_folder(transformer(tmp_path / "folder", **QWEN)) == "qwen-image"  # type: ignore[arg-type]
    for name, told in (("flux-dev", True), ("flux-schnell", False)):
        path = transformer(tmp_path / name, guidance_embeds=told, **FLUX)  # type: ignore[arg-type]
        for part in ("text_encoder_2", "tokenizer_2"):
            (path / part).mkdir()
        assert families.of_folder(path) == name


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "ZImageOmniPipeline"}, "ZImageOmniPipeline"),
        ({"kind": "ZImageInpaintPipeline"}, "ZImageInpaintPipeline"),
        ({"kind": "StableDiffusionPipeline"}, "StableDiffusionPipeline"),
        ({"siglip_feat_dim": 1152}, "Z-Image Omni"),
        ({**QWEN, "kind": "QwenImageEditPlusPipeline"}, "QwenImageEditPlusPipeline"),
        ({**QWEN, "zero_cond_t": True}, "zero_cond_t"),
        ({**QWEN, "use_layer3d_rope": True}, "use_layer3d_rope"),
        ({**FLUX, "kind": "FluxFillPipeline"}, "FluxFillPipeline"),
        ({**FLUX, "kind": "FluxKontextPipeline"}, "FluxKontextPipeline"),
        ({"_class_name": "SD3Transformer2DModel", "kind": ""}, "SD3Transformer2DModel"),
        ({"_class_name": None, "kind": "LuminaPipeline"}, "LuminaPipeline"),
    ],
)
def test_what_else_has_a_transformer_is_refused_by_name(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    path = transformer(tmp_path / "folder", **changes)  # type: ignore[arg-type]
    for look in (
        families.of_folder,
        lambda place: describe(str(place)),
        lambda place: sources.find(str(place), list),
    ):
        with pytest.raises(UserError, match=said):
            look(path)


def test_absent_parts_of_a_transformers_pipeline_are_named(tmp_path: Path) -> None:
    path = transformer(tmp_path / "folder")
    (path / "text_encoder").rmdir()
    with pytest.raises(UserError, match="text_encoder missing") as error:
        families.of_folder(path)
    assert "transformer" in error.value.fix


def test_every_model_of_the_catalogue_has_a_family_with_defaults() -> None:
    for entry in ENTRIES:
        assert entry.family in families.PARTS
        assert presets.of_family(entry.family, 64, 8).family == entry.family
    assert families.of_folder(STARTER_FOLDER) == "starter"
