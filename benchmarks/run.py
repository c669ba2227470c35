"""Runs benchmarks one after the other, as many as a number of minutes holds.

    python benchmarks/run.py [--minutes 40] NAME ...

A script that is still at work when time is up is ended, with all processes it started;
what was ended, failed or left out is named at the end, and the exit code is 1 only for
what failed.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from report import kind_of_processor, say

FOLDER = Path(__file__).parent


def main(words=None):
    """Runs the scripts; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--minutes", type=float, default=40.0)
    arguments = parser.parse_args(words)
    until = time.monotonic() + 60 * arguments.minutes
    ends = {name: run(FOLDER / f"{name}.py", until) for name in arguments.names}
    say(f"\non {kind_of_processor()}:")
    for name, end in ends.items():
        say(f"{name:20}{end}")
    return int("failed" in ends.values())


def run(script, until):
    """Runs one script in a session of its own; returns how it ended.

    Args:
        script: path.
        until: float, of `time.monotonic`.
    """
    if time.monotonic() >= until:
        return "left out: no time"
    say(f"\n== {script.stem}")
    sys.stdout.flush()
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    try:
        code = process.wait(max(until - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        end(process)
        return "ended: no time"
    except BaseException:
        end(process)
        raise
    return "done" if code == 0 else "failed"


def end(process):
    """Ends a process and all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    sys.exit(main())
