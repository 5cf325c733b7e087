"""The card in an .onnx file, the only link from training to runtime; and the models that ship.

The card is JSON under `CARD_KEY` in the file's metadata. Its `weights_sha256` seals the file: see
`model_hash`.
"""

import hashlib
import json
import math
import mmap
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from reggan_plugin.array_types import SixPoints
from reggan_plugin.errors import (
    ModelCardError,
    ModelError,
    ModelHashError,
    UnknownExpressionError,
    UnknownModelError,
)
from reggan_plugin.faces.landmarks_and_pose import FADE_DEG, LANDMARK_NAMES
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES, ExpressionMix
from reggan_plugin.vocabulary.face_shapes import CONTROLS

Backdrop = Literal["grey", "continued"]


@frozen
class Handling:
    """How a face is shown to a model, and where its effect fades; the defaults are of contract 3.

    Attributes:
        backdrop: what a model sees behind transparent pixels: middle grey, or colours that run on.
        fade_deg: beyond the card's `max_yaw_deg`, the turn over which the effect fades to nothing.
        lifts_spectacles: whether it is shown faces without them.
    """

    backdrop: Backdrop = "grey"
    fade_deg: float = FADE_DEG
    lifts_spectacles: bool = True

    def __post_init__(self) -> None:
        fade, lifts = self.fade_deg, self.lifts_spectacles
        is_number = isinstance(fade, int | float) and not isinstance(fade, bool)
        for name, holds, expected in (
            ("backdrop", self.backdrop in ("grey", "continued"), "grey or continued"),
            ("fade_deg", is_number and math.isfinite(fade) and 0 < fade <= 180, "above 0, to 180"),
            ("lifts_spectacles", isinstance(lifts, bool), "true or false"),
        ):
            if not holds:
                raise ValueError(f"its handling's {name} has to be {expected}")

    def document(self, usual: "Handling") -> dict[str, Any]:
        """Return what differs from the usual, as plain JSON."""
        own, other = asdict(self), asdict(usual)
        return {name: value for name, value in own.items() if value != other[name]}

    def with_document(self, found: Mapping[str, Any]) -> "Handling":
        """Return the same with what a card replaces.

        Raises:
            ValueError: it replaces what is not known, or by what cannot be.
        """
        unknown = set(found) - {one.name for one in fields(self)}
        if unknown:
            raise ValueError(f"its handling names {', '.join(sorted(unknown))}, which is not known")
        return Handling(**{**asdict(self), **found})


PICTURE_HANDLING = Handling(backdrop="continued", lifts_spectacles=False)
"""Of contract 1, whose pictures are taken as they are."""


CARD_KEY = "reggan_plugin.card"
CARD_SCHEMA = 1
RIG_SCHEMA = 3
"""Of cards of contract 3."""
PICTURE_CONTRACT, RIG_CONTRACT = 1, 3
PICTURE_OUTPUTS = ("face", "mask")
RIG_OUTPUTS = ("points", "sigma", "label")
REFINED_OUTPUTS = ("mix", "motion", "gain")
"""Of a model of contract 3 that refines what its landmarks make: see `rig.refinement`."""
TEMPLATES = ("house-1",)
"""Heads with face shapes that this version can lay over a picture."""
UNSEALED = "0" * 64
PRECISIONS = ("fp32", "fp16", "int8")
_LONGEST_NAME = 200
_FARTHEST_LANDMARK = 10.0
"""Sides of the crop from its corner."""
_SCHEMAS = {PICTURE_CONTRACT: CARD_SCHEMA, RIG_CONTRACT: RIG_SCHEMA}
_HANDLING = {PICTURE_CONTRACT: PICTURE_HANDLING, RIG_CONTRACT: Handling()}
_NEWER_FIELDS = ("contract", "controls", "outputs", "template")
"""Which versions that read contract 1 alone do not know."""


