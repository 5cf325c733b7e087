"""VALID heads: a tiny file of the same layout, and the real ones where they are there."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.heads.head import REGIONS, HeadMesh, Part
from reggan_training.heads.valid import TERMS_BY_SHAPE, ValidFamily

from ...shared_data import SHARED_DATA

real_heads = pytest.mark.skipif(
    not (SHARED_DATA / "heads/valid").is_dir(), reason=f"no VALID heads below {SHARED_DATA}"
)

MIDDLE_U = 0.3255
FACE_POINTS = [  # (u, v), (x, y, z)
    ((MIDDLE_U, 0.2894), (0.0, -0.1, 0.5)),
    ((MIDDLE_U, 0.4564), (0.0, -0.9, 0.2)),
    ((MIDDLE_U + 0.0605, 0.3597), (0.3, -0.4, 0.2)),
    ((MIDDLE_U - 0.0605, 0.3597), (-0.3, -0.4, 0.2)),
    ((MIDDLE_U, 0.375), (0.0, -0.5, 0.4)),
    ((0.04, 0.04), (0.0, -0.4, -0.3)),
]
FACE_TRIANGLES = [(0, 3, 2), (4, 2, 3), (1, 2, 3), (5, 5, 5)]
LOWER_LIP = 4


def ball(x: float) -> np.ndarray:
    """Points of an eyeball of radius 0.17 about (x, 0.3, 0)."""
    turn, height = np.meshgrid(np.linspace(0, 2 * np.pi, 9)[:-1], (-0.8, -0.3, 0.3, 0.8, 1.0))
    across = np.sqrt(1 - height**2)
    points = np.stack([across * np.cos(turn), across * np.sin(turn), height], -1).reshape(-1, 3)
    return np.array([x, 0.3, 0]) + 0.17 * points


def write_head(path: Path, *, without: str = "", prefix: str = "h_expressions.") -> None:
    """A head of five face points whose every morph lifts the lower lip by 0.1."""
    names = {term.morph for terms in TERMS_BY_SHAPE.values() for term in terms} - {without}
    face_morphs = sorted(names)
    teeth_morphs = [f"t_{name}" for name in ("AE_AA", "Shout")]
    uv, points = (np.array(column, np.float32) for column in zip(*FACE_POINTS, strict=True))
    parts = [
        ("H_DDS_HighRes", points, FACE_TRIANGLES, uv, face_morphs, LOWER_LIP),
        ("h_L_eye", ball(0.33), [(0, 1, 2)], None, [], 0),
        ("h_R_eye", ball(-0.33), [(0, 1, 2)], None, [], 0),
        ("h_TeethDown", np.array([(0, -0.5, 0.2)]), [(0, 0, 0)], None, teeth_morphs, 0),
    ]
    arrays = {}
    for k, (_, vertices, triangles, places, morphs, moved) in enumerate(parts):
        arrays[f"v{k}"] = np.asarray(vertices, np.float32)
        arrays[f"f{k}"] = np.array(triangles, np.int32)
        arrays[f"t{k}"] = np.full((len(vertices), 2), 0.7, np.float32) if places is None else places
        for n in range(len(morphs)):
            arrays[f"m{k}_{n}_i"] = np.array([moved])
            arrays[f"m{k}_{n}_d"] = np.array([[0, 0.1, 0]], np.float16)
    texture = io.BytesIO()
    Image.new("RGB", (8, 8), (230, 225, 215)).save(texture, format="JPEG")
    arrays["x0"] = np.frombuffer(texture.getvalue(), np.uint8)
    meta = {
        "parts": [
            {"name": name, "material": 0, "morphs": [f"{prefix}{m}_h" for m in morphs]}
            for name, _, _, _, morphs, _ in parts
        ]
    }
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(path, **arrays)


@pytest.fixture
def head(tmp_path: Path) -> HeadMesh:
    write_head(tmp_path / "tiny.npz")
    return ValidFamily(tmp_path).head("tiny")


def test_identities_are_all_files_sorted_or_a_drawn_few(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d")
    for name in reversed(names):
        (tmp_path / f"{name}.npz").touch()
    family = ValidFamily(tmp_path)
    assert family.identities(None, 0) == family.identities(9, 0) == names
    drawn = family.identities(2, 1)
    assert len(drawn) == 2
    assert set(drawn) < set(names)
    assert drawn == family.identities(2, 1)
    assert len({family.identities(2, seed) for seed in range(20)}) > 1


def test_a_name_without_a_file_lists_the_names(tmp_path: Path) -> None:
    (tmp_path / "here.npz").touch()
    with pytest.raises(SourceError, match="one of: here"):
        ValidFamily(tmp_path).head("gone")


def test_eyes_are_one_unit_apart_about_the_origin(head: HeadMesh) -> None:
    left, right, nose, mouth_left, mouth_right, chin = head.landmarks(head.rest)
    np.testing.assert_allclose(left, (0.5, 0, 0.17 / 0.66), atol=1e-3)
    np.testing.assert_allclose(right, (-0.5, 0, 0.17 / 0.66), atol=1e-3)
    assert mouth_left[0] > 0 > mouth_right[0]
    assert chin[1] < mouth_left[1] < nose[1] < 0
    assert head.canonical[head.nose_tip, 1] == pytest.approx(-0.6, abs=1e-5)
    assert head.canonical[head.mouth_left, 1] == pytest.approx(-1.1, abs=1e-5)


def test_lower_teeth_follow_the_jaw_as_the_lip_does(head: HeadMesh) -> None:
    """The table's weights times the morphs' offsets, on face and teeth alike."""
    weight = sum(term.weight for term in TERMS_BY_SHAPE["jawOpen"])
    way = (head.vertices({"jawOpen": 0.5}) - head.rest)[:, 1]
    teeth = head.triangles[head.parts == Part.TEETH][0, 0]
    np.testing.assert_allclose(way[[LOWER_LIP, teeth]], 0.5 * weight * 0.1 / 0.66, rtol=2e-3)
    assert np.count_nonzero(way) == 2


def test_a_shape_without_its_morph_is_no_control(tmp_path: Path) -> None:
    write_head(tmp_path / "poor.npz", without="Kiss")
    controls = ValidFamily(tmp_path).head("poor").controls
    assert set(TERMS_BY_SHAPE) - set(controls) == {"mouthPucker"}


def test_morphs_may_lack_their_prefix(tmp_path: Path, head: HeadMesh) -> None:
    write_head(tmp_path / "bare.npz", prefix="")
    assert ValidFamily(tmp_path).head("bare").controls == head.controls


def test_gaze_turns_the_eyeballs_and_landmarks_stay(head: HeadMesh) -> None:
    pupil = dict(zip("LR", np.flatnonzero(head.eye_angle < 1e-3)[[0, -1]], strict=True))
    away = head.vertices({"eyeLookOutLeft": 1.0, "eyeLookOutRight": 1.0}) - head.rest
    assert away[pupil["L"], 0] > 0.1
    assert away[pupil["R"], 0] < -0.1
    down = head.vertices({"eyeLookDownLeft": 1.0}) - head.rest
    assert down[pupil["L"], 1] < -0.1
    assert down[pupil["R"], 1] == 0
    landmarks = head.landmarks(head.rest)
    np.testing.assert_array_equal(head.landmarks(head.rest + away)[:2], landmarks[:2])


def test_parts_and_regions_follow_the_atlas(head: HeadMesh) -> None:
    parts = dict(zip(map(tuple, head.triangles), head.parts, strict=True))
    assert parts[5, 5, 5] == Part.MOUTH
    assert parts[0, 3, 2] == Part.SKIN
    lips = head.regions[:, REGIONS.index("lips")]
    assert lips[LOWER_LIP] == 255
    assert lips[head.nose_tip] == lips[head.chin] == 0
    assert head.regions[head.nose_tip, REGIONS.index("nose")] == 255
    assert head.regions[5, REGIONS.index("shade")] > 200


def test_every_shape_of_the_table_is_arkits() -> None:
    assert set(TERMS_BY_SHAPE) < set(ARKIT_SHAPES)


@pytest.fixture(scope="module")
def real_head() -> HeadMesh:
    return ValidFamily(SHARED_DATA / "heads/valid").head("White_M_3")


@real_heads
@pytest.mark.parametrize(
    ("shape", "landmark", "direction"),
    [
        ("jawOpen", "chin", (0, -0.35, 0)),
        ("mouthSmileLeft", "mouth_left", (0.08, 0.08, -0.05)),
        ("mouthSmileRight", "mouth_right", (-0.08, 0.08, -0.05)),
        ("mouthFrownLeft", "mouth_left", (0, -0.05, 0)),
        ("mouthPucker", "mouth_left", (-0.08, 0, 0.08)),
        ("mouthPucker", "mouth_right", (0.08, 0, 0.08)),
        ("mouthStretchRight", "mouth_right", (-0.05, 0, -0.08)),
        ("jawLeft", "chin", (0.08, 0, 0)),
        ("jawRight", "chin", (-0.08, 0, 0)),
        ("jawForward", "chin", (0, 0, 0.08)),
    ],
)
def test_shapes_move_landmarks_the_way_their_names_say(
    real_head: HeadMesh, shape: str, landmark: str, direction: tuple[float, float, float]
) -> None:
    """At least so far along each named axis, in eye distances."""
    way = (real_head.vertices({shape: 1.0}) - real_head.rest)[getattr(real_head, landmark)]
    for moved, wanted in zip(way, direction, strict=True):
        if wanted:
            assert moved * np.sign(wanted) >= abs(wanted)


@real_heads
@pytest.mark.parametrize("side", ["Left", "Right"])
def test_one_sided_shapes_act_on_the_own_side(real_head: HeadMesh, side: str) -> None:
    """Three quarters of the motion lie on the side of the name; own left is +x."""
    sign = 1 if side == "Left" else -1
    for shape in real_head.controls:
        if shape.endswith(side) and not shape.startswith("jaw"):
            way = np.linalg.norm(real_head.vertices({shape: 1.0}) - real_head.rest, axis=1)
            own = way[sign * real_head.rest[:, 0] > 0].sum()
            assert own > 0.75 * way.sum(), shape


@real_heads
def test_a_blink_brings_the_upper_lid_to_the_lower_one(real_head: HeadMesh) -> None:
    assert real_head.uv is not None
    upper, lower = (
        int(((real_head.uv[:9000] - (MIDDLE_U + 0.064, v)) ** 2).sum(axis=1).argmin())
        for v in (0.2135, 0.2165)
    )
    moved = real_head.vertices({"eyeBlinkLeft": 1.0})
    opening = real_head.rest[upper, 1] - real_head.rest[lower, 1]
    assert opening > 0.1
    assert moved[upper, 1] - moved[lower, 1] < 0.02
