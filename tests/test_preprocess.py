import pickle

import numpy as np
import pytest

from medzoo.errors import InputError, MissingFileError, RecipeError
from medzoo.io import write
from medzoo.preprocess import Preprocessor, make_layer, on_native_grid
from medzoo.spatial import orient
from medzoo.volume import Volume

RNG = np.random.default_rng(0)
ONE = [{"name": "t1", "required": True}]
TWO = [*ONE, {"name": "flair", "required": False}]
STEPS = {
    "spatial": [
        {"step": "orient", "arguments": {"orientation": "RAS"}},
        {"step": "crop_pad", "arguments": {"size": [8, 9, 10]}},
    ],
    "layers": [{"class": "ZScore", "arguments": {}}],
}


def volume(shape=(6, 7, 8), orientation="RAS", spacing=1.0, **kwargs):
    array = RNG.integers(0, 100, shape).astype("i2")
    affine = np.diag([spacing, spacing, spacing, 1.0])
    return orient(Volume(array, affine, **kwargs), orientation)


def test_a_case_becomes_a_normalised_batch_and_comes_back():
    source = volume(orientation="PIL")

    x, undo = Preprocessor(STEPS, ONE)(source)

    assert x.shape == (1, 8, 9, 10, 1)
    assert x.dtype == np.float32
    assert x.mean() == pytest.approx(0, abs=1e-5)
    assert x.std() == pytest.approx(1, abs=1e-5)
    back = undo(x[0])
    assert back.shape == source.shape
    np.testing.assert_array_equal(back.affine, source.affine)
    # ZScore is linear: the undone voxels are the input's but for scale and offset.
    correlation = np.corrcoef(back.array.ravel(), source.array.ravel())[0, 1]
    assert correlation == pytest.approx(1, abs=1e-6)


def test_it_travels_to_another_process_once_its_layers_are_built():
    source = volume()
    preprocessor = Preprocessor(STEPS, ONE)
    expected = preprocessor(source)[0]

    again = pickle.loads(pickle.dumps(preprocessor))

    np.testing.assert_array_equal(again(source)[0], expected)


def test_orientation_of_the_file_does_not_matter():
    source = volume()
    preprocessor = Preprocessor(STEPS, ONE)

    one, other = (preprocessor(v)[0] for v in (source, orient(source, "SPL")))

    # Padding to an even surplus is symmetric along each axis.
    np.testing.assert_array_equal(one, other)


def test_path_volume_and_dict_are_the_same(tmp_path):
    source = volume()
    path = write(source, tmp_path / "a b.nii.gz")
    preprocessor = Preprocessor(STEPS, ONE)

    expected = preprocessor(source)[0]

    for image in (path, str(path), {"t1": path}, {"t1": source}):
        np.testing.assert_array_equal(preprocessor(image)[0], expected)


def test_calling_is_gathering_placing_and_normalising():
    source = volume()
    preprocessor = Preprocessor(STEPS, ONE)
    placed, undo = preprocessor.place(preprocessor.gather(source))

    x, other_undo = preprocessor(source)

    assert placed.array.shape == (8, 9, 10, 1)
    assert placed.array.dtype == np.float32
    np.testing.assert_array_equal(preprocessor.normalize(placed.array[None]), x)
    np.testing.assert_array_equal(undo(x[0]).array, other_undo(x[0]).array)


def test_empty_recipe_only_adds_the_axes():
    source = volume()

    x, _ = Preprocessor({}, ONE)(source)

    np.testing.assert_array_equal(x[0, ..., 0], source.array)


def test_layers_apply_in_order():
    layers = [
        {"class": "RescaleIntensity", "arguments": {"out_range": [0, 2]}},
        {"class": "ZScore", "arguments": {}},
    ]
    source = volume()

    one = Preprocessor({"layers": layers}, ONE)(source)[0]
    other = Preprocessor({"layers": layers[::-1]}, ONE)(source)[0]

    assert one.mean() == pytest.approx(0, abs=1e-5)
    assert (other.min(), other.max()) == (0, 2)


def test_channels_lie_on_the_grid_of_the_first():
    t1 = volume()
    flair = orient(t1.with_array(t1.array * 2), "ALS")

    gathered = Preprocessor(STEPS, TWO).gather({"flair": flair, "t1": t1})

    np.testing.assert_array_equal(gathered.affine, t1.affine)
    np.testing.assert_array_equal(gathered.array[..., 0], t1.array)
    np.testing.assert_allclose(gathered.array[..., 1], 2 * t1.array, atol=1e-3)
    assert Preprocessor(STEPS, TWO)({"flair": flair, "t1": t1})[0].shape[-1] == 2


