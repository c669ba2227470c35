"""PatchFeed: the same batches in every mode, and what each mode promises."""

import csv

import keras
import numpy as np
import pytest

import medzoo
from medzoo import layers
from medzoo.data.feeds.feed_scans import FeedScans
from medzoo.errors import InputError
from medzoo.io import write
from medzoo.volume import Volume
from tests.conftest import make_head, run_eagerly

SPACING = {"step": "resample", "arguments": {"spacing": 6.0}}
ORIENT = {"step": "orient", "arguments": {"orientation": "RAS"}}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Six small heads with label maps; one lacks its FLAIR, one its labels."""
    folder = tmp_path_factory.mktemp("feed")
    rows = []
    for number in range(6):
        head = make_head(5.0, shift=(number, 0, 0), noise=2.0, seed=number)
        labels = head.with_array((head.array > 60).astype("u1") + (head.array > 130))
        write(head, folder / f"{number}_t1.nii.gz")
        write(head.with_array(200 - head.array), folder / f"{number}_flair.nii.gz")
        write(labels, folder / f"{number}_labels.nii.gz")
        row = {n: f"{number}_{n}.nii.gz" for n in ("t1", "flair", "labels")}
        rows.append({"case_id": f"sub-{number}", **row})
    rows[4]["flair"] = ""
    rows[5]["labels"] = ""
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "cases.csv"


def make(table, tmp_path, **changes):
    settings = {
        "labels": "labels",
        "spatial": [ORIENT, SPACING],
        "layers": [layers.ZScore()],
        "patch_size": (16, 14, 12),
        "patches_per_volume": 3,
        "volumes_at_once": 2,
        "augmentation": [layers.RandomFlip3D(), layers.RandomNoise()],
        "num_classes": 3,
        "seed": 7,
        **changes,
    }
    return medzoo.PatchFeed(table, ["t1"], **settings)


@pytest.fixture(scope="module")
def two_epochs(table, tmp_path_factory):
    """The batches of a feed's first two epochs, augmented eagerly."""
    feed = make(table, tmp_path_factory.mktemp("memory"))
    with run_eagerly():
        return epoch(feed), epoch(feed)


class Counted(FeedScans):
    """A preparation that tells which cases it is asked for."""

    def __call__(self, case, way=0):
        self.made.append(int(case.case_id[-1]))
        return super().__call__(case, way)


def count_into(made, feed):
    feed.volumes.preparation.__class__ = Counted
    feed.volumes.preparation.made = made


def epoch(feed):
    return [(x, y) for x, y in feed.batches()]


def assert_same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)


@pytest.mark.usefixtures("eagerly")
def test_shapes_and_targets(table, tmp_path):
    feed = make(table, tmp_path)
    x, y = feed[0]
    assert x.shape == (2, 16, 14, 12, 1)
    assert x.dtype == y.dtype == np.float32
    assert y.shape == (2, 16, 14, 12, 3)
    np.testing.assert_array_equal(y.sum(axis=-1), 1)
    # 5 cases have labels, 3 patches each: 7 batches of two, one of one.
    assert [len(x) for x, _ in epoch(feed)] == [2] * 7 + [1]
    plain = make(table, tmp_path, num_classes=None)
    assert plain[0][1].shape == (2, 16, 14, 12, 1)
    assert plain[0][1].dtype == np.int32
    with pytest.raises(InputError, match="num_classes=2, label 2"):
        epoch(make(table, tmp_path, num_classes=2))
    (images,) = make(table, tmp_path, labels=None, num_classes=None)[0]
    assert images.shape == (2, 16, 14, 12, 1)


@pytest.mark.parametrize("mode", ["cached", "streamed"])
@pytest.mark.usefixtures("eagerly")
def test_a_mode_changes_no_number(table, tmp_path, mode, two_epochs):
    folder = tmp_path if mode == "cached" else None
    other = make(table, tmp_path, mode=mode, folder=folder)
    for expected in two_epochs:
        assert_same(epoch(other), expected)


