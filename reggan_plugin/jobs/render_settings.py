"""Settings of a render: what is asked of faces and of pictures, and of each frame."""

from collections.abc import Sequence
from dataclasses import field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from reggan_plugin.array_types import Plane
from reggan_plugin.change.region_limits import RegionLimits
from reggan_plugin.errors import SourceError, UnsupportedFormatError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.content_credentials import Signing
from reggan_plugin.files.exr.writing_settings import EncodedFrame, ExrWriting, PassChoice, WritesExr
from reggan_plugin.files.frame import Frame, Reading, encode_frame, may_have_layers
from reggan_plugin.files.image_format import WritesAlpha, WritesPart, faults_named
from reggan_plugin.files.matte import Matte, read_matte
from reggan_plugin.files.sequence import FrameList, SourceFrame
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.change_layers import MOTION_LAYERS, FrameChange, LayerFiles
from reggan_plugin.jobs.frame_record import FrameFacts, fingerprint, plain
from reggan_plugin.vocabulary.expression import ExpressionMix

if TYPE_CHECKING:
    from reggan_plugin.rig.mouth_drawing import MouthStyle


@frozen
class PictureSettings:
    """All that options say about pictures: see the parts.

    Attributes:
        reading: colours, and which layer.
        limits: where on a face the change counts.
        matte: where in the frame it counts.
        writing: how EXR files are written.
        moves_alpha: whether alpha moves with the face; models of contract 1 cannot say where.
        layer_files: the change as files beside the frames; None writes none.
        passes: which other passes of an EXR move along; None leaves all as they are.
    """

    reading: Reading = field(default_factory=Reading)
    limits: RegionLimits = field(default_factory=RegionLimits)
    matte: Matte | None = None
    writing: ExrWriting = field(default_factory=ExrWriting)
    moves_alpha: bool = False
    layer_files: LayerFiles | None = None
    passes: PassChoice | None = field(default_factory=PassChoice)

    @property
    def needs_motion(self) -> bool:
        """True if something is asked for that models of contract 1 cannot say."""
        beside = () if self.layer_files is None else self.layer_files.layers
        layers = (*self.writing.layers, *beside)
        names_passes = self.passes is not None and bool(self.passes.patterns)
        return names_passes or any(layer in MOTION_LAYERS for layer in layers)

    def keeps_parts(self, frame: Frame) -> bool:
        """Tell whether the change of a frame is of use as data."""
        original = frame.original
        if self.needs_motion or self.passes is None:
            return self.needs_motion
        return isinstance(original, WritesExr) and original.has_passes

    def refuse_impossible(self, frames: Sequence[SourceFrame]) -> None:
        """Fail early if no frame can satisfy these settings.

        A shot is not to be tracked for hours before each of its frames fails alike.

        Raises:
            SourceError: there is no matte, or it has no channels.
            UsageError: what only EXR has is asked of a sequence of other files.
        """
        if self.matte is not None:
            self.matte.refuse_impossible(frames)
        asks_for_exr = self.writing != ExrWriting() or self.reading.exr_picture is not None
        if asks_for_exr and frames and not may_have_layers([frame.path for frame in frames]):
            raise UsageError(
                f"{frames[0].path} is no EXR; only EXR has layers, and compressions to choose "
                "from.",
                kind="exr-options-of-no-exr",
            )

    def decode(self, content: bytes, source: SourceFrame) -> Frame:
        """Return a frame, its matte with it, that can be written as asked.

        Raises:
            SourceError: as `read_frame`, or there is no matte that fits.
            UnsupportedFormatError: the file cannot be written so.
        """
        frame = self.reading.decode(content, source.path)
        with faults_named(source.path):
            if isinstance(frame.original, WritesExr):
                frame.original.refuse_what_cannot_be(self.writing)
            elif self.writing != ExrWriting():
                raise UnsupportedFormatError(
                    "is no EXR; only EXR has layers, and compressions to choose from.",
                    kind="exr-options-of-no-exr",
                )
        if self.matte is None:
            return frame
        return replace(frame, matte=read_matte(self.matte, source, frame))

    def encode(self, change: FrameChange) -> EncodedFrame:
        """Return the bytes of the changed frame's file, and what it lost beside the change.

        Raises:
            ValueError: as `encode_frame`.
            UnsupportedFormatError: the file's alpha cannot be written anew.
        """
        frame, edited = change.frame, change.edited
        before, after = frame.pixels[edited.box], edited.inside
        if isinstance(frame.original, WritesExr):
            layers = change.channels_of_frame(self.writing.layers)
            encoded = frame.original.encode_as(before, after, edited.box, layers, self.writing)
        elif isinstance(frame.original, WritesPart):
            encoded = EncodedFrame(content=frame.original.encode_part(before, after, edited.box))
        else:
            encoded = EncodedFrame(content=encode_frame(frame, edited.pixels))
        alpha = edited.alpha
        if alpha is not None and frame.alpha is not None and (alpha != frame.alpha).any():
            encoded = self._with_alpha(encoded, frame.alpha, alpha)
        if self.passes is None or not edited.parts or not isinstance(frame.original, WritesExr):
            return encoded
        from reggan_plugin.jobs.passes_in_exr import moved_passes  # few files have any

        layer, moves_alpha = frame.original.layer, self.moves_alpha
        return moved_passes(encoded, change, layer, self.passes, moves_alpha=moves_alpha)

    def _with_alpha(self, encoded: EncodedFrame, before: Plane, after: Plane) -> EncodedFrame:
        again = self.reading.decode(encoded.content, Path("the changed file")).original
        if not isinstance(again, WritesAlpha):
            raise UnsupportedFormatError("is of a kind whose alpha cannot be written anew.")
        return replace(encoded, content=again.encode_alpha(before, after))


