"""Heads built from the real assets, where they are there: what geometry promises."""

import numpy as np
import pytest

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.heads.anatomy.assets import HeadAssets, read_assets
from reggan_training.heads.anatomy.face_state import ExpressionHabits, FaceState, sample_habits
from reggan_training.heads.anatomy.head import Head, PosedHead, build_head
from reggan_training.heads.anatomy.head_shape import HeadShape, sample_shape
from reggan_training.heads.worn.facial_strands import (
    BEARD_STYLES,
    grow_beard,
    grow_brows,
    grow_lashes,
    sample_brow_style,
)
from reggan_training.heads.worn.glasses_meshes import GLASSES_SHAPES, build_glasses
from reggan_training.heads.worn.hair_styles import HAIR_STYLES, grow_hair

from ...shared_data import SHARED_DATA

ASSETS = SHARED_DATA / "makehuman"
pytestmark = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"no head assets at {ASSETS}")
FULL = [name for name in EXPRESSION_NAMES if name != "neutral"]
LEVELS = (0.25, 0.5, 1.0)
EVEN = ExpressionHabits()
GRID = 0.001  # metres, about a pixel of a picture of 256 px


@pytest.fixture(scope="module")
def assets() -> HeadAssets:
    return read_assets(ASSETS)


@pytest.fixture(scope="module")
def even(assets: HeadAssets) -> Head:
    """A head whose sides are alike."""
    return build_head(assets, HeadShape())


@pytest.fixture(scope="module", params=[5, 12])
def head(request: pytest.FixtureRequest, assets: HeadAssets) -> Head:
    return build_head(assets, sample_shape(np.random.default_rng(request.param)))


def full(head: Head, expression: str, intensity: float = 1.0) -> PosedHead:
    return head.pose(FaceState(expression=expression, intensity=intensity), EVEN)


@pytest.mark.parametrize("expression", EXPRESSION_NAMES)
def test_intensity_0_is_the_head_at_rest(head: Head, expression: str) -> None:
    posed = head.pose(FaceState(expression=expression), sample_habits(np.random.default_rng(0)))
    for name, points in head.rest.items():
        np.testing.assert_array_equal(posed.points[name], points)
    assert set(posed.wrinkles.values()) == {0.0}


@pytest.mark.parametrize("expression", FULL)
def test_even_habits_move_both_sides_alike(even: Head, expression: str) -> None:
    rest, moved = even.rest["skin"], full(even, expression).points["skin"]
    mirrored = rest * [-1, 1, 1]
    front = np.flatnonzero((rest[:, 1] < 0.02) & (rest[:, 0] > 0.002))
    twin = np.array([np.linalg.norm(rest - mirrored[row], axis=1).argmin() for row in front])
    off = np.linalg.norm(moved[front] * [-1, 1, 1] - moved[twin], axis=1)
    assert np.quantile(off, 0.98) < 0.0015
    assert np.abs(moved - rest).max() > 0.005


@pytest.mark.parametrize("expression", FULL)
def test_the_face_goes_steadily_to_the_full_expression(head: Head, expression: str) -> None:
    rest = head.rest["skin"]
    way = full(head, expression).points["skin"] - rest
    shares = [
        float(((full(head, expression, level).points["skin"] - rest) * way).sum() / (way**2).sum())
        for level in LEVELS
    ]
    assert np.all(np.diff(shares) > 0.1)
    assert 0.4 < float(np.interp(0.5, LEVELS, shares)) < 0.6


@pytest.mark.parametrize("expression", FULL)
def test_teeth_are_rigid_and_the_upper_row_stays(head: Head, expression: str) -> None:
    posed = head.pose(FaceState(expression=expression, intensity=1.0, mouth_open=0.6), EVEN)
    np.testing.assert_array_equal(posed.points["teeth_upper"], head.rest["teeth_upper"])
    lower, rest = posed.points["teeth_lower"], head.rest["teeth_lower"]
    apart = np.linalg.norm(lower[:, None] - lower[::50], axis=2)
    np.testing.assert_allclose(apart, np.linalg.norm(rest[:, None] - rest[::50], axis=2))
    assert lower[:, 2].mean() < rest[:, 2].mean() - 0.003


