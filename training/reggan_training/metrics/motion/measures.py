"""Measures of one result: its motion, its fine detail and contours, its painted colours; and those
of many faces, as figures by their names.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8

from reggan_plugin.array_types import CropPlane, Plane, SixPoints
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS, linear_from_srgb
from reggan_plugin.imaging.crop import FaceCrop, inside_in_frame
from reggan_training.heads.head import Part
from reggan_training.metrics.image_distance import DILATION_SHARE, change_region, psnr_db
from reggan_training.metrics.trials import mean_of_each

Planes = Float[np.ndarray, "3 side side"]
"""sRGB-encoded, [0, 1]."""
MotionPlanes = Float[np.ndarray, "2 side side"]
PixelMask = Bool[np.ndarray, "side side"]

LEAST_MOTION = 0.01
"""Motion that counts as moved, in eye distances: two thirds of a pixel in a crop of 256."""
_BROWS_AND_LIDS = (-1.05, 1.05, -0.75, 0.32)  # left, right, top, bottom in eye distances
_BESIDE_MOUTH, _ABOVE_MOUTH = 0.22, 0.32
_TOWARDS_CHIN = 0.62
"""The mouth's region ends at this part of the way from its middle to the chin."""
INSIDE_OF_MOUTH = (Part.TEETH, Part.GUMS, Part.TONGUE, Part.MOUTH)
_OF_EYES = (Part.EYE, Part.SOCKET, Part.LASHES, Part.BROWS)


@frozen(eq=False)
class TrueFace:
    """A source, the picture that answers a request, and how the one became the other.

    Attributes:
        source, target: sRGB-encoded, in [0, 1].
        motion: (x, y) from a pixel of the target to where the source shows the same surface, in
            parts of the crop's side. 0 on the background; of no meaning where not visible.
        is_visible: the surface that the target shows here is seen in the source.
        is_head: the target shows the head here, not the background.
        parts: a `Part` for each pixel of the target's head; of no meaning outside of it.
        eye_distance: in parts of the crop's side.
        source_landmarks, target_landmarks: in parts of the crop's side, in the order of
            `LANDMARK_NAMES`.
    """

    source: Planes
    target: Planes
    motion: MotionPlanes
    is_visible: PixelMask
    is_head: PixelMask
    parts: UInt8[np.ndarray, "side side"]
    eye_distance: float
    source_landmarks: SixPoints
    target_landmarks: SixPoints

    @property
    def side_px(self) -> int:
        """Side of the crop."""
        return self.source.shape[-1]

    @property
    def eye_distance_px(self) -> float:
        """Distance between the eyes in pixels of the crop."""
        return self.eye_distance * self.side_px

    @property
    def is_uncovered(self) -> PixelMask:
        """True cover: pixels whose target shows a surface of the head that the source hides."""
        return self.is_head & ~self.is_visible

    def shows(self, *parts: Part) -> PixelMask:
        """Pixels whose target shows one of these parts."""
        return self.is_head & np.isin(self.parts, [int(part) for part in parts])


@frozen(eq=False)
class FaceAnswer:
    """The answer of a model, at the crop's size.

    Attributes:
        motion: as in `TrueFace`; the model's smaller grid has been enlarged as the runtime does.
        behind: the same, also where something stands before the face.
        cover: how much of each pixel is paint, in [0, 1].
        picture: the source with motion, light and paint, as a frame is composited.
    """

    motion: MotionPlanes
    behind: MotionPlanes
    cover: CropPlane
    picture: Planes


class FacePart(Enum):
    """A part of the face."""

    BROWS_AND_LIDS = "brows and lids"
    MOUTH = "mouth"
    REST = "rest"


def part_masks(face: TrueFace) -> dict[FacePart, PixelMask]:
    """Divide the crop: every pixel belongs to exactly one part.

    Boxes around the landmarks of source and target together, plus what the triangles say. The
    background is part of the rest.
    """
    mouth = _mouth_box(face, face.source_landmarks) | _mouth_box(face, face.target_landmarks)
    mouth |= face.shows(*INSIDE_OF_MOUTH)
    brows = _box(face, face.source_landmarks, _BROWS_AND_LIDS) | face.shows(*_OF_EYES)
    brows &= ~mouth
    return {FacePart.BROWS_AND_LIDS: brows, FacePart.MOUTH: mouth, FacePart.REST: ~(brows | mouth)}


