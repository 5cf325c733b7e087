"""A face goes one way: runtime and evaluation make the same bits of it."""

from collections.abc import Sequence

import numpy as np
import pytest

from reggan_plugin import ExpressionTransfer
from reggan_plugin.change.answer import Answer, AnswerSource
from reggan_plugin.change.pipeline import answer_faces, change_crop, change_picture
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Encoding, Frame, read_frame
from reggan_plugin.imaging.crop import FaceCrop, cut_crop
from reggan_plugin.models.model_card import ModelCard, find_model
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.metrics.motion.evaluation import compose, motion_answers, open_exported

from ..motion_models import motion_card
from ..sample_frames import SAMPLES

REQUEST = ExpressionMix({"happy": 0.8, "surprised": 0.5})


@pytest.fixture(scope="module")
def transfer() -> ExpressionTransfer:
    return ExpressionTransfer(device="cpu")


@pytest.fixture(scope="module")
def crop(transfer: ExpressionTransfer) -> np.ndarray:
    """A face as the model sees it, which is a frame of its own here."""
    frame = read_frame(SAMPLES / "avatar_png" / "avatar.1001.png")
    (place,) = transfer.find_faces(frame, FaceChoice())
    return np.clip(cut_crop(frame.pixels, place), 0.0, 1.0)


@pytest.fixture(scope="module")
def of_runtime(transfer: ExpressionTransfer, crop: np.ndarray) -> np.ndarray:
    class NoFile:
        def encode(self, before: np.ndarray, after: np.ndarray) -> bytes:
            raise AssertionError

    frame = Frame(
        pixels=crop,
        alpha=None,
        alpha_is_premultiplied=False,
        encoding=Encoding.SRGB,
        original=NoFile(),
    )
    return transfer.render(frame, REQUEST, [FaceCrop(np.eye(2, 3), len(crop))])


def test_the_runtime_changes_the_crop(crop: np.ndarray, of_runtime: np.ndarray) -> None:
    assert np.abs(of_runtime - crop).max() > 0.2


def test_the_evaluation_makes_the_same_bits(
    transfer: ExpressionTransfer, crop: np.ndarray, of_runtime: np.ndarray
) -> None:
    seen = np.clip(cut_crop(crop, FaceCrop(np.eye(2, 3), len(crop))), 0.0, 1.0)
    controls = np.array(REQUEST.control_vector(CONTROLS), np.float32)
    (answer,) = motion_answers(open_exported(find_model()), [seen.transpose(2, 0, 1)], [controls])
    np.testing.assert_array_equal(change_crop(crop, answer).pixels, of_runtime)
    made = compose(np.ascontiguousarray(crop.transpose(2, 0, 1)), answer).picture
    np.testing.assert_array_equal(made.transpose(1, 2, 0), np.clip(of_runtime, 0, 1))


class Lowered:
    """A source that is no model: it looks at large crops and moves them all down."""

    side_px, batch = 300, 2
    card: ModelCard = motion_card()

    def answer(
        self, faces: Sequence[np.ndarray], mixes: Sequence[ExpressionMix], known: object = None
    ) -> list[Answer]:
        return [self._answer(face, mix) for face, mix in zip(faces, mixes, strict=True)]

    def _answer(self, face: np.ndarray, mix: ExpressionMix) -> Answer:
        assert face.shape == (self.side_px, self.side_px, 3)
        motion = np.zeros((50, 50, 2), np.float32)
        motion[..., 1] = -0.1 * mix.control_weights()["jawOpen"]
        motion[0, 0] = np.nan
        nothing = np.zeros((1, 1, 1), np.float32)
        return Answer(motion=motion, gain=nothing, cover=nothing, paint=nothing.repeat(3, 2))


def test_whatever_answers_goes_the_same_way() -> None:
    source = Lowered()
    assert isinstance(source, AnswerSource)
    face = np.random.default_rng(1).random((300, 300, 3)).astype(np.float32)
    (answer,) = answer_faces(source, [face], [ExpressionMix({"jawOpen": 1.0})])
    made = change_crop(face, answer)
    assert np.isfinite(made.pixels).all()
    np.testing.assert_array_equal(made.pixels[100:200, 100:200], face[70:170, 100:200])


@pytest.mark.parametrize("turned", [0, 1, 2, 3])
def test_nothing_of_a_frame_s_border_goes_on_as_streaks(turned: int) -> None:
    """A surface that would come from beyond the border is stretched, and keeps its grain."""
    grain = np.random.default_rng(5).random((256, 256, 3), np.float32)
    motion = np.zeros((64, 64, 2), np.float32)
    y, x = np.mgrid[:64, :64] / 64
    motion[..., 1] = 0.06 * np.exp(-(((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.05))
    way = np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), turned).astype(np.float32)
    answer = Answer(
        motion=np.rot90(motion, turned) @ way.T,
        gain=np.zeros((64, 64, 1), np.float32),
        cover=np.zeros((64, 64, 1), np.float32),
        paint=np.zeros((2, 2, 3), np.float32),
    )
    frame = np.rot90(grain[:200], turned)
    corner = ([0, 0], [0, 0], [0, -56], [-56, 0])[turned]
    crop = FaceCrop(np.column_stack([np.eye(2), corner]), 256)
    result = np.rot90(change_picture(frame, crop, answer).pixels, -turned)
    below = result[-8:, 96:160]
    assert np.abs(np.diff(below, axis=0)).mean() > 0.1
    assert np.array_equal(result[:40], grain[:40])
