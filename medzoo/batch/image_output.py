"""Image output: one file, or a folder that can be resumed."""

import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from medzoo.batch.case_log import CaseLog
from medzoo.batch.earlier_results import (
    EDITED,
    FREE,
    INPUT,
    OTHER_INPUT,
    EarlierResults,
    Inputs,
    Source,
    read_provenance,
)
from medzoo.batch.output_places import (
    IMAGE_SUFFIXES,
    Place,
    folders_of,
    hash_of_place,
    image_suffix,
)
from medzoo.batch.status_log import STATUS_FILE, StatusLog
from medzoo.errors import InputError
from medzoo.files import (
    check_writable,
    sha256_of,
    temporary_beside,
    write_text_atomically,
)
from medzoo.inference.tasks import TASKS
from medzoo.volume import Volume

FOLDER_SUFFIX = ".nii.gz"
# Uncertainty estimates that are no images.
WITHOUT_IMAGE = (None, "interval")
STANDARD_ENDING = "_mni"  # all names of the standard space are one place


class ImageOutput:
    """Writes the image results of a model and skips cases that are already done.

    A path with the suffix of an image is one file, for one case; else it is a folder,
    in which each case becomes `<case_id>.nii.gz`, or `<case_id>_<model>.nii.gz` where
    that name belongs to something else. Each image has its provenance beside it, a
    .json of the same name. The folder's status.jsonl gets a line per case: inputs,
    outputs, or the error. A case counts as done only if inputs, weights and recipe have
    the same content, and the output files are unchanged.

    Nothing that is not an earlier result of the same input and model is replaced.

    Args:
        path: path; folders that do not exist are made when there is a result.
        recipe: `Recipe`.
        cases: list of `Case`.
        options: dict, plain JSON, what else decides the result (probabilities, ...).
        inputs: paths of what else was read, as the table of cases.
        overwrite: bool, replace existing files, except inputs.
        keep_folders: bool, lay results into folders named as those of the inputs; or
            dict of case_id -> folder, where these cases are a part of all.
        status: what lines are added to, as `StatusLog`; None for status.jsonl.
        earlier: `EarlierResults` of the folder, or None to read them.

    Raises:
        InputError: for one file and several cases, or where a result would replace
            what it must not.
        OSError: if nothing can be written there.
    """

    def __init__(
        self,
        path,
        recipe,
        cases,
        options=None,
        *,
        inputs=(),
        overwrite=False,
        keep_folders=False,
        status=None,
        earlier=None,
    ):
        self.path = Path(path)
        self.recipe = recipe
        self.options = dict(options or {})
        self.suffix = image_suffix(self.path)
        if self.suffix is not None and len(cases) != 1:
            raise InputError(
                "One image file holds the result of one case. "
                f"Received: output={path} for {len(cases)} cases. Give a folder."
            )
        if self.suffix is None and self.path.is_file():
            raise InputError(
                f"Images are written as {', '.join(IMAGE_SUFFIXES)}, or to a folder. "
                f"Received: output={path}, a file of another kind. Choose another."
            )
        if self.suffix is not None and self.path.is_dir():
            raise InputError(
                "An image must be written to a file's path. "
                f"Received: output={path}, a folder. Add a file name."
            )
        self._facts = recipe.to_dict()
        own = self.path.parent if self.suffix is not None else self.path
        if own.exists() and not own.is_dir():
            raise InputError(
                f"Images are written to a folder. Received: output={path}, where {own} "
                "is a file. Choose another."
            )
        self._earlier = earlier or EarlierResults(own)
        check_writable(own / STATUS_FILE)
        self.log = CaseLog(
            recipe, self.options, self._earlier, status or StatusLog(own)
        )
        self._sources = {}
        self._overwrite = overwrite
        self._places = self._plan(cases, inputs, keep_folders)

    def finished(self, case):
        """Returns the record of a case with an up-to-date result, or None."""
        line = self.log.found(case)
        if self.suffix is not None or line is None:
            return None
        outputs, record = line.get("outputs"), line.get("record")
        if not outputs or not _is_record(record, self.recipe):
            return None
        try:
            found = {name: sha256_of(self.path / name) for name in outputs}
        except (OSError, ValueError):
            return None
        if found != outputs:
            return None
        # Where it lies now: the folder may have been moved, or named from elsewhere.
        image = Path(record["output"]).name
        here = next((n for n in outputs if Path(n).name == image), None)
        return None if here is None else {**record, "output": str(self.path / here)}

    def write(self, case, prediction):
        """Writes the images of a case and their provenance.

        Args:
            case: `Case`.
            prediction: `Prediction` with images.

        Returns:
            dict, the record of the case: the prediction's, and where its image is.
        """
        place = self._places[case.case_id]
        inputs = self.log.inputs_of(case)
        place.image.parent.mkdir(parents=True, exist_ok=True)
        earlier = read_provenance(place.provenance) or {}
        staged = _staged(images_of(prediction), place)
        try:
            outputs = {p.name: sha256_of(t) for p, t in staged.items()}
            facts = {
                "case_id": case.case_id,
                **self.log.made_by(),
                "inputs": inputs,
                "place": self._sources[case.case_id].place,
                "outputs": outputs,
                **prediction.to_dict(),
            }
            _write_provenance(place.provenance, facts, prediction)
            for path, temporary in staged.items():
                os.replace(temporary, path)
        finally:
            for temporary in staged.values():
                temporary.unlink(missing_ok=True)
        self._remove_stale(place, earlier, outputs)
        record = {**prediction.to_dict(), "output": str(place.image)}
        if self.suffix is None:
            beside = place.image.parent
            outputs[place.provenance.name] = sha256_of(place.provenance)
            self.log.done(
                case,
                place=self._sources[case.case_id].place,
                outputs={
                    os.path.relpath(beside / name, self.path): sha
                    for name, sha in sorted(outputs.items())
                },
                record=record,
            )
        return record

    def failed(self, case, error):
        """Notes a case that has no result."""
        if self.suffix is None:
            self.log.failed(case, error)

    def _remove_stale(self, place, earlier, outputs):
        """Removes images of the earlier result that the new one does not have.

        Probabilities would stand beside it as if they were of the same scan. What
        somebody changed stays.
        """
        stem = place.image.name[: -len(place.suffix)]
        for name, sha in (earlier.get("outputs") or {}).items():
            path = place.image.with_name(Path(name).name)
            if path.name != name or name in outputs or not name.startswith(f"{stem}_"):
                continue
            with suppress(OSError):
                if sha256_of(path) == sha and not self._inputs.holds(path):
                    path.unlink()

    def _plan(self, cases, inputs, keep_folders):
        """Chooses every case's files before any work."""
        images = (image for case in cases for image in case.images.values())
        paths = (*(i for i in images if not isinstance(i, Volume)), *inputs)
        self._inputs = Inputs(paths)
        folders = keep_folders or {}
        if keep_folders is True:
            folders = folders_of(cases)
        places, claimed = {}, {}
        for case in cases:
            lies = hash_of_place(case)
            source = Source(self.recipe.name, {}, lies, self._inputs)
            self._sources[case.case_id] = source
            place = self._free_place(case, source, folders.get(case.case_id, Path()))
            for path in place.files:
                # Many disks take names that differ by case alone for one.
                name = str(path).casefold()
                if name in claimed:
                    raise InputError(
                        "Two results must not have the same file, on disks that ignore "
                        f"upper and lower case either. Received: cases {claimed[name]} "
                        f"and {case.case_id}, both {path}. Rename a case."
                    )
                claimed[name] = case.case_id
            places[case.case_id] = place
        return places

    def _free_place(self, case, source, folder):
        if self.suffix is not None:
            candidates = [self._place(self.path, self.suffix)]
        else:
            stem = self.path / folder / case.case_id
            candidates = [
                self._place(stem.with_name(name), FOLDER_SUFFIX)
                for name in (
                    f"{case.case_id}{FOLDER_SUFFIX}",
                    f"{case.case_id}_{self.recipe.name}{FOLDER_SUFFIX}",
                )
            ]
        for place in candidates:
            path, obstacle = self._obstacle(place, case, source)
            # Under another name it would be unclear which is of which input.
            if obstacle in (FREE, OTHER_INPUT, EDITED):
                break
        if obstacle is FREE or (self._overwrite and obstacle != INPUT):
            return place
        advice = "Choose another output"
        if obstacle != INPUT:
            advice += ", --keep-folders, or --overwrite to replace it"
        raise InputError(
            "A result may replace only an earlier result of the same input. Received: "
            f"{path}, which {obstacle} (case {case.case_id}). {advice}."
        )

    def _obstacle(self, place, case, source):
        if any(os.path.lexists(path) for path in place.files):
            source = replace(source, inputs=self.log.inputs_of(case))
        for path in place.files:
            if path.is_dir():
                return path, "is a folder"
            found = self._earlier.obstacle(path, place.provenance, source)
            if found is not FREE and not (self._overwrite and found != INPUT):
                return path, found
        return None, FREE

    def _place(self, image, suffix):
        return Place(image, suffix, endings_of(self.options))


