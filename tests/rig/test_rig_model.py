"""A rig as a source of answers, and the mask of what stands before a face."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from reggan_plugin.backends.devices import Runner
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import ModelError, UnusableAnswerError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.models.model_card import (
    REFINED_OUTPUTS,
    RIG_CONTRACT,
    RIG_OUTPUTS,
    TEMPLATES,
    ModelCard,
    find_model,
)
from reggan_plugin.rig.dense_landmarks import COUNT, rows_of
from reggan_plugin.rig.rig_model import RigSource, model_inputs, reduced
from reggan_plugin.rig.spectacles_and_hair import front_matte
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import mix_from_request
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from tests.rig.drawn_face import SIDE_PX, drawn_face

BLINK = mix_from_request({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, 1.0)


def card() -> ModelCard:
    """Of a model like the one that ships, without refinement."""
    shipped = ExpressionTransfer(find_model()).card
    assert shipped.contract == RIG_CONTRACT
    assert shipped.outputs == (*RIG_OUTPUTS, *REFINED_OUTPUTS)
    assert shipped.template in TEMPLATES
    assert shipped.controls == CONTROLS
    return replace(shipped, outputs=RIG_OUTPUTS)


class KnowingRunner:
    """Answers with the drawn face's landmarks, and counts how often it is asked."""

    device = "cpu"
    reason = ""
    metadata: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, points: int = COUNT) -> None:
        _, found = drawn_face()
        self.asked = 0
        self._answer = {
            "points": found.places[None, :points].astype(np.float32),
            "sigma": found.sigma[None, :points].astype(np.float32),
            "label": np.eye(3, dtype=np.float32)[[1]][..., None, None].repeat(64, 2).repeat(64, 3),
        }

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        assert inputs["image"].shape == (1, 3, SIDE_PX, SIDE_PX)
        self.asked += 1
        return self._answer


def source_of(runner: object) -> RigSource:
    assert isinstance(runner, Runner)
    return RigSource(runner, card())


def test_a_face_is_looked_at_once_for_all_that_is_asked_of_it() -> None:
    runner, (picture, _) = KnowingRunner(), drawn_face()
    source = source_of(runner)
    source.answer([picture], [BLINK])
    source.answer([picture, picture], [BLINK, mix_from_request("happy", 0.5)])
    assert runner.asked == 1
    source.answer([picture.copy()], [BLINK])
    assert runner.asked == 2


def test_landmarks_of_the_shot_take_the_place_of_the_pictures_own() -> None:
    picture, found = drawn_face()
    source = source_of(KnowingRunner())
    as_read = FaceInShot(places=found.places, sigma=found.sigma)
    moved = replace(as_read, places=found.places + 0.02)
    (own,) = source.answer([picture], [BLINK])
    (same,) = source.answer([picture], [BLINK], [as_read])
    (other,) = source.answer([picture], [BLINK], [moved])
    assert np.allclose(same.motion, own.motion, atol=1e-5)
    assert np.abs(other.motion - own.motion).max() > 0.01


def test_landmarks_that_are_known_cost_the_label_alone() -> None:
    """The shipped model says it in the same bits as beside landmarks, and finds none."""
    picture, found = drawn_face()
    model = ExpressionTransfer(find_model(), device="cpu")
    runner = open_runner(find_model(), "cpu")
    image = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
    whole = runner.run(model_inputs(model.card, image))
    alone = runner.run(model_inputs(model.card, image, is_label_alone=True))
    assert np.array_equal(alone["label"], whole["label"])
    assert whole["points"].any()
    assert not alone["points"].any()
    source = RigSource(runner, model.card)
    known = FaceInShot(places=found.places, sigma=found.sigma)
    assert np.array_equal(source._read(picture, known).label, source._read(picture).label)
    assert source._read(picture, known).places is found.places


def test_a_finer_crop_is_painted_finer() -> None:
    picture, _ = drawn_face()
    fine = picture.repeat(2, axis=0).repeat(2, axis=1)
    source = source_of(KnowingRunner())
    (coarse,), (finer,) = (source.answer([one], [BLINK]) for one in (picture, fine))
    assert len(finer.painters[0].paint) == pytest.approx(2 * len(coarse.painters[0].paint), abs=2)


