"""Names of uploads: hostile text, of which a suffix and a line to show are kept."""

from medzoo.batch.input_cases import case_name

# What a single file can hold; of a pair the other half would be missing.
SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".mgz", ".mgh", ".zip", ".dcm", ".ima")
MOST_SHOWN = 80


def shown_name(name: str) -> str:
    """Gives the last part of a name as one printable line of at most 80 letters."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    line = "".join(char if char.isprintable() else "?" for char in last).strip()
    if len(line) > MOST_SHOWN:
        # The end tells the kind of file.
        line = f"{line[: MOST_SHOWN - 21]}…{line[-20:]}"
    return line if line.strip(". ") else "scan"


def suffix_of(name: str) -> str | None:
    """Gives the suffix under which a file is kept.

    Args:
        name: The name that a browser or a script sent.

    Returns:
        One of `SUFFIXES`; "" for a name without a suffix, as DICOM files have; None for
        another kind of file.
    """
    last = shown_name(name).lower()
    for suffix in SUFFIXES:
        if last.endswith(suffix) and last != suffix:
            return suffix
    end = last.rpartition(".")[2] if "." in last else ""
    # Names of DICOM files may be bare UIDs: their last number is no suffix.
    return "" if not end or end.isdecimal() else None


def case_id_of(name: str) -> str:
    """Gives a name as a case_id, which is safe in every file name and header."""
    return case_name(shown_name(name)).strip("._") or "scan"
