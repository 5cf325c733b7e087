"""Heads path-traced by Blender's Cycles: a test of realism on another renderer."""
