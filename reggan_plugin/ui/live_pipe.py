"""A face that is changed again and again for a program beside this one, such as Blender.

The program writes one JSON object a line, and is answered by another. Of the lines that come while
one is being answered the newest alone is answered then:

    {"id": 7, "frame": "/shot/a.0101.exr", "face": 0, "longest_px": 1024,
     "change": {"weights": {"happy": 1, "jawOpen": 0.2}, "intensity": 0.8, "adds": false},
     "presets": null, "out": "/shots/live.raw"}

    {"id": 7, "file": "live.7.raw", "width": 1024, "height": 576, "seconds": 0.12}

`file`, beside `out`, then holds the whole frame, reduced to `longest_px`, or further so that its
face is changed soon: float32 RGBA, rows from the bottom, as stored in the frame. The program
deletes it. `face` is as `choice_from_json` reads it. A request with `texture`, `mesh` and
`material` in place of `frame` and `face` is answered with the base colour map. Of a set of UDIM
tiles the answer has `tiles`, the name of the files in which they are, with `<UDIM>`:

    {"id": 8, "width": 1024, "height": 1024, "tiles": "live.<UDIM>.png", "seconds": 0.12}

An answer to what cannot be done has `message`, `kind` and `fields` in place of the size.
"""

import json
import math
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import RegganError, SourceError, UsageError, document_from_said
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.file_safety import appearing, refuse_existing, refuse_overwriting
from reggan_plugin.files.frame import read_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import state_of
from reggan_plugin.jobs.results_and_events import face_not_found, none_of_number
from reggan_plugin.json_and_toml import json_text, parse_json
from reggan_plugin.limits import MOST_PATH_LETTERS
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.change_from_json import change_from_json, choice_from_json
from reggan_plugin.ui.live_face import LiveFace, averaged, live_face, rgba_of
from reggan_plugin.ui.open_frame import Newest
from reggan_plugin.ui.picture_sizes_and_memory import FRAMES_HELD, LARGEST_LIVE_FACE_PX
from reggan_plugin.vocabulary.expression import NO_PRESETS, ExpressionMix, read_presets

if TYPE_CHECKING:
    from reggan_plugin.ui.live_map import LiveMap

Rgba = Float[np.ndarray, "height width 4"]
_IS_WINDOWS = os.name == "nt"
_PIECE_BYTES = 1 << 16
_FIELDS = ("id", "longest_px", "change", "out")
_INPUTS = ("frame", "texture", "mesh")
_MOST_LONGEST_PX = 1 << 20
_OF_FRAME, _OF_MAP = ("frame", "face"), ("texture", "mesh", "material")


@frozen(eq=False)
class LiveFrame:
    """A frame that was reduced, and its face, ready for changes."""

    picture: Rgba
    face: LiveFace


