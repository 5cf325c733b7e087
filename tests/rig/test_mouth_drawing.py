"""The drawn mouth: what moves, what is seen, how light it is."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from reggan_plugin.errors import UnusableAnswerError
from reggan_plugin.imaging.colour import LUMA_WEIGHTS, srgb_from_linear
from reggan_plugin.rig import mouth_drawing as mouth
from reggan_plugin.rig.mouth_drawing import (
    TOOTH,
    JawPose,
    LitMouth,
    MouthLight,
    MouthView,
    jaw_pose_from_drop,
    lit_mouth,
    mouth_light_from_face,
    mouth_rig,
    render_mouth,
)
from reggan_plugin.rig.mouth_light import OpeningLight

EYE = 0.25
WINDOW = (0.28, 0.42, 0.72, 0.86)
FRONTAL = EYE * np.array([[1.0, 0, 0], [0, -1.0, 0]])
ORIGIN = np.array([0.5, 0.58])
LIGHT = MouthLight(
    tooth=np.array([0.60, 0.58, 0.51]),
    skin=np.array([0.42, 0.25, 0.18]),
    key=np.array([0.35, 0.45, 0.82]) / np.linalg.norm([0.35, 0.45, 0.82]),
    key_strength=0.45,
    ambient=0.75,
)


def ellipse(side: int, half_width: float, half_height: float, below: float = 0.0) -> np.ndarray:
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    x, y = WINDOW[0] + x * (WINDOW[2] - WINDOW[0]), WINDOW[1] + y * (WINDOW[3] - WINDOW[1])
    across, down = (x - ORIGIN[0]) / half_width, (y - ORIGIN[1] - below) / half_height
    return np.clip((1 - np.hypot(across, down)) * 30, 0, 1)


def yawed(degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return EYE * np.array([[cos, 0, sin], [0, -1.0, 0]])


def opened_by(share: float) -> JawPose:
    """A jaw that drops as far as rigs have it at `jawOpen` 1, or a share of that."""
    return JawPose(turn=float(np.radians(18.5) * share), shift=np.zeros(3))


def drawn(opening: np.ndarray, *, opened: float = 0.0, **settings: Any) -> np.ndarray:
    given = {
        "projection": FRONTAL,
        "origin": ORIGIN,
        "jaw": opened_by(opened),
        "window": WINDOW,
        "light": LIGHT,
    } | settings
    return render_mouth(mouth_rig(), opening=opening, **given)


def test_the_jaw_takes_the_lower_half_along_and_nothing_else() -> None:
    rig = mouth_rig()
    rest, _ = rig.posed(opened_by(0.0))
    moved, normals = rig.posed(opened_by(1.0))
    stays, goes = rig.jaw == 0, rig.jaw == 1
    assert np.array_equal(rest[stays], moved[stays])
    drop = drop_of_incisors(opened_by(1.0))
    assert drop[1] == pytest.approx(-0.34, abs=0.02)
    assert drop[2] < 0
    assert np.allclose(np.linalg.norm(normals[goes], axis=1), 1, atol=1e-2)
    assert (rig.jaw[rig.tooth > 14] == 1).all()
    assert (rig.jaw[(rig.tooth > 0) & (rig.tooth < 15)] == 0).all()


def test_a_measured_drop_is_met_by_turning() -> None:
    turned = opened_by(0.7)
    pose = jaw_pose_from_drop(drop_of_incisors(turned))
    assert pose.turn == pytest.approx(turned.turn, rel=0.08)
    assert np.allclose(drop_of_incisors(pose), drop_of_incisors(turned), atol=0.02)
    assert jaw_pose_from_drop(np.array([0.0, 0.2, 0.0])).turn == 0


def test_rows_of_teeth_meet_where_the_jaw_is_shut() -> None:
    rig = mouth_rig()
    points, _ = rig.posed(opened_by(0.0))
    middle = (rig.part == TOOTH) & (np.abs(rig.points[:, 0]) < 0.1)
    upper, lower = (points[middle & (rig.jaw == share), 1] for share in (0, 1))
    assert lower.max() > upper.min()


def drop_of_incisors(pose: JawPose) -> np.ndarray:
    rig = mouth_rig()
    moved = rig.posed(pose)[0] - rig.posed(opened_by(0.0))[0]
    incisors = (rig.jaw == 1) & (rig.part == TOOTH) & (np.abs(rig.points[:, 0]) < 0.1)
    return moved[incisors].mean(axis=0).astype(np.float64)


def test_closed_lips_show_nothing() -> None:
    assert not drawn(np.zeros((40, 60)), opened=0.5).any()


def test_only_the_opening_is_drawn_and_all_of_it() -> None:
    opening = ellipse(120, 0.11, 0.05, 0.02)
    for teeth in ("natural", "plate"):
        for yaw in (-40, 0, 25):
            picture = drawn(opening, opened=0.6, teeth=teeth, projection=yawed(yaw))
            assert picture.dtype == np.float32
            assert (picture[opening == 0] == 0).all()
            assert (picture[opening > 0].max(axis=1) > 0).all()
            assert np.isfinite(picture).all()
            assert picture.min() >= 0
            assert picture.max() < 2.5 * LIGHT.tooth.max()


@pytest.mark.parametrize("yaw", [0, 25, -25])
@pytest.mark.parametrize("opened", [0.0, 0.5, 1.0])
def test_geometry_closes_the_mouth_behind_the_teeth(
    yaw: float, opened: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = 0.4 * opened * EYE / 2
    opening = ellipse(100, 0.10, 0.03 + below, below)
    lit = mouth.lit_mouth

    def nothing_behind(*arguments: Any, **named: Any) -> LitMouth:
        return replace(lit(*arguments, **named), unseen=np.full(3, -99.0))

    monkeypatch.setattr(mouth, "lit_mouth", nothing_behind)
    assert drawn(opening, opened=opened, projection=yawed(yaw)).min() >= 0


def test_teeth_are_in_front_of_what_is_behind_them() -> None:
    opening = ellipse(200, 0.10, 0.03)
    picture = drawn(opening)
    y = int((ORIGIN[1] - 0.06 * EYE - WINDOW[1]) / (WINDOW[3] - WINDOW[1]) * 200)
    x = int((ORIGIN[0] + 0.08 * EYE - WINDOW[0]) / (WINDOW[2] - WINDOW[0]) * 200)
    tooth = picture[y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1))
    assert 0.5 * LIGHT.tooth[1] < tooth[1] < 1.6 * LIGHT.tooth[1]
    assert tooth[0] >= tooth[1] >= tooth[2]  # ivory


def test_light_grows_with_the_opening() -> None:
    means = []
    for half_height in (0.01, 0.02, 0.04, 0.08):
        opening = ellipse(160, 0.1, half_height)
        picture = drawn(opening, opened=0.3)
        middle = picture[55:59, 70:90]  # the incisors' lower half, open in all four
        means.append(float(middle.mean()))
    assert means == sorted(means)
    assert means[-1] > 1.3 * means[0]


def test_the_corners_are_darker_than_the_front_teeth() -> None:
    opening = ellipse(200, 0.115, 0.03)
    luma = drawn(opening) @ np.array(LUMA_WEIGHTS)
    columns = np.flatnonzero((opening > 0.9).any(axis=0))
    edge = np.concatenate([luma[:, columns[:8]], luma[:, columns[-8:]]], axis=1)
    front = luma[:, 90:110][opening[:, 90:110] > 0.9]
    assert edge[edge > 0].mean() < 0.5 * front.mean()


def test_lower_teeth_fade_backwards_more_than_upper_ones() -> None:
    opening = np.ones((40, 40))
    rig, view = mouth_rig(), MouthView(projection=FRONTAL, origin=ORIGIN)
    light = OpeningLight(opening, WINDOW, EYE)
    luma = lit_mouth(rig, opened_by(1.0), view, LIGHT, light).colour @ np.array(LUMA_WEIGHTS)
    upper, lower = (
        luma[np.isin(rig.tooth, back)].mean() / luma[np.isin(rig.tooth, front)].mean()
        for back, front in (((2, 3, 12, 13), (6, 7, 8, 9)), ((16, 17, 26, 27), (20, 21, 22, 23)))
    )
    assert upper > 0.4
    assert lower < 0.6 * upper


def test_far_molars_in_the_dark_are_as_red_as_the_light_that_reaches_them() -> None:
    rig, view = mouth_rig(), MouthView(projection=FRONTAL, origin=ORIGIN)
    light = OpeningLight(ellipse(120, 0.1, 0.06, 0.02), WINDOW, EYE)
    colour = lit_mouth(rig, opened_by(0.8), view, LIGHT, light).colour
    molars, front = (colour[np.isin(rig.tooth, row)].sum(axis=0) for row in ((15, 28), (21, 22)))
    assert molars[0] / molars[2] > 2 * front[0] / front[2]


def test_the_same_request_gives_the_same_picture() -> None:
    opening = ellipse(80, 0.1, 0.04)
    assert np.array_equal(drawn(opening, opened=0.4), drawn(opening, opened=0.4))


def test_a_picture_drawn_in_bands_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    opening = ellipse(80, 0.1, 0.04)
    whole = drawn(opening, opened=0.4)
    monkeypatch.setattr("reggan_plugin.rig.mouth_drawing._MOST_SAMPLES", 900)
    assert np.allclose(drawn(opening, opened=0.4), whole, atol=1e-3)


def test_a_finer_picture_shows_the_same() -> None:
    coarse = drawn(ellipse(60, 0.1, 0.04), opened=0.4)
    fine = drawn(ellipse(240, 0.1, 0.04), opened=0.4)
    means = fine.reshape(60, 4, 60, 4, 3).mean(axis=(1, 3))
    inside = ellipse(60, 0.1, 0.04) > 0.99
    assert np.abs(means - coarse)[inside].mean() < 0.02


def test_stone_is_of_the_skins_own_tint() -> None:
    opening = ellipse(80, 0.1, 0.05, 0.03)
    skin = np.array([0.50, 0.50, 0.45])
    picture = drawn(opening, opened=0.6, light=replace(LIGHT, skin=skin, stone=1.0))
    inside = picture[opening > 0].astype(np.float64)
    assert np.allclose(inside[:, 0], inside[:, 1], rtol=0.05, atol=0.01)
    bright = inside[inside[:, 1] > 0.1]
    assert np.allclose(bright[:, 2] / bright[:, 1], 0.9, atol=0.06)


def test_gums_of_stone_are_as_light_as_its_teeth() -> None:
    opening = ellipse(80, 0.1, 0.05, -0.05)  # high: teeth and the gum above them
    fair, carved = (drawn(opening, light=replace(LIGHT, stone=stone)) for stone in (0.0, 1.0))
    luma = [one[opening > 0.99] @ np.array(LUMA_WEIGHTS) for one in (fair, carved)]
    darkest = [np.percentile(one, 15) / np.percentile(one, 85) for one in luma]
    assert darkest[1] > 1.2 * darkest[0]


def test_plates_have_no_gaps_and_soft_teeth_have_faint_ones() -> None:
    opening = ellipse(200, 0.08, 0.015, -0.012)
    luma = {
        teeth: drawn(opening, teeth=teeth) @ np.array(LUMA_WEIGHTS)
        for teeth in ("natural", "soft", "plate")
    }
    row = int((ORIGIN[1] - 0.08 * EYE - WINDOW[1]) / (WINDOW[3] - WINDOW[1]) * 200)
    steps = {teeth: np.abs(np.diff(one[row, 75:125])).max() for teeth, one in luma.items()}
    assert steps["plate"] < 0.2 * steps["natural"]
    assert 0.4 * steps["natural"] < steps["soft"] < 0.7 * steps["natural"]


def face(
    colour: tuple[float, float, float], towards: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """A ball of skin, lit from one side; sRGB-encoded, with its mask."""
    y, x = (np.mgrid[:96, :96] + 0.5) / 48 - 1
    front = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    shade = 0.6 + 0.3 * front + towards[0] * x - towards[1] * y
    light = np.clip(shade[..., None] * np.array(colour), 0, None).astype(np.float32)
    return srgb_from_linear(light), (np.hypot(x, y) < 0.85).astype(np.float64)


def test_the_key_light_is_found_on_the_skin() -> None:
    for towards in ((0.3, 0.0), (-0.3, 0.1), (0.0, 0.3)):
        light = mouth_light_from_face(*face((0.42, 0.25, 0.18), towards))
        assert np.linalg.norm(light.key) == pytest.approx(1)
        assert light.key[:2] @ np.array(towards) > 0
        assert 0.15 < light.key_strength <= 0.9
        assert 0.25 <= light.ambient <= 1


def test_on_a_turned_head_the_light_is_given_in_its_own_axes() -> None:
    picture, skin = face((0.42, 0.25, 0.18), (0.3, 0.0))
    straight = mouth_light_from_face(picture, skin)
    assert np.allclose(mouth_light_from_face(picture, skin, FRONTAL).key, straight.key)
    turned = mouth_light_from_face(picture, skin, yawed(30))
    in_crop = np.array([yawed(30)[0] @ turned.key, -yawed(30)[1] @ turned.key]) / EYE
    assert np.allclose(in_crop, straight.key[:2], atol=1e-6)


def test_teeth_are_ivory_in_the_brightness_of_the_face() -> None:
    fair, dark = (
        mouth_light_from_face(*face(colour, (0.0, 0.0)))
        for colour in ((0.42, 0.25, 0.18), (0.10, 0.045, 0.03))
    )
    assert fair.stone == dark.stone == 0
    for light in (fair, dark):
        assert light.tooth[0] > light.tooth[1] > light.tooth[2] > 0.6 * light.tooth[0]
    ratio = dark.tooth[1] / fair.tooth[1]
    assert dark.skin[1] / fair.skin[1] < ratio < 1
    dim = mouth_light_from_face(*face((0.0042, 0.0025, 0.0018), (0.0, 0.0)))
    assert dim.tooth.max() < 0.05


def test_a_face_without_colour_has_teeth_of_stone() -> None:
    light = mouth_light_from_face(*face((0.5, 0.49, 0.47), (0.1, 0.1)))
    assert light.stone == 1
    assert np.allclose(light.tooth / light.tooth[1], light.skin / light.skin[1], atol=1e-3)


def test_a_few_bright_pixels_do_not_change_the_light() -> None:
    picture, skin = face((0.42, 0.25, 0.18), (0.1, 0.0))
    plain = mouth_light_from_face(picture, skin)
    picture[40:46, 40:46] = 1.0
    picture[60, 60] = np.nan
    assert np.allclose(mouth_light_from_face(picture, skin).tooth, plain.tooth, rtol=0.05)


def test_eyes_of_pure_black_say_nothing_of_the_light() -> None:
    picture, skin = face((0.42, 0.25, 0.18), (0.1, 0.0))
    eyes = np.zeros_like(skin)
    eyes[10:30, 10:30] = 1.0
    picture[10:30, 10:30] = 0.0
    skin[10:30, 10:30] = 0.0
    light = mouth_light_from_face(picture, skin, eyes=eyes)
    assert np.array_equal(light.tooth, mouth_light_from_face(picture, skin).tooth)


def test_a_face_without_skin_is_refused() -> None:
    with pytest.raises(UnusableAnswerError, match="16 or more"):
        mouth_light_from_face(np.zeros((8, 8, 3), np.float32), np.zeros((8, 8)))


def test_a_projection_without_extent_is_refused() -> None:
    with pytest.raises(ValueError, match="shows nothing"):
        drawn(ellipse(20, 0.1, 0.1), projection=np.zeros((2, 3)))


def teeth_of_smile(**light: Any) -> tuple[np.ndarray, np.ndarray]:
    """Luma of a smile's upper front teeth, from left to right, and their colours."""
    rig, opening = mouth_rig(), ellipse(120, 0.14, 0.06, 0.02)
    view = MouthView(projection=FRONTAL, origin=ORIGIN)
    through = OpeningLight(opening, WINDOW, EYE)
    lit = lit_mouth(rig, opened_by(0.1), view, replace(LIGHT, **light), through)
    front = lit.normals[:, 2] > 0.5
    colours = [lit.colour[front & (rig.tooth == tooth)].mean(axis=0) for tooth in range(5, 11)]
    return np.array(colours) @ np.array(LUMA_WEIGHTS), np.array(colours)


