"""Colours of paint: teeth not green, mouths deep and no redder than lips, those of stone grey."""

from dataclasses import replace

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.change.answer import COVER_ENDS, Answer, Painter
from reggan_plugin.models.model_card import MOUTH
from reggan_plugin.percentile import percentile

_TOP, _BOTTOM, _LEFT, _RIGHT = 0.42, 0.78, 0.36, 0.64
"""From the eyes to the lips, where neither hair nor backdrop are, in parts of the side."""
_MOST = 98
"""Percentile of a face's saturation that its lips reach, and a highlight's edge does not."""
_COLOURLESS, _COLOURED = 0.10, 0.16
"""On 60 held-out heads stone reaches 0.03 to 0.16, skin and toons 0.27 at least; the room between
is for pale skin, which is no stone."""
_DARKEST = 0.02
"""Below this a pixel has no colour, but noise."""
_RED = 0.05
"""Of the face over its blue, from which on its paint has the bound in full: what faces have whose
grey varies from frame to frame must not switch it on and off."""
_BRIGHTEST = 95
"""Percentile of what is painted, for the brightness of the teeth, or of what stands for them."""
_TEETH = 0.7
"""Of that brightness, from which on paint stays as it is."""
_OPEN = 0.01
"""Share of a painter's window that is painted, from which on a mouth has its whole depth: it comes
gradually, or a mouth that opens would darken at once."""
_LEAST_SHARE = 1e-2
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def with_depth(answer: Answer, depth: float) -> Answer:
    """The answer with a mouth whose dark is darker; teeth, hues and other paint stay.

    Args:
        answer: finite.
        depth: see `Handling.mouth_depth`.
    """
    painters = (_deep(one, depth) if one.part == MOUTH else one for one in answer.painters)
    return replace(answer, painters=tuple(painters))


def _deep(mouth: Painter, depth: float) -> Painter:
    """One whose cover has another resolution than its paint is left."""
    brightness, cover = mouth.paint @ _LUMA, mouth.cover[..., 0]
    if not depth or cover.shape != brightness.shape:
        return mouth
    painted = brightness[cover > COVER_ENDS]
    if not painted.size:
        return mouth
    steeper = depth * min(1.0, painted.size / (_OPEN * brightness.size))
    teeth = max(np.float32(_TEETH * percentile(painted, _BRIGHTEST)), np.float32(_LEAST_SHARE))
    share = np.clip(brightness / teeth, np.float32(_LEAST_SHARE), np.float32(1.0))
    return replace(mouth, paint=mouth.paint * np.power(share, np.float32(steeper))[..., None])


def in_face_colours(
    answer: Answer, face: Float[np.ndarray, "side side 3"], greenest: float | None
) -> Answer:
    """The answer with paint no greener than ivory or the face, no redder than lips, grey on stone.

    Args:
        answer: finite.
        face: that was asked about, sRGB-encoded, in [0, 1].
        greenest: see `Handling.greenest`; None leaves all paint.
    """
    if greenest is None:
        return answer
    side = len(face)
    rows = slice(int(_TOP * side), int(_BOTTOM * side))
    columns = slice(int(_LEFT * side), int(_RIGHT * side))
    middle = np.clip(face[rows, columns], 0.0, 1.0)
    if not middle.size:
        return answer
    most = float(percentile(_saturation(middle), _MOST))
    share = np.float32(min(1.0, max(0.0, (_COLOURED - most) / (_COLOURED - _COLOURLESS))))
    mean = middle.mean(axis=(0, 1), dtype=np.float32)
    tint = mean / max(float(mean.mean()), _DARKEST)

    def paint(own: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns 3"]:
        own = _less_pure(_less_green(own, mean, greenest), most)
        return own + share * (own.mean(axis=2, keepdims=True) * tint - own) if share else own

    painters = tuple(replace(one, paint=paint(one.paint)) for one in answer.painters)
    return replace(answer, paint=paint(answer.paint), painters=painters)


def _less_green(
    paint: Float[np.ndarray, "rows columns 3"], face: Float[np.ndarray, " 3"], greenest: float
) -> Float[np.ndarray, "rows columns 3"]:
    """Paint whose green is bounded; not in faces that are bluer than red, little in grey ones."""
    red_over_blue = float(face[0] - face[2])
    if red_over_blue <= 0:
        return paint
    most = np.float32(max(greenest, float(face[1] - face[2]) / red_over_blue))
    red, green, blue = np.moveaxis(paint, 2, 0)
    bound = blue + most * np.maximum(red - blue, np.float32(0))
    share = np.float32(min(1.0, red_over_blue / _RED))
    return np.stack([red, green + share * np.minimum(bound - green, 0), blue], axis=2)


def _less_pure(
    paint: Float[np.ndarray, "rows columns 3"], most: float
) -> Float[np.ndarray, "rows columns 3"]:
    """Paint of the same mean, with at most so much saturation: no red line beneath the teeth."""
    grey = paint.mean(axis=2, keepdims=True)
    above, below = (extreme(paint - grey, axis=2, keepdims=True) for extreme in (np.max, np.min))
    room = np.maximum(above - below - np.float32(most) * above, np.float32(1e-6))
    return grey + np.minimum(np.float32(most) * grey / room, np.float32(1.0)) * (paint - grey)


def _saturation(
    picture: Float[np.ndarray, "rows columns 3"],
) -> Float[np.ndarray, "rows columns"]:
    """As of HSV: how far the least of the three is below the largest, in parts of that."""
    largest = picture.max(axis=2)
    return (largest - picture.min(axis=2)) / np.maximum(largest, np.float32(_DARKEST))
