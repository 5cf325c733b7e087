"""The nodes that say what is asked for: Expression, Face Shapes, Blend Expressions, Take."""

import json
from pathlib import Path
from typing import Any, ClassVar

from reggan_plugin.comfyui import host
from reggan_plugin.comfyui.asked import (
    ADD,
    MODES,
    BatchExpression,
    BlendedExpressions,
    StillExpression,
    TakeExpression,
)
from reggan_plugin.comfyui.inputs import CATEGORY, EXPRESSION, choice, intensity
from reggan_plugin.documents import parse_json
from reggan_plugin.errors import UsageError
from reggan_plugin.vocabulary.expression_mix import mix_from_request, parse_expression_mix
from reggan_plugin.vocabulary.names import NAMED_EXPRESSIONS

Output = tuple[BatchExpression]
_MODE = choice(list(MODES), "Replace what the face shows, or lay the expression over it.")


class ExpressionNode:
    """An expression by its name."""

    CATEGORY = CATEGORY
    DESCRIPTION = "An expression by its name, for Change Expression and Blend Expressions."
    RETURN_TYPES = (EXPRESSION,)
    RETURN_NAMES = ("expression",)
    FUNCTION = "run"

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


class FaceShapes:
    """Single face shapes."""

    CATEGORY = CATEGORY
    DESCRIPTION = "The 51 face shapes of ARKit, laid over what the face shows."
    RETURN_TYPES = (EXPRESSION,)
    RETURN_NAMES = ("expression",)
    FUNCTION = "run"

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


class BlendExpressions:
    """Several expressions, added up."""

    CATEGORY = CATEGORY
    DESCRIPTION = "Adds up to four expressions, each multiplied by an amount."
    RETURN_TYPES = (EXPRESSION,)
    RETURN_NAMES = ("expression",)
    FUNCTION = "run"
    _PLACES: ClassVar = ("a", "b", "c", "d")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Return the inputs."""
        link = (EXPRESSION,)
        amounts = {f"amount_{place}": intensity() for place in cls._PLACES}
        first, second, *others = cls._PLACES
        return {
            "required": {
                **{f"expression_{place}": link for place in (first, second)},
                **amounts,
            },
            "optional": {f"expression_{place}": link for place in others},
        }

    def run(self, **given: Any) -> Output:
        """Return the sum."""
        parts = [
            (given[f"expression_{place}"], given[f"amount_{place}"])
            for place in self._PLACES
            if given.get(f"expression_{place}") is not None
        ]
        return (BlendedExpressions(parts),)


class TakeNode:
    """A recorded performance, laid on a batch."""

    CATEGORY = CATEGORY
    DESCRIPTION = (
        "A recorded performance: Live Link Face, iFacialMocap, Face Cap, Audio2Face, glTF, VRMA, "
        "USD or CSV. The batch is a shot: its first picture has the number first_frame."
    )
    RETURN_TYPES = (EXPRESSION,)
    RETURN_NAMES = ("expression",)
    FUNCTION = "run"

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
            }
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
    ) -> Output:
        """Read the take and lay it on the shot.

        Raises:
            SourceError: it cannot be read.
            UsageError: the offset is invalid.
        """
        from reggan_plugin.curves.read_take import read_take  # most workflows have none
        from reggan_plugin.curves.take_on_shot import TakeCurve, frames_of_rows, offset_from_text

        take = read_take(take_file(file))
        begin = offset_from_text(offset) if offset.strip() else None
        rows = frames_of_rows(take, first_frame, frame_rate or None, begin)
        curve = TakeCurve(take, rows, take.names, intensity=intensity, adds=mode == ADD)
        return (TakeExpression(curve, (float(rows[0]), float(rows[-1])), first_frame),)


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
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        example = json.dumps({"jawOpen": 0.4, "mouthSmile": 0.6})
        raise UsageError(f"{text[:80]!r} is no JSON object of weights; write {example}.")
    return found
