"""A video as a job: its frames, or pictures of a folder, are a shot, and the result is a new video.

Finished frames wait in `.reggan/<video>.frames` beside the result, so that a job that was stopped
goes on with the next frame; they are deleted once the video stands.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin import __version__
from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.file_safety import read_regular, write_atomically
from reggan_plugin.files.frame import read_frame
from reggan_plugin.files.video import Coding, VideoFile, codec_for
from reggan_plugin.jobs.frame_record import (
    PICTURE_REVISION,
    SETTLED_S,
    FrameRecord,
    digest_of,
    file_state_from,
    fingerprint,
    record_path,
    state_of,
)
from reggan_plugin.jobs.plan import FrameTask, JobPlan, frames_folder
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame
from reggan_plugin.jobs.results import FrameEncoded, ModelInUse, Report
from reggan_plugin.json_and_toml import parse_json
from reggan_plugin.limits import MOST_DOCUMENT_BYTES
from reggan_plugin.transfer.display_picture import shown_samples

_SCHEMA = "video-1"
DEFAULT_FPS = Fraction(24)


@dataclass(frozen=True, kw_only=True, eq=False)
class Movie:
    """The video that changed frames go into.

    Attributes:
        video: the source; None for pictures.
        out: the result.
        coding: its codec and quality.
        fps: frames a second of pictures; a video has its own.
    """

    video: VideoFile | None
    out: Path
    coding: Coding = field(default_factory=Coding)
    fps: Fraction = DEFAULT_FPS

    def refuse_impossible(self, settings: RenderSettings) -> None:
        """Fail early where the video could not be written.

        Raises:
            UsageError: its container does not hold the codec, this has no such quality, or it is
                to be signed.
        """
        name = codec_for(self.out, self.video.codec if self.video else "", self.coding)
        self.coding.options_for(name)
        if settings.signing is not None:
            raise UsageError(
                f"{self.out} is a video, which is not signed. Render its frames as pictures, or "
                "leave the certificate out."
            )

    def key(self, plan: JobPlan, settings: RenderSettings, model: ModelInUse | None) -> str:
        """Return changes with all that the result depends on."""
        by_frame = SettingsByFrame(settings, plan.shot.frames)
        pictures = [task.source.path for task in plan.tasks]
        states = [state_of(path) for path in ([self.video.path] if self.video else pictures)]
        state, *more = [None if state is None else asdict(state) for state in states]
        document = {
            "version": [__version__, PICTURE_REVISION],
            "model": model.sha256 if model else None,
            "source": state,
            **({} if self.video else {"sources": more, "fps": str(self.fps)}),
            "coding": asdict(self.coding),
            "frames": [
                [task.source.number, by_frame.fingerprint_at(task.source)] for task in plan.tasks
            ],
        }
        return fingerprint(document)

    def source_facts(self) -> dict[str, Any]:
        """Return what tells the source from other videos, as a record has it; of pictures null.

        It is asked before any frame is read: what takes its place later is another one.
        """
        state, digest = None, None
        if self.video is not None:
            state = state_of(self.video.path, settled_s=SETTLED_S)
            digest = digest_of(self.video.path)
        return {
            "input_sha256": digest,
            "input_state": None if state is None else asdict(state),
        }

    def is_finished(self, key: str, *, is_rehashed: bool) -> bool:
        """Tell whether an earlier run made the result in this way, and nobody changed it since.

        Size and time tell that, or all of its bytes.
        """
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = parse_json(record_path(self.out).read_bytes())
            state = state_of(self.out)
            is_same = record["schema"] == _SCHEMA and record["key"] == key
            if is_rehashed and record["output_sha256"] != digest_of(self.out):
                return False
            return is_same and state is not None and record["output_state"] == asdict(state)
        return False

    def changed_since(self) -> bool:
        """Tell whether somebody changed the result since it was written: it is another video, and
        a whole one.
        """
        record = record_of_video(self.out)
        if record is None or Path(record.output).name != self.out.name:
            return False
        if digest_of(self.out) in (None, record.output_sha256):
            return False
        with suppress(SourceError, OSError, MemoryError):
            made = VideoFile(self.out)
            try:
                for number in range(1, len(made) + 1):
                    made.content(f"{number:08}.png")
            finally:
                made.close()
            return True
        return False

    def write(
        self,
        tasks: Sequence[FrameTask],
        key: str,
        report: Report,
        *,
        source_facts: Mapping[str, Any],
        stamp: bool,
        is_new: bool,
        exposure_ev: float = 0.0,
    ) -> list[str]:
        """Write the video from the finished frames, and delete those; returns what to say of it.

        `source_facts` are those of before; `exposure_ev` raises scene-linear pictures; `is_new`
        says that nothing may be replaced.

        Raises:
            OutputExistsError: it is to be new, and has appeared since the job began.
            OutputError, UnreadableFrameError: as `write_video`.
        """
        comment = f"The expression of a face was changed by reggan-plugin {__version__}"
        said = comment if stamp else None
        record: dict[str, Any] = {
            "schema": _SCHEMA,
            "source": str(tasks[0].source.path.parent if self.video is None else self.video.path),
            "output": str(self.out),
            "key": key,
            **source_facts,
            "output_state": None,
            "output_sha256": None,
        }
        place = record_path(self.out)
        if self.out.exists():  # if killed in between, nothing says that it was finished
            write_atomically(place, json.dumps(record, indent=1).encode())
        notices = self._write(tasks, report, said, exposure_ev, is_new=is_new)
        state = state_of(self.out)
        record["output_state"] = None if state is None else asdict(state)
        record["output_sha256"] = digest_of(self.out)
        write_atomically(place, json.dumps(record, indent=1).encode())
        shutil.rmtree(frames_folder(self.out), ignore_errors=True)
        return notices

    def _write(
        self,
        tasks: Sequence[FrameTask],
        report: Report,
        comment: str | None,
        exposure_ev: float,
        *,
        is_new: bool,
    ) -> list[str]:
        from reggan_plugin.files.video_writing import write_new_video, write_video

        frames = len(tasks) if self.video is None else len(self.video)

        def done(number: int) -> None:
            report(FrameEncoded(done=min(number, frames), frames=frames, source=self.out))

        if self.video is None:
            pictures = [
                partial(
                    _shown,
                    task.output if task.output.exists() else task.source.path,
                    exposure_ev,
                )
                for task in tasks
            ]
            write_new_video(
                pictures,
                self.out,
                coding=self.coding,
                fps=self.fps,
                comment=comment,
                done=done,
                is_new=is_new,
            )
            return []
        outputs = {task.source.number or 0: task.output for task in tasks}
        changed = {number: path for number, path in outputs.items() if path.exists()}
        self.video.close()
        return write_video(
            self.video.path,
            self.out,
            changed,
            coding=self.coding,
            comment=comment,
            done=done,
            is_new=is_new,
        )


def record_of_video(out: Path) -> FrameRecord | None:
    """Return what the record of a video says, as that of a frame; None if there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        record = parse_json(read_regular(record_path(out), MOST_DOCUMENT_BYTES).decode())
        texts = [record[name] for name in ("source", "output", "key", "output_sha256")]
        size = record["output_state"]["size"]
        if record["schema"] == _SCHEMA and isinstance(size, int):
            source, output, key, sha256 = (text for text in texts if isinstance(text, str))
            return FrameRecord(
                source=source,
                output=output,
                outcome="written",
                expression={},
                settings_sha256=key,
                input_sha256=_text_or_none(record.get("input_sha256")),
                input_state=file_state_from(record.get("input_state")),
                output_sha256=sha256,
                output_bytes=size,
                model=None,
                version=__version__,
                device=None,
            )
    return None


def _text_or_none(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("a text is none")


def _shown(path: Path, exposure_ev: float) -> Any:
    """Return a picture as a display shows it, before black."""
    samples = shown_samples(read_frame(path), exposure_ev)
    if samples.shape[2] == 3:
        return samples
    return np.rint(samples[..., :3] * (samples[..., 3:] / np.float32(255))).astype(np.uint8)
