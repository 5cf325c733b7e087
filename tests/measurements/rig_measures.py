"""Held-out heads with all that is known of them, and what is measured on the answers to them.

Openings are measured on a *map of openings*: the source once more, its eyeballs red, the inside of
its mouth green, all else blue. The answer that was made for the normal picture is composited on
it, so that colours of skin, light and shadow cannot deceive. What a rig paints is known: it draws
its paint from the map, with the landmarks of the normal picture. Paint of an older model counts for
the model: around the mouth as the mouth's inside, around eyes as lid if a blink is asked for, else
as eyeball. The source's own map reads 1 of its aperture by construction; the true map of a state
comes from its render. An answer made of the true motion (`true_answer`) reads as the true map
within 0.01 of the aperture on a blink and within half a pixel on lips.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from reggan_plugin.change.answer import Answer, AnswerSource
from reggan_plugin.change.pipeline import answer_faces, change_crop, finer_for
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.imaging.colour import linear_from_srgb
from reggan_plugin.imaging.crop import CroppedFace, FaceCrop, ShownFace, cut_crop
from reggan_plugin.kernels.sampling import sampled
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.rig import mouth_opening
from reggan_plugin.rig.dense_landmarks import eye_rows, rows_of
from reggan_plugin.rig.eyes import Lids
from reggan_plugin.rig.raster import smooth_arc
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.rig.skin_motion import Landmarks, rig_answer
from reggan_plugin.rig.template_fit import template
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS, ExpressionMix
from reggan_training.commands.options import families_from_paths
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.landmarks.drawn_accessories import SIDE_PX as EDGE_PX
from reggan_training.landmarks.front_view import middle_line, seen_edges
from reggan_training.landmarks.points_on_mesh import SHARES, DensePoints, HeadSource, iris_of
from reggan_training.landmarks.stylised import stylise
from reggan_training.metrics.motion.evaluation import motion_in_crop
from reggan_training.metrics.motion.measures import (
    INSIDE_OF_MOUTH,
    FacePart,
    TrueFace,
    changeable_region,
    part_masks,
)
from reggan_training.metrics.motion.test_heads import held_out_identities
from reggan_training.rendering.head_look import HeadLook, sample_look
from reggan_training.rendering.rasterising import (
    Camera,
    RasterisedHead,
    frontal_camera,
    rasterise_head,
)
from reggan_training.rendering.shading import HeadShader, truth_of_pair

FACE_PX, MOTION_PX = 512, 256
"""Sides of crops: those that are looked at, and those of single shapes, of which motion counts."""
SEED = 9
GROUPS = (*SHARES, "stylised")
EXPRESSIONS = {one.name: dict(one.weights) for one in BASIC_EXPRESSIONS if one.weights}
BLINK, WIDE = "blink", "eyeWide"
REQUESTS: Mapping[str, Mapping[str, float]] = {
    **EXPRESSIONS,
    BLINK: {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    WIDE: {"eyeWideLeft": 1.0, "eyeWideRight": 1.0},
    "jawOpen": {"jawOpen": 0.7},
    "browInnerUp": {"browInnerUp": 1.0},
}
TURNED_REQUESTS = ("happy", "surprised", BLINK, WIDE)
"""Of a head turned by `YAW_DEG`: fewer, for time."""
YAW_DEG = 20.0
_TRUE_SIGMA = 0.0005
"""Of true landmarks, in parts of the crop's side: a fifth of a percent of the eye distance."""
_UPPER = 0.32
"""Eye distances below the eyes where the upper face ends."""
_DIFFERENT = 2 / 255
_DILATED_PX = 5
_TOOTH_SIGMA = 0.05
"""Of the blur of errors in mouths, in eye distances: it is as wide as a tooth (8 mm)."""
SOFT_MOUTH = "dB mouth, blurred"
_SKIN = (Part.SKIN, Part.LASHES, Part.BEARD, Part.BROWS)
_EYE, _MOUTH, _OTHER = range(3)
"""Channels of a map of openings."""
_NEAR_EYE = 0.15
"""Eye distances around an eyeball within which paint may show it."""
_OUTER_CORNERS = 1.45
"""Eye distances between the outer ends of both eyeballs, as they are seen."""
_LEAST_OPENING = 0.004
"""Opening of a mouth in squares of eye distances from which on it has an edge to measure."""
_FINER = 4
_STRANDS_PX, _SEEN = 4, 0.8
"""How far strands of a worn brow lie apart, and how much of its width has to be seen."""
_LEAST_CURVE = 0.005
"""True change of a brow's shape, in eye distances, from which on it is compared."""

