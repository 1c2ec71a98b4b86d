"""Models in little memory: what is chosen, told, refused; and that LoRAs and further ControlNets get on with
it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine import protocol
from engine.denoise import device as devices
from engine.denoise import parts as engine_parts
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.denoise.families.family import NETWORK, TEXT
from engine.errors import OutOfMemory
from engine.host import Host
from engine.models.ladder import APART, EIGHT, FULL, HALF, STAYS, Room
from engine.options.controls import read_all
from engine.worker import Failure, Worker
from tests.engine.denoise.loaded import estimate, load
from tests.engine.xl_pipelines import controlnet, noisy

PLENTY = 1e12


def in_room(monkeypatch: pytest.MonkeyPatch, free: float, total: float = PLENTY) -> None:
    """From now on the processor is a card with so much memory, whose weights may wait elsewhere."""
    monkeypatch.setattr(devices, "room", lambda device: Room(free, total))


def needs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int, bool], float]:
    """Bytes for each way to keep a model, by how its network rests, rows at once, and whether it is away."""
    from engine.models import ladder

    in_room(monkeypatch, PLENTY)
    house = load(folder).household
    plans = ladder.rungs(house._sizes, Room(PLENTY, PLENTY))
    return {(one.network, one.rows, one.away): one.need for one in plans if one.reads == APART}


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For an attention layer and a convolution of the tiny UNet."""
    file = tmp_path_factory.mktemp("lora") / "lora.safetensors"
    noise = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return 0.3 * torch.randn(shape, generator=noise)

    attention = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
    convolution = "unet.down_blocks.0.resnets.0.conv1"
    weights = {
        f"{attention}.lora_A.weight": draw(2, 32),
        f"{attention}.lora_B.weight": draw(32, 2),
        f"{convolution}.lora_A.weight": draw(2, 16, 3, 3),
        f"{convolution}.lora_B.weight": draw(16, 2, 1, 1),
    }
    save_file(weights, file)
    return file


@pytest.mark.parametrize("away", [False, True])
def test_loras_change_weights_that_rest_in_eight_bits_and_elsewhere(
    xl_model: Path, lora: Path, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    """Those of a model that was loaded with them; and without them all is as it was."""
    wanted = needs(xl_model, monkeypatch)
    rows = min(rows for kind, rows, waits in wanted if kind == EIGHT and not waits)
    in_room(monkeypatch, wanted[EIGHT, rows, False] - (1 if away else 0))
    model = load(xl_model)
    assert (model.household.plan.network, model.household.plan.away) == (EIGHT, away)
    plain = estimate(model)
    model.use_loras([f"{lora}:0.7"])
    changed = estimate(model)
    fresh = load_denoiser(str(xl_model), "cpu", lambda: None, asked=[f"{lora}:0.7"])
    assert torch.equal(changed, estimate(fresh))
    assert not torch.equal(changed, plain)
    model.use_loras([])
    assert torch.equal(estimate(model), plain)


def test_further_controlnets_count_and_leave_room_again(
    xl_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy(controlnet(), 9).save_pretrained(tmp_path / "net")
    room = needs(xl_model, monkeypatch)
    in_room(monkeypatch, max(room.values()))
    model = load(xl_model)
    before = model.household.plan
    assert before.network == FULL
    model.steer_with(read_all(["depth", f"normal={tmp_path / 'net'}"]))
    assert model.household.plan.network == HALF, "the second one takes what was free"
    model.steer_with(())
    assert model.household.plan == before


def test_controlnets_that_do_not_fit_leave_all_as_it_was(
    xl_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy(controlnet(), 9).save_pretrained(tmp_path / "net")
    room = needs(xl_model, monkeypatch)
    model = load(xl_model)
    plain, plan = estimate(model), model.household.plan
    monkeypatch.setattr(devices, "room", lambda device: Room(-1e12, -1e12))
    with pytest.raises(OutOfMemory, match="GB of memory at least"):
        model.steer_with(read_all(["depth", f"normal={tmp_path / 'net'}"]))
    in_room(monkeypatch, max(room.values()))
    assert model.household.plan == plan
    assert [one.kind for one in model.controls] == ["depth"]
    assert torch.equal(estimate(model), plain)


def test_a_model_that_is_too_large_is_refused_before_its_weights_are_read(
    xl_model: Path,
    tiny_model: Path,
    request_for: Callable[..., protocol.Request],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one line; and the worker goes on with what it had."""
    worker = Worker()
    assert isinstance(worker.run(request_for(steps=1), Host()), protocol.Result)
    plain = devices.room
    in_room(monkeypatch, 1000.0)
    with monkeypatch.context() as unread:
        unread.setattr(engine_parts, "fill", None)
        outcome = worker.run(request_for(model=str(xl_model)), Host())
    assert isinstance(outcome, Failure)
    assert outcome.code == protocol.EXIT_OUT_OF_MEMORY
    assert "takes 0.0 GB of memory at least, and the card has 0.0 free" in outcome.error
    assert len(outcome.error) < 320
    monkeypatch.setattr(devices, "room", plain)
    assert isinstance(worker.run(request_for(steps=1), Host()), protocol.Result)


def test_a_job_tells_in_one_line_how_its_model_was_kept(
    tiny_model: Path, request_for: Callable[..., protocol.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = needs(tiny_model, monkeypatch)
    for free, said in ((max(room.values()), None), (min(room.values()), "fp8")):
        in_room(monkeypatch, free * 1.01)
        outcome = Worker().run(request_for(steps=1), Host())
        assert isinstance(outcome, protocol.Result), outcome
        report = json.loads(Path(outcome.report).read_text(encoding="utf-8"))
        notes = [note for note in outcome.warnings if "memory are free" in note]
        assert len(notes) == (said is not None)
        assert all(said and said in note and len(note) <= 160 for note in notes), notes
        assert report["memory"].startswith("computed in float32")
        assert (said or "float32") in report["memory"]


def test_the_longest_note_is_a_line(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = load(tiny_model).household
    house.plan = replace(house.plan, network=EIGHT, reads=APART, rows=10, away=True)
    monkeypatch.setattr(house, "_room", Room(1e11, 1e11, "the computer"))
    assert "layer by layer" in house.note[0]
    assert len(house.note[0]) <= 160


def test_what_may_stay_stays_and_what_must_leave_comes_again(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(model: Denoiser) -> set[str]:
        stages = (TEXT, NETWORK)
        return {p.name for stage in stages for p in model.household.parts(stage) if p.is_loaded}

    room = needs(tiny_model, monkeypatch)
    rich = load(tiny_model)
    assert rich.household.plan.reads == STAYS
    assert here(rich) == {"text_encoder", "unet", "controlnet"}
    in_room(monkeypatch, room[EIGHT, 1, False])
    poor = load(tiny_model)
    assert (poor.household.plan.reads, here(poor)) == (APART, set())
    poor.embed(["gold"])
    assert here(poor) == {"text_encoder"}
    poor.ready()
    assert here(poor) == {"unet", "controlnet"}
    poor.embed(["gold"])
    assert here(poor) == {"unet", "controlnet"}, "what was read is known"
    poor.embed(["wood"])
    assert here(poor) == {"text_encoder"}
