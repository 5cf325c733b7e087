"""The kinds of takes that are read, beside CSV: one module each, found by looking.

To add one, add a module with a `FORMAT`. Libraries are imported when a file comes up, not here.
Other packages add theirs by an entry point of the group `reggan_plugin.takes`.
"""
