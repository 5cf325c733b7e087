"""Heads of the families as a user's own rig: their mesh, shapes and colours, and no landmarks."""

from typing import Final

import numpy as np

from reggan_plugin.faces.face_finder import FaceFinder
from reggan_plugin.rig.own_rig import OwnRig, RigMesh, own_rig
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.rig.template_fit import template
from reggan_plugin.transfer.model_with_own_rig import landmarks_in
from reggan_training.heads.head import REGIONS, HeadMesh, Part

_COLOURS: Final = {
    Part.SKIN: (0.8, 0.6, 0.5), Part.EYE: (0.92, 0.9, 0.88), Part.TEETH: (0.9, 0.88, 0.8),
    Part.GUMS: (0.6, 0.3, 0.3), Part.TONGUE: (0.6, 0.3, 0.3), Part.MOUTH: (0.35, 0.12, 0.1),
    Part.SOCKET: (0.2, 0.1, 0.1), Part.LASHES: (0.1, 0.08, 0.07), Part.HAIR: (0.2, 0.15, 0.1),
    Part.BEARD: (0.2, 0.15, 0.1), Part.BROWS: (0.2, 0.15, 0.1), Part.GLASSES: (0.1, 0.1, 0.1),
    Part.CLOTHES: (0.3, 0.3, 0.4),
}  # fmt: skip
_PAINTED: Final = {"lips": (0.65, 0.3, 0.3), "brows": (0.22, 0.15, 0.1)}
_IRIS_RAD, _PUPIL_RAD = 0.45, 0.2


def rig_of(head: HeadMesh, source: RigSource) -> OwnRig:
    """The template with a head's shapes, as a user's file of the head would give it."""
    card = source.card
    finder = FaceFinder(card.canonical_points, card.image_size_px)
    mesh = rig_mesh_from_head(head)
    return own_rig(template(), mesh, lambda picture: landmarks_in(picture, finder, source))


def rig_mesh_from_head(head: HeadMesh) -> RigMesh:
    """What a file of the head would hold. Heads without textures get plain colours."""
    rest = head.rest.astype(float)
    return RigMesh(
        name=head.identity,
        points=rest,
        triangles=head.triangles,
        parts=head.parts,
        shapes={name: head.vertices({name: 1.0}) - rest for name in head.controls},
        fronts=(np.eye(3),),
        colours=lambda rows, weights: _colours(head, rows, weights),
    )


def _colours(head: HeadMesh, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    corners, part = head.triangles[rows], head.parts[rows]
    colours = np.array([_COLOURS[one] for one in Part], np.float32)[part]
    if head.textures and head.uv is not None and head.texture_of is not None:
        at = (head.uv[corners] * weights[..., None]).sum(axis=1) % 1
        for number, texture in enumerate(head.textures):
            here = head.texture_of[rows] == number
            size = np.array(texture.shape[1::-1])
            x, y = np.clip((at[here] * size).astype(int), 0, size - 1).T
            colours[here] = texture[y, x, :3] / 255
        return colours
    regions = (head.regions[corners] / 255 * weights[..., None]).sum(axis=1)
    for name, colour in _PAINTED.items():
        share = (regions[:, REGIONS.index(name)] * (part == Part.SKIN))[:, None]
        colours += share * (np.array(colour) - colours)
    angle = (head.eye_angle[corners] * weights).sum(axis=1)
    colours[(part == Part.EYE) & (angle < _IRIS_RAD)] = (0.3, 0.4, 0.5)
    colours[(part == Part.EYE) & (angle < _PUPIL_RAD)] = 0.03
    return colours.astype(np.float32)
