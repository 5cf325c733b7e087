"""MakeHuman heads: any number of sampled identities on one CC0 base mesh, whose template has the
points of each part, the motion of each unit, and the mean.

The face units are linear; what sums of them would spoil is mended: lids shut as far as asked on
every eye and stay outside the eyeball, lips stay before the teeth. The template is in the axes and
metres of `anatomy` (z up, the face looking along -y); only the finished mesh is turned into those
of `head`.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_training.heads.anatomy.assets import (
    Faces,
    HeadAssets,
    Points,
    read_assets,
    read_target,
    triangles_from_quads,
)
from reggan_training.heads.anatomy.eyes import (
    Aperture,
    Eye,
    LidRings,
    Socket,
    eye_faces,
    eye_points,
    find_lids,
    find_socket,
    keep_rings_in_order,
    lash_faces,
    lash_points,
)
from reggan_training.heads.anatomy.head_shape import (
    ANCESTRIES,
    CHIN,
    EYE_GROUPS,
    MOUTH_CORNERS,
    NOSE_TIP,
    HeadShape,
    fitted_eye,
    head_skin,
    sample_shape,
    shaped_body,
)
from reggan_training.heads.anatomy.mouth import (
    LOWER,
    Bite,
    Mouth,
    placement_from_hollow,
    read_bite,
    set_mouth,
)
from reggan_training.heads.head import (
    REGIONS,
    SIDES,
    HeadMesh,
    Part,
    SparseOffsets,
    VertexWeights,
    Vertices,
    canonical_from_rest,
    identity_names,
    numbers_in_name,
    occlusion,
    pack_regions,
)
from reggan_training.heads.makehuman.skin import Refinement, read_regions, refine
from reggan_training.heads.worn.dress import dress

BITE_PARTS = ("teeth_upper", "teeth_lower", "gums_upper", "gums_lower", "tongue")
"""In the order of their vertices."""
_KINDS: Mapping[str, Part] = {
    "lashes": Part.LASHES,
    **dict.fromkeys(SIDES, Part.EYE),
    **dict.fromkeys(("teeth_upper", "teeth_lower"), Part.TEETH),
    **dict.fromkeys(("gums_upper", "gums_lower"), Part.GUMS),
    "tongue": Part.TONGUE,
}
_LIPS_DEPTH, _THROAT = 0.5, 0.7
"""Depth of the lips in front of the eyes, and of darkness behind the lips; eye distances."""
_OPEN, _DEEP = 0.25, 0.85
"""Occluded shares of the hemisphere that count as open and as deep."""
_SOCKET_SHADE = 0.8
LEFT_OUT = ("tongueOut",)
"""Units of the asset that are no control of ours."""
JAW_GROUP = "helper-lower-teeth"
_SHARED_REGIONS = ("lips", "beard", "moustache", "scalp", "cheeks", "nose", "eye_rings", "ears")


def mean_head(
    assets: HeadAssets,
    rows: Int[np.ndarray, " points"],
    lids: Mapping[str, LidRings],
    bite: Bite,
    hollow: Int[np.ndarray, " hollows"],
) -> tuple[Points, Points]:
    """Make an adult of all ancestries and both genders; parts where all families have them.

    Args:
        assets: of all heads.
        rows: body points of the skin.
        lids: both eyes' lids.
        bite: of the base mesh.
        hollow: body points inside the mouth.

    Returns:
        In the unit and axes of `head` the skin before it is refined; and all the rest, which are
        the lashes, both eyeballs, the bite's parts and the fronts of the eyeballs.
    """
    shares = dict.fromkeys(ANCESTRIES, 1 / len(ANCESTRIES))
    body = shaped_body(assets, HeadShape(ancestry=shares, gender=0.5))
    eyes = fitted_eyes(assets, body)
    placement = placement_from_hollow(body[hollow], assets.base.points[hollow])
    others = [lash_points(lids, body, eyes)]
    others += [eye_points(eye.centre, eye.radius, 0.0, 0.0) for eye in eyes.values()]
    others += [placement.placed(bite.points[name]) for name in BITE_PARTS]
    others.append(eye_fronts(eyes))
    middle = np.mean([eye.centre for eye in eyes.values()], axis=0)
    unit = eyes["left"].centre[0] - eyes["right"].centre[0]
    known = [NOSE_TIP, *MOUTH_CORNERS.values(), CHIN]
    nose, *corners, chin = head_axes(body[known] - middle)[:, 1] / unit
    points = canonical_from_rest(
        head_axes(np.concatenate([body[rows], *others]) - middle) / unit,
        nose_y=float(nose),
        mouth_y=float(np.mean(corners)),
        chin_y=float(chin),
    )
    return points[: len(rows)], points[len(rows) :]


def fitted_eyes(assets: HeadAssets, body: Points) -> dict[str, Eye]:
    """Fit the eyeballs of a body by side."""
    return {
        side: fitted_eye(body[assets.base.points_of(group)]) for side, group in EYE_GROUPS.items()
    }


def eye_fronts(eyes: Mapping[str, Eye]) -> Float[np.ndarray, "2 3"]:
    """Find the middles of the eyeballs' fronts at rest, left and right."""
    return np.stack([eye.centre - np.array([0.0, eye.radius, 0.0]) for eye in eyes.values()])


