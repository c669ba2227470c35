"""The optional packages for DICOM, imported where they are used."""

from importlib.util import find_spec

from medzoo.errors import InputError


def require(module, what):
    """Says which extra is missing.

    Args:
        module: str, the top module that must be installed.
        what: str, what it is for, as the subject of the sentence.

    Raises:
        InputError: if it is not installed.
    """
    if find_spec(module) is None:
        raise InputError(
            f"{what} needs the extra dicom. Received: {module} is not installed. "
            "Install it with pip install 'medzoo[dicom]'."
        )
