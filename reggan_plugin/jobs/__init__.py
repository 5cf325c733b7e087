"""A sequence: what to write, the frames in overlap, and what became of each of them."""
