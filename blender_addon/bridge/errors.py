"""What an artist is told when something cannot be done."""


class BridgeError(Exception):
    """A job that cannot run or has failed; its text is found → expected → what to do."""