def test_threads_change_no_number(table, tmp_path):
    one, many = make(table, tmp_path, workers=1), make(table, tmp_path, workers=4)
    one._augment = many._augment  # compiled once
    assert_same(epoch(many), [one[i] for i in range(len(one))])


@pytest.mark.usefixtures("eagerly")
def test_epochs_and_seeds_differ(table, tmp_path, two_epochs):
    first, second = two_epochs
    other = make(table, tmp_path, seed=8)[0]
    assert not np.array_equal(first[0][0], second[0][0])
    assert not np.array_equal(first[0][0], other[0])


def test_every_case_comes_as_often_and_groups_stay_together(table, tmp_path):
    feed = make(table, tmp_path)
    drawn = [feed._mixed.case_of(0, number) for number in range(15)]
    assert sorted(drawn) == sorted([*range(5)] * 3)
    assert len(set(drawn[:6])) == len(set(drawn[6:12])) == 2
    ordered = make(table, tmp_path, shuffle=False)
    assert [ordered._mixed.case_of(0, n) for n in range(15)] == sorted([*range(5)] * 3)


@pytest.mark.usefixtures("eagerly")
def test_resumes_within_an_epoch(table, tmp_path, two_epochs):
    expected = two_epochs[0] + two_epochs[1]
    resumed = make(table, tmp_path)
    resumed.resume(0, 5)
    assert_same(epoch(resumed), expected[5:13])
    assert_same(epoch(resumed)[:3], expected[13:])
    later = make(table, tmp_path)
    later.resume(1)
    assert_same(epoch(later), expected[8:])
    with pytest.raises(InputError, match="8 batches"):
        later.resume(0, 8)


@pytest.mark.usefixtures("eagerly")
def test_streaming_holds_few_volumes_and_reads_each_once(table, tmp_path):
    feed = make(table, tmp_path, mode="streamed", volumes_at_once=1, workers=1)
    made = []
    count_into(made, feed)
    most = 0
    for number in range(len(feed)):
        feed[number]
        most = max(most, len(feed.volumes._futures))
    assert sorted(made) == [*range(5)]
    assert most <= 2


@pytest.mark.usefixtures("eagerly")
def test_streaming_reads_each_once_where_a_batch_is_more_than_a_group(table, tmp_path):
    settings = {"volumes_at_once": 1, "patches_per_volume": 1, "batch_size": 2}
    feed = make(table, tmp_path, mode="streamed", workers=2, **settings)
    made = []
    count_into(made, feed)
    assert len(epoch(feed)) == 3
    assert sorted(made) == [*range(5)]


@pytest.mark.usefixtures("eagerly")
def test_the_cache_is_built_once_and_found_by_content(table, tmp_path):
    made = []
    for _ in range(2):
        feed = make(table, tmp_path, mode="cached", folder=tmp_path / "store")
        count_into(made, feed)
        feed.build()
        epoch(feed)
    assert sorted(made) == [*range(5)]
    # Another setting is another content; what decides nothing is not.
    other = make(table, tmp_path, mode="cached", folder=tmp_path / "store", layers=[])
    assert not other.volumes.has(0)
    same = make(table, tmp_path, mode="cached", folder=tmp_path / "store", seed=3)
    assert same.volumes.has(0)


@pytest.mark.usefixtures("eagerly")
def test_an_interrupted_build_goes_on(table, tmp_path, monkeypatch, two_epochs):
    feed = make(table, tmp_path, mode="cached", folder=tmp_path / "store", workers=1)
    original = FeedScans.__call__

    def failing(preparation, case, way=0):
        if case.case_id == "sub-3":
            raise KeyboardInterrupt
        return original(preparation, case, way)

    monkeypatch.setattr(FeedScans, "__call__", failing)
    with pytest.raises(KeyboardInterrupt):
        feed.build()
    monkeypatch.undo()
    again = make(table, tmp_path, mode="cached", folder=tmp_path / "store")
    assert [again.volumes.has(n) for n in range(4)] == [True] * 3 + [False]
    told = []
    again.build(progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(told), len(told))
    assert all(again.volumes.has(n) for n in range(5))
    assert_same(epoch(again), two_epochs[0])


