"""Prediction by name: many cases, each on its own, as records and tables."""

import csv
import io
import json
import sys
import warnings
from pathlib import Path

from medzoo.data.cases import read_cases
from medzoo.errors import InputError, MedzooError, MedzooWarning, MissingFileError
from medzoo.files import write_text_atomically
from medzoo.zoo.batch_input import cases_of
from medzoo.zoo.progress import Progress
from medzoo.zoo.quiet_keras import import_keras, limit_threads
from medzoo.zoo.recipe import read_recipe
from medzoo.zoo.registry import resolve
from medzoo.zoo.weights import scan_hdf5, verify_weights

TABLE_SUFFIXES = (".csv", ".json")
EXIT_ALL, EXIT_SOME, EXIT_NONE = 0, 1, 2
# What one bad case may raise; the others go on. SimpleITK raises RuntimeError, and
# numpy answers absurd intensities with the last two.
CASE_ERRORS = (
    MedzooError,
    OSError,
    MemoryError,
    RuntimeError,
    ValueError,
    ArithmeticError,
)


def predict(name, cases, out=None, *, assume_affine=None):
    """Predicts with a model of the zoo on many cases.

    Args:
        name: str or path: a name, `name@version`, or a model folder.
        cases: path of a cases.csv, list of image paths (of the recipe's first
            channel), dict of channel -> path (one case), or list of `Case`.
        out: path of a .csv or .json to write, or None.
        assume_affine: float or three floats, voxel size in mm for images that do not
            tell where they are; None refuses them.

    Returns:
        list of dict, one a case in the order given: `case_id` with `value`, `unit`,
        `interval`, or `label`, `probabilities`, or `error`; and `warnings` if any.

    Raises:
        InputError: for an unknown model, a malformed table, or an `out` that is
            neither .csv nor .json.
    """
    _check_output(out)
    predictor = Predictor(resolve(name), assume_affine=assume_affine)
    records = list(predictor.records(cases_of(cases, predictor.channels)))
    if out is not None and any("error" not in record for record in records):
        write_records(out, records)
    return records


class Predictor:
    """A model of the zoo, loaded when the first scan turned out to be readable.

    Args:
        folder: path of the model's folder.
        assume_affine: voxel size in mm for images without a spatial form, or None.
        threads: int or None, CPU threads at most.

    Raises:
        MedzooError: if recipe or weights are not what they should be.
    """

    def __init__(self, folder, *, assume_affine=None, threads=None):
        from medzoo.preprocess import Preprocessor

        limit_threads(threads)
        self.folder = Path(folder)
        self.recipe = read_recipe(self.folder)
        self.channels = self.recipe.to_dict()["channels"]
        self.assume_affine = assume_affine
        scan_hdf5(verify_weights(self.folder, self.recipe))
        self._preprocessor = Preprocessor(
            self.recipe.to_dict()["preprocessing"], self.channels
        )
        self._model = None

    @property
    def model(self):
        """The Keras model; the first use imports keras, quietly."""
        if self._model is None:
            import_keras()
            from medzoo.zoo.load import load

            # Keras warns of every layer that does not fit and then raises: the error
            # says it all. What it warns of without raising is still shown.
            with warnings.catch_warnings(record=True) as caught:
                self._model = load(self.folder)
            for said in caught:
                warnings.warn_explicit(
                    said.message, said.category, said.filename, said.lineno
                )
        return self._model

    def records(self, cases, *, progress=None):
        """Yields one dict a case; a case that fails is `{"case_id", "error"}`.

        Raises:
            MedzooError: if the model cannot be loaded, which is no fault of a case.
        """
        for number, case in enumerate(cases, 1):
            with warnings.catch_warnings():
                # They come back in the prediction.
                warnings.simplefilter("ignore", MedzooWarning)
                content = self._record(case)
            if progress is not None:
                progress(number)
            yield {"case_id": case.case_id, **content}

    def _record(self, case):
        # The scan goes through the checks and spatial steps before keras is imported:
        # a bad one is refused in a moment.
        try:
            volume = self._preprocessor.gather(self._read(case))
            placed, undo = self._preprocessor.place(volume)
        except CASE_ERRORS as error:
            return _failure(error)
        model = self.model
        from medzoo.inference.predict import predict_placed

        notes = (*volume.warnings, *undo.notes)
        try:
            found = predict_placed(model, placed, self._preprocessor, notes=notes)
        except CASE_ERRORS as error:
            return _failure(error)
        return found.to_dict()

    def _read(self, case):
        from medzoo.io import read

        if not case.images:
            raise InputError(
                f"A case must have an image. Received: case {case.case_id} with none. "
                "Fill in the table."
            )
        return {
            name: read(path, assume_affine=self.assume_affine)
            for name, path in case.images.items()
        }