Picture = Float[np.ndarray, "side side 3"]
Points = Float[np.ndarray, "points 2"]


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyHead:
    """A head that nothing has learnt from.

    Attributes:
        group: its family, or `stylised`.
        number: of the head.
    """

    group: str
    mesh: HeadMesh
    points: DensePoints
    look: HeadLook
    number: int

    @property
    def style(self) -> str:
        """Of its look: skin, stone or toon."""
        return self.look.style

    @property
    def name(self) -> str:
        """Group and identity."""
        return f"{self.group}/{self.mesh.identity}"


def study_heads(data: Path, count: int) -> Iterator[StudyHead]:
    """The first head of each group, then the second of each, and so on; `data` has all families."""
    opened = families_from_paths(
        data / "heads/ict/ict_face_model_light.npz",
        data / "makehuman",
        data / "heads/faceunits01",
        data / "heads/valid",
        (),
    )
    families = {family.name: family for family in opened}
    source = HeadSource(families, SHARES, SEED, held_out=True)
    names = {name: held_out_identities(families[name], 2 * count + 2, SEED) for name in SHARES}
    for index in range(count):
        for place, group in enumerate(GROUPS):
            number = index * len(GROUPS) + place
            look = sample_look(np.random.default_rng([SEED, 17, number]), style=_style_of(number))
            family, at = group, index
            if group == "stylised":
                family, at = tuple(SHARES)[index % len(SHARES)], count + index
            identity = names[family][at % len(names[family])]
            mesh, points = source.head(family, identity, shows_texture=look.uses_texture)
            if group == "stylised":
                mesh, points = _stylised(mesh, points, index)
            yield StudyHead(group=group, mesh=mesh, points=points, look=look, number=number)


def _style_of(number: int) -> str:
    """Skin mostly; a stone and a toon among each nine, which falls on other groups each time."""
    return {3: "toon", 5: "stone"}.get(number % 9, "skin")


def _stylised(mesh: HeadMesh, points: DensePoints, index: int) -> tuple[HeadMesh, DensePoints]:
    random = np.random.default_rng([SEED, 4242, index])
    warped = stylise(mesh, random, float(random.uniform(0.5, 1.0)))
    iris = float(warped.notes["iris"])
    eyes = {side: iris_of(warped, side, iris) for side in ("right", "left")}
    return warped, replace(points, rest=warped.rest, eyes=eyes)


