"""Image output in an object store."""

import tempfile
from pathlib import Path

from medzoo.batch.earlier_results import EarlierResults
from medzoo.batch.image_output import FOLDER_SUFFIX, ImageOutput
from medzoo.errors import InputError
from medzoo.io.remote import listed, upload


class RemoteImages:
    """Writes images and provenance below a prefix and skips cases that are done.

    Each object appears as a whole. A case counts as done only if the objects of its
    inputs and its results are what they were, by what the store says of their content.

    Args:
        url: str, the prefix.
        log: `CaseLog` of the model.
        cases: list of `Case`.
        overwrite: bool, replace objects that medzoo did not write.

    Raises:
        InputError: if an object that medzoo did not write is in the way of a result.
        OfflineError: if the store cannot be reached.
    """

    def __init__(self, url, log, cases, *, overwrite=False):
        self.url, self.log = url.rstrip("/"), log
        # One case is asked for by name; many are told by a list of all that is there.
        self._there = _named(self.url, cases[0]) if len(cases) == 1 else listed(url)
        if not overwrite:
            self._check(cases)

    def finished(self, case):
        """Returns the record of a case with an up-to-date result, or None."""
        line = self.log.found(case)
        outputs = line and line.get("outputs")
        if not outputs or not isinstance(line.get("record"), dict):
            return None
        same = all(self._there.get(name) == token for name, token in outputs.items())
        return line["record"] if same else None

    def write(self, case, prediction):
        """Uploads the images of a case and their provenance; returns the record."""
        with tempfile.TemporaryDirectory(prefix="medzoo-upload-") as folder:
            local = ImageOutput(
                folder,
                self.log.recipe,
                [case],
                self.log.options,
                status=_Nowhere(),
                earlier=EarlierResults(folder, []),
            )
            local.log.share_inputs(self.log)
            record = local.write(case, prediction)
            image = Path(record["output"]).name
            # Provenance is written after the image.
            files = sorted(Path(folder).iterdir(), key=lambda p: p.suffix == ".json")
            outputs = {p.name: upload(p, f"{self.url}/{p.name}") for p in files}
        record = {**record, "output": f"{self.url}/{image}"}
        self._there.update(outputs)
        self.log.done(case, outputs=outputs, record=record)
        return record

    def failed(self, case, error):
        """Notes a case that has no result."""
        self.log.failed(case, error)

    def _check(self, cases):
        ours = {}
        for line in self.log.earlier.cases.values():
            model = str((line.get("made_by") or {}).get("model")).partition("@")[0]
            if model == self.log.recipe.name:
                ours.update(dict.fromkeys(line.get("outputs") or {}))
        for case in cases:
            name = f"{case.case_id}{FOLDER_SUFFIX}"
            if name in self._there and name not in ours:
                raise InputError(
                    "A result may replace only an earlier result of the same model. "
                    f"Received: {self.url}/{name}, which is none (case "
                    f"{case.case_id}). Choose another output, or --overwrite to "
                    "replace it."
                )


def _named(url, case):
    """Name -> token of the objects that a case's results may be."""
    return listed(f"{url}/{case.case_id}", beside=True)


class _Nowhere:
    """A status that is noted elsewhere."""

    def add(self, line):
        """Takes a line."""
