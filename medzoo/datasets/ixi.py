"""The IXI data set: fetched, unpacked, and listed in a cases.csv.

Nearly 600 healthy volunteers, three London hospitals, T1, T2 and PD; CC BY-SA 3.0,
https://brain-development.org/ixi-dataset/.
"""

import csv
import io
import re
from pathlib import Path

from medzoo.datasets.download import download
from medzoo.datasets.ixi_demographics import Person, read_demographics
from medzoo.datasets.tar_images import extract_images
from medzoo.errors import InputError
from medzoo.files import write_text_atomically

# The site offers no https for these. MD5 as in TorchIO and other public loaders.
BASE_URL = "http://biomedic.doc.ic.ac.uk/brain-development/downloads/IXI"
ARCHIVES = {
    "t1": ("IXI-T1.tar", "34901a0593b41dd19c1a1f746eac2d58"),
    "t2": ("IXI-T2.tar", "e3140d78730ecdd32ba92da48c0a9aaa"),
    "pd": ("IXI-PD.tar", "88ecd9d1fa33cb4a2278183b42ffd749"),
}
SPREADSHEET = ("IXI.xls", "066002afe250e4375d132266fcfceac5")
SEQUENCES = tuple(ARCHIVES)
COLUMNS = ("case_id", *SEQUENCES, "age", "sex", "site", "subject")
# IXI002-Guys-0828-T1.nii.gz: subject, site, scan, sequence.
NAME = r"(?P<case>IXI(?P<subject>\d{3})-(?P<site>[A-Za-z]+)-\d+)-%s\.nii\.gz"
# Left beside the unpacked images of an archive, with its MD5.
COMPLETE = "complete.txt"


def download_ixi(
    folder,
    sequences=SEQUENCES,
    *,
    base_url=BASE_URL,
    archives=ARCHIVES,
    spreadsheet=SPREADSHEET,
    keep_archives=False,
    say=None,
    progress=None,
):
    """Fetches IXI and lists it. What is there already is not fetched again.

    Args:
        folder: path, made if it is not there: images go to its folders t1, t2 and pd.
        sequences: of "t1", "t2" and "pd". Each archive takes 3 to 5 GB.
        base_url: str, where the archives lie: a mirror, for instance.
        archives: dict of sequence -> file name and MD5.
        spreadsheet: file name and MD5.
        keep_archives: bool, whether archives stay once they are unpacked.
        say: callable taking a line, or None.
        progress: callable `(file, bytes_done, bytes_in_all or None)`, or None.

    Returns:
        Path of `folder`/cases.csv, see `write_cases`.

    Raises:
        InputError: for a sequence that IXI does not have, or without what reads
            spreadsheets.
        OfflineError, IntegrityError: see `medzoo.datasets.download.download`.
        FileFormatError: for a damaged archive.
    """
    folder = Path(folder)
    unknown = sorted(set(sequences) - set(archives))
    if unknown or not sequences:
        raise InputError(
            f"Sequences of IXI are {list(archives)}. Received: {list(sequences)}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    say = say or (lambda line: None)

    def fetch(name, md5):
        say(f"{base_url}/{name}")
        watch = progress and (lambda done, total: progress(name, done, total))
        return download(f"{base_url}/{name}", folder / name, md5=md5, progress=watch)

    table = fetch(*spreadsheet)
    # Before gigabytes arrive: can the spreadsheet be read at all?
    people = read_demographics(_as_saved_by_hand(table))
    for sequence in sequences:
        name, md5 = archives[sequence]
        mark = folder / sequence / COMPLETE
        if mark.is_file() and mark.read_text(encoding="utf-8").strip() == md5:
            continue
        archive = fetch(name, md5)
        pattern = NAME % sequence.upper()
        images = extract_images(archive, folder / sequence, pattern)
        write_text_atomically(mark, f"{md5}\n")
        say(f"{len(images)} images in {folder / sequence}")
        if not keep_archives:
            archive.unlink()
    return write_cases(folder, people)


def write_cases(folder, people):
    """Lists the images of a folder in its cases.csv.

    One row a scan session, by case_id, with the columns case_id, t1, t2, pd, age
    (years), sex (M or F), site and subject. Sequences that a session lacks, and what
    is not known of its subject, are empty cells; sessions of one subject share
    `subject`, so that splits can keep them together.

    Args:
        folder: path with folders t1, t2, pd, of which some may be absent.
        people: dict of subject number -> `Person`, see `read_demographics`.

    Returns:
        Path of the cases.csv.

    Raises:
        InputError: if there is no image.
    """
    folder = Path(folder)
    rows = {}
    for sequence in SEQUENCES:
        for path in sorted((folder / sequence).glob("*.nii.gz")):
            if match := re.fullmatch(NAME % sequence.upper(), path.name):
                row = rows.setdefault(match["case"], _row(match, people))
                row[sequence] = f"{sequence}/{path.name}"
    if not rows:
        raise InputError(
            f"A folder must hold images of IXI in its folders {list(SEQUENCES)}. "
            f"Received: none in {folder}. Fetch them with `medzoo download ixi`."
        )
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[case_id] for case_id in sorted(rows))
    return write_text_atomically(folder / "cases.csv", text.getvalue())


def _row(match, people):
    person = people.get(int(match["subject"]), Person())
    return {
        "case_id": match["case"],
        "age": "" if person.age is None else f"{person.age:g}",
        "sex": person.sex or "",
        "site": match["site"],
        "subject": f"IXI{match['subject']}",
    }


def _as_saved_by_hand(table):
    """The csv that a user saved beside the spreadsheet, or the spreadsheet."""
    saved = table.with_suffix(".csv")
    return saved if saved.is_file() else table