def test_eyes_shut_whatever_the_face_does(head: Head) -> None:
    for expression in ("neutral", "afraid", "angry"):
        open_state = FaceState(expression=expression, intensity=1.0)
        openings = [
            eye_pixels(
                head,
                head.pose(FaceState(**{**open_state.to_json(), "eye_closure": closure}), EVEN),
            )
            for closure in (0.0, 0.5, 1.0)
        ]
        assert 0.1 * openings[0] < openings[1] < 0.85 * openings[0]
        assert openings[2] < 0.03 * openings[0]


def eye_pixels(head: Head, posed: PosedHead) -> int:
    """Cells of a frontal depth picture in which an eyeball lies before the skin."""
    centre = head.eyes["left"].centre
    window = (centre[0] - 0.018, centre[0] + 0.018, centre[2] - 0.015, centre[2] + 0.015)
    skin = depth_picture(head, posed, ["skin"], window)
    return int((depth_picture(head, posed, ["eye_left"], window) < skin).sum())


def test_closed_lips_hide_the_teeth(head: Head) -> None:
    pressed = ExpressionHabits(smile="closed", anger="pressed")
    for expression in ("neutral", "happy", "sad", "angry"):
        posed = head.pose(FaceState(expression=expression, intensity=1.0), pressed)
        assert teeth_pixels(head, posed) <= 1
    smile = head.pose(FaceState(expression="happy", intensity=1.0), EVEN)
    assert teeth_pixels(head, smile) > 20


def teeth_pixels(head: Head, posed: PosedHead) -> int:
    middle = posed.landmarks["mouth_center"]
    window = (middle[0] - 0.035, middle[0] + 0.035, middle[2] - 0.025, middle[2] + 0.025)
    skin = depth_picture(head, posed, ["skin"], window)
    inside = depth_picture(head, posed, ["teeth_upper", "teeth_lower"], window)
    return int((inside < skin).sum())


def depth_picture(
    head: Head, posed: PosedHead, names: list[str], window: tuple[float, float, float, float]
) -> np.ndarray:
    """Depth of the nearest surface in cells of `GRID` metres, seen from the front."""
    left, right, low, high = window
    up, across = np.mgrid[low:high:GRID, left:right:GRID]
    depth = np.full(up.size, np.inf)
    for name in names:
        faces = head.parts[name].faces
        corners = posed.points[name][np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])]
        flat = corners[:, :, [0, 2]]
        meets = (flat.max(axis=1) > [left, low]) & (flat.min(axis=1) < [right, high])
        for first, second, third in corners[meets.all(axis=1)]:
            one, two = second - first, third - first
            area = one[0] * two[2] - one[2] * two[0]
            if abs(area) < 1e-12:
                continue
            x, z = across.ravel() - first[0], up.ravel() - first[2]
            b, c = (x * two[2] - z * two[0]) / area, (one[0] * z - one[2] * x) / area
            is_in = (b >= 0) & (c >= 0) & (b + c <= 1)
            y = first[1] + b * one[1] + c * two[1]
            depth = np.where(is_in, np.minimum(depth, y), depth)
    return depth


def test_landmarks_lie_where_their_names_say(head: Head) -> None:
    marks = full(head, "neutral").landmarks
    assert marks["left_eye"][0] > 0.02 > -0.02 > marks["right_eye"][0]
    assert marks["mouth_left"][0] > marks["mouth_center"][0] > marks["mouth_right"][0]
    heights = [marks[name][2] for name in ("left_eye", "nose_tip", "mouth_center", "chin")]
    assert np.all(np.diff(heights) < -0.015)
    assert marks["nose_tip"][1] < marks["mouth_center"][1] < marks["mouth_left"][1]


