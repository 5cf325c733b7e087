"""`ExpressionTransfer`: a picture in, the same picture with an expression out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

import numpy as np

from reggan_plugin.array_types import Float, Pixels, Plane, SixPoints
from reggan_plugin.backends.devices import ENGINE_SUFFIX, Runner
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.change.answer import AnswerSource, motion_in_frame
from reggan_plugin.change.picture_model import PictureModelSource
from reggan_plugin.change.pipeline import (
    FrameAnswers,
    FrameCrops,
    Picture,
    answer_faces,
    cut_face,
    cut_faces,
)
from reggan_plugin.change.region_limits import limit_motion
from reggan_plugin.child_process import run_apart
from reggan_plugin.errors import (
    DeviceMemoryError,
    FaceNotFoundError,
    Remark,
    UsageError,
    counted,
    expect_types,
)
from reggan_plugin.faces.face_finder import ChosenFaces, FaceChoice, FaceFinder
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.landmarks_and_pose import EXPECTED, FaceLandmarks, intensity_share
from reggan_plugin.faces.tracks import WhichFaces
from reggan_plugin.file_safety import refuse_overwriting
from reggan_plugin.files.frame import Encoding, Frame, given_path, read_frame, write_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.imaging.crop import FaceCrop, region_of, small_of
from reggan_plugin.limits import MOST_CHILD_BYTES
from reggan_plugin.models.model_card import (
    RIG_CONTRACT,
    ModelCard,
    card_from_metadata,
    check_seal,
    find_model,
    installed_models,
)
from reggan_plugin.transfer.display_picture import (
    ArrayEncoding,
    ChannelOrder,
    display_picture,
    exposure_of,
    gray_picture,
    picture_of,
)
from reggan_plugin.vocabulary.expression import ExpressionMix, mix_from_request, read_presets


def source_from_card(runner: Runner, card: ModelCard, batch: int = 1) -> AnswerSource:
    """Open a model as a source of answers.

    Args:
        runner: that has it loaded.
        card: of it.
        batch: faces that it is given at once.
    """
    if card.contract == RIG_CONTRACT:
        from reggan_plugin.rig.rig_model import RigSource  # other models need no geometry

        return RigSource(runner, card, batch)
    return PictureModelSource(runner, card, batch)


if TYPE_CHECKING:
    from reggan_plugin.rig.mouth_drawing import MouthStyle
    from reggan_plugin.rig.own_rig import RigMesh

Landmarker = Callable[[Frame, Sequence[SixPoints]], Sequence[FaceInShot | None]]
"""Finds dense landmarks of faces whose six are known, both in pixels of a frame as displayed."""
Asked = str | Mapping[str, float] | ExpressionMix
Many = TypeVar("Many")
_BYTES_TO_OPEN = 4
"""Of memory, for each of a model's file."""
_MOST_STOPS = 100
_LONGEST_LOOK_PX = 512
"""Side of the picture in which a box's face is read."""


@frozen(eq=False)
class ChangedPicture:
    """A picture with an expression.

    Attributes:
        pixels: sRGB-encoded.
        motion: what became of each pixel; None if nothing changed.
    """

    pixels: Pixels
    motion: FrameMotion | None = None


@cache
def _try_apart(path: Path, size: int, _changed_ns: int) -> None:
    """Try a model of others once in a child, until it changes."""
    most = MOST_CHILD_BYTES + _BYTES_TO_OPEN * size
    run_apart(f"{__name__}:try_model", str(path), file=path, most_bytes=most)


def try_model(path: str) -> None:
    """Open a model on the processor, and give it an empty face; called in a child.

    A few bytes of a graph may become billions when it is opened, or when it runs.
    """
    runner = open_runner(Path(path), "cpu")
    card = card_from_metadata(runner.metadata, path)
    source = source_from_card(runner, card)
    face = np.zeros((source.side_px, source.side_px, 3), np.float32)
    try:
        source.answer([face], [ExpressionMix({card.names[0]: 1.0})])
    except DeviceMemoryError as error:
        raise MemoryError from error


def _is_number_of_face(number: object) -> bool:
    return type(number) is int and number >= 0


def _expect_all(expected: type, **given: object) -> None:
    """Refuse what is no sequence of these.

    Raises:
        UsageError: it is none.
    """
    for name, values in given.items():
        expect_types(**{name: (values, Sequence)})
        assert isinstance(values, Sequence)
        expect_types(**{f"{name}[{at}]": (value, expected) for at, value in enumerate(values)})


