"""A mesh laid over the picture: its triangles, and the geometry that opens behind the lips."""
