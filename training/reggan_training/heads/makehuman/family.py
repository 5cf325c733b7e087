"""MakeHuman heads: any number of sampled identities on one CC0 base mesh."""

import re
from functools import cached_property
from pathlib import Path

import numpy as np

from reggan_plugin.errors import SourceError
from reggan_training.heads.anatomy.assets import HeadAssets, read_assets
from reggan_training.heads.anatomy.eyeball import Eye
from reggan_training.heads.anatomy.head import CHIN, MOUTH_CORNERS, NOSE_TIP, SIDES, set_mouth
from reggan_training.heads.anatomy.head_shape import HeadShape, sample_shape, shaped_body
from reggan_training.heads.head import HeadMesh
from reggan_training.heads.makehuman.mean import fitted_eyes
from reggan_training.heads.makehuman.motion import Gaze, MakeHumanMotion, read_gaze
from reggan_training.heads.makehuman.template import JAW_GROUP, MakeHumanTemplate, read_template
from reggan_training.heads.worn.dress import dress

_NAME = re.compile(r"mh-(\d+)-(\d+)")
_EXAGGERATION = (0.6, 1.2)


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
        """A head of a given shape under a name, which wears nothing."""
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
    """The shape that a name stands for.

    Raises:
        SourceError: the name is not one of this family's.
    """
    random = np.random.default_rng(_numbers(identity))
    return sample_shape(random, exaggeration=float(random.uniform(*_EXAGGERATION)))


def _numbers(identity: str) -> list[int]:
    """The seed and the number in a name."""
    found = _NAME.fullmatch(identity)
    if not found:
        raise SourceError(
            f"{identity!r} is no MakeHuman identity. Names read mh-SEED-NUMBER, as mh-7-00012."
        )
    return [int(found[1]), int(found[2])]
