"""Measures of a motion model that get worse when the picture does: see `report` for what is asked.

Every function here takes one face. Pictures are planes first, sRGB-encoded in [0, 1].
"""