class LivePipe:
    """Answers requests, one after another; frames that were asked for last stay in memory."""

    def __init__(self, transfer: ExpressionTransfer) -> None:
        """Hold nothing yet."""
        self._transfer = transfer
        self._held: Newest[LiveFrame] = Newest(FRAMES_HELD)
        self._held_map: "Newest[LiveMap]" = Newest(1)
        self._made: set[Path] = set()

    def serve(self, requests: Iterable[str], answers: TextIO) -> None:
        """Answer every line until there is none: the program has ended."""
        for line in requests:
            if line.strip():
                print(json_text(self.answer(line)), file=answers, flush=True)

    def answer(self, line: str) -> dict[str, Any]:
        """Return the answer to one request."""
        began = time.monotonic()
        asked: Mapping[str, Any] = {}
        try:
            asked = _object(line)
            _refuse_missing(asked)
            _refuse_odd(asked)
            written = self._write(asked)
        except RegganError as error:
            return {"id": asked.get("id"), **document_from_said(error.remark)}
        except OSError as error:
            fault = SourceError(f"A file cannot be written or read: {error.strerror}.")
            return {"id": asked.get("id"), **document_from_said(fault.remark)}
        return {"id": asked["id"], **written, "seconds": round(time.monotonic() - began, 3)}

    def _write(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        own = read_presets(Path(asked["presets"])) if asked.get("presets") else NO_PRESETS
        mix, out = change_from_json(asked["change"], own).mix, Path(asked["out"])
        beside = out.with_name(f"{out.stem}.{asked['id']}{out.suffix}")
        _refuse_overwriting(beside, out, [Path(asked[name]) for name in _INPUTS if name in asked])
        refuse_existing([beside], overwrite=beside in self._made)
        if "texture" not in asked:
            return self._written(self._frame(asked, mix), beside)
        face = self._map(asked)
        if not face.is_set:
            return self._written(rgba_of(face.picture(mix)), beside)
        height, width = face.size
        return {"width": width, "height": height, "tiles": face.write_tiles(mix, out).name}

    def _written(self, picture: Rgba, out: Path) -> dict[str, Any]:
        """Write a picture whole, rows from the bottom; return its file's name, and its size."""
        with appearing(out, is_durable=False) as temporary, temporary.open("xb") as file:
            file.write(np.ascontiguousarray(picture[::-1]).data)  # in one piece
        self._made.add(out)
        return {"file": out.name, "width": picture.shape[1], "height": picture.shape[0]}

    def _frame(self, asked: Mapping[str, Any], mix: ExpressionMix) -> Rgba:
        path, choice = Path(asked["frame"]), choice_from_json(asked["face"])
        longest_px = int(asked["longest_px"])
        key = (path, state_of(path), choice, longest_px)
        held = self._held.get(key, lambda: self._open(path, choice, longest_px))
        picture = held.picture.copy()
        changed = held.face.change(self._transfer, mix).compose().pixels
        picture[held.face.region][..., :3] = changed
        return picture

    def _map(self, asked: Mapping[str, Any]) -> "LiveMap":
        from reggan_plugin.ui.live_map import live_map  # its room needs the extra [textures]

        own = {name: value for name, value in asked.items() if name not in ("id", "change", "out")}
        files = [state_of(Path(asked[name])) for name in ("texture", "mesh")]
        key = (json.dumps(own, sort_keys=True), *files)
        return self._held_map.get(key, lambda: live_map(self._transfer, own))

    def _open(self, path: Path, choice: FaceChoice, longest_px: int) -> LiveFrame:
        frame = read_frame(path)
        crops = self._transfer.find_faces(frame, choice, (path.name,))
        if not crops:
            others = none_of_number(choice.which, crops.there) if crops.there else None
            raise face_not_found(path.name, others, path)
        exposure_ev = self._transfer.auto_exposure(frame, crops[:1])
        face_px = crops[0].scale * crops[0].side_px
        sizes = max(frame.pixels.shape[:2]) / longest_px, face_px / LARGEST_LIVE_FACE_PX
        factor = max(1, *map(math.ceil, sizes))
        pixels, alpha = averaged(frame.pixels, frame.alpha, factor)
        small = replace(frame, pixels=pixels, alpha=alpha)
        crop = crops[0].scaled(1 / factor)
        longest = max(small.pixels.shape[:2])
        face = live_face(self._transfer, small, crop, exposure_ev, longest)
        return LiveFrame(picture=rgba_of(small), face=face)


def newest_lines(stream: int) -> Iterator[str]:
    """Lines of a pipe as they come; of those that came while one was worked on, the last alone.

    On Windows each line: a library that loads there while a thread reads a pipe waits for it. The
    program that asks waits for each answer, then.

    Args:
        stream: its file descriptor, so that no lock is held when the process is stopped.
    """
    if _IS_WINDOWS:
        with open(stream, encoding="utf-8", errors="replace", closefd=False) as pipe:
            yield from pipe
        return
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(stream, lines), daemon=True).start()
    is_open = True
    while is_open:
        came = [lines.get()]
        while not lines.empty():
            came.append(lines.get())
        is_open = came[-1] is not None
        yield from [line for line in came if line is not None][-1:]


def _read_lines(stream: int, lines: "queue.SimpleQueue[str | None]") -> None:
    begun = b""
    try:
        while piece := os.read(stream, _PIECE_BYTES):
            *whole, begun = (begun + piece).split(b"\n")
            for line in filter(bytes.strip, whole):
                lines.put(line.decode("utf-8", "replace"))
    finally:
        if begun.strip():
            lines.put(begun.decode("utf-8", "replace"))
        lines.put(None)  # the program has ended


def _object(line: str) -> Mapping[str, Any]:
    try:
        return dict(parse_json(line))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{line[:80]!r} is no JSON object: {error}.") from error


def _refuse_missing(asked: Mapping[str, Any]) -> None:
    kind = _OF_MAP if "texture" in asked else _OF_FRAME
    missing = [name for name in (*_FIELDS, *kind) if name not in asked]
    if missing:
        raise UsageError(f"The request {asked.get('id')} has no {', '.join(missing)}.")


def _refuse_odd(asked: Mapping[str, Any]) -> None:
    """Refuse values that name no file, size or request."""
    odd = [name for name in (*_INPUTS, "out") if name in asked and not _is_text(asked[name])]
    odd += [
        name
        for name in ("presets", "material", "front", "head_bone")
        if asked.get(name) is not None and not _is_text(asked[name])
    ]
    longest_px, number = asked["longest_px"], asked["id"]
    if type(longest_px) is not int or not 16 <= longest_px <= _MOST_LONGEST_PX:
        odd.append("longest_px")
    if type(number) is not int or not 0 <= number < 2**63:
        odd.append("id")
    if odd:
        said = ", ".join(f"{name} {str(asked[name])[:80]!r}" for name in odd)
        raise UsageError(f"The request has an odd {said}. See reggan_plugin/ui/live_pipe.py.")


def _is_text(value: Any) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= MOST_PATH_LETTERS:
        return False
    try:
        return b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def _refuse_overwriting(beside: Path, out: Path, inputs: list[Path]) -> None:
    """Refuse results that would lie over what is read, such as tiles named as those of the map."""
    refuse_overwriting([beside], inputs)
    same = [path for path in inputs if path.name.startswith(f"{out.stem}.")]
    if any(path.parent.resolve() == out.parent.resolve() for path in same):
        raise UsageError(
            f"{out} is named after an input, which is never overwritten. Name another."
        )
