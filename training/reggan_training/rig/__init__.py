"""Geometry that the runtime lays over pictures, built from the CC0 head assets."""
