"""Additions that heads wear: glasses, hair, beards and brows of real geometry."""
