import inspect
import pickle

import pytest

from medzoo import errors

ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.MedzooError)
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: e.__name__)
def test_survives_pickling_with_its_message(error):
    message = "A rule in a.nii. Received: x=1. Do this."

    copy = pickle.loads(pickle.dumps(error(message)))

    assert type(copy) is error
    assert str(copy) == message


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("FileFormatError", ValueError),
        ("GeometryError", ValueError),
        ("InputError", ValueError),
        ("RecipeError", ValueError),
        ("IntegrityError", OSError),
        ("OfflineError", ConnectionError),
        ("ResourceError", MemoryError),
        ("MissingFileError", FileNotFoundError),
    ],
)
def test_is_caught_as_the_builtin(name, builtin):
    error = getattr(errors, name)

    with pytest.raises(builtin, match=r"^text$"):
        raise error("text")
    assert issubclass(error, errors.MedzooError)


def test_warning_is_a_user_warning_and_no_error():
    assert issubclass(errors.MedzooWarning, UserWarning)
    assert not issubclass(errors.MedzooWarning, errors.MedzooError)