class View:
    """A head before a camera, at rest and in other states, with its truth."""

    def __init__(
        self, head: StudyHead, yaw_deg: float, asked: Sequence[Mapping[str, float]], side_px: int
    ) -> None:
        mesh = head.mesh
        self.head, self.yaw_deg, self.side_px = head, yaw_deg, side_px
        self.camera: Camera = frontal_camera(mesh.landmarks(mesh.rest), yaw_deg)
        states = [{}] + [{k: v for k, v in one.items() if k in mesh.controls} for one in asked]
        self.raster: RasterisedHead = rasterise_head(mesh, states, self.camera, face_px=side_px)
        self._shader = HeadShader(self.raster)
        self.vertices = [mesh.vertices(state) for state in states]
        self.source = self.picture(0)
        self.places = true_places(mesh, head.points, self.vertices[0], self.camera)
        hair = self._parts(0) == Part.BROWS
        nose_px = float(self.raster.landmarks[0][LANDMARK_NAMES.index("nose_tip"), 0]) * side_px
        is_right = np.arange(side_px) < nose_px
        for side, half in (("right", is_right), ("left", ~is_right)):
            brow = rows_of("brow", side)
            self.places[brow] = onto_worn_brow(self.places[brow], hair & half)

    @property
    def eye(self) -> float:
        """The eye distance in parts of the crop's side."""
        return self.raster.eye_distance

    @property
    def nose_px(self) -> float:
        """Row of the nose's tip in the source."""
        return float(self.raster.landmarks[0][LANDMARK_NAMES.index("nose_tip"), 1]) * self.side_px

    def picture(self, state: int) -> Picture:
        """The true render of a state."""
        with torch.no_grad():
            shown = self._shader.picture(self.raster.face, state, self.head.look)
        return np.ascontiguousarray(shown.clamp(0, 1).permute(1, 2, 0).numpy())

    def truth(self, state: int, target: Picture) -> TrueFace:
        """How the source becomes a state."""
        truth = truth_of_pair(self._shader, self.raster.face, 0, state)
        return TrueFace(
            source=self.source.transpose(2, 0, 1),
            target=target.transpose(2, 0, 1),
            motion=truth.motion.numpy(),
            is_visible=truth.visible.numpy(),
            is_head=truth.hit.numpy(),
            parts=truth.part.numpy().astype(np.uint8),
            eye_distance=self.eye,
            source_landmarks=self.raster.landmarks[0],
            target_landmarks=self.raster.landmarks[state],
        )

    def openings(self, state: int) -> Picture:
        """The true map of openings of a state."""
        part = self._parts(state)
        upper = (np.arange(self.side_px) < self.nose_px)[:, None]
        eye = np.isin(part, (Part.EYE, Part.SOCKET)) & upper
        mouth = np.isin(part, (*INSIDE_OF_MOUTH, Part.SOCKET)) & ~upper
        return np.stack([eye, mouth, ~eye & ~mouth], axis=2).astype(np.float32)

    def shows(self, places: Points) -> Bool[np.ndarray, " places"]:
        """Whether skin or brows are seen at places of the source: no hair before them."""
        x, y = np.clip((places * self.side_px).astype(int), 0, self.side_px - 1).T
        triangle = self.raster.face.triangle[0].astype(int)[y, x]
        hit = triangle < len(self.raster.parts)
        part = self.raster.parts[np.where(hit, triangle, 0)]
        return hit & np.isin(part, (Part.SKIN, Part.BROWS))

    def _parts(self, state: int) -> Int[np.ndarray, "side side"]:
        """What each pixel shows of a state: a `Part`, and skin beside the head."""
        triangle = self.raster.face.triangle[state].astype(int)
        hit = triangle < len(self.raster.parts)
        return np.where(hit, self.raster.parts[np.where(hit, triangle, 0)], int(Part.SKIN))

    def brow(self, state: int, side: str) -> Points:
        """A brow's line in a state, in parts of the crop's side."""
        viewed = self.camera.view(self.head.points.at(self.vertices[state]))
        return self.camera.project(viewed)[rows_of("brow", side)]


def onto_worn_brow(line: Points, hair: Bool[np.ndarray, "side side"]) -> Points:
    """Move a brow's line to the middle of the hair that is worn there, if most of it is seen.

    Args:
        line: on the skin beneath, in parts of the picture's side.
        hair: pixels that show it.
    """
    if not hair.any():
        return line
    window = np.ones((2 * _STRANDS_PX + 1,) * 2, np.uint8)
    solid = cv2.morphologyEx(hair.astype(np.uint8), cv2.MORPH_CLOSE, window)
    found = middle_line(solid.astype(np.float32), len(line)) / len(hair)
    if np.ptp(found[:, 0]) < _SEEN * np.ptp(line[:, 0]):
        return line
    return found if line[0, 0] < line[-1, 0] else found[::-1]


def true_places(
    mesh: HeadMesh, points: DensePoints, vertices: Float[np.ndarray, "vertices 3"], camera: Camera
) -> Points:
    """Landmarks of a state as the network is taught them, in parts of the crop's side."""
    viewed = camera.view(vertices)
    places = camera.project(camera.view(points.at(vertices))) * EDGE_PX
    return seen_edges(places, viewed, mesh, camera) / EDGE_PX


