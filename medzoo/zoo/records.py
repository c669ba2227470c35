"""Records: what is said and written of each case that was predicted."""

import csv
import io
import json
import sys
from pathlib import Path

from medzoo.errors import InputError, MissingFileError
from medzoo.files import write_text_atomically

TABLE_SUFFIXES = (".csv", ".json")


def sentence(record):
    """Returns one line for people."""
    if "label" in record:
        share = record["probabilities"][record["label"]]
        return f"{record['case_id']}: {record['label']} (probability {share:.2f})"
    if "output" in record:
        return f"{record['case_id']}: {record['output']}{_details(record)}"
    text = f"{record['case_id']}: {record['value']:.1f} {record['unit']}"
    if "interval" in record:
        low, high = record["interval"]
        text += f" (90 % interval {low:.1f} to {high:.1f})"
    return text


def _details(record):
    if "volumes_ml" not in record:
        return ""
    volumes = [f"{name} {ml:.1f} ml" for name, ml in record["volumes_ml"].items()]
    return f" ({', '.join(volumes)})"


def write_records(path, records):
    """Writes records as a table (.csv) or a JSON list (.json), atomically."""
    path = Path(path)
    if path.suffix.lower() == ".json":
        text = json.dumps(records, indent=1, allow_nan=False) + "\n"
    else:
        text = _table(records)
    write_text_atomically(path, text)


def _table(records):
    rows = []
    for record in records:
        row = {"case_id": record["case_id"]}
        if "label" in record:
            row["label"] = record["label"]
            row.update(record["probabilities"])
        elif "value" in record:
            row.update(value=record["value"], unit=record["unit"])
            if "interval" in record:
                row["interval_low"], row["interval_high"] = record["interval"]
        if "uncertainty" in record:
            row["uncertainty"] = record["uncertainty"]
        row["warnings"] = "; ".join(record.get("warnings", []))
        row["error"] = record.get("error", "")
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    last = ("warnings", "error")
    header = [n for n in names if n not in last] + list(last)
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def tell(record, progress):
    """Says on stderr what went wrong, or is doubtful, one line each.

    Args:
        record: dict of one case, from `Predictor.records`.
        progress: `Progress` whose line makes way.
    """
    lines = [f"warning: {record['case_id']}: {w}" for w in record.get("warnings", [])]
    if "error" in record:
        lines.append(f"error: {record['case_id']}: {record['error']}")
    for line in lines:
        progress.clear()
        shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        sys.stderr.write(f"medzoo: {shown}\n")


def check_table(path):
    """Refuses a place that a table cannot have; None is no place.

    Raises:
        InputError: for another suffix.
        MissingFileError: if its folder does not exist.
    """
    if path is None:
        return
    path = Path(path)
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise InputError(
            f"Results of this task are written as {' or '.join(TABLE_SUFFIXES)}. "
            f"Received: output={path}. Choose another suffix."
        )
    if not path.parent.is_dir():
        raise MissingFileError(
            f"The folder of the output must exist. Received: output={path}. "
            "Make it first."
        )
