"""Predictor: a model of the zoo and its checks, over many cases."""

import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from medzoo.batch.image_output import ImageOutput
from medzoo.batch.look_ahead import in_order, threads_for
from medzoo.batch.table_output import TableOutput
from medzoo.errors import WARNINGS_LOCK, InputError, MedzooError
from medzoo.io.image_files import read_quietly
from medzoo.io.refusal import shown
from medzoo.volume import Volume
from medzoo.zoo.hub.model_files import ready_weights
from medzoo.zoo.quiet_keras import import_keras, limit_threads
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.weights import scan_hdf5

# Of a message; ITK's go on for a page.
MOST_TEXT = 1000
IMAGE_TASKS = ("segmentation", "reconstruction", "super_resolution")
# What one bad case may raise; the others go on. SimpleITK raises RuntimeError, numpy
# answers absurd intensities with the next two, and a recipe may ask for the rest.
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
    """One case has no result, for the reason that the message gives."""


@dataclass(frozen=True)
class Started:
    """A case before the network: an earlier record, what was prepared, or an error.

    Attributes:
        case: `Case`.
        content: dict, the record of an earlier run, or None.
        volume: Volume of such a case if a report needs it, or None.
        prepared: `PreparedCase` or None.
        error: `CaseError` or None.
    """

    case: object
    content: dict | None = None
    volume: object = None
    prepared: object = None
    error: CaseError | None = None


