"""Work on a copy of the artist's file, in a Blender of its own.

Whatever takes Blender longer than a moment is done there: the artist's Blender stays free, and its
scene as it is. `operators/track_head.py` starts it, `script` is what it runs.
"""
