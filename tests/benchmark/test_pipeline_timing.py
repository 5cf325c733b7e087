"""Where a frame's time goes adds up, and the frames are those of a shot."""

from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.benchmark.pipeline_timing import make_shot, time_pipeline
from reggan_plugin.files.frame import Encoding, read_frame
from reggan_plugin.jobs.frame_steps import FrameSteps
from reggan_plugin.models.model_card import find_model


@pytest.mark.parametrize("suffix", ["png", "exr"])
def test_shares_add_up_and_every_stage_is_seen(suffix: str) -> None:
    read = FrameSteps.read
    found = time_pipeline(find_model("reggan"), "cpu", 240, suffix, 2)
    shares = found["shares"]
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    assert list(shares) == ["read", "face", "crop", "inference", "composite", "write", "other"]
    assert all(shares[stage] > 0 for stage in shares if stage != "other")
    assert shares["other"] > -0.01
    assert found["seconds_a_frame"] > 0
    assert found["times_copying"] > 1
    assert FrameSteps.read is read  # the stopwatches are gone


@pytest.mark.parametrize(
    ("suffix", "encoding"), [("png", Encoding.SRGB), ("exr", Encoding.SCENE_LINEAR)]
)
def test_a_shot_has_the_size_asked_for_and_frames_that_differ(
    suffix: str, encoding: Encoding, tmp_path: Path
) -> None:
    paths = make_shot(tmp_path, 90, 2, suffix)
    one, other = map(read_frame, paths)
    assert one.pixels.shape == (90, 160, 3)
    assert one.encoding is encoding
    assert not np.array_equal(one.pixels, other.pixels)