def test_teeth_beneath_the_darker_cheek_are_in_the_shade() -> None:
    picture, skin = face((0.42, 0.25, 0.18), (-0.3, 0.0))
    across = mouth_light_from_face(picture, skin).across
    assert -0.5 < across < -0.2
    shaded, even = (teeth_of_smile(across=one)[0] for one in (across, 0.0))
    share = shaded / even
    assert (np.diff(share) <= 0).all()
    assert share[-1] / share[0] == pytest.approx(np.exp(across), rel=0.15)


def test_lower_teeth_that_turn_away_from_the_light_are_in_the_shade() -> None:
    """Light that grazes their row does not pass through those before them to a side of each."""
    rig, opening = mouth_rig(), ellipse(120, 0.14, 0.06, 0.02)
    key = np.array([-0.89, 0.19, 0.42])
    view = MouthView(projection=FRONTAL, origin=ORIGIN)
    through = OpeningLight(opening, WINDOW, EYE)
    lit, unlit = (
        lit_mouth(rig, opened_by(0.1), view, replace(LIGHT, key=key, key_strength=share), through)
        for share in (0.45, 0.0)
    )
    faces = lit.normals @ key > 0.2
    from_key = (lit.colour - unlit.colour)[:, 0]
    row = [from_key[faces & (rig.tooth == tooth)].mean() for tooth in (22, 23, 24, 25)]
    assert row == sorted(row, reverse=True)
    assert row[0] > 0.05
    assert max(row[2:]) < 0.1 * row[0]


