"""Errors as one line that tells nothing of the server's folders."""

from collections.abc import Mapping

from medzoo.errors import MedzooError
from medzoo.reporting.privacy import without_paths

MOST_TEXT = 1000


def error_line(error: Exception, images: Mapping[str, object]) -> str:
    """Gives an error as one line without any path.

    Args:
        error: What was raised.
        images: Channel -> path.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, (MedzooError, OSError)):
        # Texts of libraries tell of their insides.
        text = (
            "The scan could not be processed. Received: "
            f"{type(error).__name__}: {text}. Check the image."
        )
    return without_paths(text, dict(images))[:MOST_TEXT]
