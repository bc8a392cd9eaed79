"""The operator's commands on a stack: `python -m ops --help`, or `make help` for the short way."""
