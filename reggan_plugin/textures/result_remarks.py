"""Remarks on an expression's map that it does not show by itself."""

from collections.abc import Iterator

from reggan_plugin.errors import TextureError
from reggan_plugin.textures.maps.overlapping_texels import Tally
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

_OPENS = 0.1
"""Weight of jawOpen from which a mouth is open."""
_WORTH_SAYING = 0.02


def remarks_on(label: str, mix: ExpressionMix, tally: Tally) -> Iterator[str]:
    """Remarks on an expression's result.

    Raises:
        TextureError: no texel changes, although something is asked for.
    """
    if mix.changes_nothing:
        return
    if not tally.changed:
        raise TextureError(
            f"{label} changes no texel: what shows of the face wears another map, or its texels "
            "are too few. Name the face's material, or give its map.",
            kind="no-texel-changes",
        )
    openers = [
        name
        for name, share in mix.intensities.items()
        if share
        and ExpressionMix({name: 1.0}, own=mix.own).control_weights().get("jawOpen", 0) > _OPENS
    ]
    if openers:
        yield (
            f"{' and '.join(openers)} opens the mouth: the map shows the opening painted on closed "
            "lips; jaw, teeth and silhouette stay as the mesh has them"
        )
    if tally.mirrored > _WORTH_SAYING * tally.changed:
        yield (
            f"{tally.mirrored / tally.changed:.0%} of the changed texels serve both halves of the "
            "face (mirrored UVs): both get the mean, one symmetric result"
        )
    if tally.overlapping > _WORTH_SAYING * tally.changed:
        yield (
            f"{tally.overlapping / tally.changed:.0%} of the changed texels show in two places of "
            "the face (overlapping UVs), which get the mean of both"
        )
    shared = tally.shared / max(tally.sampled, 1)
    if shared > _WORTH_SAYING:
        yield (
            f"{shared:.0%} of the changed texels also lie on parts of the mesh that the view does "
            "not show (overlapping UVs), which change with them"
        )
