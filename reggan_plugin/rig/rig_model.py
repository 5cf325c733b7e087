"""Models of contract 3 as a source of answers: they find the landmarks, geometry does the rest."""

import weakref
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from reggan_plugin.array_types import CropPixels, Float
from reggan_plugin.backends.devices import Runner, Tensors
from reggan_plugin.change.answer import Answer, refuse_unsound
from reggan_plugin.errors import ModelError, UnusableAnswerError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import CroppedFace, ShownFace, small_of
from reggan_plugin.models.model_card import REFINED_OUTPUTS, RIG_OUTPUTS, ModelCard
from reggan_plugin.rig.dense_landmarks import COUNT
from reggan_plugin.rig.mouth_drawing import USUAL_MOUTH, MouthLook
from reggan_plugin.rig.mouth_opening import mouth_of_character
from reggan_plugin.rig.refinement import CELLS, PLANES, Refine, RigRefinement
from reggan_plugin.rig.skin_motion import MOTION_CELLS, Landmarks, rig_answer
from reggan_plugin.rig.spectacles_and_hair import (
    FRONT,
    HEAD,
    SPECTACLES,
    LiftedFace,
    both_fronts,
    front_matte,
    head_matte,
    lift_spectacles,
    seen_brows,
    shows_spectacles,
    whole_brows,
    without_holes,
)
from reggan_plugin.rig.template_fit import Template, template
from reggan_plugin.vocabulary.expression import ExpressionMix

_LEAST_SPREAD = 0.02
"""Standard deviation of landmarks across their line, in parts of the crop: of faces it is 0.1."""
_Crop = Float[np.ndarray, "1 3 side_px side_px"]


@frozen(eq=False)
class _Read:
    """What a model reads in a face, at first with spectacles, then without.

    Attributes:
        lifted: the face without spectacles; None if it wears none.
        small: what is left as the model takes it.
        places: of its landmarks.
        sigma: their standard deviations.
        label: shares of what lies where, in [0, 1].
    """

    lifted: LiftedFace | None
    small: _Crop
    places: Float[np.ndarray, "points 2"]
    sigma: Float[np.ndarray, " points"]
    label: Float[np.ndarray, "shown cells cells"]


