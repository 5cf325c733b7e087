"""Which shapes a face wears, from its dense landmarks: a ridge regression, solved once.

Landmarks are laid over the template's by what hardly moves (corners of the eyes, bridge of the
nose, forehead), and a matrix of this package turns them into weights of ARKit's shapes. There are
two matrices: one for what a face shows, whoever's it is, and one for what it shows beyond the same
face at rest, which is surer. Both were solved in closed form over heads of three families in states
whose weights are known: `reggan_training.rig.build_face_reader`.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.frozen import frozen
from reggan_plugin.rig.dense_landmarks import SIDES, rows_of
from reggan_plugin.rig.template_fit import template
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

Places = Float[np.ndarray, "points 2"]


def _firm_rows() -> Int[np.ndarray, " rows"]:
    corners = [rows_of("lid_upper", side)[[0, -1]] for side in SIDES]
    return np.concatenate([*corners, rows_of("bridge"), rows_of("forehead")])


FIRM: Final = _firm_rows()
"""Landmarks that expressions hardly move."""


@frozen(eq=False)
class FaceReaderWeights:
    """The two regressions; the last column is what is added, mostly below 0: a shape begins where
    noise ends.

    Attributes:
        alone: from a face's landmarks to weights.
        beyond_rest: from how they differ from those of the same face at rest.
    """

    alone: Float[np.ndarray, "shapes inputs_and_one"]
    beyond_rest: Float[np.ndarray, "shapes inputs_and_one"]


@cache
def face_reader_weights() -> FaceReaderWeights:
    """Return the regressions of this package, read when first asked for."""
    with np.load(Path(__file__).with_name("face_reader.npz")) as arrays:
        return FaceReaderWeights(
            alone=arrays["alone"].astype(np.float64),
            beyond_rest=arrays["beyond_rest"].astype(np.float64),
        )


def laid_over(places: Places) -> Float[np.ndarray, " inputs"]:
    """Return landmarks in eye distances, where the template has them, as one row.

    Args:
        places: in any picture, y down.
    """
    seen = places[:, 0] - 1j * places[:, 1]
    goal = template().landmarks[:, 0] + 1j * template().landmarks[:, 1]
    seen = seen - seen[FIRM].mean()
    wanted = goal[FIRM] - goal[FIRM].mean()
    factor = (seen[FIRM].conj() @ wanted) / max(float((np.abs(seen[FIRM]) ** 2).sum()), 1e-12)
    moved = factor * seen + goal[FIRM].mean()
    return np.concatenate([moved.real, moved.imag])


def weights_worn(places: Places) -> Float[np.ndarray, " shapes"]:
    """Return what a face shows, 0 to 1, of `ARKIT_SHAPES`; nothing else is known of it."""
    return _answered(face_reader_weights().alone, laid_over(places))


_BUILD, _WORN = 0.1, 0.2
"""Weights up to the first are taken for a face's own build, from the second on for its expression;
between them they count little by little, or a shot would flicker."""
_STAYS: Final = ("jaw", "mouthClose", "mouthLowerDown", "mouthUpperUp", "eyeLook")
"""What is not taken away: an open mouth is shut by its gap, and a glance is no expression."""


def worn_expression(places: Places, share: float = 1.0) -> dict[str, float]:
    """Return what is taken away where a face is to be neutral: weights times a share."""
    read = weights_worn(places)
    read = share * read * np.clip((read - _BUILD) / (_WORN - _BUILD), 0.0, 1.0)
    return {
        name: weight
        for name, weight in zip(ARKIT_SHAPES, read.tolist(), strict=True)
        if weight > 0 and not name.startswith(_STAYS)
    }


def weights_beyond(places: Places, rest: Places) -> Float[np.ndarray, " shapes"]:
    """Return what a face shows beyond the same face at rest, 0 to 1."""
    return _answered(face_reader_weights().beyond_rest, laid_over(places) - laid_over(rest))


def _answered(
    matrix: Float[np.ndarray, "shapes inputs_and_one"], row: Float[np.ndarray, " inputs"]
) -> Float[np.ndarray, " shapes"]:
    return np.clip(matrix[:, :-1] @ row + matrix[:, -1], 0.0, 1.0)
