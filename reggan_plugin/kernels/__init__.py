"""Loops over pixels in C, and the typed functions that call them.

`pictures.py` calls what reads pixels, `shapes.py` what reads meshes, lines and points, `change.py`
what a change needs: there arrays get their type, and what would read outside memory is refused.
What a loop computes, its test says once more in plain NumPy (`tests/kernels/`, named as the `.c`
file). `python hatch_build.py` compiles them, as an installation does.
"""