def whole_crop(side_px: int) -> tuple[FaceCrop, tuple[slice, slice]]:
    """Return a crop that is its own frame, and the region of all its pixels."""
    return FaceCrop(np.eye(2, 3), side_px), (slice(0, side_px), slice(0, side_px))


def changeable_region(side_px: int) -> PixelMask:
    """Pixels in which a change counts in full: all but the border of the crop, where it fades."""
    return np.asarray(inside_in_frame(*whole_crop(side_px)) >= 1)


def moved_region(face: TrueFace) -> PixelMask:
    """Pixels of surfaces seen in both pictures that truly move."""
    size = np.hypot(*face.motion) / face.eye_distance
    return face.is_head & face.is_visible & (size > LEAST_MOTION)


def changed_region(face: TrueFace) -> PixelMask:
    """Pixels in which the truth differs, moves or is uncovered, and 8 px at 256 around them.

    Motion counts although the picture may look the same: smooth skin that should have moved and
    folds instead is a fault there.
    """
    pictures = (torch.from_numpy(np.ascontiguousarray(one)) for one in (face.source, face.target))
    differs = change_region(*(one[None] for one in pictures))[0, 0].numpy()
    return differs | dilated(moved_region(face) | face.is_uncovered)


def dilated(mask: PixelMask) -> PixelMask:
    """Grow a mask to everything within 8 px at 256 of it."""
    radius_px = round(DILATION_SHARE * mask.shape[0])
    plane = torch.from_numpy(mask).float()[None, None]
    wide = F.max_pool2d(plane, 2 * radius_px + 1, 1, radius_px)
    return np.asarray(wide[0, 0].numpy() > 0)


def _mouth_box(face: TrueFace, landmarks: SixPoints) -> PixelMask:
    """From above the upper lip towards the chin, which goes down with the jaw."""
    points = _upright(face, landmarks, landmarks.T[:, :, None])
    x, y = points[..., 0]
    left, right = (LANDMARK_NAMES.index(name) for name in ("mouth_left", "mouth_right"))
    ends = x[[left, right]]
    middle, chin = y[[left, right]].mean(), y[LANDMARK_NAMES.index("chin")]
    box = (
        float(ends.min()) - _BESIDE_MOUTH,
        float(ends.max()) + _BESIDE_MOUTH,
        float(middle) - _ABOVE_MOUTH,
        float(middle + _TOWARDS_CHIN * max(chin - middle, 0.0)),
    )
    return _box(face, landmarks, box)


def _box(face: TrueFace, landmarks: SixPoints, box: tuple[float, float, float, float]) -> PixelMask:
    """Pixels in an upright box (left, right, top, bottom) around the middle between the eyes."""
    axis = (np.arange(face.side_px) + 0.5) / face.side_px
    x, y = _upright(face, landmarks, np.stack(np.meshgrid(axis, axis)))
    left, right, top, bottom = box
    return np.asarray((x >= left) & (x <= right) & (y >= top) & (y <= bottom))


def _upright(
    face: TrueFace, landmarks: SixPoints, points: Float[np.ndarray, "2 rows columns"]
) -> Float[np.ndarray, "2 rows columns"]:
    """Points (x, y) in eye distances, from between the eyes; x along the line through them."""
    left, right = (landmarks[LANDMARK_NAMES.index(name)] for name in ("left_eye", "right_eye"))
    along = (left - right) / max(float(np.hypot(*(left - right))), 1e-6)
    away = points - ((left + right) / 2)[:, None, None]
    x = along[0] * away[0] + along[1] * away[1]
    y = along[0] * away[1] - along[1] * away[0]
    return np.stack([x, y]) / face.eye_distance


ThreePlanes = Float[np.ndarray, "3 height width"]

Values = Float[np.ndarray, " *shape"]
Colours = Float[np.ndarray, " 3 *shape"]
"""Encoded or linear."""