def test_cached_volumes_are_memory_maps_and_patches_are_copies(table, tmp_path):
    feed = make(table, tmp_path, mode="cached", folder=tmp_path, augmentation=[])
    x, _ = feed[0]
    assert isinstance(feed.volumes.get(0)["image"], np.memmap)
    assert not isinstance(x, np.memmap)
    x[...] = 0  # the batch is the caller's own


def test_patches_are_parts_of_their_volume(table, tmp_path):
    feed = make(table, tmp_path, augmentation=[], shuffle=False, batch_size=1)
    volume = feed.volumes.get(0)
    (x, y) = feed[0]
    size = x.shape[1:4]
    windows = np.lib.stride_tricks.sliding_window_view(volume["image"][..., 0], size)
    found = np.argwhere((windows == x[0, ..., 0]).all(axis=(3, 4, 5)))
    assert len(found) == 1
    box = tuple(slice(a, a + n) for a, n in zip(found[0], size, strict=True))
    np.testing.assert_array_equal(y[0].argmax(-1), volume["labels"][box])


def test_classes_are_drawn_by_weight(table, tmp_path):
    feed = make(table, tmp_path, class_weights=[0, 0, 1], patch_size=3, augmentation=[])
    middles = [y[:, 1, 1, 1].argmax(-1) for _, y in epoch(feed)]
    np.testing.assert_array_equal(np.concatenate(middles), 2)
    with pytest.raises(InputError, match="one weight a class"):
        make(table, tmp_path, class_weights=[1, 1])[0]


@pytest.mark.usefixtures("eagerly")
def test_small_volumes_are_padded_and_whole_ones_need_no_size(table, tmp_path):
    x, _ = make(table, tmp_path, patch_size=64, augmentation=[])[0]
    assert x.shape[1:] == (64, 64, 64, 1)
    assert not x[:, -1].any()
    x, _ = make(table, tmp_path, patch_size=None, batch_size=1)[0]
    assert x.shape[1:4] == make(table, tmp_path).volumes.get(0)["labels"].shape


@pytest.mark.usefixtures("eagerly")
def test_a_margin_brings_in_what_lies_around(table, tmp_path):
    moved = [layers.RandomAffine3D(rotation=20)]
    x, _ = make(table, tmp_path, margin=4, augmentation=moved)[0]
    assert x.shape == (2, 16, 14, 12, 1)


def test_a_margin_keeps_no_voxel_from_being_drawn(tmp_path):
    array = np.zeros((9, 9, 3), np.float32)
    array[0, 0], array[-1, -1] = 1.0, 2.0
    medzoo.write(medzoo.Volume(array, np.eye(4)), tmp_path / "t1.nii.gz")
    (tmp_path / "cases.csv").write_text("case_id,t1\n1,t1.nii.gz\n")

    feed = medzoo.PatchFeed(
        tmp_path / "cases.csv", patch_size=6, margin=2, patches_per_volume=40
    )
    patches = np.concatenate([x for (x,) in feed.batches()])[..., 0]

    assert {0.0, 1.0, 2.0} == set(np.unique(patches))
    # The third axis is shorter than a patch: it begins with it.
    corners = patches[:, :, :, :3].max(axis=(1, 2))
    assert np.all(corners == corners[:, :1])
    assert not patches[..., 3:].any()


def test_several_channels_one_of_them_absent(table, tmp_path):
    channels = [{"name": "t1"}, {"name": "flair", "required": False}]
    feed = medzoo.PatchFeed(
        table, channels, labels="labels", spatial=[SPACING], patch_size=8, shuffle=False
    )
    assert feed[0][0].shape == (2, 8, 8, 8, 2)
    assert feed.volumes.get(0)["image"][..., 1].any()
    assert not feed.volumes.get(4)["image"][..., 1].any()


