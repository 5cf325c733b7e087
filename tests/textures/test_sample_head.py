"""The head that ships: its map changes, its shapes are ARKit's, and its own command makes it."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.rig.head_part import Part
from reggan_plugin.textures.read_rig import read_rig
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.rendering.shipped_head import main as make_head

from ..sample_frames import SAMPLES
from ..shared_data import SHARED_DATA

HEAD = SAMPLES / "head.glb"
LARGEST_BYTES = 1_500_000


def test_texture_changes_the_face_on_its_map(tmp_path: Path) -> None:
    before, after = tmp_path / "same.jpg", tmp_path / "happy.jpg"
    words = ["texture", "--mesh", str(HEAD), "--expression", "happy", "--out"]
    assert main([*words, str(before), "--intensity", "0"]) == 0
    assert main([*words, str(after)]) == 0
    old, new = (np.asarray(Image.open(path).convert("RGB"), np.int16) for path in (before, after))
    changed = np.abs(new - old).max(axis=2) > 24
    assert changed[560:760, 420:600].mean() > 0.08  # the mouth
    assert not changed[:, :150].any()  # the back of the head


def test_it_has_every_shape_and_is_small() -> None:
    assert HEAD.stat().st_size <= LARGEST_BYTES
    assert set(read_rig(HEAD).shapes) == set(ARKIT_SHAPES)


def test_eyes_and_teeth_are_told_by_their_form_where_all_has_one_name(tmp_path: Path) -> None:
    """Game avatars are often one mesh with one material."""
    content = HEAD.read_bytes()
    (length,) = struct.unpack("<I", content[12:16])
    document = json.loads(content[20 : 20 + length])
    for kind in ("nodes", "meshes", "materials", "images", "textures"):
        for one in document.get(kind, ()):
            one["name"] = "Body"
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = content[20 + length :]
    head = struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A)
    (tmp_path / "body.glb").write_bytes(head + text + rest)
    named, told = (read_rig(path).parts for path in (HEAD, tmp_path / "body.glb"))
    is_inside = np.isin(named, [Part.TEETH, Part.GUMS, Part.TONGUE])
    assert (told[named == Part.EYE] == Part.EYE).mean() > 0.95
    assert (told[is_inside] == Part.TEETH).mean() > 0.95
    assert np.isin(told[named == Part.SKIN], [Part.EYE, Part.TEETH]).mean() < 0.02


@pytest.mark.skipif(
    not (SHARED_DATA / "heads/faceunits01").is_dir(), reason=f"no head assets below {SHARED_DATA}"
)
def test_its_command_makes_the_same_head(tmp_path: Path) -> None:
    folders = [SHARED_DATA / "makehuman", SHARED_DATA / "heads/faceunits01"]
    words = ["--makehuman", str(folders[0]), "--face-units", str(folders[1])]
    make_head([*words, "--out", str(tmp_path / "again.glb")], standalone_mode=False)
    again, ships = (path.read_bytes() for path in (tmp_path / "again.glb", HEAD))
    assert abs(len(again) - len(ships)) < 2_000  # a codec of another version writes other bytes
