"""Blend shapes of a USD mesh as shapes of a rig."""

from pathlib import Path

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom, UsdSkel, Vt

from reggan_plugin.errors import MeshError
from reggan_plugin.textures.rig_mesh import read_rig


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


def test_a_shape_of_points_that_are_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.usda"
    write_usd(path, [7])
    with pytest.raises(MeshError, match="'face_JawOpen' has 1 offsets for 1 of 4 points"):
        read_rig(path)
