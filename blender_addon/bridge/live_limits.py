"""How soon and how large *Live* shows a picture."""

INTERVAL_S = 0.01
"""Between two looks at its process: for so long an answer waits at most."""
IDLE_S = 0.05
"""Between two looks while nothing is asked for: what moves without the depsgraph waits so long."""
LONGEST_PX = 1024
"""Side of the picture, and texels of a map, that it shows at most."""
