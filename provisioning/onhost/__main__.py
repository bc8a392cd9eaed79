"""`python3 -I <this folder> <verb>`: the folder runs as it is, wherever it was put."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[0] = str(here.parent)
    sys.exit(importlib.import_module(f"{here.name}.verbs").main(sys.argv[1:]))
