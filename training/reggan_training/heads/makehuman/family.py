"""MakeHuman heads: any number of sampled identities on one CC0 base mesh.

The face units are linear; what sums of them would spoil is mended: lids shut as far as asked on
every eye and stay outside the eyeball, lips stay before the teeth.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.errors import SourceError
from reggan_training.heads.anatomy.assets import HeadAssets, Points, read_assets
from reggan_training.heads.anatomy.eyes import (
    Aperture,
    Eye,
    LidRings,
    eye_points,
    keep_rings_in_order,
    lash_points,
)
from reggan_training.heads.anatomy.head_shape import (
    CHIN,
    MOUTH_CORNERS,
    NOSE_TIP,
    SIDES,
    HeadShape,
    Mouth,
    sample_shape,
    set_mouth,
    shaped_body,
)
from reggan_training.heads.anatomy.mouth import LOWER, keep_before_teeth
from reggan_training.heads.head import HeadMesh, Vertices
from reggan_training.heads.makehuman.template import (
    BITE_PARTS,
    JAW_GROUP,
    MakeHumanTemplate,
    eye_fronts,
    fitted_eyes,
    head_axes,
    read_template,
)
from reggan_training.heads.worn.dress import dress

_LID_UNITS = ("eye", "cheekSquint")
"""Prefixes of the units that move the lids by more than a hair."""

_NAME = re.compile(r"mh-(\d+)-(\d+)")
_EXAGGERATION = (0.6, 1.2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaze:
    """Turn of each eye at weight 1 of a unit, by unit and side: yaw and pitch, degrees."""

    turns: Mapping[str, Mapping[str, tuple[float, float]]]

    def of(self, weights: Mapping[str, float], side: str) -> tuple[float, float]:
        """Yaw to the head's own left and pitch up of one eye, degrees."""
        turned = [
            (weight * turn[side][0], weight * turn[side][1])
            for name, weight in weights.items()
            if (turn := self.turns.get(name)) and side in turn
        ]
        return sum(yaw for yaw, _ in turned), sum(pitch for _, pitch in turned)


@dataclass(frozen=True, kw_only=True, eq=False)
class MakeHumanMotion:
    """Shape model of one identity. Points are in metres and the axes of `anatomy`.

    Attributes:
        body: the identity's body at rest.
        bite: points of its bite at rest, by part.
        jaw: body points that are rigid with the lower jaw.
        unit: its eye distance.
    """

    template: MakeHumanTemplate
    body: Points
    eyes: Mapping[str, Eye]
    mouth: Mouth
    bite: Mapping[str, Points]
    gaze: Gaze
    jaw: Int[np.ndarray, " points"]
    unit: float

    def moved(self, rest: Vertices, weights: Mapping[str, float]) -> Vertices:
        """Vertices with these weights, float32, eye distances."""
        used = {name: float(weight) for name, weight in weights.items() if weight}
        if not used:
            return rest.astype(np.float32)
        body = self.body.copy()
        for name, weight in used.items():
            target = self.template.units[name]
            body[target.rows] += weight * target.offsets
        gaze = {side: self.gaze.of(used, side) for side in SIDES}
        self._mend_lids(body, used, gaze)
        jaw = rigid_motion(self.body[self.jaw], body[self.jaw])
        keep_before_teeth(self.mouth.bite, self.mouth.placement, self.mouth.room, body, jaw)
        return self.vertices(body, gaze, jaw)

    def vertices(
        self, body: Points, gaze: Mapping[str, tuple[float, float]], jaw: Float[np.ndarray, "3 4"]
    ) -> Vertices:
        """All vertices of the head from its body, float32, eye distances."""
        template = self.template
        points = [
            template.finer.points(body[template.rows]),
            lash_points(template.lids, body, self.eyes),
        ]
        for side, eye in self.eyes.items():
            points.append(eye_points(eye.centre, eye.radius, *gaze[side]))
        for name in BITE_PARTS:
            still = self.bite[name]
            points.append(still @ jaw[:, :3].T + jaw[:, 3] if name in LOWER else still)
        points.append(eye_fronts(self.eyes))
        return (head_axes(np.concatenate(points)) / self.unit).astype(np.float32)

    def _mend_lids(
        self, body: Points, weights: Mapping[str, float], gaze: Mapping[str, tuple[float, float]]
    ) -> None:
        """Shut the lids in place as far as the blink asks, keep them apart and off the eyeball."""
        for side, lids in self.template.lids.items():
            eye, name = self.eyes[side], f"eyeBlink{side.capitalize()}"
            closure = min(weights.get(name, 0.0), 1.0)
            if any(unit.startswith(_LID_UNITS) for unit in weights):
                opened = self._opened(body, weights, lids, eye, name)
                keep_rings_in_order(body, self.body, lids, eye)
                if closure > 0 or lids.aperture(body, eye).open_deg < 0:
                    lids.finish_closing(body, eye, opened, closure)
                    keep_rings_in_order(body, self.body, lids, eye)
            self.template.sockets[side].keep_outside(body, eye, gaze[side])

    def _opened(
        self, body: Points, weights: Mapping[str, float], lids: LidRings, eye: Eye, blink: str
    ) -> Aperture:
        """Open the lids by the blink taken away, nowhere less than 0."""
        unblinked = body
        if weights.get(blink):
            target = self.template.units[blink]
            unblinked = body.copy()
            unblinked[target.rows] -= weights[blink] * target.offsets
        now = lids.aperture(unblinked, eye)
        return Aperture(side=now.side, upper=np.maximum(now.upper, now.lower), lower=now.lower)


