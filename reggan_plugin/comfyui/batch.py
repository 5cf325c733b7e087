"""A batch of pictures changed: faces tracked as in a shot, or each picture by itself."""

import tempfile
from collections.abc import Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from reggan_plugin.array_types import Float, Plane
from reggan_plugin.change.pipeline import EditedFrame, FrameAnswers, FrameCrops
from reggan_plugin.change.region_limits import RegionLimits
from reggan_plugin.comfyui.expression_nodes import BatchExpression, refuse_no_expression, scaled
from reggan_plugin.comfyui.frames_from_tensors import BatchPicture
from reggan_plugin.errors import FaceNotFoundError, UsageError, counted
from reggan_plugin.faces.face_finder import ChosenFaces, FaceChoice
from reggan_plugin.faces.landmarks_and_pose import EXPECTED
from reggan_plugin.faces.tracks import TrackedFrame, Tracks, WhichFaces
from reggan_plugin.faces.tracks_file import read_tracks, write_tracks
from reggan_plugin.files.exr.writing_settings import ChangeLayer
from reggan_plugin.files.image_format import Encoding, Frame
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.change_layers import FrameChange
from reggan_plugin.jobs.frame_steps import PIXELS_WHILE_RENDERING, room_beside
from reggan_plugin.jobs.frames_in_flight import most_in_flight, run_overlapped
from reggan_plugin.jobs.results_and_events import FrameTracked
from reggan_plugin.jobs.track_job import track_pictures
from reggan_plugin.transfer.display_picture import picture_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

Layers = dict[str, Float[np.ndarray, "height width channels"]]
MOTION_OUTPUTS: tuple[ChangeLayer, ...] = ("stmap", "gain", "paint")


class Watch(Protocol):
    """What a batch tells while it is worked on, and asks."""

    def step(self) -> None:
        """One picture is tracked, or changed."""
        ...

    def is_cancelled(self) -> bool:
        """Tell whether the user cancelled."""
        ...

    def raise_if_cancelled(self) -> None:
        """Raise what ends the work if the user cancelled."""
        ...


@frozen
class BatchSettings:
    """Settings for all pictures of a batch.

    Attributes:
        which: faces to change.
        intensity: multiplies the expression.
        limits: where on a face the change counts.
        is_shot: whether faces are tracked over the batch.
        passes_through: whether a picture without such a face stays as it is; else it is an error.
        keeps_layers: whether motion, gain and paint are wanted.
    """

    which: WhichFaces = "largest"
    intensity: float = 1.0
    limits: RegionLimits = field(default_factory=RegionLimits)
    is_shot: bool = True
    passes_through: bool = False
    keeps_layers: bool = False

    def tracks(self, pictures: Sequence[BatchPicture]) -> bool:
        """Tell whether the faces of a batch are tracked, unless somebody knows where they are."""
        return self.is_shot and len(pictures) > 1


@frozen(eq=False)
class ChangedValues:
    """A picture of a batch after its change.

    Attributes:
        values: as in the batch.
        weight: of the change in each pixel, 0 to 1.
        layers: `MOTION_OUTPUTS`, where they are wanted.
    """

    values: Float[np.ndarray, "height width channels"]
    weight: Plane
    layers: Layers


def which_faces(word: str) -> WhichFaces:
    """Return the faces that a choice of the nodes means: `largest`, `all` or a number."""
    return int(word) if word.isdecimal() else cast(WhichFaces, word)


def track_batch(
    transfer: ExpressionTransfer, pictures: Sequence[BatchPicture], watch: Watch, *, is_shot: bool
) -> Tracks:
    """Find the faces of a batch; of separate pictures each is found by itself.

    Args:
        transfer: the model for which they are found.
        pictures: the batch.
        watch: is told of each picture.
        is_shot: whether faces are followed from picture to picture.
    """
    frames = [picture.frame for picture in pictures]
    size = frames[0].display_px
    if is_shot:
        found = track_pictures(
            frames,
            report=lambda event: _step_at(event, watch),
            stopped=watch.is_cancelled,
            landmarker=transfer.landmarker,
        ).tracks
        watch.raise_if_cancelled()
        return _as_from_file(replace(found, picture_px=size))
    alone: dict[str, TrackedFrame] = {}
    for place, frame in enumerate(frames):
        alone[str(place)] = track_pictures([frame]).tracks.frames["0"]
        watch.step()
    return Tracks(frames=alone, cuts=tuple(alone)[1:], picture_px=size)


def change_batch(
    transfer: ExpressionTransfer,
    pictures: Sequence[BatchPicture],
    expression: BatchExpression,
    settings: BatchSettings,
    tracks: Tracks | None,
    watch: Watch,
) -> list[ChangedValues]:
    """Change the faces of a batch, as `render` changes those of a shot.

    Args:
        transfer: the model.
        pictures: the batch.
        expression: what is asked for, by picture.
        settings: for all of them.
        tracks: where the faces are, if somebody knows; frames are named by their place.
        watch: is told of each picture that is tracked here, and of each that is changed.

    Raises:
        FaceNotFoundError: a picture has no such face, unless these pass through.
        UsageError: the expression is invalid for the model, or lies beside the batch; or the faces
            are those of another number of pictures.
        SourceError: the faces are those of pictures of another size.
    """
    refuse_no_expression(expression)
    if not isinstance(tracks, Tracks | None):
        raise UsageError(f"The input faces got {type(tracks).__name__}; connect Find Faces.")
    expression.refuse_beside(len(pictures))
    if tracks is not None and len(tracks.frames) != len(pictures):
        raise UsageError(
            f"The faces are of {len(tracks.frames)} pictures, and the image has {len(pictures)}. "
            "Connect the same batch to Find Faces and to this node."
        )
    if tracks is None and settings.tracks(pictures):
        tracks = track_batch(transfer, pictures, watch, is_shot=True)
    if tracks is not None and not settings.passes_through:
        tracks.refuse_unknown(settings.which)
    steps = _Steps(transfer, pictures, expression, settings, tracks)
    results = []
    for changed in run_overlapped(
        range(len(pictures)),
        read=steps.cut,
        process=steps.answer,
        write=steps.compose,
        room_beside=lambda cut: _room_beside(cut, transfer.batch),
        stopped=watch.is_cancelled,
        together=transfer.batch,
    ):
        results.append(changed)
        watch.step()
    watch.raise_if_cancelled()
    return results


