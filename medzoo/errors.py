"""The errors and the warning of medzoo.

Each error also derives from the builtin that a user would catch. All take one
message: the rule that failed and in which file; `Received: ...`; what to do.
"""

import threading

# `warnings.catch_warnings` changes the filters of all threads: whoever uses it does so
# alone, or another thread puts back what the first one had set.
WARNINGS_LOCK = threading.RLock()


class MedzooError(Exception):
    """Any error that medzoo raises on purpose."""


class FileFormatError(MedzooError, ValueError):
    """A file is not what its format promises: truncated, damaged or another format."""


class GeometryError(MedzooError, ValueError):
    """An image's position in space is missing, impossible or contradictory."""


class InputError(MedzooError, ValueError):
    """An argument, a table or an image is not what the operation can work on."""


class RecipeError(MedzooError, ValueError):
    """A recipe breaks the schema, or a model has none."""


class IntegrityError(MedzooError, OSError):
    """Checksum mismatch between a weights file and its recipe."""


class OfflineError(MedzooError, ConnectionError):
    """Something must be fetched and there is no network, or none is allowed."""


class ResourceError(MedzooError, MemoryError):
    """The work needs more memory than there is."""


class MissingFileError(MedzooError, FileNotFoundError):
    """A path names nothing."""


class MedzooWarning(UserWarning):
    """A warning about something that did not stop the work."""


class Terminated(Exception):  # noqa: N818 - not an error: the user asked for it
    """SIGTERM ended a training; its state is saved, and the same call resumes it."""
