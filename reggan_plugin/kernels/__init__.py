"""Loops over pixels in C, and the typed functions that call them.

Every `.c` file has a Python file of the same name: there arrays get their type, and what would read
outside memory is refused. What a loop computes, its test says once more in plain NumPy
(`tests/kernels/`). `python hatch_build.py` compiles them, as an installation does.
"""
