"""Families of heads with face shapes: meshes whose true motion is known."""