MissingFace = Literal["copy", "skip", "fail"]


class ExpressionCurve(Protocol):
    """An expression by frame."""

    @property
    def peak(self) -> ExpressionMix:
        """The most that is asked of each expression and shape."""

    def notices_on(self, first_frame: int, last_frame: int) -> tuple[str, ...]:
        """Notices for the user on a shot of these frames."""

    def mix_at(self, frame: float) -> ExpressionMix:
        """Return the request at a frame."""


@frozen
class Fades:
    """The intensity rises from 0 at a shot's first frame, and falls to 0 at its last.

    Attributes:
        frames_in: after so many frames the intensity is whole; 0 for none.
        frames_out: before so many frames from the end it begins to fall; 0 for none.
    """

    frames_in: int = 0
    frames_out: int = 0

    def share_at(self, frame: int, first: int, last: int) -> float:
        """Intensity factor of a frame of a shot, 0 to 1."""
        rising = (frame - first) / self.frames_in if self.frames_in else 1.0
        falling = (last - frame) / self.frames_out if self.frames_out else 1.0
        return max(0.0, min(1.0, rising, falling))


@frozen
class RigFiles:
    """Files of the user's own rig and teeth, and what is shown between parted lips.

    Attributes:
        rig: a head with its shapes; None is the template that ships.
        teeth: a denture; None is that of the rig, or the one that ships.
        mouth: see `MouthStyle`.
        named: files that these name: buffers, maps and layers.
    """

    rig: Path | None = None
    teeth: Path | None = None
    mouth: "MouthStyle" = "auto"
    named: tuple[Path, ...] = ()


@frozen
class RenderSettings:
    """Settings of a job for every frame.

    Attributes:
        mix: the expression; with a curve, the most that it asks for.
        curve: the expression by frame, in place of `mix`.
        fades: at both ends of the shot.
        choice: which faces.
        on_missing_face: what becomes of a frame without a face.
        exposure_ev: stops for scene-linear frames; None takes those of the tracks, or measures
            the shot's first face.
        picture: how frames are read and written, and where in them a change counts.
        rig: the user's own rig and teeth.
        stamp: whether changed files say in their metadata how they were made.
        signing: who signs changed files; None leaves them unsigned.
    """

    mix: ExpressionMix
    curve: ExpressionCurve | None = None
    fades: Fades = field(default_factory=Fades)
    choice: FaceChoice = field(default_factory=FaceChoice)
    on_missing_face: MissingFace = "copy"
    exposure_ev: float | None = None
    picture: PictureSettings = field(default_factory=PictureSettings)
    rig: RigFiles = field(default_factory=RigFiles)
    stamp: bool = True
    signing: Signing | None = None


def names_of(source: SourceFrame) -> tuple[str, ...]:
    """Names that a landmarks file or tracks may give a frame, best first."""
    return (source.path.name, *([] if source.number is None else [str(source.number)]))


class SettingsByFrame:
    """Settings of each frame of a shot."""

    def __init__(self, settings: RenderSettings, shot: FrameList) -> None:
        """Place the settings in a shot.

        Raises:
            UsageError: there is a curve, and a frame has no number.
        """
        loose = shot.first_loose
        if settings.curve is not None and loose is not None:
            raise UsageError(
                f"{loose.path.name} has no frame number, so a curve says nothing of it. Number "
                "the frames, or give one expression and intensity for all.",
                kind="curve-of-no-numbers",
            )
        self._settings, numbers = settings, shot.numbers
        self._ends = (numbers[0], numbers[-1]) if numbers else (0, 0)
        self._place = {} if loose is None else {one.path: i for i, one in enumerate(shot)}
        by_frame = ("mix", "curve", "fades", "choice")
        constant = {f.name: getattr(settings, f.name) for f in fields(settings)}
        self._constant = {
            **{name: plain(value) for name, value in constant.items() if name not in by_frame},
            "choice": plain(replace(settings.choice, tracks=None)),
            "exposure_of_tracks": getattr(settings.choice.tracks, "exposure_ev", None),
        }

    def mix_at(self, source: SourceFrame) -> ExpressionMix:
        """Return the expression at a frame, from curve and fades."""
        settings = self._settings
        mix = settings.mix
        if settings.curve is not None and source.number is not None:
            mix = settings.curve.mix_at(source.number)
        if source.number is None:
            share = settings.fades.share_at(self._place[source.path], 0, len(self._place) - 1)
        else:
            share = settings.fades.share_at(source.number, *self._ends)
        return mix if share == 1.0 else mix.scaled(share)

    def facts_at(self, source: SourceFrame) -> FrameFacts:
        """Facts about a frame before it is read.

        In the digest of all that is asked for at it, given faces count by their positions there,
        files by their content, a curve by its value.
        """
        mix = self.mix_at(source)
        choice, matte = self._settings.choice, self._settings.picture.matte
        tracked: object = None
        beside: object = None  # the file of the matte, which may be a channel of the frame
        try:  # the frame meets these errors, too, when its turn comes
            if choice.tracks is not None:
                tracked = choice.tracks.chosen_at(choice.which, *names_of(source))
        except SourceError as error:
            tracked = str(error)
        try:
            if matte is not None and matte.source is not None:
                beside = matte.path_for(source)
        except SourceError as error:
            beside = str(error)
        there = {"mix": mix.document(), "tracked": plain(tracked), "matte": plain(beside)}
        return FrameFacts(
            expression=dict(mix.intensities),
            weights=mix.control_weights(),
            by_face=mix.intensities_by_face,
            settings_sha256=fingerprint({**self._constant, **there}),
        )
