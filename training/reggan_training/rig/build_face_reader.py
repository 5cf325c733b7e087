"""Solve the regressions by which a face's landmarks say what it shows.

    python -m reggan_training.rig.build_face_reader --ict NPZ --makehuman DIR --face-units DIR \
--valid DIR --out reggan_plugin/rig/face_reader.npz

Heads of three families, none of them held out, are posed as training poses them and seen by a
camera each; their landmarks are projected, with errors as large as the network's. Nothing is
rendered. Both regressions are ridge regressions in closed form; how strong the ridge is, heads that
are left aside say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Final

import click
import numpy as np
from jaxtyping import Bool, Float

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.frozen import frozen
from reggan_plugin.rig.dense_landmarks import rows_of
from reggan_plugin.rig.face_reader import laid_over
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.commands.options import (
    FILE_TO_WRITE,
    OpenFamilies,
    family_options,
    report_line,
)
from reggan_training.heads.head import HeadMesh
from reggan_training.landmarks.points_on_mesh import SHARES, DensePoints, HeadSource
from reggan_training.rendering.face_states import sample_states
from reggan_training.rendering.rasterising import rotation_from_angles, sample_camera
from reggan_training.training_run import write_arrays

_HEADS: Final = 90
_SEED: Final = 33
_ROUNDS: Final = 3
"""Of states drawn for each head, each seen by another camera."""
_TURNS_DEG: Final = (6.0, 4.0, 3.0)
"""By which a head turns, nods and tilts from the moment in which it rests: deviations."""
_NOISE: Final = 0.008
"""Of landmarks, in eye distances: the network's error across the edges of lids and lips."""
_LOOSE_NOISE: Final = 0.03
"""Of landmarks without an edge: cheeks, temples, jaw, forehead."""
_RIDGES: Final = (0.003, 0.01, 0.03, 0.1, 0.3)
"""Shares of the mean variance of the inputs that are tried."""
_BEGINS: Final = tuple(np.arange(0, 0.21, 0.02).tolist())
_GAINS: Final = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.3, 2.6)
"""Answers at which a shape may begin, and gains beyond, that are tried."""
_ASIDE: Final = 5
"""Every so many heads one is left aside."""


@frozen(eq=False)
class _Seen:
    """What is known of many states of many heads.

    Attributes:
        head: number of the head.
        rows: landmarks laid over the template.
        rest: those of the same head at rest.
        weights: of each shape.
        knows: whether the head has the shape.
    """

    head: Float[np.ndarray, " states"]
    rows: Float[np.ndarray, "states inputs"]
    rest: Float[np.ndarray, "states inputs"]
    weights: Float[np.ndarray, "states shapes"]
    knows: Bool[np.ndarray, "states shapes"]


@click.command()
@family_options
@click.option("--heads", default=_HEADS, show_default=True, help="Heads that are posed.")
@click.option("--out", type=FILE_TO_WRITE, required=True)
@verbose_option
def main(open_families: OpenFamilies, heads: int, out: Path) -> None:
    """Solve them over ICT FaceKit, MakeHuman and VALID heads."""
    families = {family.name: family for family in open_families()}
    source = HeadSource(families, SHARES, _SEED, held_out=False)
    seen = _gathered(source, heads)
    arrays = {
        "alone": _solved(seen.rows, seen, "alone", from_rest=False),
        "beyond_rest": _solved(seen.rows - seen.rest, seen, "beyond rest", from_rest=True),
    }
    half = {name: values.astype(np.float16) for name, values in arrays.items()}
    write_arrays(out, half)
    click.echo(f"{out}: {out.stat().st_size} bytes")


