"""The state of a rendered shot, for people who answer for it."""
