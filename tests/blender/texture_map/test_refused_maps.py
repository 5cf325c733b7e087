"""Heads and maps that cannot be changed: what is said of each, and that nothing is left."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from .worn_head import everything, nodes_of, set_field, several  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda head: head.data.materials.clear(), "has no material"),
        (lambda head: head.select_set(False) or unlink_active(), "Select the mesh with the face"),
        (lambda head: remove_uvs(head), "no UV map: unwrap"),
        (lambda head: second_image(head), "mixes 2 images .*Choose the one with the face"),
        (lambda head: unlink_colour(head), "no image as its base colour.*choose the image"),
        (lambda head: scale_mapping(head), "Mapping node.*reset"),
        (lambda head: by_object(head), "not laid out by a UV map.*Connect a UV Map node"),
        (lambda head: set_field("uv_map", "nowhere"), "no UV map 'nowhere'; it has lightmap, Haut"),
        (lambda head: several(), "No expression is chosen"),
        (lambda head: set_field("material", bpy.data.materials.new("x")), "has no material 'x'"),
    ],
)
def test_what_cannot_be_done_is_said(head: Any, change: Callable[[Any], Any], reason: str) -> None:
    change(head)
    before = everything()
    with pytest.raises(RuntimeError, match=reason):
        bpy.ops.reggan.edit_texture()
    assert everything() == before


def unlink_active() -> None:
    bpy.context.view_layer.objects.active = None


def remove_uvs(head: Any) -> None:
    while head.data.uv_layers:
        head.data.uv_layers.remove(head.data.uv_layers[0])


def second_image(head: Any) -> None:
    tree, shader, shown = nodes_of(head)
    mix, other = tree.nodes.new("ShaderNodeMixRGB"), tree.nodes.new("ShaderNodeTexImage")
    other.image = bpy.data.images.new("make-up", 4, 4)
    tree.links.new(shown.outputs["Color"], mix.inputs["Color1"])
    tree.links.new(other.outputs["Color"], mix.inputs["Color2"])
    tree.links.new(mix.outputs["Color"], shader.inputs["Base Color"])


def unlink_colour(head: Any) -> None:
    tree, shader, _ = nodes_of(head)
    tree.links.remove(shader.inputs["Base Color"].links[0])


def scale_mapping(head: Any) -> None:
    tree, _, shown = nodes_of(head)
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value[0] = 2.0
    tree.links.new(mapping.outputs["Vector"], shown.inputs["Vector"])


def by_object(head: Any) -> None:
    tree, _, shown = nodes_of(head)
    source = tree.nodes.new("ShaderNodeTexCoord")
    tree.links.new(source.outputs["Object"], shown.inputs["Vector"])


@pytest.mark.skipif(os.name == "nt", reason="the environment is a shell script")
def test_an_environment_without_textures_says_what_to_do(
    head: Any, reggan_python: Path, tmp_path: Path
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys; sys.modules['embreex'] = None\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{hidden}" exec "{reggan_python}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    preferences = bpy.context.preferences.addons["blender_addon"].preferences
    before = preferences.environment
    preferences.environment = str(python)
    try:
        with pytest.raises(RuntimeError, match=r"needs embreex.*pip install.*textures"):
            bpy.ops.reggan.edit_texture()
    finally:
        preferences.environment = before
