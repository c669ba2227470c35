"""Training in one of several processes; started by test_joined_devices.py."""

import json
import os
import signal
import sys

import medzoo
from medzoo.errors import MedzooError, Terminated


def main(folder, cases, output, devices=None, stop_after=None):
    """Trains; `stop_after` is a line of the log after which SIGTERM comes.

    Prints the lines of the log and how it ended, as JSON.
    """
    lines = []

    def log(line):
        lines.append(str(line))
        if stop_after and stop_after in str(line):
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        ended = str(
            medzoo.train(
                folder,
                cases,
                output,
                devices=int(devices) if devices else None,
                log=log,
            )
        )
    except (MedzooError, Terminated) as error:
        ended = f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps({"lines": lines, "ended": ended}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
