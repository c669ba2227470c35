"""Cases that an earlier run has done: their results are read back."""

from medzoo.inference.prediction import Prediction
from medzoo.io import read
from medzoo.spatial.doubt import with_kinds


def read_earlier(record, task, person=None):
    """Reads the result of a case of an image task.

    Args:
        record: dict, the case's record in the folder's status file.
        task: the `TaskReport` of an image task.
        person: `medzoo.inference.centiles.Person` or None, without whom there are no
            centiles.

    Returns:
        `Prediction`.

    Raises:
        MedzooError: for a file that cannot be read any more.
    """
    result = read(record["output"])
    recipe = task.recipe
    content = {
        "task": recipe["task"],
        "model": f"{recipe['name']}@{recipe['version']}",
        "warnings": with_kinds(
            record.get("warnings", ()), record.get("warning_kinds") or ()
        ),
    }
    stored = task.stored(result, record)
    if stored.get("centiles") is not None:
        stored |= {"person": person} if person is not None else {"centiles": None}
    return Prediction(**content, **stored)