def head_axes(points: Points) -> Points:
    """Points of `anatomy`'s axes in those of `head`: y up, z to the front."""
    return points[:, [0, 2, 1]] * np.array([1.0, 1.0, -1.0])


@frozen(eq=False)
class Layout:
    """As in `HeadMesh`."""

    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    canonical: Vertices
    regions: UInt8[np.ndarray, "vertices regions"]
    eye_angle: VertexWeights


def cut_skin(
    faces: Int[np.ndarray, "quads 4"],
    rows: Int[np.ndarray, " points"],
    sockets: Mapping[str, Socket],
    inside_mouth: Float[np.ndarray, " points"],
    canonical: Points,
) -> tuple[Refinement, UInt8[np.ndarray, " triangles"]]:
    """Cut the skin, finer around eyes, nose and mouth, and a `Part` for each of its triangles.

    What lies in the sockets behind the lids' edge is left out.
    """
    is_tucked = np.isin(rows, np.concatenate([socket.tucked for socket in sockets.values()]))
    is_pocket = np.isin(rows, np.concatenate([socket.pocket for socket in sockets.values()]))
    faces = faces[~(is_pocket & ~is_tucked)[faces].any(axis=1)]
    kinds = np.full(len(faces), Part.SKIN, dtype=np.uint8)
    kinds[inside_mouth[faces].mean(axis=1) > 0.5] = Part.MOUTH
    kinds[is_tucked[faces].any(axis=1)] = Part.SOCKET
    finer = refine(faces, _is_detailed(canonical)[faces].all(axis=1), len(rows))
    return finer, kinds[finer.source]


def lay_out(
    finer: Refinement,
    skin_kinds: UInt8[np.ndarray, " triangles"],
    mean: tuple[Points, Points],
    weights: Mapping[str, Float[np.ndarray, " points"]],
    bite: Bite,
) -> Layout:
    """Lay out the whole head from its skin; `weights` are regions of the skin as it was before.

    `mean` is that of `mean_head`.
    """
    skin = finer.points(mean[0])
    canonical = np.concatenate([skin, mean[1]])
    triangles, kinds, start = [finer.triangles], [skin_kinds], len(skin)
    meshes_of = {"lashes": lash_faces(), **dict.fromkeys(SIDES, eye_faces())}
    meshes_of |= {name: bite.faces[name] for name in BITE_PARTS}
    for name, faces in meshes_of.items():
        own = triangles_from_quads(faces)
        triangles.append(own + start)
        kinds.append(np.full(len(own), _KINDS[name], dtype=np.uint8))
        start += int(faces.max()) + 1
    all_triangles, all_kinds = np.concatenate(triangles), np.concatenate(kinds)
    angle = _eye_angle(all_triangles[all_kinds == Part.EYE], len(canonical))
    regions = {
        name: np.pad(finer.mixed(weight[:, None])[:, 0], (0, len(mean[1])))
        for name, weight in weights.items()
        if name in REGIONS
    }
    shade = _shade(canonical, all_triangles, all_kinds, angle, regions["lips"])
    return Layout(
        triangles=all_triangles,
        parts=all_kinds,
        canonical=canonical.astype(np.float32),
        regions=pack_regions({**regions, "shade": shade}, len(canonical)),
        eye_angle=angle.astype(np.float32),
    )


