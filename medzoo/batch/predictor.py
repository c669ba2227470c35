"""Predictor: a model of the zoo over many cases, read ahead, each on its own."""

import warnings
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np

from medzoo.batch.look_ahead import in_order, threads_for
from medzoo.data.cases.case import Case
from medzoo.errors import WARNINGS_LOCK, InputError, MedzooError, OfflineError
from medzoo.inference.centiles import Person
from medzoo.inference.exported_model import ExportedModel, can_be_exported
from medzoo.inference.predict import predict_image, task_of
from medzoo.inference.prediction import Prediction
from medzoo.io.image_files import read_quietly
from medzoo.io.refusal import shown
from medzoo.volume import Volume
from medzoo.zoo.checked_model import check_model
from medzoo.zoo.quiet_keras import import_keras, limit_threads

# Of a message; ITK's go on for a page.
MOST_TEXT = 1000
# What one bad case may raise; the others go on. SimpleITK raises RuntimeError, numpy
# raises the next two for absurd intensities, and a recipe may ask for the rest.
CASE_ERRORS = (
    MedzooError,
    OSError,
    MemoryError,
    RuntimeError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
)


class CaseError(Exception):
    """A case failed; the message gives the reason."""


class ModelError(Exception):
    """The model could not be loaded."""


@dataclass(frozen=True)
class Result:
    """The result of one case.

    Attributes:
        case: `Case`.
        record: dict, `case_id`, and the result or `error`.
        prediction: `Prediction`, or None where there is none, or it is in the output
            folder from an earlier run.
        scan: Volume, the channels as they were given, on one grid, where asked for.
        x: Volume on the network's grid, where asked for.
    """

    case: Case
    record: dict
    prediction: Prediction | None = None
    scan: Volume | None = None
    x: Volume | None = None


class Predictor:
    """A model of the zoo, loaded when the first scan turned out to be readable.

    Args:
        source: a model as `medzoo.load` takes it, or a `CheckedModel`.
        settings: `medzoo.inference.settings.Settings` or None.
        assume_affine: voxel size in mm for images without a spatial form, or None.
        threads: int or None, CPU threads at most.
        align: bool, bring channels between which the head moved onto each other.
        read: callable like `read_quietly`, which stands for it, or None. Models that
            work on the same scans share one.
        answers: `SharedAnswers` of the models of one run, or None.

    Raises:
        MedzooError: if recipe or weights are not what they should be.
    """

    def __init__(
        self,
        source,
        settings=None,
        *,
        assume_affine=None,
        threads=None,
        align=True,
        read=None,
        answers=None,
    ):
        limit_threads(threads)
        self.files = check_model(source)
        self.folder, self.recipe = self.files.folder, self.files.recipe
        self.channels = self.recipe.to_dict()["channels"]
        self.assume_affine = assume_affine
        self.threads = threads
        self.align = align
        self._read_image = read or read_quietly
        self._model = None
        self._exported = None
        self.task = task_of(self.recipe.to_dict(), self._network, settings)
        self.task.answers = answers

    @property
    def settings(self):
        """The `Settings`; others may be set between cases."""
        return self.task.settings

    @settings.setter
    def settings(self, settings):
        answers = self.task.answers
        self.task = task_of(
            self.task.recipe, self._network, settings, self.task.preprocessor
        )
        self.task.answers = answers

    @property
    def options(self):
        """dict, plain JSON: what decides a result besides model and scans."""
        further = {}
        # Only where it is not as usual: other results stay what they were.
        if self.assume_affine is not None:
            further["assume_affine"] = np.ravel(self.assume_affine).tolist()
        if not self.align:
            further["aligned"] = True
        return {**self.settings.to_dict(), **further}

    @property
    def model(self):
        """The Keras model; the first use imports keras, quietly."""
        if self._model is None:
            try:
                self._model = self._load()
            except CASE_ERRORS as error:
                raise ModelError from error
        return self._model

    def _network(self):
        """What the task runs: exported networks where they do, else the Keras model."""
        if not can_be_exported(self.settings):
            return self.model
        if self._exported is None:
            self._exported = ExportedModel(
                self.task.recipe,
                self.files.weights,
                lambda: self.model,
                self.task.preprocessor,
            )
        return self._exported

    def results(self, cases, *, output=None, scans=False, overlap=True):
        """Yields one `Result` a case; a case that fails has an error in its record.

        The next cases are read and prepared, and the last one written, in threads
        while the network works on this one.

        Args:
            cases: list of `Case`.
            output: `ImageOutput` or None, where images are written; what it has done
                already is not done again.
            scans: bool, give `scan` and `x` too, to be shown.
            overlap: bool; False does one case after the other.

        Raises:
            MedzooError: if the model cannot be loaded.
        """
        threads = threads_for(len(cases), self.threads) if overlap else 0
        writers = 1 if threads and output is not None else 0
        start = partial(self._start, output=output, scans=scans)
        started = in_order(start, cases, threads, 1)
        found = (
            self._result(case, scan, ready)
            for case, (scan, ready) in zip(cases, started, strict=True)
        )
        written = in_order(partial(_written, output), found, writers, 1)
        try:
            with closing(started), closing(written):
                yield from written
        except ModelError as error:
            raise error.__cause__ from None

    def prediction(self, case):
        """Predicts on one case.

        Args:
            case: `Case`.

        Returns:
            `Prediction`; doubts about the input are in its warnings.

        Raises:
            CaseError: for a case that has no result.
            MedzooError: if the model cannot be loaded.
        """
        try:
            return self._predict(case, self._preprocess)
        except ModelError as error:
            raise error.__cause__ from None

    def scan(self, case):
        """Reads a case: a Volume of its channels on one grid."""
        if not case.images:
            raise InputError(
                f"A case must have an image. Received: case {case.case_id} with none. "
                "Fill in the table."
            )
        images = {
            name: image
            if isinstance(image, Volume)
            else self._read_image(image, assume_affine=self.assume_affine, channel=name)
            for name, image in case.images.items()
        }
        return self.task.preprocessor.gather(images, align=self.align)

    def _preprocess(self, case):
        return self.task.place(self.scan(case))

    def _start(self, case, output, scans):
        """What needs no network: reading and placing, unless the case is done.

        Returns:
            the scan, or None, and a record, what `Task.place` gives, or a `CaseError`.
        """
        record = None if output is None else output.finished(case)
        # Of what is shown there must be an image: numbers alone are predicted again.
        if record is not None and (not scans or "output" in record):
            return (self.scan(case) if scans else None), record
        try:
            scan = self.scan(case)
            return (scan if scans else None), self.task.place(scan)
        except CASE_ERRORS as error:
            return None, _case_error(error, case)

    def _result(self, case, scan, ready):
        if isinstance(ready, dict):
            return Result(case, {"case_id": case.case_id, **ready}, scan=scan)
        try:
            found = self._predict(case, lambda _: _given(ready))
        except CaseError as error:
            return Result(case, {"case_id": case.case_id, "error": str(error)})
        return Result(case, {}, found, scan=scan, x=None if scan is None else ready[0])

    def _predict(self, case, preprocess):
        try:
            return predict_image(
                case, preprocess, self.task, person_of(case, self.task)
            )
        except CASE_ERRORS as error:
            raise _case_error(error, case) from error

    def _load(self):
        import_keras()
        from medzoo.zoo.load import load

        # Keras warns of every layer that does not fit and then raises: the error
        # says it all. What it warns of without raising is still shown.
        with WARNINGS_LOCK, warnings.catch_warnings(record=True) as caught:
            model = load(self.files)
        for one in caught:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        return model


