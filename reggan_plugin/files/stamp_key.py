"""Under which names a stamp stands in files: see `ImageFormat.stamp`."""

STAMP_KEY = "reggan-plugin"
"""Keyword of the PNG chunk, and the first word of the JPEG comment."""
EXR_ATTRIBUTE = "regganPlugin"
TIFF_TAG = 65117
"""Of the numbers that TIFF leaves to private use without registration (65000 to 65535)."""
