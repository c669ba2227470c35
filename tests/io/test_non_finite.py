import numpy as np
import pytest

from medzoo.errors import InputError, MedzooWarning
from medzoo.io import read


def test_some_non_finite_voxels_become_the_lowest_value(save):
    array = np.arange(5, 29, dtype="f4").reshape(2, 3, 4)
    array[1, 1, 1], array[0, 1, 1] = np.nan, -np.inf

    with pytest.warns(MedzooWarning, match="finite=2 of 24") as caught:
        volume = read(save("a.nii", array))

    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert volume.warnings == (str(caught[0].message),)
    assert volume.array[1, 1, 1] == volume.array[0, 1, 1] == 5


def test_some_non_finite_voxels_become_zero_where_there_is_zero(save):
    array = np.arange(-5, 19, dtype="f4").reshape(2, 3, 4)
    array[1, 1, 1] = np.inf

    with pytest.warns(MedzooWarning, match="set to 0"):
        volume = read(save("a.nii", array))

    assert volume.array[1, 1, 1] == 0


def test_float64_beyond_float32_counts_as_not_finite(save):
    array = np.arange(24.0).reshape(2, 3, 4)
    array[1, 1, 1] = 1e300

    with pytest.warns(MedzooWarning, match="finite=1 of 24"):
        assert read(save("a.nii", array)).array[1, 1, 1] == 0


@pytest.mark.parametrize("count", [13, 24])
def test_mostly_non_finite_is_refused(save, count):
    array = np.ones(24, "f4")
    array[:count] = np.nan

    path = save("a.nii", array.reshape(2, 3, 4))
    with pytest.raises(InputError, match=rf" in .*a\.nii\. .*finite={count} of 24"):
        read(path)


def test_however_many_outside_an_object_are_background(save):
    array = np.full((30, 30, 30), np.nan, "f4")
    array[8:24, 8:24, 8:24] = 7
    array[10, 10, 10] = np.nan

    with pytest.warns(MedzooWarning, match="not finite=22905 of 27000"):
        volume = read(save("a.nii", array))

    assert set(np.unique(volume.array)) == {7.0}


def test_many_inside_an_object_are_refused(save):
    array = np.ones((30, 30, 30), "f4")
    array[np.random.default_rng(0).random(array.shape) < 0.4] = np.nan

    with pytest.raises(InputError, match="within the object"):
        read(save("a.nii", array))
