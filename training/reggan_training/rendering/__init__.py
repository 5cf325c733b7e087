"""Pairs of pictures with known motion: rasterised heads, looks made afterwards."""
