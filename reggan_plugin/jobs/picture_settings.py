"""Settings of a render for pictures: reading, limits of the change, layers, passes, writing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import UnsupportedFormatError, UsageError
from reggan_plugin.files.damaged_files import faults_named
from reggan_plugin.files.exr.pass_choice import PassChoice
from reggan_plugin.files.exr.writing_settings import EncodedFrame, ExrWriting, WritesExr
from reggan_plugin.files.frame import Frame, encode_frame
from reggan_plugin.files.frame_data import WritesAlpha
from reggan_plugin.files.matte import Matte, read_matte
from reggan_plugin.files.reading import Reading, may_have_layers
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.imaging.region_limits import RegionLimits
from reggan_plugin.jobs.change_layers import MOTION_LAYERS, FrameChange, LayerFiles


@dataclass(frozen=True, kw_only=True)
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
            SourceError: there is no matte.
            UsageError: what only EXR has is asked of a sequence of other files.
        """
        if self.matte is not None:
            self.matte.refuse_missing()
        asks_for_exr = self.writing.rewrites_part or self.reading.exr_picture is not None
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
            elif self.writing.rewrites_part:
                raise UnsupportedFormatError(
                    "is no EXR; only EXR has layers, and compressions to choose from.",
                    kind="exr-options-of-no-exr",
                )
        if self.matte is None:
            return frame
        return replace(frame, matte=read_matte(self.matte, source, frame))

    def encode(
        self,
        change: FrameChange,
        alpha: Float[np.ndarray, "height width"] | None = None,
    ) -> EncodedFrame:
        """Return the bytes of the changed frame's file, and what it lost beside the change.

        `alpha` replaces the frame's own.

        Raises:
            ValueError: as `encode_frame`.
            UnsupportedFormatError: the file's alpha cannot be written anew.
        """
        frame, pixels = change.frame, change.pixels
        if isinstance(frame.original, WritesExr):
            layers = change.channels_of_frame(self.writing.layers)
            encoded = frame.original.encode_as(frame.pixels, pixels, layers, self.writing)
        else:
            encoded = EncodedFrame(content=encode_frame(frame, pixels))
        if alpha is not None and frame.alpha is not None and (alpha != frame.alpha).any():
            encoded = self._with_alpha(encoded, frame.alpha, alpha)
        return self._with_passes(encoded, change)

    def _with_alpha(
        self,
        encoded: EncodedFrame,
        before: Float[np.ndarray, "height width"],
        after: Float[np.ndarray, "height width"],
    ) -> EncodedFrame:
        again = self.reading.decode(encoded.content, Path("the changed file")).original
        if not isinstance(again, WritesAlpha):
            raise UnsupportedFormatError("is of a kind whose alpha cannot be written anew.")
        return replace(encoded, content=again.encode_alpha(before, after))

    def _with_passes(self, encoded: EncodedFrame, change: FrameChange) -> EncodedFrame:
        """Return the file with its other passes moved along, if it is one that has any."""
        original = change.frame.original
        if self.passes is None or not change.parts or not isinstance(original, WritesExr):
            return encoded
        from reggan_plugin.jobs.moved_passes import moved_passes  # few files have any

        moved = moved_passes(
            encoded.content,
            original.layer,
            change.frame,
            change.parts,
            self.passes,
            moves_alpha=self.moves_alpha,
        )
        return replace(encoded, content=moved.content, notices=moved.notices)
