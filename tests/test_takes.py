"""A take drives a shot that is killed or cut into chunks: `python -m tests.measurements.takes` in
short, with a model that takes no time.
"""

import signal
from pathlib import Path

import pytest

from .curves import conftest as formats
from .measurements import takes
from .motion_models import render_made, write_motion_model

FRAMES = 16


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_run_and_chunks_give_the_same_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takes, "_render", render_made)  # in processes of their own
    model = write_motion_model(tmp_path / "jaw.onnx", motion=(0.1, 0.0), answers_to="jawOpen")
    shot = takes.write_shot(tmp_path / "shot", FRAMES, width=64)
    words = ["--model", str(model), "--whole-image"]
    done = takes.check(tmp_path, "face.vrma", shot, FRAMES, words, kills=1, chunks=2)
    assert done == (True, True)
    first, middle = (tmp_path / f"face.vrma/killed/a.{number}.png" for number in (1001, 1008))
    assert first.read_bytes() != middle.read_bytes()


def test_a_frame_that_no_row_drives_is_found(tmp_path: Path) -> None:
    (tmp_path / ".reggan").mkdir()
    for row, (jaw, smile, brow) in enumerate(formats.weights(4)):
        weights = f'{{"jawOpen": {jaw}, "mouthSmileLeft": {smile}, "browInnerUp": {brow}}}'
        record = tmp_path / f".reggan/a.{takes.FIRST + row}.png.json"
        record.write_text(f'{{"weights": {weights}}}')
    assert takes.is_driven(tmp_path, 4)
    record.write_text('{"weights": {"jawOpen": 0.9}}')
    assert not takes.is_driven(tmp_path, 4)
