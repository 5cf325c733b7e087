"""How a change fades as the head turns further than a model was measured."""

FADE_DEG = 10.0
"""Beyond a model's largest yaw, the further turn over which its effect fades to nothing, unless its
card says otherwise."""


def intensity_share(
    yaw_deg: float | None, max_yaw_deg: float | None, fade_deg: float = FADE_DEG
) -> float:
    """Intensity factor, 0 to 1, for this yaw; 1 up to the model's limit.

    Beyond it falls in a straight line, to 0 at `fade_deg` more.

    Args:
        yaw_deg: to either side; None where it is not known, which is not faded.
        max_yaw_deg: the limit; None for a model without one.
        fade_deg: of the model's card.
    """
    if yaw_deg is None or max_yaw_deg is None:
        return 1.0
    return min(1.0, max(0.0, 1.0 - (abs(yaw_deg) - max_yaw_deg) / fade_deg))
