"""The questions by which a file is verified, by the kind of its card, on real crops."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

import reggan_plugin
from reggan_export.verify.verify_report import Bound, Difference, difference_between
from reggan_plugin.backends.devices import Tensors
from reggan_plugin.change.pipeline import cut_faces
from reggan_plugin.errors import ModelCardError
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.faces.locator import CARD_KIND as LOCATOR_KIND
from reggan_plugin.faces.locator import FIVE_VIEWS, FaceLocator, build_pyramid, pad_level
from reggan_plugin.files.frame import Encoding, read_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import crop_around_face, small_of, vary_crop
from reggan_plugin.models.model_card import RIG_CONTRACT, ModelCard, card_from_metadata, read_card
from reggan_plugin.rig.rig_model import model_inputs, reduced
from reggan_plugin.transfer.display_picture import picture_of
from reggan_plugin.vocabulary.expression import ExpressionMix, parse_expression_mix

SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
VERIFY_FRAMES = tuple(
    SAMPLES / name
    for name in ("avatar_png/avatar.1001.png", "statue/statue.1001.png", "toon/toon.1001.png")
)
"""Frames that every model is verified on: skin, stone and a drawing."""

Crops = Float[np.ndarray, "crops 3 side side"]
BOUNDS = {
    "fp32": Bound(quantity="picture", unit="levels", statistic="max", limit=0.5),
    "fp16": Bound(quantity="picture", unit="levels", statistic="max", limit=2.0),
    "int8": Bound(quantity="picture", unit="levels", statistic="mean", limit=1.0),
}
"""By the precision of an expression model: its result in 8-bit levels."""
RIG_BOUNDS = {
    "points": Bound(quantity="points", unit="crop sides", statistic="max", limit=5e-4),
    "sigma": Bound(quantity="sigma", unit="crop sides", statistic="max", limit=5e-4),
    "label": Bound(quantity="label", unit="shares", statistic="max", limit=0.02),
    "mix": Bound(quantity="mix", unit="shares", statistic="max", limit=0.02),
    "motion": Bound(quantity="motion", unit="eye distances", statistic="max", limit=2e-3),
    "gain": Bound(quantity="gain", unit="logarithm", statistic="max", limit=0.02),
}
"""By the output of contract 3. Points: 0.2 % of the eye distance, as much of motion; noise of 0.5 %
on lids was seen to look clean."""
LOCATOR_BOUNDS = {
    "score": Bound(quantity="score", unit="probability", statistic="max", limit=1e-4),
    "offsets": Bound(quantity="offsets", unit="pixels", statistic="max", limit=1e-2),
    "points": Bound(quantity="points", unit="pixels", statistic="max", limit=1e-2),
}
"""By the output of a face locator's part."""
_BLEND = (0.6, 0.3)
Vectors = Mapping[str, Float[np.ndarray, " entries"]]
_LEVELS = 255
Compare = Callable[[Tensors, Tensors, Tensors], Mapping[str, Difference]]
"""Of inputs, expected outputs and found outputs."""


def verify_crops(card: ModelCard) -> Crops:
    """Cut out the largest face of each of `VERIFY_FRAMES` as this model sees it, [0, 1]."""
    return np.stack(list(largest_faces(VERIFY_FRAMES, card)))


def largest_faces(
    frames: Iterable[Path], card: ModelCard
) -> Iterator[Float[np.ndarray, "3 side side"]]:
    """Cut out the largest face of each frame as `ExpressionTransfer` feeds it to a model."""
    finder = FaceFinder(card.canonical_points, card.image_size_px)
    for path in frames:
        frame = read_frame(path)
        if frame.encoding is Encoding.SRGB:
            crops = finder.find(frame.pixels, FaceChoice())
            for face in cut_faces(picture_of(frame), ExpressionMix(), crops, card).faces:
                yield reduced(small_of(face.before), card.image_size_px).transpose(2, 0, 1)


def single_vectors(card: ModelCard) -> Vectors:
    """Each named expression that a model can show, whole and at half intensity."""
    names = _shown_names(card)
    labels = [*names, *(f"{name}:0.5" for name in names)]
    return {label: _vector_of(label, card) for label in labels}


def asked_vectors(card: ModelCard) -> Vectors:
    """Add a blend to `asked`."""
    vectors = dict(single_vectors(card))
    if len(names := _shown_names(card)) > 1:
        first, second = names[-2:]
        blend = f"{first}:{_BLEND[0]:g}+{second}:{_BLEND[1]:g}"
        vectors[blend] = _vector_of(blend, card)
    return vectors


def _shown_names(card: ModelCard) -> list[str]:
    return [name for name in card.names if card.can_show(parse_expression_mix(name))]


def _vector_of(label: str, card: ModelCard) -> Float[np.ndarray, " entries"]:
    return np.array(card.vector_of(parse_expression_mix(label)), np.float32)


