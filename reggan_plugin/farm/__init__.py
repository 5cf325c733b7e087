"""Shots as jobs of a render farm."""