class KnownLandmarks:
    """A rig that is told the landmarks of the face that it is asked about next."""

    batch = 1

    def __init__(self, card: ModelCard) -> None:
        self.card, self.known = card, Landmarks(places=np.zeros((0, 2)), sigma=np.zeros(0))
        self.template = template()

    @property
    def side_px(self) -> int:
        """As of the model that finds landmarks."""
        return self.card.image_size_px

    def know(self, places: Points) -> None:
        """Remember the landmarks of the next face."""
        self.known = Landmarks(places=places, sigma=np.full(len(places), _TRUE_SIGMA))

    def landmarks(self, face: Picture) -> Landmarks:
        """Those that are known."""
        return self.known

    def refinement(self, face: Picture) -> None:
        """None is added: what is measured is geometry."""

    def answer(
        self, faces: Sequence[Picture], mixes: Sequence[ExpressionMix], known: object = None
    ) -> list[Answer]:
        """See `AnswerSource.answer`."""
        vectors = [self.card.vector_of(mix) for mix in mixes]
        return [
            rig_answer(
                self.template, face, self.known, dict(zip(self.card.controls, v, strict=True))
            )
            for face, v in zip(faces, vectors, strict=True)
        ]


class AskedFace:
    """A face as a model sees it; what it found there once is kept for the next request."""

    def __init__(self, source: AnswerSource, picture: Picture, places: Points) -> None:
        self.source, self.picture = source, picture
        if isinstance(source, KnownLandmarks):
            source.know(places)
        self._face = self._cut(picture)

    def _cut(self, picture: Picture) -> ShownFace:
        side_px = self.source.side_px
        crop = FaceCrop(np.eye(2, 3) * (len(picture) / side_px), side_px)
        small = np.clip(cut_crop(picture, crop), 0, 1).astype(np.float32)
        finer = finer_for(crop, self.source.card)
        return small if finer == 1 else CroppedFace(small, picture, crop.finer(finer))

    def answer(self, weights: Mapping[str, float]) -> Answer:
        """The model's answer, mended as users' frames have it."""
        return answer_faces(self.source, [self._face], [self._mix(weights)])[0]

    def _mix(self, weights: Mapping[str, float]) -> ExpressionMix:
        return ExpressionMix({k: v for k, v in weights.items() if k in self.source.card.controls})

    def found(self) -> Landmarks:
        """Landmarks that a rig works with."""
        if not isinstance(self.source, RigSource | KnownLandmarks):
            raise TypeError(f"{self.source.card.name} finds no dense landmarks")
        return self.source.landmarks(self._face)

    def openings(
        self, answer: Answer, weights: Mapping[str, float], own: Picture, nose_px: float
    ) -> Picture:
        """The map of openings of an answer.

        Args:
            answer: to the picture, asked for `weights`.
            weights: of shapes.
            own: the source's map.
            nose_px: row of the nose's tip, between eyes and mouth.
        """
        if isinstance(self.source, RigSource | KnownLandmarks):
            card = self.source.card
            vector = dict(zip(card.controls, card.vector_of(self._mix(weights)), strict=True))
            with patch.object(mouth_opening, "_inside_of_mouth", _green):
                rig, refine = self.source.template, self.source.refinement(self._face)
                drawn = rig_answer(rig, self._cut(own), self.found(), vector, refine=refine)
            painted = replace(answer, painters=drawn.painters)
        else:
            painted = _with_named_paint(answer, weights, own, nose_px)
        changed = change_crop(own, replace(painted, gain=np.zeros((2, 2, 1), np.float32))).pixels
        light = np.clip(linear_from_srgb(np.clip(changed, 0, 1)), 0, 1)
        return light / np.maximum(light.sum(axis=2, keepdims=True), 1e-6)