def _is_detailed(canonical: Points) -> Bool[np.ndarray, " points"]:
    """Which points of the mean head lie at the eyes, the nose or the mouth."""
    side, up, front = np.abs(canonical[:, 0]), canonical[:, 1], canonical[:, 2]
    eyes = (np.abs(side - 0.5) < 0.45) & (np.abs(up - 0.03) < 0.36)
    nose = (side < 0.34) & (up > -0.85) & (up < -0.1)
    mouth = (side < 0.62) & (up > -1.5) & (up < -0.8) & (front > 0.1)
    return (eyes | nose | mouth) & (front > -0.1)


def _eye_angle(triangles: Int[np.ndarray, "triangles 3"], count: int) -> VertexWeights:
    ball = eye_points(np.zeros(3), 1.0, 0.0, 0.0)
    away = np.arccos(np.clip(-ball[:, 1] / np.linalg.norm(ball, axis=1), -1, 1))
    angle = np.full(count, np.pi)
    angle[np.unique(triangles)] = np.tile(away, 2)
    return angle


def _shade(
    canonical: Points,
    triangles: Int[np.ndarray, "triangles 3"],
    kinds: UInt8[np.ndarray, " triangles"],
    eye_angle: VertexWeights,
    lips: VertexWeights,
) -> VertexWeights:
    """Depth of a vertex: on skin by what it sees, in the mouth by its way behind the lips.

    Lips are half as dark as they are at rest, since they part.
    """
    of_vertex = np.full(len(canonical), Part.LASHES)
    of_vertex[triangles] = kinds[:, None]
    of_vertex[triangles[kinds == Part.SKIN]] = Part.SKIN
    outer = np.isin(kinds, (Part.SKIN, Part.SOCKET, Part.MOUTH))
    hidden = occlusion(canonical, triangles[outer], np.flatnonzero(of_vertex == Part.SKIN))
    shade = np.zeros(len(canonical))
    shade[of_vertex == Part.SKIN] = np.clip((hidden - _OPEN) / (_DEEP - _OPEN), 0, 1)
    shade *= 1 - 0.5 * lips
    inside = np.isin(of_vertex, (Part.MOUTH, Part.TEETH, Part.GUMS, Part.TONGUE))
    deep = np.clip((_LIPS_DEPTH - canonical[:, 2]) / _THROAT, 0, 1)
    shade = np.where(inside, deep, shade)
    shade = np.where(of_vertex == Part.EYE, 0.8 * np.clip((eye_angle - 0.7) / 0.6, 0, 1), shade)
    return np.where(of_vertex == Part.SOCKET, _SOCKET_SHADE, shade)


@frozen(eq=False)
class MakeHumanTemplate(Layout):
    """The same for all identities.

    The vertices of a head are those of the skin, the lashes, both eyeballs, the bite's parts,
    then two that no triangle uses: the fronts of the eyeballs.

    Attributes:
        rows: body points of the skin before it is refined.
        units: by control the body points that it moves and how far, metres.
        lids: both eyes' lids, by body points.
        sockets: both eyes' surroundings.
        hollow: body points of the mouth's inside.
        skin: the skin's faces before it is refined.
        finer: the finer skin.
    """

    assets: HeadAssets
    rows: Int[np.ndarray, " skin_points"]
    units: Mapping[str, SparseOffsets]
    lids: Mapping[str, LidRings]
    sockets: Mapping[str, Socket]
    bite: Bite
    hollow: Int[np.ndarray, " points"]
    skin: Faces
    finer: Refinement

    def vertex_of(self, body_point: int) -> int:
        """Return the vertex that a point of the skin became.

        Raises:
            KeyError: the point is not of the skin that is kept.
        """
        found = np.flatnonzero(self.rows == body_point)
        if not len(found):
            raise KeyError(f"body point {body_point} is cut off")
        return int(found[0])


