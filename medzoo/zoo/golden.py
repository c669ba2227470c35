"""expected.json: golden outputs of a model for a closed-form input."""

import json
from pathlib import Path

from medzoo.errors import IntegrityError
from medzoo.files import write_text_atomically

EXPECTED_FILE = "expected.json"
# Sizes along axes that a network leaves open.
OPEN_SIZE = 32
NUM_KEPT = 500
# Small waves: with large ones the output is so far from any real one that the order of
# sums, which differs between machines, shows in the third decimal.
AMPLITUDE = 0.1


def golden_input(input_shape):
    """Returns two volumes of smooth waves, `(2, x, y, z, channels)` float32.

    Closed form, so that no random generator's version matters.

    Args:
        input_shape: four ints or None, `(x, y, z, channels)`.
    """
    import numpy as np

    *sizes, channels = (OPEN_SIZE if n is None else n for n in input_shape)
    axes = np.meshgrid(*(np.arange(n) for n in sizes), indexing="ij")
    volumes = [
        [
            AMPLITUDE
            * sum(np.cos(0.3 * (a + 1) * axis + c + v) for a, axis in enumerate(axes))
            for c in range(channels)
        ]
        for v in range(2)
    ]
    return np.moveaxis(np.array(volumes, np.float32), 1, -1)


def golden_outputs(model):
    """Returns the outputs of a model for the golden input, as nested lists.

    Of outputs with many numbers, such as images, `(2, NUM_KEPT)` evenly spaced ones.
    """
    import numpy as np

    answer = model.predict_on_batch(golden_input(model.input_shape[1:]))
    answer = np.asarray(answer, np.float64)
    if answer[0].size > NUM_KEPT:
        flat = answer.reshape(len(answer), -1)
        index = np.linspace(0, flat.shape[1] - 1, NUM_KEPT).astype(int)
        answer = flat[:, index]
    return answer.round(5).tolist()


def write_expected(model, folder):
    """Writes the golden outputs of a model beside its weights."""
    content = {
        "input": "medzoo.zoo.golden.golden_input",
        "outputs": golden_outputs(model),
    }
    write_text_atomically(Path(folder) / EXPECTED_FILE, json.dumps(content) + "\n")


def read_expected(folder):
    """Returns the golden outputs beside a model's weights, as an array of floats.

    Raises:
        IntegrityError: if the file holds none.
    """
    import numpy as np

    path = Path(folder) / EXPECTED_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return np.asarray(content["outputs"], np.float64)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise IntegrityError(
            f"Golden outputs must be numbers in {path}. "
            f"Received: {type(error).__name__}. Get the model again."
        ) from error