@frozen
class ModelCard:
    """Description of an expression model.

    Attributes:
        name: what `--model` calls it.
        version: of the weights.
        architecture: `reggan`, `sargan`, ...
        image_size_px: side of the square crop.
        contract: 1 for models that answer with a picture and a mask and take named expressions,
            3 for those that answer with the landmarks of a face, by which a template with
            ARKit's shapes is laid over it.
        expressions: of contract 1, entries of the expression vector, in order.
        controls: of contract 3, the shapes that can be asked for, in order; of `CONTROLS`.
        outputs: names of the graph's outputs.
        canonical_landmarks: name to (x, y), where the crop puts the face, in parts of its side.
        value_range: of the pixels, input and output.
        colour_encoding: of the pixels.
        training: data, identities, run, seed and commit that made the weights.
        licence: SPDX name.
        template: of contract 3, the head with face shapes that is laid over the landmarks.
        max_yaw_deg: beyond this turn of the head to either side the output was not measured to
            be better than the input, and the effect fades out; None where there is no limit.
        precision: of the convolutions: `fp32`, `fp16` or `int8`. Inputs and outputs are float32.
        own_handling: how the program handles the model, where that is not usual.
        weights_sha256: the seal; see `model_hash`.
    """

    name: str
    version: str
    architecture: str
    image_size_px: int
    contract: int = PICTURE_CONTRACT
    expressions: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    outputs: tuple[str, ...] = PICTURE_OUTPUTS
    canonical_landmarks: Mapping[str, tuple[float, float]]
    value_range: tuple[float, float] = (0.0, 1.0)
    colour_encoding: str = "srgb"
    training: Mapping[str, Any]
    licence: str
    template: str | None = None
    max_yaw_deg: float | None = None
    precision: str = "fp32"
    own_handling: Handling | None = None
    weights_sha256: str = UNSEALED

    def __post_init__(self) -> None:
        size = self.image_size_px
        _require(type(size) is int and 1 <= size <= 4096, "image_size_px", size, "1 to 4096")
        for field in ("name", "version"):  # which stand in each record and stamp
            text = getattr(self, field)
            fits = isinstance(text, str) and len(text) <= _LONGEST_NAME
            _require(fits, field, str(text)[:_LONGEST_NAME], "text of 200 letters at most")
        _require(self.contract in _SCHEMAS, "contract", self.contract, "1 or 3")
        names, controls = self.expressions, self.controls
        if self.contract == PICTURE_CONTRACT:
            expected = f"each once, of {EXPRESSION_NAMES}"
            _require(_is_choice(names, EXPRESSION_NAMES), "expressions", names, expected)
            _require(self.outputs == PICTURE_OUTPUTS, "outputs", self.outputs, PICTURE_OUTPUTS)
            _require(not controls, "controls", controls, "none in contract 1")
        else:
            expected = f"each once, of {CONTROLS}"
            _require(_is_choice(controls, CONTROLS), "controls", controls, expected)
            _require(not names, "expressions", names, "none in contract 3")
            allowed = (RIG_OUTPUTS, (*RIG_OUTPUTS, *REFINED_OUTPUTS))
            _require(self.outputs in allowed, "outputs", self.outputs, allowed)
            _require(self.template in TEMPLATES, "template", self.template, TEMPLATES)
        landmarks = self.canonical_landmarks
        near = all(
            abs(value) <= _FARTHEST_LANDMARK for point in landmarks.values() for value in point
        )
        apart = len(set(landmarks.values())) == len(landmarks)
        complete = set(landmarks) == set(LANDMARK_NAMES) and near and apart  # none is near for NaN
        _require(complete, "canonical_landmarks", dict(landmarks), LANDMARK_NAMES)
        _require(self.value_range == (0.0, 1.0), "value_range", self.value_range, "[0, 1]")
        yaw = self.max_yaw_deg
        is_angle = isinstance(yaw, int | float) and not isinstance(yaw, bool) and 0 <= yaw <= 180
        _require(yaw is None or is_angle, "max_yaw_deg", yaw, "null or 0 to 180")
        _require(self.colour_encoding == "srgb", "colour_encoding", self.colour_encoding, "srgb")
        _require(self.precision in PRECISIONS, "precision", self.precision, PRECISIONS)

    @property
    def names(self) -> tuple[str, ...]:
        """Expressions that a person may choose from: the model's own, or all that are basic."""
        return self.expressions or EXPRESSION_NAMES

    @property
    def says_motion(self) -> bool:
        """True if it says where surfaces move; a picture of a face says its colours alone."""
        return self.contract != PICTURE_CONTRACT

    @property
    def handling(self) -> Handling:
        """How the program handles the model."""
        return self.own_handling or _HANDLING[self.contract]

    def can_show(self, mix: ExpressionMix) -> bool:
        """Tell whether the model has every part of a mix."""
        try:
            self.vector_of(mix)
        except UnknownExpressionError:
            return False
        return True

    def vector_of(self, mix: ExpressionMix) -> list[float]:
        """Vector that the model is given for a mix.

        Raises:
            UnknownExpressionError, UsageError: the model cannot show it.
        """
        if self.contract == PICTURE_CONTRACT:
            return mix.vector(self.expressions)
        return mix.control_vector(self.controls)

    @property
    def canonical_points(self) -> SixPoints:
        """Canonical landmarks in the order of `LANDMARK_NAMES`, in parts of the side."""
        return np.array([self.canonical_landmarks[name] for name in LANDMARK_NAMES])

    def to_json(self) -> str:
        """Return the text that stands in the file."""
        fields = {key: getattr(self, key) for key in self.__dataclass_fields__}
        del fields["own_handling"]
        handling = self.handling.document(_HANDLING[self.contract])
        if handling:  # versions that know none of it read a card without
            fields["handling"] = handling
        if self.contract == PICTURE_CONTRACT:
            fields = {key: value for key, value in fields.items() if key not in _NEWER_FIELDS}
        schema = _SCHEMAS[self.contract]
        return json.dumps({"schema": schema, "kind": "expression-transfer", **fields})


