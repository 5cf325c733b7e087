"""A character and its base colour map in, the map with an expression out."""