def test_light_from_a_side_alone_makes_teeth_no_brighter() -> None:
    """Eyes' whites, whose brightest count, already have it."""
    aside = np.array([-0.7, 0.2, 0.68])
    strong, weak = (
        teeth_of_smile(key=aside, key_strength=share, ambient=1 - 0.6 * share)[0]
        for share in (0.9, 0.3)
    )
    assert strong.max() < weak.max()


def test_a_statue_with_coloured_light_has_teeth_of_its_own_stone() -> None:
    picture, skin = face((0.30, 0.24, 0.20), (0.0, 0.0))
    eyes = np.zeros_like(skin)
    eyes[30:36, 20:80] = 1
    stone = mouth_light_from_face(picture, skin, eyes=eyes, statue=1.0)
    luma = np.array(LUMA_WEIGHTS)
    assert stone.stone == 1
    assert stone.tooth @ luma == pytest.approx(stone.skin @ luma, rel=0.05)
    ivory = mouth_light_from_face(picture, skin, eyes=eyes)
    assert ivory.tooth @ luma > 1.2 * stone.tooth @ luma


def test_carved_teeth_have_joints_and_no_gaps() -> None:
    opening = ellipse(200, 0.08, 0.03, -0.012)
    stone = replace(LIGHT, stone=1.0, tooth=LIGHT.skin)
    row = int((ORIGIN[1] - 0.08 * EYE - WINDOW[1]) / (WINDOW[3] - WINDOW[1]) * 200)
    natural, carved = (
        (drawn(opening, teeth=teeth, light=stone) @ np.array(LUMA_WEIGHTS))[row, 90:110]
        for teeth in ("natural", "carved")
    )
    assert natural.min() < 0.4 * natural.max()
    assert 0.5 * carved.max() < carved.min() < 0.9 * carved.max()


