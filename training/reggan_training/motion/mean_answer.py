"""Motion and cover of an average face, regressed on the controls in closed form.

    m(q) = sum_e a_e M_e(q)        c(q) = sum_e a_e C_e(q)

At every pixel the ridge solution over all states of all heads, seen from the face at rest. Only
states whose surface is visible count for the motion there, so each pixel has a Gram matrix of its
own; the cover's is the same for all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.heads.head import Part
from reggan_training.pairs.batch import MIRROR_OF_CONTROL
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.truth import truth_of_pair

_PENALTY = 3.0
"""Of the ridge, in squared weights summed over examples."""
_UNCOVERABLE = (Part.EYE, Part.TEETH, Part.GUMS, Part.TONGUE, Part.MOUTH, Part.SOCKET)
"""What no motion of skin can bring."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StateExamples:
    """Some states of a head, seen from its rest.

    Attributes:
        weights: in the order of `ARKIT_SHAPES`.
        motion: backward, in parts of the crop's side.
        trust: 1 where the motion is known.
        cover: 1 where the inside of the mouth or an eye is shown that was hidden.
    """

    weights: Float[Tensor, "states shapes"]
    motion: Float[Tensor, "states 2 side side"]
    trust: Float[Tensor, "states 1 side side"]
    cover: Float[Tensor, "states 1 side side"]


def state_examples(paths: Sequence[Path], side_px: int) -> Iterator[StateExamples]:
    """Yield all states of all heads, each as it is and in the mirror."""
    inside = torch.tensor(_UNCOVERABLE)
    order = torch.tensor(MIRROR_OF_CONTROL[:-1])
    flipped = torch.tensor([-1.0, 1.0])[:, None, None]
    for path in paths:
        head = read_head(path)
        shader = HeadShader(head)
        rasters = head.face.thinned(head.face.side_px // side_px)
        truths = [truth_of_pair(shader, rasters, 0, k) for k in range(1, len(head.states))]
        example = StateExamples(
            weights=torch.tensor(
                [[state.get(name, 0.0) for name in ARKIT_SHAPES] for state in head.states[1:]]
            )
            - torch.tensor([head.states[0].get(name, 0.0) for name in ARKIT_SHAPES]),
            motion=torch.stack([truth.motion for truth in truths]),
            trust=torch.stack([(t.visible & t.hit)[None].float() for t in truths]),
            cover=torch.stack(
                [(t.hit & ~t.visible & torch.isin(t.part, inside))[None].float() for t in truths]
            ),
        )
        yield example
        yield StateExamples(
            weights=example.weights[:, order],
            motion=example.motion.flip(3) * flipped,
            trust=example.trust.flip(3),
            cover=example.cover.flip(3),
        )


def fit_mean_answer(
    examples: Iterable[StateExamples], side_px: int
) -> tuple[Float[Tensor, "shapes 2 side side"], Float[Tensor, "shapes 1 side side"]]:
    """Solve M and C; see the module. A shape without examples moves and covers nothing."""
    shapes, pixels = len(ARKIT_SHAPES), side_px**2
    gram = torch.zeros(pixels, shapes * shapes)
    moved = torch.zeros(pixels, shapes, 2)
    whole, covered = torch.zeros(shapes, shapes), torch.zeros(shapes, pixels)
    for example in examples:
        weights = example.weights
        outer = (weights[:, :, None] * weights[:, None]).flatten(1)
        trust = example.trust.flatten(1)
        gram.addmm_(trust.T, outer)
        known = (example.motion * example.trust).flatten(2)
        moved += torch.einsum("ne,ncp->pec", weights, known)
        whole += weights.T @ weights
        covered += weights.T @ example.cover.flatten(1)
    ridge = _PENALTY * torch.eye(shapes)
    motion = torch.linalg.solve(gram.reshape(-1, shapes, shapes) + ridge, moved)
    cover = torch.linalg.solve(whole + ridge, covered)
    return (
        motion.permute(1, 2, 0).reshape(shapes, 2, side_px, side_px),
        cover.reshape(shapes, 1, side_px, side_px),
    )