def endings_of(options):
    """Returns what the names of further images of a case end in, a tuple of str."""
    endings = ["_probabilities"] if options.get("probabilities") else []
    if options.get("uncertainty") not in WITHOUT_IMAGE:
        endings.append("_uncertainty")
    if options.get("space") is not None:
        endings.append(STANDARD_ENDING)
    return tuple(endings)


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
    if prediction.standard is not None:
        images.append((STANDARD_ENDING, prediction.standard.main))
    return images


def _staged(images, place):
    """Writes images under temporary names; returns path -> temporary path."""
    from medzoo.io import write

    staged = {}
    try:
        for ending, volume in images:
            path = place.named(ending)
            staged[path] = temporary_beside(path)
            write(volume, staged[path])
    except BaseException as error:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)
        if not isinstance(error, OSError) or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    return staged


def _write_provenance(path, facts, prediction):
    if prediction.class_names is not None:
        facts["class_names"] = prediction.class_names
    if prediction.codes is not None:
        facts["codes"] = prediction.codes
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    write_text_atomically(path, text + "\n")


def _is_record(record, recipe):
    """Whether a stored record is complete enough to be reported again."""
    if not isinstance(record, dict) or not isinstance(record.get("output"), str):
        return False
    if not isinstance(record.get("warnings", []), list):
        return False
    volumes = record.get("volumes_ml")
    if TASKS[recipe.task].gives_labels:
        return isinstance(volumes, dict) and all(
            isinstance(ml, int | float) for ml in volumes.values()
        )
    return volumes is None