class Predictor:
    """A model of the zoo, loaded when the first scan turned out to be readable.

    Args:
        folder: path of the model's folder.
        assume_affine: voxel size in mm for images without a spatial form, or None.
        threads: int or None, CPU threads at most.
        options: `medzoo.inference.predict.Options` or None.
        align: bool, bring channels between which the head moved onto each other.
        read: callable like `read_quietly`, which stands for it, or None. Models that
            work on the same scans share one.

    Raises:
        MedzooError: if recipe or weights are not what they should be.
    """

    def __init__(
        self,
        folder,
        *,
        assume_affine=None,
        threads=None,
        options=None,
        align=True,
        read=None,
    ):
        from medzoo.preprocess import Preprocessor

        limit_threads(threads)
        self.threads = threads
        self.align = align
        self._read_image = read or read_quietly
        self.folder = Path(folder)
        self.recipe = read_recipe(self.folder)
        self.channels = self.recipe.to_dict()["channels"]
        self.assume_affine = assume_affine
        self.options = options
        scan_hdf5(ready_weights(self.folder, self.recipe))
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
            with WARNINGS_LOCK, warnings.catch_warnings(record=True) as caught:
                self._model = load(self.folder)
            for said in caught:
                warnings.warn_explicit(
                    said.message, said.category, said.filename, said.lineno
                )
        return self._model

    @property
    def answers_in_images(self):
        """bool: whether the task does; others answer in numbers."""
        return self.recipe.task in IMAGE_TASKS

    def output_for(
        self, path, cases, *, inputs=(), overwrite=False, keep_folders=False
    ):
        """Returns where results go: an `ImageOutput`, a `TableOutput` or None.

        Args:
            path: path or None, as the user gave it.
            cases: list of `Case`.
            inputs: paths of what else was read, as the table of cases.
            overwrite: bool, replace what lies there, inputs excepted.
            keep_folders: bool, see `ImageOutput`.

        Raises:
            InputError: if the task needs another kind of output, or something would be
                replaced that must not be.
        """
        asked = self.options is not None and self.options.probabilities
        if asked and self.recipe.task not in ("segmentation", "classification"):
            raise InputError(
                "Probabilities are those of classes. "
                f"Received: --probabilities for {self.recipe.name}, whose task is "
                f"{self.recipe.task}. Leave it out."
            )
        if self.recipe.task not in IMAGE_TASKS:
            if path is None:
                return None
            return TableOutput(path, self.recipe, cases, inputs, overwrite=overwrite)
        if path is None:
            raise InputError(
                "A model that answers in images needs to know where they go. "
                f"Received: no output for {self.recipe.name}. "
                "Give an image file or a folder (-o)."
            )
        chosen = {} if self.options is None else self.options.to_dict()
        return ImageOutput(
            path,
            self.recipe,
            cases,
            chosen,
            inputs=inputs,
            overwrite=overwrite,
            keep_folders=keep_folders,
        )

    def records(self, cases, *, output=None, progress=None, report=None, overlap=True):
        """Yields one dict a case; a case that fails is `{"case_id", "error"}`.

        The next cases are read and prepared, and the last one written, in threads
        while the network works on this one.

        Args:
            cases: list of `Case`.
            output: `ImageOutput` or None, where images are written; what it has done
                already is not done again. Tables are written when all is done.
            progress: callable taking the number of cases that are done, or None.
            report: `medzoo.reporting.sheet.ReportSheet` that is told of each case, or
                None.
            overlap: bool; False does one case after the other.

        Raises:
            MedzooError: if the model cannot be loaded, which is no fault of a case.
        """
        if report is not None:
            report.begin(len(cases), {c.case_id: c.images for c in cases})
        threads = threads_for(len(cases), self.threads) if overlap else 0
        writers = 1 if threads and output is not None else 0
        started = in_order(
            lambda case: self._start(case, output, report), cases, threads, 1
        )
        answered = (self._answer(start, report) for start in started)
        contents = in_order(
            lambda answer: _content(*answer, output), answered, writers, 1
        )
        with closing(started), closing(contents):
            for number, (case, content) in enumerate(
                zip(cases, contents, strict=True), 1
            ):
                if progress is not None:
                    progress(number)
                yield {"case_id": case.case_id, **content}

    def _start(self, case, output, report):
        """What needs no network: whether it is done already, reading, preparing."""
        content = None if output is None else output.finished(case)
        if content is None:
            try:
                return Started(case, prepared=self._prepare(case))
            except CaseError as error:
                return Started(case, error=error)
        if report is None:
            return Started(case, content)
        volume = self._preprocessor.gather(self._read(case), align=self.align)
        return Started(case, content, volume)

    def _answer(self, start, report):
        """Returns the case, and its `Prediction`, `CaseError` or earlier record."""
        case = start.case
        if start.content is not None:
            if report is not None:
                told = (case.case_id, case.images, start.volume, start.content)
                report.earlier(*told)
            return case, start.content
        try:
            if start.error is not None:
                raise start.error
            return case, self._predicted(case, start.prepared, report)
        except CaseError as error:
            if report is not None:
                report.failed(case.case_id, case.images, str(error))
            return case, error

    def prediction(self, case, report=None):
        """Predicts on one case.

        Args:
            case: `Case`.
            report: see `records`.

        Returns:
            `Prediction`; what was found doubtful is in its warnings.

        Raises:
            CaseError: for a case that has no result.
            MedzooError: if the model cannot be loaded.
        """
        # The scan goes through the checks and spatial steps before keras is imported:
        # a bad one is refused in a moment.
        return self._predicted(case, self._prepare(case), report)

    def _prepare(self, case):
        from medzoo.inference.predict import prepare

        try:
            return prepare(self._preprocessor, self._read(case), align=self.align)
        except CASE_ERRORS as error:
            raise CaseError(_told(error, case)) from error

    def _predicted(self, case, prepared, report):
        from medzoo.inference.predict import predict_prepared

        model = self.model
        try:
            person = self._person(case)
            chosen = (self._preprocessor, self.options, person)
            found = predict_prepared(model, prepared, *chosen)
        except CASE_ERRORS as error:
            raise CaseError(_told(error, case)) from error
        if report is not None:
            report.predicted(case.case_id, case.images, prepared, found)
        return found

    def _person(self, case):
        """Who was scanned, where the model compares people, or None."""
        from medzoo.inference.centiles import Person

        if all(step["step"] != "centiles" for step in self.recipe.postprocessing):
            return None
        return Person.of(case.columns.get("age"), case.columns.get("sex"))

    def _read(self, case):
        """Channel -> Volume; what was doubtful comes back in the prediction."""
        if not case.images:
            raise InputError(
                f"A case must have an image. Received: case {case.case_id} with none. "
                "Fill in the table."
            )
        return {
            name: image
            if isinstance(image, Volume)
            else read_quietly(image, assume_affine=self.assume_affine, channel=name)
            for name, image in case.images.items()
        }


def _content(case, answer, output):
    """Writes what there is to write; returns the record without its case_id."""
    if isinstance(answer, dict):
        return answer
    if isinstance(answer, CaseError):
        if output is not None:
            output.failed(case, str(answer))
        return {"error": str(answer)}
    return answer.to_dict() if output is None else output.write(case, answer)


def _told(error, case):
    """What went wrong, in one line that names the file."""
    paths = [str(i) for i in case.images.values() if not isinstance(i, Volume)]
    if not isinstance(error, (MedzooError, OSError)):
        # Texts of libraries tell of their insides.
        text = (
            "The case could not be worked on. Received: "
            f"{type(error).__name__}: {error}. Check the image and the recipe."
        )
    else:
        text = str(error)
    text = " ".join(text.split())[:MOST_TEXT] or repr(error)
    if paths and not any(shown(path) in text for path in paths):
        rule, received, rest = text.partition(". Received:")
        text = f"{rule} in {shown(paths[0])}{received}{rest}"
    return text
