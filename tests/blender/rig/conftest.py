"""A head before a camera."""

import math
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """A head before a camera at (0, -1, 0), in a saved file; three frames."""
    import bpy
    from mathutils import Matrix

    from .tracked_head import SIZE

    for found in list(bpy.data.objects):
        bpy.data.objects.remove(found)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, segments=24, ring_count=16)
    head = bpy.context.object
    head.name = "Kopf Ä 頭"
    head.data.transform(Matrix.Diagonal((0.09, 0.09, 0.12, 1)))
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0, -1, 0), (math.pi / 2, 0, 0)
    scene = bpy.context.scene
    scene.camera = camera
    scene.frame_start, scene.frame_end = 1001, 1003
    render = scene.render
    render.resolution_x, render.resolution_y = SIZE
    render.resolution_percentage = 100
    scene.reggan_head.head = head
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "Szene ü 1.blend"))
    return scene