class RigSource:
    """A model of contract 3.

    The last faces' landmarks are remembered: the sliders of a page ask about the same array again
    and again. The faces themselves are not kept: each holds the whole frame that it was cut from.
    """

    _KEPT = 4

    def __init__(
        self, runner: Runner, card: ModelCard, batch: int = 1, *, cells: int = MOTION_CELLS
    ) -> None:
        """Take a model.

        Args:
            runner: that has it loaded.
            card: of it.
            batch: how many faces its device takes at once.
            cells: resolution of the motion.
        """
        if batch < 1:
            raise ValueError(f"a batch of {batch}")
        self.card, self._runner, self._cells = card, runner, cells
        self.template: Template = template()
        """What is laid over faces; another one counts from the next answer on."""
        self.mouth: MouthLook = USUAL_MOUTH
        self.batch = 1
        """Faces are asked one by one: geometry takes longer than the network."""
        self._found: tuple[
            tuple[weakref.ref[ShownFace], FaceInShot | None, _Read, Landmarks], ...
        ] = ()

    @cached_property
    def of_drafts(self) -> "RigSource":
        """The same with half the cells, for pictures that are shown while a slider moves."""
        coarse = RigSource(self._runner, self.card, self.batch, cells=self._cells // 2)
        coarse.template, coarse.mouth = self.template, self.mouth
        return coarse

    @property
    def side_px(self) -> int:
        """Side of the network's crop; multiples of it are reduced."""
        return self.card.image_size_px

    def answer(
        self,
        faces: Sequence[ShownFace],
        mixes: Sequence[ExpressionMix],
        known: Sequence[FaceInShot | None] | None = None,
    ) -> list[Answer]:
        """See `AnswerSource.answer`; the side of a picture may be a multiple of `side_px`."""
        answers = []
        for face, mix, of_shot in zip(faces, mixes, known or [None] * len(faces), strict=True):
            weights = dict(zip(self.card.controls, self.card.vector_of(mix), strict=True))
            read, found = self._seen(face, of_shot)
            refine = self.refinement(face, of_shot)
            answer = rig_answer(
                self.template,
                face if read.lifted is None else read.lifted.face,
                found,
                weights,
                refine=refine,
                cells=self._cells,
                look=self.mouth,
                character=None if of_shot is None else of_shot.mouth,
                relaxed=mix.relaxed,
            )
            if read.lifted is not None:
                answer = replace(answer, front=both_fronts(found.front, read.lifted.front))
            answers.append(answer)
        return answers

    def face_in_shot(self, face: CropPixels) -> FaceInShot:
        """Return what one picture says of a face that a shot shows, in parts of the crop's side.

        Raises:
            ModelError: as `landmarks`.
        """
        read = self._read(face)
        bare = face if read.lifted is None else small_of(read.lifted.face)
        mouth = mouth_of_character(bare, read.places)
        return FaceInShot(places=read.places, sigma=read.sigma, mouth=mouth)

    def lifted(self, face: ShownFace) -> LiftedFace:
        """Take spectacles off a face, if it wears them and the model knows of them.

        Raises:
            ModelError: as `landmarks`.
        """
        return self._seen(face)[0].lifted or LiftedFace(face, None)

    def refinement(self, face: ShownFace, known: FaceInShot | None = None) -> Refine | None:
        """Return what the model adds to requests to a face; None if it adds nothing."""
        read, _ = self._seen(face, known)
        return (
            partial(self._refined, read.small)
            if set(REFINED_OUTPUTS) <= set(self.card.outputs)
            else None
        )

    def landmarks(self, face: ShownFace) -> Landmarks:
        """Find the landmarks of a face.

        Raises:
            ModelError: the model answers with something else.
            UnusableAnswerError: of this face it says no sound numbers.
        """
        return self._seen(face)[1]

    def _seen(self, face: ShownFace, known: FaceInShot | None = None) -> tuple[_Read, Landmarks]:
        """Return what is read in a face, and its landmarks with what stands before it."""
        for seen, knew, read, found in self._found:
            if seen() is face and knew is known:
                return read, found
        read = self._read(face, known)
        front = front_matte(read.small[0].transpose(1, 2, 0), read.label)
        brows = seen_brows(read.places, read.label)
        if front is not None:
            front = front * (1 - whole_brows(read.places, brows, len(front))[..., None])
        # beneath spectacles is the head
        head = read.label[HEAD] + read.label[SPECTACLES:].sum(axis=0)
        head = np.maximum(head, whole_brows(read.places, brows, len(head)))
        if front is None:  # else it may be a hand
            head = without_holes(head)
        found = Landmarks(
            places=read.places,
            sigma=read.sigma,
            front=front,
            head=head,
            outline=head_matte(read.small[0].transpose(1, 2, 0), head),
            seen_brows=brows,
        )
        # at once: threads share it
        self._found = (*self._found[1 - self._KEPT :], (weakref.ref(face), known, read, found))
        return read, found

    def _read(self, face: ShownFace, known: FaceInShot | None = None) -> _Read:
        """Ask the model about a face, and once more where it wears spectacles, without them.

        Only a face that wears some is cut out whole at the picture's resolution. Landmarks that are
        known from the shot are not asked for again.

        Raises:
            ModelError: as `landmarks`.
        """
        places, sigma, label, small = self._asked(small_of(face), known)
        lifted, lifts = None, self.card.handling.lifts_spectacles
        if lifts and len(label) > SPECTACLES and shows_spectacles(label[SPECTACLES], places):
            whole = face.whole if isinstance(face, CroppedFace) else face
            lifted = lift_spectacles(whole, label[SPECTACLES])
            if known is None:
                places, sigma, _, small = self._asked(small_of(lifted.face))
            else:
                small = self._cropped(small_of(lifted.face))
        return _Read(lifted=lifted, small=small, places=places, sigma=sigma, label=label)

    def _asked(
        self, face: CropPixels, known: FaceInShot | None = None
    ) -> tuple[
        Float[np.ndarray, "points 2"],
        Float[np.ndarray, " points"],
        Float[np.ndarray, "shown cells cells"],
        _Crop,
    ]:
        """Ask the model for places, deviations and the label of a face; the last is what it saw.

        Where landmarks are known it is asked for the label alone, which takes half as long.
        """
        small = self._cropped(face)
        outputs = self._runner.run(model_inputs(self.card, small, is_label_alone=known is not None))
        points, sigma, label = (outputs.get(name) for name in RIG_OUTPUTS)
        if (
            points is None
            or sigma is None
            or label is None
            or points.shape != (1, COUNT, 2)
            or sigma.shape != (1, COUNT)
            or label.ndim != 4
            or label.shape[1] <= FRONT
        ):
            shapes = {name: value.shape for name, value in outputs.items()}
            raise ModelError(
                f"The model answers with {shapes}; expected points (1, {COUNT}, 2), sigma "
                f"(1, {COUNT}) and label (1, {FRONT + 1} or more, n, n). Export it again."
            )
        refuse_unsound(outputs, RIG_OUTPUTS)
        label = np.clip(label[0], 0, 1)
        if known is not None:
            return known.places, known.sigma, label, small
        places = np.clip(points[0], -0.5, 1.5).astype(np.float64)
        spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)[1] / COUNT**0.5
        if spread < _LEAST_SPREAD:
            raise UnusableAnswerError(
                "The model's answer to this face is unusable: its points lie on one place or one "
                f"line ({spread:.2g} of the crop apart; those of a face {_LEAST_SPREAD:g} or "
                "more). Use another model, or export it again."
            )
        return (places, np.clip(sigma[0], 1e-5, 1.0).astype(np.float64), label, small)

    def _cropped(self, face: CropPixels) -> _Crop:
        return np.ascontiguousarray(reduced(face, self.side_px).transpose(2, 0, 1)[None])

    def _refined(
        self, small: _Crop, planes: Float[np.ndarray, "planes cells cells"]
    ) -> RigRefinement:
        """Return what the model adds to what the rig is about to do."""
        outputs = self._runner.run(model_inputs(self.card, small, planes[None]))
        missing = [name for name in REFINED_OUTPUTS if name not in outputs]
        if missing or any(outputs[name].ndim != 4 for name in REFINED_OUTPUTS):
            shapes = {name: value.shape for name, value in outputs.items()}
            raise ModelError(
                f"The model answers with {shapes}; expected planes (1, n, cells, cells) called "
                f"{', '.join(REFINED_OUTPUTS)}. Export it again."
            )
        refuse_unsound(outputs, REFINED_OUTPUTS)
        mix, motion, gain = (outputs[name][0].transpose(1, 2, 0) for name in REFINED_OUTPUTS)
        return RigRefinement(mix=mix, motion=motion, gain=gain)