def _gathered(source: HeadSource, heads: int) -> _Seen:
    random = np.random.default_rng(_SEED)
    named = {one.name: dict(one.weights) for one in BASIC_EXPRESSIONS if one.weights}
    found: list[tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    drawn = source.heads(random)
    for number in range(heads):
        mesh, points = next(drawn)
        knows = np.array([name in mesh.controls for name in ARKIT_SHAPES])
        for rest, row, weights in _states(mesh, points, named, random):
            found.append((number, row, rest, weights, knows))
        if number % 40 == 39:
            report_line(f"{number + 1} heads")
    head, rows, rest, weights, knows = (np.array(one) for one in zip(*found, strict=True))
    return _Seen(head=head, rows=rows, rest=rest, weights=weights, knows=knows)


def _states(
    mesh: HeadMesh,
    points: DensePoints,
    named: Mapping[str, Mapping[str, float]],
    random: np.random.Generator,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Landmarks at rest and in a state, and its weights; the head turns in between."""
    for _ in range(_ROUNDS):
        states = sample_states(random, tuple(mesh.controls), named)
        at_rest = points.at(mesh.vertices({}))
        camera = sample_camera(mesh.landmarks(mesh.rest), random)
        for state in states:
            turn = rotation_from_angles(*(np.radians(_TURNS_DEG) * random.standard_normal(3)))
            turned = replace(camera, rotation=turn @ camera.rotation)
            rows = []
            for own, seen_by in ((at_rest, camera), (points.at(mesh.vertices(state)), turned)):
                places = seen_by.project(seen_by.view(own))
                eye = float(np.linalg.norm(seen_by.crop_from_plane[:, 0]))
                rows.append(laid_over(places + eye * _errors(random)))
            yield rows[0], rows[1], np.array([state.get(name, 0.0) for name in ARKIT_SHAPES])


def _errors(random: np.random.Generator) -> Float[np.ndarray, "points 2"]:
    """Errors of a network's landmarks, in eye distances."""
    sigma = np.full(_COUNT, _NOISE)
    for name in ("cheek", "temple"):
        for side in ("left", "right"):
            sigma[rows_of(name, side)] = _LOOSE_NOISE
    for name in ("jaw", "forehead"):
        sigma[rows_of(name)] = _LOOSE_NOISE
    return sigma[:, None] * random.standard_normal((_COUNT, 2))


_COUNT: Final = int(rows_of("forehead")[-1]) + 1


def _solved(
    inputs: Float[np.ndarray, "states inputs"], seen: _Seen, name: str, *, from_rest: bool
) -> Float[np.ndarray, "shapes inputs_and_one"]:
    """Solve with the ridge that serves the heads left aside best, then with all heads.

    A ridge gives a little of every shape, and too little of those that are there. So each shape is
    raised, and begins later, as fits the heads left aside: both stand in the matrix.

    Args:
        inputs: of the regression.
        seen: what is known of the states.
        name: of the regression.
        from_rest: inputs of 0 are a face at rest, and have to give 0.
    """
    aside = seen.head % _ASIDE == 0
    wanted = np.clip(seen.weights, 0, 1)
    errors, made = {}, {}
    for ridge in _RIDGES:
        matrix = _regression(inputs[~aside], seen, ~aside, ridge, from_rest=from_rest)
        made[ridge] = inputs[aside] @ matrix[:, :-1].T + matrix[:, -1]
        off = np.abs(np.clip(made[ridge], 0, 1) - wanted[aside])
        errors[ridge] = float(off[seen.knows[aside]].mean())
        report_line(f"{name}, ridge {ridge}: mean error {errors[ridge]:.4f}")
    best = min(errors, key=lambda ridge: errors[ridge])
    everything = np.ones(len(inputs), bool)
    matrix = _regression(inputs, seen, everything, best, from_rest=from_rest)
    total = []
    for shape in range(matrix.shape[0]):
        rows = seen.knows[aside, shape]
        begin, gain = _begin_and_gain(made[best][rows, shape], wanted[aside][rows, shape])
        matrix[shape, -1] -= begin
        matrix[shape] *= gain
        after = np.clip(gain * (made[best][rows, shape] - begin), 0, 1)
        total.append(np.abs(after - wanted[aside][rows, shape]).mean())
    report_line(f"{name}, ridge {best}, raised: mean error {np.mean(total):.4f}")
    return matrix


def _begin_and_gain(
    made: Float[np.ndarray, " states"], wanted: Float[np.ndarray, " states"]
) -> tuple[float, float]:
    """Return the answer at which a shape begins, and the gain beyond, of least squared error."""

    def error(pair: tuple[float, float]) -> float:
        return float(((np.clip(pair[1] * (made - pair[0]), 0, 1) - wanted) ** 2).mean())

    return min(product(_BEGINS, _GAINS), key=error)


def _regression(
    inputs: Float[np.ndarray, "some inputs"],
    seen: _Seen,
    chosen: Bool[np.ndarray, " states"],
    ridge: float,
    *,
    from_rest: bool,
) -> Float[np.ndarray, "shapes inputs_and_one"]:
    """Solve for each shape over the heads that have it."""
    weights, knows = np.clip(seen.weights[chosen], 0, 1.2), seen.knows[chosen]
    matrix = np.zeros((weights.shape[1], inputs.shape[1] + 1))
    for key in {knows[:, shape].tobytes() for shape in range(weights.shape[1])}:
        shapes = [k for k in range(weights.shape[1]) if knows[:, k].tobytes() == key]
        rows = knows[:, shapes[0]]
        own, wanted = inputs[rows], weights[rows][:, shapes]
        middle, mean = own.mean(axis=0), wanted.mean(axis=0)
        if from_rest:
            middle, mean = np.zeros_like(middle), np.zeros_like(mean)
        centred = own - middle
        normal = centred.T @ centred / len(own)
        normal += ridge * np.trace(normal) / len(normal) * np.eye(len(normal))
        slope = np.linalg.solve(normal, centred.T @ (wanted - mean) / len(own)).T
        matrix[shapes, :-1], matrix[shapes, -1] = slope, mean - slope @ middle
    return matrix


if __name__ == "__main__":
    main()
