"""A frame in, a frame out: find the face, run the model, composite."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reggan_plugin.backends.onnx_runtime import runner_from_onnx
from reggan_plugin.backends.runner import Runner
from reggan_plugin.errors import FaceNotFoundError, ModelError, UsageError
from reggan_plugin.expressions import ExpressionMix, parse_expression_mix
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.faces.head_pose import intensity_share
from reggan_plugin.faces.pyramid import LONGEST_BASE_PX
from reggan_plugin.files.frame import Encoding, Frame
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.backdrop import continue_under_alpha
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.composite import composite
from reggan_plugin.imaging.crop import cut_crop, reduce_by, region_of
from reggan_plugin.model_card import ModelCard, card_from_metadata, check_seal
from reggan_plugin.models import find_model


class ExpressionTransfer:
    """A model held open on a device; changes any number of frames.

        transfer = ExpressionTransfer()
        happy = transfer.apply(frame, "happy", 0.7)

    Raises:
        UnknownModelError: there is no such model.
        ModelCardError, ModelHashError, ModelError: the file cannot be honoured.
        DeviceUnavailableError: the device that was named cannot be had.
    """

    def __init__(self, model: str | Path | None = None, *, device: str = "auto") -> None:
        path = find_model(model)
        check_seal(path)
        self._runner: Runner = runner_from_onnx(path, device)
        self.card: ModelCard = card_from_metadata(self._runner.metadata, str(path))
        self._finder = FaceFinder(self.card.canonical_points, self.card.image_size_px, "cpu")

    @property
    def device(self) -> str:
        """Where the model runs."""
        return self._runner.device

    def apply(
        self,
        frame: Float[np.ndarray, "height width 3"],
        expression: str | ExpressionMix,
        intensity: float = 1.0,
    ) -> Float[np.ndarray, "height width 3"]:
        """Return a picture whose largest face has the expression; the input is not changed.

        Args:
            frame: sRGB-encoded, [0, 1], float32.
            expression: a name, a blend such as `happy:0.6+surprised:0.3`, or a mix.
            intensity: 0 (unchanged) to 1.5; multiplies every part of a blend given as text. It
                fades where the head is turned further than the model's card allows.

        Raises:
            FaceNotFoundError: the locator finds no face.
            UnknownExpressionError, UsageError: the expression cannot be meant, or the frame is
                not such a picture.
        """
        if isinstance(expression, ExpressionMix):
            mix = expression
        else:
            mix = parse_expression_mix(expression, intensity)
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0 or frame.dtype.kind != "f":
            raise UsageError(
                f"The frame is {frame.dtype} of shape {frame.shape}; expected floats in [0, 1] of "
                "shape (height, width, 3). Divide 8-bit levels by 255."
            )
        if mix.changes_nothing:
            return frame.copy()
        frame = frame.astype(np.float32)
        seen = np.clip(np.nan_to_num(frame, nan=0.0), 0.0, 1.0)
        crops = self._finder.find(seen, FaceChoice())
        if not crops:
            height, width = frame.shape[:2]
            raise FaceNotFoundError(
                f"No face in this {width}x{height} picture; expected one of at least 48 pixels."
            )
        return self._edit(frame, None, PixelCoding(), mix, crops)

    def find_faces(
        self, frame: Frame, choice: FaceChoice, names: tuple[str, ...] = ()
    ) -> tuple[FaceCrop, ...]:
        """Crops of the chosen faces, largest first; empty if there is none.

        `names` is what a landmarks file may call the frame: its file name, its number.
        """
        height, width = frame.pixels.shape[:2]
        if not choice.needs_locator:
            return self._finder.place((height, width), choice, names, frame.origin_px)
        factor = math.ceil(max(height, width) / LONGEST_BASE_PX)  # the locator would do so too
        pixels = np.nan_to_num(frame.pixels, nan=0.0, posinf=1.0, neginf=0.0)
        alpha = None if frame.alpha is None else np.nan_to_num(frame.alpha)
        if factor > 1:
            pixels = reduce_by(pixels, factor)
            alpha = None if alpha is None else reduce_by(alpha[..., None], factor)[..., 0]
        coding = _coding(frame, 0.0)
        if coding.is_linear:
            ev = colour.auto_exposure_ev(_straight_linear(pixels, alpha, coding))
            coding = _coding(frame, ev)
        image = np.clip(colour.display_from_stored(pixels, alpha, coding), 0.0, 1.0)
        return tuple(crop.scaled(factor) for crop in self._finder.find(image, choice))

    def intensity_share(self, crop: FaceCrop) -> float:
        """What is left of an intensity as far as this head is turned: 1, or less down to 0.

        The model's card says up to which yaw it was measured to improve on its input. A face
        without landmarks (a box, the whole image) has no yaw and keeps its intensity.
        """
        return intensity_share(crop.yaw_deg, self.card.max_yaw_deg)

    def auto_exposure(self, frame: Frame, crops: Sequence[FaceCrop]) -> float:
        """Stops that bring the first face of a scene-linear frame to middle grey.

        Take it from one frame and use it for the whole shot; 0 for frames that are not linear.
        """
        coding = _coding(frame, 0.0)
        if not coding.is_linear or not crops:
            return 0.0
        region = region_of(crops[0], *frame.pixels.shape[:2])
        alpha = None if frame.alpha is None else frame.alpha[region]
        return colour.auto_exposure_ev(_straight_linear(frame.pixels[region], alpha, coding))

    def render(
        self,
        frame: Frame,
        mix: ExpressionMix,
        crops: Sequence[FaceCrop],
        exposure_ev: float = 0.0,
    ) -> Float[np.ndarray, "height width 3"]:
        """The frame's pixels with the expression; untouched ones are bit-identical.

        The intensity is multiplied by each face's `intensity_share`.

        Raises:
            ModelError: the model answers with something that is not a picture.
        """
        return self._edit(frame.pixels, frame.alpha, _coding(frame, exposure_ev), mix, crops)

    def change_view(
        self,
        picture: Float[np.ndarray, "height width 3"],
        coverage: Float[np.ndarray, "height width"],
        mix: ExpressionMix,
        crop: FaceCrop,
    ) -> Float[np.ndarray, "height width 3"]:
        """The picture of a 3D face with the expression; what does not change keeps its bits.

        Args:
            picture: sRGB-encoded, [0, 1]; a view of the face alone.
            coverage: 1 where the picture shows something, 0 where it is background.
            mix: the expression.
            crop: where the face is.
        """
        return self._edit(picture, coverage, PixelCoding(), mix, [crop])

    def _edit(
        self,
        pixels: Float[np.ndarray, "height width 3"],
        alpha: Float[np.ndarray, "height width"] | None,
        coding: PixelCoding,
        mix: ExpressionMix,
        crops: Sequence[FaceCrop],
    ) -> Float[np.ndarray, "height width 3"]:
        result = pixels.copy()
        for crop in crops:
            share = self.intensity_share(crop)
            if share == 0.0:
                continue
            region = region_of(crop, *pixels.shape[:2], with_margin=True)
            block = result[region]
            if block.size == 0:
                continue
            local = crop.moved(-region[1].start, -region[0].start)
            part_alpha = None if alpha is None else alpha[region]
            asked = mix if share == 1.0 else mix.scaled(share)
            result[region] = self._edit_block(block, part_alpha, coding, asked, local)
        return result

    def _edit_block(
        self,
        stored: Float[np.ndarray, "height width 3"],
        alpha: Float[np.ndarray, "height width"] | None,
        coding: PixelCoding,
        mix: ExpressionMix,
        crop: FaceCrop,
    ) -> Float[np.ndarray, "height width 3"]:
        display = colour.display_from_stored(stored, alpha, coding)
        usable = colour.finite_pixels(display)
        if alpha is not None:
            usable &= np.isfinite(alpha) & (alpha > 0)
        seen = np.nan_to_num(display, nan=0.0, posinf=1.0, neginf=0.0)
        before = np.clip(cut_crop(np.clip(seen, 0.0, 1.0), crop), 0.0, 1.0)
        if alpha is not None:
            coverage = np.nan_to_num(alpha, nan=0.0)[..., None]
            before = continue_under_alpha(before, cut_crop(coverage, crop)[..., 0])
        after, mask = self._run(before, mix)
        edited, touched = composite(seen, before, after, mask, crop)
        new = colour.stored_from_display(edited, alpha, coding)
        changed = touched & usable & colour.finite_pixels(new)
        return np.where(changed[..., None], new, stored)

    def _run(
        self, image: Float[np.ndarray, "side side 3"], mix: ExpressionMix
    ) -> tuple[Float[np.ndarray, "side side 3"], Float[np.ndarray, "side side 1"]]:
        vector = np.array([mix.vector(self.card.expressions)], dtype=np.float32)
        planes = np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32)
        outputs = self._runner.run({"image": planes, "expression": vector})
        try:
            face, mask = outputs["face"][0], outputs["mask"][0]
        except KeyError as error:
            raise ModelError(
                f"The model answers with {', '.join(outputs)}; expected face and mask. "
                "Export it again."
            ) from error
        return face.transpose(1, 2, 0), mask.transpose(1, 2, 0)


def _coding(frame: Frame, exposure_ev: float) -> PixelCoding:
    return PixelCoding(
        is_linear=frame.encoding is Encoding.SCENE_LINEAR,
        is_premultiplied=frame.alpha is not None and frame.alpha_is_premultiplied,
        exposure_ev=exposure_ev,
    )


def _straight_linear(
    pixels: Float[np.ndarray, "height width 3"],
    alpha: Float[np.ndarray, "height width"] | None,
    coding: PixelCoding,
) -> Float[np.ndarray, "height width 3"]:
    straight = PixelCoding(is_premultiplied=coding.is_premultiplied)
    return colour.display_from_stored(pixels, alpha, straight)
