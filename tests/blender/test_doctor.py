"""The doctor, run by the add-on in real Blender."""

import sys

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("registered")]


def test_the_doctor_speaks_in_the_preferences() -> None:
    assert bpy.ops.reggan.doctor() == {"FINISHED"}
    first, *others = bpy.context.window_manager.reggan_doctor.splitlines()
    assert first.startswith("Works: cpu")
    assert any(f"Python {sys.version_info[0]}." in line for line in others)
