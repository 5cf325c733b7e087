"""What the add-on says to `reggan-plugin` and hears from it. Knows nothing of Blender."""
