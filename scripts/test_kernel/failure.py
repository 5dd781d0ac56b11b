"""What ends ``make test-kernel`` before its tests have ended."""


class Failure(Exception):
    """The text says to people what was being done and what went wrong."""
