"""LoRAs in a model's weights: held against the formula, on weights that the test changes itself, and against
the names that diffusers gives to what other programs write."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.denoise import lora_names
from engine.denoise.additions import changed
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.denoise.lora import matched
from engine.errors import EXIT_BAD_INPUT, Cancelled, UserError
from engine.host import Host
from engine.models import loras
from engine.models.sources import Fetch
from engine.options.weighted import LORA
from engine.protocol import Request
from engine.worker import Failure, Worker
from tests.engine.denoise.loaded import estimate, load, network
from tests.engine.xl_pipelines import make_xl_pipeline

RANK, ALPHA, WEIGHT = 2, 3.0, 0.7
FILES = {"unet": "diffusion_pytorch_model", "text_encoder": "model", "text_encoder_2": "model"}
UNET = (  # layers of every kind in the tiny pipelines, with attention in the first block down and the last up
    "conv_in",
    "time_embedding.linear_1",
    "down_blocks.0.resnets.0.conv1",
    "down_blocks.0.attentions.0.proj_in",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_out.0",
    "down_blocks.0.downsamplers.0.conv",
    "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj",
    "up_blocks.0.resnets.1.conv_shortcut",
    "up_blocks.0.upsamplers.0.conv",
    "up_blocks.1.attentions.1.transformer_blocks.0.attn1.to_v",
)
TEXT = ("encoder.layers.0.self_attn.q_proj", "encoder.layers.1.mlp.fc1")
Part = tuple[str, str]  # of a model, and a layer in it
Matrices = dict[str, Tensor]


@pytest.fixture(scope="module")
def xl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_xl_pipeline(tmp_path_factory.mktemp("lora") / "xl")


def weights_of(model: Path, part: str) -> dict[str, Tensor]:
    return load_file(model / part / f"{FILES[part]}.safetensors")


def matrices(shape: torch.Size, seed: int, middle: bool = False) -> Matrices:
    """Down, up and alpha for a weight of that shape; middle: with a kernel between them."""
    generator = torch.Generator().manual_seed(seed)

    def noise(*sizes: int) -> Tensor:
        return 0.3 * torch.randn(sizes, generator=generator)

    inner = tuple(shape[2:])
    found = {
        "down": noise(RANK, shape[1], *((1,) * len(inner) if middle else inner)),
        "up": noise(shape[0], RANK, *(1,) * len(inner)),
        "alpha": torch.tensor(ALPHA),
    }
    return found | ({"mid": noise(RANK, RANK, *inner)} if middle else {})


def product(found: Matrices) -> Tensor:
    """What they add, by convolving unit pictures: another way than the product of matrices."""
    down, up = found["down"].double(), found["up"].double()
    if down.ndim == 2:
        return ALPHA / RANK * torch.stack([up @ down[:, i] for i in range(down.shape[1])], 1)
    kernel = found["mid"].double() if "mid" in found else None
    high, wide = (down if kernel is None else kernel).shape[2:]
    result = torch.zeros(up.shape[0], down.shape[1], high, wide, dtype=torch.double)
    for i in range(down.shape[1]):
        for y in range(high):
            for x in range(wide):
                if kernel is None:
                    result[:, i, y, x] = up[:, :, 0, 0] @ down[:, i, y, x]
                else:
                    result[:, i, y, x] = up[:, :, 0, 0] @ kernel[:, :, y, x] @ down[:, i, 0, 0]
    return ALPHA / RANK * result


def layers_of(model: Path) -> list[Part]:
    parts = [("unet", layer) for layer in UNET if f"{layer}.weight" in weights_of(model, "unet")]
    for part in ("text_encoder", "text_encoder_2"):
        if (model / part).is_dir():
            known = weights_of(model, part)
            parts += [(part, layer) for layer in TEXT if _key(known, layer)]
    return parts


def _key(known: dict[str, Tensor], layer: str) -> str:
    return next((key for key in (f"{layer}.weight", f"text_model.{layer}.weight") if key in known), "")


def random_lora(model: Path, middle: bool = False, seed: int = 0) -> dict[Part, Matrices]:
    """For one layer of every kind."""
    found = {}
    for number, (part, layer) in enumerate(layers_of(model)):
        known = weights_of(model, part)
        shape = known[_key(known, layer)].shape
        found[part, layer] = matrices(shape, seed + number, middle and shape[2:] == (3, 3))
    return found


def merged_by_hand(model: Path, lora: dict[Part, Matrices], folder: Path, weight: float = WEIGHT) -> Path:
    """A copy of ``model`` with ``lora`` in its files."""
    copy = shutil.copytree(model, folder)
    for part in {part for part, _ in lora}:
        state = weights_of(copy, part)
        for (where, layer), found in lora.items():
            if where == part:
                key = _key(state, layer)
                added = product(found).reshape(state[key].shape)
                state[key] = (state[key].double() + weight * added).float()
        save_file(state, copy / part / f"{FILES[part]}.safetensors")
    return copy


def kohya(part: str, layer: str, xl: bool) -> str:
    readers = {"text_encoder": "te1" if xl else "te", "text_encoder_2": "te2"}
    start = "unet_" if part == "unet" else f"{readers[part]}_text_model_"
    return f"lora_{start}{layer.replace('.', '_')}"


def in_kohya(lora: dict[Part, Matrices], xl: bool = False) -> dict[str, Tensor]:
    state = {}
    for (part, layer), found in lora.items():
        for role, tensor in found.items():
            ending = "alpha" if role == "alpha" else f"lora_{role}.weight"
            state[f"{kohya(part, layer, xl)}.{ending}"] = tensor
    return state


def in_peft(lora: dict[Part, Matrices], xl: bool = False) -> dict[str, Tensor]:
    """Without an alpha: it is in the matrices."""
    state = {}
    for (part, layer), found in lora.items():
        inside = layer if part == "unet" else f"text_model.{layer}"
        state[f"{part}.{inside}.lora_A.weight"] = found["down"]
        state[f"{part}.{inside}.lora_B.weight"] = found["up"] * ALPHA / RANK
    return state


def in_processors(lora: dict[Part, Matrices], xl: bool = False) -> dict[str, Tensor]:
    """As diffusers wrote them at first: attention alone."""
    state = {}
    for (part, layer), found in in_peft_parts(lora):
        place, name = layer.replace(".to_out.0", ".to_out").rsplit(".", 1)
        state[f"{part}.{place}.processor.{name}_lora.down.weight"] = found["down"]
        state[f"{part}.{place}.processor.{name}_lora.up.weight"] = found["up"] * ALPHA / RANK
    return state


def in_peft_parts(lora: dict[Part, Matrices]) -> Iterator[tuple[Part, Matrices]]:
    yield from ((place, found) for place, found in lora.items() if ".attn" in place[1])


def written(state: dict[str, Tensor], path: Path, **metadata: str) -> Path:
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path, metadata or None)
    return path


def load_with(model: Path, *loras: object) -> Denoiser:
    return load_denoiser(str(model), "cpu", lambda: None, asked=[str(one) for one in loras])


def weights_in(model: Denoiser) -> dict[str, Tensor]:
    """All weights of the loaded model, copied."""
    parts = (name for name in FILES if name in model._family.parts)
    return {
        f"{part}.{key}": weight.clone()
        for part in parts
        for key, weight in network(model, part).state_dict().items()
    }


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor], **close: float) -> None:
    assert found.keys() == expected.keys()
    for key, weight in expected.items():
        torch.testing.assert_close(found[key], weight, msg=lambda text, key=key: f"{key}: {text}", **close)


@pytest.mark.parametrize("spelled", [in_kohya, in_peft])
@pytest.mark.parametrize("which", ["eps_model", "xl"])
def test_weights_are_those_of_the_formula(
    which: str, spelled: Callable[..., Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(which)
    lora = random_lora(model)
    file = written(spelled(lora, which == "xl"), tmp_path / "style.safetensors")
    mine = load_with(model, f"{file}:{WEIGHT}")
    expected = load(merged_by_hand(model, lora, tmp_path / "merged"))
    assert_equal(weights_in(mine), weights_in(expected), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(estimate(mine), estimate(expected), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(estimate(mine), estimate(load(model)), atol=1e-3)


def test_a_kernel_between_the_matrices(eps_model: Path, tmp_path: Path) -> None:
    lora = random_lora(eps_model, middle=True)
    assert any("mid" in found for found in lora.values())
    file = written(in_kohya(lora), tmp_path / "locon.safetensors")
    mine, expected = load_with(eps_model, file), load(merged_by_hand(eps_model, lora, tmp_path / "m", 1.0))
    assert_equal(weights_in(mine), weights_in(expected), rtol=1e-6, atol=1e-6)


def test_attention_alone_as_diffusers_wrote_it_at_first(eps_model: Path, tmp_path: Path) -> None:
    lora = dict(in_peft_parts(random_lora(eps_model)))
    file = written(in_processors(lora), tmp_path / "old.safetensors")
    expected = load(merged_by_hand(eps_model, lora, tmp_path / "m", 1.0))
    assert_equal(weights_in(load_with(eps_model, file)), weights_in(expected), rtol=1e-6, atol=1e-6)


def test_what_the_training_was_told_is_heeded(eps_model: Path, tmp_path: Path) -> None:
    lora = {place: found for place, found in random_lora(eps_model).items() if place[0] == "unet"}
    state = {k: v * (RANK / ALPHA if "lora_B" in k else 1) for k, v in in_peft(lora).items()}
    told = json.dumps({"unet.r": RANK, "unet.lora_alpha": ALPHA, "unet.alpha_pattern": {}})
    file = written(state, tmp_path / "told.safetensors", lora_adapter_metadata=told)
    expected = load(merged_by_hand(eps_model, lora, tmp_path / "m", 1.0))
    assert_equal(weights_in(load_with(eps_model, file)), weights_in(expected), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "said",
    [
        "[" * 10_000,
        "[1]",
        '{"unet.lora_alpha": "much"}',
        '{"unet.lora_alpha": 1' + "0" * 400 + "}",
        '{"unet.lora_alpha": NaN}',
        '{"unet.lora_alpha": 1, "unet.alpha_pattern": [1]}',
        '{"unet.lora_alpha": 1, "unet.alpha_pattern": {"to_q": []}}',
    ],
)
def test_what_the_training_was_told_may_make_no_sense(said: str, eps_model: Path, tmp_path: Path) -> None:
    file = written(in_peft(random_lora(eps_model)), tmp_path / "odd.safetensors", lora_adapter_metadata=said)
    with pytest.raises(UserError, match=str(file)) as error:
        loras.find([str(file)], Fetch(lambda *_: None, lambda: None))
    assert len(str(error.value)) < 300


def test_a_worker_keeps_its_model_and_says_what_is_wrong_with_a_lora(
    eps_model: Path, tmp_path: Path, request_for: Callable[..., Request]
) -> None:
    good = written(in_kohya(random_lora(eps_model)), tmp_path / "good.safetensors")
    worker = Worker()
    model = worker._load(str(eps_model), "cpu", (), Host())
    picture = estimate(model)
    assert worker._load(str(eps_model), "cpu", (str(good),), Host()) is model
    with_good = estimate(model)
    assert not torch.allclose(with_good, picture, atol=1e-3)
    for bad in ("nowhere.safetensors", f"{good}:much"):
        asked = request_for(model=str(eps_model), lora=(bad,), device="cpu")
        failure = worker.run(asked, Host())
        assert isinstance(failure, Failure)
        assert failure.code == EXIT_BAD_INPUT
        assert "LoRA" in failure.error
        assert worker._load(str(eps_model), "cpu", (str(good),), Host()) is model
        torch.testing.assert_close(estimate(model), with_good, rtol=0, atol=0)
    assert worker._load(str(eps_model), "cpu", (), Host()) is model
    torch.testing.assert_close(estimate(model), picture, rtol=0, atol=0)


def test_two_loras_and_back_to_none_without_a_trace(eps_model: Path, tmp_path: Path) -> None:
    both = [random_lora(eps_model, seed=seed) for seed in (0, 100)]
    files = [written(in_kohya(one), tmp_path / f"{i}.safetensors") for i, one in enumerate(both)]
    model = load(eps_model)
    plain, picture = weights_in(model), estimate(model)
    places = {key: weight.data_ptr() for key, weight in network(model, "unet").state_dict().items()}
    for asked in (
        [f"{files[0]}:0.5", str(files[1])],
        [str(files[1])],
        [f"{files[0]}:-1"],
        [f"{files[0]}:0.5"],
    ):
        model.use_loras(asked)
        assert not torch.allclose(estimate(model), picture, atol=1e-3)
        assert_equal(weights_in(model), weights_in(load_with(eps_model, *asked)), rtol=0, atol=0)
    model.use_loras([])
    assert_equal(weights_in(model), plain, rtol=0, atol=0)
    torch.testing.assert_close(estimate(model), picture, rtol=0, atol=0)
    now = {key: weight.data_ptr() for key, weight in network(model, "unet").state_dict().items()}
    assert now == places  # nothing was loaded anew


def test_only_parts_that_change_are_read_again(
    eps_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.denoise import weights

    lora = {place: found for place, found in random_lora(eps_model).items() if place[0] == "text_encoder"}
    file = written(in_kohya(lora), tmp_path / "words.safetensors")
    model, read = load(eps_model), []
    whole = weights.of_folder
    monkeypatch.setattr(weights, "of_folder", lambda folder: read.append(folder.name) or whole(folder))
    model.use_loras([str(file)])
    model.use_loras([str(file)])
    assert read == ["text_encoder"]


def test_a_cancel_meanwhile_leaves_a_model_that_works(eps_model: Path, tmp_path: Path) -> None:
    file = written(in_kohya(random_lora(eps_model)), tmp_path / "style.safetensors")
    model = load(eps_model)
    picture, calls = estimate(model), iter(range(5))

    def check() -> None:
        if next(calls, None) is None:
            raise Cancelled

    with pytest.raises(Cancelled):
        model.use_loras([str(file)], check)
    model.use_loras([])
    torch.testing.assert_close(estimate(model), picture, rtol=0, atol=0)


BAD = {
    "hada_w1_a": (r"LoHa", "lora_unet_conv_in.hada_w1_a"),
    "lokr": (r"LoKr", "lora_unet_conv_in.lokr_w1"),
    "dora": (r"DoRA", "lora_unet_conv_in.dora_scale"),
    "diff": (r"more than a LoRA.*diff", "lora_unet_conv_in.diff"),
    "embedding": (r"embeddings", "bundle_emb.word.string_to_param"),
}


@pytest.mark.parametrize("kind", BAD)
def test_other_kinds_of_changes_are_refused_by_name(kind: str, eps_model: Path, tmp_path: Path) -> None:
    what, key = BAD[kind]
    state = {**in_kohya(random_lora(eps_model)), key: torch.ones(2, 2)}
    file = written(state, tmp_path / "odd.safetensors")
    with pytest.raises(UserError, match=what) as error:
        load_with(tmp_path / "no such model", file)  # before the model is looked for
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_one_of_another_family_is_refused_and_the_model_stays(
    eps_model: Path, xl: Path, tmp_path: Path
) -> None:
    other = written(in_kohya(random_lora(xl), xl=True), tmp_path / "xl.safetensors")
    good = written(in_kohya(random_lora(eps_model)), tmp_path / "good.safetensors")
    model = load_with(eps_model, good)
    picture = estimate(model)
    with pytest.raises(UserError, match=r"xl\.safetensors doesn't fit .* layers") as error:
        model.use_loras([str(good), str(other)])
    assert "made for this model" in error.value.fix
    torch.testing.assert_close(estimate(model), picture, rtol=0, atol=0)
    with pytest.raises(UserError, match="doesn't fit"):
        load_with(xl, good)


def odd(lora: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    key = next(key for key in lora if "attn2_to_k" in key and "lora_down" in key)
    if name == "rank":
        return {**lora, key: lora[key][:1]}
    if name == "width":
        return {**lora, key: lora[key][:, :-1]}
    if name == "half":
        return {k: v for k, v in lora.items() if k != key}
    return {**lora, key: lora[key] / 0}


@pytest.mark.parametrize(
    ("name", "what"),
    [("rank", "ranks"), ("width", "doesn't fit"), ("half", "lacks half"), ("infinite", "infinite")],
)
def test_shapes_and_numbers_that_make_no_sense(name: str, what: str, eps_model: Path, tmp_path: Path) -> None:
    state = odd(in_kohya(random_lora(eps_model)), name)
    file = written(state, tmp_path / "odd.safetensors")
    with pytest.raises(UserError, match=what) as error:
        load_with(eps_model, file)
    assert str(file) in str(error.value)


def layers(model: Any) -> dict[str, Tensor]:
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {name: one.weight for name, one in model.named_modules() if isinstance(one, kinds)}


def xl_unet() -> Any:
    from diffusers import UNet2DConditionModel

    from tests.engine.xl_pipelines import UNET as TINY

    return UNet2DConditionModel(**{
        **TINY,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (16, 32, 32),
        "layers_per_block": 2,
        "transformer_layers_per_block": (1, 1, 2),
        "attention_head_dim": (2, 4, 4),
    })  # fmt: skip


def test_original_names_of_a_unet_are_those_that_diffusers_gives_to_them() -> None:
    """kohya's programs spell Stable Diffusion XL's layers as its original code does."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    unet = xl_unet()
    names = lora_names.spellings("unet", "UNet2DConditionModel", layers(unet))
    original = {
        name: found for name, found in names.items() if name.startswith(("input_", "middle_", "output_"))
    }
    state = {
        f"model.diffusion_model.{name}.{ending}": torch.full((1,), number)
        for number, name in enumerate(original)
        for ending in ("weight", "bias")
    }
    for name in ("time_embed.0", "time_embed.2", "label_emb.0.0", "label_emb.0.2", "out.0", "out.2"):
        state |= {f"model.diffusion_model.{name}.{ending}": torch.zeros(1) for ending in ("weight", "bias")}
    theirs = convert_ldm_unet_checkpoint(state, unet.config)
    for number, found in enumerate(original.values()):
        (layer,) = found
        assert theirs[f"{layer}.weight"].item() == number, layer