def _given(ready):
    if isinstance(ready, CaseError):
        raise ready
    return ready


def _written(output, result):
    """Writes the outputs of a case; returns the result with its record."""
    case, found = result.case, result.prediction
    if found is None:
        if output is not None and "error" in result.record:
            output.failed(case, result.record["error"])
        return result
    try:
        record = found.to_dict() if output is None else output.write(case, found)
    except OfflineError as error:
        # A store may be back at the next case; a full disk would not be.
        text = " ".join(str(error).split())[:MOST_TEXT]
        output.failed(case, text)
        return Result(case, {"case_id": case.case_id, "error": text})
    record = {"case_id": case.case_id, **record}
    return Result(case, record, found, result.scan, result.x)


def _case_error(error, case):
    """A `CaseError` with a one-line message that names the file."""
    paths = [str(i) for i in case.images.values() if not isinstance(i, Volume)]
    text = str(error)
    if not isinstance(error, (MedzooError, OSError)):
        # Texts of libraries tell of their insides.
        text = (
            "The case could not be processed. Received: "
            f"{type(error).__name__}: {error}. Check the image and the recipe."
        )
    text = " ".join(text.split())[:MOST_TEXT] or repr(error)
    if paths and not any(shown(path) in text for path in paths):
        rule, received, rest = text.partition(". Received:")
        text = f"{rule} in {shown(paths[0])}{received}{rest}"
    return CaseError(text)


def person_of(case, task):
    """Returns who was scanned, a `Person`, or None where the model compares nobody.

    Args:
        case: `Case`, with columns age and sex where they are known.
        task: `medzoo.inference.task.Task`.

    Raises:
        InputError: for what is no age or no sex.
    """
    if task.step("centiles") is None:
        return None
    return Person.of(case.columns.get("age"), case.columns.get("sex"))
