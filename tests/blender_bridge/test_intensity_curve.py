"""The runtime reads from the file what was animated."""

from pathlib import Path

import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.expression_blend import write_curve
from reggan_plugin.jobs.intensity_curve import read_curve


def test_the_runtime_reads_each_frame_s_weights(tmp_path: Path) -> None:
    path = tmp_path / "Kürve 1.csv"
    weights = {1002: {"happy": 0.3, "jawOpen": 0.5}, 1001: {"happy": 0.0, "jawOpen": 0.0}}
    write_curve(path, {**weights, -3: {"happily surprised": 1.5}})
    curve = read_curve(path)
    assert curve.mix_at(-3).intensities["happily surprised"] == 1.5
    assert curve.mix_at(1001).intensities["happy"] == 0
    at_end = curve.mix_at(1002).intensities
    assert (at_end["happy"], at_end["jawOpen"]) == (0.3, 0.5)


def test_more_than_the_most_is_refused_with_its_frame(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    with pytest.raises(BridgeError, match=r"frame 7 .*1\.8 of happy.*Lower the intensity"):
        write_curve(path, {6: {"happy": 1.2}, 7: {"happy": 1.8}})
    assert not path.exists()
