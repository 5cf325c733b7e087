"""The user's own rig, teeth and choice of a mouth, given to a model that lays a rig over faces."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import CropPixels
from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.errors import Remark, UsageError
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.rig.mouth_drawing import MOUTH_STYLES, MouthLook, MouthStyle
from reggan_plugin.rig.own_rig import RigMesh, own_rig
from reggan_plugin.rig.own_teeth import own_mouth
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.rig.skin_motion import Landmarks
from reggan_plugin.rig.template_fit import template
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

_SHIFTS = ((0.0, 0.0), (0.02, 0.01), (-0.02, 0.01), (0.0, -0.02))
"""Of crops whose landmarks are averaged, in parts of their side: one alone is off by its grid."""
_MOST_NAMED = 12
"""Shapes of names that nobody knows."""


def wear_rig(
    source: AnswerSource,
    finder: FaceFinder,
    rig: RigMesh | None,
    teeth: RigMesh | None,
    mouth: MouthStyle,
) -> tuple[Remark, ...]:
    """Let a model's source answer with another rig and mouth; remarks for the user.

    Raises:
        UsageError: the model lays no rig over faces, or one of these is of another type.
        MeshError: the rig has no shapes, or the teeth are none.
        FaceNotFoundError: the rig shows no face.
    """
    if not isinstance(source, RigSource):
        raise UsageError(
            f"The model {source.card.name} lays no rig over faces, so it cannot take one of your "
            "own, nor other teeth. Take a model of contract 3, such as the default one.",
            kind="model-takes-no-rig",
        )
    for name, mesh in (("rig", rig), ("teeth", teeth)):
        if not isinstance(mesh, RigMesh | None):
            raise UsageError(f"{name} is a {type(mesh).__name__}; expected what read_rig gives.")
    if not isinstance(mouth, str) or mouth not in MOUTH_STYLES:
        raise UsageError(f"mouth is {mouth!r}; expected one of {', '.join(MOUTH_STYLES)}.")
    own = None
    remarks: tuple[Remark, ...] = ()
    inside = None
    if rig is not None:
        own = own_rig(template(), rig, lambda picture: landmarks_in(picture, finder, source))
        source.template = own.template
        inside = own_mouth(rig, own)
        remarks = tuple(_remarks(rig, own.missing))
    if teeth is not None:
        inside = own_mouth(teeth)
    source.mouth = MouthLook(style=mouth, rig=inside)
    return remarks


def landmarks_in(picture: CropPixels, finder: FaceFinder, source: RigSource) -> Landmarks | None:
    """Landmarks of the largest face, in parts of the picture's side; None if there is no face."""
    crops = finder.find(picture, FaceChoice())
    if not crops:
        return None
    places, sigma = [], []
    for x, y in _SHIFTS:
        side_px = crops[0].side_px * crops[0].scale
        crop = crops[0].moved(x * side_px, y * side_px)
        found = source.landmarks(np.clip(cut_crop(picture, crop), 0, 1).astype(np.float32))
        places.append(crop.place(found.places * crop.side_px) / len(picture))
        sigma.append(found.sigma * side_px / len(picture))
    return Landmarks(places=np.mean(places, axis=0), sigma=np.mean(sigma, axis=0))


def _remarks(rig: RigMesh, missing: tuple[str, ...]) -> Iterator[Remark]:
    """Remarks on what a rig lacks, and on what it has under names that nobody knows."""
    name = Path(rig.name).name
    if missing:
        count = len(ARKIT_SHAPES) - len(missing)
        yield Remark(
            f"{name} has {count} of the {len(ARKIT_SHAPES)} face shapes; these stay the "
            f"template's: {', '.join(missing)}."
        )
    if missing and rig.unknown:
        others = len(rig.unknown) - _MOST_NAMED
        more = f" and {others} more" if others > 0 else ""
        yield Remark(
            f"{name} has {len(rig.unknown)} shapes of names that are none of ARKit's: "
            f"{', '.join(rig.unknown[:_MOST_NAMED])}{more}. Rename them to ARKit's "
            "names if they mean the same."
        )
