"""Errors that end a command."""


class EngineError(Exception):
    """A user's or an operation's mistake: shown as it is, one line each, without a traceback."""
