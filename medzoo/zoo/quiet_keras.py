"""Importing keras without the lines that TensorFlow's C++ side writes to stderr."""

import logging
import os
import sys
import tempfile
from contextlib import contextmanager

from medzoo.errors import InputError

NUM_BYTES_SHOWN = 2000


def import_keras(threads=None, *, join=None):
    """Imports keras and starts its backend, quietly; what fails is still shown.

    Args:
        threads: int or None, CPU threads at most. Works before the first import only.
        join: callable that joins this process to others, before the backend looks for
            its devices; or None.

    Raises:
        InputError: if keras cannot be imported, or by `join`.
    """
    if "keras" in sys.modules:
        if join is not None:
            join()
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # On by itself only where a processor has AVX-512; elsewhere convolutions are slow
    # without it (docs/decisions/speed.md).
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    limit_threads(threads)
    with quiet_stderr():
        keras = _keras()
        if join is not None:
            join()
        # The first operation wakes the device, which writes lines of its own.
        keras.ops.zeros(1)
    # A cohort of many models traces many functions, which is no fault of the user's.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def _keras():
    """Imports keras; invalid settings of its own raise an error that names them."""
    try:
        import keras
    except (
        ImportError,
        ValueError,
        AssertionError,
        TypeError,
        AttributeError,
        LookupError,
    ) as error:
        raise InputError(
            "Keras must be importable with its settings (KERAS_BACKEND and "
            f"~/.keras/keras.json). Received: {type(error).__name__}: {error}. "
            "Correct them, or install the backend that they name."
        ) from error
    return keras


def limit_threads(threads):
    """Limits the threads of TensorFlow and SimpleITK, if neither has worked yet.

    Args:
        threads: int or None, CPU threads at most; None leaves things as they are.
    """
    if threads is None:
        return
    for name in (
        "TF_NUM_INTRAOP_THREADS",
        "OMP_NUM_THREADS",
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    ):
        os.environ[name] = str(threads)
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"


def _redirect_handlers(old, new):
    """Points loggers that were made meanwhile away from a stream that is closed now."""
    names = ("tensorflow", "absl")
    for handler in [h for name in names for h in logging.getLogger(name).handlers]:
        if getattr(handler, "stream", None) is old:
            handler.setStream(new)


@contextmanager
def quiet_stderr():
    """Collects what native code writes to stderr; shows its end if an error comes.

    Python's own `sys.stderr` goes on to where it went.
    """
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # there is no stderr to silence
        yield
        return
    python_stderr = sys.stderr
    with tempfile.TemporaryFile() as collected, os.fdopen(saved, "w") as terminal:
        os.dup2(collected.fileno(), 2)
        if python_stderr is sys.__stderr__:
            sys.stderr = terminal
        try:
            yield
        except BaseException:
            collected.seek(max(0, collected.seek(0, os.SEEK_END) - NUM_BYTES_SHOWN))
            terminal.write(collected.read().decode(errors="replace"))
            raise
        finally:
            terminal.flush()
            sys.stderr = python_stderr
            os.dup2(terminal.fileno(), 2)
            _redirect_handlers(terminal, python_stderr)