def _with_named_paint(
    answer: Answer, weights: Mapping[str, float], own: Picture, nose_px: float
) -> Answer:
    """An answer of an older model that paints a map of openings."""
    is_eye = own[..., _EYE] > 0.5
    ends = np.ptp(np.nonzero(is_eye)[1]) if is_eye.any() else 0
    around = _dilated(is_eye, max(3, round(_NEAR_EYE * ends / _OUTER_CORNERS)))
    shuts = any(name.startswith("eyeBlink") for name in weights)

    def named(paint: Picture, window: tuple[float, float, float, float]) -> Picture:
        left, top, right, _ = window
        along = (np.arange(len(paint)) + 0.5) / len(paint) * (right - left)
        y, x = (
            np.clip(((along + start) * len(own)).astype(int), 0, len(own) - 1)
            for start in (top, left)
        )
        eye = around[np.ix_(y, x)] & (not shuts)
        mouth = np.broadcast_to((y > nose_px)[:, None], eye.shape) & ~eye
        return np.stack([eye, mouth, ~eye & ~mouth], axis=2).astype(np.float32)

    return replace(
        answer,
        paint=named(answer.paint, (0.0, 0.0, 1.0, 1.0)),
        painters=tuple(replace(p, paint=named(p.paint, p.window)) for p in answer.painters),
    )


def _green(*arguments: object) -> Picture:
    """Stand-in for the inside of a mouth: green wherever it is asked for."""
    opening = arguments[5]
    assert isinstance(opening, np.ndarray)
    return np.broadcast_to(np.eye(3, dtype=np.float32)[_MOUTH], (*opening.shape, 3)).copy()


Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What a model made of a request: figures by name, and the picture."""

    figures: Figures
    picture: Picture


def measure(
    view: View, asked: AskedFace, name: str, state: int, face: TrueFace, own: Picture
) -> Result:
    """Ask a model and measure all that the request has something to measure of."""
    weights = REQUESTS[name]
    began = time.perf_counter()
    answer = asked.answer(weights)
    picture = np.clip(change_crop(view.source, answer).pixels, 0, 1)
    figures: Figures = {"seconds": time.perf_counter() - began}
    motion = shown_motion(answer, view.side_px)
    if name in EXPRESSIONS:
        figures |= explained_sums(motion, face)
    figures |= _psnr_gains(picture, face)
    true = view.openings(state)
    mouth = part_masks(face)[FacePart.MOUTH]
    true_mouth = true[..., _MOUTH] * mouth
    if name in (BLINK, WIDE):
        seen = asked.openings(answer, weights, own, view.nose_px)
        before, now, wanted = (float(one[..., _EYE].sum()) for one in (own, seen, true))
        if name == BLINK and before:
            figures |= {"blink": now / before, "true blink": wanted / before}
        elif wanted > before:
            figures |= {"wide": now / wanted, "unchanged wide": before / wanted}
    elif true_mouth.sum() > _LEAST_OPENING * (view.eye * view.side_px) ** 2:
        seen = asked.openings(answer, weights, own, view.nose_px)[..., _MOUTH] * mouth
        figures["lip edge"] = edge_distance(seen, true_mouth)
        figures["mouth open"] = float(seen.sum() / true_mouth.sum())
    figures |= _brow_figures(view, state, motion)
    return Result(figures=figures, picture=picture)


def shown_motion(answer: Answer, side_px: int) -> Float[np.ndarray, "2 side side"]:
    """Motion of a crop's pixels as it is composited; 0 where something stands before the face."""
    motion = motion_in_crop(answer, side_px).displacement.transpose(2, 0, 1) / side_px
    if answer.front is not None:
        front = cv2.resize(answer.front[..., 0], (side_px, side_px))
        motion = np.where(front > 0.5, 0.0, motion)
    return motion


