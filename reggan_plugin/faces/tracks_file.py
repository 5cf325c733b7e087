"""Tracks on disk; `faces/tracks.py` describes the file."""

import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from reggan_plugin.array_types import SixPoints
from reggan_plugin.errors import SourceError
from reggan_plugin.faces.face_in_shot import CharacterMouth, FaceInShot
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.faces.tracks import (
    SCHEMA,
    STATUSES,
    Box,
    TrackedFace,
    TrackedFrame,
    Tracks,
    frame_key,
)
from reggan_plugin.file_safety import read_text, write_atomically
from reggan_plugin.json_and_toml import parse_json
from reggan_plugin.limits import MOST_COORDINATE_PX, MOST_TRACKS_BYTES, is_coordinate
from reggan_plugin.rig.dense_landmarks import COUNT
from reggan_plugin.rig.steady_landmarks import is_of_landmarks

KIND = "reggan-tracks"
_MOST_FACES = 1000
_MOST_STOPS = 20.0
_MOST_STEPS = 32_000
_DAMAGE = (OSError, ValueError, RecursionError, MemoryError)
"""No file, no UTF-8, no JSON, a number of a million digits, brackets a thousand deep."""


def write_tracks(tracks: Tracks, path: Path, *, is_new: bool = False) -> None:
    """Write tracks, one face a line; the file appears at once.

    Raises:
        OutputExistsError: it is to be new, and is there.
        OutputError: `path` cannot be written.
    """
    head = {
        "kind": KIND,
        "schema": SCHEMA,
        "source": tracks.source,
        "smoothing": tracks.smoothing,
        "exposure_ev": tracks.exposure_ev,
        "cuts": list(tracks.cuts),
    }
    if tracks.picture_px is not None:
        head["size"] = tracks.picture_px[::-1]
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    frames = ",\n".join(
        f"  {json.dumps(key)}: {_text_of_frame(frame)}" for key, frame in tracks.frames.items()
    )
    text = "\n".join(["{", *lines, ' "frames": {', frames, " }", "}", ""])
    write_atomically(path, text.encode(), is_new=is_new)


def read_tracks(path: Path) -> Tracks:
    """Read and check tracks.

    Raises:
        SourceError: not such a file; the message names the frame and the field.
    """
    document = _document(path)
    place = str(path)
    for name, wanted in (("kind", KIND), ("schema", SCHEMA)):
        if document.get(name) != wanted:
            _refuse(f"{place}: {name}", document.get(name), f"{wanted!r}, as this version reads")
    given = _entry(document, "frames", dict, place)
    frames: dict[str, TrackedFrame] = {}
    for name, entry in given.items():
        key = frame_key(name)
        if key in frames:
            _refuse(f"{place}: frame {name}", "a second entry", "one entry for a frame")
        frames[key] = _frame(entry, f"{place}: frame {name}")
    cuts = [frame_key(str(cut)) for cut in _entry(document, "cuts", list, place, [])]
    for cut in cuts:
        if cut not in frames:
            _refuse(f"{place}: cuts", cut, "frames that are in the file")
    return Tracks(
        frames=frames,
        cuts=tuple(cuts),
        exposure_ev=_exposure(document.get("exposure_ev"), place),
        source=_entry(document, "source", str, place, None),
        smoothing=_entry(document, "smoothing", str, place, None),
        picture_px=_size(document.get("size"), place),
    )


def _text_of_frame(frame: TrackedFrame) -> str:
    texts = {"file": frame.file, "note": frame.note}
    head = "".join(f'"{k}": {json.dumps(v)}, ' for k, v in texts.items() if v is not None)
    faces = ",\n".join(f"   {json.dumps(_json_from_face(face))}" for face in frame.faces)
    return f'{{{head}"faces": [' + (f"\n{faces}" if faces else "") + "]}"


def _json_from_face(face: TrackedFace) -> dict[str, Any]:
    entry: dict[str, Any] = {"face": face.face, "status": face.status, "score": face.score}
    if face.landmarks is not None:
        entry["landmarks"] = dict(zip(LANDMARK_NAMES, face.landmarks.tolist(), strict=True))
    entry |= {"box": list(face.box_px)}
    return entry if face.in_shot is None else entry | {"dense": _dense_entry(face.in_shot)}


