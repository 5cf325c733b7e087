"""A head of somebody's own as a GLB: the template's mesh, painted, with eyeballs.

What its rig has to be is known: the template's shapes, each times a factor.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from reggan_plugin.rig.dense_landmarks import SIDES, eye_rows
from reggan_plugin.rig.mouth_drawing import GUM, TOOTH, mouth_rig
from reggan_plugin.rig.template_fit import template
from tests.rig.drawn_face import drawn_face, placed
from tests.training.heads.glb_face import GlbWriter

FACTORS = {"browInnerUp": 1.8, "jawOpen": 1.2, "mouthSmileLeft": 0.6, "mouthSmileRight": 0.6}
METRES, AT = 0.063, np.array([0.1, 1.6, 0.05])
TEETH, TEETH_AT = 0.9, np.array([0.0, -1.14, 0.4])
"""Size of the denture in parts of ours, and where its incisors are in the template."""
_BALL, _BEHIND = 0.24, 0.28


def write_head(
    path: Path,
    *,
    rename: Callable[[str], str] = str,
    without: tuple[str, ...] = (),
    factors: Mapping[str, float] = FACTORS,
    turn: np.ndarray | None = None,
    teeth: bool = False,
) -> None:
    """Write the head.

    Args:
        path: the file.
        rename: what a shape is called in the file.
        without: shapes that it lacks.
        factors: on the template's shapes.
        turn: rotation of everything.
        teeth: with a denture, in meshes of their own.
    """
    turn = np.eye(3) if turn is None else turn
    rig, writer = template(), GlbWriter()
    picture, _ = drawn_face()
    levels = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    material = {
        "name": "Skin",
        "pbrMetallicRoughness": {
            "baseColorTexture": {"index": writer.add_texture(Image.fromarray(levels))}
        },
    }
    offsets = {
        rename(name): factors.get(name, 1.0) * METRES * moved @ turn.T
        for name, moved in rig.shapes.items()
        if name not in without
    }
    points = (rig.rest * METRES + AT) @ turn.T
    writer.add("Head", points, rig.triangles, offsets, material, placed(rig.rest))
    for side in SIDES:
        ball, faces = _ball(rig.landmarks[eye_rows(side)].mean(axis=0))
        own = {**material, "name": "Eye"}
        writer.add(f"Eye_{side}", (ball * METRES + AT) @ turn.T, faces, {}, own, placed(ball))
    if teeth:
        add_teeth(writer, lambda own: ((TEETH * own + TEETH_AT) * METRES + AT) @ turn.T)
    writer.write(path)


def add_teeth(
    writer: GlbWriter, place: Callable[[np.ndarray], np.ndarray], *, name: str | None = None
) -> None:
    """Add the package's own teeth and gums, red as no teeth are, each row a mesh; `name` is that of
    all, by which nobody knows them.
    """
    ours = mouth_rig()
    for part, word, colour in (
        (TOOTH, "Teeth", [0.8, 0.1, 0.1, 1]),
        (GUM, "Gums", [0.1, 0.1, 0.8, 1]),
    ):
        for lower in (False, True):
            own = (ours.part == part) & ((ours.jaw > 0.5) == lower)
            rows = np.flatnonzero(own)
            number = np.zeros(len(own), int)
            number[rows] = np.arange(len(rows))
            faces = number[ours.triangles[own[ours.triangles].all(axis=1)]]
            called = name or word
            material = {"name": called, "pbrMetallicRoughness": {"baseColorFactor": colour}}
            writer.add(called, place(ours.points[rows]), faces, {}, material)


def _ball(middle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An eyeball behind an opening of the lids."""
    turn, height = np.meshgrid(np.linspace(0, 2 * np.pi, 33), np.linspace(-0.99, 0.99, 17))
    across = np.sqrt(1 - height**2)
    unit = np.stack([across * np.cos(turn), height, across * np.sin(turn)], axis=-1)
    points = middle + [0, 0, -_BEHIND] + _BALL * unit.reshape(-1, 3)
    first = (np.arange(16)[:, None] * 33 + np.arange(32)).ravel()
    up, right = first + 33, first + 1
    return points, np.concatenate(
        [np.stack([first, up, right], 1), np.stack([up, up + 1, right], 1)]
    )
