"""What a report may replace: an earlier report of the same model and cases."""

import hashlib
import os
from pathlib import Path

from medzoo.batch.earlier_results import same_file
from medzoo.errors import InputError
from medzoo.files import check_writable

# Name of the element in the page's head that holds the mark.
MARK = "medzoo-source"
# The head is at the beginning, before voxels and pictures.
HEAD_BYTES = 4096


def source_mark(model, images):
    """Returns a hash of what a report is about, which reveals neither names nor places.

    Args:
        model: str, the model's name.
        images: dict of case_id -> dict of channel -> path or Volume.
    """
    digest = hashlib.sha256(model.encode())
    for case_id, channels in sorted(images.items()):
        for channel, image in sorted(channels.items()):
            place = os.path.realpath(image) if _is_path(image) else "in memory"
            text = f"\n{case_id} {channel} {place}"
            digest.update(text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def check_free(path, mark, images, *, overwrite=False, any_report=False):
    """Refuses to replace what is not an earlier report of the same cases.

    Args:
        path: path of the report.
        mark: str, from `source_mark`.
        images: as there.
        overwrite: bool, replace it nonetheless, unless it is an input.
        any_report: bool, replace reports of other cases too.

    Raises:
        InputError: naming the file.
        OSError: if nothing can be written there.
    """
    check_writable(path)
    if not os.path.lexists(path):
        return
    given = [i for case in images.values() for i in case.values() if _is_path(i)]
    if any(same_file(path, other) for other in given):
        raise InputError(
            "A report must not replace an input. "
            f"Received: report={path}, which is read. Choose another name."
        )
    if overwrite:
        return
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    wanted = f'name="{MARK}" content="' + ("" if any_report else f'{mark}"')
    if wanted.encode() not in head:
        raise InputError(
            "A report must not replace anything but an earlier report of the same "
            f"model and cases. Received: report={path}. "
            "Choose another name, or --overwrite to replace it."
        )


def _is_path(image):
    return isinstance(image, (str, Path))
