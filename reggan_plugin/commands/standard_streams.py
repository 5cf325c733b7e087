"""One picture from standard input, or to standard output: `-` in place of a file."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reggan_plugin.errors import UnreadableFrameError, UsageError
from reggan_plugin.files.formats import format_of, image_formats
from reggan_plugin.files.size_limit import MOST_FILE_BYTES
from reggan_plugin.files.video import is_video

STANDARD = "-"
_INPUT, _OUTPUT = "standard-input", "standard-output"


@dataclass(frozen=True, kw_only=True)
class PipedFiles:
    """What to work on in place of the streams.

    Attributes:
        inputs: files and folders.
        out: as the user gave it, or the file that goes to standard output in the end.
        writes: whether one goes there, so that nothing else may.
    """

    inputs: tuple[str, ...]
    out: Path | None
    writes: bool


@contextmanager
def piped_files(
    inputs: tuple[str, ...], out: Path | None, *, as_json: bool
) -> Iterator[PipedFiles]:
    """Put standard input into a file that lives as long as this, and the result on standard output.

    Without an error, the file at `out` is written to standard output at the end.

    Raises:
        UsageError: more than one picture, a terminal, or a summary for the same stream.
        UnreadableFrameError: standard input is empty or no picture.
    """
    reads = STANDARD in inputs
    writes = out == Path(STANDARD) or (reads and out is None)
    if not (reads or writes):
        yield PipedFiles(inputs=inputs, out=out, writes=False)
        return
    _refuse_impossible(inputs, reads=reads, writes=writes, as_json=as_json)
    with tempfile.TemporaryDirectory(prefix="reggan-") as folder:
        if reads:
            inputs = (str(_kept_input(Path(folder))),)
        if not writes:
            yield PipedFiles(inputs=inputs, out=out, writes=False)
            return
        result = Path(folder, "out", _OUTPUT).with_suffix(Path(inputs[0]).suffix)
        yield PipedFiles(inputs=inputs, out=result, writes=True)
        if result.exists():
            stream = sys.stdout.buffer
            stream.write(result.read_bytes())
            stream.flush()


def _refuse_impossible(
    inputs: tuple[str, ...], *, reads: bool, writes: bool, as_json: bool
) -> None:
    if len(inputs) != 1 or not (reads or Path(inputs[0]).is_file()):
        raise UsageError(
            "- stands for one picture; standard input and output take no sequence. Name files or "
            "folders."
        )
    if writes and is_video(Path(inputs[0])):
        raise UsageError("Standard output takes one picture, no video. Name a file with --out.")
    if writes and as_json:
        raise UsageError(
            "Standard output would hold the picture and the JSON summary. Leave --json out, or "
            "name a file with --out."
        )
    if writes and sys.stdout.isatty():
        raise UsageError(
            "Standard output is this terminal, which shows no pictures. Name a file with --out, "
            "or send the output on: > out.png"
        )


def _kept_input(folder: Path) -> Path:
    content = sys.stdin.buffer.read(MOST_FILE_BYTES)
    if not content:
        raise UnreadableFrameError("Standard input is empty (0 bytes). Send one picture to it.")
    found = format_of(content)
    if found is None:
        names = ", ".join(one.name for one in image_formats())
        raise UnreadableFrameError(
            f"Standard input is not an image: it begins with {content[:8]!r}, as no file of "
            f"{names} does. Send a picture to it."
        )
    path = (folder / _INPUT).with_suffix(found.suffixes[0])
    path.write_bytes(content)
    return path
