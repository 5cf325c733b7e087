"""The nodes that say what is asked for: Expression, Face Shapes, Blend Expressions, Take,
Expression from Picture.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.comfyui import host
from reggan_plugin.comfyui.frames_from_tensors import ImageEncoding, Tensor, read_batch
from reggan_plugin.comfyui.node_inputs_and_models import EXPRESSION, Node, choice, intensity
from reggan_plugin.errors import UsageError
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.render_settings import ExpressionCurve
from reggan_plugin.json_and_toml import parse_json
from reggan_plugin.perform.read_expression import read_expression
from reggan_plugin.vocabulary.expression import (
    NAMED_EXPRESSIONS,
    Expression,
    ExpressionMix,
    mix_from_request,
    parse_expression_mix,
)
from reggan_plugin.vocabulary.face_shapes import MAX_INTENSITY

REPLACE, ADD = "replace", "add"
"""Whether an expression replaces what the face shows, or is laid over it."""


@frozen(kw_only=False)
class StillExpression:
    """The same expression for all pictures."""

    mix: ExpressionMix

    def mix_at(self, place: int) -> ExpressionMix:  # noqa: ARG002
        """Return it."""
        return self.mix

    def refuse_beside(self, pictures: int) -> None:
        """Refuse nothing."""


@frozen(kw_only=False, eq=False)
class TakeExpression:
    """A take that lies on a shot whose first picture has a number.

    Attributes:
        curve: the take by frame.
        rows: the frame on which each of its rows lies.
        first_frame: number of the batch's first picture.
    """

    curve: ExpressionCurve
    rows: Float[np.ndarray, " rows"]
    first_frame: int

    def mix_at(self, place: int) -> ExpressionMix:
        """Return what the take asks for."""
        return self.curve.mix_at(self.first_frame + place)

    def refuse_beside(self, pictures: int) -> None:
        """Refuse a batch before or behind it."""
        from reggan_plugin.curves.take_on_shot import refuse_elsewhere  # most workflows have none

        refuse_elsewhere(self.rows, self.first_frame, self.first_frame + pictures - 1)


@frozen(kw_only=False)
class BlendedExpressions:
    """Several expressions, each multiplied by an amount, added up."""

    parts: Sequence[tuple["BatchExpression", float]]

    def mix_at(self, place: int) -> ExpressionMix:
        """Return their sum at a picture."""
        mixes = [scaled(part.mix_at(place), amount) for part, amount in self.parts]
        of_weight = [mix for mix in mixes if not mix.changes_nothing]
        if len({mix.adds for mix in of_weight}) > 1:  # said by shapes, which know no such mode
            return ExpressionMix(_sum([mix.shape_weights() for mix in mixes]), adds=True)
        adds = bool(of_weight) and of_weight[0].adds
        own: dict[str, Expression] = {}
        amounts = [_amounts_beside(mix, own) for mix in mixes]
        return ExpressionMix(_sum(amounts), adds, own)

    def refuse_beside(self, pictures: int) -> None:
        """Refuse what one of them does."""
        for part, _ in self.parts:
            part.refuse_beside(pictures)


BatchExpression = StillExpression | TakeExpression | BlendedExpressions
"""An expression for each picture of a batch, counted from 0, which may not lie beside it."""


def refuse_no_expression(given: object) -> None:
    """Refuse what a node of any kind hands on in place of an expression.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(given, BatchExpression):
        raise UsageError(f"The input expression got {type(given).__name__}; connect an expression.")


def scaled(mix: ExpressionMix, amount: float) -> ExpressionMix:
    """Return a mix times an amount; no part goes beyond the largest intensity."""
    if amount == 1.0:
        return mix
    return ExpressionMix(
        {name: min(amount * value, MAX_INTENSITY) for name, value in mix.intensities.items()},
        mix.adds,
        mix.own,
    )


def _amounts_beside(mix: ExpressionMix, own: dict[str, Expression]) -> dict[str, float]:
    """Return a mix's amounts, and add to `own` what they name; two pictures have the same name."""
    amounts = {}
    for word, value in mix.intensities.items():
        name, known = word, mix.own.get(word)
        while known is not None and own.setdefault(name, known) != known:
            name += ", another"
        amounts[name] = value
    return amounts