def run(options):
    """Predicts for the command line; returns the exit code."""
    _check_output(options.output)
    predictor = Predictor(
        options.folder, assume_affine=options.assume_affine, threads=options.threads
    )
    if options.cases is not None:
        cases = read_cases(options.cases, predictor.channels)
    else:
        cases = cases_of(options.channels or list(options.images), predictor.channels)
    records = []
    with Progress(len(cases), "cases") as progress:
        for record in predictor.records(cases, progress=progress):
            records.append(record)
            tell(record, progress)
            if not options.json and options.output is None and "error" not in record:
                progress.clear()
                sys.stdout.write(sentence(record) + "\n")
    if options.json:
        sys.stdout.write(json.dumps(records, indent=1, allow_nan=False) + "\n")
    good = sum("error" not in record for record in records)
    if options.output is not None and good:
        write_records(options.output, records)
    if good == len(records):
        return EXIT_ALL
    return EXIT_SOME if good else EXIT_NONE


def sentence(record):
    """Returns one line for people."""
    if "label" in record:
        share = record["probabilities"][record["label"]]
        return f"{record['case_id']}: {record['label']} (probability {share:.2f})"
    text = f"{record['case_id']}: {record['value']:.1f} {record['unit']}"
    if "interval" in record:
        low, high = record["interval"]
        text += f" (90 % interval {low:.1f} to {high:.1f})"
    return text


def write_records(path, records):
    """Writes records as a table (.csv) or a JSON list (.json), atomically."""
    path = Path(path)
    if path.suffix.lower() == ".json":
        text = json.dumps(records, indent=1, allow_nan=False) + "\n"
    else:
        text = _table(records)
    write_text_atomically(path, text)


def _table(records):
    rows = []
    for record in records:
        row = {"case_id": record["case_id"]}
        if "label" in record:
            row["label"] = record["label"]
            row.update(record["probabilities"])
        elif "value" in record:
            row.update(value=record["value"], unit=record["unit"])
            if "interval" in record:
                row["interval_low"], row["interval_high"] = record["interval"]
        row["warnings"] = "; ".join(record.get("warnings", []))
        row["error"] = record.get("error", "")
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    last = ("warnings", "error")
    header = [n for n in names if n not in last] + list(last)
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def tell(record, progress):
    """Says on stderr what went wrong, or is doubtful, one line each.

    Args:
        record: dict of one case, from `Predictor.records`.
        progress: `Progress` whose line makes way.
    """
    lines = [f"warning: {record['case_id']}: {w}" for w in record.get("warnings", [])]
    if "error" in record:
        lines.append(f"error: {record['case_id']}: {record['error']}")
    for line in lines:
        progress.clear()
        shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        sys.stderr.write(f"medzoo: {shown}\n")


def _failure(error):
    return {"error": " ".join(str(error).split()) or repr(error)}


def _check_output(path):
    if path is None:
        return
    path = Path(path)
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise InputError(
            f"Results of this task are written as {' or '.join(TABLE_SUFFIXES)}. "
            f"Received: output={path}. Choose another suffix."
        )
    if not path.parent.is_dir():
        raise MissingFileError(
            f"The folder of the output must exist. Received: output={path}. "
            "Make it first."
        )
