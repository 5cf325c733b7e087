"""ICT FaceKit light: a linear head model from scans, with teeth, gums, tongue and eye sockets.

Source: USC Institute for Creative Technologies, ICT-FaceKit (MIT), repacked as one npz; layout in
the docstring of `IctFamily`. Linear: vertices = neutral + sum c_i identity_i + sum w_e shape_e.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.heads.head import (
    Eyeball,
    HeadMesh,
    LinearShapes,
    Part,
    SparseOffsets,
    VertexWeights,
    Vertices,
    eye_angles,
    identity_names,
    numbers_in_name,
    pack_regions,
    paint_face,
    shade_inside,
    sparse_offsets_from_dense,
)

_BOUNDS = (0, 9409, 11248, 13294, 14062, 17039, 21451, 23021, 24591)
_PARTS = (Part.SKIN, Part.SKIN, Part.MOUTH, Part.SOCKET, Part.GUMS, Part.TEETH, Part.EYE, Part.EYE)
_IRISES = ((22221, 23021), (23791, 24591))
"""They lie under the sclera's shell, which is coloured by its angle from the axis instead."""
_VERTICES = _BOUNDS[-1]
_EYEBALLS = {"left": slice(21451, 22221), "right": slice(23021, 23791)}
_LIPS = (5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841)
_BROWS = ((268, 493, 1914, 2044, 1401), (3615, 4240, 4114, 2734, 2509))
_EYES = ((3742, 3751, 3756, 3721, 3725, 3732), (1507, 1542, 1537, 1528, 1518, 1511))
"""Multi-PIE landmarks: outer lips from the right corner on; brows and lid openings."""
_NOSE_TIP, _MOUTH_LEFT, _MOUTH_RIGHT, _CHIN = 4857, 6213, 5708, 966
_SPLIT = {"browInnerUp", "cheekPuff"}
"""Shapes that are one in ARKit and two here."""
_MODES = 100


@frozen(eq=False)
class IctModel:
    """The linear model, in eye distances, with what every identity shares."""

    neutral: Vertices
    identity: Float[np.ndarray, "modes coordinates"]
    shapes: Mapping[str, SparseOffsets]
    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    regions: UInt8[np.ndarray, "vertices regions"]
    eye_angle: VertexWeights
    eyeballs: Mapping[str, Eyeball]


class IctFamily:
    """Heads sampled from the model's identity modes.

    The npz holds `neutral` [26719, 3] in cm, `triangles`, `expression_deltas` [57, 26719, 3] with
    `expression_names` (ARKit with _L and _R), `identity_deltas` [100, 26719, 3] in units of one
    standard deviation.
    """

    name = "ict"

    def __init__(self, archive: Path) -> None:
        self.archive = archive

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
        """See `identity_names`."""
        return identity_names(self.name, count, seed)

    def head(self, identity: str) -> HeadMesh:
        """Build one identity from the numbers in its name.

        Raises:
            SourceError: the name is not one of `identities`.
        """
        model = self._model
        random = np.random.default_rng(numbers_in_name(self.name, identity))
        amounts = random.normal(0.0, 1.0, _MODES) * random.uniform(0.6, 1.3)
        grown = model.neutral + (amounts.astype(np.float32) @ model.identity).reshape(-1, 3)
        middles = np.stack([_middle(grown[ball.vertices]) for ball in model.eyeballs.values()])
        span = np.linalg.norm(middles[0] - middles[1])
        rest = ((grown - middles.mean(axis=0)) / span).astype(np.float32)
        balls = {
            side: Eyeball(vertices=ball.vertices, centre=_middle(rest[ball.vertices]))
            for side, ball in model.eyeballs.items()
        }
        return HeadMesh(
            family=self.name,
            identity=identity,
            triangles=model.triangles,
            parts=model.parts,
            rest=rest,
            canonical=model.neutral,
            regions=model.regions,
            eye_angle=model.eye_angle,
            controls=ARKIT_SHAPES,
            shapes=LinearShapes(by_name=model.shapes, eyeballs=balls),
            left_eye_vertices=np.array(_EYES[0]),
            right_eye_vertices=np.array(_EYES[1]),
            nose_tip=_NOSE_TIP,
            mouth_left=_MOUTH_LEFT,
            mouth_right=_MOUTH_RIGHT,
            chin=_CHIN,
        )

    @cached_property
    def _model(self) -> IctModel:
        return _read_model(self.archive)


