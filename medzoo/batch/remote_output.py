"""Image output in an object store."""

from pathlib import Path

from medzoo.batch.earlier_results import (
    LARGEST_PROVENANCE,
    EarlierResults,
    read_provenance,
)
from medzoo.batch.image_output import FOLDER_SUFFIX, ImageOutput, endings_of
from medzoo.batch.output_places import Place
from medzoo.batch.status_parts import maker_in
from medzoo.errors import InputError, MissingFileError, ResourceError
from medzoo.files import sha256_of, temporary_folder
from medzoo.io.remote import fetched, listed, object_of, objects_of, upload


class RemoteImages:
    """Writes images and provenance below a prefix and skips cases that are done.

    Each object appears as a whole. A case counts as done only if the objects of its
    inputs and its results are what they were, by what the store says of their content.

    Args:
        url: str, the prefix.
        log: `CaseLog` of the model.
        cases: list of `Case`.
        inputs: paths and URLs of what else is read, such as other cases' images.
        overwrite: bool, replace objects that medzoo did not write, except inputs.

    Raises:
        InputError: if an input, or an object that medzoo did not write, is in the way
            of a result.
        OfflineError: if the store cannot be reached.
    """

    def __init__(self, url, log, cases, *, inputs=(), overwrite=False):
        self.url, self.log = url.rstrip("/"), log
        self._uploaded = {}
        # One case is asked for by name; many are told by a list of all that is there.
        self._there = _named(self.url, cases[0]) if len(cases) == 1 else listed(url)
        images = [image for case in cases for image in case.images.values()]
        self._check(cases, objects_of((*images, *inputs)), overwrite)

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
        with temporary_folder() as folder:
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
            self._uploaded[case.case_id] = outputs = {}
            for path in files:
                outputs[path.name] = upload(path, f"{self.url}/{path.name}")
        record = {**record, "output": f"{self.url}/{image}"}
        self._there.update(outputs)
        self.log.done(case, outputs=self._uploaded.pop(case.case_id), record=record)
        return record

    def failed(self, case, error):
        """Notes a case that has no result, and what is there of it nevertheless."""
        # Else the next run would take an image without provenance for somebody's own.
        part = self._uploaded.pop(case.case_id, None)
        self.log.failed(case, error, **({"outputs": part} if part else {}))

    def _check(self, cases, inputs, overwrite):
        for case in cases:
            for name in self._names_of(case):
                if object_of(f"{self.url}/{name}") in inputs:
                    raise InputError(
                        "A result must not replace an input. "
                        f"Received: {self.url}/{name}, which is read (case "
                        f"{case.case_id}). Choose another output."
                    )
                if not overwrite and not self._is_free(name, case):
                    raise InputError(
                        "A result may replace only an earlier result of the same "
                        f"model. Received: {self.url}/{name}, which is none or was "
                        f"changed (case {case.case_id}). Choose another output, or "
                        "--overwrite to replace it."
                    )

    def _names_of(self, case):
        """Names of all objects that the results of a case may be."""
        image = Path(f"{case.case_id}{FOLDER_SUFFIX}")
        place = Place(image, FOLDER_SUFFIX, endings_of(self.log.options))
        return [path.name for path in place.files]

    def _is_free(self, name, case):
        """Whether nothing is there, or the model's earlier result, unchanged."""
        if name not in self._there:
            return True
        line = self.log.earlier.line_of(name) or {}
        token = (line.get("outputs") or {}).get(name)
        if token == self._there[name] and self._is_own(maker_in(line)):
            return True
        # Of a process that was killed, status lines may be lost.
        return self._is_of_provenance(name, case)

    def _is_of_provenance(self, name, case):
        """Whether a case's provenance in the store is ours and names this content."""
        beside = f"{case.case_id}.json"
        if beside not in self._there:
            return False
        try:
            with fetched(f"{self.url}/{beside}", LARGEST_PROVENANCE) as local:
                facts = read_provenance(local)
        except (MissingFileError, ResourceError):
            return False
        if facts is None or not self._is_own(facts["model"]):
            return False
        if name == beside:
            return True
        noted = (facts.get("outputs") or {}).get(name)
        if noted is None:
            return False
        with fetched(f"{self.url}/{name}") as local:
            return sha256_of(local) == noted

    def _is_own(self, model):
        return str(model).partition("@")[0] == self.log.recipe.name


def _named(url, case):
    """Name -> token of the objects that a case's results may be."""
    return listed(f"{url}/{case.case_id}", beside=True)


class _Nowhere:
    """A status that is noted elsewhere."""

    def add(self, line):
        """Takes a line."""
