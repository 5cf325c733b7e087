"""A video as a job: its frames, or pictures of a folder, are a shot, and the result is a new video.

Finished frames wait in `.reggan/<video>.frames` beside the result, so that a job that was stopped
goes on with the next frame; they are deleted once the video stands. Records of them stay where they
name layers: `report` and `--resume` compare these.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from reggan_plugin import __version__
from reggan_plugin.errors import SourceError, UnsupportedFormatError, UsageError
from reggan_plugin.file_safety import path_from, refuse_existing, write_atomically
from reggan_plugin.files.frame import Reading, read_content
from reggan_plugin.files.video import Coding, VideoFile, codec_for
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import (
    NO_RECORD,
    PICTURE_REVISION,
    RECORD_FOLDER,
    SETTLED_S,
    FileState,
    FrameRecord,
    RecordedFile,
    digest_of,
    fingerprint,
    read_record,
    record_path,
    refuse_another,
    state_of,
)
from reggan_plugin.jobs.plan import Existing, FrameTask, JobPlan, frames_folder
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame
from reggan_plugin.jobs.results_and_events import FrameEncoded, ModelInUse, Report
from reggan_plugin.json_and_toml import read_json, typed
from reggan_plugin.limits import MOST_PIXELS
from reggan_plugin.transfer.display_picture import shown_samples

DEFAULT_FPS = Fraction(24)
_GIF_FPS = 100
"""The most frames a second of a GIF."""


@frozen
class VideoRecord:
    """The record of a video: its source, a picture's folder for pictures, and how it was made.

    Attributes:
        key: `Movie.key`.
        input_sha256, input_state: of the source where it is a video; records of 0.6.1 and before
            have none.
        output_state, output_sha256: of the result; records of 0.6.11 and before have none until it
            is finished.
        layers_sha256: of what the records of its frames say of layers; records of 0.6.11 and before
            have none.
        replaced: digest of the result of an earlier run, if that stood there; a job that is killed
            when the record is written leaves it there.
    """

    schema: Literal["video-1"] = "video-1"
    source: str
    output: str
    key: str
    input_sha256: str | None
    input_state: FileState | None
    output_state: FileState | None = None
    output_sha256: str | None = None
    layers_sha256: str | None = None
    replaced: str | None = None

    def write(self) -> None:
        """Write it beside the result.

        Raises:
            OutputError: it cannot be written.
        """
        place = record_path(Path(self.output))
        write_atomically(place, json.dumps(asdict(self), indent=1).encode())


def _record_of(out: Path) -> VideoRecord | None:
    with suppress(*NO_RECORD):
        document = read_json(record_path(out))
        return typed(VideoRecord, {**_OF_OLDER, **document})
    return None


_OF_OLDER = {"input_sha256": None, "input_state": None, "layers_sha256": None, "replaced": None}
"""Fields that records of earlier versions do not have."""


def _layers_of(out: Path, frames: Iterable[Path]) -> dict[str, RecordedFile]:
    """Return what the records of a video's frames say of layers, by path from its folder."""
    records = [(frame.parent, read_record(frame)) for frame in frames]
    return {
        path_from(out.parent, folder / name): file
        for folder, record in records
        if record is not None
        for name, file in record.beside.items()
    }


def _digest_of_layers(layers: Mapping[str, RecordedFile]) -> str:
    return fingerprint({name: file.sha256 for name, file in layers.items()})


