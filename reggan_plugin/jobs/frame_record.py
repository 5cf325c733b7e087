"""The record of a frame, `<out>/.reggan/<file name>.json`: how its output was made.

`render` writes one for every frame that it deals with, `render --resume` reads them, and so may
any program. Every field is always there:

    schema           1; raised when a field changes its meaning or goes away
    source, output   the files, as the job named them
    outcome          written, copied (byte for byte), skipped (no face, --on-missing-face skip)
                     or failed
    message          why it was copied, skipped or faded, or the error; else null
    expression       {name or ARKit shape: intensity} asked for at this frame, fades and curves
                     included
    weights          {ARKit shape or neutral: weight} that these names stand for, as a model with
                     face shapes is given them before the turn of a head takes its share
    by_face          {number of a face: {name or ARKit shape: intensity}} of faces that have an
                     expression of their own; empty where none has
    settings_sha256  of all that was asked for at this frame, given positions of faces included
    input_sha256     of the source file; null if it could not be read
    input_state      {size, modified_ns} of that file when it was read; null if it had been written
                     less than 2 s before, or not known
    output_sha256    of the output file; null if there is none
    output_bytes     its size; null if there is none, or not known
    output_state     {size, modified_ns} of that file; null if there is none, or not known
    beside           {path from the output's folder: {sha256, state}} of the files that were
                     written beside it: layers, and credentials that it cannot hold; empty in
                     records of 0.5.0 and before
    replaced         {path from the output's folder: sha256} of the files of this frame that earlier
                     runs made and that were there when the record was written; a job that was
                     killed, or failed, left them there
    model            {name, version, sha256}; null where none was needed
    version          of reggan-plugin
    revision         `PICTURE_REVISION` of the program that wrote it; 0 in records of 0.3.0 that
                     were written before there was one
    device           where the model ran; null where none was needed
    batch            faces that the model was given at once (another number may change the last
                     bits; it is less than was asked for where the device's memory was too small);
                     null for frames that are not changed
    exposure_ev      stops for a scene-linear frame; else null
    faces            one object for each face that was meant, the changed ones and those whose
                     intensity was 0: `face` its identity in the tracks or its place by size,
                     `score` the locator's confidence 0 to 1 (null: none), `status` as in tracks
                     (`given` for a box or the whole picture), `yaw_deg` (null: unknown), `share`
                     of the intensity that the turn of the head leaves, `inside` the share of the
                     crop's square that lies in the picture, `box_px` [x, y, width, height] of that
                     square from the picture's first pixel
    seconds          spent on this frame by reading, changing and writing, waiting left out
    warnings         what the user should know about how this file was read or written
    stats            numbers about the change, by name: `width`, `height`; of written frames also
                     `changed_share` (of all pixels), `mean_change` and `largest_change` (over the
                     changed ones, in the file's own values; integers count as 0 to 1) and
                     `weight_at_edge` (the largest value of the mask at the picture's edge); of
                     lossy EXR also `loss_largest` and `loss_rms`, what being compressed a second
                     time did to pixels beside the change

A record stands on disk, whole, before its output takes its name. So an output counts as finished
if and only if the bytes that are there are those of the record, and the record's settings, input,
model, version and revision are those of the job; whatever is killed in between is done again.
Files whose size and time are still those of the record are not read for it, unless `--rehash` asks
for that. Records of frames that failed are there for reports; a frame without one was not begun.

`texture` writes the same for every map, mesh and sheet. There `source` is the mesh, or the map
alone; `expression` has those of all maps that are in the file, `weights` those of the only one;
`input_sha256` is that of the mesh, the files that it names and the map's tiles together;
`output_sha256` of a .gltf counts the files that it names, and is null while the file is being
written; and what is said of faces, numbers, warnings and seconds stays empty.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, field, fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from reggan_plugin import __version__
from reggan_plugin.errors import OutputExistsError
from reggan_plugin.file_safety import is_regular, status_of, write_atomically
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.results_and_events import Outcome
from reggan_plugin.json_and_toml import json_text, read_json, typed

PICTURE_REVISION = 21
"""Raised with every change by which the same input, settings and model give other pixels, so that
no shot mixes both; `tests/test_picture_revision.py` shows most changes that forgot it."""
RECORD_SCHEMA = 1
RECORD_FOLDER = ".reggan"
SETTLED_S = 2.0
"""A file that was written later than this before it is read may still be in work."""


@frozen
class RecordedModel:
    """The model that changed a frame."""

    name: str
    version: str
    sha256: str


@frozen
class RecordedFace:
    """A face that was meant; the fields as in the module's text."""

    face: int
    score: float | None
    status: str
    yaw_deg: float | None
    share: float
    inside: float
    box_px: tuple[float, float, float, float]


@frozen
class FileState:
    """Size in bytes and time of the last change of a file, by which an untouched one is told."""

    size: int
    modified_ns: int


@frozen
class RecordedFile:
    """A file that was written beside an output; the fields as in the module's text."""

    sha256: str
    state: FileState


