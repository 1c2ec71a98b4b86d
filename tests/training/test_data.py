"""The training pictures: made by seed, seen as the engine sees, named with words the tokenizer knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from engine.controls.depth import depth_picture
from engine.views.cameras import Camera, even_rig, paper_rig
from training import buffer, captions, pool, shapes
from training.catalogue import ALL_COLOURS, EXTRAS, LATTICES, MATERIALS
from training.coat import CHANNELS, Coat, cover
from training.data import make_batch
from training.fields import Fields
from training.surface import Surface


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> pool.Pool:
    return pool.build(tmp_path_factory.mktemp("run") / "pool", shapes=3, views=2, seed=5, workers=1)


def test_samples_depend_on_seed_and_index_only(views: pool.Pool, fields: Fields) -> None:
    whole = make_batch(views, fields, seed=3, start=0, count=4)
    tail = make_batch(views, fields, seed=3, start=2, count=2)
    assert torch.equal(whole.pictures[2:], tail.pictures)
    assert torch.equal(whole.control[2:], tail.control)
    assert whole.captions[2:] == tail.captions
    assert make_batch(views, fields, seed=4, start=0, count=4).captions != whole.captions


def test_pool_is_reopened_not_rebuilt(views: pool.Pool, tmp_path: Path) -> None:
    first = pool.build(tmp_path / "pool", shapes=1, views=2, seed=5, workers=1)
    again = pool.build(tmp_path / "pool", shapes=9, views=9, seed=6, workers=1)
    assert len(again) == len(first)
    np.testing.assert_array_equal(first[0].points, again[0].points)
    np.testing.assert_array_equal(first[0].points, views[0].points)


@pytest.mark.parametrize("camera", [Camera(0, 0), Camera(135, 30), Camera(0, 90), Camera(20, -60)])
def test_depth_is_the_engines_depth_of_an_analytic_sphere(camera: Camera) -> None:
    ball = trimesh.creation.icosphere(subdivisions=7)
    view = pool.render((ball.vertices.astype(np.float32), ball.faces.astype(np.int32)), camera)
    rays = camera.rays(pool.SIZE).astype(np.float64)
    along, square = rays @ camera.position, (rays**2).sum(1)
    root = along**2 - square * (camera.distance**2 - 1)
    inside = (root > 0).reshape(pool.SIZE, pool.SIZE)
    depth = ((-along - np.sqrt(np.maximum(root, 0))) / square).reshape(pool.SIZE, pool.SIZE)
    expected = depth_picture(np.where(inside, depth, 1).astype(np.float32), inside)
    off = np.abs(view.depth / 255 - expected)
    assert np.quantile(off, 0.98) < 0.015  # the polygon's outline differs by a pixel here and there
    assert abs(view.mask.mean() - inside.mean()) < 0.01


def test_points_lie_on_the_pixels_that_saw_them(views: pool.Pool) -> None:
    for index in range(len(views)):
        view = views[index]
        pixels, _ = view.camera.project(view.points, pool.FINE)
        rows, columns = np.nonzero(view.mask)
        assert np.abs(pixels - np.stack([columns, rows], 1) - 0.5).max() < 0.6  # stored in half precision


@pytest.mark.parametrize("seed", range(40))
def test_shapes_fill_the_unit_sphere(seed: int) -> None:
    vertices, faces = shapes.random_shape(np.random.default_rng(seed))
    assert np.isfinite(vertices).all()
    assert faces.min() >= 0
    assert faces.max() < len(vertices)
    assert np.linalg.norm(vertices, axis=1).max() == pytest.approx(1, abs=1e-5)
    assert np.abs(vertices.max(0) + vertices.min(0)).max() < 1e-5


def _ball(count: int = 500) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=1)


@pytest.mark.parametrize("name", MATERIALS)
def test_every_material_paints_and_names_itself(name: str, fields: Fields) -> None:
    rng = np.random.default_rng(0)
    points = _ball()
    for _ in range(8):
        look = captions.random_look(rng, name)
        coat = look.paint(Surface(points, points, fields, rng))
        assert coat.albedo.shape == (500, 3)
        assert coat.channels().shape == (500, len(CHANNELS))
        assert torch.isfinite(torch.cat([coat.albedo, coat.channels()], 1)).all()
        assert look.material == name
        assert look.colour is None or look.colour in ALL_COLOURS
        text = captions.caption(look, rng, 0, 0)
        assert not set("{}") & set(text)
        assert "pattern pattern" not in text


@pytest.mark.parametrize("name", MATERIALS)
def test_a_point_is_what_it_is_whatever_else_is_seen(name: str, fields: Fields) -> None:
    """The views of one object agree: nothing may depend on the other points of a view."""
    points = _ball()
    for seed in range(4):
        look = captions.random_look(np.random.default_rng(seed), name)
        coats = [
            look.paint(Surface(p, p, fields, np.random.default_rng(seed))) for p in (points, points[100:160])
        ]
        whole, part = (torch.cat([coat.albedo, coat.channels()], 1) for coat in coats)
        torch.testing.assert_close(whole[100:160], part, atol=1e-3, rtol=0)


def test_paint_stays_on_the_device_of_its_points(fields: Fields) -> None:
    """The meta device refuses tensors of any other."""
    meta = Fields(fields.noise.to("meta"), fields.cells.to("meta"), fields.told.to("meta"))
    points = _ball().to("meta")
    rng = np.random.default_rng(0)
    for name in [*MATERIALS] * 3:
        coat = captions.random_look(rng, name).paint(Surface(points, points, meta, rng))
        assert {coat.albedo.device.type, coat.channels().device.type} == {"meta"}


@pytest.mark.parametrize("name", EXTRAS)
def test_every_extra_is_used_and_shows(name: str, fields: Fields) -> None:
    hosts = [key for key, material in MATERIALS.items() if name in material.extras]
    assert hosts
    points = _ball(4000)
    look = captions.random_look(np.random.default_rng(0), hosts[0], plain=True)
    added = replace(look, additions=(captions.Addition(name, "blue", (0.1, 0.2, 0.8)),))
    painted = [one.paint(Surface(points, points, fields, np.random.default_rng(0))) for one in (look, added)]
    assert (painted[0].albedo - painted[1].albedo).abs().mean() > 0.01
    assert captions.caption(look, np.random.default_rng(0), 0, 0) != captions.caption(
        added, np.random.default_rng(0), 0, 0
    )


def _channels(prompt: str, fields: Fields) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The brightness of points of a ball painted as ``prompt``, and each channel."""
    found = (
        (name, phrase.format(a=(*v.words, "")[0], b=(*v.words, "", "")[1]), phrase, v)
        for name, material in MATERIALS.items()
        for phrase in material.phrases
        for v in material.variants
    )
    name, _, phrase, variant = next(row for row in found if row[1] == prompt)
    points = _ball(4000)
    look = captions.Look(name, variant, (), phrase)
    coat = look.paint(Surface(points, points, fields, np.random.default_rng(0)))
    return coat.albedo.mean(1), dict(zip(CHANNELS, coat.channels().T, strict=True))


