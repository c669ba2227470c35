"""AddCoordinates: the same numbers as the spatial step in an atlas's space."""

import keras
import numpy as np
import pytest

from medzoo.layers import AddCoordinates
from medzoo.spatial import Grid
from medzoo.spatial.atlas import atlas
from medzoo.spatial.coordinates import atlas_coordinates


@pytest.mark.parametrize("mirrored", [True, False])
def test_it_gives_what_the_spatial_step_gives_on_the_atlas_s_grid(mirrored):
    grid = Grid.centred((10, 12, 8), 4.0, (0, -18, 6))
    centre = atlas("ixi_t1_4mm").centre
    expected = atlas_coordinates(grid, np.eye(4), centre, mirrored=mirrored)
    origin = grid.affine[:3, 3] - centre * (0, 1, 1)
    layer = AddCoordinates(origin, spacing=4.0, mirrored=mirrored)
    x = np.random.default_rng(0).normal(size=(2, 10, 12, 8, 1)).astype("f4")

    found = keras.ops.convert_to_numpy(layer(x))

    np.testing.assert_array_equal(found[..., :1], x)
    for one in found:
        np.testing.assert_allclose(one[..., 1:], expected, atol=1e-5)
    assert layer.compute_output_shape(x.shape) == found.shape
    again = AddCoordinates.from_config(layer.get_config())
    np.testing.assert_array_equal(again(x), found)


def test_any_size_in_a_model():
    inputs = keras.Input((None, None, None, 2))
    model = keras.Model(inputs, AddCoordinates((0, 0, 0), (1, 2, 3), unit=1.0)(inputs))
    found = model.predict(np.zeros((1, 3, 2, 4, 2), "f4"), verbose=0)
    np.testing.assert_allclose(found[0, 2, 1, 3, 2:], (2, 2, 9))


@pytest.mark.parametrize(
    "arguments", [{"origin": (0, 0)}, {"origin": (0, 0, 0), "spacing": 0}]
)
def test_refuses_what_is_no_place(arguments):
    with pytest.raises(ValueError, match="origin"):
        AddCoordinates(**arguments)
