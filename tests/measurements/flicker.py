"""How much a changed face flickers, by the way in which its positions are found.

    python tests/measurements/flicker.py               a still face, a jittered camera, noise
    python tests/measurements/flicker.py --ict NPZ     a moving head beside its true expression

NPZ is ICT FaceKit light, as `train-landmarks` takes it: a head that no model is trained on turns,
speaks and blinks. `--ways` measures some ways alone. `--pictures DIR` draws the temporal changes of
the errors, eight times as strong.

`flicker` is the temporal change of the error, as a ratio to the input's own: the root mean square
of (x[t] - truth[t]) - (x[t-1] - truth[t-1]) over the pixels that any way changes, divided by that
of the unchanged frames. Of a still face the truth is what the model makes of the clean frame,
moved with the camera. `unsteady` is the same beside what the model makes of the clean frame where
this way puts the face on average: noise shifts what networks read, and a shift that stays is no
flicker, but before a camera that shakes it counts in the first figure. `beyond_noise` is the same
beside the clean frame's answer laid into the noisy frames, which is a way of its own: its `flicker`
is the noise that frames bring along and that no way may take from them. `jitter_px` is the temporal
change of the crop's corners beside those of the true positions; of a moving head these are its
mesh's, whose mouth speaks.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import reggan_plugin
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.faces.smoothing import smooth_path
from reggan_plugin.faces.tracks import TrackedFrame, Tracks, face_from_landmarks
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.files.sequence import find_sequence
from reggan_plugin.imaging.crop import FaceCrop, cut_crop
from reggan_plugin.jobs.track_job import track_frames
from reggan_plugin.transfer.display_picture import picture_of as display_picture
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer, Landmarker
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, ExpressionMix
from reggan_training.heads.ict import IctFamily
from reggan_training.heads.worn.dress import dress
from reggan_training.rendering.head_look import sample_look
from reggan_training.rendering.rasterising import frontal_camera, rasterise_head
from reggan_training.rendering.shading import HeadShader, reduce_to

SAMPLE = Path(reggan_plugin.__file__).parent / "samples" / "avatar_png" / "avatar.1001.png"
SIDE_PX, MARGIN_PX = 560, 20
TRUE, CLEAN = "true positions", "answer of the clean frame"
HEAD, ASKED = "ict-7-00090", "happy"
BLINK = {14: 0.35, 15: 0.9, 16: 1.0, 17: 0.7, 18: 0.35}
"""Closure of the lids, by frame of 48."""


def write_frames(folder: Path, pictures: Sequence[np.ndarray]) -> None:
    """The pictures as PNG with 8 bits."""
    folder.mkdir()
    for number, picture in enumerate(pictures, start=1):
        levels = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
        Image.fromarray(levels).save(folder / f"frame.{number:04d}.png")


def picture_of(path: Path) -> np.ndarray:
    """RGB in [0, 1]."""
    return np.asarray(Image.open(path).convert("RGB"), dtype=np.float32) / 255


def ways_to_find(transfer: ExpressionTransfer, folder: Path) -> dict[str, FaceChoice]:
    """The ways to compare: `render --range`, `render`, and less than that."""
    raw = tracks_of(folder, smooth=False)
    points = landmarks_of(raw)
    plain = smooth_path(list(range(len(points))), points, [np.eye(3)] * (len(points) - 1))
    return {
        "each frame by itself": FaceChoice(),
        "tracked, not smoothed": FaceChoice(tracks=raw),
        "filter that knows no motion": FaceChoice(tracks=tracks_from_points(plain)),
        "tracked, six landmarks alone": FaceChoice(tracks=tracks_of(folder)),
        "tracked": FaceChoice(tracks=tracks_of(folder, landmarker=transfer.landmarker)),
    }


def tracks_of(folder: Path, *, smooth: bool = True, landmarker: Landmarker | None = None) -> Tracks:
    """What `track` writes."""
    frames = find_sequence(str(folder)).frames
    return track_frames(frames, source="", smooth=smooth, landmarker=landmarker).tracks


def landmarks_of(tracks: Tracks) -> list[np.ndarray]:
    """Of the only face of each frame."""
    found = [frame.faces[0].landmarks for frame in tracks.frames.values()]
    return [points for points in found if points is not None]


def tracks_from_points(points: Sequence[np.ndarray]) -> Tracks:
    """One face in every frame."""
    faces = [face_from_landmarks(0, place, 1.0, "given") for place in points]
    return Tracks(frames={str(n): TrackedFrame(faces=(f,)) for n, f in enumerate(faces, start=1)})


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Frames with an expression, [frame, row, column, channel], and where their face was.

    `steady` are the pictures to which they are compared for steadiness, if that is measured.
    """

    pictures: np.ndarray
    crops: tuple[FaceCrop, ...]
    steady: np.ndarray | None = None

    @property
    def corners(self) -> np.ndarray:
        """Of the crops, [frame, corner, axis]."""
        return np.stack([crop.corners() for crop in self.crops])


