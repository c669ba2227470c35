"""Images out of a tar archive that is not trusted."""

import re
import shutil
import tarfile
from pathlib import Path

from medzoo.errors import FileFormatError
from medzoo.files import replace_atomically


def extract_images(archive, folder, pattern):
    """Unpacks the images of a tar archive into one folder.

    Only regular files are unpacked whose name without folders matches; links, devices
    and everything else are left out. Nothing of a member's path is used but that
    name, so that nothing is written elsewhere. An image that is there at full size is
    kept: an interrupted call goes on.

    Args:
        archive: path of a tar file, not compressed.
        folder: path, made if it is not there.
        pattern: str, regular expression that the whole name must match; without a
            path separator in what it accepts.

    Returns:
        list of Path, the images, by name.

    Raises:
        FileFormatError: if the archive is damaged or truncated, or has no such image.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    try:
        with tarfile.open(archive, "r:") as tar:
            most = Path(archive).stat().st_size
            for member in tar:
                name = member.name.rpartition("/")[2]
                if member.isreg() and re.fullmatch(pattern, name):
                    _check_member(member, most)
                    _unpack(tar, member, folder / name)
                    images.append(folder / name)
            _check_end(archive, tar.offset)
    except tarfile.TarError as error:
        raise FileFormatError(
            f"An archive must be a whole tar file in {archive}. Received: {error}. "
            "Fetch it again."
        ) from error
    if not images:
        raise FileFormatError(
            f"An archive must hold images named {pattern} in {archive}. Received: "
            "none. Is it the right archive?"
        )
    return sorted(images)


def _check_member(member, most):
    """Refuses what makes much of little: holes, or more than the archive holds."""
    if member.issparse() or member.size > most:
        raise tarfile.ReadError(f"{member.name} is shorter than its header states")


def _check_end(archive, offset):
    """Makes sure that an archive ends as archives do: tarfile stops at any damage."""
    with open(archive, "rb") as file:
        file.seek(offset)
        blocks = file.read(2 * tarfile.BLOCKSIZE)
    # Two blocks of zeros: one alone can be a header that was lost.
    if any(blocks) or len(blocks) < 2 * tarfile.BLOCKSIZE:
        raise tarfile.ReadError(f"no header and no end at byte {offset}")


def _unpack(tar, member, path):
    if path.is_file() and path.stat().st_size == member.size:
        return
    with replace_atomically(path) as temporary, temporary.open("wb") as target:
        shutil.copyfileobj(tar.extractfile(member), target)
        if target.tell() != member.size:
            raise tarfile.ReadError(f"{member.name} ends early")