def test_a_model_that_answers_with_something_else_is_named() -> None:
    with pytest.raises(ModelError, match=r"expected points \(1, 174, 2\)"):
        source_of(KnowingRunner(points=68)).answer([drawn_face()[0]], [BLINK])


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("points", lambda p: p * np.nan, "points, 348 of 348 values are not finite"),
        ("points", lambda p: np.where(p == p.max(), np.nan, p), "points, 1 of 348"),
        ("points", lambda p: p * 1e30, r"points, the largest is .*e\+(29|30); .* -3 to 3"),
        ("points", lambda p: 0 * p + 0.5, "one place or one line"),
        ("points", lambda p: p * [1, 0], "one place or one line"),
        ("points", lambda p: p * 3, "0 pixels of skin"),
        ("sigma", lambda s: s * np.inf, "sigma, 174 of 174 values are not finite"),
        ("label", lambda a: a * np.nan, "label, .* not finite"),
    ],
)
def test_numbers_of_no_face_are_refused(
    name: str, change: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    runner = KnowingRunner()
    runner._answer[name] = change(runner._answer[name]).astype(np.float32)
    with pytest.raises(UnusableAnswerError, match=said):
        source_of(runner).answer([drawn_face()[0]], [mix_from_request("happy", 1.0)])


@pytest.mark.parametrize(
    ("name", "part"), [("sigma", np.s_[:, :7]), ("label", np.s_[:, :1]), ("label", np.s_[0])]
)
def test_outputs_of_another_shape_are_named(name: str, part: tuple[slice, ...]) -> None:
    runner = KnowingRunner()
    runner._answer[name] = runner._answer[name][part]
    with pytest.raises(ModelError, match="Export it again"):
        source_of(runner).answer([drawn_face()[0]], [BLINK])


def test_no_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 0"):
        RigSource(KnowingRunner(), card(), batch=0)


def test_reducing_takes_means_of_whole_blocks() -> None:
    fine = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    blocks = fine.reshape(4, 2, 4, 2, 3).mean(axis=(1, 3))
    assert np.allclose(reduced(fine, 4), blocks, atol=1e-6)


def label_of(front: np.ndarray) -> np.ndarray:
    return np.stack([0 * front, 1 - front, front]).astype(np.float32)


def test_nothing_before_a_face_gives_no_matte() -> None:
    picture, _ = drawn_face()
    assert front_matte(picture, label_of(np.zeros((64, 64)))) is None


def test_a_matte_follows_the_pictures_own_edge() -> None:
    picture = np.full((SIDE_PX, SIDE_PX, 3), 0.8, np.float32)
    picture[:103] = 0.1  # a fringe that ends within a cell of the label
    front = np.zeros((64, 64))
    front[:17] = 1.0
    matte = front_matte(picture, label_of(front))
    assert matte is not None
    assert matte[:100].min() > 0.9
    assert matte[108:].max() < 0.1


def test_a_beard_that_the_network_is_unsure_of_moves_with_the_chin() -> None:
    picture, found = drawn_face()
    drop = mix_from_request({"jawOpen": 0.8}, 1.0)
    whole, unsure = KnowingRunner(), KnowingRunner()
    hole = unsure.run({"image": np.empty((1, 3, SIDE_PX, SIDE_PX))})["label"][0]
    x, y = np.rint(found.places[rows_of("lip_outer_lower")].mean(axis=0) * 64).astype(int)
    hole[:, y + 1 : y + 4, x - 1 : x + 2] = np.array([0.5, 0.1, 0.4])[:, None, None]
    answers = [source_of(one).answer([picture], [drop])[0] for one in (whole, unsure)]
    assert answers[1].front is None
    assert np.abs(answers[0].motion).max() > 0.01
    assert np.abs(answers[0].motion - answers[1].motion).max() < 1e-4


class SeesRims(KnowingRunner):
    """Says that spectacles are where pixels are blue, and is less sure of landmarks beside them."""

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        image = inputs["image"][0].reshape(3, 128, 3, 128, 3).mean((2, 4))
        blue = np.clip(4 * (image[2] - image[:2].max(axis=0)) - 2, 0, 1)
        label = np.stack([0 * blue, 1 - blue, 0 * blue, blue])[None].astype(np.float32)
        found = {**super().run(inputs), "label": label}
        return {**found, "sigma": found["sigma"] + (inputs["image"] == 0.9).any()}


def with_rims(picture: np.ndarray) -> np.ndarray:
    worn = picture.copy()
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX
    for middle in (0.38, 0.62):
        worn[np.abs(np.hypot(x - middle, y - 0.3) - 0.09) < 0.012] = (0.0, 0.0, 0.9)
    return worn


def test_spectacles_are_lifted_before_the_landmarks_are_found() -> None:
    picture, _ = drawn_face()
    worn = with_rims(picture)
    runner = SeesRims()
    source = source_of(runner)
    (answer,) = source.answer([worn], [BLINK])
    assert runner.asked == 2  # with them, and without
    assert answer.front is not None
    rims = (worn != picture).any(axis=2)
    assert answer.front[..., 0][rims].mean() > 0.9
    assert (answer.front[..., 0] > 0.5)[~rims].mean() < 0.02
    lifted = source.lifted(worn)
    assert np.abs(lifted.face - picture)[rims].mean() < 0.3 * np.abs(worn - picture)[rims].mean()
    assert source.landmarks(worn).sigma.max() < 1  # what was found on the face without them
    source.answer([worn], [BLINK])
    assert runner.asked == 2


def test_landmarks_that_a_shot_knows_are_not_asked_for_without_spectacles() -> None:
    worn, found = with_rims(drawn_face()[0]), drawn_face()[1]
    runner = SeesRims()
    source, known = source_of(runner), FaceInShot(places=found.places, sigma=found.sigma)
    (answer,) = source.answer([worn], [BLINK], [known])
    assert runner.asked == 1  # only about what stands before the face
    assert answer.front is not None
    (own,) = source.answer([worn], [BLINK])
    assert runner.asked == 3
    assert np.allclose(answer.motion, own.motion, atol=0.01)
    source.answer([worn], [BLINK], [known])
    assert runner.asked == 3  # both are remembered


def test_faces_without_spectacles_are_asked_about_once() -> None:
    runner, (picture, _) = SeesRims(), drawn_face()
    (answer,) = source_of(runner).answer([picture], [BLINK])
    assert (runner.asked, answer.front) == (1, None)


@pytest.mark.parametrize("knows", [True, False])
def test_a_model_may_be_shown_spectacles(*, knows: bool) -> None:
    """Its card says so, or its file is of a time when labels did not tell of them."""
    worn, seen = with_rims(drawn_face()[0]), card()
    if knows:
        seen = replace(seen, own_handling=replace(seen.handling, lifts_spectacles=False))
    source = RigSource(SeesRims() if knows else KnowingRunner(), seen)
    assert source.lifted(worn).face is worn


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_a_finer_crop_is_averaged_for_the_network(factor: int) -> None:
    face = np.random.default_rng(factor).random((24 * factor, 24 * factor, 3)).astype(np.float32)
    means = face.reshape(24, factor, 24, factor, 3).mean(axis=(1, 3), dtype=np.float64)
    assert np.abs(reduced(face, 24) - means).max() < 1e-6