def _as_from_file(tracks: Tracks) -> Tracks:
    """Return tracks with the digits that a file keeps, as `render` works with."""
    with tempfile.TemporaryDirectory(prefix="reggan-tracks-") as folder:
        path = Path(folder, "tracks.json")
        write_tracks(tracks, path)
        return read_tracks(path)


def faces_at(
    transfer: ExpressionTransfer, frame: Frame, place: int, which: WhichFaces, tracks: Tracks | None
) -> ChosenFaces:
    """Return the crops of the chosen faces of a picture."""
    choice = FaceChoice(tracks=tracks, which=which)
    return transfer.find_faces(frame, choice, (str(place),))


class _Steps:
    """The three steps of a picture; the first and the last run in other threads."""

    def __init__(
        self,
        transfer: ExpressionTransfer,
        pictures: Sequence[BatchPicture],
        expression: BatchExpression,
        settings: BatchSettings,
        tracks: Tracks | None,
    ) -> None:
        self._transfer, self._pictures, self._settings = transfer, pictures, settings
        self._expression, self._tracks = expression, tracks
        self._exposure_ev = None if tracks is None else tracks.exposure_ev

    def cut(self, place: int) -> FrameCrops | None:
        """Find and cut the faces of a picture; None if nothing is to change in it."""
        mix = self._expression.mix_at(place)
        mix = scaled(mix, self._settings.intensity)
        if mix.changes_nothing:
            return None
        frame = self._pictures[place].frame
        crops = faces_at(self._transfer, frame, place, self._settings.which, self._tracks)
        if not crops:
            if self._settings.passes_through:
                return None
            raise no_face_in(self._pictures, place, self._settings.which, crops.there)
        picture = replace(
            picture_of(frame, self._exposure_of(frame, crops)),
            limits=self._settings.limits,
            keeps_parts=self._settings.keeps_layers,
        )
        return self._transfer.cut(picture, mix, crops)

    def answer(
        self, cuts: Sequence[tuple[int, FrameCrops | None]]
    ) -> Sequence[FrameAnswers | None]:
        """Run the model."""
        asked = [cut for _, cut in cuts if cut is not None]
        answers = iter(self._transfer.answer(asked) if asked else [])
        return [None if cut is None else next(answers) for _, cut in cuts]

    def compose(self, place: int, answered: FrameAnswers | None) -> ChangedValues:
        """Lay the answers into the picture."""
        picture = self._pictures[place]
        edited, values = EditedFrame.unchanged(picture.frame.pixels), picture.values
        if answered is not None:
            edited = answered.compose()
            values = picture.with_pixels(edited.pixels)
        change = FrameChange(frame=picture.frame, edited=edited)
        layers = _layers_of(change) if self._settings.keeps_layers else {}
        return ChangedValues(values=values, weight=edited.weight, layers=layers)

    def _exposure_of(self, frame: Frame, crops: ChosenFaces) -> float:
        """Return that of the tracks, or of the shot's first face; separate pictures have their
        own.
        """
        if frame.encoding is not Encoding.SCENE_LINEAR:
            return 0.0
        if self._exposure_ev is not None:
            return self._exposure_ev
        found = self._transfer.auto_exposure(frame, crops)
        if self._settings.is_shot:
            self._exposure_ev = found
        return found


def no_face_in(
    pictures: Sequence[BatchPicture], place: int, which: WhichFaces, there: Sequence[int] = ()
) -> FaceNotFoundError:
    """Return the error for a picture of a batch without the face that is meant."""
    height, width = pictures[place].frame.pixels.shape[:2]
    where = f"picture {place + 1} of {counted(len(pictures), 'picture')} ({width}x{height})"
    found = f"No human-like face in {where}; {EXPECTED}. Set"
    if there:
        found = f"No face {which} in {where}, which has faces {list(there)}. Choose another, or set"
    return FaceNotFoundError(
        f"{found} face_not_found to: leave the picture.", kind="face-not-in-picture"
    )


def _layers_of(change: FrameChange) -> Layers:
    """Return the change as planes of the whole picture; an STMap's third channel is 1."""
    canvas = change.canvas
    stmap, gain, paint = (change.layer(name, canvas) for name in MOTION_OUTPUTS)
    ones = np.ones((*stmap.shape[:2], 1), np.float32)
    return {"stmap": np.concatenate([stmap, ones], axis=2), "gain": gain, "paint": paint}


def _room_beside(cut: FrameCrops | None, together: int) -> int:
    most = most_in_flight(together)
    if cut is None:
        return most - 1
    return room_beside(cut.picture.pixels.size // 3, most, PIXELS_WHILE_RENDERING)


def _step_at(event: object, watch: Watch) -> None:
    if isinstance(event, FrameTracked):
        watch.step()
