"""Requests checked and completed."""

from __future__ import annotations

import dataclasses

import pytest

from engine import settings as options
from engine.errors import UserError
from engine.models.presets import SD15, STARTER
from engine.options import choices
from engine.protocol import Request
from engine.sync.methods import AGGREGATES

REQUEST = Request(mesh="m.obj", prompt=" red bricks ", out="o")


def test_what_is_not_given_comes_from_the_models_preset() -> None:
    settings = options.resolve(REQUEST, SD15)
    assert (settings.steps, settings.guidance, settings.sync_space) == (30, 15.5, "latent")
    assert settings.prompt == SD15.prefix + "red bricks"
    assert settings.negative == SD15.negative
    assert (settings.latent_size, settings.rgb_size, settings.share) == (1536, 1024, 0.8)


def test_what_is_given_stands() -> None:
    request = dataclasses.replace(REQUEST, steps=7, guidance=1.0, negative="", sync_space="latent")
    settings = options.resolve(request, STARTER)
    assert (settings.steps, settings.guidance, settings.negative) == (7, 1.0, "")
    assert (settings.sync_space, settings.share) == ("latent", STARTER.sync_share["latent"])


def test_attention_across_views_is_the_presets_unless_given() -> None:
    assert options.resolve(REQUEST, SD15).attention == "views"
    for asked in choices.ATTENTIONS:
        request = dataclasses.replace(REQUEST, attention=asked)
        options.check(request)
        assert (
            options.resolve(request, SD15).attention == options.resolve(request, STARTER).attention == asked
        )
    with pytest.raises(UserError, match="attention"):
        options.check(dataclasses.replace(REQUEST, attention="on"))


@pytest.mark.parametrize(
    ("asked", "share", "fading"), [("published", 0.8, False), ("all", 1.0, False), ("ramp", 1.0, True)]
)
def test_share_of_steps_by_words(asked: str, share: float, fading: bool) -> None:
    request = dataclasses.replace(REQUEST, sync_share=asked)
    options.check(request)
    by_request = options.resolve(request, SD15)
    by_preset = options.resolve(REQUEST, dataclasses.replace(SD15, sync_share={"latent": asked, "rgb": 0.3}))
    for settings in (by_request, by_preset):
        assert (settings.share, settings.fading) == (share, fading)
    assert not options.resolve(REQUEST, SD15).fading
    with pytest.raises(UserError, match="share"):
        options.check(dataclasses.replace(REQUEST, sync_share="0.8"))


@pytest.mark.parametrize("method", ["case4", "case5", "syncmvd"])
def test_only_methods_that_denoise_views_can_keep_more_of_them(method: str) -> None:
    request = dataclasses.replace(REQUEST, method=method)
    with pytest.raises(UserError, match=method):
        options.check(dataclasses.replace(request, sync_share="ramp"))
    ramp = dataclasses.replace(SD15, sync_share={"latent": "ramp", "rgb": "ramp"})
    settings = options.resolve(request, ramp)
    assert (settings.share, settings.fading) == (0.8, False)


@pytest.mark.parametrize("method", choices.METHODS)
def test_which_views_a_texel_takes(method: str) -> None:
    """The preset's way for methods that average clean views, but SyncMVD's own ramp stays unless asked."""
    request = dataclasses.replace(REQUEST, method=method)
    averages = options.averages_x0(method)
    preset = dataclasses.replace(SD15, aggregate="best")
    expected = "best" if averages and method != "syncmvd" else "mean"
    assert options.resolve(request, preset).aggregate == expected
    assert options.resolve(request, SD15).aggregate == "mean"
    asked = dataclasses.replace(request, aggregate="best")
    if averages:
        options.check(asked)
        assert options.resolve(asked, SD15).aggregate == "best"
    else:
        with pytest.raises(UserError, match=method):
            options.check(asked)
    options.check(dataclasses.replace(request, aggregate="mean"))
    with pytest.raises(UserError, match="aggregate"):
        options.check(dataclasses.replace(request, aggregate="median"))


def test_words_and_their_numbers_are_the_same_everywhere() -> None:
    assert tuple(options.SHARES) == tuple(choices.SYNC_SHARES)
    assert tuple(AGGREGATES) == tuple(choices.AGGREGATES)


@pytest.mark.parametrize("method", choices.METHODS)
def test_methods_that_average_noise_do_so_in_latents(method: str) -> None:
    settings = options.resolve(dataclasses.replace(REQUEST, method=method), STARTER)
    expected = "rgb" if method in ("synctweedies", "case2", "case5", "syncmvd") else "latent"
    assert settings.sync_space == expected
    options.check(dataclasses.replace(REQUEST, method=method))
    if expected == "latent":
        with pytest.raises(UserError, match=method):
            options.check(dataclasses.replace(REQUEST, method=method, sync_space="rgb"))


@pytest.mark.parametrize("views", ["1", "3", "6", "64"])
def test_any_number_of_views(views: str) -> None:
    cameras = options.cameras(views)
    assert len(cameras) == int(views)
    elevations = {camera.elevation for camera in cameras}
    assert len(cameras) < 4 or {90.0, -90.0} <= elevations  # bottom and top included


def test_which_views_a_mesh_needs_the_mesh_decides() -> None:
    options.check(dataclasses.replace(REQUEST, views="auto"))
    assert options.cameras("auto") is None


@pytest.mark.parametrize("views", ["0", "-1", "65", "2.5", "", "all", "9" * 5000])
def test_views_that_are_no_rig(views: str) -> None:
    with pytest.raises(UserError):
        options.cameras(views)


def test_the_published_rig() -> None:
    assert [(c.azimuth % 360, c.elevation) for c in options.cameras("paper")] == [
        *(((180.0 + 45 * k) % 360, 0.0) for k in range(8)),
        (0.0, 30.0),
        (180.0, 30.0),
    ]


def test_each_mesh_may_be_unwrapped_in_its_own_way() -> None:
    several = dataclasses.replace(REQUEST, other_meshes=("n.obj", "p.obj"))
    assert several.unwraps == ("auto", "auto", "auto")
    own = dataclasses.replace(several, other_unwraps=("never", "always"))
    options.check(own)
    assert own.unwraps == ("auto", "never", "always")
    assert Request.from_dict(own.as_dict()) == own
    with pytest.raises(UserError, match="3 meshes"):
        options.check(dataclasses.replace(several, other_unwraps=("never",)))
    with pytest.raises(UserError, match="--unwrap is 'sometimes'"):
        options.check(dataclasses.replace(several, other_unwraps=("never", "sometimes")))
