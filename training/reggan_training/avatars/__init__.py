"""Rendered avatars to train on: heads, expressions, hair, and the scenes that show them."""
