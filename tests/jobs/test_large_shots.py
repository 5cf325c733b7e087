"""A farm's chunk costs what the chunk has, however long the shot is."""

import os
from pathlib import Path

import pytest

from reggan_plugin.files.sequence import FrameList, SourceFrame
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame
from reggan_plugin.vocabulary.expression import ExpressionMix

FRAMES = 20_000


def test_a_chunk_makes_its_own_frames_and_lists_the_shot_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = tmp_path / "shot"
    shot.mkdir()
    for number in range(FRAMES):
        (shot / f"a.{number:06d}.png").touch()
    listed, made = [], []
    scandir, frame_at = os.scandir, FrameList.__getitem__

    def counting_scandir(folder: Path) -> object:
        listed.append(folder)
        return scandir(folder)

    def counting_frame_at(frames: FrameList, place: int | slice) -> SourceFrame | FrameList:
        made.append(place)
        return frame_at(frames, place)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(os, "scandir", counting_scandir)
    monkeypatch.setattr(FrameList, "__getitem__", counting_frame_at)
    plan = plan_job(str(shot), "5001-5025", tmp_path / "out", "happy", Existing.REFUSE)
    assert [task.source.number for task in plan.tasks] == list(range(5001, 5026))
    settings = SettingsByFrame(RenderSettings(mix=ExpressionMix({"happy": 1.0})), plan.shot.frames)
    assert settings.mix_at(plan.tasks[0].source).intensities == {"happy": 1.0}
    assert listed == [shot]
    assert len(made) < 10 * len(plan.tasks)
    assert len(plan.shot.frames) == FRAMES
