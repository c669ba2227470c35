"""Models on the same cases: case by case, each scan read once."""

from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

from medzoo.batch.case_log import known_of
from medzoo.batch.listener import Listener
from medzoo.batch.predictor import Predictor, Result
from medzoo.batch.shared_reader import SharedReader
from medzoo.data.cases.case import Case
from medzoo.data.feeds.prefetch import usable_cores
from medzoo.inference.shared_answers import SharedAnswers


@dataclass
class ModelRun:
    """One model and its cases.

    Attributes:
        predictor: `Predictor`.
        cases: list of `Case`.
        images: `ImageOutput` or None.
        problems: dict of case_id -> str, cases that are not clear, and why.
        finish: callable that takes a record and its `Case` and gives the record of
            what was made of it, or None.
        records: list of dict, filled as cases are done.
    """

    predictor: Predictor
    cases: list
    images: object = None
    problems: dict = field(default_factory=dict)
    finish: object = None
    records: list = field(default_factory=list)

    @property
    def name(self):
        """str: the model's."""
        return self.predictor.recipe.name

    def results(self, order, scans):
        """Yields a `Result` of each of the cases that this model has, in an order."""
        cases = {case.case_id: case for case in self.cases}
        mine = [cases[case_id] for case_id in order if case_id in cases]
        found = self.predictor.results(mine, output=self.images, scans=scans)
        with closing(found):
            for case_id in order:
                if case_id in self.problems:
                    record = {"case_id": case_id, "error": self.problems[case_id]}
                    yield Result(Case(case_id, {}), record)
                elif case_id in cases:
                    result = next(found)
                    if self.finish is None:
                        yield result
                        continue
                    record = self.finish(result.record, result.case)
                    yield replace(result, record=record)


@dataclass
class Plan:
    """The checked work of a call of `medzoo.predict`.

    Attributes:
        runs: list of `ModelRun`.
        table: `CohortTable` or None, written at the end where there is a result.
        finish: list of callables without arguments, called at the end.
        logs: list of what is closed before that, whatever happened.
    """

    runs: list
    table: object = None
    finish: list = field(default_factory=list)
    logs: list = field(default_factory=list)


def predictors_of(models, settings, *, assume_affine, threads, align):
    """Returns a `Predictor` a model; scans and label maps of networks are shared.

    Args:
        models: list of `CheckedModel`.
        settings: `medzoo.inference.settings.Settings`.
        assume_affine: see `Predictor`.
        threads: likewise.
        align: likewise.
    """
    read = answers = None
    if len(models) > 1:
        answers = SharedAnswers()
        # A case in each thread, one that waits, one in the network; some channels.
        read = SharedReader(3 * (usable_cores() + 2))
    return [
        Predictor(
            model,
            settings,
            assume_affine=assume_affine,
            threads=threads,
            align=align,
            read=read,
            answers=answers,
        )
        for model in models
    ]


def run_all(plan, listener=None):
    """Does all cases of all models; returns records as `medzoo.predict` does."""
    listener = listener or Listener()
    cases = {}
    for run in plan.runs:
        unclear = {case_id: Case(case_id, {}) for case_id in run.problems}
        cases = unclear | {case.case_id: case for case in run.cases} | cases
    order = list(dict.fromkeys(i for run in plan.runs for i in _ids(run)))
    listener.begin([run.predictor.files for run in plan.runs], list(cases.values()))
    with ExitStack() as stack:
        for log in plan.logs:
            stack.enter_context(closing(log))
        _do_all(plan, order, listener, stack)
    good = any("error" not in record for run in plan.runs for record in run.records)
    if plan.table is not None and good:
        plan.table.write()
    for finish in plan.finish:
        finish()
    if len(plan.runs) == 1:
        return plan.runs[0].records
    return by_case({run.name: run.records for run in plan.runs}, order)


def _do_all(plan, order, listener, stack):
    found = [
        stack.enter_context(closing(run.results(order, listener.wants_scans)))
        for run in plan.runs
    ]
    own = [set(_ids(run)) for run in plan.runs]
    for case_id in order:
        for run, ids, results in zip(plan.runs, own, found, strict=True):
            if case_id in ids:
                _take(next(results), run, plan.table, listener)


def _ids(run):
    return [*run.problems, *(case.case_id for case in run.cases)]


def _take(result, run, table, listener):
    run.records.append(result.record)
    listener.result(run.name, result)
    if table is not None:
        table.add(run.name, result.record, known_of(result.case))


def by_case(records, order):
    """Returns one dict a case, with the record of each model.

    Args:
        records: dict of model name -> list of dict.
        order: iterable of case_id.
    """
    found = {case_id: {"case_id": case_id, "models": {}} for case_id in order}
    for name, own in records.items():
        for record in own:
            told = {k: v for k, v in record.items() if k != "case_id"}
            found[record["case_id"]]["models"][name] = told
    return list(found.values())