@frozen
class Questions:
    """The questions for one kind of file.

    Attributes:
        precision: that the card states.
        part: of a face locator; empty for an expression model.
        side_px: of an expression model's crops; 0 for the locator.
        probes: inputs by a name that the report shows.
        compare: the difference of every quantity that has a bound.
        bounds: one or more for each quantity.
    """

    precision: str
    part: str
    side_px: int
    probes: Mapping[str, Tensors]
    compare: Compare
    bounds: Sequence[Bound]
    frames: Sequence[str] = tuple(path.name for path in VERIFY_FRAMES)

    @property
    def for_cpu_alone(self) -> bool:
        """True if the runtime runs such a file on no other device."""
        return bool(self.part) or self.precision == "int8"


def questions_from_metadata(metadata: Mapping[str, str], source: str) -> Questions:
    """List the questions that a file with this metadata has to answer.

    Args:
        metadata: of the file.
        source: its name.

    Raises:
        ModelCardError: it has no card, or one of a kind that is not known.
    """
    card = read_card(metadata, source)
    if card.get("kind") != LOCATOR_KIND:
        return _expression_questions(card_from_metadata(metadata, source))
    probes = {"detector": _detector_probes, "landmarks": _landmark_probes}
    part = card.get("part")
    if part not in probes:
        raise ModelCardError(
            f"The card of {source} is of the locator's part {part!r}; expected one of "
            f"{', '.join(probes)}. Export it again.",
            kind="locator-card",
        )
    outputs = ("score", "offsets" if part == "detector" else "points")
    return Questions(
        precision="fp32",
        part=part,
        side_px=0,
        probes=probes[part](),
        compare=_compare_numbers,
        bounds=[LOCATOR_BOUNDS[name] for name in outputs],
    )


def _expression_questions(card: ModelCard) -> Questions:
    crops = verify_crops(card)
    if card.contract == RIG_CONTRACT:
        return Questions(
            precision=card.precision,
            part="",
            side_px=card.image_size_px,
            probes=_rig_probes(card, crops),
            compare=_compare_numbers,
            bounds=[RIG_BOUNDS[name] for name in card.outputs],
        )
    return Questions(
        precision=card.precision,
        part="",
        side_px=card.image_size_px,
        probes={
            name: {"image": crops, "expression": np.repeat(row[None], len(crops), axis=0)}
            for name, row in asked_vectors(card).items()
        },
        compare=_compare_pictures,
        bounds=[BOUNDS[card.precision]],
    )


def _compare_pictures(inputs: Tensors, expected: Tensors, found: Tensors) -> dict[str, Difference]:
    """Of what reaches the frame; the mean is taken where the mask lets anything through."""
    if {name: value.shape for name, value in found.items()} != {
        name: value.shape for name, value in expected.items()
    }:
        return {"picture": difference_between(np.zeros(0), np.ones(1))}
    image, one, other = inputs["image"], found["mask"], expected["mask"]
    result = image + one * (found["face"] - image)
    truth = image + other * (expected["face"] - image)
    seen = np.maximum(one, other) > 0
    return {"picture": difference_between(_LEVELS * result, _LEVELS * truth, counted=seen)}


def _compare_numbers(_: Tensors, expected: Tensors, found: Tensors) -> dict[str, Difference]:
    return {name: difference_between(found[name], expected[name]) for name in expected}


def _rig_probes(
    card: ModelCard, crops: Float[np.ndarray, "crops 3 side side"]
) -> dict[str, Tensors]:
    """Landmarks of every frame; of a model that refines, the label alone and what it adds.

    The request is noise: what is compared is arithmetic.
    """
    probes = {
        path.name: model_inputs(card, crop[None])
        for path, crop in zip(VERIFY_FRAMES, crops, strict=True)
    }
    asked = probes[VERIFY_FRAMES[0].name].get("asked")
    if asked is not None:
        noise = np.random.default_rng(1).random(asked.shape, np.float32)
        probes["refinement"] = model_inputs(card, crops[:1], 0.1 * noise)
        probes["label"] = model_inputs(card, crops[:1], is_label_alone=True)
    return probes


def _detector_probes() -> dict[str, Tensors]:
    """Every level of the frames that is searched: sizes from 747x420 down to 47x26."""
    return {
        f"{path.name} {level.gray.shape[1]}x{level.gray.shape[0]}": {"gray": pad_level(level)}
        for path in VERIFY_FRAMES
        for level in build_pyramid(read_frame(path).pixels).searched
    }


def _landmark_probes() -> dict[str, Tensors]:
    """List the views of the face that the shipped locator finds in each frame."""
    probes, locator = {}, FaceLocator()
    for path in VERIFY_FRAMES:
        pixels = read_frame(path).pixels
        pyramid = build_pyramid(pixels)
        for face in locator.locate(pixels)[:1]:
            crops = [vary_crop(crop_around_face(face.points), *view) for view in FIVE_VIEWS]
            probes[path.name] = {
                "crop": np.stack([pyramid.sample(crop) for crop in crops])[:, None]
            }
    return probes
