"""The numbers of a job as a table: JSON records, or a long CSV."""

import csv
import io

from medzoo.batch.case_records import cell
from medzoo.serve.jobs import Job

HEADER = ("case_id", "model", "quantity", "value", "unit")
# What tables leave out: files of the server, and the rows that CSV is made of.
OF_THE_PAGE = ("files", "table")


def json_records(job: Job) -> list[dict]:
    """Gives one record a model, as `medzoo predict --json` prints them."""
    return [
        {
            "case_id": job.order.case_id,
            "model": name,
            **{k: v for k, v in record.items() if k not in OF_THE_PAGE},
        }
        for name, record in job.results.items()
    ]


def csv_text(job: Job) -> str:
    """Gives a row a number, which spreadsheets cannot take for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for name, record in job.results.items():
        model = record.get("model", name)
        rows = record.get("table") or [["error", record.get("error", ""), ""]]
        for quantity, value, unit in rows:
            row = (job.order.case_id, model, quantity, value, unit)
            writer.writerow([cell(part) for part in row])
    return text.getvalue()
