"""`python -m localengine`."""

import gc
import sys

from localengine.cli import main

if __name__ == "__main__":
    # Nearly all that is loaded stays to the end: to look through it over and over takes a third of a second.
    gc.set_threshold(100_000)
    code = main()
    gc.freeze()
    sys.exit(code)
