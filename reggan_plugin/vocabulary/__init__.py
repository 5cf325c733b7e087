"""Words for what a face does: named expressions, action units, and what they weigh.

Nothing here imports anything heavy, so that the command line can list the names at once.
"""
