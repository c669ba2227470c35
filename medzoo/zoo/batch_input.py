"""What `medzoo predict` was given, as cases."""

from dataclasses import replace
from pathlib import Path

from medzoo.data.cases import CASE_ID, Case, read_cases
from medzoo.errors import InputError
from medzoo.io.dicom import is_dicom

SUFFIXES = (".gz", ".nii", ".hdr", ".img", ".nrrd", ".nhdr", ".mha", ".mhd", ".npy")
SUFFIXES += (".mgh", ".mgz", ".dcm", ".ima", ".zip")


# Columns of a case table that say who was scanned.
PERSON_COLUMNS = ("age", "sex")


def with_person(cases, age, sex):
    """Returns the cases with an age and a sex where a table did not give them."""
    given = {"age": age, "sex": sex}
    known = {k: str(v) for k, v in given.items() if v is not None}
    return [replace(c, columns={**known, **c.columns}) for c in cases]


def cases_of(given, channels):
    """Returns the cases of what a user gave.

    Args:
        given: path of a cases.csv; or of a DICOM folder, zip or file; or list of image
            paths (of the first channel), each a case named after its file; or dict of
            channel -> path, one case; or list of `Case`.
        channels: list of dict `{"name", "required"}` of the recipe.

    Returns:
        list of `Case`.

    Raises:
        InputError: for names that are not unique, or a malformed table.
    """
    if isinstance(given, dict):
        images = {name: Path(path) for name, path in given.items()}
        first = next(iter(images.values()))
        return [Case(case_id=case_name(first), images=images)]
    if isinstance(given, (str, Path)) and is_dicom(given):
        given = [given]
    if isinstance(given, (str, Path)):
        return read_cases(given, channels, columns=PERSON_COLUMNS)
    if all(isinstance(item, Case) for item in given):
        return list(given)
    paths = [Path(item) for item in given]
    first = channels[0]["name"]
    seen = {}
    for path in paths:
        name = case_name(path)
        if name in seen:
            raise InputError(
                f"Images must differ in their file names. Received: {seen[name]} and "
                f"{path}, both case {name}. Use --cases with a case_id each."
            )
        seen[name] = path
    return [Case(case_id=n, images={first: path}) for n, path in seen.items()]


def case_name(path):
    """Returns a file's name without the suffixes of images, as a case_id."""
    name = Path(path).name
    while Path(name).suffix.lower() in SUFFIXES and Path(name).stem:
        name = Path(name).stem
    cleaned = "".join(c if CASE_ID.fullmatch(c) else "_" for c in name)[:128]
    return cleaned if cleaned.strip(".") else "case"
