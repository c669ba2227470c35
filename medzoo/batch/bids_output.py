"""Results as a BIDS derivative: entities, sidecars, a table of participants."""

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path

from medzoo._version import __version__
from medzoo.batch.image_output import STANDARD_ENDING
from medzoo.batch.record_columns import as_cell, columns_of, meaning_of
from medzoo.datasets.bids.scans import CHANNELS
from medzoo.errors import InputError
from medzoo.files import replace_atomically, write_text_atomically
from medzoo.inference.sides import published_classes
from medzoo.inference.tasks import TASKS

BIDS_VERSION = "1.10.0"
DESCRIPTION = "dataset_description.json"
# Hidden folders are no part of a BIDS tree: files for resuming are kept there.
WORK_FOLDER = ".medzoo"
# Tables of whole cohorts are no part of the standard.
IGNORED = (".bidsignore", "cohort.*\n")
NOT_KNOWN = "n/a"
PEOPLE = {
    "age": {"Description": "Age, from the data set", "Units": "year"},
    "sex": {
        "Description": "Sex, from the data set",
        "Levels": {"F": "female", "M": "male"},
    },
}


class BidsOutput:
    """Writes one model's results into a derivative.

    Args:
        folder: path, made if it is not there.
        recipe: dict.
        tree: `medzoo.datasets.bids.cases.BidsTree` that the results are of.
        overwrite: bool, replace results that somebody changed.

    Raises:
        InputError: if the folder holds something else than a derivative of medzoo.
    """

    def __init__(self, folder, recipe, tree, *, overwrite=False):
        self.folder = Path(folder)
        self.recipe = recipe
        self.tree = tree
        self.overwrite = overwrite
        self.model = f"{recipe['name']}@{recipe['version']}"
        # Labels of BIDS have letters and digits alone.
        self.label = re.sub(r"[^A-Za-z0-9]", "", recipe["name"])
        self.gives_labels = TASKS[recipe["task"]].gives_labels
        self._check_ours()

    @property
    def work_folder(self):
        """Path where images are written first, and where a run is resumed from."""
        return self.folder / WORK_FOLDER / self.recipe["name"]

    def begin(self):
        """Makes the folder and its description."""
        self.work_folder.parent.mkdir(parents=True, exist_ok=True)
        _write_json(self.folder / DESCRIPTION, self._description())
        write_text_atomically(self.folder / IGNORED[0], IGNORED[1])

    def add(self, record, case):
        """Adds the image of a case.

        Args:
            record: dict with "case_id" and, for tasks with images, "output".
            case: `Case`.

        Returns:
            dict, the record with the new path, or with an error where somebody
            changed the existing image.
        """
        if "error" in record or "output" not in record:
            return record
        spaces = {"": None}
        if "standard_space" in record:
            spaces[STANDARD_ENDING] = record["standard_space"]["space"]
        paths = {e: self._image_path(record["case_id"], s) for e, s in spaces.items()}
        for path in paths.values():
            if _was_changed(path) and not self.overwrite:
                told = (
                    "A result must not replace what was changed after medzoo wrote it. "
                    f"Received: {path}. Move it, or --overwrite to replace it."
                )
                return {"case_id": record["case_id"], "error": told}
        for ending, path in paths.items():
            source = Path(record["output"].removesuffix(".nii.gz") + ending + ".nii.gz")
            self._lay(source, path, self._side_car(record, spaces[ending]))
        return {**record, "output": str(paths[""])}

    def finish(self, records):
        """Writes a table of all people, and what its columns mean.

        A person has one row a table, so that each session has its own. Rows of people
        who are not in this run stay as they are.
        """
        (self.folder / "phenotype").mkdir(exist_ok=True)
        of_session = {}
        for record in records:
            person, _, session = record["case_id"].partition("_ses-")
            of_session.setdefault(session, {})[person] = self._row(record, person)
        for session, rows in of_session.items():
            name = self.recipe["name"] + (f"_ses-{session}" if session else "")
            table = self.folder / "phenotype" / f"{name}.tsv"
            kept = {row["participant_id"]: row for row in _rows_of(table)} | rows
            names = list(dict.fromkeys(name for row in kept.values() for name in row))
            text = io.StringIO()
            writer = csv.writer(text, delimiter="\t", lineterminator="\n")
            writer.writerow(names)
            for _, row in sorted(kept.items()):
                writer.writerow([row.get(name, NOT_KNOWN) for name in names])
            write_text_atomically(table, text.getvalue())
            _write_json(table.with_suffix(".json"), self._dictionary(names))
        self._write_participants()

    def _lay(self, source, path, side_car):
        """Links or copies an image and its sidecar into the derivative."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_atomically(path) as temporary:
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
        stem = path.name.removesuffix(".nii.gz")
        _write_json(path.with_name(f"{stem}.json"), side_car)
        if self.gives_labels:
            table = path.with_name(f"{stem}.tsv")
            write_text_atomically(table, self._class_table())

    def _check_ours(self):
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return
        try:
            text = (self.folder / DESCRIPTION).read_text(encoding="utf-8")
            content = json.loads(text)
            makers = [by.get("Name") for by in content.get("GeneratedBy", [])]
        except (OSError, ValueError, AttributeError, TypeError):
            makers = []
        if "medzoo" not in makers:
            raise InputError(
                "A derivative must be written to an empty folder or to an earlier "
                f"derivative of medzoo. Received: {self.folder}, which holds something "
                "else. Choose another output, as DIR/derivatives/medzoo."
            )

    def _description(self):
        link = os.path.relpath(self.tree.root.resolve(), self.folder.resolve())
        return {
            "Name": "Results of medzoo",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "License": self._licences(),
            "GeneratedBy": [
                {
                    "Name": "medzoo",
                    "Version": __version__,
                    "Description": "Predictions of models of the zoo medzoo",
                }
            ],
            "DatasetLinks": {"raw": link},
        }

    def _licences(self):
        """Of the weights of all models that wrote here."""
        try:
            text = (self.folder / DESCRIPTION).read_text(encoding="utf-8")
            earlier = json.loads(text).get("License", "").split(" and ")
        except (OSError, ValueError, AttributeError):
            earlier = []
        named = {*earlier, self.recipe.get("licence") or ""} - {"", NOT_KNOWN}
        return " and ".join(sorted(named)) or NOT_KNOWN

    def _image_path(self, case_id, space=None):
        scan = self.tree.sources[case_id]
        folder = scan.path.parent.relative_to(self.tree.root)
        stem = scan.stem if space is None else f"{scan.stem}_space-{space}"
        if self.gives_labels:
            name = f"{stem}_seg-{self.label}_dseg.nii.gz"
        else:
            name = f"{stem}_desc-{self.label}_{scan.suffix}.nii.gz"
        return self.folder / folder / name

    def _side_car(self, record, space=None):
        case = next(c for c in self.tree.cases if c.case_id == record["case_id"])
        paths = (path.relative_to(self.tree.root) for path in case.images.values())
        sources = [f"bids:raw:{path.as_posix()}" for path in paths]
        facts = {
            "Description": f"Made by {self.model} of the zoo medzoo",
            "Sources": sources,
            # The names of standard spaces are known to BIDS.
            "SpatialReference": sources[0] if space is None else space,
            "Model": self.model,
        }
        if space is not None:
            facts["StandardSpace"] = record["standard_space"]
        if self.gives_labels:
            return {**facts, "Manual": False}
        return {**facts, "SkullStripped": False}

    def _class_table(self):
        names, codes = published_classes(self.recipe)
        labels = range(len(names)) if codes is None else codes
        lines = (f"{n}\t{name}" for n, name in zip(labels, names, strict=True))
        return "\n".join(["index\tname", *lines]) + "\n"

    def _row(self, record, person):
        scan = self.tree.sources.get(record["case_id"])
        row = {"participant_id": person}
        row["source"] = NOT_KNOWN if scan is None else scan.path.name
        row |= {"warnings": NOT_KNOWN, "error": NOT_KNOWN} | columns_of(record)
        last = {name: row.pop(name) for name in ("warnings", "error")}
        return {name: as_cell(value) for name, value in (row | last).items()}

    def _dictionary(self, names):
        told = {
            "participant_id": {"Description": "Person"},
            "source": {"Description": f"Scan, a {', '.join(CHANNELS)} image"},
        }
        found = {"MeasurementToolMetadata": {"Description": f"{self.model} of medzoo"}}
        for name in names:
            found[name] = told.get(name) or meaning_of(name, self.recipe)
        return found

    def _write_participants(self):
        """Everyone with a result, with age and sex from the data set."""
        table = self.folder / "participants.tsv"
        rows = {row["participant_id"]: row for row in _rows_of(table)}
        for path in self.folder.glob("sub-*"):
            rows.setdefault(path.name, {"participant_id": path.name})
        for other in (self.folder / "phenotype").glob("*.tsv"):
            for row in _rows_of(other):
                person = row["participant_id"]
                rows.setdefault(person, {"participant_id": person})
        for case in self.tree.cases:
            row = rows.get(case.columns["subject"])
            if row is not None:
                row |= {n: case.columns[n] for n in PEOPLE if n in case.columns}
        names = ["participant_id", *PEOPLE]
        names = [n for n in names if any(n in row for row in rows.values())]
        lines = [
            "\t".join(as_cell(row.get(name, NOT_KNOWN)) for name in names)
            for _, row in sorted(rows.items())
        ]
        write_text_atomically(table, "\n".join(["\t".join(names), *lines]) + "\n")
        told = {name: PEOPLE[name] for name in names if name in PEOPLE}
        _write_json(table.with_suffix(".json"), told)


def _rows_of(table):
    """The rows of a table that medzoo wrote."""
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _was_changed(image):
    """Whether an image is newer than its sidecar, which is written after it."""
    side_car = image.with_name(image.name.removesuffix(".nii.gz") + ".json")
    try:
        return image.stat().st_mtime > side_car.stat().st_mtime
    except OSError:
        return False


def _write_json(path, content):
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_text_atomically(path, text + "\n")
