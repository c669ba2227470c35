"""RandomAffine3D, RandomElasticTransform3D, RandomSpatial3D beyond shared laws."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.interpolate import BSpline

from medzoo import layers
from medzoo.layers.spline_displacement import cubic_b_splines, displacement_field
from medzoo.layers.warp import warp

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (2, 9, 10, 11, 2)).astype("f4")
STILL = {"rotation": 0, "scale": 0, "displacement": 0}
WARPS = ("RandomAffine3D", "RandomElasticTransform3D", "RandomSpatial3D")


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def with_draw(layer, **drawn):
    """The layer with a draw of ours in place of a random one."""
    layer.draw = lambda data, seed: {k: np.asarray(v, "f4") for k, v in drawn.items()}
    return layer


def control_of(layer, x=X, seed=3):
    return numpy_of(
        layer.get_random_transformation({"images": x}, seed=seed)["control"]
    )


def field_of(control, sizes):
    return np.stack([numpy_of(c) for c in displacement_field(control, sizes)], -1)


def still(name, **changes):
    names = {
        "RandomAffine3D": ("rotation", "scale"),
        "RandomElasticTransform3D": ("displacement",),
        "RandomSpatial3D": tuple(STILL),
    }[name]
    return getattr(layers, name)(**{k: STILL[k] for k in names}, **changes)


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
@pytest.mark.parametrize("name", WARPS)
def test_no_magnitude_is_exactly_the_identity(name, interpolation):
    layer = still(name, interpolation=interpolation, background=-7.0)
    data = {"images": X, "segmentation_masks": (X * 10).astype("i4"), "weights": X}

    found = layer(data, training=True)

    for key, value in data.items():
        np.testing.assert_array_equal(found[key], value)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "bool", "f2", "f4"])
@pytest.mark.parametrize("name", WARPS)
def test_label_maps_keep_type_and_labels(name, dtype):
    labels = np.where(X[..., :1] > 3, 1, 0) if dtype == "bool" else X[..., :1] // 2
    masks = np.abs(labels).astype(dtype)
    layer = getattr(layers, name)(seed=1)

    found = numpy_of(
        layer({"images": X, "segmentation_masks": masks}, training=True)[
            "segmentation_masks"
        ]
    )

    assert found.dtype == masks.dtype
    assert set(np.unique(found)) <= {0, *np.unique(masks)}
    assert not np.array_equal(found, masks)


def test_one_hot_masks_move_as_their_label_map():
    labels = RNG.integers(0, 3, (2, 9, 10, 11, 1))
    layer = layers.RandomSpatial3D(shift=0, rotation=5, scale=0, seed=1)

    def moved(masks):
        drawn = layer.get_random_transformation({"images": X}, seed=4)
        data = {"images": X, "segmentation_masks": masks}
        return numpy_of(layer.apply_transformation(data, drawn)["segmentation_masks"])

    one_hot = moved(np.eye(3, dtype="f4")[labels[..., 0]])
    inside = one_hot.sum(-1) == 1

    assert inside.mean() > 0.5
    np.testing.assert_array_equal(one_hot.argmax(-1), moved(labels)[..., 0])


@pytest.mark.parametrize("name", WARPS)
def test_sizes_that_are_not_static(name):
    layer = getattr(layers, name)(seed=2)
    expected = getattr(layers, name)(seed=2)(X[0], training=True)
    spec = tf.TensorSpec((None, None, None, 2))
    volumes = tf.data.Dataset.from_generator(lambda: [X[0]], output_signature=spec)

    found = next(iter(volumes.map(lambda x: layer(x, training=True))))

    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotation_about_one_axis_leaves_that_axis_alone(axis):
    rotation = [0.0, 0.0, 0.0]
    rotation[axis] = 40.0
    layer = layers.RandomAffine3D(rotation, scale=0, seed=1)

    matrix = numpy_of(layer.get_random_transformation({"images": X})["matrix"])

    unit = np.eye(3)[axis]
    np.testing.assert_allclose(matrix[:, axis], [unit, unit], atol=1e-6)
    np.testing.assert_allclose(matrix[:, :, axis], [unit, unit], atol=1e-6)
    assert np.abs(matrix - np.eye(3)).max() > 0.01


def test_three_coordinate_tensors_are_those_of_the_last_axis():
    index = RNG.uniform(-1, 9, (2, 3, 4, 5, 3)).astype("f4")

    one = warp(X, index)
    three = warp(X, [index[..., axis] for axis in range(3)])

    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize(("size", "points"), [(9, 4), (10, 7), (33, 5), (2, 4)])
def test_cubic_b_splines_agree_with_scipy(size, points):
    found = numpy_of(cubic_b_splines(size, points))

    knots = np.arange(-3, points + 1)
    # scipy's half-open last interval: just inside it.
    at = np.minimum(np.linspace(0, points - 3, size), points - 3 - 1e-7)
    expected = BSpline(knots, np.eye(points), 3)(at)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


def test_one_voxel_thin_axis_is_not_bent():
    x = X[:, :, :, :1]
    layer = layers.RandomElasticTransform3D(3, 5, seed=1)
    control = control_of(layer, x)

    assert (control[..., 2] == 0).all()
    assert np.abs(control[..., 0]).max() > 0.3
    assert np.isfinite(numpy_of(layer(x, training=True))).all()


def test_displacement_reproduces_straight_lines():
    # Coefficients that lie on a line give that line: here, the voxel index itself.
    sizes, points = (9, 10, 13), (6, 5, 7)
    lines = [
        (np.arange(p) - 1) * (n - 1) / (p - 3)
        for n, p in zip(sizes, points, strict=True)
    ]
    control = np.stack(np.meshgrid(*lines, indexing="ij"), -1)[None].astype("f4")

    found = field_of(control, sizes)

    np.testing.assert_allclose(
        found[0], np.moveaxis(np.indices(sizes), 0, -1), atol=1e-4
    )


def test_equal_coefficients_shift():
    control = np.zeros((2, 4, 4, 4, 3))
    control[0, ..., 1] = 2
    layer = with_draw(layers.RandomElasticTransform3D(background=-5), control=control)

    found = numpy_of(layer(X, training=True))

    np.testing.assert_allclose(found[0, :, :-2], X[0, :, 2:], atol=1e-4)
    np.testing.assert_allclose(found[0, :, -2:], -5, atol=1e-4)
    np.testing.assert_array_equal(found[1], X[1])


def test_no_voxel_moves_farther_than_displacement():
    layer = layers.RandomElasticTransform3D(
        [1.5, 0.5, 3.0], prevent_folding=False, seed=0
    )
    x = np.zeros((30, 9, 10, 11, 1), "f4")
    control = control_of(layer, x)

    for axis, bound in enumerate([1.5, 0.5, 3.0]):
        assert 0.97 * bound < np.abs(control[..., axis]).max() <= bound
        # Of a uniform distribution.
        deviation = control[..., axis].std()
        assert deviation == pytest.approx(bound / np.sqrt(3), rel=0.03)
    assert (np.abs(field_of(control, (9, 10, 11))) <= [1.5, 0.5, 3.0]).all()


@pytest.mark.parametrize("points", [5, 6, 7, (5, 8, 6)])
def test_fixed_border_stays_where_it_is(points):
    layer = layers.RandomElasticTransform3D(3, points, fixed_border=True, seed=0)
    field = field_of(control_of(layer), X.shape[1:4])

    for axis in (1, 2, 3):
        for end in (0, -1):
            np.testing.assert_allclose(np.take(field, end, axis), 0, atol=1e-5)
    assert np.abs(field).max() > 0.1
    # What is drawn still differs from volume to volume.
    assert np.abs(field[0] - field[1]).max() > 0.1


def smallest_jacobian(layer):
    x = np.zeros((40, 16, 17, 18, 1), "f4")
    # The worst case: every coefficient at its bound.
    control = control_of(layer, x)
    bound = np.abs(control).max((0, 1, 2, 3))
    field = field_of(np.sign(control) * bound, (16, 17, 18))
    gradient = np.stack(np.gradient(field, axis=(1, 2, 3)), -1)
    return np.linalg.det(gradient + np.eye(3)).min()


def test_large_displacements_are_held_below_what_folds():
    assert smallest_jacobian(layers.RandomElasticTransform3D(50, 6, seed=0)) > 0
    free = layers.RandomElasticTransform3D(50, 6, prevent_folding=False, seed=0)
    assert smallest_jacobian(free) < 0


@pytest.mark.parametrize(
    ("spacing", "points"),
    [(3, (6, 6, 6)), ((2, 4.5, 20), (7, 5, 4)), (0.9, (12, 13, 14))],
)
def test_spacing_gives_whole_cells(spacing, points):
    layer = layers.RandomElasticTransform3D(1, spacing=spacing)

    assert control_of(layer).shape == (2, *points, 3)


def test_spacing_needs_static_sizes():
    layer = layers.RandomElasticTransform3D(1, spacing=3)
    spec = tf.TensorSpec((None, 9, 10, 2))
    volumes = tf.data.Dataset.from_generator(lambda: [X[0]], output_signature=spec)

    with pytest.raises(ValueError, match="needs volumes of known sizes"):
        volumes.map(lambda x: layer(x, training=True))


def test_spatial_is_affine_then_elastic():
    # Linear interpolation of a ramp is exact, however often.
    ramp = np.indices((12, 13, 14)).sum(0)[None, ..., None].astype("f4")
    layer = layers.RandomSpatial3D(5, 0.05, shear=0.05, shift=1, displacement=1, seed=1)
    drawn = layer.get_random_transformation({"images": ramp}, seed=6)
    inner = (slice(None), *[slice(4, -4)] * 3)

    once = numpy_of(layer.apply_transformation(ramp, drawn))
    affine = layers.RandomAffine3D().apply_transformation(ramp, drawn)
    twice = numpy_of(
        layers.RandomElasticTransform3D().apply_transformation(affine, drawn)
    )

    np.testing.assert_allclose(once[inner], twice[inner], atol=1e-3)
    assert np.abs(once - ramp)[inner].max() > 0.5


@pytest.mark.parametrize(
    ("rates", "identity", "straight"),
    [((1, 0), False, True), ((0, 1), True, False), ((0, 0), True, True)],
)
def test_rates_of_the_two_parts(rates, identity, straight):
    layer = layers.RandomSpatial3D(
        shift=1, affine_rate=rates[0], elastic_rate=rates[1], seed=1
    )
    drawn = layer.get_random_transformation({"images": X})

    still = (numpy_of(drawn["matrix"]) == np.eye(3)).all()
    assert (still and (numpy_of(drawn["shift"]) == 0).all()) == identity
    assert (numpy_of(drawn["control"]) == 0).all() == straight


def test_transform_methods_alone_do_as_the_layer():
    layer = layers.RandomElasticTransform3D(3, 5, seed=1)
    data = {"images": X, "segmentation_masks": (X * 3).astype("i4")}
    drawn = layer.get_random_transformation(data)

    found = layer.apply_transformation(data, drawn)

    np.testing.assert_array_equal(layer.transform_images(X, drawn), found["images"])
    np.testing.assert_array_equal(
        layer.transform_segmentation_masks(data["segmentation_masks"], drawn),
        found["segmentation_masks"],
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomAffine3D", {"rotation": -1}),
        ("RandomAffine3D", {"shift": (1, 2)}),
        ("RandomAffine3D", {"scale": float("nan")}),
        ("RandomAffine3D", {"isotropic_scale": (0.1, 0.1, 0.1)}),
        ("RandomAffine3D", {"interpolation": "cubic"}),
        ("RandomElasticTransform3D", {"displacement": "5"}),
        ("RandomElasticTransform3D", {"control_points": 3}),
        ("RandomElasticTransform3D", {"control_points": 4, "fixed_border": True}),
        ("RandomElasticTransform3D", {"control_points": 5.5}),
        ("RandomElasticTransform3D", {"spacing": (0, 2, 2)}),
        ("RandomSpatial3D", {"affine_rate": 1.5}),
        ("RandomSpatial3D", {"elastic_rate": -0.5}),
        ("RandomSpatial3D", {"shear": -0.1}),
    ],
)
def test_refuses_arguments(name, arguments):
    with pytest.raises(ValueError, match=f"Received: .*{next(iter(arguments))}="):
        getattr(layers, name)(**arguments)
