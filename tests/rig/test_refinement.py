"""What a network adds to a rig's answer, and what it may not."""

import gc
import weakref
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from reggan_plugin.change.answer import Answer
from reggan_plugin.imaging.crop import CroppedFace
from reggan_plugin.models.model_card import REFINED_OUTPUTS, RIG_OUTPUTS, ModelCard
from reggan_plugin.rig import refinement as refinement_module
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS, rows_of
from reggan_plugin.rig.refinement import (
    CELLS,
    PLANES,
    TRUST,
    RigRefinement,
    RigRequest,
    added_motion,
)
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.rig.skin_motion import rig_answer
from reggan_plugin.rig.template_fit import CONVENTIONS, Template, template
from reggan_plugin.vocabulary.expression import mix_from_request
from tests.rig.drawn_face import drawn_face
from tests.rig.test_rig_model import KnowingRunner, card

HALF = CELLS // 2
SMILE = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}


@pytest.fixture(autouse=True)
def full_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of what a network adds is used."""
    monkeypatch.setattr(refinement_module, "TRUST", 1.0)


def refinement(
    mix: tuple[float, ...] = (1 / 3,) * len(CONVENTIONS),
    motion: tuple[float, ...] = (0.0,) * 4,
    gain: float = 0.0,
) -> RigRefinement:
    def plane(values: tuple[float, ...], side: int) -> np.ndarray:
        return np.broadcast_to(np.float32(values), (side, side, len(values)))

    return RigRefinement(
        mix=plane(mix, HALF), motion=plane(motion, HALF), gain=plane((gain,), CELLS)
    )


def answer_with(
    added: RigRefinement | None, weights: Mapping[str, float], rig: Template | None = None
) -> Answer:
    refine = None if added is None else lambda planes: added
    return rig_answer(rig or template(), *drawn_face(), weights, refine=refine)


def test_planes_say_what_the_rig_is_about_to_do() -> None:
    seen: list[np.ndarray] = []

    def refine(planes: np.ndarray) -> RigRefinement:
        seen.append(planes)
        return refinement()

    rig_answer(template(), *drawn_face(), SMILE, refine=refine)
    (planes,) = seen
    assert planes.shape == (len(PLANES), CELLS, CELLS)
    assert planes.dtype == np.float32
    named = dict(zip(PLANES, planes, strict=True))
    on_face = named["face"] > 0
    assert 0.1 < on_face.mean() < 0.9
    own_left = on_face & (named["x"] > 0.3) & (named["y"] < -0.8)
    assert named["right"][own_left].mean() > 0.01  # corners go outwards
    meant = [np.abs(named[f"{name}_right"]).max() for name in CONVENTIONS]
    assert min(meant) > 0.005


def test_shares_alike_add_nothing() -> None:
    plain, mixed = answer_with(None, SMILE), answer_with(refinement(), SMILE)
    np.testing.assert_allclose(mixed.motion, plain.motion, atol=5e-4)


@pytest.mark.parametrize("number", range(len(CONVENTIONS)))
def test_a_convention_moves_as_its_family_means_it(number: int) -> None:
    house = template()
    shares = np.eye(len(CONVENTIONS))[number]
    meant = {name: own + house.conventions[name][number] for name, own in house.shapes.items()}
    found = answer_with(refinement(mix=tuple(shares)), SMILE)
    expected = answer_with(None, SMILE, replace(house, shapes=meant))
    plain = answer_with(None, SMILE)
    error = np.abs(found.motion - expected.motion).mean()
    assert error < 0.3 * np.abs(expected.motion - plain.motion).mean()


def test_motion_and_light_are_added_on_the_face_alone() -> None:
    plain = answer_with(None, SMILE)
    found = answer_with(refinement(motion=(0.02, 0.0, 0.02, 0.0), gain=0.2), SMILE)
    assert np.abs(found.motion - plain.motion).max() > 0.001
    assert np.abs(found.gain - plain.gain).max() == pytest.approx(0.2 * TRUST, abs=0.03)
    assert found.gain[0, 0, 0] == plain.gain[0, 0, 0]


def added(motion: tuple[float, ...], apart: float) -> np.ndarray:
    """What is added at the landmarks of a template that fills the crop, eye distances."""
    house = template()
    still = np.zeros((len(house.rest), 2), np.float32)
    here = house.rest * np.float32([0.2, -0.2, 0.2]) + np.float32(0.5)
    request = RigRequest(
        here=here,
        there=here,
        motion=still,
        meant=np.zeros((len(CONVENTIONS), *still.shape), np.float32),
        light=still[:, 0],
    )
    gaps = np.full(len(LIP_PAIRS[0]), apart)
    return house.at_landmarks(added_motion(house, request, refinement(motion=motion), gaps))


def test_lips_that_the_rig_shuts_stay_shut() -> None:
    upper, lower = LIP_PAIRS
    shut, wide = (added((0.0, -0.03, 0.0, 0.03), apart) for apart in (0.0, 0.2))
    np.testing.assert_allclose(shut[upper], shut[lower], atol=1e-3)
    assert (wide[lower] - wide[upper])[4:-4, 1].min() > 0.02


def test_lids_meet_where_the_rig_says() -> None:
    moved = added((0.0, 0.03, 0.0, 0.03), 0.2)
    lids = np.concatenate([rows_of(f"lid_{one}", "left") for one in ("upper", "lower")])
    assert np.abs(moved[lids]).max() < 0.005
    assert moved[rows_of("brow", "left"), 1].min() > 0.02


def test_cheeks_that_turn_away_are_moved_less() -> None:
    moved = added((0.03, 0.0, 0.03, 0.0), 0.2)[:, 0]
    assert moved[rows_of("jaw")][[0, -1]].max() < 0.3 * moved[rows_of("bridge")].min()


def test_a_network_is_trusted_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    one_family = refinement(mix=(1.0, 0.0, 0.0))
    house, whole = (answer_with(one, SMILE).motion for one in (refinement(), one_family))
    monkeypatch.setattr(refinement_module, "TRUST", 0.5)
    half = answer_with(one_family, SMILE).motion
    away = [np.abs(one - house).mean() for one in (half, whole)]
    assert 0.4 * away[1] < away[0] < 0.6 * away[1]


def test_a_characters_own_shapes_are_not_corrected() -> None:
    own = replace(template(), conventions={})
    plain = answer_with(None, SMILE, own)
    found = answer_with(refinement(mix=(1.0, 0.0, 0.0), motion=(0.03,) * 4), SMILE, own)
    np.testing.assert_array_equal(found.motion, plain.motion)


class RefiningRunner(KnowingRunner):
    """Knows the landmarks, and counts what it is asked to refine."""

    def __init__(self) -> None:
        super().__init__()
        self.refined = 0

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        planes = inputs["asked"]
        assert planes.shape == (1, len(PLANES), CELLS, CELLS)
        if not planes.any():
            return super().run(inputs)
        self.refined += 1
        shapes = (3, HALF, 4, HALF, 1, CELLS)
        return {
            name: np.zeros((1, channels, side, side), np.float32)
            for name, channels, side in zip(REFINED_OUTPUTS, shapes[::2], shapes[1::2], strict=True)
        }


def test_a_face_is_found_once_and_refined_for_each_request() -> None:
    runner = RefiningRunner()
    refined: ModelCard = replace(card(), outputs=(*RIG_OUTPUTS, *REFINED_OUTPUTS))
    source = RigSource(runner, refined)
    picture, _ = drawn_face()
    mixes = [mix_from_request(name, 1.0) for name in ("happy", "sad")]
    source.answer([picture, picture], mixes)
    assert (runner.asked, runner.refined) == (1, 2)


def test_a_face_that_was_answered_does_not_keep_its_frame_in_memory() -> None:
    source = RigSource(KnowingRunner(), card())
    face = CroppedFace(drawn_face()[0])
    source.answer([face], [mix_from_request("happy", 1.0)])
    source.face_in_shot(face.small)
    kept = weakref.ref(face)
    del face
    gc.collect()
    assert kept() is None


def test_a_cheek_that_the_rig_and_the_network_darken_is_no_bruise() -> None:
    cheek = slice(150, 160), slice(80, 90)
    fold, slight = (answer_with(refinement(gain=gain), SMILE).gain for gain in (-0.6, -0.1))
    assert -0.26 < fold[cheek].mean() < -0.15
    assert fold.min() < -0.3  # at the lips
    np.testing.assert_allclose(slight[cheek].mean(), -0.1 * TRUST, atol=0.01)
