"""What runs in the foreground answers ctrl-C itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("ready", flush=True)
signal.sigwait({signal.SIGINT})
time.sleep(1)
print("brought to its end", flush=True)
sys.exit(130)
"""
CALLER = """
import sys
from pathlib import Path
import os
from ops import foreground
sys.exit(foreground.run([sys.executable, "-c", sys.argv[1]], Path(), os.environ))
"""


def test_ctrl_c_does_not_end_a_program_that_brings_its_work_to_an_end() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CALLER, PROGRAM],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert out == "brought to its end\n"
    assert process.returncode == 130