@pytest.mark.usefixtures("eagerly")
def test_half_precision_halves_the_store(table, tmp_path):
    feed = make(table, tmp_path, dtype="float16", mode="cached", folder=tmp_path)
    assert feed.volumes.get(0)["image"].dtype == np.float16
    assert feed[0][0].dtype == np.float32


@pytest.mark.parametrize("mode", ["memory", "cached", "streamed"])
def test_keras_fits_on_it(table, tmp_path, mode):
    keras.utils.set_random_seed(0)
    folder = tmp_path if mode == "cached" else None
    # Augmentation does not depend on the mode; compiling it takes seconds.
    changes = {} if mode == "memory" else {"augmentation": []}
    feed = make(table, tmp_path, mode=mode, folder=folder, **changes)
    model = keras.Sequential([keras.layers.Conv3D(3, 1, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.1), "categorical_crossentropy")
    losses = model.fit(feed, epochs=3, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    assert feed.epoch == 3


def test_fit_goes_on_where_a_feed_resumes(table, tmp_path):
    seen = []
    feed = make(table, tmp_path, workers=2, augmentation=[])
    original = feed._batch
    feed._batch = lambda patches: (seen.append(patches[0][0].sum()), original(patches))[
        1
    ]
    feed.resume(1, 6)
    model = keras.Sequential([keras.layers.Conv3D(3, 1, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    model.fit(feed, epochs=2, verbose=0, shuffle=False)
    assert feed.epoch == 3
    other = make(table, tmp_path, augmentation=[])
    other.resume(1, 6)
    expected = [x[0].sum() for x, _ in epoch(other) + epoch(other)]
    # Keras looks at two batches before it begins.
    np.testing.assert_allclose(sorted(seen[2:]), sorted(expected), rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "disk"}, "mode='disk'"),
        ({"mode": "streamed", "folder": "x"}, "Streamed scans are not stored"),
        ({"patch_size": 0}, "patch_size=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"workers": 1.5}, "workers=1.5"),
        ({"labels": "nothing"}, "nothing"),
        ({"labels": None}, "labels=None"),
        ({"labels": None, "num_classes": None, "class_weights": [1]}, "labels=None"),
    ],
)
def test_refuses_what_makes_no_sense(table, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        make(table, tmp_path, **changes)


def test_a_bad_case_is_named_in_every_mode(table, tmp_path):
    volume = make_head(8.0)
    write(volume.with_array(volume.array + 0.5), tmp_path / "halves.nii.gz")
    write(volume, tmp_path / "t1.nii.gz")
    path = tmp_path / "cases.csv"
    path.write_text(
        "case_id,t1,labels\nodd,t1.nii.gz,halves.nii.gz\n", encoding="utf-8"
    )
    for mode in ("memory", "cached", "streamed"):
        folder = tmp_path if mode == "cached" else None
        feed = medzoo.PatchFeed(
            path, labels="labels", mode=mode, folder=folder, patch_size=8
        )
        with pytest.raises(InputError, match=r"whole numbers.*odd"):
            feed[0]


def test_labels_follow_the_image_onto_another_grid(tmp_path):
    """A label map on a grid of its own, flipped and finer, still fits the image."""
    head = make_head(4.0)
    fine = make_head(2.0, "LPS")
    write(head, tmp_path / "t1.nii.gz")
    write(
        Volume((fine.array > 130).astype("u1"), fine.affine), tmp_path / "labels.nii.gz"
    )
    path = tmp_path / "cases.csv"
    path.write_text("case_id,t1,labels\na,t1.nii.gz,labels.nii.gz\n", encoding="utf-8")
    feed = medzoo.PatchFeed(path, labels="labels", batch_size=1)
    x, y = feed[0]
    inside, bright = y[..., 0] == 1, x[..., 0] > 130
    dice = 2 * (inside & bright).sum() / (inside.sum() + bright.sum())
    assert dice > 0.95
