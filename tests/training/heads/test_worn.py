"""What heads wear, on a ball with eyes: what stays still, what moves, what is kept."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from reggan_training.heads.head import REGIONS, HeadMesh, Part
from reggan_training.heads.worn import dress
from reggan_training.heads.worn.strands import Addition

RADIUS = 1.3


class Lift:
    """The one shape of the ball: all of its skin goes up."""

    def moved(self, rest: np.ndarray, weights: Mapping[str, float]) -> np.ndarray:
        return (rest + np.array([0.0, 0.2 * weights.get("lift", 0.0), 0.0])).astype(np.float32)


def ball(rings: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of a sphere and its triangles, counter-clockwise from outside."""
    polar = np.linspace(0.02, np.pi - 0.02, rings)[:, None]
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    points = np.stack(
        [np.sin(polar) * np.sin(turn), np.cos(polar) + 0 * turn, np.sin(polar) * np.cos(turn)],
        axis=2,
    )
    grid = np.arange(rings * columns).reshape(rings, columns)
    right = np.roll(grid, -1, axis=1)
    quads = np.stack([grid[:-1], grid[1:], right[1:], right[:-1]], axis=2).reshape(-1, 4)
    return points.reshape(-1, 3), np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


@pytest.fixture(scope="module")
def head() -> HeadMesh:
    """A ball 1.3 eye distances in radius, its face to the front, with two eyeballs."""
    out, faces = ball(60, 90)
    middle = np.array([0.0, -0.1, -1.0])
    skin = middle + RADIUS * out
    eye, eye_faces = ball(12, 16)
    eyes = [0.22 * eye + [x, 0, 0] for x in (0.5, -0.5)]
    points = np.concatenate([skin, *eyes])
    table = np.zeros((len(points), len(REGIONS)), dtype=np.uint8)
    x, y, z = skin.T
    drawn = {
        "scalp": (y > 0.85) | ((z < -1.0) & (y > -0.2)),
        "brows": (np.abs(y - 0.35) < 0.12) & (np.abs(np.abs(x) - 0.5) < 0.4) & (z > 0),
        "beard": (y < -0.9) & (z > -0.8),
        "moustache": (np.abs(y + 0.8) < 0.1) & (np.abs(x) < 0.4) & (z > 0),
        "lips": (np.abs(y + 1.1) < 0.12) & (np.abs(x) < 0.4) & (z > -0.6),
        "ears": (np.abs(x) > 1.2) & (np.abs(z + 1.2) < 0.2) & (y < 0.2),
    }
    for name, where in drawn.items():
        table[: len(skin), REGIONS.index(name)] = 255 * where
    angle = np.full(len(points), np.pi)
    angle[len(skin) :] = np.tile(np.arccos(np.clip(eye[:, 2], -1, 1)), 2)
    offsets = len(skin), len(skin) + len(eye)
    triangles = [faces, *(eye_faces + offset for offset in offsets)]
    return HeadMesh(
        family="ball",
        identity="one",
        triangles=np.concatenate(triangles),
        parts=np.repeat([Part.SKIN, Part.EYE, Part.EYE], [len(t) for t in triangles]).astype(
            np.uint8
        ),
        rest=points.astype(np.float32),
        canonical=points.astype(np.float32),
        regions=table,
        eye_angle=angle,
        controls=("lift",),
        shapes=Lift(),
        left_eye_vertices=np.array([0]),
        right_eye_vertices=np.array([1]),
        nose_tip=2,
        mouth_left=3,
        mouth_right=4,
        chin=5,
        notes={"gender": 1.0},
    )


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every head wears one of everything."""
    for name in ("FRINGE_SHARE", "GLASSES_SHARE", "BEARD_SHARE", "BROWS_SHARE"):
        monkeypatch.setattr(dress, name, 1.0)


def dressed(head: HeadMesh, seed: int) -> HeadMesh:
    return dress.dress(head, np.random.default_rng(seed))


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("seed", range(4))
def test_what_is_worn_comes_after_the_head_itself(head: HeadMesh, seed: int) -> None:
    after = dressed(head, seed)
    count, faces = len(head.rest), len(head.triangles)
    np.testing.assert_array_equal(after.rest[:count], head.rest)
    np.testing.assert_array_equal(after.triangles[:faces], head.triangles)
    assert {*after.parts[faces:]} == {Part.HAIR, Part.GLASSES, Part.BEARD, Part.BROWS}
    assert len(after.triangles) <= dress.MOST_TRIANGLES
    assert np.isfinite(after.rest).all()
    lengths = {len(after.rest), len(after.canonical), len(after.regions), len(after.eye_angle)}
    assert lengths == {len(after.rest)}
    assert after.triangles.max() < len(after.rest)


@pytest.mark.usefixtures("always")
def test_hair_and_glasses_stay_and_brows_and_beard_go_with_the_skin(head: HeadMesh) -> None:
    after = dressed(head, 0)
    moved = after.vertices({"lift": 0.5})
    for part, lift in (
        (Part.HAIR, 0.0),
        (Part.GLASSES, 0.0),
        (Part.BEARD, 0.1),
        (Part.BROWS, 0.1),
        (Part.SKIN, 0.1),
    ):
        rows = np.unique(after.triangles[after.parts == part])
        way = moved[rows] - after.rest[rows]
        np.testing.assert_allclose(way, np.broadcast_to([0, lift, 0], way.shape), atol=1e-5)
    np.testing.assert_array_equal(after.vertices({}), after.rest)


@pytest.mark.usefixtures("always")
def test_the_same_generator_gives_the_same_clothes(head: HeadMesh) -> None:
    np.testing.assert_array_equal(dressed(head, 3).rest, dressed(head, 3).rest)
    assert dressed(head, 3).notes["worn"] != ""


@pytest.mark.usefixtures("always")
def test_a_dressed_head_is_not_dressed_again(head: HeadMesh) -> None:
    after = dressed(head, 1)
    assert dressed(after, 2) is after


@pytest.mark.usefixtures("always")
def test_what_a_head_has_of_its_own_is_not_added(head: HeadMesh) -> None:
    worn_already = dressed(head, 1)
    parts = worn_already.parts
    has_hair = replace(worn_already, notes={})
    again = dressed(has_hair, 2)
    assert len(again.parts) == len(parts)


@pytest.mark.usefixtures("always")
def test_ribbons_show_their_front(head: HeadMesh) -> None:
    after = dressed(head, 0)
    rows = after.triangles[after.parts == Part.BROWS]
    first, second, third = after.rest[rows].transpose(1, 0, 2)
    normal = np.cross(second - first, third - first)
    assert (normal[:, 2] > 0).mean() > 0.95


def test_shares_are_about_what_they_say(head: HeadMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dress, "with_additions", lambda head, additions: head)
    nothing = Addition(
        part=Part.HAIR,
        points=np.zeros((0, 3)),
        triangles=np.zeros((0, 3), dtype=np.int64),
        shade=np.zeros(0),
    )
    for grower in ("hair", "glasses", "brows"):
        monkeypatch.setattr(dress, grower, lambda *_: nothing)
    monkeypatch.setattr(dress, "beard", lambda *_: ("full", nothing))
    even = replace(head, notes={"gender": 0.5})
    notes = [str(dressed(even, seed).notes["worn"]) for seed in range(600)]
    assert 0.10 < np.mean(["glasses" in note for note in notes]) < 0.20
    assert 0.10 < np.mean(["beard" in note for note in notes]) < 0.20
    assert 0.43 < np.mean(["brows" in note for note in notes]) < 0.57
