"""Storage modes of prepared scans."""

from medzoo.errors import InputError

MODES = ("memory", "cached", "streamed")


def keeping_in(folder, mode):
    """Returns `mode` and `folder` for a run with a folder of its own.

    Args:
        folder: path; streaming leaves nothing there.
        mode: str, one of `MODES`.

    Raises:
        InputError: for another mode.
    """
    check_mode(mode)
    return {"mode": mode, "folder": None if mode == "streamed" else folder}


def check_mode(mode, folder=None):
    """Raises InputError for what is no mode, or does not go with a folder."""
    if mode not in MODES:
        raise InputError(f"`mode` must be one of {MODES}. Received: mode={mode!r}.")
    if mode == "streamed" and folder is not None:
        raise InputError(
            "Streamed scans are not stored. "
            f"Received: mode='streamed' with folder={folder}. Use mode='cached'."
        )
