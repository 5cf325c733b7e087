"""A frame and what is to become of it, as the picture that is changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reggan_plugin.change.picture import Picture
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.files.frame import Frame
from reggan_plugin.imaging.region_limits import RegionLimits
from reggan_plugin.transfer.display_picture import coding_of
from reggan_plugin.vocabulary.expression_mix import ExpressionMix


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameEdit:
    """A frame, and what is to become of it.

    Attributes:
        frame: as read; its matte says how much of the change each pixel takes.
        mix: the expression; multiplied by each face's `intensity_share`.
        crops: where its faces are.
        exposure_ev: stops for a scene-linear frame.
        limits: where on a face the change counts.
        moves_alpha: whether alpha moves with the surfaces.
        keeps_parts: whether the change is wanted as data, too.
    """

    frame: Frame
    mix: ExpressionMix
    crops: Sequence[FaceCrop]
    exposure_ev: float = 0.0
    limits: RegionLimits = field(default_factory=RegionLimits)
    moves_alpha: bool = False
    keeps_parts: bool = False


def picture_of(edit: FrameEdit) -> Picture:
    """Return the picture that an edit changes, without its request."""
    return Picture(
        pixels=edit.frame.pixels,
        alpha=edit.frame.alpha,
        coding=coding_of(edit.frame, edit.exposure_ev),
        limits=edit.limits,
        matte=edit.frame.matte,
        moves_alpha=edit.moves_alpha,
        keeps_parts=edit.keeps_parts,
    )
