"""Compositions that put a result together from a shot and the layers of its change."""