def test_blocks_of_xl_are_counted_as_diffusers_counts_them() -> None:
    from diffusers import StableDiffusionXLPipeline

    unet = xl_unet()
    known = layers(unet)
    ours = lora_names.spellings("unet", "UNet2DConditionModel", known)
    blocks = ("lora_unet_input", "lora_unet_middle", "lora_unet_output")
    flat = [name for name in ours if name.startswith(blocks) and name.endswith("to_q")]
    assert len(flat) == sum(name.endswith("to_q") for name in known)
    state = {}
    for number, name in enumerate(flat):
        down = torch.full((1, known[ours[name][0]].shape[1]), float(number))
        state |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": down[:, :1]}
    theirs, _ = StableDiffusionXLPipeline.lora_state_dict(state, unet_config=unet.config)
    for key, tensor in theirs.items():
        if key.endswith("down.weight"):
            (layer,) = ours[flat[int(tensor[0, 0])]]
            assert layer.rpartition(".")[0] in key


class Shapes:
    """Of a network too large to make: what is asked of a part before a LoRA goes into it."""

    def __init__(self, kind: str, **shapes: tuple[int, int]) -> None:
        self.kind = kind
        self.layers = {name.replace("__", "."): shape for name, shape in shapes.items()}


FLUX = Shapes(
    "FluxTransformer2DModel",
    **{f"transformer_blocks__0__attn__to_{one}": (3072, 3072) for one in "qkv"},
    **{f"transformer_blocks__0__attn__add_{one}_proj": (3072, 3072) for one in "qkv"},
    transformer_blocks__0__attn__to_add_out=(3072, 3072),
    **{f"single_transformer_blocks__0__attn__to_{one}": (3072, 3072) for one in "qkv"},
    single_transformer_blocks__0__proj_mlp=(12288, 3072),
    single_transformer_blocks__0__norm__linear=(9216, 3072),
)
FLUX_FILE = {
    "lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072),
    "lora_unet_double_blocks_0_txt_attn_qkv": (9216, 3072),
    "lora_unet_double_blocks_0_txt_attn_proj": (3072, 3072),
    "lora_unet_single_blocks_0_linear1": (21504, 3072),
    "lora_unet_single_blocks_0_modulation_lin": (9216, 3072),
}
Z_IMAGE = Shapes(
    "ZImageTransformer2DModel",
    **{f"layers__0__attention__to_{one}": (32, 32) for one in "qkv"},
    layers__0__attention__to_out__0=(32, 32),
    layers__0__feed_forward__w1=(64, 32),
    layers__0__adaLN_modulation__0=(128, 32),
)
Z_IMAGE_FILE = {
    "diffusion_model.layers.0.attention.qkv": (96, 32),
    "diffusion_model.layers.0.attention.out": (32, 32),
    "diffusion_model.layers.0.feed_forward.w1": (64, 32),
    "diffusion_model.layers.0.adaLN_modulation.0": (128, 32),
}
QWEN = Shapes(
    "QwenImageTransformer2DModel",
    transformer_blocks__0__attn__to_q=(32, 32),
    transformer_blocks__0__attn__add_k_proj=(32, 32),
    transformer_blocks__0__attn__to_out__0=(32, 32),
    transformer_blocks__0__img_mlp__net__0__proj=(64, 32),
    transformer_blocks__0__txt_mod__1=(64, 32),
)
QWEN_FILE = {
    "lora_unet_transformer_blocks_0_attn_to_q": (32, 32),
    "lora_unet_transformer_blocks_0_attn_add_k_proj": (32, 32),
    "lora_unet_transformer_blocks_0_attn_to_out_0": (32, 32),
    "lora_unet_transformer_blocks_0_img_mlp_net_0_proj": (64, 32),
    "lora_unet_transformer_blocks_0_txt_mod_1": (64, 32),
}
TRANSFORMERS = {
    "flux": (FLUX, FLUX_FILE, "lora_down", "_convert_kohya_flux_lora_to_diffusers"),
    "z-image": (Z_IMAGE, Z_IMAGE_FILE, "lora.down", "_convert_non_diffusers_z_image_lora_to_diffusers"),
    "qwen-image": (QWEN, QWEN_FILE, "lora_down", "_convert_non_diffusers_qwen_lora_to_diffusers"),
}


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_transformers_layers_get_what_diffusers_gives_them(family: str, tmp_path: Path) -> None:
    """Also where one layer of the original is several."""
    from diffusers.loaders import lora_conversion_utils

    part, file, down, converter = TRANSFORMERS[family]
    state = {}
    for number, (name, shape) in enumerate(file.items()):
        found = matrices(torch.Size(shape), number)
        state |= {f"{name}.{down}.weight": found["down"], f"{name}.alpha": found["alpha"]}
        state[f"{name}.{down.replace('down', 'up')}.weight"] = found["up"]
    path = written(state, tmp_path / "lora.safetensors")
    theirs = getattr(lora_conversion_utils, converter)(dict(state))
    (asked,) = loras.find([f"{path}:0.5"], Fetch(lambda *_: None, lambda: None))
    changes = matched([asked], {"transformer": part}, "it")["transformer"]
    assert changes.keys() == {f"{layer}.weight" for layer in part.layers}
    for layer, shape in part.layers.items():
        up, before = (theirs[f"transformer.{layer}.lora_{one}.weight"] for one in "BA")
        mine = changed(f"{layer}.weight", torch.zeros(shape), changes)
        torch.testing.assert_close(mine[:, :32], 0.5 * (up @ before[:, :32]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_a_lora_of_a_transformer_is_told_by_its_family(family: str, eps_model: Path, tmp_path: Path) -> None:
    _, file, _, _ = TRANSFORMERS[family]
    (name, shape), *_ = file.items()
    found = matrices(torch.Size(shape), 0)
    if family == "qwen-image":
        name = "transformer_blocks.0.img_mod.1"
    state = {f"{name}.lora_A.weight": found["down"], f"{name}.lora_B.weight": found["up"]}
    words = {"flux": "FLUX", "z-image": "Z-Image", "qwen-image": "Qwen-Image"}[family]
    with pytest.raises(UserError, match=rf"is for {words}.*doesn't fit"):
        load_with(eps_model, written(state, tmp_path / "other.safetensors"))


@pytest.mark.parametrize(
    ("text", "name", "weight"),
    [
        ("style.safetensors", "style.safetensors", 1.0),
        ("style.safetensors:0.8", "style.safetensors", 0.8),
        ("them/style:a/b.safetensors", "them/style:a/b.safetensors", 1.0),
        ("them/style:b.safetensors:-.5", "them/style:b.safetensors", -0.5),
        (r"C:\loras\style.safetensors", r"C:\loras\style.safetensors", 1.0),
        (r"C:\loras\style.safetensors:2", r"C:\loras\style.safetensors", 2.0),
        ("mine:1", "mine", 1.0),
    ],
)
def test_a_file_and_its_weight(text: str, name: str, weight: float) -> None:
    assert LORA.of_file(text) == (name, weight)


@pytest.mark.parametrize("weight", ["much", "nan", "inf", "11", ""])
def test_a_weight_that_is_no_number(weight: str) -> None:
    with pytest.raises(UserError, match="weight of the LoRA") as error:
        LORA.split(f"style.safetensors:{weight}")
    assert "-10 to 10" in error.value.fix


def test_files_that_are_not_there_or_damaged_or_something_else(eps_model: Path, tmp_path: Path) -> None:
    cut = written(in_kohya(random_lora(eps_model)), tmp_path / "cut.safetensors")
    cut.write_bytes(cut.read_bytes()[:-10])
    unet = eps_model / "unet" / "diffusion_pytorch_model.safetensors"
    for file, what in [(tmp_path / "no.safetensors", "no LoRA"), (cut, "damaged"), (unet, "isn't a LoRA")]:
        with pytest.raises(UserError, match=what) as error:
            load_with(eps_model, file)
        assert "\n" not in str(error.value)