def test_optional_channel_is_zero_where_it_is_missing():
    gathered = Preprocessor(STEPS, TWO).gather(volume())

    assert gathered.num_channels == 2
    assert gathered.array[..., 0].any()
    assert not gathered.array[..., 1].any()


def test_first_present_channel_gives_the_grid():
    channels = [{"name": "t1", "required": False}, {"name": "flair", "required": False}]
    flair = volume((5, 5, 5))

    gathered = Preprocessor(STEPS, channels).gather({"flair": flair})

    assert gathered.shape == (5, 5, 5)
    np.testing.assert_array_equal(gathered.array[..., 1], flair.array)
    assert not gathered.array[..., 0].any()


def test_warnings_of_all_channels_are_kept():
    given = {"t1": volume(warnings=("one",)), "flair": volume(warnings=("two",))}

    assert Preprocessor(STEPS, TWO).gather(given).warnings == ("one", "two")


def test_channels_with_the_axis_of_one_are_scalars():
    source = volume()
    with_axis = source.with_array(source.array[..., None])

    x = Preprocessor(STEPS, ONE)(with_axis)[0]

    np.testing.assert_array_equal(x, Preprocessor(STEPS, ONE)(source)[0])
    both = Preprocessor(STEPS, TWO)({"t1": with_axis, "flair": with_axis})[0]
    np.testing.assert_array_equal(both[..., 0], both[..., 1])


@pytest.mark.parametrize(
    "given",
    [{}, {"flair": None}, {"t1": None, "t2": None}, {"T1": None}],
    ids=str,
)
def test_refuses_missing_and_unknown_channels(given):
    given = {name: volume() for name in given}

    with pytest.raises(InputError, match=r"this model are .*Received: channels="):
        Preprocessor(STEPS, TWO)(given)


def test_an_unknown_channel_is_told_which_there_are():
    optional = [{"name": "t1", "required": False}]

    with pytest.raises(InputError, match="model are t1; a case must have at least one"):
        Preprocessor(STEPS, optional)({"t1": volume(), "t3": volume()})


def test_refuses_no_channel_at_all():
    with pytest.raises(InputError, match="Received: channels="):
        Preprocessor(STEPS, [{"name": "t1", "required": False}])({})


def test_refuses_a_channel_that_is_no_scalar():
    array = np.zeros((4, 4, 4, 3))

    with pytest.raises(InputError, match=r"Channel t1 .*3 channels"):
        Preprocessor(STEPS, ONE)(Volume(array, np.eye(4)))


@pytest.mark.parametrize(("shift", "is_fine"), [(2, True), (4, False), (100, False)])
def test_channels_must_overlap_by_half(shift, is_fine):
    t1 = volume()
    affine = t1.affine.copy()
    affine[0, 3] += shift
    preprocessor = Preprocessor(STEPS, TWO)

    if is_fine:
        found = preprocessor.gather({"t1": t1, "flair": t1.with_affine(affine)})
        assert not found.array[:shift, ..., 1].any()
    else:
        with pytest.raises(InputError, match="Received: overlap=0"):
            preprocessor.gather({"t1": t1, "flair": t1.with_affine(affine)})


def test_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"no\.nii"):
        Preprocessor(STEPS, ONE)(tmp_path / "no.nii")


@pytest.mark.parametrize(
    "settings",
    [
        {"class": "Lambda"},
        {"class": "keras.layers.Lambda"},
        {"class": "__name__"},
        {"class": "VolumeLayer"},
        {"class": "ZScore", "arguments": {"region": "brain"}},
        {"class": "ZScore", "arguments": {"size": 3}},
    ],
    ids=str,
)
def test_refuses_layers(settings):
    with pytest.raises(RecipeError, match="Received: "):
        make_layer(settings)


def test_unknown_step_is_refused_at_once():
    with pytest.raises(RecipeError, match="Received: step='spin'"):
        Preprocessor({"spatial": [{"step": "spin"}]}, ONE)


def test_a_native_grid_is_asked_for():
    resample = {"spacing": 1.0, "tolerance": 0.15, "finer": 0.05}
    steps = {**STEPS, "spatial": [{"step": "resample", "arguments": resample}]}
    source = volume((20, 20, 20), spacing=0.9)

    usual, _ = Preprocessor(steps, ONE).place(source)
    native, _ = Preprocessor(on_native_grid(steps), ONE).place(source)

    np.testing.assert_allclose(usual.spacing, 1.0)
    np.testing.assert_allclose(native.spacing, 0.9)
    # The recipe's own settings are as they were.
    assert resample["finer"] == 0.05
    with pytest.raises(InputError, match="native=True"):
        on_native_grid(STEPS)