def render(
    transfer: ExpressionTransfer, folder: Path, choice: FaceChoice, mix: ExpressionMix
) -> Rendered:
    """All frames with the expression."""
    pictures, places = [], []
    for source in find_sequence(str(folder)).frames:
        frame = read_frame(source.path)
        crops = transfer.find_faces(frame, choice, (source.path.name, str(source.number)))
        pictures.append(transfer.render(frame, mix, crops))
        places.append(crops[0])
    return Rendered(pictures=np.stack(pictures), crops=tuple(places))


def flicker(pictures: np.ndarray, truth: np.ndarray, region: np.ndarray) -> float:
    """Temporal change of the error in a region."""
    return temporal_change((pictures - truth)[:, region])


def temporal_change(values: np.ndarray) -> float:
    """Root mean square of what changes from frame to frame."""
    return float(np.sqrt((np.diff(values, axis=0) ** 2).mean()))


def compare(
    inputs: np.ndarray, truth: np.ndarray, results: Mapping[str, Rendered]
) -> dict[str, dict[str, float]]:
    """The figures of each way."""
    changed = [(one.pictures != inputs).any(axis=(0, 3)) for one in results.values()]
    region = np.any(changed, axis=0)
    own = flicker(inputs, truth, region)
    return {
        way: {
            "flicker": round(flicker(one.pictures, truth, region) / own, 3),
            **_unsteady(one, inputs, region),
            **_beyond_noise(one, inputs, region, results.get(CLEAN)),
            **_jitter(one, results),
        }
        for way, one in results.items()
    }


def _jitter(one: Rendered, results: Mapping[str, Rendered]) -> dict[str, float]:
    if TRUE not in results:
        return {}
    return {"jitter_px": round(temporal_change(one.corners - results[TRUE].corners), 2)}


def _unsteady(one: Rendered, inputs: np.ndarray, region: np.ndarray) -> dict[str, float]:
    if one.steady is None:
        return {}
    own = flicker(inputs, one.steady, region)
    return {"unsteady": round(flicker(one.pictures, one.steady, region) / own, 3)}


def _beyond_noise(
    one: Rendered, inputs: np.ndarray, region: np.ndarray, clean: Rendered | None
) -> dict[str, float]:
    if clean is None or one is clean:
        return {}
    own = flicker(inputs, clean.pictures, region)
    return {"beyond_noise": round(flicker(one.pictures, clean.pictures, region) / own, 3)}


def mean_place(crops: Sequence[FaceCrop], ways: np.ndarray) -> FaceCrop:
    """Where crops lie on average on the still picture, from frames of a camera that went `ways`."""
    still = [crop.moved(*(MARGIN_PX + way)) for crop, way in zip(crops, ways, strict=True)]
    known = [crop.in_shot for crop in crops if crop.in_shot is not None]
    place = replace(still[0], frame_from_crop=np.mean([c.frame_from_crop for c in still], axis=0))
    if not known:
        return place
    places, sigma = (
        np.mean([getattr(one, name) for one in known], axis=0) for name in ("places", "sigma")
    )
    return replace(place, in_shot=replace(known[0], places=places, sigma=sigma))