def explained_sums(motion: Float[np.ndarray, "2 side side"], face: TrueFace) -> Figures:
    """Squared error and square of the true motion, of skin that the source shows."""
    skin = face.shows(*_SKIN) & face.is_visible & changeable_region(face.side_px)
    eyes = face.source_landmarks[[LANDMARK_NAMES.index(f"{s}_eye") for s in ("left", "right")]]
    border = (eyes[:, 1].mean() + _UPPER * face.eye_distance) * face.side_px
    upper = np.broadcast_to((np.arange(face.side_px) < border)[:, None], skin.shape)
    error = ((motion - face.motion) ** 2).sum(axis=0)
    whole = (face.motion**2).sum(axis=0)
    figures: Figures = {}
    for part, mask in (("face", skin), ("upper", skin & upper), ("lower", skin & ~upper)):
        figures[f"error {part}"] = float(error[mask].sum())
        figures[f"motion {part}"] = float(whole[mask].sum())
    return figures


def _psnr_gains(picture: Picture, face: TrueFace) -> Figures:
    """PSNR over that of the unchanged source, where source and truth differ."""
    target, source = (one.transpose(1, 2, 0) for one in (face.target, face.source))
    changed = _dilated(np.abs(target - source).max(axis=2) > _DIFFERENT, _DILATED_PX)
    figures: Figures = {}
    for part, mask in part_masks(face).items():
        where = changed & mask
        if where.sum() < 60:
            continue
        errors = [np.where(where[..., None], one - target, 0) for one in (source, picture)]
        figures[f"dB {part.value}"] = _gain_db(*errors)
        if part is FacePart.MOUTH:
            sigma = _TOOTH_SIGMA * face.eye_distance * face.side_px
            soft = [cv2.GaussianBlur(one.astype(np.float32), (0, 0), sigma) for one in errors]
            figures[SOFT_MOUTH] = _gain_db(*(one * where[..., None] for one in soft))
    return figures


def _gain_db(unchanged: Picture, made: Picture) -> float:
    """How much smaller the second error is, in dB."""
    before, after = (max(float((error**2).sum()), 1e-6) for error in (unchanged, made))
    return 10 * float(np.log10(before / after))


PSNR_PARTS = tuple(part.value for part in FacePart)


def _dilated(
    mask: Bool[np.ndarray, "rows columns"], reach: int
) -> Bool[np.ndarray, "rows columns"]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0


def edge_distance(
    made: Float[np.ndarray, "side side"], true: Float[np.ndarray, "side side"]
) -> float:
    """Mean distance in pixels between two openings' outlines, to and fro, where both are open."""
    columns = [np.flatnonzero((one > 0.5).any(axis=0)) for one in (made, true)]
    both = np.intersect1d(*columns)
    if len(both) < 8:
        return float("nan")
    low, high = both.min() + 1, both.max()
    lines = []
    for one in (made, true):
        outline = _outline(one)
        lines.append(outline[(outline[:, 0] >= low) & (outline[:, 0] <= high)])
    if not all(map(len, lines)):
        return float("nan")
    there = nearest(lines[0], lines[1]).mean()
    back = nearest(lines[1], lines[0]).mean()
    return float((there + back) / 2)


def nearest(
    places: Float[np.ndarray, "places axes"], others: Float[np.ndarray, "others axes"]
) -> Float[np.ndarray, " places"]:
    """Distance of each place to the nearest of others."""
    least = np.empty(len(places))
    for start in range(0, len(places), 4096):
        some = places[start : start + 4096]
        square = (some**2).sum(1)[:, None] + (others**2).sum(1) - 2 * some @ others.T
        least[start : start + 4096] = np.sqrt(np.clip(square.min(axis=1), 0, None))
    return least