def _document(path: Path) -> dict[str, Any]:
    try:
        text = read_text(path, MOST_TRACKS_BYTES)
        content = parse_json(text, object_pairs_hook=_without_repeats)
    except _DAMAGE as error:
        cause = str(error) or type(error).__name__
        raise SourceError(
            f"{path} cannot be read as tracks: {cause}. Write it again.", kind="tracks"
        ) from error
    if not isinstance(content, dict):
        _refuse(str(path), content, "one object")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{name!r} stands twice in the same object")
    return fields


def _frame(entry: Any, place: str) -> TrackedFrame:
    if not isinstance(entry, dict):
        _refuse(place, entry, '{"faces": [...]}')
    given = _entry(entry, "faces", list, place)
    if len(given) > _MOST_FACES:
        _refuse(place, f"{len(given)} faces", f"{_MOST_FACES} at most")
    faces = sorted((_face(face, place) for face in given), key=lambda face: face.face)
    for one, other in pairwise(faces):
        if one.face == other.face:
            _refuse(place, f"face {one.face} twice", "every face once; number them differently")
    return TrackedFrame(
        faces=tuple(faces),
        file=_entry(entry, "file", str, place, None),
        note=_entry(entry, "note", str, place, None),
    )


def _face(entry: Any, place: str) -> TrackedFace:
    if not isinstance(entry, dict):
        _refuse(place, entry, 'faces such as {"face": 0, "landmarks": {...}}')
    number = _entry(entry, "face", int, place)
    if not 0 <= number <= MOST_COORDINATE_PX:
        _refuse(f"{place}: face", number, "a number from 0")
    place = f"{place}, face {number}"
    status = entry.get("status", "given")
    if status not in STATUSES:
        _refuse(f"{place}: status", status, f"one of {', '.join(STATUSES)}")
    score = _numbers([entry.get("score", 1.0)], 1, f"{place}: score")[0]
    if not 0 <= score <= 1:
        _refuse(f"{place}: score", score, "0 to 1")
    landmarks = _landmarks(entry.get("landmarks"), place)
    dense = entry.get("dense")
    return TrackedFace(
        face=number,
        landmarks=landmarks,
        box_px=_box(entry.get("box"), landmarks, place),
        score=score,
        status=status,
        in_shot=None if dense is None else _dense(dense, landmarks, f"{place}: dense"),
    )


def _dense_entry(face: FaceInShot) -> dict[str, Any]:
    """Return dense landmarks as a file keeps them: whole steps from the middle of the face.

    A shot has thousands of such faces, so the steps are packed: x, y and sigma of each point as
    little-endian integers of 16 bits, in base64.
    """
    middle = face.places.mean(axis=0).round(3)
    away = np.column_stack([face.places - middle, face.sigma])
    step = float(f"{max(float(np.abs(away).max()), 1e-3) / _MOST_STEPS:.6g}")
    steps = np.rint(away / step).astype("<i2")
    steps[:, 2] = np.maximum(steps[:, 2], 1)
    entry = {
        "middle": middle.tolist(),
        "step": step,
        "points": b64encode(steps.tobytes()).decode("ascii"),
    }
    if face.mouth is None:
        return entry
    mouth = face.mouth
    return entry | {
        "mouth": {
            "tooth": list(mouth.tooth),
            "stone": mouth.stone,
            "is_drawn": mouth.is_drawn,
            "gap": mouth.gap,
        }
    }


def _dense(entry: Any, landmarks: SixPoints | None, place: str) -> FaceInShot | None:
    """Return dense landmarks; None where somebody has put the face elsewhere since."""
    if not isinstance(entry, dict):
        _refuse(place, entry, "an object, as `track` writes it")
    middle = np.array(_numbers(entry.get("middle"), 2, f"{place}: middle"))
    step = _numbers([entry.get("step")], 1, f"{place}: step")[0]
    if not step > 0:
        _refuse(f"{place}: step", step, "more than 0")
    packed = _entry(entry, "points", str, place)
    try:
        steps = np.frombuffer(b64decode(packed, validate=True), "<i2").reshape(COUNT, 3)
    except ValueError:
        _refuse(
            f"{place}: points", f"text of {len(packed)} characters", f"{COUNT} points in base64"
        )
    away = steps * step
    if not (steps[:, 2] > 0).all() or np.abs(away).max() > MOST_COORDINATE_PX:
        _refuse(
            f"{place}: points", "sigmas of 0 or places far off", "points, as `track` writes them"
        )
    mouth = entry.get("mouth")
    face = FaceInShot(
        places=middle + away[:, :2],
        sigma=away[:, 2],
        mouth=None if mouth is None else _mouth(mouth, f"{place}: mouth"),
    )
    is_same = landmarks is not None and is_of_landmarks(face, landmarks)
    return face if is_same else None


