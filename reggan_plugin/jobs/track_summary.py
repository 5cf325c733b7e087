"""The JSON that `track --json` prints.

v              1; raised when a field changes its meaning or goes away
source         as it was asked for
frames         how many
faces          one object for each: `face` its number, `first` and `last` frame, frames `found`
               and `filled`, `median_size_px` of its box, `lowest_score` of those found
cuts           the first frames after each
exposure_ev    of the shot; null if no face is in a scene-linear frame
without_face   the frames that show no face
unreadable     one object {source, message} for each frame that cannot be read
smoothing      what was done to the positions; null if nothing
seconds        spent
out, preview   the files written
"""

from collections import defaultdict
from statistics import median
from typing import Any

from reggan_plugin.faces.tracks import TrackedFace
from reggan_plugin.jobs.track_job import TrackResult

SUMMARY_VERSION = 1


def document_from_result(result: TrackResult) -> dict[str, Any]:
    """Return the JSON object, but for the files written."""
    tracks = result.tracks
    by_face: dict[int, dict[str, TrackedFace]] = defaultdict(dict)
    for key, frame in tracks.frames.items():
        for face in frame.faces:
            by_face[face.face][key] = face
    return {
        "v": SUMMARY_VERSION,
        "source": tracks.source,
        "frames": len(tracks.frames),
        "faces": [_summary_of(number, by_face[number]) for number in sorted(by_face)],
        "cuts": list(tracks.cuts),
        "exposure_ev": tracks.exposure_ev,
        "without_face": [key for key, frame in tracks.frames.items() if not frame.faces],
        "unreadable": [
            {"source": str(path), "message": message} for path, message in result.unreadable.items()
        ],
        "smoothing": tracks.smoothing,
        "seconds": result.seconds,
    }


def _summary_of(number: int, faces: dict[str, TrackedFace]) -> dict[str, Any]:
    keys = list(faces)
    found = [face.score for face in faces.values() if face.status == "found"]
    return {
        "face": number,
        "first": keys[0],
        "last": keys[-1],
        "found": len(found),
        "filled": len(faces) - len(found),
        "median_size_px": round(median(face.size_px for face in faces.values()), 1),
        "lowest_score": min(found),
    }
