"""Networks that are built empty, filled, released and filled again; of classes that today's families lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.denoise import weights
from engine.denoise.build import build, empty_parameters
from engine.denoise.parts import Part
from engine.errors import Cancelled, UserError

CPU = torch.device("cpu")


def t5() -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2))


def qwen3() -> Any:
    from transformers import Qwen3Config, Qwen3Model

    config = Qwen3Config(
        vocab_size=60,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    return Qwen3Model(config)


def clip() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    return CLIPTextModelWithProjection(config)


def loaded(model: Any, folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """``model`` saved by its library and loaded by the engine."""
    model.eval().save_pretrained(folder)
    part = Part("text", lambda: empty(model), lambda _, check: weights.of_folder(folder), CPU, dtype)
    return part.network()


def empty(model: Any) -> Any:
    with empty_parameters():
        return type(model)(model.config)


@pytest.mark.parametrize("make", [t5, qwen3, clip])
def test_text_encoders_say_what_they_said(make: Callable[[], Any], tmp_path: Path) -> None:
    """T5's file has its tied embedding once; Qwen3's positions turn by frequencies outside the file."""
    torch.manual_seed(0)
    model = make()
    ours = loaded(model, tmp_path)
    tokens = torch.arange(12).reshape(2, 6)
    with torch.no_grad():
        before, after = model(tokens)[0], ours(tokens)[0]
    assert torch.equal(before, after)
    assert not any(tensor.is_meta for tensor in (*ours.parameters(), *ours.buffers()))


def test_a_tied_weight_is_held_once(tmp_path: Path) -> None:
    ours = loaded(t5(), tmp_path)
    assert ours.shared.weight.data_ptr() == ours.encoder.embed_tokens.weight.data_ptr()


def test_a_tied_weight_under_its_other_name_will_do(tmp_path: Path) -> None:
    model = t5()
    model.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    state = load_file(path)
    state["encoder.embed_tokens.weight"] = state.pop("shared.weight")
    save_file(state, path)
    part = Part(
        "text", lambda: empty(model), lambda _, check: weights.of_folder(tmp_path), CPU, torch.float32
    )
    assert torch.equal(part.network().shared.weight, model.shared.weight)


def test_tokens_of_a_transformer_for_pictures_find_their_places() -> None:
    """Qwen-Image keeps its positions as plain tensors, which a network built on the meta device lacks."""
    from diffusers import QwenImageTransformer2DModel

    config = {
        "patch_size": 2,
        "in_channels": 16,
        "out_channels": 4,
        "num_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 24,
        "axes_dims_rope": (8, 4, 4),
    }
    torch.manual_seed(0)
    model = QwenImageTransformer2DModel(**config).eval()
    network = "diffusers.models.transformers.transformer_qwenimage:QwenImageTransformer2DModel"
    empty = partial(build, network, config, Path("config.json"))
    state = list(model.state_dict().items())
    ours = Part("net", empty, lambda _, check: state, CPU, torch.float32).network()
    inputs = {
        "hidden_states": torch.randn(1, 16, 16),
        "encoder_hidden_states": torch.randn(1, 5, 24),
        "encoder_hidden_states_mask": torch.ones(1, 5, dtype=torch.bool),
        "timestep": torch.tensor([0.5]),
        "img_shapes": [[(1, 4, 4)]],
    }
    with torch.no_grad():
        assert torch.equal(ours(**inputs).sample, model(**inputs).sample)


class Counting(nn.Module):
    """Batch normalisation, as FLUX.2's autoencoder has it, and a weight of whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, Any] = {}
        self.layer = nn.Linear(4, 4)
        self.bn = nn.BatchNorm2d(4)
        self.table = nn.Parameter(torch.arange(4), requires_grad=False)
        self.register_buffer("frequencies", torch.linspace(0, 1, 3), persistent=False)


def counting() -> Counting:
    with empty_parameters():
        return Counting()


def test_only_weights_come_in_the_networks_precision() -> None:
    """Statistics and counts became half precision; 70000 isn't even a number there."""
    model = Counting()
    model.bn.running_var.fill_(70000.0)
    model.bn.num_batches_tracked.fill_(123457)
    state = list(model.state_dict().items())
    ours = Part("net", counting, lambda _, check: state, CPU, torch.float16).network()
    assert ours.layer.weight.dtype == ours.bn.weight.dtype == torch.float16
    assert ours.bn.running_var.dtype == torch.float32
    assert torch.equal(ours.bn.running_var, model.bn.running_var)
    assert ours.bn.num_batches_tracked.dtype == torch.int64
    assert int(ours.bn.num_batches_tracked) == 123457
    assert torch.equal(ours.table, model.table)
    assert torch.equal(ours.frequencies, model.frequencies)


def test_statistics_that_are_missing_are_missed() -> None:
    state = [(key, tensor) for key, tensor in Counting().state_dict().items() if "running_var" not in key]
    with pytest.raises(UserError, match=r"lacks 1 weights, bn\.running_var"):
        Part("net", counting, lambda _, check: state, CPU, torch.float32).network()


def test_empty_networks_hold_no_weights() -> None:
    model = counting()
    assert all(parameter.is_meta for parameter in model.parameters())
    assert not any(buffer.is_meta for buffer in model.buffers())
    assert not any(parameter.is_meta for parameter in Counting().parameters()), "outside all is as ever"


class Reads:
    """Weights that count how often they are read."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.tensors, self.count = tensors, 0

    def __call__(self, network: Any, check: Callable[[], None]) -> Iterator[tuple[str, Tensor]]:
        self.count += 1
        yield from self.tensors.items()


def test_a_part_comes_late_goes_early_and_comes_again() -> None:
    reads = Reads(Counting().state_dict())
    part = Part("net", counting, reads, CPU, torch.float32)
    assert (part.is_loaded, reads.count) == (False, 0)
    first = part.network()
    assert part.network() is first
    assert (part.is_loaded, reads.count) == (True, 1)
    part.release()
    assert not part.is_loaded
    again = part.network()
    assert again is not first
    assert reads.count == 2
    assert torch.equal(again.layer.weight, first.layer.weight)


def test_a_part_that_was_cancelled_can_be_asked_for_again() -> None:
    part, calls = Part("net", counting, Reads(Counting().state_dict()), CPU, torch.float32), iter(range(3))

    def check() -> None:
        if next(calls, None) is None:
            raise Cancelled

    with pytest.raises(Cancelled):
        part.network(check)
    assert not part.is_loaded
    assert torch.isfinite(part.network().layer.weight).all()
