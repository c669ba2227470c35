"""Several models on the same cases: case by case, each scan read once."""

import json
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from medzoo.batch.case_records import sentence, tell
from medzoo.batch.predictor import Predictor
from medzoo.batch.shared_reader import SharedReader
from medzoo.progress import Progress

EXIT_ALL, EXIT_SOME, EXIT_NONE = 0, 1, 2


@dataclass
class Work:
    """What one model has to do.

    Attributes:
        predictor: `Predictor`.
        cases: list of `Case`.
        images: `ImageOutput` or None.
        problems: dict of case_id -> str, cases that are not clear, and why.
        finish: callable that takes a record and gives the one to be told, or None.
        records: list of dict, filled as cases are done.
    """

    predictor: Predictor
    cases: list
    images: object = None
    problems: dict = field(default_factory=dict)
    finish: object = None
    records: list = field(default_factory=list)

    @property
    def ids(self):
        """Dict of all case_ids, in order."""
        return dict.fromkeys([*self.problems, *(case.case_id for case in self.cases)])

    @property
    def name(self):
        """str: the model's."""
        return self.predictor.recipe.name


def predictors_of(options):
    """Returns a `Predictor` a model, which share what they read.

    Args:
        options: `medzoo.cli.predict_command.PredictOptions`.

    Raises:
        MedzooError: if a recipe or weights are not what they should be.
    """
    from medzoo.inference.predict import Options

    wanted = Options(
        options.uncertainty,
        options.probabilities,
        engine=options.engine,
        precision=options.precision,
    )
    read = SharedReader() if len(options.folders) > 1 else None
    return [
        Predictor(
            folder,
            assume_affine=options.assume_affine,
            threads=options.threads,
            options=wanted,
            align=not options.aligned,
            read=read,
        )
        for folder in options.folders
    ]


def run_all(works, options, table=None, report=None):
    """Does all cases of all models, and tells of each; returns the exit code.

    Args:
        works: list of `Work`.
        options: `medzoo.cli.predict_command.PredictOptions`.
        table: `CohortTable` or None, written at the end where there is a result.
        report: `medzoo.reporting.sheet.ReportSheet` or None, of one model.
    """
    order = list(dict.fromkeys(case_id for work in works for case_id in work.ids))
    several = len(works) > 1
    with Progress(len(order), "cases") as progress, ExitStack() as stack:
        found = [
            stack.enter_context(closing(_records(work, order, report)))
            for work in works
        ]
        for number, case_id in enumerate(order, 1):
            progress(number)
            for work, records in zip(works, found, strict=True):
                if case_id not in work.ids:
                    continue
                record = next(records)
                work.records.append(record)
                _tell(work, record, options, progress, several=several)
                if table is not None:
                    table.add(work.name, record, _known(work, case_id))
    if options.json:
        told = _by_case(works, order) if several else works[0].records
        sys.stdout.write(json.dumps(told, indent=1, allow_nan=False) + "\n")
    records = [record for work in works for record in work.records]
    good = sum("error" not in record for record in records)
    if table is not None and good:
        table.write()
    if good == len(records):
        return EXIT_ALL
    return EXIT_SOME if good else EXIT_NONE


def _records(work, order, report):
    """Records in the order of all models' cases."""
    cases = {case.case_id: case for case in work.cases}
    mine = [cases[case_id] for case_id in order if case_id in cases]
    with closing(
        work.predictor.records(mine, output=work.images, report=report)
    ) as records:
        for case_id in order:
            if case_id in work.problems:
                yield {"case_id": case_id, "error": work.problems[case_id]}
            elif case_id in cases:
                record = next(records)
                yield record if work.finish is None else work.finish(record)


def _tell(work, record, options, progress, *, several):
    if several:
        record = {**record, "case_id": f"{record['case_id']} {work.name}"}
    tell(record, progress)
    if not options.json and "error" not in record:
        progress.clear()
        sys.stdout.write(sentence(record) + "\n")


def _known(work, case_id):
    """What a data set tells of a case, as columns of a table."""
    case = next((c for c in work.cases if c.case_id == case_id), None)
    if case is None:
        return {}
    known = {name: case.columns.get(name) for name in ("age", "sex")}
    if "subject" in case.columns:
        session = case.columns.get("session")
        known["participant_id"] = case.columns["subject"]
        known["session_id"] = f"ses-{session}" if session else None
    return known


def _by_case(works, order):
    """One object a case, with what each model says of it."""
    found = {case_id: {"case_id": case_id, "models": {}} for case_id in order}
    for work in works:
        for record in work.records:
            told = {k: v for k, v in record.items() if k != "case_id"}
            found[record["case_id"]]["models"][work.name] = told
    return list(found.values())
