"""All hair of an identity, by the surface that it belongs to."""

from reggan_training.avatars.identity_plan import IdentityPlan
from reggan_training.heads.anatomy.head import Head
from reggan_training.heads.worn.facial_strands import (
    BEARD_STYLES,
    grow_beard,
    grow_brows,
    grow_lashes,
)
from reggan_training.heads.worn.hair_styles import HAIR_STYLES, grow_hair
from reggan_training.heads.worn.strands import Strands


def grow_strands(head: Head, plan: IdentityPlan) -> dict[str, Strands]:
    """Strands by name; a name's part before the first `_` is its surface."""
    look = plan.look
    grown = {"brow": grow_brows(head, plan.brow_style, plan.generator("brows"))}
    lashes = grow_lashes(head, plan.generator("brows"))
    grown |= {f"lash_{number}": row for number, row in enumerate(lashes)}
    if look.beard_style != "none":
        grown["beard"] = grow_beard(head, BEARD_STYLES[look.beard_style], plan.generator("beard"))
    if look.hair_style != "bald":
        grown["hair"] = grow_hair(head, HAIR_STYLES[look.hair_style], plan.generator("hair"))
    return grown
