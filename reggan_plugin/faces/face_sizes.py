"""How small and how large a face may be to be found."""

SMALLEST_FACE_PX = 48
"""Side of its box, from the brows to below the chin."""
FINEST_SCALE = 28 / SMALLEST_FACE_PX
"""The finest searched level shows the smallest face at 28 px."""
LARGEST_ON_LEVEL_PX = 56.0
LARGEST_FACE_IN_SHORT_SIDES = 1.25
"""On the coarsest level a face this large, cropped by the frame, still measures 56 px."""
SMALLEST_FRAME_PX = 24
EXPECTED = f"expected one of at least {SMALLEST_FACE_PX} pixels whose eyes and mouth are in sight"
"""The words of an error where no face is found."""
