"""Motion of a MakeHuman head from ARKit weights: the units' sums, then lids, lips, jaw and eyes.

The units are linear; what sums of them would spoil is mended: lids shut as far as asked on every
eye and stay outside the eyeball, lips stay before the teeth.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.anatomy.eyeball import Eye, eye_points
from reggan_training.heads.anatomy.head import SIDES, Mouth
from reggan_training.heads.anatomy.lids import Aperture, LidRings
from reggan_training.heads.anatomy.meshes import Points
from reggan_training.heads.anatomy.teeth import LOWER, keep_before_teeth
from reggan_training.heads.makehuman.lashes import lash_points
from reggan_training.heads.makehuman.mean import BITE_PARTS, eye_fronts, head_axes
from reggan_training.heads.makehuman.sockets import keep_rings_in_order
from reggan_training.heads.makehuman.template import MakeHumanTemplate

_LID_UNITS = ("eye", "cheekSquint")
"""Prefixes of the units that move the lids by more than a hair."""


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

    def moved(
        self, rest: Float[np.ndarray, "vertices 3"], weights: Mapping[str, float]
    ) -> Float[np.ndarray, "vertices 3"]:
        """Vertices with these weights, float32, eye distances."""
        used = {name: float(weight) for name, weight in weights.items() if weight}
        if not used:
            return rest.astype(np.float32)
        body = self.body.copy()
        for name, weight in used.items():
            target = self.template.units[name]
            body[target.points] += weight * target.deltas
        gaze = {side: self.gaze.of(used, side) for side in SIDES}
        self._mend_lids(body, used, gaze)
        jaw = rigid_motion(self.body[self.jaw], body[self.jaw])
        keep_before_teeth(self.mouth.bite, self.mouth.placement, self.mouth.room, body, jaw)
        return self.vertices(body, gaze, jaw)

    def vertices(
        self,
        body: Points,
        gaze: Mapping[str, tuple[float, float]],
        jaw: Float[np.ndarray, "3 4"],
    ) -> Float[np.ndarray, "vertices 3"]:
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
        self,
        body: Points,
        weights: Mapping[str, float],
        gaze: Mapping[str, tuple[float, float]],
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
        """The opening of the lids without the blink, nowhere less than 0."""
        unblinked = body
        if weights.get(blink):
            target = self.template.units[blink]
            unblinked = body.copy()
            unblinked[target.points] -= weights[blink] * target.deltas
        now = lids.aperture(unblinked, eye)
        return Aperture(side=now.side, upper=np.maximum(now.upper, now.lower), lower=now.lower)


def rigid_motion(before: Points, after: Points) -> Float[np.ndarray, "3 4"]:
    """The turn and shift that best take points to others: an affine matrix on points.

    Source: Kabsch, A solution for the best rotation to relate two sets of vectors, 1976.
    """
    start, end = before.mean(axis=0), after.mean(axis=0)
    left, _, right = np.linalg.svd((after - end).T @ (before - start))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = (left * sign) @ right
    return np.column_stack([turn, end - turn @ start])


def read_gaze(template: MakeHumanTemplate) -> Gaze:
    """The turns of the eyes from how the units move the eyes of the base mesh."""
    base = template.assets.base
    turns: dict[str, dict[str, tuple[float, float]]] = {}
    for name, target in template.units.items():
        moved = base.points.copy()
        moved[target.points] += target.deltas
        for side, letter in zip(SIDES, "lr", strict=True):
            rows = base.points_of(f"helper-{letter}-eye")
            if np.abs(moved[rows] - base.points[rows]).max() < 1e-6:
                continue
            turn = rigid_motion(base.points[rows], moved[rows])[:, :3]
            ahead = turn @ np.array([0.0, -1.0, 0.0])
            yaw, pitch = np.arctan2(ahead[0], -ahead[1]), np.arcsin(ahead[2])
            turns.setdefault(name, {})[side] = float(np.rad2deg(yaw)), float(np.rad2deg(pitch))
    return Gaze(turns=turns)