def _sum(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for weights in parts:
        for name, value in weights.items():
            total[name] = min(total.get(name, 0.0) + value, MAX_INTENSITY)
    return total


Output = tuple[BatchExpression]
_CHARACTERS, _LIKE = "rendered characters", "like picture"
_MODE = choice([REPLACE, ADD], "Replace what the face shows, or lay the expression over it.")


class ExpressionNode(Node):
    """An expression by its name."""

    DESCRIPTION = "An expression by its name, for Change Expression and Blend Expressions."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's own name
        """Return the inputs."""
        names = [name for name in NAMED_EXPRESSIONS if name != "neutral"]
        names = ["happy", *(name for name in names if name != "happy"), "neutral"]
        return {
            "required": {
                "expression": choice(names, "The gallery of the documentation shows them all."),
                "intensity": intensity(),
                "mode": _MODE,
            }
        }

    def run(self, expression: str, intensity: float, mode: str) -> Output:
        """Return the expression."""
        mix = parse_expression_mix(expression, intensity, adds=mode == ADD)
        return (StillExpression(mix),)


class FaceShapes(Node):
    """Single face shapes."""

    DESCRIPTION = "The 51 face shapes of ARKit, laid over what the face shows."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Return the inputs; the sliders write their values into one of them."""
        tooltip = (
            "Weights of face shapes and action units as JSON, which the sliders write: "
            '{"jawOpen": 0.4, "mouthSmile": 0.6, "AU5": 0.3}.'
        )
        return {
            "required": {
                "shapes": ("STRING", {"default": "{}", "tooltip": tooltip}),
                "intensity": intensity(),
            }
        }

    def run(self, shapes: str, intensity: float) -> Output:
        """Return the shapes as an expression.

        Raises:
            UsageError: this is no JSON object of weights.
        """
        return (StillExpression(mix_from_request(weights_from_text(shapes), intensity)),)


class ExpressionFromPicture(Node):
    """The expression of a face in another picture."""

    DESCRIPTION = (
        "The expression of the largest face in a picture, for another face, as render --like takes "
        "it. A picture of the same face at rest makes it far surer."
    )
    RETURN_TYPES = (EXPRESSION, "STRING")
    RETURN_NAMES = ("expression", "shapes")
    OUTPUT_TOOLTIPS = ("The expression.", "Its face shapes as JSON, which Face Shapes takes.")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Return the inputs."""
        readers = [_CHARACTERS, *host.models_of_ones_own(".task")]
        tooltip = (
            "People are read by MediaPipe: put its face_landmarker.task into models/reggan, and "
            "install reggan-plugin[perform]."
        )
        return {
            "required": {
                "image": ("IMAGE",),
                "reader": choice(readers, tooltip),
                "intensity": intensity(),
                "encoding": choice(["sRGB", "linear"], "linear: as an EXR holds it."),
            },
            "optional": {"at_rest": ("IMAGE", {"tooltip": "The same face, at rest."})},
        }

    def run(
        self,
        image: Tensor,
        reader: str,
        intensity: float,
        encoding: ImageEncoding,
        at_rest: Tensor | None = None,
    ) -> tuple[BatchExpression, str]:
        """Return what the first picture of a batch shows.

        Raises:
            FaceNotFoundError: it shows no face.
            UsageError: there is no such reader.
            ModelError, MissingExtraError: as `read_expression`.
        """
        landmarker = host.models_of_ones_own(".task").get(reader)
        if landmarker is None and reader != _CHARACTERS:
            raise UsageError(
                f"{reader!r:.80} is no file in models/reggan. Put MediaPipe's model there, and "
                "load the page of ComfyUI again."
            )
        shapes = read_expression(
            read_batch(image, encoding)[0].frame,
            reader="character" if landmarker is None else "person",
            landmarker=landmarker,
            neutral=None if at_rest is None else read_batch(at_rest, encoding)[0].frame,
        )
        read = Expression(name=_LIKE, weights=shapes, source=f"read by {reader}")
        mix = ExpressionMix({_LIKE: intensity}, own={_LIKE: read})
        return StillExpression(mix), json.dumps(shapes)


class BlendExpressions(Node):
    """Several expressions, added up."""

    DESCRIPTION = "Adds up to four expressions, each multiplied by an amount."
    _PLACES: ClassVar = ("a", "b", "c", "d")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Return the inputs."""
        link = (EXPRESSION,)
        amounts = {f"amount_{place}": intensity() for place in cls._PLACES}
        first, second, *others = cls._PLACES
        return {
            "required": {**{f"expression_{place}": link for place in (first, second)}, **amounts},
            "optional": {f"expression_{place}": link for place in others},
        }

    def run(self, **given: Any) -> Output:
        """Return the sum."""
        parts = [
            (given[f"expression_{place}"], given[f"amount_{place}"])
            for place in self._PLACES
            if given.get(f"expression_{place}") is not None
        ]
        for part, _ in parts:
            refuse_no_expression(part)
        return (BlendedExpressions(parts),)


class TakeNode(Node):
    """A recorded performance, laid on a batch."""

    DESCRIPTION = (
        "A recorded performance: Live Link Face, iFacialMocap, Face Cap, Audio2Face, glTF, VRMA, "
        "USD or CSV. The batch is a shot: its first picture has the number first_frame."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Return the inputs."""
        rate = {"default": 0.0, "min": 0.0, "max": 1000.0, "step": 0.001}
        number = {"default": 1, "min": -9999999, "max": 9999999}
        where = "A file of ComfyUI's input folder, by its name there."
        return {
            "required": {
                "file": ("STRING", {"default": "take.csv", "tooltip": where}),
                "frame_rate": (
                    "FLOAT",
                    {**rate, "tooltip": "Of the shot. 0: each row of the take is a frame."},
                ),
                "offset": (
                    "STRING",
                    {
                        "default": "",
                        "tooltip": "The frame of the take's first row, or the timecode of the take "
                        "at the shot's first frame. Empty: the first row is on the first frame.",
                    },
                ),
                "first_frame": (
                    "INT",
                    {**number, "tooltip": "Number of the batch's first picture."},
                ),
                "intensity": intensity(),
                "mode": _MODE,
            },
            "optional": {
                "asymmetry": (
                    "FLOAT",
                    {
                        **{"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01},
                        **{"display": "slider", "tooltip": "Of left and right. 0.5 is half."},
                    },
                ),
                "gains": (
                    "STRING",
                    {
                        "default": "",
                        "tooltip": "Fits the take to the face: brows=1.4 jawOpen=0.8,0.02 is gain "
                        "and offset of shapes, with spaces between them.",
                    },
                ),
            },
        }

    @classmethod
    def IS_CHANGED(cls, file: str, **_: Any) -> str:  # noqa: N802
        """Return what differs once the file does."""
        path = take_file(file)
        status = path.stat()
        return f"{path} {status.st_size} {status.st_mtime_ns}"

    def run(
        self,
        file: str,
        frame_rate: float,
        offset: str,
        first_frame: int,
        intensity: float,
        mode: str,
        asymmetry: float = 1.0,
        gains: str = "",
    ) -> Output:
        """Read the take, fit it to the face, and lay it on the shot.

        Raises:
            SourceError: it cannot be read.
            UsageError: the offset is invalid, or a gain.
        """
        from reggan_plugin.curves.read_take import read_take  # most workflows have none
        from reggan_plugin.curves.retargeting import (
            ASYMMETRY,
            gains_from_texts,
            retargeted,
            retargeting_from_table,
        )
        from reggan_plugin.curves.take_on_shot import TakeCurve, frames_of_rows, offset_from_text

        table = {**gains_from_texts(gains.split(), "gains"), ASYMMETRY: asymmetry}
        take = retargeted(read_take(take_file(file)), retargeting_from_table(table, "gains"))
        begin = offset_from_text(offset) if offset.strip() else None
        rows = frames_of_rows(take, first_frame, frame_rate or None, begin)
        curve = TakeCurve(take, rows, take.names, intensity=intensity, adds=mode == ADD)
        return (TakeExpression(curve, rows, first_frame),)


def take_file(name: str) -> Path:
    """Return a take in ComfyUI's input folder: workflows of others name no file elsewhere.

    Raises:
        SourceError: there is none.
    """
    return host.input_file(name.strip())


def weights_from_text(text: str) -> dict[str, float]:
    """Read a JSON object of weights.

    Raises:
        UsageError: it is none.
    """
    try:
        found = parse_json(text.strip() or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        example = json.dumps({"jawOpen": 0.4, "mouthSmile": 0.6})
        raise UsageError(f"{text[:80]!r} is no JSON object of weights; write {example}.")
    return found
