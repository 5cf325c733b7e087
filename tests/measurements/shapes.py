"""How each face shape alone answers: how much, how linearly, and on which side of the face.

    python -m tests.measurements.shapes FRAME... [--model FILE.onnx]

For each shape, means over the frames: the motion at weight 1 (95 % quantile over the crop, in
thousandths of its side); *linear*, the share of the motion at 0.25, 0.5 and 0.75 that is that of
weight 1 in proportion, 1 - |m(w) - w·m(1)|² / |w·m(1)|²; and *own side*, for shapes of one side,
the share of the squared motion that lies on that half of the face. A frame whose face looks into
the camera tells most. Nothing here says whether the motion is the right one: `evaluate-motion`
does.
"""

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reggan_plugin.change.answer import Answer
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.transfer.display_picture import picture_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

WEIGHTS = (0.25, 0.5, 0.75, 1.0)
Motion = Float[np.ndarray, "cells cells 2"]


def main() -> None:
    """Print a line a shape, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", nargs="+", type=Path)
    parser.add_argument("--model", help="Name or file; the one that ships unless given.")
    asked = parser.parse_args()
    transfer = ExpressionTransfer(asked.model, device="cpu")
    shapes = [name for name in ARKIT_SHAPES if name in transfer.card.controls]
    per_frame = [measured(transfer, path, shapes) for path in asked.frames]
    table = np.mean(per_frame, axis=0)  # [shape, figure]
    print(f"{'shape':<22} motion  linear  own side")
    for name, row in zip(shapes, table, strict=True):
        print(f"{name:<22} {_said(*row)}")
    print(f"{'median':<22} {_said(*np.nanmedian(table, axis=0))}")
    print(f"{'lowest':<22} {_said(*np.nanmin(table, axis=0))}")


def measured(
    transfer: ExpressionTransfer, path: Path, shapes: list[str]
) -> Float[np.ndarray, "shapes 3"]:
    """Motion, linearity and own side of every shape on one frame."""
    frame = read_frame(path)
    crops = transfer.find_faces(frame, FaceChoice(), (path.name,))[:1]
    exposure_ev = transfer.auto_exposure(frame, crops)

    def motion(shape: str, weight: float) -> Motion:
        mix = ExpressionMix({shape: weight})
        cut = transfer.cut(picture_of(frame, exposure_ev), mix, crops)
        (answer,) = transfer.answer([cut])[0].answers
        assert isinstance(answer, Answer), "a model with face shapes"
        return answer.motion

    return np.array([_figures(transfer, s, [motion(s, w) for w in WEIGHTS]) for s in shapes])


def _figures(
    transfer: ExpressionTransfer, shape: str, motions: list[Motion]
) -> tuple[float, float, float]:
    *partial, full = motions
    faults = [
        np.square(one - weight * full).sum() / np.square(weight * full).sum()
        for weight, one in zip(WEIGHTS, partial, strict=False)
    ]
    length = np.linalg.norm(full, axis=2)
    return (
        1000 * float(np.quantile(length, 0.95)),
        1 - float(np.mean(faults)),
        _own_side(transfer, shape, length),
    )


def _own_side(
    transfer: ExpressionTransfer, shape: str, length: Float[np.ndarray, "cells cells"]
) -> float:
    """Share of the squared motion on the shape's half; NaN for shapes of both sides."""
    side = next((side for side in ("Left", "Right") if shape.endswith(side)), None)
    if side is None or shape in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return float("nan")
    marks = transfer.card.canonical_landmarks
    middle = (marks["left_eye"][0] + marks["right_eye"][0]) / 2
    columns = (np.arange(length.shape[1]) + 0.5) / length.shape[1]
    own = (columns - middle) * (marks[f"{side.lower()}_eye"][0] - middle) > 0
    energy = np.square(length)
    return float(energy[:, own].sum() / energy.sum())


def _said(motion: float, linear: float, own: float) -> str:
    return f"{motion:6.1f}  {linear:6.2f}  " + (f"{own:8.2f}" if own == own else "       –")


if __name__ == "__main__":
    main()
