"""A video as a job: its frames are a shot, and what becomes of them a new video.

Finished frames wait in `.reggan/<video>.frames` beside the result, so that a job that was stopped
goes on with the next frame; they are deleted once the video stands.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from reggan_plugin import __version__
from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.documents import parse_json
from reggan_plugin.errors import UsageError
from reggan_plugin.files.video import VideoFile
from reggan_plugin.files.video_codecs import codec_for
from reggan_plugin.jobs.events import FrameEncoded, Report
from reggan_plugin.jobs.fingerprint import fingerprint
from reggan_plugin.jobs.frame_record import PICTURE_REVISION, record_path, state_of
from reggan_plugin.jobs.plan import FrameTask, JobPlan
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame
from reggan_plugin.jobs.results import ModelInUse

_SCHEMA = "video-1"


@dataclass(frozen=True, kw_only=True, eq=False)
class Movie:
    """A video and the one that its changed frames go into.

    Attributes:
        video: the source.
        out: the result.
        codec: a name of `VIDEO_CODECS`; None is the source's, where the result can hold it.
    """

    video: VideoFile
    out: Path
    codec: str | None = None

    def refuse_impossible(self, settings: RenderSettings) -> None:
        """Fail early where the video could not be written.

        Raises:
            UsageError: its container does not hold the codec, or it is to be signed.
        """
        codec_for(self.out, self.video.codec, self.codec)
        if settings.signing is not None:
            raise UsageError(
                f"{self.out} is a video, which is not signed. Render its frames as pictures, or "
                "leave the certificate out."
            )

    def key(self, plan: JobPlan, settings: RenderSettings, model: ModelInUse | None) -> str:
        """Return changes with all that the result depends on."""
        by_frame = SettingsByFrame(settings, plan.shot.frames)
        state = state_of(self.video.path)
        document = {
            "version": [__version__, PICTURE_REVISION],
            "model": model.sha256 if model else None,
            "source": None if state is None else asdict(state),
            "codec": self.codec,
            "frames": [
                [task.source.number, by_frame.fingerprint_at(task.source)] for task in plan.tasks
            ],
        }
        return fingerprint(document)

    def is_finished(self, key: str) -> bool:
        """Tell whether an earlier run made the result in this way, and nobody changed it since."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = parse_json(record_path(self.out).read_bytes())
            state = state_of(self.out)
            is_same = record["schema"] == _SCHEMA and record["key"] == key
            return is_same and state is not None and record["output_state"] == asdict(state)
        return False

    def write(
        self, tasks: Sequence[FrameTask], key: str, report: Report, *, stamp: bool
    ) -> list[str]:
        """Write the video from the finished frames, and delete those; returns what to say of it.

        Raises:
            OutputError, UnreadableFrameError: as `write_video`.
        """
        from reggan_plugin.files.video_writing import write_video

        outputs = {task.source.number or 0: task.output for task in tasks}
        changed = {number: path for number, path in outputs.items() if path.exists()}
        frames = len(self.video)

        def done(number: int) -> None:
            report(FrameEncoded(done=min(number, frames), frames=frames, source=self.out))

        self.video.close()
        comment = f"The expression of a face was changed by reggan-plugin {__version__}"
        notices = write_video(
            self.video.path,
            self.out,
            changed,
            codec=self.codec,
            comment=comment if stamp else None,
            done=done,
        )
        state = state_of(self.out)
        record = {
            "schema": _SCHEMA,
            "source": str(self.video.path),
            "output": str(self.out),
            "key": key,
            "output_state": None if state is None else asdict(state),
        }
        write_atomically(record_path(self.out), json.dumps(record, indent=1).encode())
        shutil.rmtree(frames_folder(self.out), ignore_errors=True)
        return notices


def frames_folder(out: Path) -> Path:
    """Folder of the finished frames of a video."""
    return record_path(out).with_suffix(".frames")