def rigid_motion(before: Points, after: Points) -> Float[np.ndarray, "3 4"]:
    """Fit the turn and shift that best take points to others: an affine matrix on points.

    Source: Kabsch, A solution for the best rotation to relate two sets of vectors, 1976.
    """
    start, end = before.mean(axis=0), after.mean(axis=0)
    left, _, right = np.linalg.svd((after - end).T @ (before - start))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = (left * sign) @ right
    return np.column_stack([turn, end - turn @ start])


def read_gaze(template: MakeHumanTemplate) -> Gaze:
    """Read the turns of the eyes from how the units move the eyes of the base mesh."""
    base = template.assets.base
    turns: dict[str, dict[str, tuple[float, float]]] = {}
    for name, target in template.units.items():
        moved = base.points.copy()
        moved[target.rows] += target.offsets
        for side, letter in zip(SIDES, "lr", strict=True):
            rows = base.points_of(f"helper-{letter}-eye")
            if np.abs(moved[rows] - base.points[rows]).max() < 1e-6:
                continue
            turn = rigid_motion(base.points[rows], moved[rows])[:, :3]
            ahead = turn @ np.array([0.0, -1.0, 0.0])
            yaw, pitch = np.arctan2(ahead[0], -ahead[1]), np.arcsin(ahead[2])
            turns.setdefault(name, {})[side] = float(np.rad2deg(yaw)), float(np.rad2deg(pitch))
    return Gaze(turns=turns)


class MakeHumanFamily:
    """Heads of the parametric base mesh hm08 with the ARKit face units.

    An identity's name, such as `mh-7-00012`, holds the seed and the number that it is drawn from.
    """

    name = "makehuman"

    def __init__(self, assets: Path, units: Path) -> None:
        """Name the folder of the CC0 head assets and that of the face units; both are read late."""
        self._folders = assets, units

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
        """Names of so many sampled identities.

        Raises:
            ValueError: no count is given: there are as many identities as one asks for.
        """
        if count is None:
            raise ValueError("makehuman samples its identities: say how many")
        return tuple(f"mh-{seed}-{index:05d}" for index in range(count))

    def head(self, identity: str) -> HeadMesh:
        """Build one identity with what it wears; a name is the same head on every machine.

        Raises:
            SourceError: the name is not one of this family's, or an asset is missing.
        """
        bare = self.shaped(identity, identity_shape(identity))
        return dress(bare, np.random.default_rng([*_numbers(identity), 1]))

    def shaped(self, identity: str, shape: HeadShape) -> HeadMesh:
        """Make a head of a given shape under a name, which wears nothing."""
        template = self._template
        motion = self._motion(shape)
        still = motion.vertices(motion.body, dict.fromkeys(SIDES, (0.0, 0.0)), np.eye(3, 4))
        count = len(still)
        return HeadMesh(
            family=self.name,
            identity=identity,
            triangles=template.triangles,
            parts=template.parts,
            rest=still,
            canonical=template.canonical,
            regions=template.regions,
            eye_angle=template.eye_angle,
            controls=tuple(template.units),
            shapes=motion,
            left_eye_vertices=np.array([count - 2]),
            right_eye_vertices=np.array([count - 1]),
            nose_tip=template.vertex_of(NOSE_TIP),
            mouth_left=template.vertex_of(MOUTH_CORNERS["left"]),
            mouth_right=template.vertex_of(MOUTH_CORNERS["right"]),
            chin=template.vertex_of(CHIN),
            notes={"gender": shape.gender, "age": shape.age, "weight": shape.weight},
        )

    def _motion(self, shape: HeadShape) -> MakeHumanMotion:
        template, assets = self._template, self._assets
        body = shaped_body(assets, shape)
        eyes = fitted_eyes(assets, body)
        middle = np.mean([eye.centre for eye in eyes.values()], axis=0)
        body -= middle
        eyes = {s: Eye(centre=eye.centre - middle, radius=eye.radius) for s, eye in eyes.items()}
        for side, socket in template.sockets.items():
            socket.keep_outside(body, eyes[side], (0.0, 0.0))
        mouth = set_mouth(assets, body, template.rows, template.skin, template.hollow)
        return MakeHumanMotion(
            template=template,
            body=body,
            eyes=eyes,
            mouth=mouth,
            bite={name: mouth.placement.placed(p) for name, p in template.bite.points.items()},
            gaze=self._gaze,
            jaw=assets.base.points_of(JAW_GROUP),
            unit=float(np.linalg.norm(eyes["left"].centre - eyes["right"].centre)),
        )

    @cached_property
    def _assets(self) -> HeadAssets:
        return read_assets(self._folders[0])

    @cached_property
    def _template(self) -> MakeHumanTemplate:
        return read_template(self._assets, self._folders[1])

    @cached_property
    def _gaze(self) -> Gaze:
        return read_gaze(self._template)


def identity_shape(identity: str) -> HeadShape:
    """Return the shape that a name stands for.

    Raises:
        SourceError: the name is not one of this family's.
    """
    random = np.random.default_rng(_numbers(identity))
    return sample_shape(random, exaggeration=float(random.uniform(*_EXAGGERATION)))


def _numbers(identity: str) -> list[int]:
    """Read the seed and the number in a name."""
    found = _NAME.fullmatch(identity)
    if not found:
        raise SourceError(
            f"{identity!r} is no MakeHuman identity. Names read mh-SEED-NUMBER, as mh-7-00012."
        )
    return [int(found[1]), int(found[2])]
