"""Morph targets of a glTF file, in the world and by name."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from reggan_plugin.textures.gltf.gltf_character import character_from_gltf
from reggan_plugin.textures.gltf.gltf_file import read_gltf


def test_a_morph_is_what_its_weight_adds(
    tmp_path: Path, head: object, write_head_glb: Callable[..., None]
) -> None:
    """Read as offsets, or as the difference that the file's own weight makes: the same points."""
    path = tmp_path / "head.glb"
    write_head_glb(path, head, image=b"")
    gltf = read_gltf(path)
    turned = copy.deepcopy(gltf.document)
    turned["nodes"][1] |= {"rotation": [0, np.sqrt(0.5), 0, np.sqrt(0.5)], "scale": [2, 3, 4]}
    still = character_from_gltf(replace(gltf, document=turned), with_morphs=True).parts[0]
    moving = copy.deepcopy(turned)
    moving["meshes"][0]["weights"] = [1.0]
    moved = character_from_gltf(replace(gltf, document=moving)).parts[0]
    (morph,) = still.morphs
    assert (morph.name, moved.morphs) == ("grow", ())
    assert np.abs(morph.offsets).max() > 0.01
    np.testing.assert_allclose(still.positions + morph.offsets, moved.positions, atol=1e-9)


def test_names_of_morphs_stand_beside_what_artists_note(
    tmp_path: Path, head: object, write_head_glb: Callable[..., None]
) -> None:
    path = tmp_path / "head.glb"
    write_head_glb(path, head, image=b"")
    gltf = read_gltf(path)
    document = copy.deepcopy(gltf.document)
    mesh = document["meshes"][0]
    mesh["primitives"].append(copy.deepcopy(mesh["primitives"][0]))
    mesh["primitives"][0]["extras"] = mesh["extras"]
    mesh["extras"] = {"artist": "somebody"}
    parts = character_from_gltf(replace(gltf, document=document), with_morphs=True).parts
    assert [morph.name for part in parts for morph in part.morphs] == ["grow", "grow"]
