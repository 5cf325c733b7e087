"""The link to `reggan-plugin`: commands out, progress and results in. Knows nothing of Blender."""
