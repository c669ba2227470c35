"""Cases that an earlier run has done: their results are read back."""

import numpy as np

from medzoo.inference.prediction import Prediction
from medzoo.inference.sides import published_classes
from medzoo.io import read


def read_earlier(record, recipe):
    """Reads the result of a case of an image task.

    Args:
        record: dict, the case's record in the folder's status file.
        recipe: dict, the recipe's content.

    Returns:
        `Prediction`.

    Raises:
        MedzooError: for a file that cannot be read any more.
    """
    result = read(record["output"])
    content = {
        "task": recipe["task"],
        "model": f"{recipe['name']}@{recipe['version']}",
        "warnings": tuple(record.get("warnings", ())),
    }
    if recipe["task"] == "segmentation":
        names, codes = published_classes(recipe)
        content.update(
            labels=result,
            volumes_ml=record["volumes_ml"],
            class_names=names,
            codes=codes,
        )
    else:
        content["image"] = result
    if "embedding" in record:
        content["embedding"] = np.array(record["embedding"], np.float32)
    return Prediction(**content)