def model_inputs(
    card: ModelCard,
    image: Float[np.ndarray, "batch 3 side side"],
    asked: Float[np.ndarray, "batch planes cells cells"] | None = None,
    *,
    is_label_alone: bool = False,
) -> Tensors:
    """Return what a model of contract 3 is given.

    Args:
        card: of the model; one that does not refine is not asked for it.
        image: crops, sRGB-encoded.
        asked: planes of what the rig is about to do; None asks for landmarks and the label.
        is_label_alone: only the label is wanted. Files older than this answer with all.
    """
    if not set(REFINED_OUTPUTS) <= set(card.outputs):
        return {"image": image}
    if asked is None:
        shape = len(image), len(PLANES), CELLS, CELLS
        asked = np.full(shape, -1 if is_label_alone else 0, np.float32)
    return {"image": image, "asked": asked}


def reduced(face: CropPixels, side_px: int) -> Float[np.ndarray, "side_px side_px 3"]:
    """Reduce a crop to a side of which its own is a multiple, float32."""
    face = face.astype(np.float32, copy=False)
    if len(face) == side_px:
        return face
    factor = len(face) // side_px
    rows = face.reshape(side_px, factor, -1)
    total = rows[:, 0].copy()
    for other in range(1, factor):
        total += rows[:, other]
    columns = total.reshape(side_px, side_px, factor, 3)
    small = columns[:, :, 0].copy()
    for other in range(1, factor):
        small += columns[:, :, other]
    small /= np.float32(factor**2)
    return small