def read_template(assets: HeadAssets, units: Path) -> MakeHumanTemplate:
    """Read the template that all heads share.

    Raises:
        SourceError: the folder holds no unit, or one of them cannot be read.
    """
    moves = read_units(units)
    skin, rows = head_skin(assets.base)
    lids = find_lids(assets.base, assets.skin_weights, rows)
    sockets = {
        side: find_socket(assets, rows, lids[side], eye)
        for side, eye in fitted_eyes(assets, assets.base.points).items()
    }
    weights = _skin_regions(assets, rows, lids)
    bite = read_bite(assets)
    hollow = rows[weights["inside_mouth"] > 0.5]
    mean = mean_head(assets, rows, lids, bite, hollow)
    finer, skin_kinds = cut_skin(skin, rows, sockets, weights["inside_mouth"], mean[0])
    layout = lay_out(finer, skin_kinds, mean, weights, bite)
    return MakeHumanTemplate(
        assets=assets,
        rows=rows,
        units=moves,
        lids=lids,
        sockets=sockets,
        bite=bite,
        hollow=hollow,
        skin=skin,
        finer=finer,
        **vars(layout),
    )


def read_units(folder: Path) -> dict[str, SparseOffsets]:
    """Read the face units of a folder by their ARKit names.

    Raises:
        SourceError: the folder holds no unit, or one of them cannot be read.
    """
    files = [path for path in sorted(folder.glob("*.target")) if path.stem not in LEFT_OUT]
    if not files:
        raise SourceError(
            f"{folder} holds no .target file. Name the folder of the CC0 face units `faceunits01`"
            " of makehumancommunity."
        )
    return {path.stem: read_target(path) for path in files}


def _skin_regions(
    assets: HeadAssets, skin: Int[np.ndarray, " points"], lids: Mapping[str, LidRings]
) -> dict[str, Float[np.ndarray, " points"]]:
    base = assets.base.points
    middle = np.mean([eye.centre for eye in fitted_eyes(assets, base).values()], axis=0)
    drawn = read_regions(assets, skin, base[skin] - middle)
    weights = {name: drawn[name] for name in (*_SHARED_REGIONS, "inside_mouth")}
    margins = [
        rings[:2].ravel() for lid in lids.values() for rings in (lid.upper_rings, lid.lower_rings)
    ]
    return weights | {
        "brows": drawn["brow"],
        "lid_margins": np.isin(skin, np.concatenate(margins)).astype(np.float64),
    }


_LID_UNITS = ("eye", "cheekSquint")
"""Prefixes of the units that move the lids by more than a hair."""
_PREFIX = "mh"
"""Of the names of identities."""


@frozen(eq=False)
class Gaze:
    """Turn of each eye at weight 1 of a unit, by unit and side: yaw and pitch, degrees."""

    turns: Mapping[str, Mapping[str, tuple[float, float]]]

    def of(self, weights: Mapping[str, float], side: str) -> tuple[float, float]:
        """Yaw to the head's own left and pitch up of one eye, degrees."""
        turned = [
            (weight * turn[side][0], weight * turn[side][1])
            for name, weight in weights.items()
            if (turn := self.turns.get(name)) and side in turn
        ]
        return sum(yaw for yaw, _ in turned), sum(pitch for _, pitch in turned)


