"""Texture maps: their files and tiles, and which of them the face wears."""
