"""glTF, GLB and VRM files: read into a character, and written back with changed maps."""