def card_from_metadata(metadata: Mapping[str, str], source: str) -> ModelCard:
    """Read the card of an expression model.

    Args:
        metadata: the string pairs of the file.
        source: what to call the file in an error.

    Raises:
        ModelCardError: there is none, it is not one, or it asks for what this version cannot do;
            the message names the field.
    """
    fields = read_card(metadata, source)
    kind, schema = fields.pop("kind", None), fields.pop("schema", None)
    contract = fields.get("contract", PICTURE_CONTRACT)
    if kind == "expression-transfer" and contract == 2:
        raise ModelCardError(
            f"{source} answers with motion (contract 2), as models up to version 0.3.3 did; this "
            "version runs contracts 1 and 3. Take the model that ships, a character's own rig, or "
            "a model that is trained anew."
        )
    if [contract, schema] not in map(list, _SCHEMAS.items()) or kind != "expression-transfer":
        raise ModelCardError(
            f"The card of {source} is of kind {kind!r}, schema {schema!r}, contract {contract!r}; "
            "expected 'expression-transfer', with contract 1 or 3 and its number as the schema. "
            "Take a model made for this version."
        )
    try:
        for name in ("expressions", "controls", "outputs"):
            if name in fields:
                fields[name] = tuple(fields[name])
        if fields.get("painters") == {}:  # which files of version 0.4.0 have
            del fields["painters"]
        fields["value_range"] = tuple(fields["value_range"])
        fields["canonical_landmarks"] = {
            name: (float(x), float(y)) for name, (x, y) in fields["canonical_landmarks"].items()
        }
        if "handling" in fields:
            fields["own_handling"] = _HANDLING[contract].with_document(fields.pop("handling"))
        return ModelCard(**fields)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelCardError(
            f"The card of {source} does not fit this version: {error}. Export the model again."
        ) from error
    except ModelCardError as error:
        raise ModelCardError(f"The card of {source} cannot be honoured: {error}") from error


def read_card(metadata: Mapping[str, str], source: str) -> dict[str, Any]:
    """Return the card of any model of ours, as plain JSON.

    Raises:
        ModelCardError: there is no card, or it is not a JSON object.
    """
    text = metadata.get(CARD_KEY)
    if text is None:
        raise ModelCardError(
            f"{source} has no card ({CARD_KEY} in its metadata), so nothing says how to feed it. "
            "Use a model exported by reggan-plugin."
        )
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelCardError(
            f"The card of {source} is not JSON ({error}). Export the model again."
        ) from error
    if not isinstance(fields, dict):
        raise ModelCardError(f"The card of {source} is {type(fields).__name__}, not an object.")
    return fields


def _is_choice(names: tuple[str, ...], of: tuple[str, ...]) -> bool:
    return bool(names) and set(names) <= set(of) and len(set(names)) == len(names)


def _require(holds: bool, field: str, found: object, expected: object) -> None:
    if not holds:
        raise ModelCardError(f"its {field} is {found}, this version expects {expected}.")


_SEAL = re.compile(rb'"weights_sha256": "([0-9a-f]{64})"')

CONTROL_FLOW_NEEDED: dict[str, frozenset[str]] = {"rig": frozenset({"If"})}
"""Architecture → the operators of control flow that it needs: a rig's file finds landmarks or
refines an answer, whichever it is asked for."""


