"""Pictures of a new video."""

from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.errors import UnsupportedFormatError
from reggan_plugin.files.colour_management import colour_space_from_name
from reggan_plugin.files.exr.block_codec import exr_from_planes
from reggan_plugin.files.frame import Reading
from reggan_plugin.jobs.video_job import _shown


@pytest.mark.parametrize("origin", [(2, 3), (-2, -1), (0, 0), (20, 3), (-9, 0)])
def test_a_picture_lies_in_its_display_window(tmp_path: Path, origin: tuple[int, int]) -> None:
    """As renderers crop: the pixels of each frame begin elsewhere, and all have one size."""
    path, plane = tmp_path / "a.exr", np.linspace(0.1, 1, 48, dtype=np.float32).reshape(6, 8)
    path.write_bytes(exr_from_planes(dict.fromkeys("RGB", plane), origin, (10, 12)))
    whole = np.zeros((60, 60), np.float32)
    top, left = 20 + origin[0], 20 + origin[1]
    whole[top : top + 6, left : left + 8] = plane
    shown = _shown(path, Reading(), 0.0)
    assert shown.shape == (10, 12, 3)
    assert np.array_equal(shown[..., 0] > 0, whole[20:30, 20:32] > 0)


def test_a_picture_of_another_colour_space_is_shown_in_rec_709(tmp_path: Path) -> None:
    pytest.importorskip("PyOpenColorIO")
    path, red = tmp_path / "a.exr", (0.44, 0.058, 0.028)  # sRGB (177, 69, 44) as they stand
    planes = {c: np.full((4, 4), value, np.float32) for c, value in zip("RGB", red, strict=True)}
    path.write_bytes(exr_from_planes(planes, (0, 0), (4, 4)))
    of_aces = _shown(path, Reading(colour_space=colour_space_from_name("ACEScg")), 0.0)
    of_rec_709 = _shown(path, Reading(), 0.0)
    assert of_rec_709[0, 0].tolist() == pytest.approx([177, 69, 44], abs=4)
    assert of_aces[0, 0].tolist() == pytest.approx([220, 30, 30], abs=8)


def test_a_display_window_larger_than_any_picture_is_refused(tmp_path: Path) -> None:
    """Before memory is taken for it: the file has 64 pixels."""
    path, plane = tmp_path / "a.exr", np.full((8, 8), 0.5, np.float32)
    path.write_bytes(exr_from_planes(dict.fromkeys("RGB", plane), (0, 0), (45000, 45000)))
    with pytest.raises(UnsupportedFormatError, match="45000x45000"):
        _shown(path, Reading(), 0.0)
