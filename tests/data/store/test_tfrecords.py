"""TFRecord: what was written comes back, whole and in patches."""

import numpy as np
import pytest

import medzoo
from medzoo.data.store import tfrecords
from medzoo.errors import FileFormatError, InputError, MissingFileError
from medzoo.io import write
from tests.conftest import make_head

SIZES = (5.0, 6.0, 7.0)


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    lines = ["case_id,t1,labels"]
    for number, spacing in enumerate(SIZES):
        head = make_head(spacing, noise=2.0, seed=number)
        write(head, folder / f"{number}.nii.gz")
        # Codes that the feed keeps in one byte for some cases, in two for another.
        codes = (head.array > 130) * (1, 300, 2)[number]
        write(head.with_array(codes.astype("i2")), folder / f"{number}l.nii")
        lines.append(f"sub-{number},{number}.nii.gz,{number}l.nii")
    (folder / "cases.csv").write_text("\n".join(lines), encoding="utf-8")
    return medzoo.PatchFeed(folder / "cases.csv", labels="labels", dtype="float16")


def by_case(dataset):
    return {r["case_id"].decode(): r for r in dataset.as_numpy_iterator()}


@pytest.mark.parametrize("num_shards", [1, 2])
def test_volumes_come_back_to_the_bit(feed, tmp_path, num_shards):
    told = []
    files = medzoo.write_tfrecords(
        feed, tmp_path, num_shards=num_shards, progress=lambda *n: told.append(n)
    )
    assert [path.is_file() for path in files] == [True] * num_shards
    assert told[-1] == (3, 3)
    for source in (tmp_path, files):
        found = by_case(medzoo.read_tfrecords(source))
        assert sorted(found) == ["sub-0", "sub-1", "sub-2"]
        for number in range(3):
            for name, dtype in (("image", "float16"), ("labels", "int32")):
                expected = feed.volumes.get(number)[name]
                assert found[f"sub-{number}"][name].dtype == dtype
                np.testing.assert_array_equal(found[f"sub-{number}"][name], expected)


def test_labels_of_one_byte_as_earlier_versions_wrote_them(tmp_path):
    import tensorflow as tf

    labels = np.arange(24, dtype="u1").reshape(2, 3, 4)
    example = tf.train.Example.FromString(
        tfrecords._record("a", {"image": np.zeros((2, 3, 4, 1), "f2")})
    )
    feature = example.features.feature
    feature["labels"].bytes_list.value.append(labels.tobytes())
    feature["labels/shape"].int64_list.value.extend(labels.shape)
    feature["labels/dtype"].bytes_list.value.append(b"uint8")
    with tf.io.TFRecordWriter(str(tmp_path / "old.tfrecord")) as writer:
        writer.write(example.SerializeToString())
    found = by_case(medzoo.read_tfrecords(tmp_path))["a"]["labels"]
    assert found.dtype == "uint8"
    np.testing.assert_array_equal(found, labels)


def test_patches_lie_at_random_inside_their_volume(feed, tmp_path):
    medzoo.write_tfrecords(feed, tmp_path)
    dataset = medzoo.read_tfrecords(
        tmp_path, patch_size=(9, 8, 7), patches_per_volume=4
    )
    assert dataset.element_spec["image"].shape[:3] == (9, 8, 7)
    records = list(dataset.as_numpy_iterator())
    assert len(records) == 12
    starts = set()
    for record in records:
        number = int(record["case_id"].decode()[-1])
        whole = feed.volumes.get(number)
        windows = np.lib.stride_tricks.sliding_window_view(
            whole["image"][..., 0], (9, 8, 7)
        )
        same = (windows == record["image"][..., 0]).all(axis=(3, 4, 5))
        places = [tuple(place) for place in np.argwhere(same)]
        labels = [
            whole["labels"][x : x + 9, y : y + 8, z : z + 7] for x, y, z in places
        ]
        assert any(np.array_equal(part, record["labels"]) for part in labels)
        starts.add((number, *places[0]))
    assert len(starts) > 8


def test_volumes_smaller_than_a_patch_are_padded(feed, tmp_path):
    medzoo.write_tfrecords(feed, tmp_path)
    (record, *_) = medzoo.read_tfrecords(tmp_path, patch_size=64).as_numpy_iterator()
    assert record["image"].shape == (64, 64, 64, 1)
    shape = feed.volumes.get(0)["labels"].shape
    assert not record["labels"][shape[0] :].any()


def test_orders_differ_only_where_asked(feed, tmp_path):
    medzoo.write_tfrecords(feed, tmp_path, num_shards=3)

    def order(**options):
        dataset = medzoo.read_tfrecords(tmp_path, **options)
        return [
            [r["case_id"].decode() for r in dataset.as_numpy_iterator()]
            for _ in range(6)
        ]

    assert len({tuple(o) for o in order()}) == 1
    assert len({tuple(o) for o in order(shuffle=True)}) > 1


def test_refuses_what_cannot_be(feed, tmp_path):
    with pytest.raises(InputError, match="num_shards=4"):
        medzoo.write_tfrecords(feed, tmp_path, num_shards=4)
    with pytest.raises(MissingFileError, match="write_tfrecords"):
        medzoo.read_tfrecords(tmp_path)
    (tmp_path / "text.tfrecord").write_text("no records here", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"text\.tfrecord"):
        medzoo.read_tfrecords(tmp_path)