@frozen(eq=False)
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
            UsageError: its container does not hold the codec, this has no such quality, its frames
                are too fast for a GIF, or it is to be signed.
        """
        name = codec_for(self.out, self.video.codec if self.video else "", self.coding)
        self.coding.options_for(name)
        if name == "gif":
            self._refuse_too_fast()
        if settings.signing is not None:
            raise UsageError(
                f"{self.out} is a video, which is not signed. Render its frames as pictures, or "
                "leave the certificate out."
            )

    def _refuse_too_fast(self) -> None:
        another = f"Name another container, such as {self.out.with_suffix('.mp4').name}."
        counts = "a GIF counts time in hundredths of a second"
        if self.video is None and self.fps > _GIF_FPS:
            raise UsageError(
                f"{self.out.name} is to have {float(self.fps):g} frames a second; {counts}. "
                f"{another}",
                kind="fps-beyond-gif",
            )
        if self.video is not None:
            shown = np.floor(_GIF_FPS * self.video.times_s + 0.5 + 1e-6)  # as FFmpeg rounds
            if (np.diff(shown) < 1).any():
                raise UsageError(
                    f"Frames of {self.video.path.name} follow each other in less than 0.01 s; "
                    f"{counts}. {another}"
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
                [task.source.number, by_frame.facts_at(task.source).settings_sha256]
                for task in plan.tasks
            ],
        }
        return fingerprint(document)

    def record_before(self, plan: JobPlan, key: str) -> VideoRecord:
        """Return the record of a video that is not written yet, with what tells its source from
        other videos.

        It is asked before any frame is read: what takes the source's place later is another one.
        """
        source = self._source(plan)
        return VideoRecord(
            source=str(source),
            output=str(self.out),
            key=key,
            input_sha256=None if self.video is None else digest_of(source),
            input_state=None if self.video is None else state_of(source, settled_s=SETTLED_S),
        )

    def is_finished(self, plan: JobPlan, key: str) -> bool:
        """Tell whether an earlier run made the result so, and it and its layers are as they were.

        Size and time tell that, or all of their bytes.
        """
        record = _record_of(self.out)
        if record is None or record.key != key or record.output_state is None:
            return False
        layers = _layers_of(self.out, [task.output for task in plan.tasks])
        asked = [path_from(self.out.parent, path) for task in plan.tasks for path in task.beside]
        if record.layers_sha256 != _digest_of_layers(layers) or (
            asked and layers.keys().isdisjoint(asked)  # frames that are skipped have none
        ):
            return False
        files = [(self.out, record.output_sha256, record.output_state)]
        files += [(self.out.parent / name, one.sha256, one.state) for name, one in layers.items()]
        is_rehashed = plan.existing is Existing.REHASH
        return all(
            state == state_of(path) and (not is_rehashed or sha256 == digest_of(path))
            for path, sha256, state in files
        )

    def is_as_asked(self, key: str) -> bool:
        """Tell whether the result was made in this way, whoever changed it since."""
        record = _record_of(self.out)
        return record is not None and record.key == key and self.out.is_file()

    def refuse_another(self, plan: JobPlan) -> None:
        """Refuse to write over a finished video that is of another source.

        Raises:
            OutputExistsError: it is.
        """
        record = _record_of(self.out)
        if record is not None and record.output_sha256 is not None:
            refuse_another(self.out, self._source(plan), record.source, record.input_sha256)

    def _source(self, plan: JobPlan) -> Path:
        """Return the video, or the folder of the pictures."""
        return plan.tasks[0].source.path.parent if self.video is None else self.video.path

    def changed_since(self) -> bool:
        """Tell whether somebody changed the result since it was written: it is another video, and
        a whole one. Of that a record that cannot be used says as little as none.
        """
        record = _record_of(self.out)
        if record is None:
            is_unknown = self.out.is_file() and record_path(self.out).exists()
        else:
            is_ours = record.output_sha256 is not None and Path(record.output).name == self.out.name
            known = (None, record.output_sha256, record.replaced)
            is_unknown = is_ours and digest_of(self.out) not in known
        if not is_unknown:
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
        plan: JobPlan,
        record: VideoRecord,
        report: Report,
        settings: RenderSettings,
        *,
        exposure_ev: float = 0.0,
    ) -> list[str]:
        """Write the video from the finished frames, and delete those; returns what to say of it.

        `record` is that of before; `settings` are those of the frames; `exposure_ev` raises
        scene-linear pictures.

        Raises:
            OutputExistsError: nothing may be replaced, and it has appeared since the job began.
            OutputError, UnreadableFrameError: as `write_video`.
        """
        from reggan_plugin.files.video_writing import write_new_video, write_video

        tasks, video = plan.tasks, self.video
        frames = len(tasks) if video is None else len(video)
        earlier = _record_of(self.out)
        known = () if earlier is None else (earlier.output_sha256, earlier.replaced)
        stands = digest_of(self.out)

        def done(number: int) -> None:
            report(FrameEncoded(done=min(number, frames), frames=frames, source=self.out))

        def made(path: Path) -> None:
            """Let the record stand first: if the job is killed then, it says which file is ours."""
            refuse_existing([self.out], overwrite=plan.existing is not Existing.REFUSE)
            replace(
                record,
                output_state=state_of(path),
                output_sha256=digest_of(path),
                layers_sha256=_digest_of_layers(
                    _layers_of(self.out, [task.output for task in tasks])
                ),
                replaced=stands if stands in known else None,
            ).write()

        comment = f"The expression of a face was changed by reggan-plugin {__version__}"
        how: dict[str, Any] = {
            "coding": self.coding,
            "comment": comment if settings.stamp else None,
            "done": done,
            "made": made,
            "is_new": plan.existing is Existing.REFUSE,
        }
        notices: list[str] = []
        if video is None:
            files = [task.output if task.output.exists() else task.source.path for task in tasks]
            pictures = [
                partial(_shown, path, settings.picture.reading, exposure_ev) for path in files
            ]
            write_new_video(pictures, self.out, fps=self.fps, **how)
        else:
            outputs = {task.source.number or 0: task.output for task in tasks}
            changed = {number: path for number, path in outputs.items() if path.exists()}
            video.close()
            lost = write_video(video.path, self.out, changed, **how)
            notices = [f"{self.out.name}: {one}" for one in lost]
        self._delete_frames(tasks)
        return notices

    def _delete_frames(self, tasks: Sequence[FrameTask]) -> None:
        """Delete the finished frames, and their records but for those that name layers."""
        folder, kept = frames_folder(self.out), set()
        for task in tasks:
            record = read_record(task.output)
            if record and {*record.beside, *record.replaced} - {task.output.name}:
                kept.add(record_path(task.output))
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
            return
        for path in [*folder.iterdir(), *(folder / RECORD_FOLDER).iterdir()]:
            if path not in kept:
                with suppress(OSError):  # the folder of the records is one
                    path.unlink()


def record_of_video(out: Path) -> FrameRecord | None:
    """Return what the record of a video says, as that of a frame, its layers beside it; None if
    there is none, or its frames' records do not name the layers that it was made with.
    """
    record = _record_of(out)
    if record is None or record.output_state is None or record.output_sha256 is None:
        return None
    folder = frames_folder(out)
    layers = _layers_of(out, [folder / one.stem for one in (folder / RECORD_FOLDER).glob("*.json")])
    if record.layers_sha256 not in (None, _digest_of_layers(layers)):
        return None
    return FrameRecord(
        source=record.source,
        output=record.output,
        outcome="written",
        expression={},
        settings_sha256=record.key,
        input_sha256=record.input_sha256,
        input_state=record.input_state,
        output_sha256=record.output_sha256,
        output_bytes=record.output_state.size,
        beside=layers,
        model=None,
        version=__version__,
        device=None,
    )


def _shown(path: Path, reading: Reading, exposure_ev: float) -> Any:
    """Return a picture as a display shows it, before black, also around its pixels."""
    frame = reading.decode(read_content(path), path)
    samples = shown_samples(frame, exposure_ev)
    if samples.shape[2] == 4:
        opaque = samples[..., 3:] / np.float32(255)
        samples = np.rint(samples[..., :3] * opaque).astype(np.uint8)
    (top, left), (height, width) = frame.origin_px, frame.display_px
    inside = samples[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    if inside.shape[:2] == (height, width):
        return inside
    if height * width > MOST_PIXELS:
        raise UnsupportedFormatError(
            f"The display window of {path} is {width}x{height}; a frame of a video has at most "
            f"{MOST_PIXELS:,} pixels. Give it a smaller one, or name a folder for the results."
        )
    canvas = np.zeros((height, width, 3), np.uint8)
    rows, columns = inside.shape[:2]
    canvas[max(0, top) :, max(0, left) :][:rows, :columns] = inside
    return canvas