def _mouth(entry: Any, place: str) -> CharacterMouth:
    if not isinstance(entry, dict):
        _refuse(place, entry, "an object, as `track` writes it")
    red, green, blue = _numbers(entry.get("tooth"), 3, f"{place}: tooth")
    (stone,) = _numbers([entry.get("stone")], 1, f"{place}: stone")
    (gap,) = _numbers([entry.get("gap")], 1, f"{place}: gap")
    is_drawn = entry.get("is_drawn")
    if not (0 <= stone <= 1 and min(red, green, blue, gap) >= 0):
        _refuse(place, "out of range", "stone from 0 to 1, tooth and gap from 0")
    if not isinstance(is_drawn, bool):
        _refuse(f"{place}: is_drawn", is_drawn, "true or false")
    return CharacterMouth(tooth=(red, green, blue), stone=stone, is_drawn=is_drawn, gap=gap)


def _landmarks(points: Any, place: str) -> SixPoints | None:
    if points is None:
        return None
    if not isinstance(points, dict) or not set(LANDMARK_NAMES) <= set(points):
        _refuse(f"{place}: landmarks", points, f"the points {', '.join(LANDMARK_NAMES)}")
    found = np.array([_numbers(points[n], 2, f"{place}: {n}") for n in LANDMARK_NAMES])
    if FaceLandmarks(found).eye_distance_px == 0.0:
        _refuse(f"{place}: landmarks", "two eyes in one place", "two different points")
    return found


def _box(box: Any, landmarks: SixPoints | None, place: str) -> Box:
    if box is None and landmarks is not None:
        return FaceLandmarks(landmarks).box
    x, y, width, height = _numbers(box, 4, f"{place}: box")
    if width <= 0 or height <= 0:
        _refuse(f"{place}: box", box, "a width and a height above 0")
    return x, y, width, height


def _exposure(value: Any, place: str) -> float | None:
    if value is None:
        return None
    stops = _numbers([value], 1, f"{place}: exposure_ev")[0]
    if abs(stops) > _MOST_STOPS:
        _refuse(f"{place}: exposure_ev", stops, f"-{_MOST_STOPS:g} to {_MOST_STOPS:g} stops")
    return stops


def _size(value: Any, place: str) -> tuple[int, int] | None:
    """(height, width); a file has the width first."""
    if value is None:
        return None
    width, height = _numbers(value, 2, f"{place}: size")
    if min(width, height) < 1 or width % 1 or height % 1:
        _refuse(f"{place}: size", value, "a width and a height in whole pixels")
    return int(height), int(width)


def _numbers(values: Any, count: int, place: str) -> list[float]:
    """So many finite numbers of a size that a picture can have."""
    good = isinstance(values, list) and len(values) == count
    if not good or not all(map(is_coordinate, values)):
        _refuse(place, values, f"{count} finite number{'s' if count > 1 else ''}")
    return [float(value) for value in values]


_NEEDED = object()


def _entry(
    fields: Mapping[str, Any], name: str, kind: type, place: str, default: Any = _NEEDED
) -> Any:
    """Return a field of the type that it should have; null counts as absent."""
    value = fields.get(name)
    if value is None and default is not _NEEDED:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        wanted = {dict: "an object", list: "a list", str: "text", int: "a whole number"}[kind]
        _refuse(f"{place}: {name}", value, wanted)
    return value


def _refuse(place: str, found: Any, expected: str) -> NoReturn:
    raise SourceError(
        f"{place} is {_shown(found)}; expected {expected}. Mend it there, or write the file again.",
        kind="tracks",
    )


def _shown(found: Any) -> str:
    """Return the value that was found, in a few words whatever it is."""
    if isinstance(found, dict):
        return "an object" if found else "an empty object"
    if isinstance(found, list) and (
        len(found) > 6 or any(isinstance(v, list | dict) for v in found)
    ):
        return f"a list of {len(found)}"
    text = found if isinstance(found, str) else json.dumps(found)
    return text if len(text) <= 80 else f"{text[:77]}..."
