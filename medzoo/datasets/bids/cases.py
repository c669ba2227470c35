"""A BIDS tree as a case table: one case a session, its channels by their suffix."""

from dataclasses import dataclass
from pathlib import Path

from medzoo.data.cases.case import Case
from medzoo.datasets.bids.participants import people_of
from medzoo.datasets.bids.scans import CHANNELS, Scan, scans_of
from medzoo.errors import InputError

PREFIX = "bids:"
FILTER_ADVICE = "Choose by --bids-filter, as run=1."
TARGETS = "_dseg.nii"
PERSON = ("age", "sex")


@dataclass(frozen=True)
class BidsTree:
    """What a tree holds for a model.

    Attributes:
        root: Path.
        cases: list of `Case`; `columns` have "subject", "session", "age" and "sex".
        sources: dict of case_id -> `Scan` of the first channel.
        problems: dict of case_id -> str, sessions that are not clear, and why.
    """

    root: Path
    cases: list
    sources: dict
    problems: dict


def is_bids(cases):
    """Whether a table of cases is "bids:DIR"."""
    return isinstance(cases, (str, Path)) and str(cases).startswith(PREFIX)


def read_bids(folder, channels, *, participants=None, entities=None, scans=None):
    """Lists the sessions that have a model's channels.

    Args:
        folder: path of the tree.
        channels: list of dict `{"name", "required"}` of a recipe.
        participants: list of str or None, labels of people; None for all.
        entities: dict of str -> str or None, what names must have where several scans
            could be meant, as `{"run": "1"}`.
        scans: list of `Scan` or None, what `scans_of` found: a tree is listed once for
            several models.

    Returns:
        `BidsTree`.

    Raises:
        MissingFileError: no such folder or person.
        InputError: no BIDS tree, nothing for the model, or the extra is missing.
    """
    root = Path(folder)
    sessions = {}
    for scan in scans_of(root, participants) if scans is None else scans:
        key = (scan.entities.get("sub"), scan.entities.get("ses"))
        sessions.setdefault(key, []).append(scan)
    people = people_of(root)
    tree = BidsTree(root, [], {}, {})
    for (subject, session), scans in sessions.items():
        _add_session(tree, channels, (subject, session), scans, entities or {}, people)
    if not tree.cases and not tree.problems:
        names = [channel["name"] for channel in channels]
        raise InputError(
            f"A BIDS tree must have scans for the model in {root}. Received: none of "
            f"the channels {names}. See `medzoo info`."
        )
    return tree


def bids_cases(text, channels, *, target=None, columns=()):
    """Reads "bids:DIR" as `medzoo.datasets.read_cases.read_cases` reads a table.

    A target that participants.tsv has is taken from there; any other is the label map
    `*_dseg` of the session, from the tree's derivatives.

    Args:
        text: str, "bids:DIR".
        channels: list of dict `{"name", "required"}`.
        target: str or None, the column with the truth.
        columns: further columns of participants.tsv to keep.

    Returns:
        list of `Case`.

    Raises:
        InputError: for a session with several scans of a channel: move what is not
            meant.
    """
    tree = read_bids(str(text).removeprefix(PREFIX), channels)
    if tree.problems:
        told = next(iter(tree.problems.values()))
        # Training and evaluation have no such option.
        raise InputError(
            told.replace(FILTER_ADVICE, "Move the other files out of the tree.")
        )
    people = people_of(tree.root)
    known = {name for row in people.values() for name in row}
    found = []
    for case in tree.cases:
        row = _person(people, case.columns["subject"], case.columns.get("session"))
        kept = {name: row[name] for name in columns if name in row}
        truth = None
        if target is not None:
            told = target.lower() in known
            truth = row.get(target.lower()) if told else _label_map(tree, case)
        found.append(
            Case(
                case_id=case.case_id,
                images=case.images,
                target=truth,
                columns={**case.columns, **kept},
                folder=tree.root,
            )
        )
    return found


def _add_session(tree, channels, key, scans, entities, people):
    subject, session = key
    case_id = f"sub-{subject}" + (f"_ses-{session}" if session else "")
    images, missing = {}, []
    for channel in channels:
        name = channel["name"]
        fitting = [s for s in scans if CHANNELS[s.suffix] == name]
        chosen = _filtered(fitting, entities)
        if len(chosen) > 1:
            names = ", ".join(scan.path.name for scan in chosen)
            tree.problems[case_id] = (
                f"A session must have one scan of each channel in {tree.root}. "
                f"Received: {names}. {FILTER_ADVICE}"
            )
            return
        if chosen:
            images[name] = chosen[0]
        elif channel.get("required", True):
            missing.append(name)
    if missing or not images:
        return  # another kind of session, as one of diffusion alone
    first: Scan = next(iter(images.values()))
    person = _person(people, subject, session)
    columns = {name: person[name] for name in PERSON if name in person}
    columns["subject"] = f"sub-{subject}"
    if session:
        columns["session"] = session
    case = Case(
        case_id=case_id,
        images={name: scan.path for name, scan in images.items()},
        columns=columns,
        folder=tree.root,
    )
    tree.cases.append(case)
    tree.sources[case.case_id] = first


def _filtered(scans, entities):
    """The scans that a filter leaves; where it fits none, all of them."""
    fitting = [
        scan
        for scan in scans
        if all(
            _plain(scan.entities.get(name)) == _plain(value)
            for name, value in entities.items()
        )
    ]
    return fitting if fitting or len(scans) > 1 else scans


def _plain(value):
    """Run 01 is run 1."""
    return value.lstrip("0") if value and value.isdecimal() else value


def _person(people, subject, session):
    subject = subject.removeprefix("sub-")
    found = people.get((subject, session))
    return found if found is not None else people.get((subject, None), {})


def _label_map(tree, case):
    """The path of a session's label map in the derivatives, from the tree; or None."""
    subject = case.columns["subject"]
    session = case.columns.get("session")
    where = f"{subject}/ses-{session}/anat" if session else f"{subject}/anat"
    pattern = f"derivatives/*/{where}/{case.case_id}*{TARGETS}*"
    found = sorted(tree.root.glob(pattern))
    if len(found) > 1:
        names = [str(path.relative_to(tree.root)) for path in found[:4]]
        raise InputError(
            f"A session must have one label map in {tree.root}. Received: {names}. "
            "Make a table and use --cases."
        )
    return str(found[0].relative_to(tree.root)) if found else None
