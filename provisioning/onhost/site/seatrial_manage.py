# mypy: disable-error-code="import-not-found"
"""manage.py of a release: any command, under the wrapped settings."""

import sys

import seatrial_boot

if __name__ == "__main__":
    seatrial_boot.application()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *sys.argv[1:]])
