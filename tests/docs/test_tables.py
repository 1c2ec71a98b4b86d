"""Tables in docs/ that say what the code does say the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.bake.bake import EXPONENT
from engine.models.accelerators import TABLE
from engine.models.presets import SD15, SD21, SDXL, STARTER, TEXELS_A_LATENT, TEXELS_A_PIXEL, Preset
from engine.options import choices
from engine.sync import cases
from engine.sync.methods import AGGREGATES, METHODS
from tests.bench.pages import markdown

DIFFERS = ("view_size", "latent_view_size", "guidance", "texture_size")  # in Stable Diffusion XL
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/methods.md").read_text(encoding="utf-8")
AVERAGED = {"x0": "clean views", "noise": "noise", "state": "noisy views", "nothing": "nothing"}
FAMILIES = {
    "sd15": "SD 1.5",
    "sd21": "SD 2.1",
    "sdxl": "SDXL",
    "qwen-image": "Qwen-Image",
    "z-image-turbo": "Z-Image-Turbo",
    "flux-schnell": "FLUX.1-schnell",
}
THEN = {cases.independent: "each view alone", cases.stochastic: "each view alone, with chance"}


def rows(text: str, first: str) -> dict[str, list[str]]:
    """The cells of the table whose head begins with ``first``, by their first column."""
    lines = text.split(f"| {first} |", 1)[1].splitlines()[2:]
    table = lines[: next(i for i, line in enumerate(lines) if not line.startswith("|"))]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {name: rest for name, *rest in cells}


def test_methods() -> None:
    found = rows(PAGE, "`--method`")
    assert list(found) == list(choices.METHODS)
    for name, (state, averaged, weight, then, _) in found.items():
        method = METHODS[name]
        low, high = (f"cosine^{end:g}" for end in method.exponent)
        assert state == ("texture" if method.canonical else "views")
        assert averaged == AVERAGED[method.averages]
        assert weight == (f"{low} to {high}" if method.ramped else low)
        assert then == THEN[method.afterwards]
    assert f"1/lambda = {METHODS['syncsde'].inverse_lambda:g}" in found["syncsde"][-1]
    assert f"cosine^{AGGREGATES['best']:g}" in PAGE
    assert f"final bake weighs by cosine^{EXPONENT:g}" in PAGE


def of(preset: Preset) -> dict[str, object]:
    """The page's rows of one model."""
    return {
        "view, pixels": preset.view_size,
        "steps": preset.steps,
        "guidance": preset.guidance,
        "guidance until": preset.guidance_end,
        "before the prompt": preset.prefix.strip(),
        "negative prompt": preset.negative,
        "sync space": preset.sync_space,
        "share of steps in latents": preset.sync_share["latent"],
        "share of steps in RGB": preset.sync_share["rgb"],
        "texture of latents": preset.texture_size["latent"],
        "texture of colours": preset.texture_size["rgb"],
        "aggregate": preset.aggregate,
        "control": preset.control,
        "order of the steps": preset.order,
        "strength of control": preset.conditioning_scale,
        "control until": preset.control_end,
        "background": preset.background,
        "attention": preset.attention,
        "reference until": preset.reference_share,
    }


def test_presets() -> None:
    found = rows(PAGE, "by model")
    assert of(SD15) == of(SD21)
    for column, preset in ((0, SD15), (2, STARTER)):
        said = {name: cells[column] for name, cells in found.items()}
        expected = {name: str(value) for name, value in of(preset).items()}
        if preset is STARTER:
            expected["view, pixels"] = "as trained"
            expected["texture of latents"] = f"{TEXELS_A_LATENT} texels a latent"
            expected["texture of colours"] = f"{TEXELS_A_PIXEL} texels a pixel"
        assert said == expected
    views, told = f"views of {SDXL.view_size} pixels (as trained)", f"guidance {SDXL.guidance:g} (diffusers'"
    assert views in PAGE
    assert told in PAGE
    assert replace(SDXL, **{n: getattr(SD15, n) for n in ("family", *DIFFERS)}) == SD15


def test_benchmarks_find_their_places(tmp_path: Path) -> None:
    for page, names in (
        ("sharpness.md", ("summary", "octaves")),
        ("filling.md", ("table", "strays", "reaches")),
        ("attention.md", ("steps", "layers")),
        ("methods.md", ("roundtrip",)),
    ):
        copy = tmp_path / page
        copy.write_text((ROOT / "docs" / page).read_text(encoding="utf-8"), encoding="utf-8")
        markdown.put(copy, {name: f"| {name} \\1 |" for name in names})
        text = copy.read_text(encoding="utf-8")
        assert all(f"<!-- {name} -->\n| {name} \\1 |\n<!-- /{name} -->" in text for name in names)
        before, after = ((ROOT / "docs" / page).read_text(encoding="utf-8"), text)
        assert before.split("<!--")[0] == after.split("<!--")[0]
        assert before.split("-->")[-1] == after.split("-->")[-1]


def test_accelerators() -> None:
    page = (ROOT / "docs/few-steps.md").read_text(encoding="utf-8")
    found = rows(page, "`--accelerator`")
    assert list(found) == [f"`{name}`" for name in TABLE]
    for name, (families, steps, guidance, noise, licence, weights) in found.items():
        one = TABLE[name.strip("`")]
        assert [FAMILIES[family] for family in one.families] == families.split(", ")
        low, _, high = steps.partition(" to ")
        said = range(int(low), int(high) + 1) if high else [int(n) for n in steps.split(" or ") if n != "any"]
        assert sorted(one.steps) == list(said)
        assert guidance == " to ".join(f"{end:g}" for end in dict.fromkeys(one.guidance))
        assert noise == ("fresh" if one.renoises else "kept")
        assert (licence, weights) == (one.licence, one.weights)
