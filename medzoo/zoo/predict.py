"""Prediction by name: many cases, each on its own, as records and tables."""

import json
import sys
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from medzoo.data.cases import read_cases
from medzoo.errors import InputError, MedzooError, MedzooWarning
from medzoo.zoo.batch_input import PERSON_COLUMNS, cases_of, with_person
from medzoo.zoo.dicom_seg import check_dicom_seg, with_dicom_seg
from medzoo.zoo.fetch import ready_weights
from medzoo.zoo.image_output import ImageOutput
from medzoo.zoo.look_ahead import in_order, threads_for
from medzoo.zoo.progress import Progress
from medzoo.zoo.quiet_keras import import_keras, limit_threads
from medzoo.zoo.recipe import read_recipe
from medzoo.zoo.records import check_table, sentence, tell, write_records
from medzoo.zoo.registry import resolve
from medzoo.zoo.weights import scan_hdf5

IMAGE_TASKS = ("segmentation", "reconstruction", "super_resolution")
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


def predict(
    name,
    cases,
    out=None,
    *,
    assume_affine=None,
    uncertainty=None,
    probabilities=False,
    engine="keras",
    precision=None,
    age=None,
    sex=None,
):
    """Predicts with a model of the zoo on many cases.

    Args:
        name: str or path: a name, `name@version`, or a model folder.
        cases: path of a cases.csv, list of image paths (of the recipe's first
            channel), dict of channel -> path (one case), or list of `Case`.
        out: path or None. Tasks that answer in numbers: a .csv or .json to write. Tasks
            that answer in images need one: an image file for one case, or a folder, in
            which each case becomes `<case_id>.nii.gz`; cases that are done there are
            not done again.
        assume_affine: float or three floats, voxel size in mm for images that do not
            tell where they are; None refuses them.
        uncertainty: see `medzoo.inference.predict.Options`.
        probabilities: bool, write those of a segmentation too.
        engine: str, "keras" or "openvino", see `medzoo.inference.predict.Options`.
        precision: str or None, likewise.
        age: float or None, years, of the person in all cases that do not tell their own
            in a column `age`; see `medzoo.inference.predict.predict_volume`.
        sex: str or None, likewise.

    Returns:
        list of dict, one a case in the order given: `case_id` with `value`, `unit`,
        `interval`, or `label`, `probabilities`, or `output` and what else the task
        gives, or `error`; and `warnings` if any.

    Raises:
        InputError: for an unknown model or engine, a malformed table, or an `out` that
            does not suit the task.
    """
    from medzoo.inference.predict import Options

    chosen = {"engine": engine, "precision": precision}
    options = Options(uncertainty, probabilities, **chosen)
    predictor = Predictor(resolve(name), assume_affine=assume_affine, options=options)
    given = with_person(cases_of(cases, predictor.channels), age, sex)
    images = predictor.output_for(out, len(given))
    records = list(predictor.records(given, output=images))
    if images is None and out is not None and any("error" not in r for r in records):
        write_records(out, records)
    return records


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

    Raises:
        MedzooError: if recipe or weights are not what they should be.
    """

    def __init__(
        self, folder, *, assume_affine=None, threads=None, options=None, align=True
    ):
        from medzoo.preprocess import Preprocessor

        limit_threads(threads)
        self.threads = threads
        self.align = align
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
            with warnings.catch_warnings(record=True) as caught:
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

    def output_for(self, path, count):
        """Returns where images go, or None for a task that answers in numbers.

        Args:
            path: path or None, as the user gave it.
            count: int, number of cases.

        Raises:
            InputError: if the task needs another kind of output.
        """
        if self.recipe.task not in IMAGE_TASKS:
            check_table(path)
            return None
        if path is None:
            raise InputError(
                "A model that answers in images needs to know where they go. "
                f"Received: no output for {self.recipe.name}. "
                "Give an image file or a folder (-o)."
            )
        chosen = {} if self.options is None else self.options.to_dict()
        return ImageOutput(path, self.recipe, count, chosen)

    def records(self, cases, *, output=None, progress=None, report=None, overlap=True):
        """Yields one dict a case; a case that fails is `{"case_id", "error"}`.

        The next cases are read and prepared, and the last one written, in threads
        while the network works on this one.

        Args:
            cases: list of `Case`.
            output: `ImageOutput` or None, where images are written; what it has done
                already is not done again.
            progress: callable taking the number of cases that are done, or None.
            report: `medzoo.reporting.sheet.ReportSheet` that is told of each case, or
                None.
            overlap: bool; False does one case after the other.

        Raises:
            MedzooError: if the model cannot be loaded, which is no fault of a case.
        """
        if report is not None:
            report.begin(len(cases))
        threads = threads_for(len(cases), self.threads) if overlap else 0
        writers = 1 if threads and output is not None else 0
        with warnings.catch_warnings():
            # They come back in the predictions. Filters belong to all threads.
            warnings.simplefilter("ignore", MedzooWarning)
            started = in_order(
                lambda case: self._start(case, output, report), cases, threads, 1
            )
            answered = (self._answer(start, report) for start in started)
            contents = in_order(
                lambda answer: _content(*answer, output), answered, writers, 1
            )
            with closing(started), closing(contents):
                done = zip(cases, contents, strict=True)
                for number, (case, content) in enumerate(done, 1):
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
        with warnings.catch_warnings():
            # They come back in the prediction.
            warnings.simplefilter("ignore", MedzooWarning)
            # The scan goes through the checks and spatial steps before keras is
            # imported: a bad one is refused in a moment.
            return self._predicted(case, self._prepare(case), report)

    def _prepare(self, case):
        from medzoo.inference.predict import prepare

        try:
            return prepare(self._preprocessor, self._read(case), align=self.align)
        except CASE_ERRORS as error:
            raise CaseError(_one_line(error)) from error

    def _predicted(self, case, prepared, report):
        from medzoo.inference.predict import predict_prepared

        model = self.model
        try:
            person = self._person(case)
            chosen = (self._preprocessor, self.options, person)
            found = predict_prepared(model, prepared, *chosen)
        except CASE_ERRORS as error:
            raise CaseError(_one_line(error)) from error
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
        from medzoo.io import read
        from medzoo.volume import Volume

        if not case.images:
            raise InputError(
                f"A case must have an image. Received: case {case.case_id} with none. "
                "Fill in the table."
            )
        return {
            name: image
            if isinstance(image, Volume)
            else read(image, assume_affine=self.assume_affine, channel=name)
            for name, image in case.images.items()
        }


def run(options, report=None):
    """Predicts for the command line; returns the exit code.

    Args:
        options: `medzoo.cli.predict_command.PredictOptions`.
        report: see `Predictor.records`.
    """
    from medzoo.inference.predict import Options

    wanted = Options(
        options.uncertainty,
        options.probabilities,
        engine=options.engine,
        precision=options.precision,
    )
    predictor = Predictor(
        options.folder,
        assume_affine=options.assume_affine,
        threads=options.threads,
        options=wanted,
        align=not options.aligned,
    )
    if options.cases is not None:
        cases = read_cases(options.cases, predictor.channels, columns=PERSON_COLUMNS)
    else:
        cases = cases_of(options.channels or list(options.images), predictor.channels)
    cases = with_person(cases, options.age, options.sex)
    recipe = predictor.recipe.to_dict()
    check_dicom_seg(recipe, cases, wanted=options.dicom_seg)
    images = predictor.output_for(options.output, len(cases))
    quiet = options.json or (options.output is not None and images is None)
    records = []
    with Progress(len(cases), "cases") as progress:
        told = {"output": images, "progress": progress, "report": report}
        found = predictor.records(cases, **told)
        for record in with_dicom_seg(found, cases, recipe, wanted=options.dicom_seg):
            records.append(record)
            tell(record, progress)
            if not quiet and "error" not in record:
                progress.clear()
                sys.stdout.write(sentence(record) + "\n")
    if options.json:
        sys.stdout.write(json.dumps(records, indent=1, allow_nan=False) + "\n")
    good = sum("error" not in record for record in records)
    if options.output is not None and images is None and good:
        write_records(options.output, records)
    if good == len(records):
        return EXIT_ALL
    return EXIT_SOME if good else EXIT_NONE


def _content(case, answer, output):
    """Writes what there is to write; returns the record without its case_id."""
    if isinstance(answer, dict):
        return answer
    if isinstance(answer, CaseError):
        if output is not None:
            output.failed(case, str(answer))
        return {"error": str(answer)}
    return answer.to_dict() if output is None else output.write(case, answer)


def _one_line(error):
    return " ".join(str(error).split()) or repr(error)
