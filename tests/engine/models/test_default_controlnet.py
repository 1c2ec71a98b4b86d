"""Which ControlNet steers a model that comes without one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import UserError
from engine.host import Host
from engine.models import hub, links, sources
from engine.protocol import Request, Result
from engine.worker import Worker
from tests.engine.flow_pipelines import make_flux

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No links, no downloads, no hub."""
    monkeypatch.setenv(links.VARIABLE, str(tmp_path / "links.json"))
    monkeypatch.setattr(hub, "cached", lambda repo: None)
    monkeypatch.setattr(hub, "reachable", lambda *_: False)


def without(model: Path, place: Path) -> Path:
    """A copy of ``model`` without its ControlNet."""
    folder = shutil.copytree(model, place)
    shutil.rmtree(folder / "controlnet")
    (folder / "sync_texture.json").unlink(missing_ok=True)
    return folder


def tree(place: Path, files: dict[str, Path]) -> None:
    """A linked folder of another program with these ControlNets."""
    (place / "controlnet").mkdir(parents=True)
    for name, source in files.items():
        shutil.copy(source, place / "controlnet" / f"{name}.safetensors")
    links.add("mine", place)


def find(name: object) -> sources.Sources:
    return sources.find(str(name), lambda: None)


def test_one_of_the_family_that_was_downloaded(
    xl_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the usual one, but one that is here."""
    folder, union = without(xl_model, tmp_path / "bare"), "xinsir/controlnet-union-sdxl-1.0"
    monkeypatch.setattr(hub, "cached", lambda repo: xl_model / "union" if repo == union else None)
    found = find(folder)
    assert (found.controlnet, found.borrowed) == (xl_model / "union", union)
    assert (find(xl_model).controlnet, find(xl_model).borrowed) == (xl_model / "controlnet", "")


def test_one_of_a_linked_folder_that_fits_and_reads_depth(
    xl_model: Path, eps_model: Path, tmp_path: Path
) -> None:
    """Not one of another family, nor one that may read poses, nor what is no ControlNet."""
    xl, old = (model / "controlnet" / WEIGHTS for model in (xl_model, eps_model))
    unet = xl_model / "unet" / WEIGHTS
    tree(tmp_path / "comfy", {"a_depth_sd15": old, "b_openpose": xl, "c_depth_unet": unet, "d_depth_xl": xl})
    found = find(without(xl_model, tmp_path / "bare"))
    assert found.controlnet == tmp_path / "comfy" / "controlnet" / "d_depth_xl.safetensors"
    assert found.borrowed == "mine/controlnet/d_depth_xl"


def test_one_for_a_transformer(tmp_path: Path) -> None:
    model = make_flux(tmp_path / "flux")
    control = shutil.copy(model / "controlnet" / WEIGHTS, tmp_path / "flux_union.safetensors")
    other = tmp_path / "union.safetensors"
    save_file({"controlnet_x_embedder.weight": torch.zeros(4, 4), "txt_in.weight": torch.zeros(1)}, other)
    tree(tmp_path / "comfy", {"a_qwen_union": other, "b_flux_union": control})
    assert find(without(model, tmp_path / "bare")).borrowed == "mine/controlnet/b_flux_union"


def test_where_none_is_here_a_line_says_what_to_give(xl_model: Path, eps_model: Path, tmp_path: Path) -> None:
    folder = without(xl_model, tmp_path / "bare")
    with pytest.raises(UserError, match="bare has no ControlNet of its own: the weights of xinsir") as error:
        find(folder)
    assert "MODEL+CONTROLNET" in error.value.fix
    (tmp_path / "links.json").write_text("[]")
    with pytest.raises(UserError, match="no ControlNet of its own"):
        find(folder)


def test_a_job_that_names_controlnets_needs_no_other(
    tiny_model: Path, tmp_path: Path, request_for: Callable[..., Request]
) -> None:
    """And a job for which one was found says which."""
    folder = without(tiny_model, tmp_path / "bare")
    control = tmp_path / "mine_depth.safetensors"
    shutil.copy(tiny_model / "controlnet" / WEIGHTS, control)
    asked = request_for(model=str(folder), controls=(f"depth={control}",))
    assert sources.completed(str(tiny_model), [str(control)]) == str(tiny_model)
    result = Worker().run(asked, Host())
    assert isinstance(result, Result), result
    assert not [said for said in result.warnings if "of its own" in said]
    assert json.loads(Path(result.report).read_text())["model"] == "bare"
    tree(tmp_path / "comfy", {"mine_depth": control})
    result = Worker().run(request_for(model=str(folder), overwrite=True), Host())
    assert isinstance(result, Result), result
    (said,) = (said for said in result.warnings if "of its own" in said)
    assert said == "the model has no ControlNet of its own: mine/controlnet/mine_depth is used"