def _read_model(archive: Path) -> IctModel:
    try:
        with np.load(archive, allow_pickle=False) as stored:
            neutral = stored["neutral"][:_VERTICES].astype(np.float32)
            triangles = stored["triangles"].astype(np.int32)
            names = [str(name) for name in stored["expression_names"]]
            deltas = stored["expression_deltas"][:, :_VERTICES].astype(np.float32)
            modes = stored["identity_deltas"][:, :_VERTICES].astype(np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise SourceError(
            f"{archive} is not the ICT FaceKit archive ({error}). Name ict_face_model_light.npz."
        ) from error
    centres = np.stack([_middle(neutral[rows]) for rows in _EYEBALLS.values()])
    span = float(np.linalg.norm(centres[0] - centres[1]))
    neutral = (neutral - centres.mean(axis=0)) / span
    kept = _kept(triangles)
    part_of_vertex = np.asarray(_PARTS, np.uint8)[
        np.searchsorted(_BOUNDS, np.arange(_VERTICES), "right") - 1
    ]
    balls = {
        side: Eyeball(vertices=np.arange(rows.start, rows.stop), centre=_middle(neutral[rows]))
        for side, rows in _EYEBALLS.items()
    }
    axes = [  # the iris says where the eye looks
        neutral[start:stop].mean(axis=0) - ball.centre
        for ball, (start, stop) in zip(balls.values(), _IRISES, strict=True)
    ]
    return IctModel(
        neutral=neutral,
        identity=(modes / span).reshape(_MODES, -1),
        shapes=_arkit_shapes(names, deltas / span, balls),
        triangles=kept,
        parts=part_of_vertex[kept[:, 0]],
        regions=_regions(neutral, part_of_vertex),
        eye_angle=eye_angles(neutral, zip(balls.values(), axes, strict=True)),
        eyeballs=balls,
    )


def _kept(triangles: Int[np.ndarray, "all 3"]) -> Int[np.ndarray, "triangles 3"]:
    low, high = triangles.min(axis=1), triangles.max(axis=1)
    kept = high < _VERTICES  # without lacrimal fluid, occlusion meshes, lash strips
    for start, stop in _IRISES:
        kept &= ~((low >= start) & (high < stop))
    return triangles[kept]


def _arkit_shapes(
    names: list[str], deltas: Float[np.ndarray, "shapes vertices 3"], balls: Mapping[str, Eyeball]
) -> dict[str, SparseOffsets]:
    """Deltas by ARKit name, without those of eyeballs, which turn; split shapes are summed."""
    shapes: dict[str, Vertices] = {}
    for name, delta in zip(names, deltas, strict=True):
        stem, _, side = name.partition("_")
        arkit = stem if stem in _SPLIT else stem + {"L": "Left", "R": "Right", "": ""}[side]
        if arkit in ARKIT_SHAPES:
            shapes[arkit] = shapes[arkit] + delta if arkit in shapes else delta
    for shape in shapes.values():
        for ball in balls.values():
            shape[ball.vertices] = 0
    return {name: sparse_offsets_from_dense(shape, least=0) for name, shape in shapes.items()}


def _regions(
    canonical: Vertices, parts: UInt8[np.ndarray, " vertices"]
) -> UInt8[np.ndarray, "vertices regions"]:
    def outline(rows: tuple[int, ...]) -> Float[np.ndarray, "corners 2"]:
        return canonical[list(rows), :2]

    is_skin = parts == Part.SKIN
    painted = paint_face(
        canonical, outline(_LIPS), [outline(b) for b in _BROWS], [outline(e) for e in _EYES]
    )
    weights = {name: weight * is_skin for name, weight in painted.items()}
    weights["shade"] = shade_inside(canonical, parts, 0.0)  # it has teeth
    return pack_regions(weights, len(canonical))


def _middle(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "3"]:
    return (points.min(axis=0) + points.max(axis=0)) / 2
