"""Pixels do not change without a new revision, by which `--resume` tells earlier frames."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from reggan_plugin.jobs.frame_record import PICTURE_REVISION
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from .sample_frames import SAMPLES

SHOWN = Path(__file__).with_name("picture_revisions") / f"{PICTURE_REVISION}.png"
FACES = {
    "avatar_png/avatar.1001.png": "happy",
    "toon/toon.1001.png": "surprised",
    "statue/statue.1001.png": "sad",
}
"""Sample → what is asked of it."""
_AROUND_FACES = 475, 165, 805, 615
_PIXELS_IN_ONE = 3


def test_pictures_are_those_of_their_revision() -> None:
    transfer = ExpressionTransfer(device="cpu")
    faces = []
    for name, expression in FACES.items():
        with Image.open(SAMPLES / name) as frame:
            changed = transfer.apply(frame.convert("RGB"), expression)
        faces.append(np.asarray(changed.crop(_AROUND_FACES).reduce(_PIXELS_IN_ONE)))
    sheet = np.concatenate(faces, axis=1)
    if "NEW_PICTURE_REVISION" in os.environ:
        assert not SHOWN.exists(), "This revision has its picture. Raise PICTURE_REVISION first."
        SHOWN.parent.mkdir(exist_ok=True)
        Image.fromarray(sheet).save(SHOWN)
    with Image.open(SHOWN) as shown:
        difference = np.abs(sheet.astype(int) - np.asarray(shown))
    # other processors round differently, but not so that an average of nine pixels shows it
    assert difference.max() <= 1, (
        "Pixels have changed: raise PICTURE_REVISION, and write its picture by running this test "
        "with NEW_PICTURE_REVISION=1."
    )
