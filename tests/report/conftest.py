"""A rendered shot with one of each problem, made without a model."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.jobs.frame_record import FrameRecord, RecordedFace, sha256_of, write_record


@dataclass(frozen=True, kw_only=True)
class RenderedShot:
    """A shot of 64x48 frames 1001 to 1012 and the folder of its results."""

    source: Path
    out: Path

    def name(self, number: int) -> str:
        return f"a.{number}.png"

    def write(self, number: int, *, smile: int = 60, **record: Any) -> None:
        """A grey frame; its result is lighter by `smile` levels in the middle of the face."""
        random = np.random.default_rng(number)
        levels = random.normal(100, 1, (48, 64, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(levels).save(self.source / self.name(number))
        levels[20:34, 26:40] += np.uint8(smile)
        output = self.out / self.name(number)
        Image.fromarray(levels).save(output)
        content = output.read_bytes()
        written = {"output_sha256": sha256_of(content), "output_bytes": len(content)}
        self.record(number, **{**written, **record})

    def record(self, number: int, **changed: Any) -> None:
        face = RecordedFace(
            face=0,
            score=changed.pop("score", 0.97),
            status="found",
            yaw_deg=3.0,
            share=changed.pop("share", 1.0),
            inside=1.0,
            box_px=(16.0, 8.0, 32.0, 32.0),
        )
        fields = {
            "source": str(self.source / self.name(number)),
            "output": str(self.out / self.name(number)),
            "outcome": "written",
            "expression": {"happy": 0.8},
            "weights": {},
            "settings_sha256": "",
            "input_sha256": None,
            "output_sha256": None,
            "model": None,
            "version": "0",
            "device": "cpu",
            "batch": 1,
            "faces": (face,),
            "seconds": 0.5,
        }
        write_record(FrameRecord(**{**fields, **changed}), self.out / self.name(number))


@pytest.fixture
def good_shot(tmp_path: Path) -> RenderedShot:
    shot = RenderedShot(source=tmp_path / "shot", out=tmp_path / "shot_happy")
    shot.source.mkdir()
    (shot.out / ".reggan").mkdir(parents=True)
    for number in range(1001, 1013):
        shot.write(number)
    return shot


@pytest.fixture
def bad_shot(good_shot: RenderedShot) -> RenderedShot:
    shot = good_shot
    shot.write(1002, score=0.5)
    (shot.out / shot.name(1003)).unlink()
    fault = "a.1004.png is truncated. Render it again."
    shot.record(1004, outcome="failed", message=fault, faces=())
    (shot.out / shot.name(1004)).unlink()
    shot.write(1005, smile=0, outcome="copied", message="no face", faces=())
    shot.write(1006, share=0.4, message="head turned too far: 40% of the intensity")
    shot.write(1007, stats={"weight_at_edge": 0.7})
    shot.write(1010, smile=0)
    (shot.source / shot.name(1012)).unlink()
    for folder in (shot.source, shot.out):
        (folder / shot.name(1012)).unlink(missing_ok=True)
    shot.write(1013)  # after a gap
    (shot.out / "notes.json").write_text(json.dumps({}))  # a file of somebody else's
    return shot


def report(shot: RenderedShot, *arguments: str) -> int:
    return main(["report", "--frames", str(shot.source), "--out", str(shot.out), *arguments])


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data
