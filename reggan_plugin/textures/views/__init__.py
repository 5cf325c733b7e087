"""Views of a face: cameras, what they show of the mesh, and the way back to its maps."""