LARGEST_COVER = 0.5
"""A fold under more cover than this is not seen."""

LARGEST_PSNR_DB = 60.0
"""That of an error of a quarter of an 8-bit level; equal pictures have it too."""
INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
LARGEST_FALL = 0.02
"""A projection that falls by no more than this from one intensity to the next still rises."""
FINE_SIGMA_PX = 1.0
"""Fine detail is what this Gaussian takes away."""
LEFT_BEHIND = 0.02
"""Motion from which a contour has left its place, in eye distances: 1.3 px in a crop of 256."""
_XYZ_FROM_RGB = np.array(
    [
        [0.4123907993, 0.3575843394, 0.1804807884],
        [0.2126390059, 0.7151686788, 0.0721923154],
        [0.0193308187, 0.1191947798, 0.9505321522],
    ]
)  # Rec. 709 primaries with D65
_WHITE = _XYZ_FROM_RGB.sum(axis=1)
_EDGE, _SLOPE = (6 / 29) ** 3, 3 * (6 / 29) ** 2
LEAST_PIXELS = 16
"""A face with fewer pixels of what is asked about says nothing."""


@frozen(kw_only=False)
class MotionShares:
    """Two shares of the true motion t that a motion m explains; both are 1 for m = t.

    Attributes:
        projection: Σ m·t / Σ t·t. 0.5 for half the motion; noise and folds leave it as it is, and
            too much motion raises it above 1.
        without_error: 1 − Σ |m − t|² / Σ |t|². Anything wrong lowers it, but half the motion
            still has 0.75. Below 0 for what is worse than no motion.
    """

    projection: float
    without_error: float

    @property
    def share(self) -> float:
        """The lower of the two, which neither noise, nor too much nor too little motion raises."""
        return min(self.projection, self.without_error)


def explained_motion(made: MotionPlanes, true: MotionPlanes, region: PixelMask) -> MotionShares:
    """Compare two motions in a region; NaN where nothing truly moves."""
    m, t = made[:, region].astype(np.float64), true[:, region].astype(np.float64)
    whole = float((t * t).sum())
    if whole == 0:
        return MotionShares(float("nan"), float("nan"))
    error = float(((m - t) ** 2).sum())
    return MotionShares(float((m * t).sum()) / whole, 1.0 - error / whole)


def count_folds(motion: MotionPlanes, cover: CropPlane) -> int:
    """Count cells between four pixels in which the picture is turned over or collapses.

    The map q → q + m(q) is bilinear in a cell, so it keeps its orientation there exactly if
    det(I + ∇m) > 0 at all four corners, with differences along the cell's own edges. Cells that
    are hidden under cover at every corner do not count.

    Args:
        motion: in parts of the crop's side.
        cover: how much of each pixel is paint.
    """
    side_px = motion.shape[-1]
    x, y = motion.astype(np.float64) * side_px
    right = (1 + np.diff(x, axis=1), np.diff(y, axis=1))  # [rows, columns - 1] along +x
    down = (np.diff(x, axis=0), 1 + np.diff(y, axis=0))  # [rows - 1, columns] along +y
    is_folded = np.zeros((side_px - 1, side_px - 1), dtype=bool)
    for row in (slice(None, -1), slice(1, None)):
        for column in (slice(None, -1), slice(1, None)):
            xx, xy = (one[row] for one in right)
            yx, yy = (one[:, column] for one in down)
            is_folded |= xx * yy - xy * yx <= 0
    hidden = cover > LARGEST_COVER
    is_hidden = hidden[:-1, :-1] & hidden[1:, :-1] & hidden[:-1, 1:] & hidden[1:, 1:]
    return int((is_folded & ~is_hidden).sum())


def region_psnr_db(made: Planes, true: Planes, region: PixelMask) -> float:
    """PSNR over the pixels of a region, at most `LARGEST_PSNR_DB`; NaN where it is empty."""
    if not region.any():
        return float("nan")
    ours, truth, where = (
        torch.from_numpy(np.ascontiguousarray(one))[None] for one in (made, true, region[None])
    )
    return min(float(psnr_db(ours, truth, where)[0]), LARGEST_PSNR_DB)


