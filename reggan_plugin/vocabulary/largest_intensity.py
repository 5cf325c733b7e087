"""How much of an expression or a face shape may be asked for."""

MAX_INTENSITY = 1.5
"""1 is the full expression, or the shape in full."""
