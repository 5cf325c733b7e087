"""Expressions taken from pictures and clips: a reader looks at each frame, a take comes out."""
