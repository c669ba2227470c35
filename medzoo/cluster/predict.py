"""Predicts on a cohort by Ray: from any number of nodes into one folder or store."""

import os
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

from medzoo.batch.bids_output import BidsOutput
from medzoo.batch.case_log import error_line, maker_of, now
from medzoo.batch.cohort_plan import place_of, recipes_of
from medzoo.batch.input_cases import cases_of, table_of, with_person
from medzoo.batch.listener import Listener
from medzoo.batch.merged_table import MergedTable, record_of
from medzoo.batch.model_run import by_case
from medzoo.batch.plan import (
    USUAL_OUTPUT,
    check_folder,
    check_tree,
    of_model,
    places_of,
)
from medzoo.batch.predictor import Result
from medzoo.batch.status_log import writer_name
from medzoo.batch.status_parts import PartLog, all_lines, is_of
from medzoo.cluster.crew import Crew
from medzoo.cluster.worker import Item, Job
from medzoo.data.cases.case import Case
from medzoo.datasets.bids import read_bids
from medzoo.errors import InputError, OfflineError
from medzoo.io.remote import folder_of, is_url, object_of
from medzoo.volume import Volume

# Cases that an earlier run did are looked through in chunks; a new one goes alone.
CHUNK = 50


def predict_on_cluster(
    source,
    cases=None,
    output=None,
    *,
    address="ray",
    bids=None,
    settings=((), {}),
    person=(None, None),
    threads=None,
    overwrite=False,
    assume_affine=None,
    align=True,
    listener=None,
):
    """Predicts with models of the zoo on many cases, on the nodes of a Ray cluster.

    Results lie in `output` as those of `medzoo.predict` with shards, which all nodes
    must reach: a folder on a shared disk, or a URL in an object store. Lines go into
    Parquet parts (`medzoo.batch.status_parts`). The same call again does what is
    missing.

    Args:
        source: str, path or list of these, as of `medzoo.predict`; on each node.
        cases: as of `medzoo.predict`.
        output: path or URL of a folder.
        address: str, "ray" for $RAY_ADDRESS or a cluster of this machine alone, or
            "ray://HOST:PORT".
        bids: path of a BIDS tree instead of `cases`, or None.
        settings: arguments of `medzoo.inference.settings.Settings`: tuple and dict.
        person: age and sex, as of `medzoo.predict`.
        threads: int or None for 1, CPU threads of one worker.
        overwrite: bool, as of `medzoo.predict`.
        assume_affine: likewise.
        align: bool, look for motion between channels.
        listener: `Listener` or None.

    Returns:
        list of dict, as of `medzoo.predict`.

    Raises:
        InputError: for anything that `medzoo.predict` refuses, or without Ray.
        OfflineError: if the cluster cannot be reached.
    """
    _check(bids, output)
    # Workers have other working folders.
    output, bids = _absolute(output), _absolute(bids)
    sources = source if isinstance(source, (list, tuple)) else [source]
    job = Job(
        tuple(_as_source(one) for one in sources),
        settings,
        (),
        overwrite,
        assume_affine,
        threads or 1,
        align,
    )
    predictors = job.predictors()
    if bids is None:
        cohort = _table_cohort(predictors, cases, output, person, overwrite)
    else:
        cohort = _bids_cohort(predictors, bids, output, person, overwrite)
    places = tuple(run.place for run in cohort.runs)
    job = replace(job, places=places, inputs=cohort.inputs)
    with _connected(address) as ray:
        return cohort.run(job, ray, listener or Listener())