def test_channels_say_what_a_renderer_needs_of_known_materials(fields: Fields) -> None:
    _, gold = _channels("polished gold", fields)
    assert gold["metallic"].min() == 1
    assert gold["roughness"].max() < 0.3
    for prompt in ("yellow plastic", "oak wood", "white marble", "grey stone"):
        assert _channels(prompt, fields)[1]["metallic"].max() == 0
    assert _channels("glossy red plastic", fields)[1]["roughness"].max() < 0.2
    assert _channels("matte red rubber", fields)[1]["roughness"].min() > 0.8
    light, bricks = _channels("red bricks", fields)
    mortar = light > 0.6
    assert bricks["height"][mortar].mean() < bricks["height"][~mortar].mean() - 0.1
    assert bricks["roughness"][mortar].mean() > bricks["roughness"][~mortar].mean()
    light, lava = _channels("lava", fields)
    assert lava["glow"][light > 0.4].min() > 0.5
    assert lava["glow"][light < 0.12].max() < 0.2
    _, rust = _channels("rusty iron", fields)
    assert rust["roughness"][rust["metallic"] < 0.1].min() > rust["roughness"][rust["metallic"] > 0.9].max()


def test_roofs_lie_in_rows_and_ridges(fields: Fields) -> None:
    """Along a wall: tiles repeat within their columns, ridges stand at equal distances and are metal."""
    across = torch.linspace(0, 0.75, 301)  # four columns of 0.1875
    front = torch.tensor([0.0, 0, 1]).expand(301, 3)

    def height(name: str, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        wall = Surface(torch.stack([x, y, front[:, 2]], 1), front, fields, np.random.default_rng(0))
        look = captions.random_look(np.random.default_rng(0), name, plain=True)
        channels = dict(zip(CHANNELS, look.paint(wall).channels().T, strict=True))
        return channels["height"], channels["metallic"]

    level = torch.full_like(across, 0.3)
    for name in ("roof tiles", "corrugated metal"):
        found, _ = height(name, across, level)
        torch.testing.assert_close(found[:225], found[75:300], atol=0.01, rtol=0)
        assert found.max() - found.min() > 0.3, "a relief that is seen"
    assert height("corrugated metal", across, level)[1].min() > 0.99
    assert height("roof tiles", across, level)[1].max() == 0
    tile, _ = height("roof tiles", level * 0 + 0.09375, across)
    torch.testing.assert_close(tile[:201], tile[100:301], atol=0.01, rtol=0)  # rows of 0.25
    assert tile.max() - tile.min() > 0.3


def test_a_cover_is_seen_as_far_as_it_reaches() -> None:
    under = Coat(torch.zeros(3, 3), 0.2, 1.0, torch.tensor([0.01, 0.02, 0.03]))
    over = Coat(torch.ones(3), 0.8, 0.0, -0.05, 1.0)
    got = cover(under, over, torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(got.albedo[:, 0], torch.tensor([0.0, 0.5, 1.0]))
    want = torch.tensor([[0.2, 1.0, 0.6, 0.0], [0.5, 0.5, 0.35, 0.5], [0.8, 0.0, 0.0, 1.0]])
    torch.testing.assert_close(got.channels(), want)


def test_most_captions_name_one_material_and_half_a_lattice() -> None:
    rng = np.random.default_rng(0)
    looks = [captions.random_look(rng) for _ in range(3000)]
    assert np.mean([not look.additions for look in looks]) == pytest.approx(0.74, abs=0.04)
    assert np.mean([look.material in LATTICES for look in looks]) == pytest.approx(0.53, abs=0.04)


def test_second_materials_are_named_before_and_after_the_first() -> None:
    def said(material: str, *names: str) -> set[str]:
        found = set()
        for seed in range(1500):
            rng = np.random.default_rng(seed)
            look = captions.random_look(rng, material, plain=True)
            additions = tuple(captions._addition(rng, name) for name in names)
            found.add(captions._described(replace(look, additions=additions), rng))
        return found

    bricks = said("bricks", "mossy", "dirty")
    assert any(text.startswith("moss on a muddy wall of red bricks") for text in bricks)
    assert not any("moss on" in text and "mud on" in text for text in bricks)
    assert {"red bricks with moss", "moss on red bricks", "mossy red bricks"} <= said("bricks", "mossy")
    assert "grey stone with moss" in said("stone", "mossy")
    assert "pine planks covered in snow" in said("planks", "snowy")
    assert {"rust on steel", "steel with rust", "rusty steel"} <= said("metal", "rusty")
    assert {"white marble with gold veins", "gold veins in white marble"} <= said("marble", "veined")
    assert {"oak wood with red paint", "red paint on oak wood"} <= said("wood", "chipped")


def test_additions_leave_their_colour_to_no_one_else() -> None:
    """A prompt's one word for the colour of all isn't one under moss, rust, snow or paint."""
    for name, extra in EXTRAS.items():
        if extra.leads and name not in ("veined", "dirty"):
            assert extra.recolours, name


@pytest.mark.parametrize("degrees", [0, 40, 45, 90, 200])
def test_rows_run_on_around_and_columns_keep_their_width(degrees: float, fields: Fields) -> None:
    """On a thin upright plate, turned about the vertical."""
    turn = np.radians(degrees)
    along = torch.linspace(-1, 1, 101)
    points = torch.stack([along * np.cos(turn), 0.3 * along, -along * np.sin(turn)], 1)
    normals = torch.tensor([np.sin(turn), 0, np.cos(turn)], dtype=torch.float32).expand(101, 3)
    u, v = Surface(points, normals, fields, np.random.default_rng(0)).lattice(0.2, 0.1)
    torch.testing.assert_close(v, 3 * along)
    step = u.diff().abs()
    assert step.max() - step.min() < 1e-4
    assert 0.7 < float(step.mean()) * 0.2 / 0.02 <= 1.001  # slanting faces stretch cells by sqrt 2 at most


def test_close_ups_see_noise_below_the_voxels_and_the_same_above(fields: Fields) -> None:
    line = torch.linspace(0, 0.05, 400)[:, None] * torch.tensor([1.0, 0, 0])  # half a voxel of 16 in 2 units

    def noise(pixel: float) -> torch.Tensor:
        return Surface(line, line, fields, np.random.default_rng(0), pixel=pixel).noise(0.5)

    far, near = noise(0.0), noise(1e-4)
    torch.testing.assert_close(noise(0.1), far)
    bends = [(values.diff().diff().abs() > 1e-4).sum() for values in (far, near)]
    assert bends[0] <= 1, "the volumes are linear between voxels"
    assert bends[1] > 3
    assert (near - far).abs().max() < 0.5


@pytest.mark.parametrize("camera", [*paper_rig(), *even_rig(12)])
def test_captions_name_the_side_that_is_seen(camera: Camera) -> None:
    word = captions.direction(camera.azimuth, camera.elevation)
    eye = camera.position / camera.distance
    if word in ("top", "bottom"):
        assert abs(eye[1]) > 0.5 - 1e-6
    elif word != "side":
        assert (eye[2] > 0) == (word == "front")


def test_the_first_looks_are_patterns_on_white() -> None:
    looks = [captions.early_look(np.random.default_rng(seed)) for seed in range(200)]
    assert {look.material for look in looks} <= set(LATTICES)
    assert not any(look.additions for look in looks)
    assert {look.variant.words[1] for look in looks if len(look.variant.words) > 1} == {"white"}


def test_windows_of_samples_fit_together() -> None:
    """Latents, control and weight are cut at one place; most places are on the object, however small."""
    grid = torch.arange(32 * 32, dtype=torch.half).view(1, 1, 32, 32).repeat(60, 1, 1, 1)
    weight = torch.zeros(60, 1, 32, 32)
    weight[:, :, 20:22, 9:12] = 1
    whole = buffer.Draw(grid, grid + 1, weight, torch.zeros(60, 4))
    part = buffer._cropped(whole, 16, torch.Generator().manual_seed(0))
    assert part.latents.shape == (60, 1, 16, 16)
    torch.testing.assert_close(part.control, part.latents + 1)
    on = [
        set(latents[weights > 0].tolist()) for latents, weights in zip(part.latents, part.weight, strict=True)
    ]
    assert all(places <= set(grid[0][weight[0] > 0].tolist()) for places in on)
    assert 30 < sum(map(bool, on)) < 60
