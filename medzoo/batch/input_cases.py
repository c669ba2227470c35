"""The inputs of `medzoo predict` as cases."""

from dataclasses import replace
from pathlib import Path

from medzoo.data.cases.case import CASE_ID, Case
from medzoo.data.cases.table_rows import TABLE_SUFFIXES
from medzoo.datasets.bids import is_bids
from medzoo.datasets.known_layouts import is_layout
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError
from medzoo.inference.centiles import Person
from medzoo.io.remote import is_url, listed, local_or_url
from medzoo.volume import Volume

# What is taken off a file's name.
SUFFIXES = (".gz", ".nii", ".hdr", ".img", ".nrrd", ".nhdr", ".mha", ".mhd", ".npy")
SUFFIXES += (".mgh", ".mgz", ".dcm", ".ima", ".zip")
# Of a folder's files these are images; of pairs the header stands for both.
IMAGE_SUFFIXES = (".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd")
IMAGE_SUFFIXES += (".mgh", ".mgz")
# Columns of a case table that say who was scanned.
PERSON_COLUMNS = ("age", "sex")
KINDS = (
    "Give an image (path or Volume), a list of images, a dict of channel -> image, a "
    "folder of images, or a cases.csv"
)


def with_person(cases, age, sex):
    """Returns the cases with an age and a sex where a table did not give them.

    Raises:
        InputError: for what is no age or no sex.
    """
    # Each alone: a person is compared only if both are known.
    Person.of("" if age is None else age, "F")
    Person.of(0, "" if sex is None else sex)
    given = {"age": age, "sex": sex}
    known = {k: str(v) for k, v in given.items() if v is not None}
    return [replace(c, columns={**known, **c.columns}) for c in cases]


def cases_of(given, channels, *, keep_folders=False):
    """Returns the cases of a table, files, a folder or a mapping.

    Args:
        given: an image (path or Volume) of the first channel; list of these, each a
            case named after its file; dict of channel -> image, one case; path of a
            folder, each image in it a case, or of DICOM, one case; path of a table of
            cases (.csv, .tsv), or "bids:DIR"; or list of `Case`.
        channels: list of dict `{"name", "required"}` of the recipe.
        keep_folders: bool, images of one name in several folders get the folder's name
            before their own.

    Returns:
        list of `Case`.

    Raises:
        InputError: for anything else, names that are not unique, or a malformed table.
    """
    first = channels[0]["name"]
    if isinstance(given, dict):
        return [_one_case(given)]
    if isinstance(given, Volume):
        return [Case(case_id="scan", images={first: given})]
    if isinstance(given, str) and not given.strip():
        # To pathlib that is the working folder.
        given = None
    if isinstance(given, (str, Path)):
        path = local_or_url(given)
        if is_bids(given) or is_layout(given) or is_table(path):
            return read_table(path if is_table(path) else given, channels)
        given = _images_in(path)
    if not isinstance(given, (list, tuple)) or not given:
        raise InputError(
            f"A prediction needs at least one case. Received: {_shown(given)}. {KINDS}."
        )
    if all(isinstance(item, Case) for item in given):
        return list(given)
    _check_images(given)
    images = [i if isinstance(i, Volume) else local_or_url(i) for i in given]
    names = _names_of(images, keep_folders=keep_folders)
    return [
        Case(case_id=name, images={first: image})
        for name, image in zip(names, images, strict=True)
    ]


def _check_images(given):
    for item in given:
        if not isinstance(item, (str, Path, Volume)):
            raise InputError(
                "Each case of a list must be an image of the first channel. "
                f"Received: {_shown(item)}. {KINDS}."
            )


def is_table(path):
    """Whether a path names a table of cases."""
    return Path(path).suffix.lower() in TABLE_SUFFIXES


def table_of(given):
    """Returns the table that a user gave, in a list, or an empty one."""
    given_table = isinstance(given, (str, Path)) and is_table(given)
    return [local_or_url(given)] if given_table else []


def read_table(path, channels):
    """Returns the cases of a table, with age and sex where it has them."""
    return read_cases(path, channels, columns=PERSON_COLUMNS)


def case_name(path):
    """Returns a file's name without the suffixes of images, as a case_id."""
    name = Path(path).name
    while Path(name).suffix.lower() in SUFFIXES and Path(name).stem:
        name = Path(name).stem
    cleaned = "".join(c if CASE_ID.fullmatch(c) else "_" for c in name)[:128]
    return cleaned if cleaned.strip(".") else "case"


def _one_case(given):
    images = {}
    for name, image in given.items():
        if not isinstance(name, str) or not isinstance(image, (str, Path, Volume)):
            raise InputError(
                "A case must be a dict of channel -> image. "
                f"Received: {name!r}: {_shown(image)}. {KINDS}."
            )
        images[name] = image if isinstance(image, Volume) else local_or_url(image)
    if not images:
        raise InputError(f"A case must have an image. Received: {{}}. {KINDS}.")
    first = next(iter(images.values()))
    name = "scan" if isinstance(first, Volume) else case_name(first)
    return Case(case_id=name, images=images)


def _images_in(folder):
    """The images in a folder or below a prefix that ends in /; an image is its own."""
    if is_url(folder):
        return _objects_in(folder) if folder.endswith("/") else [folder]
    if not folder.is_dir():
        return [folder]
    found = sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().endswith(IMAGE_SUFFIXES)
        and not path.name.startswith(".")
        and path.is_file()
    )
    # A folder without is an image itself (DICOM), or refused when it is read.
    return found or [folder]


def _objects_in(prefix):
    names = sorted(
        name
        for name in listed(prefix)
        if name.lower().endswith(IMAGE_SUFFIXES) and "/" not in name
    )
    return [prefix + name for name in names]


def _names_of(images, *, keep_folders):
    names = []
    for number, image in enumerate(images, 1):
        one_alone = "scan" if len(images) == 1 else f"scan-{number}"
        names.append(one_alone if isinstance(image, Volume) else case_name(image))
    if keep_folders and len(set(names)) < len(names):
        names = [
            case_name(f"{Path(image).absolute().parent.name}_{name}")
            for image, name in zip(images, names, strict=True)
        ]
    seen = {}
    for name, image in zip(names, images, strict=True):
        if name in seen:
            raise InputError(
                f"Images must differ in their file names. Received: {seen[name]} and "
                f"{image}, both case {name}. Use --keep-folders, or --cases with a "
                "case_id each."
            )
        seen[name] = image
    return names


def _shown(value):
    """A value as one word: an array compares with nothing."""
    empty = isinstance(value, (list, tuple)) and not value
    return repr(value) if value is None or empty else type(value).__name__
