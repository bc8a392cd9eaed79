"""`python -m localengine`."""

import sys

from localengine.cli import main

if __name__ == "__main__":
    sys.exit(main())