def test_gums_of_stone_have_no_furrows_above_their_teeth() -> None:
    opening = ellipse(200, 0.08, 0.03, -0.06)
    stone = replace(LIGHT, stone=1.0, tooth=LIGHT.skin)
    row = int((ORIGIN[1] - 0.26 * EYE - WINDOW[1]) / (WINDOW[3] - WINDOW[1]) * 200)
    natural, carved = (
        (drawn(opening, teeth=teeth, light=stone) @ np.array(LUMA_WEIGHTS))[row, 80:120]
        for teeth in ("natural", "carved")
    )
    steps = [np.abs(np.diff(one)).max() / one.max() for one in (natural, carved)]
    assert steps[1] < 0.6 * steps[0]


def test_what_fills_the_joints_of_carved_teeth_lies_behind_the_gums() -> None:
    opening = ellipse(200, 0.12, 0.07, 0.03)
    stone = replace(LIGHT, stone=1.0, tooth=LIGHT.skin)
    natural, carved = (
        drawn(opening, teeth=teeth, light=stone, opened=0.6) for teeth in ("natural", "carved")
    )
    changed = (np.abs(carved - natural) > 0.05).any(axis=2)
    assert 0.005 < changed.sum() / (opening > 0).sum() < 0.1


def test_crowns_of_carved_teeth_are_not_jagged_beneath_the_gums() -> None:
    opening = ellipse(600, 0.12, 0.05, -0.02)
    stone = replace(LIGHT, stone=1.0, tooth=LIGHT.skin)
    from_below = FRONTAL + EYE * np.array([[0, 0, 0], [0, 0, 0.12]])
    shown = drawn(opening, teeth="carved", light=stone, projection=from_below)
    neck = (shown @ np.array(LUMA_WEIGHTS))[174:185, 230:243]  # of a lateral incisor
    assert neck.min() > 0.7 * neck.max()


