"""A user's own character as a family of one head: a GLB or VRM with ARKit's face shapes."""
