"""What runs on a node: models that are loaded once, and cases one after the other."""

import os
from dataclasses import dataclass, field

from medzoo.batch.case_log import error_line, maker_of
from medzoo.batch.cohort_plan import output_of
from medzoo.batch.earlier_results import EarlierResults
from medzoo.batch.model_run import ModelRun, predictors_of
from medzoo.errors import MedzooError
from medzoo.inference.settings import Settings
from medzoo.zoo.checked_model import check_files
from medzoo.zoo.resolve import resolve_recipe


@dataclass(frozen=True)
class Job:
    """What every worker does.

    Attributes:
        sources: tuple of str, models as `medzoo.load` takes them, on each node.
        settings: tuple of arguments of `Settings`, and dict of named ones.
        places: tuple of path or URL a model, where its results go.
        overwrite: bool.
        assume_affine: see `medzoo.predict`.
        threads: int, CPU threads of a worker.
        align: bool, see `Predictor`.
        inputs: tuple of path or URL, what is read and lies where results go.
    """

    sources: tuple
    settings: tuple
    places: tuple
    overwrite: bool = False
    assume_affine: object = None
    threads: int = 1
    align: bool = True
    inputs: tuple = ()

    def predictors(self):
        """Returns a `Predictor` a model."""
        arguments, named = self.settings
        return predictors_of(
            [check_files(*resolve_recipe(source)) for source in self.sources],
            Settings(*arguments, **named),
            assume_affine=self.assume_affine,
            threads=self.threads,
            align=self.align,
        )


@dataclass(frozen=True)
class Item:
    """One case of one model.

    Attributes:
        model: int, which of the job.
        case: `Case`.
        line: dict or None, what an earlier run noted of it.
    """

    model: int
    case: object
    line: dict = field(default=None)


class Worker:
    """Holds the models of a job; what it did goes back to the driver as lines.

    Args:
        job: `Job`.

    Raises:
        MedzooError: if a model is not here, or not what it should be.
    """

    def __init__(self, job):
        # TensorFlow reads them once, when it is imported.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        self.job = job
        self.predictors = job.predictors()

    def ready(self):
        """Returns once the worker was made."""
        return os.uname().nodename

    def do(self, items):
        """Does cases; those whose earlier result still holds are not done again.

        Args:
            items: list of `Item`.

        Returns:
            list, an `Item` each: the line to note, or None if the earlier one holds.
        """
        return [self._do(item) for item in items]

    def _do(self, item):
        predictor, place = self.predictors[item.model], self.job.places[item.model]
        log = _Lines()
        earlier = EarlierResults(place, [item.line] if item.line else [])
        run = ModelRun(predictor, [item.case])
        try:
            output = output_of(
                run,
                place,
                log,
                earlier=earlier,
                inputs=self.job.inputs,
                overwrite=self.job.overwrite,
            )
        except (MedzooError, OSError) as error:
            made_by = maker_of(predictor.recipe, predictor.options)
            return error_line(item.case.case_id, " ".join(str(error).split()), made_by)
        list(predictor.results([item.case], output=output, overlap=False))
        return log.lines[-1] if log.lines else None


class _Lines:
    """Collects lines, as `StatusLog` writes them."""

    def __init__(self):
        self.lines = []

    def add(self, line):
        self.lines.append(line)