def motion_rises(motions: Sequence[MotionPlanes], true: MotionPlanes, region: PixelMask) -> bool:
    """Tell whether a model's motion grows along the full true one, from none at intensity 0.

    No step may fall by more than `LARGEST_FALL`, and the last must be above nothing by more.

    Args:
        motions: at each of `INTENSITIES` but the first: at 0 the runtime asks no model.
        true: at full intensity.
        region: where the truth moves.
    """
    grown = [explained_motion(motion, true, region).projection for motion in motions]
    steps = np.diff([0.0, *grown])
    return bool((steps >= -LARGEST_FALL).all() and grown[-1] > LARGEST_FALL)


@frozen(kw_only=False)
class Detail:
    """Gradient energy of a result over the truth's, whole and fine; 1 is as it should be."""

    whole: float
    fine: float


def measure_detail(
    made: ThreePlanes, true: ThreePlanes, region: Bool[np.ndarray, "height width"]
) -> Detail:
    """Compare the gradients of two pictures in a region; NaN where the truth has none."""
    ours, truth = _luma(made), _luma(true)
    return Detail(
        whole=_ratio(_energy(ours, region), _energy(truth, region)),
        fine=_ratio(
            _energy(ours - _blurred(ours), region), _energy(truth - _blurred(truth), region)
        ),
    )


def left_region(face: TrueFace) -> PixelMask:
    """Pixels whose source surface is gone: another one has moved here, or was uncovered."""
    size = np.hypot(*face.motion) / face.eye_distance
    return face.is_head & ((size > LEFT_BEHIND) | ~face.is_visible)


def measure_ghost(made: Planes, face: TrueFace, region: PixelMask) -> float:
    """Find how much more of the source's contours a result has than the true picture has.

    Faces resemble themselves, so that the true picture has some.

    Args:
        made: the result.
        face: the truth.
        region: part of `left_region`, whose contours should be gone.

    Returns:
        Correlation of the result's gradient with the source's, less the truth's; NaN where either
        picture is flat.
    """
    ours, truth, source = (
        _gradient(_luma(picture))[:, region].ravel().astype(np.float64)
        for picture in (made, face.target, face.source)
    )
    of_source = source @ source
    return _ratio(float(ours @ source), float(np.sqrt((ours @ ours) * of_source))) - _ratio(
        float(truth @ source), float(np.sqrt((truth @ truth) * of_source))
    )


def _luma(picture: ThreePlanes) -> Plane:
    return np.asarray(np.tensordot(np.array(LUMA_WEIGHTS, dtype=picture.dtype), picture, axes=1))


def _gradient(plane: Plane) -> Float[np.ndarray, "2 height width"]:
    """Central differences along x and y; 0 at the picture's border.

    Differences between neighbours would count the highest frequencies most, which any picture
    loses that is sampled between its pixels: the rig's own motion keeps 0.80 to 0.91 of them.
    """
    x, y = np.zeros_like(plane), np.zeros_like(plane)
    x[:, 1:-1] = (plane[:, 2:] - plane[:, :-2]) / 2
    y[1:-1] = (plane[2:] - plane[:-2]) / 2
    return np.stack([x, y])


def _energy(plane: Plane, region: Bool[np.ndarray, "height width"]) -> float:
    return float((_gradient(plane)[:, region].astype(np.float64) ** 2).sum())


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")


def _blurred(plane: Plane) -> Plane:
    """Gaussian blur of `FINE_SIGMA_PX`; the picture's edge pixels go on beyond it."""
    radius = int(np.ceil(3 * FINE_SIGMA_PX))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    taps = torch.exp(-(offsets**2) / (2 * FINE_SIGMA_PX**2))
    taps = taps / taps.sum()
    image = torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32))[None, None]
    image = F.pad(image, [radius] * 4, mode="replicate")
    image = F.conv2d(F.conv2d(image, taps[None, None, None]), taps[None, None, :, None])
    return np.asarray(image[0, 0].numpy())