def draw(folder: Path, name: str, truth: np.ndarray, results: Mapping[str, Rendered]) -> None:
    """A strip for each way: six temporal changes of the error, grey where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for one in results.values():
        changes = np.diff(one.pictures - truth, axis=0)[:6]
        rows.append(np.hstack(list((0.5 + 8 * changes).clip(0, 1))))
    sheet = Image.fromarray((np.vstack(rows) * 255).astype(np.uint8))
    sheet.resize((1500, round(1500 * sheet.height / sheet.width))).save(folder / f"{name}.png")


def still_face(
    transfer: ExpressionTransfer,
    folder: Path,
    frames: int,
    camera_px: float,
    noise: float,
    only: Sequence[str],
) -> tuple[np.ndarray, np.ndarray, dict[str, Rendered]]:
    """Inputs, truth and results for a camera that jitters before a face that does not move."""
    mix, random = ExpressionMix({"happy": 1.0}), np.random.default_rng(0)
    still = picture_of(SAMPLE)[60 : 60 + SIDE_PX, 380 : 380 + SIDE_PX]
    write_frames(folder / "still", [still] * 2)
    clean_face = landmarks_of(tracks_of(folder / "still"))[0]
    clean = render(transfer, folder / "still", FaceChoice(), mix).pictures[0]
    ways = random.normal(0, camera_px, (frames, 2))
    moved = [_through_camera(still, way) for way in ways]
    write_frames(folder / "shot", [one + random.normal(0, noise, one.shape) for one in moved])
    true = tracks_from_points([clean_face - MARGIN_PX - way for way in ways])
    choices = {**ways_to_find(transfer, folder / "shot"), TRUE: FaceChoice(tracks=true)}
    frame = read_frame(find_sequence(str(folder / "still")).frames[0].path)
    results = {}
    for way in only or choices:
        own = render(transfer, folder / "shot", choices[way], mix)
        mean = transfer.render(frame, mix, [mean_place(own.crops, ways)])
        results[way] = replace(own, steady=np.stack([_through_camera(mean, one) for one in ways]))
    results[CLEAN] = with_answer_of(transfer, frame, folder / "shot", ways, mix)
    inputs = [picture_of(path) for path in sorted((folder / "shot").iterdir())]
    return np.stack(inputs), np.stack([_through_camera(clean, way) for way in ways]), results


def with_answer_of(
    transfer: ExpressionTransfer, still: Frame, shot: Path, ways: np.ndarray, mix: ExpressionMix
) -> Rendered:
    """Frames of a camera that went `ways`, changed as the still frame that it saw is."""
    (place,) = transfer.find_faces(still, FaceChoice(), (shot.name, "1"))
    (asked,) = transfer.answer([transfer.cut(display_picture(still), mix, [place])])
    crops = tuple(place.moved(*(-MARGIN_PX - way)) for way in ways)
    pictures = []
    for source, crop in zip(find_sequence(str(shot)).frames, crops, strict=True):
        cut = transfer.cut(display_picture(read_frame(source.path)), mix, [crop])
        pictures.append(replace(asked, cut=cut).compose().pixels)
    return Rendered(pictures=np.stack(pictures), crops=crops)


def _through_camera(picture: np.ndarray, way: np.ndarray) -> np.ndarray:
    matrix = np.column_stack([np.eye(2), MARGIN_PX + way])
    return cut_crop(picture, FaceCrop(matrix, SIDE_PX - 2 * MARGIN_PX)).clip(0, 1)


def moving_head(
    transfer: ExpressionTransfer, folder: Path, ict: Path, frames: int, only: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, dict[str, Rendered]]:
    """Inputs, true pictures and results of a head that turns, speaks and blinks."""
    pictures, points = zip(*pictured_shot(ict, frames), strict=True)
    inputs, truth = (np.stack(way) for way in zip(*pictures, strict=True))
    write_frames(folder / "shot", list(inputs))
    choices = {
        **ways_to_find(transfer, folder / "shot"),
        TRUE: FaceChoice(tracks=tracks_from_points(list(points))),
    }
    mix = ExpressionMix({ASKED: 1.0})
    results = {way: render(transfer, folder / "shot", choices[way], mix) for way in only or choices}
    inputs = np.stack([picture_of(path) for path in sorted((folder / "shot").iterdir())])
    return inputs, truth, results


def pictured_shot(
    ict: Path, frames: int
) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], np.ndarray]]:
    """Each frame as it is and with the expression, and its landmarks in pixels."""
    random = np.random.default_rng(0)
    head = dress(IctFamily(ict).head(HEAD), random)
    look = sample_look(random, style="skin")
    still = frontal_camera(head.landmarks(head.rest))
    wider = still.crop_from_plane / 1.6 + np.array([[0, 0, 0.5 - 0.5 / 1.6]])
    asked = NAMED_EXPRESSIONS[ASKED].weights
    for state, rotation in moving_states(frames):
        edited = {
            name: max(state.get(name, 0.0), asked.get(name, 0.0)) for name in {**state, **asked}
        }
        camera = replace(still, rotation=rotation, crop_from_plane=wider)
        seen = rasterise_head(head, [state, edited], camera, face_px=2 * SIDE_PX)
        shader = HeadShader(seen)
        with torch.no_grad():
            pair = [
                reduce_to(shader.picture(seen.face, k, look), SIDE_PX).permute(1, 2, 0).numpy()
                for k in (0, 1)
            ]
        yield (pair[0], pair[1]), seen.landmarks[0] * SIDE_PX


def moving_states(frames: int) -> Iterator[tuple[dict[str, float], np.ndarray]]:
    """Shapes and turn of a head at 24 frames a second: four syllables, a blink in two seconds."""
    for number in range(frames):
        time = number / 24
        yaw, pitch = np.radians([8 * np.sin(1.6 * time), 3 * np.sin(1.1 * time + 1)])
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        lids = BLINK.get(number % 48, 0.0)
        mouth = 0.3 * (0.5 - 0.5 * np.cos(8 * np.pi * time)) * (np.sin(3.8 * time) > -0.5)
        state = {"eyeBlinkLeft": lids, "eyeBlinkRight": lids, "jawOpen": float(mouth)}
        yield state, about_x @ about_y


def main() -> None:
    """Print the ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ict", type=Path)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--camera-px", type=float, default=1.5)
    parser.add_argument("--noise", type=float, default=0.01)
    parser.add_argument("--ways", nargs="*", default=(), metavar="WAY")
    parser.add_argument("--pictures", type=Path)
    asked = parser.parse_args()
    transfer = ExpressionTransfer(device="cpu")
    with tempfile.TemporaryDirectory() as name:
        if asked.ict is None:
            inputs, truth, results = still_face(
                transfer, Path(name), asked.frames, asked.camera_px, asked.noise, asked.ways
            )
        else:
            inputs, truth, results = moving_head(
                transfer, Path(name), asked.ict, asked.frames, asked.ways
            )
    if asked.pictures is not None:
        draw(asked.pictures, "moving" if asked.ict else "still", truth, results)
    print(json.dumps(compare(inputs, truth, results), indent=1))


if __name__ == "__main__":
    main()
