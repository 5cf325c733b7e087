"""OpenEXR files: their parts, layers, blocks and compressions, read and written back untouched."""
