"""How close layers scaled by k come to a render at intensity k, in levels of 255.

    python tests/measurements/intensity_in_comp.py FRAME... [--model FILE.onnx] [--expression happy]

The layers are those of intensity 1: their motion is scaled by k, their gain raised to the power k,
their cover scaled by k, as the compositions of `reggan-plugin comp` do it. Both are put together by
the program's own kernel, so that only the scaling tells. Counted are the pixels that either
changes; levels are of display-encoded values, the largest of red, green and blue.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from reggan_plugin.change.pipeline import EditedFrame
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.imaging.colour import PixelCoding, display_from_stored, srgb_from_linear
from reggan_plugin.imaging.composite_motion import FrameMotion, StoredPicture, composite_motion
from reggan_plugin.imaging.in_front_and_behind import Underlay
from reggan_plugin.imaging.moved_part import MovedPart
from reggan_plugin.transfer.display_picture import coding_of, picture_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import mix_from_request

INTENSITIES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.2)


def scaled(frame: Frame, coding: PixelCoding, full: EditedFrame, k: float) -> np.ndarray:
    """The stored pixels that layers of intensity 1 give at k."""
    result = frame.pixels.copy()
    for part in full.parts:
        rows, columns = part.region
        whole = slice(0, result.shape[0]), slice(0, result.shape[1])
        underlay = Underlay(
            frame.pixels, frame.alpha, whole, is_premultiplied=coding.is_premultiplied
        )
        source = StoredPicture(
            pixels=frame.pixels, alpha=frame.alpha, coding=coding, underlay=underlay
        )
        moved = composite_motion(source, _scaled_motion(part, coding, k), part.region)
        changed = moved.weight > 0
        result[rows, columns][changed] = moved.pixels[changed]
    return result


def _scaled_motion(part: MovedPart, coding: PixelCoding, k: float) -> FrameMotion:
    exposed = part.paint * np.float32(2.0**coding.exposure_ev)
    return FrameMotion(
        displacement=part.displacement * np.float32(k),
        footprint=part.footprint,
        log_gain=part.log_gain * np.float32(k),
        cover=np.clip(part.cover * np.float32(k), 0, 1),
        paint=np.clip(srgb_from_linear(exposed), 0, 1),
        weight=part.weight,
    )


def measure(path: Path, transfer: ExpressionTransfer, expression: str) -> list[np.ndarray]:
    """Differences of each intensity at the pixels that change, painted ones last."""
    frame = read_frame(path)
    crops = transfer.find_faces(frame, FaceChoice(), (path.name,))
    exposure_ev = transfer.auto_exposure(frame, crops)
    coding = coding_of(frame, exposure_ev)

    def rendered(k: float) -> EditedFrame:
        mix = mix_from_request(expression, k)
        picture = replace(picture_of(frame, exposure_ev), keeps_parts=True)
        return transfer.answer([transfer.cut(picture, mix, crops)])[0].compose()

    def shown(pixels: np.ndarray) -> np.ndarray:
        return np.clip(display_from_stored(pixels, frame.alpha, coding), 0, 1)

    full, found = rendered(1.0), []
    for k in INTENSITIES:
        theirs = rendered(k)
        ours = scaled(frame, coding, full, k)
        changed = (theirs.weight > 0) | (full.weight > 0)
        difference = 255 * np.abs(shown(ours) - shown(theirs.pixels)).max(axis=2)
        found.append(difference[changed & (frame.alpha > 0 if frame.alpha is not None else True)])
    return found


def main() -> None:
    """Print one line for each intensity."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", nargs="+", type=Path)
    parser.add_argument("--model", help="Name or file; the one that ships unless given.")
    parser.add_argument("--expression", default="happy,sad,angry,surprised")
    asked = parser.parse_args()
    transfer = ExpressionTransfer(asked.model, device="cpu")
    all_found: list[list[np.ndarray]] = [[] for _ in INTENSITIES]
    for path in asked.frames:
        for expression in asked.expression.split(","):
            for place, values in enumerate(measure(path, transfer, expression)):
                all_found[place].append(values)
    print("k      mean    95 %    99 %   within half a level")
    for k, found in zip(INTENSITIES, all_found, strict=True):
        values = np.concatenate(found)
        high = np.percentile(values, (95, 99))
        within = (values < 0.5).mean()
        print(f"{k:4.2f}  {values.mean():6.2f}  {high[0]:6.2f}  {high[1]:6.2f}   {within:.1%}")


if __name__ == "__main__":
    main()
