"""A rig's answer, composed by the pipeline that composes all answers."""

from dataclasses import replace

import numpy as np
import pytest

from reggan_plugin.change.answer import Answer
from reggan_plugin.change.pipeline import change_crop
from reggan_plugin.rig.dense_landmarks import SIDES, eye_rows, rows_of
from reggan_plugin.rig.mouth_opening import mouth_of_character
from reggan_plugin.rig.raster import WHOLE, line_of, smooth_arc
from reggan_plugin.rig.skin_motion import Landmarks, rig_answer
from reggan_plugin.rig.template_fit import template
from tests.rig.drawn_face import SKIN, WHITE, drawn_face, placed

BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}


def changed(weights: dict[str, float], worn: dict[str, float] | None = None) -> np.ndarray:
    picture, landmarks = drawn_face(worn)
    answer = rig_answer(template(), picture, landmarks, weights)
    return change_crop(picture, answer).pixels


def eyeball(picture: np.ndarray) -> int:
    """Pixels of the upper half that are whiter than skin and lids, or blue."""
    upper = picture[:160]
    away = np.abs(upper - SKIN).sum(axis=2)
    return int((away > 0.5 * np.abs(WHITE - SKIN).sum()).sum())


def test_nothing_asked_changes_nothing() -> None:
    picture, landmarks = drawn_face()
    answer = rig_answer(template(), picture, landmarks, {})
    assert not answer.motion.any()
    assert not answer.gain.any()
    assert not answer.painters
    assert np.array_equal(change_crop(picture, answer).pixels, picture)


