"""Results of `medzoo predict` as they come: lines, a progress bar, a report."""

import sys

from medzoo.batch.listener import Listener
from medzoo.progress import Progress

EXIT_ALL, EXIT_SOME, EXIT_NONE = 0, 1, 2


class PrintedResults(Listener):
    """Prints results to stdout, warnings and errors to stderr.

    Args:
        report: path of an HTML report to write at the end, or None.
        overwrite: bool, replace what lies there.
        compare: bool, all cases are sessions of one person, which the report compares.
        quiet: bool, whether results are not printed.
        several: bool, whether lines name the model.
    """

    def __init__(self, *, report, overwrite, quiet, several, compare=False):
        self._path, self._overwrite, self._compare = report, overwrite, compare
        self._quiet, self._several = quiet, several
        self._sheet = None
        self._done, self._good, self._count = set(), 0, 0
        self._progress = Progress(0, "cases")
        self.wants_scans = report is not None
        if report is not None:
            from medzoo.reporting.sheet import checked_path

            checked_path(report)

    def __enter__(self):
        self._progress.__enter__()
        return self

    def __exit__(self, kind, error, trace):
        self._progress.__exit__(kind, error, trace)
        if error is None and self._sheet is not None:
            self._sheet.write()

    def begin(self, models, cases):
        """Starts progress and report; a place that it cannot have is refused."""
        self._progress.total = len(cases)
        if self._path is None:
            return
        from medzoo.reporting.sessions import visits_of
        from medzoo.reporting.sheet import ReportSheet

        (model,) = models
        self._sheet = ReportSheet(
            self._path,
            model.recipe.to_dict(),
            model.folder,
            weights_note="(verified in this run)",
            overwrite=self._overwrite,
        )
        images = {case.case_id: case.images for case in cases}
        self._sheet.begin(len(cases), images, visits_of(cases, together=self._compare))

    def result(self, model, result):
        """Prints one result, and adds it to the report."""
        # Not above: it needs numpy, and an unknown model is refused without.
        from medzoo.batch.case_records import sentence, tell

        record = result.record
        self._done.add(record["case_id"])
        self._progress(len(self._done))
        if self._sheet is not None:
            self._add(result)
        if self._several:
            record = {**record, "case_id": f"{record['case_id']} {model}"}
        tell(record, self._progress)
        self._count += 1
        if "error" in record:
            return
        self._good += 1
        if not self._quiet:
            self._progress.clear()
            sys.stdout.write(sentence(record) + "\n")

    def exit_code(self):
        """Returns 0 if every case has a result, 1 if some have, 2 if none has."""
        if self._good == self._count:
            return EXIT_ALL
        return EXIT_SOME if self._good else EXIT_NONE

    def _add(self, result):
        case, record = result.case, result.record
        if "error" in record:
            self._sheet.failed(case.case_id, case.images, record["error"])
        elif result.prediction is None:
            person = None
            # Elsewhere an age may be text, such as 89+: nobody is compared.
            if record.get("centiles"):
                from medzoo.inference.centiles import Person

                columns = case.columns
                person = Person.of(columns.get("age"), columns.get("sex"))
            self._sheet.earlier(case.case_id, case.images, result.scan, record, person)
        else:
            self._sheet.predicted(
                case.case_id, case.images, result.scan, result.x, result.prediction
            )
