"""Additions that heads wear: glasses, hair, beards and brows of real geometry."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from reggan_training.heads.head import HeadMesh, Part
from reggan_training.heads.worn.additions import Addition, with_additions
from reggan_training.heads.worn.facial_hair import beard, brows
from reggan_training.heads.worn.glasses import glasses
from reggan_training.heads.worn.hair import hair, sample_hair
from reggan_training.heads.worn.mesh_wearer import MeshWearer

GLASSES_SHARE, FRINGE_SHARE, HAIR_SHARE, BEARD_SHARE, BROWS_SHARE = 0.15, 0.30, 0.40, 0.15, 0.50
"""Shares of heads that wear each; beards by gender, from none to twice the share."""
MOST_TRIANGLES, LEAST_FOR_HAIR = 60_000, 6_000
"""Hair gets what is left of the first, but the second at least."""
_CAP_TRIANGLES = 5_000


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
        worn[name] = hair(wearer, style, _left_for_hair(head, worn), random)
    dressed = with_additions(head, list(worn.values()))
    return replace(dressed, notes={**head.notes, "worn": ", ".join(worn)})


def _left_for_hair(head: HeadMesh, worn: Mapping[str, Addition]) -> int:
    """Count the triangles that are left for hair."""
    used = len(head.triangles) + sum(len(addition.triangles) for addition in worn.values())
    return max(MOST_TRIANGLES - _CAP_TRIANGLES - used, LEAST_FOR_HAIR)
