"""Which frames an earlier run finished, and which of them somebody changed since: what `--resume`
leaves as it is.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from reggan_plugin.errors import FRAME_FAULTS, OutputExistsError, SourceError, StalledError
from reggan_plugin.file_safety import path_from
from reggan_plugin.files.frame import Reading, read_content
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import (
    RECORD_FOLDER,
    FrameFacts,
    FrameRecord,
    digest_of,
    read_record,
    record_path,
    sha256_of,
    state_of,
)
from reggan_plugin.jobs.plan import Existing, FrameTask
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import (
    CHANGED_SINCE,
    EXISTS,
    NO_FACE,
    ModelInUse,
    changed_and_other,
)
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout

IsSame = Callable[[FrameRecord], bool]


@frozen(kw_only=False, eq=False)
class FinishedFrames:
    """Compares outputs that are there with their records, and with what settings and model make.

    To be asked of frames that are kept where an earlier run finished them.
    """

    settings: RenderSettings
    model: ModelInUse | None
    io_timeout: IoTimeout

    def why_left(
        self, task: FrameTask, facts: FrameFacts, is_same: IsSame = lambda _: True
    ) -> str | None:
        """Return why a frame is left as it is, as far as that is told without reading it; else
        None.

        An earlier run did the same, and by size and time no file changed since; or somebody changed
        the result. `is_same` is asked of its record. A remark says that what was changed is not
        what is asked for, or that this cannot be told, or that the result is of another source: the
        frame fails.
        """
        path, out = str(task.source.path), str(task.output)
        record = self._same_record(task, facts) if task.existing is Existing.RESUME else None
        if record is not None:
            is_untouched = partial(record.is_untouched, task.source.path, task.output)
            if self.io_timeout.call(path, is_untouched) and is_same(record):
                return _as_it_ended(record)
        changed = self.io_timeout.call(out, partial(self.changed_file, task))
        if changed is None:
            made = read_record(task.output)
            try:
                if made is not None:
                    check = partial(made.refuse_another, task.output, task.source.path)
                    self.io_timeout.call(path, check)
            except OutputExistsError as error:
                return error.remark
            return None
        if not self._is_as_asked(task, facts):
            return changed_and_other(changed)
        skipped = read_record(task.output)
        # a frame that is skipped again says itself that a file of somebody's lies in its place
        return None if skipped is not None and skipped.outcome == "skipped" else CHANGED_SINCE

    def _is_as_asked(self, task: FrameTask, facts: FrameFacts) -> bool:
        """Tell whether a frame that somebody changed since was rendered as it is asked for now, and
        from the same source.
        """
        record = read_record(task.output)
        if record is None:
            return False
        known, source = record.input_sha256, task.source.path
        is_of_source = known is None or record.input_state == state_of(source)
        if not is_of_source:
            is_of_source = known == self.io_timeout.call(str(source), partial(digest_of, source))
        return is_of_source and record.is_of(
            settings_sha256=facts.settings_sha256,
            input_sha256=known,
            model_sha256=self.model.sha256 if self.model else None,
        )

    def why_finished(
        self, task: FrameTask, facts: FrameFacts, is_same: IsSame = lambda _: True
    ) -> str | None:
        """Return why a frame needs nothing, if an earlier run did the same to this input, and its
        output is as it left it; else None.
        """
        record = self._same_record(task, facts)
        if record is None or record.input_sha256 != facts.input_sha256 or not is_same(record):
            return None
        if record.output_sha256 is None:
            return _as_it_ended(record)
        with suppress(SourceError, StalledError):
            content = self.io_timeout.call(str(task.output), lambda: read_content(task.output))
            is_there = sha256_of(content) == record.output_sha256 and all(
                self.io_timeout.call(str(path), partial(digest_of, path)) == file.sha256
                for path, file in record.files_beside(task.output)
            )
            return _as_it_ended(record) if is_there else None
        return None

    def refuse_foreign(self, task: FrameTask) -> None:
        """Refuse files beside an output that no earlier run of the same output wrote.

        Raises:
            OutputExistsError: one is there.
        """
        there = [path for path in task.beside if path.exists()]
        record = read_record(task.output) if there else None
        beside = {} if record is None else record.beside
        replaced = {} if record is None else record.replaced

        def is_own(path: Path) -> bool:
            name = path_from(task.output.parent, path)
            return name in beside or (name in replaced and replaced[name] == digest_of(path))

        foreign = next((path for path in there if not is_own(path)), None)
        if foreign is not None:
            raise OutputExistsError(
                f"{foreign} exists, and no record of {task.output.name} says that it was written "
                "with it. Name another place, or replace it.",
                kind="outputs-without-record",
            )

    def changed_file(self, task: FrameTask) -> Path | None:
        """Return the output, or a file beside it, that somebody changed since it was written.

        Such a file has other bytes than its record says, and is a whole picture: what is damaged
        counts as not written. Where a frame failed or was skipped, it is a picture that was put in
        its place. A record that cannot be used says as little of a picture as none.
        """
        record = read_record(task.output)
        is_in_video = RECORD_FOLDER in task.output.parts  # its frames are nobody's to change
        if record is None:
            is_there = task.output.is_file() and record_path(task.output).exists()
            is_unknown = is_there and not is_in_video
            is_picture = is_unknown and self._is_whole(task.output, is_layer=False)
            return task.output if is_picture else None
        if Path(record.output).name != task.output.name:
            return None
        own = (task.output, record.output_sha256, record.output_state)
        files = [] if is_in_video else [own]
        files += [(path, one.sha256, one.state) for path, one in record.files_beside(task.output)]
        for path, sha256, state in files:
            if not path.is_file() or (
                task.existing is not Existing.REHASH and state == state_of(path)
            ):
                continue
            digest = digest_of(path)
            known = (None, sha256, record.replaced.get(path_from(task.output.parent, path)))
            if digest not in known and self._is_whole(path, is_layer=path != task.output):
                return path
        return None

    def _is_whole(self, path: Path, *, is_layer: bool) -> bool:
        """Tell whether a picture, or a layer with its own channels, decodes; the mask is a picture,
        too.
        """
        with suppress(*FRAME_FAULTS):
            content = read_content(path)
            if not is_layer or path.suffix == ".png":
                reading = Reading() if is_layer else self.settings.picture.reading
                reading.decode(content, path)
                return True
            from reggan_plugin.files.exr.container import read_container
            from reggan_plugin.files.exr.stored_exr import read_channel

            channels = [one.name for part in read_container(content).parts for one in part.channels]
            for name in channels:
                read_channel(content, path, [name])
            return bool(channels)
        return False

    def _same_record(self, task: FrameTask, facts: FrameFacts) -> FrameRecord | None:
        """Return the record of a run that did the same to an input, which may have changed
        since.
        """
        record = read_record(task.output)
        if record is None or record.outcome == "failed":
            return None
        is_same = record.is_of(
            settings_sha256=facts.settings_sha256,
            input_sha256=record.input_sha256,
            model_sha256=self.model.sha256 if self.model else None,
        )
        if not is_same or Path(record.output).name != task.output.name:
            return None
        if record.output_sha256 is None:  # and so should be the place
            return None if any(path.exists() for path in (task.output, *task.beside)) else record
        names = {path_from(task.output.parent, path) for path in task.layers.values()}
        return record if names <= record.beside.keys() else None


def _as_it_ended(record: FrameRecord) -> str:
    """Say of a frame that is kept that it has no face, as its earlier run did."""
    message = record.message or ""
    return message if message.startswith(NO_FACE) else EXISTS
