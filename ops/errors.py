"""What goes wrong for an operator, in words that need no traceback."""


class OpsError(Exception):
    """Why a command can't be done, in one line; empty where that has been said on the terminal already."""
