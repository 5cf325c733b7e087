"""Settings of a job for every frame, and a fingerprint that tells whether a frame is done."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.credentials_signed import Signing
from reggan_plugin.files.sequence import FrameList, SourceFrame
from reggan_plugin.jobs.fingerprint import fingerprint, plain
from reggan_plugin.jobs.frame_record import FrameFacts
from reggan_plugin.jobs.intensity_curve import ExpressionCurve, Fades
from reggan_plugin.jobs.picture_settings import PictureSettings
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

if TYPE_CHECKING:
    from reggan_plugin.rig.mouth import MouthStyle

MissingFace = Literal["copy", "skip", "fail"]


@dataclass(frozen=True, kw_only=True)
class RigFiles:
    """Files of the user's own rig and teeth, and what is shown between parted lips.

    Attributes:
        rig: a head with its shapes; None is the template that ships.
        teeth: a denture; None is that of the rig, or the one that ships.
        mouth: see `MouthStyle`.
    """

    rig: Path | None = None
    teeth: Path | None = None
    mouth: "MouthStyle" = "auto"


@dataclass(frozen=True, kw_only=True)
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
        self._settings, self._shot = settings, shot
        numbers = shot.numbers
        self._ends = (numbers[0], numbers[-1]) if numbers else (0, 0)

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
        """Facts about a frame before it is read."""
        mix = self.mix_at(source)
        return FrameFacts(
            expression=dict(mix.intensities),
            weights=mix.control_weights(),
            by_face=mix.intensities_by_face,
            settings_sha256=self.fingerprint_at(source),
        )

    def fingerprint_at(self, source: SourceFrame) -> str:
        """SHA-256 of all that is asked for at a frame: given faces count by their positions there,
        files by their content, a curve by its value.
        """
        document = {
            **self._constant,
            "mix": self.mix_at(source).document(),
            "tracked": plain(self._tracked_at(source)),
            "matte": plain(self._matte_at(source)),
        }
        return fingerprint(document)

    @cached_property
    def _place(self) -> dict[Path, int]:
        return {frame.path: place for place, frame in enumerate(self._shot)}

    @cached_property
    def _constant(self) -> dict[str, Any]:
        by_frame = ("mix", "curve", "fades", "choice")
        settings = self._settings
        others = {f.name: getattr(settings, f.name) for f in fields(settings)}
        constant = {name: value for name, value in others.items() if name not in by_frame}
        return {
            **{name: plain(value) for name, value in constant.items()},
            "choice": plain(replace(settings.choice, tracks=None)),
            "exposure_of_tracks": getattr(settings.choice.tracks, "exposure_ev", None),
        }

    def _tracked_at(self, source: SourceFrame) -> object:
        tracks = self._settings.choice.tracks
        if tracks is None:
            return None
        try:
            return tracks.chosen_at(self._settings.choice.which, *names_of(source))
        except SourceError as error:  # which the frame meets, too, when its turn comes
            return str(error)

    def _matte_at(self, source: SourceFrame) -> object:
        """Return the file of a frame's matte; None where that is a channel of the frame."""
        matte = self._settings.picture.matte
        if matte is None or matte.source is None:
            return None
        try:
            return matte.path_for(source)
        except SourceError as error:
            return str(error)
