"""Tracks as `reggan-plugin render --tracks` reads them, written from a scene.

The schema is described in the runtime's `faces/tracks.py`.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import BridgeError
from .face_points import LANDMARK_NAMES
from .picture_size import picture_size
from .projection import SeenFace, face_box

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
    wanted = size_of_tracked(tracks)
    for frame in frames if wanted is not None else ():
        found = picture_size(frame)
        if wanted is not None and found not in (None, wanted):
            raise BridgeError(
                f"{frame.name} is {found[0]}x{found[1]}, but the head was tracked for pictures of "
                f"{wanted[0]}x{wanted[1]}. In the Output properties set Resolution and % to the "
                "size of the frames and press Track Head, or render the frames anew."
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
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            new.write_text(text, encoding="utf-8", newline="\n")
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
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
