"""Errors of reading and writing: one line that names the file."""

import re
from os import PathLike


def refusal(error, rule, path, received, advice):
    """An error with medzoo's message: the rule and file, what was received, a remedy.

    Args:
        error: class, a `MedzooError`.
        rule: str, what must hold, without a full stop.
        path: the file.
        received: str, `name=value`. Never a header's free text.
        advice: str, a sentence.

    Returns:
        The error, to be raised.
    """
    return error(f"{rule} in {shown(path)}. Received: {received}. {advice}")


def shown(path):
    """A path as one printable line."""
    text = str(path)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def shown_word(text):
    """A header's keyword, or a stand-in if it is anything but a short plain word."""
    return text if re.fullmatch(r"[A-Za-z0-9_ +-]{1,32}", text) else "<not a keyword>"


def named(error, path):
    """The same error with the file added to its rule."""
    return type(error)(
        str(error).replace(". Received:", f" in {shown(path)}. Received:", 1)
    )


def naming_file(error, image):
    """The same error with the file name, where it is known and not in the message.

    Args:
        error: a `MedzooError`.
        image: path or Volume, or dict of channel -> path or Volume.
    """
    images = image.values() if isinstance(image, dict) else [image]
    paths = [str(one) for one in images if isinstance(one, (str, PathLike))]
    if not paths or any(shown(path) in str(error) for path in paths):
        return error
    return named(error, paths[0])
