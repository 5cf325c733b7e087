"""Work on a copy of the artist's file, in a Blender of its own.

Whatever takes Blender longer than a moment is done there: the artist's Blender stays free, and its
scene as it is. `start` is what operators call, `script` what the second Blender runs.
"""
