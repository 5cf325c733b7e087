"""Blind human ratings: a page that raters open by themselves, and the tally of their answers.

Nothing here needs torch, except for pictures that a study makes from training runs itself.
"""