@frozen(eq=False)
class MakeHumanMotion:
    """Shape model of one identity. Points are in metres and the axes of `anatomy`.

    Attributes:
        body: the identity's body at rest.
        bite: points of its bite at rest, by part.
        jaw: body points that are rigid with the lower jaw.
        unit: its eye distance.
    """

    template: MakeHumanTemplate
    body: Points
    eyes: Mapping[str, Eye]
    mouth: Mouth
    bite: Mapping[str, Points]
    gaze: Gaze
    jaw: Int[np.ndarray, " points"]
    unit: float

    def moved(self, rest: Vertices, weights: Mapping[str, float]) -> Vertices:
        """Vertices with these weights, float32, eye distances."""
        used = {name: float(weight) for name, weight in weights.items() if weight}
        if not used:
            return rest.astype(np.float32)
        body = self.body.copy()
        for name, weight in used.items():
            target = self.template.units[name]
            body[target.rows] += weight * target.offsets
        gaze = {side: self.gaze.of(used, side) for side in SIDES}
        self._mend_lids(body, used, gaze)
        jaw = rigid_motion(self.body[self.jaw], body[self.jaw])
        self.mouth.keep_before_teeth(body, jaw)
        return self.vertices(body, gaze, jaw)

    def vertices(
        self, body: Points, gaze: Mapping[str, tuple[float, float]], jaw: Float[np.ndarray, "3 4"]
    ) -> Vertices:
        """All vertices of the head from its body, float32, eye distances."""
        template = self.template
        points = [
            template.finer.points(body[template.rows]),
            lash_points(template.lids, body, self.eyes),
        ]
        for side, eye in self.eyes.items():
            points.append(eye_points(eye.centre, eye.radius, *gaze[side]))
        for name in BITE_PARTS:
            still = self.bite[name]
            points.append(still @ jaw[:, :3].T + jaw[:, 3] if name in LOWER else still)
        points.append(eye_fronts(self.eyes))
        return (head_axes(np.concatenate(points)) / self.unit).astype(np.float32)

    def _mend_lids(
        self, body: Points, weights: Mapping[str, float], gaze: Mapping[str, tuple[float, float]]
    ) -> None:
        """Shut the lids in place as far as the blink asks, keep them apart and off the eyeball."""
        for side, lids in self.template.lids.items():
            eye, name = self.eyes[side], f"eyeBlink{side.capitalize()}"
            closure = min(weights.get(name, 0.0), 1.0)
            if any(unit.startswith(_LID_UNITS) for unit in weights):
                opened = self._opened(body, weights, lids, eye, name)
                keep_rings_in_order(body, self.body, lids, eye)
                if closure > 0 or lids.aperture(body, eye).open_deg < 0:
                    lids.finish_closing(body, eye, opened, closure)
                    keep_rings_in_order(body, self.body, lids, eye)
            self.template.sockets[side].keep_outside(body, eye, gaze[side])

    def _opened(
        self, body: Points, weights: Mapping[str, float], lids: LidRings, eye: Eye, blink: str
    ) -> Aperture:
        """Open the lids by the blink taken away, nowhere less than 0."""
        unblinked = body
        if weights.get(blink):
            target = self.template.units[blink]
            unblinked = body.copy()
            unblinked[target.rows] -= weights[blink] * target.offsets
        now = lids.aperture(unblinked, eye)
        return Aperture(side=now.side, upper=np.maximum(now.upper, now.lower), lower=now.lower)


def rigid_motion(before: Points, after: Points) -> Float[np.ndarray, "3 4"]:
    """Fit the turn and shift that best take points to others: an affine matrix on points.

    Source: Kabsch, A solution for the best rotation to relate two sets of vectors, 1976.
    """
    start, end = before.mean(axis=0), after.mean(axis=0)
    left, _, right = np.linalg.svd((after - end).T @ (before - start))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = (left * sign) @ right
    return np.column_stack([turn, end - turn @ start])


