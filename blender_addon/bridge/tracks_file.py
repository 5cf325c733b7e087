"""Tracks as `reggan-plugin render --tracks` reads them, written from a scene, and held to pictures.

The schema is described in the runtime's `faces/tracks.py`.
"""

import json
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .errors import BridgeError
from .frame_sequence import shown_number
from .frames_in_words import frames_in_words
from .projection import LANDMARK_NAMES, SeenFace, face_box
from .whole_file import write_whole

_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG markers that a frame begins with."""
_WIDTH, _HEIGHT = 256, 257
"""Tags of TIFF."""
_MOST_ATTRIBUTES = 1000


def picture_size(path: Path) -> tuple[int, int] | None:
    """Return (width, height) of a PNG, JPEG, TIFF or EXR file; None if it cannot be told.

    Of an EXR file that of the picture as displayed.
    """
    try:
        with path.open("rb") as file:
            first = file.read(4)
            if first == b"\x89PNG":
                file.seek(16)
                return _two(">II", file)
            if first[:2] == b"\xff\xd8":
                return _of_jpeg(file)
            if first in (b"II*\0", b"MM\0*"):
                return _of_tiff(file, "<" if first[:1] == b"I" else ">")
            if first == b"v/1\x01":
                return _of_exr(file)
    except (OSError, struct.error, ValueError):
        return None
    return None


def _two(layout: str, file: BinaryIO) -> tuple[int, int]:
    one, other = struct.unpack(layout, file.read(struct.calcsize(layout)))
    return int(one), int(other)


def _of_jpeg(file: BinaryIO) -> tuple[int, int] | None:
    file.seek(2)
    while (marker := file.read(2)) and marker[:1] == b"\xff":
        (length,) = struct.unpack(">H", file.read(2))
        if marker[1] in _SOF:
            file.read(1)
            height, width = _two(">HH", file)
            return width, height
        file.seek(length - 2, 1)
    return None


def _of_tiff(file: BinaryIO, order: str) -> tuple[int, int] | None:
    (start,) = struct.unpack(f"{order}I", file.read(4))
    file.seek(start)
    (count,) = struct.unpack(f"{order}H", file.read(2))
    found: dict[int, int] = {}
    for _ in range(count):
        tag, kind, _count, value = struct.unpack(f"{order}HHI4s", file.read(12))
        if tag in (_WIDTH, _HEIGHT):
            layout = "H2x" if kind == 3 else "I"
            (found[tag],) = struct.unpack(order + layout, value)
    return (found[_WIDTH], found[_HEIGHT]) if len(found) == 2 else None


def _of_exr(file: BinaryIO) -> tuple[int, int] | None:
    file.seek(8)
    for _ in range(_MOST_ATTRIBUTES):
        name = _text(file)
        if not name:
            return None
        _text(file)
        (length,) = struct.unpack("<i", file.read(4))
        if name == b"displayWindow":
            left, top, right, bottom = struct.unpack("<4i", file.read(16))
            return right - left + 1, bottom - top + 1
        file.seek(length, 1)
    return None


def _text(file: BinaryIO) -> bytes:
    """Return bytes up to a zero, which is passed over."""
    text = b""
    while (byte := file.read(1)) not in (b"", b"\0") and len(text) < 256:
        text += byte
    return text


KIND, SCHEMA = "reggan-tracks", 1
_FARTHEST_PX = 2e5
"""Of a landmark; the schema's own limit also holds for the box, which is larger."""
_NOWHERE = [-1.0, -1.0, 1.0, 1.0]
"""The schema wants a place of every face; one behind the camera has none in the picture."""


