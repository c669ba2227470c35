"""Lesions in label maps and in scans."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from medzoo import layers
from medzoo.layers.lesion_shapes import draw_voxels
from tests.layers.test_synthesis import label_map


def test_voxels_are_drawn_as_likely_as_they_are():
    likelihood = np.random.default_rng(0).random((2, 3, 4, 5)).astype("f4")
    likelihood[0, 1] = 0
    likelihood[1, :, 2, 3] = 0

    drawn = np.array(draw_voxels(likelihood, 20000, seed=1)).astype(int)

    for voxels, share in zip(drawn, likelihood, strict=True):
        counted = np.zeros((3, 4, 5))
        np.add.at(counted, tuple(voxels.T), 1)
        assert (counted[share == 0] == 0).all()
        expected = share / share.sum()
        error = 4.5 * np.sqrt(expected / 20000) + 1e-9
        assert (np.abs(counted / 20000 - expected) < error).all()


def white(count=4, size=40):
    return np.full((count, size, size, size, 1), 2, "i4")


def lesions(data, seed=1, **arguments):
    layer = layers.RandomLesions(seed=seed, **arguments)
    return {k: np.array(v) for k, v in layer(data, training=True).items()}


def test_lesions_are_new_codes_within_the_tissue():
    x = label_map(4)
    found = lesions({"segmentation_masks": x, "labels": np.arange(4)})

    masks = found["segmentation_masks"]
    assert set(found) == {"segmentation_masks", "labels"}
    assert masks.dtype == x.dtype
    changed = masks != x
    assert (masks[changed] == 77).all()
    assert np.isin(x[changed], (2, 41)).all()
    assert changed.any((1, 2, 3, 4)).all()


def test_lesions_leave_everything_alone_at_inference_and_at_rate_0():
    data = {"images": np.ones((4, 20, 20, 20, 2)), "segmentation_masks": label_map(4)}
    for layer, training in (
        (layers.RandomLesions(seed=1), False),
        (layers.RandomLesions(rate=0.0, seed=1), True),
    ):
        found = layer(data, training=training)
        for key, value in data.items():
            np.testing.assert_array_equal(found[key], value)


@pytest.mark.parametrize("spacing", [1.0, (0.5, 1.0, 2.0)])
def test_a_lesion_by_itself_has_the_volume_of_a_sphere_of_its_radius(spacing):
    x = white(40, 33)
    arguments = {"near": (), "num_lesions": 1, "radius": (3, 3), "spacing": spacing}
    layer = layers.RandomLesions(**arguments)
    drawn = dict(layer.get_random_transformation({"segmentation_masks": x}, seed=1))
    # All of them into the middle, so that none is cut off.
    middle = 16 * np.broadcast_to(spacing, 3)
    centre = np.array(drawn["centre"])
    drawn["centre"] = centre - centre.mean(1, keepdims=True) + middle.astype("f4")

    found = layer.apply_transformation({"segmentation_masks": x}, drawn)

    lesion = np.array(found["segmentation_masks"]) == 77
    volume = lesion.sum((1, 2, 3, 4)) * np.prod(np.broadcast_to(spacing, 3))
    sphere = 4 / 3 * np.pi * 3**3
    assert volume.mean() == pytest.approx(sphere, rel=0.2)
    assert volume.std() > 0.1 * sphere


def test_number_and_radius_are_log_uniform():
    layer = layers.RandomLesions(num_lesions=(1, 31), radius=(1, 4), near=())
    x = {"segmentation_masks": white(400, 4)}
    drawn = layer.get_random_transformation(x, seed=1)

    number = np.array(drawn["present"]).sum(1) / 3
    assert set(number) <= set(range(1, 32))
    # Half of the logarithm of the range, 32, is the square root of it.
    assert 4 <= np.median(number) <= 7
    assert number.max() > 25
    half_axes = np.array(drawn["half_axes"])
    assert np.log(half_axes).mean() == pytest.approx(np.log(2 * 0.55), abs=0.02)


def test_periventricular_lesions_are_near_the_ventricles():
    x = white(4)
    x[:, 18:22, 18:22, 18:22] = 4
    distance = ndimage.distance_transform_edt(x[0, ..., 0] != 4)
    arguments = {"num_lesions": 40, "radius": (0.5, 0.5), "distance": 3.0}

    def mean_distance(share):
        found = lesions({"segmentation_masks": x}, periventricular=share, **arguments)[
            "segmentation_masks"
        ]
        return np.mean([distance[m[..., 0] == 77].mean() for m in found])

    near, deep = mean_distance(1.0), mean_distance(0.0)
    assert near < 6
    assert deep > 10
    assert near < mean_distance(0.5) < deep


def test_lesions_without_ventricles_or_without_tissue():
    assert (lesions({"segmentation_masks": white()})["segmentation_masks"] == 77).any()
    nothing = {"segmentation_masks": np.zeros((1, 8, 8, 8, 1), "i4")}
    np.testing.assert_array_equal(
        lesions(nothing)["segmentation_masks"], nothing["segmentation_masks"]
    )


def test_lesions_are_painted_into_channels_by_their_contrast():
    x = label_map(3)
    rng = np.random.default_rng(0)
    images = np.where(np.isin(x, (2, 41)), 0.8, 0.3) + 0.01 * rng.normal(size=x.shape)
    images = np.concatenate([images, 2 * images], -1).astype("f4")
    data = {"images": images, "segmentation_masks": x, "weights": np.ones_like(images)}

    found = lesions(
        data, contrast=[(0.5, 0.6), (-0.4, -0.2)], num_lesions=6, radius=(2, 3)
    )

    change = found["images"] - images
    lesion = found["segmentation_masks"][..., 0] == 77
    assert (change[..., 0] >= 0).all()
    assert (change[..., 1] <= 0).all()
    assert (change[~np.isin(x, (2, 41))[..., 0]] == 0).all()
    for b in range(3):
        gain, loss = change[b, ..., 0].max() / 0.8, change[b, ..., 1].min() / 1.6
        assert 0.49 < gain < 0.61
        assert -0.41 < loss < -0.19
        # Half of the contrast or more inside, less outside.
        half = 0.5 * change[b, ..., 0].max()
        assert (change[b, ..., 0][lesion[b]] > 0.99 * half).all()
        assert (change[b, ..., 0][~lesion[b]] < 1.01 * half).all()
    np.testing.assert_array_equal(found["weights"], data["weights"])


def test_contrast_none_leaves_images_alone():
    data = {"images": np.ones((4, 20, 20, 20, 3)), "segmentation_masks": label_map(4)}

    found = lesions(data, contrast=None)

    np.testing.assert_array_equal(found["images"], data["images"])
    assert (found["segmentation_masks"] == 77).any()


def test_lesions_get_a_contrast_in_a_synthesised_scan():
    chain = keras.layers.Pipeline(
        [
            layers.RandomLesions(num_lesions=9, radius=(2, 4), seed=1),
            layers.LabelToImage(
                labels=(0, 2, 3, 4, 24, 41, 506, 77),
                priors={77: ((0.9, 0.9), (0, 0))},
                targets={77: 1},
                bias_stddev=0.0,
                log_gamma=0.0,
                blur=(0, 0),
                thick_slices=0.0,
                noise=(0, 0),
            ),
        ]
    )

    found = chain({"segmentation_masks": label_map(2)}, training=True)
    found = {k: np.array(v) for k, v in found.items()}

    lesion = found["segmentation_masks"] == 1
    assert lesion.sum() > 20
    np.testing.assert_allclose(found["images"][lesion], 0.9, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": -1}, r"label=\(-1,\)"),
        ({"tissue": (2, 2)}, r"tissue=\(2, 2\)"),
        ({"num_lesions": 0}, "num_lesions=0"),
        ({"radius": (0, 2)}, "radius="),
        ({"periventricular": 1.1}, "periventricular=1.1"),
        ({"distance": 0}, "distance=0"),
        ({"irregularity": -1}, "irregularity=-1"),
        ({"contrast": (1, 0)}, "`contrast` must be an ascending range"),
        ({"spacing": (1, 1)}, r"spacing=\[1, 1\]"),
        ({"spacing": 0}, "spacing=0"),
    ],
)
def test_random_lesions_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.RandomLesions(**arguments)


def test_random_lesions_needs_a_label_map_and_one_contrast_a_channel():
    image = np.ones((1, 8, 8, 8, 1))
    layer = layers.RandomLesions(contrast=[(0, 1), (0, 1)])
    with pytest.raises(ValueError, match="needs a label map"):
        layer(image, training=True)
    with pytest.raises(ValueError, match="RandomLesions needs an entry"):
        layer({"labels": np.ones(1)}, training=True)
    with pytest.raises(ValueError, match="Received: 2 for 1 channels"):
        layer(
            {"images": image, "segmentation_masks": image.astype("i4")}, training=True
        )
