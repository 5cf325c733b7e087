"""Errors that an artist reads."""


class BridgeError(Exception):
    """A job that cannot run or has failed; its text is found → expected → what to do."""