def test_a_raised_brow_stretches_the_skin_below_it_evenly() -> None:
    """A band beside the lid that stays as it is would leave all of it to a few pixels: streaks."""
    rig = template()
    lid, brow = (rig.landmarks[rows_of(name, "right")] for name in ("lid_upper", "brow"))
    x, y, depth = rig.rest.T
    between = (x > lid[0, 0]) & (x < lid[-1, 0]) & (depth > -0.5)
    between &= (y > np.interp(x, *lid.T[:2]) + 0.01) & (y < np.interp(x, *brow.T[:2]))
    edges = np.concatenate([rig.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    edges = edges[between[edges].all(axis=1)]
    high = np.diff(y[edges], axis=1)[:, 0]
    rises = np.diff(rig.shapes["browOuterUpRight"][edges, 1], axis=1)[:, 0]
    steep = np.abs(high) > 0.01
    assert np.percentile(rises[steep] / high[steep], 95) < 0.8


def test_a_blink_leaves_no_eyeball() -> None:
    picture, _ = drawn_face()
    assert eyeball(picture) > 500
    assert eyeball(changed(BLINK)) < 0.06 * eyeball(picture)


def test_the_line_between_shut_lids_has_no_steps() -> None:
    picture, landmarks = drawn_face()
    lid, other = (landmarks.places[rows_of("lid_" + one, "right")] for one in ("upper", "lower"))
    columns = slice(*np.rint(lid[[3, -4], 0] * len(picture)).astype(int))
    rows = slice(int(len(picture) * lid[:, 1].min()) - 8, int(len(picture) * other[:, 1].max()) + 8)
    middle = np.interp(np.arange(len(picture)) / len(picture), *lid.T) * len(picture)
    is_above = np.arange(len(picture))[:, None] < middle
    picture = np.where(is_above[..., None], np.float32(0.3), picture)
    result = change_crop(picture, rig_answer(template(), picture, landmarks, BLINK)).pixels
    height = ((0.7 - result[rows, columns, 0]) / 0.4).clip(0, 1).sum(axis=0)
    assert np.abs(np.diff(height)).max() < 0.8


def test_half_a_blink_leaves_about_half() -> None:
    picture, _ = drawn_face()
    half = eyeball(changed(dict.fromkeys(BLINK, 0.5)))
    assert 0.25 < half / eyeball(picture) < 0.75


def test_wide_eyes_show_more_eyeball() -> None:
    picture, _ = drawn_face()
    wide = eyeball(changed({"eyeWideLeft": 1.0, "eyeWideRight": 1.0}))
    assert wide > 1.15 * eyeball(picture)


def test_a_brow_that_comes_down_leaves_the_line_of_the_lashes() -> None:
    picture, landmarks = drawn_face()
    places = landmarks.places.copy()
    places[np.concatenate([rows_of("brow", side) for side in SIDES]), 1] += 0.15 * 0.234
    lid = places[rows_of("lid_upper", "right")]
    line = line_of(smooth_arc(lid) - [0, 0.003], 0.004, WHOLE, len(picture))
    picture *= 1 - 0.9 * line[..., None]
    weights = {"browDownRight": 1.3, "eyeWideRight": 0.4}
    answer = rig_answer(template(), picture, replace(landmarks, places=places), weights)
    columns = slice(*np.rint(lid[[3, -4], 0] * len(picture)).astype(int))
    rows = slice(*np.rint((lid[:, 1].min() + np.array([-0.06, 0.04])) * len(picture)).astype(int))
    result = change_crop(picture, answer).pixels
    assert result[rows, columns].max(axis=2).min(axis=0).mean() < 0.2


def test_one_eye_closes_alone() -> None:
    picture, _ = drawn_face()
    result = changed({"eyeBlinkLeft": 1.0})  # the face's own left lies at the right
    assert np.array_equal(result[100:140, 80:180], picture[100:140, 80:180])
    assert eyeball(result[:, 200:]) < 0.1 * eyeball(picture[:, 200:])


def test_a_gaze_moves_the_iris_and_not_the_lids() -> None:
    picture, _ = drawn_face()
    look = {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}
    result = changed(look)

    def middle(of: np.ndarray) -> float:
        blue = (of[:160, 192:, 2] - of[:160, 192:, 0]) > 0.2
        return float(np.nonzero(blue)[1].mean())

    assert middle(result) > middle(picture) + 3


def test_a_jaw_that_drops_shows_a_mouth_that_is_not_skin() -> None:
    picture, landmarks = drawn_face()
    answer = rig_answer(template(), picture, landmarks, {"jawOpen": 0.6})
    *_, mouth = answer.painters
    assert mouth.cover.max() == 1.0
    result = change_crop(picture, answer).pixels
    inside = result[215:235, 185:199]
    assert (np.abs(inside - SKIN).sum(axis=2) > 0.15).mean() > 0.95


def test_lips_that_part_leave_nothing_of_the_line_between_them() -> None:
    """Nor where it ends beyond the corners that were found."""
    picture, landmarks = drawn_face()
    seam = landmarks.places[rows_of("lip_inner_upper")]
    left, right = seam[seam[:, 0].argmin()], seam[seam[:, 0].argmax()]
    past = 0.03 * 0.234 * (right - left) / np.hypot(*(right - left))
    line = line_of(np.stack([left - past, right + past]), 0.01 * 0.234, WHOLE, len(picture))
    lined = picture * (1 - 0.9 * line[..., None])
    with_line, without = (
        change_crop(one, rig_answer(template(), one, landmarks, {"jawOpen": 0.6})).pixels
        for one in (lined.astype(np.float32), picture)
    )
    assert np.abs(lined - picture).max() > 0.4
    assert (without - with_line).max() < 0.1  # no darker


def test_a_mouth_shows_its_own_inside_in_all_of_a_shot_or_in_none() -> None:
    """By itself an open mouth keeps its own, and a closed one that opens gets a rendered one."""
    smile = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "mouthUpperUpLeft": 0.3}
    picture, landmarks = drawn_face({"jawOpen": 0.6})
    character = mouth_of_character(picture, landmarks.places)
    assert character is not None
    assert 0.2 < character.gap < 0.6

    def painted(gap: float | None) -> int:
        shot = None if gap is None else replace(character, gap=gap)
        answer = rig_answer(template(), picture, landmarks, smile, character=shot)
        return len(answer.painters)

    assert painted(None) == painted(character.gap)
    assert painted(0.0) == painted(None) + 1  # it mostly is shut, so its teeth are rendered


def test_teeth_have_the_tone_of_the_shot() -> None:
    picture, landmarks = drawn_face()
    character = mouth_of_character(picture, landmarks.places)
    assert character is not None

    def mouth(tooth: float) -> np.ndarray:
        own = replace(character, tooth=(tooth, tooth, tooth))
        answer = rig_answer(template(), picture, landmarks, {"jawOpen": 0.6}, character=own)
        return answer.painters[-1].paint

    assert (mouth(1.6) - mouth(0.4)).max() > 0.1


def test_an_open_mouth_shuts_with_neutral() -> None:
    picture, landmarks = drawn_face({"jawOpen": 0.6})
    answer = rig_answer(template(), picture, landmarks, {"neutral": 1.0})
    assert np.abs(answer.motion).max() > 0.03


@pytest.mark.parametrize("shown", [{"mouthSmile": 0.9}, {"mouthFrown": 0.9}, {"browDown": 1.0}])
def test_what_the_face_shows_is_read_and_taken_away(shown: dict[str, float]) -> None:
    """The picture comes near the face at rest, where without it the expression stays."""
    both = {f"{name}{side}": w for name, w in shown.items() for side in ("Left", "Right")}
    (rest, at_rest), (picture, landmarks) = drawn_face(), drawn_face(both)

    def there(relaxed: float) -> np.ndarray:
        answer = rig_answer(template(), picture, landmarks, {"neutral": relaxed}, relaxed=relaxed)
        rows = np.concatenate([rows_of("lip_outer_upper"), rows_of("brow", "left")])
        where = np.clip((at_rest.places[rows] * len(answer.motion)).astype(int), 0, 255)
        return answer.motion[where[:, 1], where[:, 0]]

    rows = np.concatenate([rows_of("lip_outer_upper"), rows_of("brow", "left")])
    true = landmarks.places[rows] - at_rest.places[rows]
    off = [np.linalg.norm(there(share) - true, axis=1).sum() for share in (0.0, 0.5, 1.0)]
    assert off[2] < off[1] < off[0]
    assert off[2] < 0.8 * off[0]  # the reader says less than there is
    assert rest.shape == picture.shape


def test_a_face_at_rest_has_nothing_to_take_away() -> None:
    picture, landmarks = drawn_face()
    answer = rig_answer(template(), picture, landmarks, {"neutral": 1.0}, relaxed=1.0)
    assert not answer.motion.any()


def test_the_same_is_answered_twice() -> None:
    first, second = (changed({"mouthSmileLeft": 1.0, **BLINK}) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", sorted(template().shapes))
def test_every_shape_gives_finite_values(name: str) -> None:
    picture, landmarks = drawn_face()
    answer = rig_answer(template(), picture, landmarks, {name: 1.5}, cells=64)
    planes = [answer.motion, answer.gain, *(one.paint for one in answer.painters)]
    assert all(np.isfinite(plane).all() for plane in planes)


def below_chin(worn: dict[str, float] | None = None) -> tuple[np.ndarray, Landmarks]:
    """Where the neck lies, 1 or 0, and the landmarks of that face."""
    picture, landmarks = drawn_face(worn)
    jaw = smooth_arc(landmarks.places[rows_of("jaw")]) * len(picture)
    order = np.argsort(jaw[:, 0])
    columns = np.arange(len(picture)) + 0.5
    edge = np.interp(columns, jaw[order, 0], jaw[order, 1])
    return np.arange(len(picture))[:, None] > edge, landmarks


def test_a_chin_that_rises_leaves_nothing_of_itself_on_the_neck() -> None:
    was_neck, landmarks = below_chin({"jawOpen": 0.8})
    is_neck, _ = below_chin()
    picture = np.where(was_neck[..., None], np.float32(0.9), np.float32(0.3)).repeat(3, axis=2)
    answer = rig_answer(template(), picture, landmarks, {"neutral": 1.0})
    eye = 0.06 * len(picture)  # a fifth of the eye distance below the chin
    came = is_neck & ~was_neck & (np.cumsum(is_neck, axis=0) > eye)
    came[:, : len(picture) * 2 // 5] = came[:, len(picture) * 3 // 5 :] = False
    assert came.sum() > 200

    def left(of: Answer) -> float:
        return float((change_crop(picture, of).pixels[came] < 0.6).mean())

    assert left(answer) < 0.05 < left(replace(answer, painters=()))


def test_a_chin_passes_before_the_neck_without_steps() -> None:
    is_neck, landmarks = below_chin()
    picture = np.where(is_neck[..., None], np.float32(0.9), np.float32(0.3)).repeat(3, axis=2)
    answer = rig_answer(template(), picture, landmarks, {"jawOpen": 0.8})
    chin = slice(150, 234)

    def roughness(of: Answer) -> float:
        result = change_crop(picture, of).pixels[200:, chin, 0]
        height = ((0.9 - result) / 0.6).clip(0, 1).sum(axis=0)
        return float(np.abs(np.diff(height, 2)).mean())

    smooth, stepped = (roughness(one) for one in (answer, replace(answer, painters=())))
    assert smooth < 0.5 * stepped


def test_hair_on_a_chin_stays_as_sharp_as_it_was_where_its_edge_is_painted() -> None:
    is_neck, landmarks = below_chin()
    hairs = np.where(np.arange(len(is_neck)) % 4 < 2, np.float32(0.2), np.float32(0.7))
    picture = np.broadcast_to(hairs[None, :, None], (*is_neck.shape, 3)).copy()
    answer = rig_answer(template(), picture, landmarks, {"jawOpen": 0.8})
    rows, columns = np.s_[296:308], np.s_[160:225]
    painted, moved = (
        np.abs(np.diff(change_crop(picture, one).pixels[rows, columns, 0])).mean()
        for one in (answer, replace(answer, painters=()))
    )
    assert painted > moved


def test_a_chin_beside_a_lock_of_hair_is_painted_no_further_than_it_moves() -> None:
    is_neck, landmarks = below_chin()
    picture = np.where(is_neck[..., None], np.float32(0.9), np.float32(0.3)).repeat(3, axis=2)
    columns = np.arange(len(picture))
    lock = (np.abs(columns - 235) < 6)[None].repeat(len(picture), axis=0)
    lock = lock[..., None].astype(np.float32)
    answer = rig_answer(template(), picture, replace(landmarks, front=lock), {"jawOpen": 0.8})
    painted, moved = (
        change_crop(picture, one).pixels[262:300, 210:229]
        for one in (answer, replace(answer, painters=()))
    )
    assert np.abs(painted - moved).max() < 0.2


def test_what_is_beside_a_head_is_not_painted_along_the_edge_of_its_chin() -> None:
    is_neck, landmarks = below_chin()
    picture = np.where(is_neck[..., None], np.float32(0.5), np.float32(0.4)).repeat(3, axis=2)
    picture[:, 235:] = 0
    head = (np.arange(96) < 235 / 4).astype(np.float32)[None].repeat(96, axis=0)
    answer = rig_answer(template(), picture, replace(landmarks, head=head), {"jawOpen": 0.8})
    painted, moved = (
        change_crop(picture, one).pixels[262:, :235]
        for one in (answer, replace(answer, painters=()))
    )
    assert (moved - painted).max() < 0.1


def test_a_chin_that_drops_takes_light_from_the_neck_right_below_it() -> None:
    is_neck, _ = below_chin({"jawOpen": 0.8})
    picture = np.full((len(is_neck), len(is_neck), 3), 0.6, np.float32)
    gain = rig_answer(template(), picture, below_chin()[1], {"jawOpen": 0.8}).gain[..., 0]
    columns = slice(len(gain) * 2 // 5, len(gain) * 3 // 5)
    at = ((np.arange(len(gain)) + 0.5) / len(gain) * len(is_neck)).astype(int)
    below = is_neck[at[:, None], at][:, columns]
    depth = np.cumsum(below, axis=0) / len(gain)
    near, far = below & (depth < 0.02), below & (depth > 0.12)
    assert gain[:, columns][near].mean() < -0.05 < gain[:, columns][far].mean()


def test_what_is_clipped_is_not_lit_otherwise() -> None:
    picture, landmarks = drawn_face()
    shade = np.linspace(0.6, 1, len(picture), dtype=np.float32)[:, None, None]
    smile = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
    dull, bright = (
        np.abs(rig_answer(template(), one.astype(np.float32), landmarks, smile).gain)
        for one in (picture * shade, np.clip(2 * picture * shade, 0, 1))
    )
    cheek = slice(150, 175), slice(80, 100)
    assert bright[cheek].max() < 0.1 * dull[cheek].max()


def test_skin_beside_a_lock_of_hair_stays_and_brows_and_lips_do_not() -> None:
    picture, landmarks = drawn_face()
    across = np.linspace(0, 1, 384)[None].repeat(384, axis=0)
    lock = (np.abs(across - 0.3) < 0.02).astype(np.float32)[..., None]
    smile = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "browInnerUp": 1.0}
    free, held = (
        np.linalg.norm(rig_answer(template(), picture, marks, smile).motion, axis=2)
        for marks in (landmarks, replace(landmarks, front=lock))
    )
    moves = free > 0.002
    x, y = np.meshgrid(*2 * [np.linspace(0, 1, len(free))])
    cheek = moves & (np.abs(x - 0.32) < 0.02) & (y > 0.55) & (y < 0.62)
    assert cheek.any()
    assert np.median(held[cheek]) < 0.2 * np.median(free[cheek])
    far = moves & (x > 0.5)
    assert np.array_equal(held[far], free[far])
    for rows in (rows_of("brow", "right"), rows_of("lip_outer_upper")):
        at = tuple((landmarks.places[rows].T[::-1] * len(free)).astype(int))
        assert np.allclose(held[at], free[at], rtol=0.1, atol=1e-4)


def test_a_brow_that_goes_on_beneath_a_lock_is_not_bent_at_it() -> None:
    """Its last landmark lies a fifth of an eye distance from the lock."""
    picture, landmarks = drawn_face()
    brow = landmarks.places[rows_of("brow", "right")]
    on = (brow[0] - brow[2]) / np.linalg.norm(brow[0] - brow[2])
    eye = float(
        np.linalg.norm(np.subtract(*(landmarks.places[eye_rows(s)].mean(0) for s in SIDES)))
    )
    beyond = brow[0] + eye * np.array([[0.05], [0.1], [0.15]]) * on
    across = np.linspace(0, 1, 384)[None].repeat(384, axis=0)
    lock = (across < beyond[-1, 0]).astype(np.float32)[..., None]
    raised = {"browOuterUpRight": 1.0, "browInnerUp": 1.0}
    free, held = (
        rig_answer(template(), picture, marks, raised).motion[..., 1]
        for marks in (landmarks, replace(landmarks, front=lock))
    )
    at = tuple((beyond.T[::-1] * len(free)).astype(int))
    assert free[at].min() > 0.002
    np.testing.assert_allclose(held[at], free[at], rtol=0.15)


def test_the_tail_of_a_brow_goes_along_on_a_temple_that_turns_away() -> None:
    picture, landmarks = drawn_face()
    yaw, marks = np.radians(20), template().landmarks @ np.diag([1.0, 1.0, -1.0])
    across = np.cos(yaw) * marks[:, 0] + np.sin(yaw) * marks[:, 2]
    turned = replace(landmarks, places=placed(np.column_stack([across, marks[:, 1:]])))
    raised = {"browOuterUpRight": 1.0, "browInnerUp": 1.0}
    motion = rig_answer(template(), picture, turned, raised).motion[..., 1]
    last, inner = turned.places[rows_of("brow", "right")[[0, 2]]]
    beyond = last + 0.0094 * (last - inner) / np.linalg.norm(last - inner)
    end, tail = (motion[tuple((at[::-1] * len(motion)).astype(int))] for at in (last, beyond))
    assert tail > 0.5 * end > 0.01


def test_what_lies_beside_a_fringe_moves_with_a_brow_that_is_seen_alone() -> None:
    picture, landmarks = drawn_face()
    brow = landmarks.places[rows_of("brow", "right")]
    across = np.linspace(0, 1, 384)[:, None].repeat(384, axis=1)
    fringe = (across < brow[:, 1].mean()).astype(np.float32)[..., None]
    hidden, seen = (
        rig_answer(template(), picture, marks, {"browInnerUp": 1.0}).motion[..., 1]
        for marks in (
            replace(landmarks, front=fringe, seen_brows=sides) for sides in (["left"], SIDES)
        )
    )
    at = tuple((brow[5:8].T[::-1] * len(seen) + [[6], [0]]).astype(int))
    assert seen[at].min() > 0.006
    assert hidden[at].mean() < 0.5 * seen[at].mean()
    assert np.array_equal(seen[:, len(seen) // 2 + 20 :], hidden[:, len(seen) // 2 + 20 :])


def test_a_backdrop_that_a_chin_drags_along_stops_at_a_shoulder() -> None:
    picture, landmarks = drawn_face()
    x, y = np.meshgrid(*2 * [np.linspace(0, 1, 96)])
    beside, shoulder = x > 0.62, y > 0.78
    head = np.where(shoulder, 1, ~beside).astype(np.float32)
    far = replace(landmarks, head=(~beside).astype(np.float32))
    free, held = (
        np.linalg.norm(rig_answer(template(), picture, one, {"jawOpen": 1.0}).motion, axis=2)
        for one in (far, replace(landmarks, head=head))
    )
    assert free[200, 160] > 0.015
    assert held[200, 160] < 0.003


def test_what_is_no_head_does_not_go_along() -> None:
    picture, landmarks = drawn_face()
    across = np.abs(np.linspace(-1, 1, 64))[None].repeat(64, axis=0)
    smile = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
    free, bound = (
        rig_answer(template(), picture, one, smile).motion
        for one in (landmarks, replace(landmarks, head=(across < 0.3).astype(np.float32)))
    )
    beside = np.abs(np.linspace(-1, 1, len(free)))[None].repeat(len(free), axis=0) > 0.45
    assert np.abs(free[beside]).max() > 0.01
    assert np.abs(bound[beside]).max() < 0.1 * np.abs(free[beside]).max()
    np.testing.assert_allclose(bound[150:180, 120:136], free[150:180, 120:136], atol=1e-4)


def test_what_is_beyond_an_outline_moves_no_further_than_it() -> None:
    picture, landmarks = drawn_face()
    across = np.abs(np.linspace(-1, 1, 256))[None].repeat(256, axis=0)
    cut = replace(landmarks, head=(across < 0.5).astype(np.float32))
    smile = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
    moved = np.linalg.norm(rig_answer(template(), picture, cut, smile).motion, axis=2)[140:160]
    on_it, beyond = moved[:, 190].mean(), moved[:, 192:].max(axis=1).mean()
    assert on_it > 0.0015
    assert beyond < 1.8 * on_it  # that of the cheek within is 2.6 times as long


def test_ears_beside_a_cheek_that_widens_stay() -> None:
    picture, landmarks = drawn_face()
    whole = replace(landmarks, head=np.ones((64, 64), np.float32))
    smile = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
    free, held = (
        np.linalg.norm(rig_answer(template(), picture, one, smile).motion, axis=2)
        for one in (landmarks, whole)
    )
    cheek = landmarks.places[rows_of("jaw")[2]]
    ear, inside = (
        tuple(((cheek + np.array([0.234 * off, 0]))[::-1] * len(free)).astype(int))
        for off in (-0.17, 0.1)
    )
    assert free[ear] > 0.0005
    assert held[ear] < 0.1 * free[ear]
    np.testing.assert_allclose(held[inside], free[inside], rtol=0.02)


def test_what_is_beyond_the_mesh_above_the_eyes_goes_along() -> None:
    """A far brow of a turned head may lie there."""
    picture, landmarks = drawn_face()
    whole = replace(landmarks, head=np.ones((64, 64), np.float32))
    raised = {"browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}
    free, held = (rig_answer(template(), picture, one, raised).motion for one in (landmarks, whole))
    above = slice(0, int(landmarks.places[eye_rows("left")][:, 1].min() * len(free)))
    assert np.abs(free[above]).max() > 0.005
    np.testing.assert_allclose(held[above], free[above], atol=1e-6)


def test_hair_beside_a_cheek_is_behind_it_and_hair_over_it_or_at_a_temple_is_not() -> None:
    picture, landmarks = drawn_face()
    ones = np.ones((96, 96, 1), np.float32)
    smile, covered = {"mouthSmileLeft": 1.0}, replace(landmarks, front=ones)
    front = rig_answer(template(), picture, replace(covered, outline=ones), smile).front
    everywhere = rig_answer(template(), picture, covered, smile).front
    assert front is not None
    assert everywhere is not None
    eyes = landmarks.places[np.concatenate([eye_rows(side) for side in SIDES])].mean(axis=0)
    row = int(96 * landmarks.places[rows_of("jaw"), 1].mean())
    widest = landmarks.places[rows_of("jaw"), 0]
    on, off = int(96 * (widest.min() + 0.1)), int(96 * (widest.min() - 0.15))
    assert front[row, on] > 0.99
    assert front[row, max(off, 0)] < 0.01
    assert front[int(96 * (eyes[1] - 0.05)), 0] > 0.99
    assert everywhere.min() == 1


def test_nostrils_stay_open_beneath_a_lip_that_rises() -> None:
    """What lies between a nose's tip and the lip is pressed more evenly."""
    picture, landmarks = drawn_face()
    sneer = {"noseSneerLeft": 1.0, "noseSneerRight": 1.0, "mouthUpperUpLeft": 0.3}
    answer = rig_answer(template(), picture, landmarks, sneer | {"mouthUpperUpRight": 0.3})
    cells, eye = len(answer.motion), 0.234
    x, base = landmarks.places[rows_of("nostril", "left")[1]]
    lip = landmarks.places[rows_of("lip_outer_upper"), 1].min()
    tip = landmarks.places[rows_of("nose")[0], 1]
    rises = answer.motion[:, int(x * cells), 1]
    now = (np.arange(cells) + 0.5) / cells
    before = now + rises
    pressed = np.gradient(now, before)[(before > base - 0.05 * eye) & (before < base + 0.05 * eye)]
    all_of_it = np.gradient(now, before)[(before > tip) & (before < lip)]
    assert all_of_it.mean() < 0.95
    assert pressed.mean() > 1.1 * all_of_it.mean()