def _in_frame(face: FaceInShot, crop: FaceCrop, origin: Float[np.ndarray, "2"]) -> FaceInShot:
    """Return what is read in a crop, in pixels of the picture as displayed."""
    return replace(
        face,
        places=crop.place(face.places * crop.side_px) + origin,
        sigma=face.sigma * crop.side_px * crop.scale,
    )


class ExpressionTransfer:
    """A model held open on a device; changes any number of frames, in any number of threads.

        transfer = ExpressionTransfer()
        transfer.change_file("frame.png", "happy.png", "happy", 0.7)

    Args:
        model: a name, or a file; None is the model that ships.
        device: on which it runs.
        batch: faces that it is given at once.
        presets: a TOML file with expressions of one's own, which `apply` may name.
        rig: a head of one's own from `read_rig`, whose shapes move faces.
        teeth: a denture of one's own, likewise, shown in place of the rig's.
        mouth: what shows between parted lips: `auto`, `rendered` teeth, a `plate`, `empty`; or they
            stay `closed`.

    Raises:
        UnknownModelError: there is no such model.
        UsageError: an argument is of another type, or `batch` below 1.
        ModelCardError, ModelHashError, ModelError: the file cannot be honoured.
        DeviceUnavailableError: the device that was named cannot be had.
        SourceError, UsageError: the presets cannot be read, or ask for what is invalid; or a rig
            is given to a model that lays none over faces.
        MeshError, FaceNotFoundError: the rig has no shapes or shows no face.

    Attributes:
        card: of the model.
        device: that it runs on.
        device_reason: why it runs there.
        remarks: on the rig: shapes that it lacks.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        device: str = "auto",
        batch: int = 1,
        presets: str | Path | None = None,
        rig: "RigMesh | None" = None,
        teeth: "RigMesh | None" = None,
        mouth: "MouthStyle" = "auto",
    ) -> None:
        if not isinstance(batch, int) or batch < 1:
            raise UsageError(f"batch is {batch!r}; expected a whole number from 1 on.")
        if not isinstance(device, str) or not isinstance(model, str | Path | None):
            raise UsageError(
                f"The model is {model!r} and the device {device!r}; expected names, such as "
                "'reggan' and 'cpu', or the model's file."
            )
        if not isinstance(presets, str | Path | None):
            raise UsageError(f"presets is {presets!r}; expected the name of a TOML file.")
        self._own = read_presets(None if presets is None else Path(presets))
        path = find_model(model)
        if path.suffix != ENGINE_SUFFIX:  # an engine has a hash of its own, checked when it is read
            check_seal(path)
            if path not in installed_models().values():
                status = path.stat()
                _try_apart(path, status.st_size, status.st_mtime_ns)
        runner = open_runner(path, device)
        self.device, self.device_reason = runner.device, runner.reason
        self.card: ModelCard = card_from_metadata(runner.metadata, str(path))
        self._source = source_from_card(runner, self.card, batch)
        self._finder = FaceFinder(self.card.canonical_points, self._source.side_px)
        self.remarks: tuple[Remark, ...] = ()
        if rig is not None or teeth is not None or not isinstance(mouth, str) or mouth != "auto":
            from reggan_plugin.transfer.model_with_own_rig import wear_rig  # most wear none

            self.remarks = wear_rig(self._source, self._finder, rig, teeth, mouth)

    def __repr__(self) -> str:
        """Return what is open, and where."""
        return f"<ExpressionTransfer {self.card.name} {self.card.version} on {self.device}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or sent to another process.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "An open model can be neither pickled nor copied. Open one in each process: "
            "ExpressionTransfer(); threads may share one."
        )

    @property
    def batch(self) -> int:
        """Faces that the model is given at once: 1 on a processor, fewer where memory is short."""
        return self._source.batch

    @property
    def landmarker(self) -> Landmarker | None:
        """What finds dense landmarks of faces in a frame; None where the model lays no rig."""
        return self._faces_in_shot if self.card.contract == RIG_CONTRACT else None

    def _faces_in_shot(self, frame: Frame, faces: Sequence[SixPoints]) -> list[FaceInShot | None]:
        """Read faces as `answer` would see them; None for one that lies outside.

        Args:
            frame: that they are in.
            faces: their six landmarks, in pixels of the picture as displayed; so are the results.
        """
        from reggan_plugin.rig.rig_model import RigSource

        assert isinstance(self._source, RigSource)
        origin = np.array(frame.origin_px[::-1], dtype=np.float64)
        found: list[FaceInShot | None] = []
        for points in faces:
            crop = self._finder.crop_of(FaceLandmarks(points - origin))
            region = region_of(crop, *frame.pixels.shape[:2], with_margin=True)
            if frame.pixels[region].size == 0:
                found.append(None)
                continue
            exposure_ev = self.auto_exposure(frame, [crop])
            picture = picture_of(frame, exposure_ev)
            local = crop.moved(-region[1].start, -region[0].start)
            cut = cut_face(picture, region, local, ExpressionMix(), self.card, most_finer=1)
            seen = self._source.face_in_shot(small_of(cut.before))
            found.append(_in_frame(seen, crop, origin))
        return found

    @overload
    def apply(
        self,
        picture: str | Path | Frame,
        expression: Asked | None = None,
        intensity: float = 1.0,
        *,
        face: WhichFaces | FaceChoice = "largest",
        faces: Mapping[int, Asked] | None = None,
    ) -> Pixels: ...

    @overload
    def apply(
        self,
        picture: Many,
        expression: Asked | None = None,
        intensity: float = 1.0,
        *,
        face: WhichFaces | FaceChoice = "largest",
        faces: Mapping[int, Asked] | None = None,
        encoding: ArrayEncoding | None = None,
        order: ChannelOrder = "RGB",
    ) -> Many: ...

    def apply(
        self,
        picture: Any,
        expression: Asked | None = None,
        intensity: float = 1.0,
        *,
        face: WhichFaces | FaceChoice = "largest",
        faces: Mapping[int, Asked] | None = None,
        encoding: ArrayEncoding | None = None,
        order: ChannelOrder = "RGB",
    ) -> Any:
        """Return a picture with the expression on its largest face; the input is not changed.

        The result is of the kind that was given, and pixels beside the change keep their bits. A
        path or a `Frame` gives the pixels of `read_frame`, which `write_frame` takes.

        Args:
            picture: a path, a `Frame`, the bytes of a file, a PIL image, or a NumPy array: uint8,
                uint16 or floats of shape (height, width), for grey, or (height, width, channels)
                with RGB, RGBA or grey and alpha. A list of them gives a list, and its faces share
                the model's batches.
            expression: a name, a blend such as `happy:0.6+surprised:0.3`, weights of expressions,
                face shapes and action units such as `{"jawOpen": 0.4, "AU12": 0.5}`, or a mix.
            intensity: 0 (unchanged) to 1.5; multiplies every part, but not those of a mix. It
                fades where the head is turned further than the model's card allows.
            face: `largest`, `all`, a number (0 is the largest) or several, or a `FaceChoice`.
            faces: expressions of single faces, by number; the others have `expression`, where that
                is not None.
            encoding: what an array's numbers are: `srgb`, display values with straight alpha, or
                `linear`, proportional to light (Rec. 709, premultiplied), as in `read_frame` of an
                EXR. None is sRGB; floats then have to lie in [0, 1].
            order: of an array's channels, `RGB` or `BGR`, as OpenCV has them; alpha comes last.

        Raises:
            FaceNotFoundError: the locator finds no face, or none of that number.
            UnknownExpressionError, UsageError: the expression is invalid, or this is no
                picture, or an argument is of another type.
            UnreadableFrameError: as `read_frame`.
        """
        from reggan_plugin.transfer.python_picture import read_given  # no command needs it

        mix, choice = self._asked(expression, intensity, face, faces)
        pictures = list(picture) if isinstance(picture, list | tuple) else [picture]
        changed = []
        for first in range(0, len(pictures), self.batch):
            own = pictures[first : first + self.batch]
            given = [read_given(one, encoding=encoding, order=order) for one in own]
            frames = [one.frame for one in given]
            results = self._changed(frames, mix, choice, first if len(pictures) > 1 else None)
            changed += [one.give_back(pixels) for one, pixels in zip(given, results, strict=True)]
        return changed if isinstance(picture, list | tuple) else changed[0]

    def change_file(
        self,
        source: str | Path,
        out: str | Path,
        expression: Asked | None = None,
        intensity: float = 1.0,
        *,
        face: WhichFaces | FaceChoice = "largest",
        faces: Mapping[int, Asked] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a picture with the expression beside all else that its file holds; returns `out`.

        Args:
            source: a picture.
            out: of the same format.
            expression: as for `apply`.
            intensity: as for `apply`.
            face: as for `apply`.
            faces: as for `apply`.
            overwrite: whether a file that exists is replaced; never the source.

        Raises:
            RegganError: as `apply` and `write_frame`.
        """
        path = given_path(out)
        refuse_overwriting([path], [given_path(source)])
        frame = read_frame(source)
        pixels = self.apply(frame, expression, intensity, face=face, faces=faces)
        write_frame(frame, pixels, path, overwrite=overwrite)
        return path

    def _asked(
        self,
        expression: Asked | None,
        intensity: float,
        face: WhichFaces | FaceChoice,
        faces: Mapping[int, Asked] | None,
    ) -> tuple[ExpressionMix, FaceChoice]:
        """Return what is asked for, of which faces.

        Raises:
            UnknownExpressionError, UsageError: as `apply`.
        """
        if not isinstance(faces, Mapping | None) or not all(map(_is_number_of_face, faces or ())):
            raise UsageError(
                f"{faces!r} names no faces; give numbers from 0, the largest, with expressions, "
                "such as {1: 'sad'}."
            )
        is_of_faces = expression is None and bool(faces)
        asked: Any = {} if is_of_faces else expression
        mix = mix_from_request(asked, intensity, self._own)
        choice = face if isinstance(face, FaceChoice) else FaceChoice(which=face)
        if not faces:
            return mix, choice
        own = {one: mix_from_request(of, intensity, self._own) for one, of in faces.items()}
        if not mix.changes_nothing:
            return replace(mix, by_face=own), replace(choice, which="all")
        return replace(mix, by_face=own), replace(choice, which=tuple(own))

    def _changed(
        self, frames: Sequence[Frame], mix: ExpressionMix, choice: FaceChoice, place: int | None
    ) -> list[Pixels]:
        """Return the pixels of frames with the expression; `place` is that of the first in a
        list.
        """
        if mix.changes_nothing:
            return [frame.pixels for frame in frames]
        cuts = []
        for index, frame in enumerate(frames):
            crops = self.find_faces(frame, choice)
            which = choice.which if isinstance(choice.which, tuple) else (choice.which,)
            asked = {one for one in which if not isinstance(one, str)} | set(mix.by_face)
            missing = sorted(asked - set(crops.there))
            if missing or not crops:
                height, width = frame.pixels.shape[:2]
                where = "this" if place is None else f"picture {place + index} of the list, a"
                if crops.there:
                    wanted, numbers = (", ".join(map(str, of)) for of in (missing, crops.there))
                    raise FaceNotFoundError(
                        f"No face {wanted} in {where} {width}x{height} picture; found "
                        f"{counted(len(crops.there), 'face')} ({numbers}). Name one of these."
                    )
                raise FaceNotFoundError(
                    f"No human-like face in {where} {width}x{height} picture; {EXPECTED}. "
                    "A FaceChoice for find_faces says where it is."
                )
            picture = picture_of(frame, self.auto_exposure(frame, crops))
            cuts.append(self.cut(picture, mix, crops))
        return [answered.compose().pixels for answered in self.answer(cuts)]

    def find_faces(
        self, frame: Frame, choice: FaceChoice, names: tuple[str, ...] = ()
    ) -> ChosenFaces:
        """Crops of the chosen faces, largest first; empty if there is none.

        `names` is what a landmarks file may call the frame: its file name, its number.
        """
        expect_types(frame=(frame, Frame), choice=(choice, FaceChoice))
        height, width = frame.pixels.shape[:2]
        if choice.tracks is not None:
            choice.tracks.refuse_other_size(frame.display_px)
        if not choice.needs_locator:
            crops = self._finder.place((height, width), choice, names, frame.origin_px)
            seen = crops if choice.box is None else [self._as_seen(frame, crops[0])]
            return ChosenFaces.of(seen, crops.there)
        image, factor = gray_picture(frame)
        found = self._finder.find(image, choice)
        return ChosenFaces.of((crop.scaled(factor) for crop in found), found.there)

    def _as_seen(self, frame: Frame, crop: FaceCrop) -> FaceCrop:
        """Return the crop of a box, turned as the face in it is."""
        region = region_of(crop, *frame.pixels.shape[:2])
        if frame.pixels[region].size == 0:
            return crop
        image, factor = display_picture(frame, region, _LONGEST_LOOK_PX)
        place = crop.moved(-region[1].start, -region[0].start).scaled(1 / factor)
        return self._finder.turned_as_seen(crop, image, place)

    def intensity_share(self, crop: FaceCrop) -> float:
        """Intensity factor, 0 to 1, for the yaw of a head.

        The model's card says up to which yaw it was measured to improve on its input. A face
        whose landmarks nobody knows (the whole image, a box in which none is seen) has no yaw and
        keeps its intensity.
        """
        expect_types(crop=(crop, FaceCrop))
        return intensity_share(crop.yaw_deg, self.card.max_yaw_deg, self.card.handling.fade_deg)

    def auto_exposure(self, frame: Frame, crops: Sequence[FaceCrop]) -> float:
        """Return the stops that bring the first face of a scene-linear frame to middle grey.

        Take it from one frame and use it for the whole shot; 0 for frames that are not linear.
        """
        expect_types(frame=(frame, Frame))
        _expect_all(FaceCrop, crops=crops)
        if frame.encoding is not Encoding.SCENE_LINEAR or not crops:
            return 0.0
        return exposure_of(frame, region_of(crops[0], *frame.pixels.shape[:2]))

    def render(
        self, frame: Frame, mix: ExpressionMix, crops: Sequence[FaceCrop], exposure_ev: float = 0.0
    ) -> Pixels:
        """Return the frame's pixels with the expression; untouched ones are bit-identical.

        The intensity is multiplied by each face's `intensity_share`.

        Raises:
            ModelError: the model answers with something that is not a picture.
            DeviceMemoryError: not even one face fits into the device's memory.
        """
        expect_types(frame=(frame, Frame), exposure_ev=(exposure_ev, Real))
        if not -_MOST_STOPS <= exposure_ev <= _MOST_STOPS:  # also true for NaN
            raise UsageError(f"exposure_ev is {exposure_ev}; expected stops, such as 1.5.")
        cut = self.cut(picture_of(frame, exposure_ev), mix, crops)
        return self.answer([cut])[0].compose().pixels

    def cut(self, picture: Picture, mix: ExpressionMix, crops: Sequence[FaceCrop]) -> FrameCrops:
        """Return the first of three steps of `render`: what the model is to see. In any thread."""
        expect_types(picture=(picture, Picture), mix=(mix, ExpressionMix))
        _expect_all(FaceCrop, crops=crops)
        if not self.card.says_motion:  # other passes of a picture stay as they are
            picture = replace(picture, keeps_parts=False)
        return cut_faces(picture, mix, crops, self.card)

    def change_view(
        self, picture: Pixels, coverage: Plane, mix: ExpressionMix, crop: FaceCrop
    ) -> ChangedPicture:
        """Return the picture of a 3D face with the expression; what does not change keeps its bits.

        Args:
            picture: sRGB-encoded, [0, 1]; a view of the face alone.
            coverage: 1 where the picture shows something, 0 where it is background.
            mix: the expression.
            crop: where the face is.
        """
        view = Picture(pixels=picture, alpha=coverage)
        cut = cut_faces(view, mix, [crop], self.card)
        answered = self.answer([cut])[0]
        whole = slice(0, picture.shape[0]), slice(0, picture.shape[1])
        motions = [motion_in_frame(answer, crop, whole) for answer in answered.answers]
        pixels = answered.compose().pixels
        return ChangedPicture(pixels=pixels, motion=motions[0] if motions else None)

    def answer(self, cuts: Sequence[FrameCrops], *, is_draft: bool = False) -> list[FrameAnswers]:
        """Return the second step: run the model; the faces of all frames share its batches.

        The third step is `FrameAnswers.compose`.

        Args:
            cuts: of the first step.
            is_draft: coarser and quicker, for pictures that are shown while a slider moves.

        Raises:
            ModelError, DeviceMemoryError: as `render`.
        """
        _expect_all(FrameCrops, cuts=cuts)
        faces = [face for cut in cuts for face in cut.faces]
        seen, mixes = [face.before for face in faces], [face.mix for face in faces]
        known = [face.crop.in_shot for face in faces]
        source = getattr(self._source, "of_drafts", self._source) if is_draft else self._source
        answers = iter(answer_faces(source, seen, mixes, known))
        answered = []
        for cut in cuts:
            own = [next(answers) for _ in cut.faces]
            limits, points = cut.picture.limits, self.card.canonical_points
            within = tuple(limit_motion(one, limits, points) for one in own)
            answered.append(FrameAnswers(cut=cut, answers=within))
        return answered
