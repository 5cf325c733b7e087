"""The first bytes of an OpenEXR file."""

SIGNATURE = b"\x76\x2f\x31\x01"
