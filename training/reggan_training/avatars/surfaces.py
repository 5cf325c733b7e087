"""The kinds of surface that a pixel of a rendering can show."""

SURFACES = (
    *("background", "face", "neck", "eye", "tooth", "mouth", "brow", "lash", "beard"),
    *("hair", "glasses", "lens"),
)
"""Numbers of the material pass, in order. `neck` is all skin and cloth outside the face."""
FACE_SURFACES = ("face", "eye", "tooth", "mouth", "brow", "lash", "beard")
"""What a face mask shows: skin, features, and the hair that moves with them."""
