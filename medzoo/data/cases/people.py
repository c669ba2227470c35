"""Person, age and sex of a case, from tables of various origins."""

import math
import re
import unicodedata
from pathlib import PurePath

# In this order; names are compared by their letters and digits alone.
SURE_COLUMNS = (
    "subject",
    "subject_id",
    "participant_id",
    "participant",
    "sub",
    "patient_id",
    "patient",
    "person_id",
    "person",
    "sub_id",
    "subj",
    "subj_id",
    "bids_subject",
    "patient_name",
)
# Of cohorts and of systems that collect data: ADNI, UK Biobank, IXI, CDISC. The last
# may number rows, which then are a person each, as without it.
PERSON_COLUMNS = (*SURE_COLUMNS, "ptid", "rid", "eid", "pid", "ixi_id", "usubjid", "id")
PERSON_COLUMNS += ("mrn", "guid", "name", "full_name")
# What a column of any other name is called that tells people apart: a word for a
# person, and words for a number or a name around it (`src_subject_id`, `Patient Nr.`,
# `Probandennummer`, `code_sujet`).
PERSON_WORDS = (
    *("subject", "subj", "patient", "participant", "person", "volunteer", "record"),
    *("pseudonym", "proband", "versuchsperson", "sujet", "personne", "volontaire"),
    *("sujeto", "paciente", "participante", "persona", "soggetto", "paziente"),
    *("partecipante", "sujeito", "pessoa", "deelnemer", "pacjent", "forsoksperson"),
    *("被験者", "患者", "被试", "受试者", "피험자", "환자", "пациент", "испытуемыи"),
)
NUMBER_WORDS = "id|ids|no|nr|num|number|nummer|numero|code|key|label|name|identifier"
NUMBER_WORDS += "|kennung|番号|编号|번호|номер"
PERSON_NAME = re.compile(
    f"(?:src|study|anon|de|du|del|{NUMBER_WORDS})*(?:{'|'.join(PERSON_WORDS)})"
    f"(?:en|in|s)?(?:{NUMBER_WORDS})*"
)
# An entity of BIDS, in the name of a file or folder.
BIDS_SUBJECT = re.compile(r"(?:^|[_/\\])(sub-[A-Za-z0-9]+)(?=$|[_./\\])", re.IGNORECASE)
# DICOM writes ages as 039Y, 018M, 003W, 010D.
DICOM_AGE = re.compile(r"(\d{1,3})([YMWD])", re.IGNORECASE)
DAYS = {"Y": 365.25, "M": 365.25 / 12, "W": 7.0, "D": 1.0}
AGES = (0.0, 125.0)
SEXES = {"f": "F", "female": "F", "w": "F", "woman": "F"}
SEXES |= {"m": "M", "male": "M", "man": "M"}


def bids_subject(text):
    """Returns `sub-XX` of a BIDS name or path, or None.

    Args:
        text: str or path; of several the last counts, which is the file's own.
    """
    found = BIDS_SUBJECT.findall(PurePath(text).as_posix())
    return found[-1] if found else None


def letters(name):
    """Returns the letters and digits of a column's name, in lower case, no accents."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(c for c in parts if not unicodedata.combining(c))
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFC", plain))


def names_people(name):
    """Whether a column's name says that its cells are people, in words of any kind."""
    return PERSON_NAME.fullmatch(letters(name)) is not None


def one_spelling(name):
    """Returns a person's name so that 01, 1.0 and sub-01 of one column are one."""
    name = name.casefold().removeprefix("sub-")
    number = re.fullmatch(r"0*(\d+)(?:\.0*)?", name)
    return name if number is None else number[1]


def plain_age(cell):
    """Returns a cell as it is, but ages of DICOM in years."""
    found = DICOM_AGE.fullmatch(cell)
    if found is None:
        return cell
    years = int(found[1]) * DAYS[found[2].upper()] / DAYS["Y"]
    return f"{years:.4g}"


def plain_sex(cell):
    """Returns "F" or "M" for a cell with a sex, else the cell."""
    return SEXES.get(cell.casefold(), cell)


def is_age(value):
    """Whether a number may be an age in years."""
    return math.isfinite(value) and AGES[0] <= value <= AGES[1]


def counted(cases):
    """Returns "12 scans of 10 people", of a list of `Case`."""
    people = len({case.person for case in cases})
    scans = "scan" if len(cases) == 1 else "scans"
    return f"{len(cases)} {scans} of {people} {'person' if people == 1 else 'people'}"