def tracks_from_faces(
    frames: Mapping[int, SeenFace],
    *,
    face: int = 0,
    source: str = "",
    cuts: Sequence[int] = (),
    others: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    size: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Content of a tracks file.

    Args:
        frames: the face in every frame of the shot, by number.
        face: its number.
        source: what the frames are of, for people.
        cuts: first frames after a change of camera.
        others: faces of other numbers by frame, as `other_faces` reads them.
        size: width and height of the pictures; a frame of another size is refused then.
    """
    kept = others or {}
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "source": source,
        **({} if size is None else {"size": list(size)}),
        "cuts": [str(cut) for cut in cuts],
        "frames": {
            str(number): {"faces": [_entry(seen, face), *kept.get(str(number), ())]}
            for number, seen in sorted(frames.items())
        },
    }


def other_faces(path: Path, face: int) -> dict[str, list[dict[str, Any]]]:
    """Return the faces of other numbers in a tracks file, by frame; none if there is no file.

    Raises:
        BridgeError: the file is there and holds no tracks, so that it must not be replaced.
    """
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["kind"] != KIND or document["schema"] != SCHEMA:
            raise ValueError("of another kind")
        return {
            name: [one for one in entry["faces"] if one["face"] != face]
            for name, entry in document["frames"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BridgeError(
            f"{path.name} exists and holds no tracks that can be added to ({error}). Name another "
            "file, or delete it."
        ) from error


def box_of_face(path: Path, frame: int, face: int) -> list[float]:
    """Where a face is in a frame: x, y, width and height in pixels.

    Raises:
        BridgeError: the tracks cannot be read, or the face is not in sight there.
    """
    try:
        faces = json.loads(path.read_text(encoding="utf-8"))["frames"][str(frame)]["faces"]
        seen = [f for f in faces if f["face"] == face and f["status"] in ("given", "found")]
        return [float(value) for value in seen[0]["box"]]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BridgeError(
            f"{path.name} shows no face {face} in frame {frame}. Go to another frame, or press "
            "Track Head again."
        ) from error


def landmarks_of_face(path: Path, frame: int) -> dict[int, tuple[tuple[float, float], ...]]:
    """Return the six landmarks of every face that shows in a frame, by its number; in pixels.

    Raises:
        BridgeError: the tracks cannot be read.
    """
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))["frames"].get(str(frame), {})
        return {
            int(face["face"]): tuple(
                (float(x), float(y)) for x, y in (face["landmarks"][n] for n in LANDMARK_NAMES)
            )
            for face in entry.get("faces", ())
            if "landmarks" in face
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BridgeError(
            f"{path.name} holds no tracks that can be read ({error!r}). Press Track Head again."
        ) from error


def size_of_tracked(path: Path) -> tuple[int, int] | None:
    """Return width and height of the pictures that tracks are of; None if they do not tell."""
    try:
        width, height = json.loads(path.read_text(encoding="utf-8"))["size"]
        return int(width), int(height)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def refuse_frames_of_other_size(tracks: Path, frames: Iterable[Path]) -> None:
    """Refuse frames in which the face lies elsewhere than in the pictures that were tracked.

    Raises:
        BridgeError: a frame has another size.
    """
    remedy = (
        "In the Output properties set Resolution and % to the size of the frames and press Track "
        "Head, or render the frames anew."
    )
    refuse_other_sizes(tracks, ((frame.name, picture_size(frame)) for frame in frames), remedy)


def refuse_other_sizes(
    tracks: Path, sizes: Iterable[tuple[str, tuple[int, int] | None]], remedy: str
) -> None:
    """Refuse pictures, named and with their sizes if known, that are not as large as the tracked.

    Raises:
        BridgeError: a size is another one.
    """
    wanted = size_of_tracked(tracks)
    for name, found in sizes if wanted is not None else ():
        if wanted is not None and found not in (None, wanted):
            raise BridgeError(
                f"{name} is {found[0]}x{found[1]}, but the head was tracked for pictures of "
                f"{wanted[0]}x{wanted[1]}. {remedy}"
            )


def text_from_tracks(document: Mapping[str, Any]) -> str:
    """JSON, one frame a line."""
    head = [f" {json.dumps(k)}: {json.dumps(v)}," for k, v in document.items() if k != "frames"]
    frames = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in document["frames"].items()
    )
    return "\n".join(["{", *head, ' "frames": {', frames, " }", "}", ""])


def write_tracks(path: Path, text: str) -> None:
    """Write tracks; the file appears whole or not at all.

    Raises:
        BridgeError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise BridgeError(
            f"{path} cannot be written: {error.strerror}. Choose a folder that you may write to."
        ) from error


def _entry(seen: SeenFace, face: int) -> dict[str, Any]:
    """One face. Without a place that a file can hold it gets one outside the picture."""
    points = seen.landmarks
    if points is None or any(abs(value) > _FARTHEST_PX for point in points for value in point):
        status = "behind" if points is None else "outside"
        return {"face": face, "status": status, "score": 1.0, "box": _NOWHERE}
    kept = [[round(x, 3), round(y, 3)] for x, y in points]
    x, y, side, _ = face_box(points)
    entry: dict[str, Any] = {"face": face, "status": seen.status, "score": round(seen.score, 4)}
    if kept[0] != kept[1]:  # a profile in which the eyes coincide is placed by its box
        entry["landmarks"] = dict(zip(LANDMARK_NAMES, kept, strict=True))
    side = max(round(side, 3), 0.001)
    return entry | {"box": [round(x, 3), round(y, 3), side, side]}


_FARTHEST = 0.3
"""Of the face's size, brows to chin: the middles of two boxes of one face are nearer than that."""
_LARGEST_RATIO = 1.6


def disagreement(projected: Path, located: Path) -> str:
    """Message for an artist whose rig says another place than the pictures; empty if they agree.

    They also agree where the rig's face is hidden, and where the picture shows none: no locator
    finds every statue.

    Args:
        projected: tracks by the rig.
        located: tracks of rendered frames, by the locator; the file may be missing.
    """
    own, found = _boxes(projected, "given"), _boxes(located, "found")
    ways = {
        frame: (_distance(own[frame][0], nearest), _way(own[frame][0], nearest))
        for frame in sorted(own.keys() & found.keys())
        for nearest in [min(found[frame], key=lambda box: _distance(own[frame][0], box))]
        if _differ(own[frame][0], nearest)
    }
    if not ways:
        return ""
    worst = max(ways, key=lambda frame: ways[frame][0])
    frames = frames_in_words(list(ways))
    at = f"In {frames[0].lower()}{frames[1:]}"
    example = f"in frame {worst} " if len(ways) > 1 else ""
    return (
        f"{at} the rig's face is not where the picture shows one: {example}{ways[worst][1]}. "
        "Look whether Bone is the one that moves the face; or name eyes and mouth, or press Place "
        "Points and drag them onto the face. Then track it again."
    )


def _differ(own: Sequence[float], nearest: Sequence[float]) -> bool:
    ratio = max(own[2], nearest[2]) / min(own[2], nearest[2])
    return _distance(own, nearest) > _FARTHEST or ratio > _LARGEST_RATIO


def _boxes(path: Path, status: str) -> dict[int, list[Sequence[float]]]:
    """Boxes of faces by the number of the frame; none of frames without such a face."""
    try:
        frames: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["frames"]
    except (OSError, ValueError, KeyError):  # it could not look: that is no disagreement
        return {}
    boxes = {
        _number(name): [f["box"] for f in entry["faces"] if f["status"] == status]
        for name, entry in frames.items()
    }
    return {frame: found for frame, found in boxes.items() if found}


def _number(name: str) -> int:
    """Of a frame in tracks, which may be named by its file."""
    return int(name) if name.removeprefix("-").isdecimal() else shown_number(Path(f"{name}."))


def _middle(box: Sequence[float]) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def _distance(own: Sequence[float], other: Sequence[float]) -> float:
    """Between the middles, in sizes of the other face."""
    return math.dist(_middle(own), _middle(other)) / other[2]


def _way(own: Sequence[float], other: Sequence[float]) -> str:
    """Return the rig's face in words, as seen from the picture's."""
    (x, y), (other_x, other_y) = _middle(own), _middle(other)
    places = [
        ("left", other_x - x),
        ("right", x - other_x),
        ("above", other_y - y),
        ("below", y - other_y),
    ]
    side, px = max(places, key=lambda place: place[1])
    if px < 0.1 * other[2]:
        size = "larger" if own[2] > other[2] else "smaller"
        return f"it is {size}, {own[2]:.0f} instead of {other[2]:.0f} pixels"
    word = side if side in ("above", "below") else f"to the {side} of"
    return f"it is {px:.0f} pixels {word} it"