class Cohort:
    """All cases of all models, and where their results go.

    Args:
        runs: list of `CohortRun`.
        table: `MergedTable`.
        inputs: paths and URLs of what is read.
    """

    def __init__(self, runs, table, inputs=()):
        self.runs, self.table = runs, table
        self.inputs = tuple(_inside(inputs, [run.place for run in runs]))

    def run(self, job, ray, listener):
        """Does what is missing; returns the records."""
        order = {}
        for run in self.runs:
            order |= {i: Case(i, {}) for i in run.problems if i not in order}
            order |= run.cases
        listener.begin([run.predictor.files for run in self.runs], list(order.values()))
        with ExitStack() as stack:
            for run in self.runs:
                run.open(stack, listener)
            chunks = self._chunks(order)
            cores = int(ray.cluster_resources().get("CPU", 1))
            count = max(1, min(cores // job.threads, len(chunks)))
            if chunks:
                crew = stack.enter_context(closing(Crew(job, count, ray)))
                for items, lines, reason in crew.results(chunks):
                    for item, line in zip(items, lines or items, strict=True):
                        run = self.runs[item.model]
                        line = run.failed(item, reason) if lines is None else line
                        run.take(item, line, listener)
        self.table.write()
        if len(self.runs) == 1:
            return [self.runs[0].records[case_id] for case_id in order]
        return by_case(
            {
                run.name: [run.records[i] for i in order if i in run.records]
                for run in self.runs
            },
            order,
        )

    def _chunks(self, order):
        """Each new case alone, with all models; those with results in chunks."""
        new, known = [], []
        for case_id in order:
            items = [
                Item(index, run.cases[case_id], run.lines.get(case_id))
                for index, run in enumerate(self.runs)
                if case_id in run.cases
            ]
            if any(item.line is None or item.line.get("error") for item in items):
                new.append(items)
            else:
                known.extend(items)
        return [known[i : i + CHUNK] for i in range(0, len(known), CHUNK)] + (
            [items for items in new if items]
        )


class CohortRun:
    """One model of a cohort.

    Args:
        predictor: `Predictor`, whose model is not loaded.
        place: path or URL, where its results go.
        cases: list of `Case`.
        problems: dict of case_id -> reason.
        finish: callable of a record and its `Case` that gives a record, or None.
    """

    def __init__(self, predictor, place, cases, problems=None, finish=None):
        self.predictor, self.place = predictor, place
        self.name = predictor.recipe.name
        self.cases = {case.case_id: case for case in cases}
        self.problems, self._finish = problems or {}, finish
        self.lines, self.records = {}, {}

    def open(self, stack, listener):
        """Reads what earlier runs noted, and begins to note and to tell."""
        made_by = self._made_by()
        for line in all_lines(self.place):
            if line.get("case_id") in self.cases and is_of(line, made_by["model"]):
                self.lines[line["case_id"]] = line
        head = {"recipe": self.predictor.recipe.to_dict(), "time": now()}
        log = PartLog(self.place, writer_name((1, 1)), head)
        self._log = stack.enter_context(closing(log))
        for case_id, problem in self.problems.items():
            self._log.add(error_line(case_id, problem, made_by))
            self.records[case_id] = {"case_id": case_id, "error": problem}
            result = Result(Case(case_id, {}), self.records[case_id])
            listener.result(self.name, result)

    def failed(self, item, reason):
        """Returns the line of a case that ended its workers."""
        error = (
            "A case must leave its worker alive, in "
            f"{next(iter(map(str, item.case.images.values())), 'no image')}. "
            f"Received: {reason}. Try it alone, with more memory."
        )
        return error_line(item.case.case_id, error, self._made_by())

    def take(self, item, line, listener):
        """Notes what became of a case; None is what was noted before."""
        earlier = self.lines.pop(item.case.case_id, None)
        if line is not None:
            self._log.add(line)
        record = record_of(earlier if line is None else line)
        if self._finish is not None:
            record = self._finish(record, item.case)
        self.records[item.case.case_id] = record
        listener.result(self.name, Result(item.case, record))

    def _made_by(self):
        return maker_of(self.predictor.recipe, self.predictor.options)


def _table_cohort(predictors, cases, output, person, overwrite):
    runs, inputs = [], table_of(cases)
    for predictor in predictors:
        given = cases_of(of_model(cases, predictor), predictor.channels)
        given = with_person([_from_anywhere(case) for case in given], *person)
        runs.append(
            CohortRun(predictor, place_of(predictor, predictors, output), given)
        )
        inputs += places_of(given)
    places = {run.name: run.place for run in runs}
    options = {"recipes": recipes_of(predictors), "overwrite": overwrite}
    table = MergedTable(output, places, inputs=inputs, **options)
    return Cohort(runs, table, inputs)


def _bids_cohort(predictors, root, output, person, overwrite):
    folder = Path(output or Path(root) / USUAL_OUTPUT)
    runs, finish, inputs = [], {}, []
    for predictor in predictors:
        tree = read_bids(root, predictor.channels)
        cases = with_person(tree.cases, *person)
        own = BidsOutput(folder, predictor.recipe.to_dict(), tree, overwrite=overwrite)
        runs.append(
            CohortRun(predictor, own.work_folder, cases, tree.problems, own.add)
        )
        finish[predictor.recipe.name] = own.finish
        inputs += places_of(tree.cases)
        own.begin()
    places = {run.name: run.place for run in runs}
    table = MergedTable(
        folder,
        places,
        recipes=recipes_of(predictors),
        inputs=inputs,
        overwrite=overwrite,
        finish=finish,
    )
    return Cohort(runs, table, inputs)


def _check(bids, output):
    if bids is not None:
        check_tree(bids, output)
    if bids is None and output is None:
        raise InputError(
            "A cluster needs an output folder. Received: no output. Give one (-o)."
        )
    if bids is None:
        check_folder(output, "Cohorts on a cluster")


def _inside(inputs, places):
    """Inputs that lie in a folder of results, so that all workers know of these."""
    folders = {_folder_key(place) for place in places}
    return [one for one in inputs if _folder_key(folder_of(one)) in folders]


def _folder_key(folder):
    return object_of(folder) if is_url(folder) else os.path.realpath(folder)


def _absolute(place):
    """A path that means the same in every process; a URL, or None, as it is."""
    return place if place is None or is_url(place) else Path(place).absolute()


def _from_anywhere(case):
    """A case whose images have absolute paths."""
    images = {
        name: image if isinstance(image, Volume) else _absolute(image)
        for name, image in case.images.items()
    }
    return replace(case, images=images)


def _as_source(source):
    """A folder's path means the same on each node of a shared disk."""
    return str(Path(source).absolute()) if os.path.isdir(source) else str(source)


@contextmanager
def _connected(address):
    """A connection to a cluster; one that was there before stays."""
    ray = _ray()
    own = not ray.is_initialized()
    if own:
        place = None if address == "ray" else address
        try:
            ray.init(place, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            raise OfflineError(
                "A cluster must be reached at its address. Received: "
                f"address={address}, {' '.join(str(error).split())[:300]}. "
                "See `ray status`."
            ) from error
    try:
        yield ray
    finally:
        if own:
            ray.shutdown()


def _ray():
    # No word of what runs here goes to Ray's makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "Cohorts on a cluster are run by Ray. "
            f"Received: {error}. Install medzoo[ray]."
        ) from error
    return ray