@pytest.mark.parametrize("tooth", [5, 10])
def test_carved_canines_have_round_necks(tooth: int) -> None:
    """At the gums' edge they run to points."""
    opening = ellipse(600, 0.16, 0.1, -0.02)
    stone = replace(LIGHT, stone=1.0, tooth=LIGHT.skin)
    with_dark_gums = patch.object(mouth, "_CARVED_GUM", 0.2)
    shown = drawn(opening, teeth="carved", light=stone)
    with with_dark_gums:
        is_gum = (np.abs(shown - drawn(opening, teeth="carved", light=stone)) > 0.02).any(axis=2)
    rig = mouth_rig()
    crown = rig.points[rig.tooth == tooth][:, 0]
    ends = (ORIGIN[0] + EYE * np.array([crown.min(), crown.max()]) - WINDOW[0]) / 0.44 * 600
    first, last = np.round(ends + np.array([4, -4])).astype(int)
    gums = is_gum[: int((ORIGIN[1] - WINDOW[1]) / 0.44 * 600), first:last]  # above the teeth
    ends = len(gums) - gums[::-1].argmax(axis=0)
    assert (ends <= ends.min() + 3).mean() > 0.4


def test_the_upper_lip_shades_the_teeth_behind_it() -> None:
    smile = ellipse(200, 0.12, 0.03, 0.0)
    luma = drawn(smile) @ np.array(LUMA_WEIGHTS)
    column = luma[:, 85:95].mean(axis=1)[smile[:, 90] > 0.99]
    assert column[:3].mean() < 0.67 * column.max()