@frozen
class FrameFacts:
    """Facts about a frame in work; the fields as in the module's text."""

    expression: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)
    by_face: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    settings_sha256: str
    input_sha256: str | None = None
    input_state: FileState | None = None
    batch: int | None = None
    exposure_ev: float | None = None
    faces: tuple[RecordedFace, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    stats: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def intensity_share(self) -> float:
        """Intensity factor for the turn of the heads: the least of all faces."""
        return min((face.share for face in self.faces), default=1.0)

    def after(self, seconds: float) -> Self:
        """Return the same with more time spent, in milliseconds."""
        return replace(self, seconds=round(self.seconds + seconds, 3))


@frozen
class FrameRecord(FrameFacts):
    """The record of how an output was made; the fields as in the module's text."""

    source: str
    output: str
    outcome: Outcome
    message: str | None = None
    output_sha256: str | None
    output_bytes: int | None = None
    output_state: FileState | None = None
    beside: Mapping[str, RecordedFile] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)
    model: RecordedModel | None
    version: str
    revision: int = PICTURE_REVISION
    device: str | None

    def is_of(
        self, *, settings_sha256: str, input_sha256: str | None, model_sha256: str | None
    ) -> bool:
        """Tell whether this version would make the output anew from the same, in the same way."""
        return (self.version, self.revision) == (__version__, PICTURE_REVISION) and (
            self.settings_sha256,
            self.input_sha256,
            self.model.sha256 if self.model else None,
        ) == (settings_sha256, input_sha256, model_sha256)

    def is_untouched(self, source: Path, output: Path) -> bool:
        """Tell whether input and output are as they were, as far as their size and time tell."""
        if self.input_state is None or self.input_state != state_of(source):
            return False
        return self.output_sha256 is None or (
            self.output_state is not None
            and self.output_state == state_of(output)
            and all(file.state == state_of(path) for path, file in self.files_beside(output))
        )

    def has_bytes_of(self, output: Path) -> bool:
        """Tell whether a file is the output that was written, by its size and time, else digest."""
        state = state_of(output)
        if self.output_sha256 is None or state is None:
            return False
        is_as_long = self.output_bytes in (None, state.size)
        return state == self.output_state or (
            is_as_long and self.output_sha256 == digest_of(output)
        )

    def refuse_another(self, output: Path, source: Path) -> None:
        """Refuse to renew an output that it says is of another source; see `refuse_another`.

        Raises:
            OutputExistsError: it is.
        """
        if self.output_sha256 is not None:
            refuse_another(output, source, self.source, self.input_sha256)

    def files_beside(self, output: Path) -> list[tuple[Path, RecordedFile]]:
        """Return the files that were written beside the output, wherever its folder is now."""
        folder = output.parent.resolve()  # from which they are named
        return [(Path(os.path.normpath(folder / name)), file) for name, file in self.beside.items()]


def refuse_another(output: Path, source: Path, made_from: str, input_sha256: str | None) -> None:
    """Refuse to renew an output that its record says is of another source: of another path,
    wherever that begins, and other bytes.

    Raises:
        OutputExistsError: it is.
    """
    parts = Path(os.path.normpath(made_from)).parts
    parts = parts[parts.count(os.pardir) :]
    own = Path(os.path.normpath(Path.cwd() / source)).parts
    is_same = own[-len(parts) :] == parts or input_sha256 == (digest_of(source) or "")
    if not is_same and output.is_file():
        raise OutputExistsError(
            f"{output} was made from {made_from}, and is left as it is.", kind="output-of-another"
        )


def state_of(path: Path, *, settled_s: float = 0.0) -> FileState | None:
    """Size and time of a file; None if it is not there, or was changed less than `settled_s` ago.

    A file that is still being written can change without its time telling.
    """
    try:
        status = status_of(path)
    except OSError:
        return None
    if time.time_ns() - status.st_mtime_ns < settled_s * 1e9:
        return None
    return FileState(size=status.st_size, modified_ns=status.st_mtime_ns)


def record_path(output: Path) -> Path:
    """Path of the record of an output."""
    return output.parent / RECORD_FOLDER / f"{output.name}.json"


def write_record(record: FrameRecord, output: Path) -> None:
    """Write the record of an output; it appears at once.

    Raises:
        OutputError: it cannot be written.
    """
    path = record_path(output)
    text = json_text({"schema": RECORD_SCHEMA, **asdict(record)}, indent=1)
    write_atomically(path, text.encode())


def read_record(output: Path) -> FrameRecord | None:
    """Return the record of an output; None if there is none, or none that this version can use."""
    with suppress(*NO_RECORD):  # the frame is then done again
        document = read_json(record_path(output))
        if document["schema"] == RECORD_SCHEMA:
            return typed(FrameRecord, {**_OF_OLDER, **document})
    return None


NO_RECORD = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""Faults of a file that should be a record."""
_OF_OLDER: Mapping[str, Any] = {"revision": 0, "by_face": {}, "beside": {}, "replaced": {}}
"""Fields that records of earlier versions do not have."""


def sha256_of(content: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(content).hexdigest()


def fingerprint(document: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON object, whatever the order of its keys."""
    return sha256_of(json.dumps(document, sort_keys=True).encode())


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file; None if there is none, or no ordinary one, which its reader will tell."""
    try:
        if not is_regular(path):
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


@lru_cache(maxsize=8)
def _digest_of_setting(path: Path, _: FileState | None) -> str | None:
    """Return the same; a file is read once for all frames, unless its size or time changes."""
    return digest_of(path)


def plain(value: Any) -> Any:
    """JSON for any value that settings hold; a file counts as its content."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    match value:
        case Path():
            return _digest_of_setting(value, state_of(value))
        case Enum():
            return value.value
        case np.ndarray():
            return value.tolist()
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case tuple() | list():
            return [plain(one) for one in value]
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"settings hold a {type(value).__name__}, which has no fingerprint")
