"""Records of predicted cases: printed and written."""

import csv
import io
import json
import sys
from contextlib import suppress
from pathlib import Path

from medzoo.batch.row_check import CHECK_COLUMN, with_check
from medzoo.files import write_text_atomically
from medzoo.inference.prediction import USUAL_COVERAGE, interval_text, volumes_text

# What made a result, and from what, in tables.
MODEL_COLUMN, INPUT_COLUMN = "model", "input_sha256"
LAST = (MODEL_COLUMN, INPUT_COLUMN, "warnings", "error", CHECK_COLUMN)
# What a line for people leaves out.
UNSAID = ("case_id", "warnings", "warning_kinds")
# A spreadsheet runs a cell that begins so.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sentence(record):
    """Returns a record as one readable line."""
    if "label" in record:
        share = record["probabilities"][record["label"]]
        return f"{record['case_id']}: {record['label']} (probability {share:.2f})"
    if "output" in record:
        return f"{record['case_id']}: {record['output']}{_details(record)}"
    if "value" not in record:
        others = (f"{k} {v}" for k, v in record.items() if k not in UNSAID)
        return f"{record['case_id']}: {', '.join(others)}"
    text = f"{record['case_id']}: {record['value']:.1f} {record['unit']}"
    if "interval" in record:
        coverage = record.get("coverage", USUAL_COVERAGE)
        text += f" ({interval_text(record['interval'], coverage)})"
    return text


def _details(record):
    if "volumes_ml" not in record:
        return ""
    return f" ({volumes_text(record['volumes_ml'])})"


def write_records(path, records):
    """Writes records as a table (.csv, .tsv) or a JSON list (.json), atomically."""
    path = Path(path)
    if path.suffix.lower() == ".json":
        told = [with_check(record) for record in records]
        text = json.dumps(told, indent=1, allow_nan=False) + "\n"
    else:
        text = _table(records, "\t" if path.suffix.lower() == ".tsv" else ",")
    write_text_atomically(path, text)


def cell(value):
    """Returns a cell of a table: text that a spreadsheet would run is quoted by '."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _table(records, delimiter):
    rows = []
    for record in records:
        row = {"case_id": record["case_id"]}
        if "label" in record:
            row["label"] = record["label"]
            shares = record["probabilities"]
            # A class may be named as a column is.
            taken = ("case_id", "label", "uncertainty", *LAST)
            row.update(
                {n if n not in taken else f"p({n})": p for n, p in shares.items()}
            )
        elif "value" in record:
            row.update(value=record["value"], unit=record["unit"])
            if "interval" in record:
                row["interval_low"], row["interval_high"] = record["interval"]
        if "uncertainty" in record:
            row["uncertainty"] = record["uncertainty"]
        for name in (MODEL_COLUMN, INPUT_COLUMN):
            if name in record:
                row[name] = record[name]
        row["warnings"] = "; ".join(record.get("warnings", []))
        row["error"] = record.get("error", "")
        rows.append(with_check(row))
    names = dict.fromkeys(name for row in rows for name in row)
    header = [n for n in names if n not in LAST] + [n for n in LAST if n in names]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(row.get(name, "")) for name in header] for row in rows)
    return text.getvalue()


def tell(record, progress):
    """Prints errors and warnings of a case to stderr, one line each.

    Args:
        record: dict of one case, as `medzoo.predict` gives it.
        progress: `Progress` whose line makes way.
    """
    lines = [f"warning: {record['case_id']}: {w}" for w in record.get("warnings", [])]
    if "error" in record:
        lines.append(f"error: {record['case_id']}: {record['error']}")
    for line in lines:
        progress.clear()
        shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        with suppress(OSError):
            sys.stderr.write(f"medzoo: {shown}\n")
