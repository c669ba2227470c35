"""Run by test_train.py in a process of its own: a training that gets SIGTERM.

    python -m tests.training.terminated CASES.csv FOLDER

Exits with 0 where the training stopped by itself, its state saved.
"""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from medzoo.data.feeds.dataset import dataset
from medzoo.training.fit import Terminated, fit
from tests.training.conftest import single_network, tiny_recipe, without_augmentation


def main(cases, folder):
    """Trains until the signal that it sends to itself in epoch 2."""
    recipe = without_augmentation(single_network(tiny_recipe()))
    try:
        fit(recipe, dataset(Path(cases), recipe), Path(folder), log=terminate)
    except Terminated:
        return 0
    return "was not stopped"


def terminate(line):
    """Takes the handler away after epoch 1, sends the signal after epoch 2."""
    if line.startswith("epoch 1"):
        # Collected, it resets the handler that others have set since.
        loop = asyncio.new_event_loop()
        loop.add_signal_handler(signal.SIGTERM, print)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        del loop
        gc.collect()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if line.startswith("epoch 2"):
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