def read_gaze(template: MakeHumanTemplate) -> Gaze:
    """Read the turns of the eyes from how the units move the eyes of the base mesh."""
    base = template.assets.base
    turns: dict[str, dict[str, tuple[float, float]]] = {}
    for name, target in template.units.items():
        moved = base.points.copy()
        moved[target.rows] += target.offsets
        for side, group in EYE_GROUPS.items():
            rows = base.points_of(group)
            if np.abs(moved[rows] - base.points[rows]).max() < 1e-6:
                continue
            turn = rigid_motion(base.points[rows], moved[rows])[:, :3]
            ahead = turn @ np.array([0.0, -1.0, 0.0])
            yaw, pitch = np.arctan2(ahead[0], -ahead[1]), np.arcsin(ahead[2])
            turns.setdefault(name, {})[side] = float(np.rad2deg(yaw)), float(np.rad2deg(pitch))
    return Gaze(turns=turns)


class MakeHumanFamily:
    """Heads of the parametric base mesh hm08 with the ARKit face units.

    An identity's name, such as `mh-7-00012`, holds the seed and the number that it is drawn from.
    """

    name = "makehuman"

    def __init__(self, assets: Path, units: Path) -> None:
        """Name the folder of the CC0 head assets and that of the face units; both are read late."""
        self._folders = assets, units

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
        """See `identity_names`."""
        return identity_names(_PREFIX, count, seed)

    def head(self, identity: str) -> HeadMesh:
        """Build one identity with what it wears; a name is the same head on every machine.

        Raises:
            SourceError: the name is not one of this family's, or an asset is missing.
        """
        numbers = numbers_in_name(_PREFIX, identity)
        bare = self.shaped(identity, sample_shape(np.random.default_rng(numbers)))
        return dress(bare, np.random.default_rng([*numbers, 1]))

    def shaped(self, identity: str, shape: HeadShape) -> HeadMesh:
        """Make a head of a given shape under a name, which wears nothing."""
        template = self._template
        motion = self._motion(shape)
        still = motion.vertices(motion.body, dict.fromkeys(SIDES, (0.0, 0.0)), np.eye(3, 4))
        count = len(still)
        return HeadMesh(
            family=self.name,
            identity=identity,
            triangles=template.triangles,
            parts=template.parts,
            rest=still,
            canonical=template.canonical,
            regions=template.regions,
            eye_angle=template.eye_angle,
            controls=tuple(template.units),
            shapes=motion,
            left_eye_vertices=np.array([count - 2]),
            right_eye_vertices=np.array([count - 1]),
            nose_tip=template.vertex_of(NOSE_TIP),
            mouth_left=template.vertex_of(MOUTH_CORNERS["left"]),
            mouth_right=template.vertex_of(MOUTH_CORNERS["right"]),
            chin=template.vertex_of(CHIN),
            notes={"gender": shape.gender, "age": shape.age, "weight": shape.weight},
        )

    def _motion(self, shape: HeadShape) -> MakeHumanMotion:
        template, assets = self._template, self._assets
        body = shaped_body(assets, shape)
        eyes = fitted_eyes(assets, body)
        middle = np.mean([eye.centre for eye in eyes.values()], axis=0)
        body -= middle
        eyes = {s: Eye(centre=eye.centre - middle, radius=eye.radius) for s, eye in eyes.items()}
        for side, socket in template.sockets.items():
            socket.keep_outside(body, eyes[side], (0.0, 0.0))
        mouth = set_mouth(assets, body, template.rows, template.skin, template.hollow)
        return MakeHumanMotion(
            template=template,
            body=body,
            eyes=eyes,
            mouth=mouth,
            bite={name: mouth.placement.placed(p) for name, p in template.bite.points.items()},
            gaze=self._gaze,
            jaw=assets.base.points_of(JAW_GROUP),
            unit=float(np.linalg.norm(eyes["left"].centre - eyes["right"].centre)),
        )

    @cached_property
    def _assets(self) -> HeadAssets:
        return read_assets(self._folders[0])

    @cached_property
    def _template(self) -> MakeHumanTemplate:
        return read_template(self._assets, self._folders[1])

    @cached_property
    def _gaze(self) -> Gaze:
        return read_gaze(self._template)
