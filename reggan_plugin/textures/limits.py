"""Sizes beyond which a mesh is refused, as it may come from anybody."""

MOST_MESH_BYTES = 2**30
"""Of a mesh's own file, and of each buffer beside it."""
MOST_VALUES = 4_000_000
"""Of the JSON of glTF; a scanned body with a thousand animations has a tenth of them."""
MOST_DEPTH = 100
"""Of nested JSON."""
MOST_PARTS = 20_000
"""Of a character."""
MOST_POINTS = 40_000_000
"""And corners, of all parts of a character together: several times a dense scan."""
MOST_LIBRARIES, MOST_LIBRARY_BYTES = 64, 16 * 2**20
"""Of an OBJ file, and the size of each."""
MOST_LAYERS = 1000
"""Of USD."""
