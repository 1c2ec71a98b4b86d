"""Names for models of one's own, and deleting: nobody's files are touched but what was downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine import protocol
from engine.errors import UserError
from engine.models import catalogue, command, hub, links, loras, manage, sources, trees


@pytest.fixture(autouse=True)
def links_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(links.VARIABLE, str(tmp_path / "new" / "models.json"))
    return tmp_path / "new" / "models.json"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> object:
    action, name, path = (*words, None, None)[:3]
    assert action
    assert command.run(action, name, as_json=True, path=path) == protocol.EXIT_DONE
    return json.loads(capsys.readouterr().out)


def test_a_linked_model_is_listed_used_and_verified_by_its_name(
    eps_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "link", "mine", str(eps_model))
    (listed,) = [model for model in manage.list_models() if model.entry.name == "mine"]
    assert listed.installed
    assert listed.link == str(eps_model)
    assert listed.disk == sum(path.stat().st_size for path in eps_model.rglob("*") if path.is_file())
    assert sources.split("mine") == (str(eps_model), "")
    assert sources.split("mine+mine") == (str(eps_model), str(eps_model))
    assert sources.find("mine", lambda: None).pipeline == eps_model
    assert manage.verify("mine") == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """As ComfyUI has them."""
    lora = {"lora_unet_conv_in.lora_down.weight": np.zeros((2, 4, 3, 3), np.float32)}
    lora["lora_unet_conv_in.lora_up.weight"] = np.zeros((8, 2, 1, 1), np.float32)
    checkpoint = {"model.diffusion_model.input_blocks.1.1.attn2.to_k.weight": np.zeros((8, 768), np.float32)}
    control = {"controlnet_cond_embedding.conv_in.weight": np.zeros((1,), np.float32)}
    flux = {"double_blocks.0.img_attn.qkv.weight": np.zeros((8, 8), np.float32)}
    packed = {**flux, "double_blocks.0.img_attn.proj.weight": np.zeros((8, 8), np.uint8)}
    models = tmp_path / "Comfy UI" / "models"
    for name, state in [
        ("checkpoints/rusty", checkpoint),
        ("diffusion_models/flux1-schnell", flux),
        ("unet/small", packed),
        ("loras/wood", lora),
        ("loras/xl/ink", lora),
        ("loras/loha", {"a.hada_w1_a": np.zeros(1, np.float32)}),
        ("controlnet/depth", control),
        ("controlnet/wood", lora),
        ("vae/vae", control),
    ]:
        file = models / f"{name}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file(state, file)
    (models / "loras" / "cut.safetensors").write_bytes((models / "loras/wood.safetensors").read_bytes()[:-9])
    return models.parent


def test_a_tree_of_models_is_linked_as_a_whole_and_listed_by_kind(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "link", str(tree))
    own = {one.entry.name: one for one in manage.list_models() if one.link}
    found = {name: (one.kind, one.installed) for name, one in own.items()}
    assert list(found.items()) == [
        ("Comfy-UI/checkpoints/rusty", (trees.MODEL, True)),
        ("Comfy-UI/diffusion_models/flux1-schnell", (trees.MODEL, True)),
        ("Comfy-UI/unet/small", (trees.MODEL, False)),
        ("Comfy-UI/loras/cut", (trees.LORA, False)),
        ("Comfy-UI/loras/loha", (trees.LORA, False)),
        ("Comfy-UI/loras/wood", (trees.LORA, True)),
        ("Comfy-UI/loras/xl/ink", (trees.LORA, True)),
        ("Comfy-UI/controlnet/depth", (trees.CONTROLNET, True)),
        ("Comfy-UI/controlnet/wood", (trees.CONTROLNET, False)),
    ]
    families = [one.entry.family for one in own.values() if one.kind == trees.MODEL]
    assert families == ["sd15", "flux-schnell", ""]
    assert "quantised" in str(own["Comfy-UI/unet/small"].damaged)
    assert "damaged" in str(own["Comfy-UI/loras/cut"].damaged)
    assert "LoHa" in str(own["Comfy-UI/loras/loha"].damaged)
    assert "is a LoRA, not a ControlNet" in str(own["Comfy-UI/controlnet/wood"].damaged)
    place = tree / "models" / "loras" / "wood.safetensors"
    assert loras.file_of("Comfy-UI/loras/wood:0.5") == place
    assert sources.split("Comfy-UI/checkpoints/rusty+Comfy-UI/controlnet/depth") == (
        str(tree / "models/checkpoints/rusty.safetensors"),
        str(tree / "models/controlnet/depth.safetensors"),
    )
    assert len(manage.verify("Comfy-UI")) == 4
    listed = said(capsys, "list")
    assert isinstance(listed, list)
    assert [one["kind"] for one in listed if one["link"]] == [kind for kind, _ in found.values()]
    with pytest.raises(UserError, match="lies in the folder Comfy-UI"):
        manage.delete("Comfy-UI/loras/wood")
    place.unlink()
    assert "Comfy-UI/loras/wood" not in {one.entry.name for one in manage.list_models()}
    said(capsys, "delete", "Comfy-UI")
    assert links.read() == {}
    assert (tree / "models/loras/loha.safetensors").is_file()


def test_folders_as_the_web_interface_has_them(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = {"checkpoints": "Stable-diffusion", "loras": "Lora", "controlnet": "ControlNet"}
    for ours, theirs in old.items():
        (tree / "models" / ours).rename(tree / "models" / theirs)
    said(capsys, "link", "mine", str(tree / "models"))
    names = [one.entry.name for one in manage.list_models() if one.link]
    assert {"mine/Stable-diffusion/rusty", "mine/Lora/xl/ink", "mine/ControlNet/depth"} <= {*names}


def test_a_linked_lora_is_no_model(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "link", "wood", str(tree / "models/loras/wood.safetensors"))
    (one,) = (one for one in manage.list_models() if one.link)
    assert (one.kind, one.installed) == (trees.LORA, True)
    assert loras.place("wood") == tree / "models/loras/wood.safetensors"
    with pytest.raises(UserError, match="is a LoRA"):
        sources.find("wood", lambda: None)


def test_a_folder_that_is_no_tree_and_no_model(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="is no model"):
        command.run("link", str(tmp_path / "empty"))
    with pytest.raises(UserError, match="needs a name"):
        command.run("link", "mine")


def test_deleting_a_link_keeps_the_files(eps_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(eps_model.rglob("*"))
    said(capsys, "link", "mine", str(eps_model))
    assert said(capsys, "delete", "mine") == {"name": "mine", "freed": 0}
    assert sorted(eps_model.rglob("*")) == before
    assert links.read() == {}


def test_a_file_that_vanished_is_told_not_hidden(
    eps_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    copy = shutil.copytree(eps_model, tmp_path / "copy")
    said(capsys, "link", "mine", str(copy))
    shutil.rmtree(copy)
    (listed,) = [model for model in manage.list_models() if model.link]
    assert not listed.installed
    assert command.run("list", None) == protocol.EXIT_DONE
    assert "missing or damaged" in capsys.readouterr().out


def test_what_is_no_model_and_what_is_no_name_is_refused(eps_model: Path, tmp_path: Path) -> None:
    (tmp_path / "words.safetensors").write_text("no weights")
    for name, path in (
        ("mine", tmp_path / "nowhere"),
        ("mine", tmp_path / "words.safetensors"),
        ("starter", eps_model),
        ("a/b", eps_model),
        ("", eps_model),
    ):
        with pytest.raises(UserError):
            manage.link(name, path)
    assert links.read() == {}


def test_a_damaged_list_is_named(links_file: Path) -> None:
    links_file.parent.mkdir()
    links_file.write_text("{")
    with pytest.raises(UserError, match=r"models\.json"):
        links.read()


def test_a_downloaded_model_is_deleted_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalogue.Entry("mine", "Mine", "them/pipe", "them/depth", "mine", "free", "small")
    monkeypatch.setitem(catalogue.BY_NAME, "mine", entry)
    other = tmp_path / "cache/models--them--other/blobs/1"
    for name in ("pipe/blobs/1", "pipe/blobs/2.part", "depth/blobs/1"):
        path = tmp_path / "cache" / f"models--them--{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    other.parent.mkdir(parents=True)
    other.write_bytes(b"1")
    assert manage.delete("mine") == 15
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["models--them--other"]
    assert manage.delete("mine") == 0
    assert hub.delete("them/other") == 1


def test_the_starter_isnt_deleted() -> None:
    with pytest.raises(UserError, match="part of Sync Texture"):
        manage.delete("starter")
    with pytest.raises(UserError, match="unknown"):
        manage.delete("no such model")
    assert catalogue.STARTER_FOLDER.is_dir()
