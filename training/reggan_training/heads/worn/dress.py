"""Glasses of sampled shapes, and the whole of what a head wears: with hair, a beard and brows."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from reggan_training.heads.anatomy.assets import Faces, Points
from reggan_training.heads.head import HeadMesh, Part, unit
from reggan_training.heads.worn.hair import beard, brows, hair, sample_hair
from reggan_training.heads.worn.strands import (
    SKULL_CENTRE,
    Addition,
    MeshWearer,
    mesh_axes,
    skull_map,
    with_additions,
)

_AROUND, _RIM_POINTS = 8, 40
"""Points around a tube, and along the rim of a lens."""
_CORNEA_TO_LENS, _CLEARANCE = 0.012, 0.0025
"""Lenses stand so far before the eyes, and before the brows at least, in metres."""
_SLOPE = 0.014
"""A temple rises or falls by so much at most from the hinge to the ear, in metres."""

_WRAP = 1.6
"""How the frame bends back to the temples: depth is this times the square of the side, 1/m."""
FrameMesh = tuple[Points, Faces]
"""Points in the head's own place, metres, and faces."""
_SLIDE = 0.006
"""Glasses sit up to so much (metres) farther down and out on the nose."""
_FRONT_DEPTH = 0.02
"""Depth (metres behind the eyes) up to which a frame counts as its front."""
_DOWN_THE_NOSE = np.array([0.0, -0.6, -1.0])
_CLEAR, _FARTHEST = 0.0008, 0.010
"""A front is moved out until it clears the skin by the first, but by the second at most; metres."""
GLASSES_SHARE, FRINGE_SHARE, HAIR_SHARE, BEARD_SHARE, BROWS_SHARE = 0.15, 0.30, 0.40, 0.15, 0.50
"""Shares of heads that wear each; beards by gender, from none to twice the share."""
MOST_TRIANGLES, LEAST_FOR_HAIR = 60_000, 6_000
"""Hair gets what is left of the first, but the second at least."""
_CAP_TRIANGLES = 5_000


def _lens_plane(head: MeshWearer) -> float:
    """Distance of the lenses in front: clear of the lashes, the brows and the nose's bridge."""
    eyes = head.eyes.values()
    front = min(eye.centre[1] - eye.radius for eye in eyes) - _CORNEA_TO_LENS
    brows = head.skin[head.region("brows") > 0.3]
    return float(min(front, np.quantile(brows[:, 1], 0.1) - _CLEARANCE))


def _sample_lens(random: np.random.Generator) -> tuple[Float[np.ndarray, "rim 3"], float, float]:
    """Draw the left lens' outline, its height and half the rim's thickness; metres.

    Wire to thick, round (2 is an ellipse) to square, aviators and cat's eyes.
    """
    width = random.uniform(0.038, 0.058)
    height = width * random.uniform(0.55, 1.0)
    power = 2 / float(random.choice([2.0, 2.2, 2.6, 3.2, 4.0, 5.0]))
    rim = float(np.exp(random.uniform(np.log(0.0006), np.log(0.0032))))
    drop = float(random.choice([0.0, 0.0, 0.006, -0.005]))  # of the outer lower corner
    turn = np.linspace(0, 2 * np.pi, _RIM_POINTS, endpoint=False)
    across = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power * width / 2
    up = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power * height / 2
    up = up - drop * np.clip(across / width + 0.5, 0, 1) * (up < 0)
    return np.column_stack([across, 0 * turn, up]), height, rim


def _temple(
    head: MeshWearer, sign: float, hinge: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "bends 3"]:
    skin = head.skin
    is_ear = (head.region("ears") > 0.5) & (sign * head.canonical[:, 0] > 0)
    ear = skin[is_ear]
    top = ear[:, 2] > np.quantile(ear[:, 2], 0.85)
    height = np.clip(ear[top, 2].max(), hinge[2] - _SLOPE, hinge[2] + _SLOPE)
    root = np.array([np.min(sign * ear[top, 0]), np.quantile(ear[top, 1], 0.2), height])
    beside = skin[(sign * skin[:, 0] > 0) & (np.abs(skin[:, 2] - root[2]) < 0.012)]
    beside = beside[(beside[:, 1] > hinge[1]) & (beside[:, 1] < root[1])]
    width = max(float(np.max(sign * beside[:, 0])), float(root[0])) + 0.002
    rest = np.array([sign * width, root[1], root[2] - 0.001])
    behind = rest + np.array([-sign * 0.004, 0.022, -0.020])
    corner = hinge + np.array([sign * 0.004, 0.003, 0.0])
    return np.stack([hinge, corner, 0.5 * (corner + rest), rest, behind])


def _bridge(left: Points, right: Points, plane: float) -> Float[np.ndarray, "bends 3"]:
    inner = [rim[np.argmin(np.abs(rim[:, 0]) - 0.4 * rim[:, 2])] for rim in (left, right)]
    middle = (inner[0] + inner[1]) / 2 + np.array([0.0, -0.003, 0.003])
    middle[1] = min(middle[1], plane)
    quarter = [0.5 * (inner[i] + middle) + np.array([0, 0, 0.0008]) for i in (0, 1)]
    return np.stack([inner[0], quarter[0], middle, quarter[1], inner[1]])


