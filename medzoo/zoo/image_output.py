"""Where the images of a prediction go: one file, or a folder that can be resumed."""

import json
import time
from pathlib import Path

import numpy as np

from medzoo._version import __version__
from medzoo.errors import InputError, MissingFileError
from medzoo.files import sha256_of, write_text_atomically

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".npy")
STATUS_FILE = "status.jsonl"
FOLDER_SUFFIX = ".nii.gz"


class ImageOutput:
    """Writes what a model makes of each case, and knows what is done already.

    A path with the suffix of an image is one file, for one case; else it is a folder,
    in which each case becomes `<case_id>.nii.gz`. Beside each image lies its
    provenance, `<case_id>.json`. The folder's status.jsonl gets a line a case: what
    went in, what came out, or what failed. A case counts as done only if the same
    image content went into the same weights and recipe, and the files that came out
    are as they were written.

    Args:
        path: path.
        recipe: `Recipe`.
        count: int, number of cases.
        options: dict, plain JSON, what else decides the result (probabilities, ...).

    Raises:
        InputError: for one file and several cases.
        MissingFileError: if the folder of the file does not exist.
    """

    def __init__(self, path, recipe, count, options=None):
        self.path = Path(path)
        self.recipe = recipe
        self.options = dict(options or {})
        self.suffix = image_suffix(self.path)
        if self.suffix is not None and count != 1:
            raise InputError(
                "One image file holds the result of one case. "
                f"Received: output={path} for {count} cases. Give a folder."
            )
        if self.suffix is None and self.path.suffix:
            raise InputError(
                f"Images are written as {', '.join(IMAGE_SUFFIXES)}, or into a folder, "
                f"whose name has no suffix. Received: output={path}. Choose another."
            )
        if not self.path.absolute().parent.is_dir():
            raise MissingFileError(
                f"The folder of the output must exist. Received: output={path}. "
                "Make it first."
            )
        self._facts = recipe.to_dict()
        self._done = {} if self.suffix is not None else self._read_status()

    def finished(self, case):
        """Returns the record of a case that is done as it would be now, or None."""
        line = self._done.get(case.case_id)
        if line is None or line.get("error") or line.get("made_by") != self._made_by():
            return None
        try:
            if line["inputs"] != _hashes(case.images):
                return None
            outputs = {name: self.path / name for name in line["outputs"]}
            if _hashes(outputs) != line["outputs"]:
                return None
        except OSError:
            return None
        return line["record"]

    def write(self, case, prediction):
        """Writes the images of a case and their provenance.

        Args:
            case: `Case`.
            prediction: `Prediction` with images.

        Returns:
            dict, the record of the case: the prediction's, and where its image is.
        """
        from medzoo.io import write

        target = self._target(case)
        target.parent.mkdir(parents=True, exist_ok=True)
        written = []
        for ending, volume in images_of(prediction):
            path = self._named(target, ending)
            write(volume, path)
            written.append(path)
        record = {**prediction.to_dict(), "output": str(target)}
        inputs = _hashes(case.images)
        provenance = {
            "case_id": case.case_id,
            **self._made_by(),
            "inputs": inputs,
            "outputs": _hashes({path.name: path for path in written}),
            **prediction.to_dict(),
        }
        if prediction.class_names is not None:
            provenance["class_names"] = prediction.class_names
        if prediction.codes is not None:
            provenance["codes"] = prediction.codes
        text = json.dumps(provenance, indent=1, ensure_ascii=False, allow_nan=False)
        beside = self._provenance(target)
        write_text_atomically(beside, text + "\n")
        if self.suffix is None:
            self._log(
                case,
                made_by=self._made_by(),
                inputs=inputs,
                outputs=_hashes({p.name: p for p in [*written, beside]}),
                record=record,
            )
        return record

    def failed(self, case, error):
        """Notes a case that has no result."""
        if self.suffix is None:
            self.path.mkdir(parents=True, exist_ok=True)
            self._log(case, error=error)

    def _target(self, case):
        if self.suffix is not None:
            return self.path
        return self.path / f"{case.case_id}{FOLDER_SUFFIX}"

    def _named(self, target, ending):
        suffix = self.suffix or FOLDER_SUFFIX
        return target.with_name(target.name[: -len(suffix)] + ending + suffix)

    def _provenance(self, target):
        suffix = self.suffix or FOLDER_SUFFIX
        return target.with_name(target.name[: -len(suffix)] + ".json")

    def _made_by(self):
        return {
            "model": f"{self.recipe.name}@{self.recipe.version}",
            "weights_sha256": self.recipe.weights["sha256"],
            "medzoo": __version__,
            "options": self.options,
        }

    def _log(self, case, **facts):
        line = {"case_id": case.case_id, "time": round(time.time(), 3), **facts}
        text = json.dumps(line, ensure_ascii=False, allow_nan=False)
        with (self.path / STATUS_FILE).open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def _read_status(self):
        path = self.path / STATUS_FILE
        found = {}
        if not path.is_file():
            return found
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
                found[line["case_id"]] = line
            except (ValueError, KeyError, TypeError):
                # The last line of a run that was killed: its case is done again.
                continue
        return found


def image_suffix(path):
    """Returns the image suffix that a path ends in, or None."""
    name = Path(path).name.lower()
    return next((s for s in IMAGE_SUFFIXES if name.endswith(s) and name != s), None)


def images_of(prediction):
    """Returns the images of a `Prediction`: (ending of the file name, Volume) pairs."""
    main = prediction.image if prediction.labels is None else prediction.labels
    images = [("", main)]
    if prediction.labels is not None and prediction.probabilities is not None:
        shares = prediction.probabilities
        array = np.asarray(shares.array, np.float32)
        images.append(("_probabilities", shares.with_array(array)))
    if hasattr(prediction.uncertainty, "array"):
        images.append(("_uncertainty", prediction.uncertainty))
    return images


def _hashes(paths):
    return {name: sha256_of(path) for name, path in sorted(paths.items())}