WALKED = frozenset(
    {
        "849e9d98793ce2686365e9dcf6eca78119667d3e7375f0bd73226b7288e32b31",  # reggan.onnx
        "7ed962c6c4cd44856071971ecde893e0673c93ffe72de8aeb1d75d8df0725abb",  # detector.onnx
        "0b10d2801703b7a1aff1fe68e67aa904836926544a2c565b7ec6a8cc5eda6549",  # landmarks.onnx
    }
)
"""Hashes of files that ship and that a test walks, so that a start need not."""


def check_seal(model: Path) -> str:
    """Compare a file with its card's hash; returns the hash. To be called before it is opened.

    Raises:
        ModelCardError: the file holds no hash.
        ModelHashError: its bytes are not the ones that were sealed.
        ModelError: it refers to other files, which the hash does not cover, or contains operators
            that can run without end.
    """
    with model.open("rb") as file:  # mapped: reading a large one takes as long as hashing it
        is_empty = not file.seek(0, os.SEEK_END)  # which cannot be mapped
        content = b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = _seal_in(content)
    if found is None:
        raise ModelCardError(
            f"{model} has no card with a weights_sha256: it is empty, damaged or of another "
            "program. Use a model exported by reggan-plugin."
        )
    expected, actual = found[1].decode(), _digest(content, found)
    if expected != actual:
        raise ModelHashError(
            f"{model} has the hash {actual[:16]}…, its card says {expected[:16]}…: the file is "
            "damaged or was changed. Install or export it again."
        )
    if actual in WALKED:
        return actual
    _refuse_unsafe(content, model)
    return actual


def seal(model: Path) -> str:
    """Write the hash of an unsealed file into its card; returns the hash.

    Raises:
        ModelCardError: the file holds no card to write into.
    """
    content = model.read_bytes()
    found = _seal_in(content)
    if found is None:
        raise ModelCardError(f"{model} has no card with a weights_sha256 to fill in.")
    digest = _digest(content, found)
    model.write_bytes(content[: found.start(1)] + digest.encode() + content[found.end(1) :])
    return digest


def _seal_in(content: bytes | mmap.mmap) -> re.Match[bytes] | None:
    """Where the hash stands: metadata lies behind the weights, so the end is searched first."""
    start = content.rfind(b'"weights_sha256"')
    return _SEAL.match(content, start) if start >= 0 else None


def _refuse_unsafe(content: bytes | mmap.mmap, model: Path) -> None:
    from reggan_plugin.models.onnx_messages import metadata_from_onnx
    from reggan_plugin.models.unsafe_onnx import contents_of, refuse_references

    contents = contents_of(content, model)
    refuse_references(contents, model)
    found = contents.control_flow
    if not found:
        return
    architecture = read_card(metadata_from_onnx(model), str(model)).get("architecture")
    unneeded = found - CONTROL_FLOW_NEEDED.get(str(architecture), frozenset())
    if unneeded:
        raise ModelError(
            f"{model} contains {', '.join(sorted(unneeded))}, which can run without end and which "
            f"the architecture {architecture!r} is not known to need. Use a model exported by "
            "reggan-plugin."
        )


def _digest(content: bytes | mmap.mmap, found: re.Match[bytes]) -> str:
    """Hash of the file with zeros for its own hash, which was found there."""
    whole = memoryview(content)
    digest = hashlib.sha256(whole[: found.start(1)])
    digest.update(UNSEALED.encode())
    digest.update(whole[found.end(1) :])
    return digest.hexdigest()


DEFAULT_MODEL = "reggan"


def weights_folder() -> Path:
    """Folder of the weights in the installed package."""
    return Path(__file__).parents[1] / "weights"


def installed_models() -> dict[str, Path]:
    """Expression models that come with the package, by name, the default first."""
    found = {path.stem: path for path in sorted(weights_folder().glob("*.onnx"))}
    return dict(sorted(found.items(), key=lambda item: item[0] != DEFAULT_MODEL))


def find_model(name_or_path: str | Path | None = None) -> Path:
    """Return the file of a model given by name or by path; the default one for None.

    Raises:
        UnknownModelError: neither an installed model nor a file.
    """
    if name_or_path is None:
        name_or_path = DEFAULT_MODEL
    installed = installed_models()
    if str(name_or_path) in installed:
        return installed[str(name_or_path)]
    path = Path(name_or_path)
    if os.path.isfile(path):  # noqa: PTH113 - False where `is_file` raises, for too long a name
        return path
    raise UnknownModelError(
        f"{str(name_or_path)!r} is neither an installed model ({', '.join(installed) or 'none'}) "
        "nor a file."
    )