def _tube(line: Float[np.ndarray, "bends 3"], radius: float, is_closed: bool) -> FrameMesh:
    """Build a round tube along a line."""
    ahead = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    if not is_closed:
        ahead[0], ahead[-1] = line[1] - line[0], line[-1] - line[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    across = np.cross(ahead, np.array([0.05, 0.1, 0.99]))
    steep = np.linalg.norm(across, axis=1) < 0.3
    across[steep] = np.cross(ahead[steep], np.array([0.05, 0.99, 0.1]))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(across, ahead)
    turn = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)[None, :, None]
    rings = line[:, None] + radius * (np.cos(turn) * across[:, None] + np.sin(turn) * up[:, None])
    grid = np.arange(len(line) * _AROUND).reshape(len(line), _AROUND)
    after = np.roll(grid, -1, axis=0) if is_closed else grid[1:]
    grid = grid if is_closed else grid[:-1]
    faces = np.stack([grid, np.roll(grid, -1, 1), np.roll(after, -1, 1), after], axis=2)
    return rings.reshape(-1, 3), faces.reshape(-1, 4)


def glasses(wearer: MeshWearer, random: np.random.Generator) -> Addition:
    """Build glasses of a shape drawn at random, resting on this nose and these ears."""
    lens, height, thickness = _sample_lens(random)
    eyes = wearer.eyes
    eye_distance = float(eyes["left"].centre[0] - eyes["right"].centre[0])
    scale = eye_distance / 0.062 * random.uniform(0.96, 1.04)
    plane, radius = _lens_plane(wearer), thickness * scale
    pieces = []
    hinge_height = 0.3 * height * scale
    for side, sign in (("left", 1.0), ("right", -1.0)):
        eye = eyes[side].centre
        centre = np.array([eye[0] + sign * 0.001, plane, eye[2] - 0.002])
        rim = centre + scale * (lens * [sign, 1.0, 1.0])
        rim[:, 1] += _WRAP * rim[:, 0] ** 2
        pieces.append(_tube(rim, radius, is_closed=True))
        hinge = rim[np.argmax(sign * rim[:, 0] - 0.3 * np.abs(rim[:, 2] - eye[2] - hinge_height))]
        pieces.append(_tube(_temple(wearer, sign, hinge), radius, is_closed=False))
    pieces.append(_tube(_bridge(pieces[0][0], pieces[2][0], plane), radius, is_closed=False))
    starts = np.cumsum([0] + [len(points) for points, _ in pieces])
    faces = np.concatenate([rows + start for (_, rows), start in zip(pieces, starts, strict=False)])
    points = np.concatenate([points for points, _ in pieces])
    is_front = points[:, 1] < _FRONT_DEPTH
    points = points + is_front[:, None] * random.uniform(0, _SLIDE) * _DOWN_THE_NOSE
    points[is_front, 1] -= _way_out(wearer, points[is_front])
    triangles = np.concatenate([faces[:, [0, 2, 1]], faces[:, [0, 3, 2]]])
    return Addition(
        part=Part.GLASSES,
        points=mesh_axes(points),
        triangles=triangles,
        shade=np.zeros(len(points)),
    )


def put_on_glasses(head: HeadMesh, random: np.random.Generator) -> HeadMesh:
    """Put glasses on a head that has none, dressed or not."""
    if (head.parts == Part.GLASSES).any():
        return head
    return with_additions(head, [glasses(MeshWearer(head=head), random)])


def _way_out(wearer: MeshWearer, front: Points) -> float:
    """Shift of a frame's front so that cheeks and nose do not pierce it."""
    skull = skull_map(wearer)
    size = np.linalg.norm(front - SKULL_CENTRE, axis=1)
    lack = skull.skin_radius(unit(front - SKULL_CENTRE)) + _CLEAR - size
    return float(np.clip(lack.max(), 0, _FARTHEST))


def dress(head: HeadMesh, random: np.random.Generator) -> HeadMesh:
    """Dress the head with glasses, hair, a beard and brows drawn at random, or without.

    What the head already has of its own is not added; a head that was dressed comes back as it
    is. `notes` says what it wears.
    """
    if "worn" in head.notes:
        return head
    wearer = MeshWearer(head=head)
    gender = float(head.notes.get("gender", 0.5))
    draws = random.random(4)
    has = {part: bool((head.parts == part).any()) for part in Part}
    worn: dict[str, Addition] = {}
    if draws[1] < GLASSES_SHARE and not has[Part.GLASSES]:
        worn["glasses"] = glasses(wearer, random)
    if draws[2] < 2 * BEARD_SHARE * gender and not has[Part.BEARD]:
        name, addition = beard(wearer, random)
        worn[f"beard {name}"] = addition
    if draws[3] < BROWS_SHARE and not has[Part.BROWS]:
        worn["brows"] = brows(wearer, gender, random)
    if draws[0] < FRINGE_SHARE + HAIR_SHARE and not has[Part.HAIR]:
        name, style = sample_hair(random, has_fringe=bool(draws[0] < FRINGE_SHARE))
        used = len(head.triangles) + sum(len(addition.triangles) for addition in worn.values())
        left = max(MOST_TRIANGLES - _CAP_TRIANGLES - used, LEAST_FOR_HAIR)
        worn[name] = hair(wearer, style, left, random)
    dressed = with_additions(head, list(worn.values()))
    return replace(dressed, notes={**head.notes, "worn": ", ".join(worn)})
