"""Blend shapes of a USD mesh as shapes of a rig."""

from pathlib import Path

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom, UsdSkel, Vt

from reggan_plugin.errors import MeshError
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.read_rig import read_rig
from reggan_plugin.textures.usd_character import files_of_usd

from ..glb_files import GlbContent, glb_bytes


def write_usd(path: Path, rows: list[int]) -> None:
    """A square, half as large in the world, whose first corner drops with the jaw."""
    stage = Usd.Stage.CreateNew(str(path))
    mesh = UsdGeom.Mesh.Define(stage, "/Head")
    mesh.AddScaleOp().Set(Gf.Vec3f(0.5, 0.5, 0.5))
    mesh.GetPointsAttr().Set([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)])
    mesh.GetFaceVertexCountsAttr().Set([4])
    mesh.GetFaceVertexIndicesAttr().Set([0, 1, 2, 3])
    shape = UsdSkel.BlendShape.Define(stage, "/Head/jaw")
    shape.GetOffsetsAttr().Set([(0, -1, 0)])
    shape.GetPointIndicesAttr().Set(Vt.IntArray(rows))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateBlendShapesAttr(["face_JawOpen"])
    binding.CreateBlendShapeTargetsRel().SetTargets(["/Head/jaw"])
    stage.GetRootLayer().Save()


def test_blend_shapes_are_read_in_the_world_s_units(tmp_path: Path) -> None:
    path = tmp_path / "head.usda"
    write_usd(path, [0])
    mesh = read_rig(path)
    moved = mesh.shapes["jawOpen"]
    assert len(mesh.points) == 4  # corners in one place are one
    still = np.abs(mesh.points).max(axis=1) > 0
    assert np.allclose(moved[~still], [[0, -0.5, 0]])
    assert not moved[still].any()


def heights_and_sides(path: Path) -> list[tuple[float, float]]:
    """Of each part of triangles across z: where it is, and where its first triangle looks."""
    parts = load_mesh(path).character.parts
    corners = [part.positions[part.faces[0]] for part in parts]
    return [(a[2], float(np.sign(np.cross(b - a, c - a)[2]))) for a, b, c in corners]


def test_what_usd_hides_counts_where_nothing_else_is_there(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateNew(str(tmp_path / "a.usda"))
    for z, name in enumerate(("Shown", "Hidden", "Guide", "Proxy")):
        mesh = UsdGeom.Mesh.Define(stage, f"/{name}")
        mesh.GetPointsAttr().Set([(0, 0, z), (1, 0, z), (0, 1, z)], 7 if name == "Shown" else 0)
        mesh.GetFaceVertexCountsAttr().Set([3])
        mesh.GetFaceVertexIndicesAttr().Set([0, 1, 2])
    UsdGeom.Mesh(stage.GetPrimAtPath("/Hidden")).MakeInvisible()
    for name in ("Guide", "Proxy"):
        UsdGeom.Mesh(stage.GetPrimAtPath(f"/{name}")).CreatePurposeAttr(name.lower())
    stage.GetRootLayer().Save()
    assert heights_and_sides(tmp_path / "a.usda") == [(0.0, 1.0)]
    stage.RemovePrim("/Shown")
    stage.GetRootLayer().Save()
    assert [z for z, _ in heights_and_sides(tmp_path / "a.usda")] == [1.0, 2.0, 3.0]


def test_a_skinned_mesh_stands_where_it_was_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.usda"
    stage = Usd.Stage.CreateNew(str(path))
    UsdSkel.Root.Define(stage, "/Hero").AddTranslateOp().Set(Gf.Vec3d(0, 0, 10))
    UsdSkel.Skeleton.Define(stage, "/Hero/Bones").AddTranslateOp().Set(Gf.Vec3d(0, 0, 5))
    for name in ("Skinned", "Rigid"):
        mesh = UsdGeom.Mesh.Define(stage, f"/Hero/{name}")
        mesh.AddTranslateOp().Set(Gf.Vec3d(0, 0, 1))
        mesh.GetPointsAttr().Set([(0, 0, 0), (1, 0, 0), (0, 1, 0)])
        mesh.GetFaceVertexCountsAttr().Set([3])
        mesh.GetFaceVertexIndicesAttr().Set([0, 1, 2])
    binding = UsdSkel.BindingAPI.Apply(stage.GetPrimAtPath("/Hero/Skinned"))
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d().SetTranslate(Gf.Vec3d(0, 0, 100)))
    binding.CreateSkeletonRel().SetTargets(["/Hero/Bones"])
    binding.CreateJointIndicesPrimvar(True, 1).Set([0])
    stage.GetRootLayer().Save()
    assert [z for z, _ in heights_and_sides(path)] == [115.0, 11.0]