def test_speech_opens_the_mouth_and_drops_the_chin(head: Head) -> None:
    shut, half, wide = (head.pose(FaceState(mouth_open=share), EVEN) for share in (0, 0.5, 1.0))
    chins = [posed.landmarks["chin"][2] for posed in (shut, half, wide)]
    assert np.all(np.diff(chins) < -0.002)


def test_gaze_turns_eyes_and_takes_the_lids_along(even: Head) -> None:
    down = even.pose(FaceState(gaze_pitch_deg=-20.0), EVEN)
    assert down.gaze_deg["left"] == (0.0, -20.0)
    assert eye_pixels(even, down) < eye_pixels(even, even.pose(FaceState(), EVEN))


def test_regions_cover_what_they_are_called_after(head: Head) -> None:
    canonical = head.canonical
    heights = {
        name: np.average(canonical[:, 2], weights=head.region(name))
        for name in ("forehead", "brow", "nose", "moustache", "lips", "beard", "clothing")
    }
    assert np.quantile(canonical[head.region("scalp") > 0.5, 2], 0.9) > heights["forehead"]
    assert list(heights.values()) == sorted(heights.values(), reverse=True)
    with pytest.raises(KeyError, match="elbow"):
        head.region("elbow")


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_hair_starts_on_the_scalp_and_leaves_the_face_free(even: Head, style: str) -> None:
    hair = grow_hair(even, style, np.random.default_rng(0))
    posed = full(even, "surprised")
    points = hair.follow(posed)
    assert len(points) == len(hair.radius) >= HAIR_STYLES[style].hairs
    brows = posed.points["skin"][even.region("brow") > 0.5]
    eye = even.eyes["left"].centre
    before = (np.abs(points[..., 0]) < np.abs(brows[:, 0]).max() - 0.002) & (points[..., 1] < 0)
    assert not (before & (points[..., 2] < eye[2] + 0.012) & (points[..., 2] > -0.1)).any()


def test_brows_ride_on_the_skin(head: Head) -> None:
    random = np.random.default_rng(0)
    brows = grow_brows(head, sample_brow_style(random, 0.5), random)
    rest, raised = (brows.follow(full(head, name)) for name in ("neutral", "surprised"))
    lowered = brows.follow(full(head, "angry"))
    assert raised[:, :, 2].mean() > rest[:, :, 2].mean() + 0.003
    assert lowered[:, :, 2].mean() < rest[:, :, 2].mean() - 0.002
    assert np.ptp(rest[:, 0, 0]) > 0.07


def test_lashes_follow_the_lids_down(head: Head) -> None:
    lashes = grow_lashes(head, np.random.default_rng(0))
    upper = next(row for row in lashes if row.part == "lashes_upper_left")
    shut = head.pose(FaceState(eye_closure=1.0), EVEN)
    fall = upper.follow(full(head, "neutral")) - upper.follow(shut)
    assert fall[:, :, 2].mean() > 0.003


@pytest.mark.parametrize("style", BEARD_STYLES)
def test_beards_grow_below_the_eyes_and_not_on_the_lips(even: Head, style: str) -> None:
    beard = grow_beard(even, BEARD_STYLES[style], np.random.default_rng(0))
    assert len(beard.radius) == BEARD_STYLES[style].hairs
    roots = beard.follow(full(even, "neutral"))[:, 0]
    assert roots[:, 2].max() < 0.01
    lips = np.einsum("sk,sk->s", beard.barycentric, even.region("lips")[beard.corners])
    assert np.quantile(lips, 0.95) < 0.5


@pytest.mark.parametrize("shape", GLASSES_SHAPES)
def test_glasses_stand_before_the_eyes_and_reach_the_ears(even: Head, shape: str) -> None:
    glasses = build_glasses(even, shape, np.random.default_rng(0))
    points = glasses.frame_points
    ears = even.rest["skin"][even.region("ears") > 0.5]
    assert points[:, 1].min() < min(eye.centre[1] - eye.radius for eye in even.eyes.values())
    assert points[:, 1].max() > ears[:, 1].min()
    assert np.isfinite(points).all()
    assert glasses.frame.faces.max() == len(points) - 1