def _outline(share: Float[np.ndarray, "side side"]) -> Points:
    """Places along the outlines of what is more than half; slits of a pixel are closed."""
    side = len(share) * _FINER
    fine = cv2.resize(share.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    mask = cv2.morphologyEx(
        (fine > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((2 * _FINER + 1,) * 2, np.uint8)
    )
    found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    kept = [one[:, 0] for one in found if len(one) > 6 * _FINER]
    return np.concatenate(kept).astype(float) / _FINER if kept else np.zeros((0, 2))


def _brow_figures(view: View, state: int, motion: Float[np.ndarray, "2 side side"]) -> Figures:
    """Change of the brows' shape: made, true, and the distance between both; eye distances."""
    made, true, apart = [], [], []
    for side in ("right", "left"):
        before, after = view.brow(0, side), view.brow(state, side)
        moved = moved_forward(before, motion)
        own, wanted = bend(before, moved), bend(before, after)
        if np.sqrt((wanted**2).sum(axis=1).mean()) / view.eye < _LEAST_CURVE:
            continue
        made.append((own**2).sum(axis=1).mean())
        true.append((wanted**2).sum(axis=1).mean())
        apart.append(((own - wanted) ** 2).sum(axis=1).mean())
    if not made:
        return {}
    values = {"brow bend": made, "true brow bend": true, "brow bend error": apart}
    return {name: float(np.sqrt(np.mean(one))) / view.eye for name, one in values.items()}


def moved_forward(places: Points, motion: Float[np.ndarray, "2 side side"]) -> Points:
    """Where surfaces at places of the source go under a backward motion, by fixed point."""
    side, planes = motion.shape[-1], motion.transpose(1, 2, 0)
    now = places.copy()
    for _ in range(20):
        now = places - sampled(planes, now * side)
    return now


def bend(before: Points, after: Points) -> Points:
    """What is left of a line's way after the best similarity."""
    flat, goal = ((one - one.mean(axis=0)) @ [1, 1j] for one in (before, after))
    factor = (flat.conj() @ goal) / (flat.conj() @ flat)
    left = goal - factor * flat
    return np.column_stack([left.real, left.imag])


LANDMARK_PARTS = (
    "lids across", "inner lips across", "outer lips across", "outer lips", "brows across",
    "brows", "nose", "jaw",
)  # fmt: skip


def landmark_errors(
    found: Points, true: Points, eye: float, seen: Bool[np.ndarray, " points"]
) -> dict[str, Float[np.ndarray, " n"]]:
    """Distances to the true landmarks by part, in eye distances; `across`: to the true contour.

    Of brows those landmarks count that are seen: a fringe hides many.
    """

    def direct(rows: Int[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        return np.linalg.norm(found[rows] - true[rows], axis=1)

    errors: dict[str, list[np.ndarray]] = {name: [] for name in LANDMARK_PARTS}
    for side in ("right", "left"):
        rows, brow = eye_rows(side), rows_of("brow", side)
        lids = Lids.from_loop(true[rows]).outline()
        errors["lids across"].append(_across(found[rows], lids, closed=True))
        shown = brow[seen[brow]]
        errors["brows"].append(direct(shown))
        errors["brows across"].append(_across(found[shown], smooth_arc(true[brow])))
        errors["nose"].append(direct(rows_of("nostril", side)))
    for name in ("inner", "outer"):
        upper, lower = rows_of(f"lip_{name}_upper"), rows_of(f"lip_{name}_lower")
        back = np.concatenate([true[upper[-1:]], true[lower], true[upper[:1]]])
        line = np.concatenate([smooth_arc(true[upper]), smooth_arc(back)[1:-1]])
        both = np.concatenate([upper, lower])
        errors[f"{name} lips across"].append(_across(found[both], line, closed=True))
        if name == "outer":
            errors["outer lips"].append(direct(both))
    for rows in (rows_of("bridge"), rows_of("nose")):
        errors["nose"].append(direct(rows))
    errors["jaw"].append(direct(rows_of("jaw")))
    return {name: np.concatenate(values) / eye for name, values in errors.items()}


def _across(places: Points, line: Points, *, closed: bool = False) -> Float[np.ndarray, " places"]:
    """Distance of places to a line."""
    start = line if closed else line[:-1]
    stop = np.roll(line, -1, axis=0) if closed else line[1:]
    way = stop - start
    length = np.maximum((way**2).sum(axis=1), 1e-18)
    along = np.clip(((places[:, None] - start) * way).sum(axis=2) / length, 0, 1)
    nearest = start + along[..., None] * way
    return np.linalg.norm(places[:, None] - nearest, axis=2).min(axis=1)