def test_transforms_that_have_samples_alone_count_at_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.usda"
    stage = Usd.Stage.CreateNew(str(path))
    group = UsdGeom.Xform.Define(stage, "/Group")
    group.AddScaleOp().Set(Gf.Vec3f(2, 2, 2))
    for name, is_sampled in (("Moving", True), ("Still", False)):
        mesh = UsdGeom.Mesh.Define(stage, f"/Group/{name}")
        moved = mesh.AddTranslateOp()
        for frame in (1001, 1010):
            moved.Set(Gf.Vec3d(0, 0, frame - 996), frame)
        if not is_sampled:
            moved.Set(Gf.Vec3d(0, 0, 3))
        mesh.GetPointsAttr().Set([(0, 0, 0), (1, 0, 0), (0, 1, 0)])
        mesh.GetFaceVertexCountsAttr().Set([3])
        mesh.GetFaceVertexIndicesAttr().Set([0, 1, 2])
    stage.GetRootLayer().Save()
    assert [z for z, _ in heights_and_sides(path)] == [10.0, 6.0]


@pytest.mark.parametrize("is_glb", [False, True])
def test_a_mirrored_mesh_looks_where_it_looked(tmp_path: Path, is_glb: bool) -> None:
    path = tmp_path / ("a.glb" if is_glb else "a.usda")
    points = np.array([(0, 0, 2), (1, 0, 2), (0, 1, 2)], np.float32)
    if is_glb:
        content = GlbContent()
        place = content.accessor(points, "VEC3", 5126)
        document = {"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "scene": 0}
        document["nodes"] = [{"mesh": 0, "scale": [-1, 1, 1]}]
        document["meshes"] = [{"primitives": [{"attributes": {"POSITION": place}}]}]
        path.write_bytes(glb_bytes({**document, **content.tables()}, bytes(content.content)))
    else:
        stage = Usd.Stage.CreateNew(str(path))
        mesh = UsdGeom.Mesh.Define(stage, "/Head")
        mesh.AddScaleOp().Set(Gf.Vec3f(-1, 1, 1))
        mesh.GetPointsAttr().Set(Vt.Vec3fArray.FromNumpy(points))
        mesh.GetFaceVertexCountsAttr().Set([3])
        mesh.GetFaceVertexIndicesAttr().Set([0, 1, 2])
        stage.GetRootLayer().Save()
    assert heights_and_sides(path) == [(2.0, 1.0)]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([7], "'face_JawOpen' has point indices from 7 to 7; expected 0 to 3"),
        ([0, 1], "'face_JawOpen' has 1 offsets, expected 2, one for each of its point indices"),
        ([], "'face_JawOpen' has 1 offsets, expected 4, one for each point"),
    ],
)
def test_a_shape_whose_offsets_fit_no_points_is_refused(
    tmp_path: Path, rows: list[int], found: str
) -> None:
    path = tmp_path / "head.usda"
    write_usd(path, rows)
    with pytest.raises(MeshError, match=found):
        read_rig(path)


def test_text_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "head.usda"
    path.write_bytes(b'#usda 1.0\n(\n    doc = "K\xfcnstler"\n)\n')
    with pytest.raises(MeshError, match="cannot be opened as USD"):
        files_of_usd(path)
