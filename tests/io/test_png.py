"""encode_png: pictures that other programs read."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.io.png import encode_png


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (6, 4, 3)])
def test_matplotlib_reads_what_was_written(tmp_path, shape):
    image = pytest.importorskip("matplotlib.image")
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(picture))
    found = np.rint(255 * image.imread(path)).astype(np.uint8)
    np.testing.assert_array_equal(found[..., :3] if len(shape) == 3 else found, picture)


@pytest.mark.parametrize(
    "picture", [np.zeros((3, 3)), np.zeros((2, 2, 4), np.uint8), np.zeros(0, np.uint8)]
)
def test_other_arrays_are_refused(picture):
    with pytest.raises(InputError, match="picture"):
        encode_png(picture)