def lab_from_srgb(encoded: Colours) -> Colours:
    """L*, a*, b* of sRGB-encoded colours, relative to D65.

    Source: CIE 15:2004, section 8.2.1; sRGB by IEC 61966-2-1.
    """
    xyz = np.tensordot(_XYZ_FROM_RGB, linear_from_srgb(encoded.astype(np.float64)), axes=1)
    ratio = xyz / _WHITE.reshape(3, *[1] * (encoded.ndim - 1))
    curve = np.where(ratio > _EDGE, np.cbrt(ratio), ratio / _SLOPE + 4 / 29)
    x, y, z = curve
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def chroma(lab: Colours) -> Values:
    """Distance from grey, C*ab."""
    return np.asarray(np.hypot(lab[1], lab[2]))


def ciede2000(first: Colours, second: Colours) -> Values:
    """Colour difference ΔE00 of CIELAB colours with all weights 1; about 1 is just noticeable.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula: Implementation Notes,
    Supplementary Test Data, and Mathematical Observations", Color Research and Application
    30(1), 2005, eqs. 2 to 22.
    """
    c_mean = (chroma(first) + chroma(second)) / 2
    stretch = 1 + 0.5 * (1 - _saturating(c_mean))
    c1, h1 = _stretched(first, stretch)
    c2, h2 = _stretched(second, stretch)
    is_grey = c1 * c2 == 0
    turn = np.where(is_grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    turn = np.where(~is_grey & (h2 - h1 == 180), 180.0, turn)  # eq. 10 keeps a half turn positive
    lightness, colour = second[0] - first[0], c2 - c1
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    l_bar, c_bar = (first[0] + second[0]) / 2, (c1 + c2) / 2
    h_bar = _mean_hue_deg(h1, h2, is_grey)
    off_middle = (l_bar - 50) ** 2
    s_l = 1 + 0.015 * off_middle / np.sqrt(20 + off_middle)
    s_c = 1 + 0.045 * c_bar
    s_h = 1 + 0.015 * c_bar * _hue_weight(h_bar)
    rotation = -np.sin(np.radians(60 * np.exp(-(((h_bar - 275) / 25) ** 2))))
    of_l, of_c, of_h = lightness / s_l, colour / s_c, hue / s_h
    mixed = 2 * _saturating(c_bar) * rotation * of_c * of_h
    return np.asarray(np.sqrt(of_l**2 + of_c**2 + of_h**2 + mixed))


def _saturating(c: Values) -> Values:
    return np.asarray(np.sqrt(c**7 / (c**7 + 25.0**7)))


def _stretched(lab: Colours, stretch: Values) -> tuple[Values, Values]:
    """Chroma and hue in degrees with a* stretched near grey (eqs. 5 to 7)."""
    a, b = stretch * lab[1], lab[2]
    return np.asarray(np.hypot(a, b)), np.asarray(np.degrees(np.arctan2(b, a)) % 360)


def _mean_hue_deg(
    h1: Values, h2: Values, is_grey: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
) -> Values:
    """Mean of two hues along the shorter way; their sum where one colour is grey (eq. 14)."""
    total = h1 + h2
    wide = np.where(total < 360, total + 360, total - 360) / 2
    mean = np.where(np.abs(h1 - h2) <= 180, total / 2, wide)
    return np.asarray(np.where(is_grey, total, mean))


def _hue_weight(h_deg: Values) -> Values:
    """T of eq. 15."""
    terms = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    weight = np.ones_like(h_deg)
    for size, times, shift in terms:
        weight = weight + size * np.cos(np.radians(times * h_deg + shift))
    return weight


def colour_error(made: Planes, face: TrueFace, region: PixelMask) -> float:
    """Median ΔE2000 over the uncovered pixels of a region; NaN where there are too few."""
    where = region & face.is_uncovered
    if where.sum() < LEAST_PIXELS:
        return float("nan")
    ours, truth = (lab_from_srgb(one[:, where]) for one in (made, face.target))
    return float(np.median(ciede2000(ours, truth)))


WHOLE = "face"
"""The name of the whole crop among the parts of a face."""
PARTS = (WHOLE, *(part.value for part in FacePart))

Figures = dict[str, float]
"""By quantity, and by `named` quantity and part. NaN where a face has nothing to measure."""

RESULT, INPUT = "result", "unchanged input"


def named(quantity: str, part: str = WHOLE) -> str:
    """Name the key of a quantity for a part of the face."""
    return quantity if part == WHOLE else f"{quantity}, {part}"


def measure_picture(picture: Planes, face: TrueFace) -> Figures:
    """Measure what can be seen, whatever made the picture, in the whole face and each part.

    Quantities: `psnr` in dB, `detail`, `ghost` (excess over the truth), `colour` (median ΔE2000 of
    what is uncovered).
    """
    changed, left = changed_region(face), left_region(face)
    figures: Figures = {}
    for part, where in _regions(face).items():
        here = where & changed
        figures |= {
            named("psnr", part): region_psnr_db(picture, face.target, here),
            named("detail", part): measure_detail(picture, face.target, here).whole,
            named("ghost", part): measure_ghost(picture, face, where & left),
            named("colour", part): colour_error(picture, face, where),
        }
    return figures


def measure_motion(made: FaceAnswer, face: TrueFace) -> Figures:
    """Measure what a model answered besides the picture.

    Quantities: `projection` and `explained` (see `MotionShares`) for the whole face and each part;
    `folds`.
    """
    moved = moved_region(face)
    figures: Figures = {"folds": float(count_folds(made.behind, made.cover))}
    for part, where in _regions(face).items():
        share = explained_motion(made.motion, face.motion, where & moved)
        figures[named("projection", part)] = share.projection
        figures[named("explained", part)] = share.share
    return figures


def _regions(face: TrueFace) -> Mapping[str, PixelMask]:
    """Parts of the face, without the crop's border, which the runtime lets no model change."""
    inside = changeable_region(face.side_px)
    masks = {part.value: mask & inside for part, mask in part_masks(face).items()}
    return {WHOLE: inside, **masks}


class ResultKind(Enum):
    """The request to a face."""

    FULL = "neutral source, full expression"
    HALF = "neutral source, half an expression"
    NEUTRALISED = "source with an expression, neutral"


@frozen(eq=False)
class FaceResult:
    """One request to one face.

    Attributes:
        family: of the head; see `HeadMesh`.
        style: of its look, such as skin or stone.
        expression: the one that was asked for, or taken away.
        figures: by method, such as `RESULT`.
    """

    family: str
    identity: str
    style: str
    expression: str
    kind: ResultKind
    figures: Mapping[str, Figures]


Results = Sequence[FaceResult]


def of_kind(results: Results, *kinds: ResultKind) -> list[FaceResult]:
    """Those of some kinds."""
    return [one for one in results if one.kind in kinds]


def summarise(results: Results, method: str, quantity: str, part: str = WHOLE) -> float:
    """One figure of many faces.

    The mean over identities, whatever the number of their faces; the median over faces for colours,
    since few of them are far off. Faces with nothing to measure do not count; NaN if none is left.
    """
    values = values_of(results, method, named(quantity, part))
    if quantity == "colour":
        there = values[~np.isnan(values)]
        return float(np.median(there)) if there.size else float("nan")
    return _mean(results, values)


def psnr_gain_db(results: Results, part: str = WHOLE) -> float:
    """Mean gain of the result over the unchanged input, on the same faces."""
    ours, before = (values_of(results, one, named("psnr", part)) for one in (RESULT, INPUT))
    return _mean(results, ours - before)


def values_of(
    results: Results, method: str, key: str
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return a figure of every face; NaN for a face that has none."""
    return np.array([one.figures.get(method, {}).get(key, float("nan")) for one in results])


def names_in(values: Iterable[str]) -> list[str]:
    """List the different names, in the order of their first appearance."""
    return list(dict.fromkeys(values))


def _mean(results: Results, values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    there = ~np.isnan(values)
    if not there.any():
        return float("nan")
    who = [f"{one.family}/{one.identity}" for one in results]
    kept = [name for name, is_there in zip(who, there, strict=True) if is_there]
    return float(mean_of_each(values[there], kept).mean())
