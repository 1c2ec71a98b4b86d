"""What docs/models.md says of the catalogue is what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.models.catalogue import BY_NAME, ESTIMATORS
from engine.models.presets import PUBLISHED
from tests.docs.test_tables import rows

PAGE = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["z-image-turbo", "z-image", "qwen-image", "flux-schnell", "flux-dev"])
def test_models_with_a_table_of_their_own(name: str) -> None:
    entry = BY_NAME[name]
    preset = PUBLISHED[entry.family]
    numbers = (preset.view_size, preset.steps, preset.guidance, preset.conditioning_scale)
    said = [*(f"{number:g}" for number in numbers), entry.licence, entry.size]
    assert rows(PAGE, "`--model`")[f"`{name}`"] == said
    assert preset.attention == "off"
    assert preset.sync_space == "rgb"


def test_estimators_are_told_as_the_catalogue_has_them() -> None:
    page = (Path(__file__).parents[2] / "docs/materials.md").read_text(encoding="utf-8")
    found = rows(page, "`--estimator`")
    assert [*found] == [f"`{name}`" for name in ESTIMATORS]
    for entry in ESTIMATORS.values():
        _, licence, size = found[f"`{entry.name}`"]
        assert (licence, size) == (entry.licence, entry.size)
