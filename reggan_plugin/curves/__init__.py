"""Recorded takes: face shapes over time, from the files of capture tools and animation software.

`openfacefx`, which reads four of these formats, does not serve: it thins the rows, refuses the
empty ones that Live Link Face leaves for dropped frames, and drops what splines do between keys.
"""
