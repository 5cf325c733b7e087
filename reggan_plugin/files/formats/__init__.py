"""The image formats that are read and written: one module each, found by looking.

To add one, add a module with a `FORMAT`. Libraries are imported when a file comes up, not here.
"""
