"""Where a picture fits in an editor beside the sidebar that lies over it. In pixels."""

from collections.abc import Iterable

Span = tuple[float, float]
"""Left and right."""
_EDGE = 0.98
"""Of the room, that a picture takes."""


def free_span(width: float, covers: Iterable[Span]) -> Span:
    """Return the part of an editor that nothing covers.

    Args:
        width: of the editor.
        covers: what lies over it, each at its left or its right edge.
    """
    left, right = 0.0, width
    for begin, end in covers:
        if begin + end < width:
            left = max(left, end)
        else:
            right = min(right, begin)
    return (left, right) if right > left else (0.0, width)


def hides_a_part(picture: Span, width: float, free: Span) -> bool:
    """Tell whether a picture that lies inside an editor is covered in part; one larger is zoomed
    in.
    """
    is_whole = picture[0] >= -1 and picture[1] <= width + 1
    return is_whole and (picture[0] < free[0] - 1 or picture[1] > free[1] + 1)


def fitted(image: tuple[int, int], editor: tuple[int, int], free: Span) -> tuple[float, float]:
    """Zoom at which a picture fits, and how far its middle lies left of the editor's middle.

    Args:
        image: width and height.
        editor: width and height.
        free: the part of the editor's width that nothing covers.

    Returns:
        Pixels of the screen for one of the picture; pixels of the picture.
    """
    room = free[1] - free[0]
    zoom = _EDGE * min(room / image[0], editor[1] / image[1])
    return zoom, (editor[0] - free[0] - free[1]) / 2 / zoom
