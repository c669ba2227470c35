import hashlib
import zipfile

import h5py
import numpy as np
import pytest

from medzoo.errors import IntegrityError, MissingFileError
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.weights import scan_hdf5, verify_weights


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.weights.h5"


def write_good(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/conv3d/vars")
        group["0"] = np.ones((3, 3, 3, 1, 4), "float32")
        group["1"] = np.float32(2.5)
        file["layers/dense/vars/0"] = np.zeros((4, 0), "float16")
        group.create_dataset(
            "2", data=np.ones((64, 64)), chunks=(8, 8), compression="gzip"
        )


def test_scan_accepts_weights_and_gives_their_shapes(path):
    write_good(path)

    assert scan_hdf5(path) == {
        "/layers/conv3d/vars/0": (3, 3, 3, 1, 4),
        "/layers/conv3d/vars/1": (),
        "/layers/conv3d/vars/2": (64, 64),
        "/layers/dense/vars/0": (4, 0),
    }


def test_scan_accepts_what_keras_saves_without_optimizer(path):
    import keras

    inputs = keras.Input((4, 4, 4, 1))
    x = keras.layers.Conv3D(2, 3)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.5)(x)
    model = keras.Model(inputs, keras.layers.Flatten()(x))
    model.save_weights(path)
    shapes = scan_hdf5(path)
    assert sorted(shapes.values()) == sorted(tuple(w.shape) for w in model.weights)

    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(path)
    with pytest.raises(IntegrityError, match="not compiled"):
        scan_hdf5(path)


def external_link(file):
    file["x"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file):
    file["y"] = np.ones(3)
    file["x"] = h5py.SoftLink("/y")


def dangling_link(file):
    file["x"] = h5py.SoftLink("/none")


def hard_link_cycle(file):
    file.create_group("a")["back"] = file["/"]


def two_links_to_one(file):
    file["x"] = np.ones(3)
    file["y"] = file["x"]


def external_storage(file):
    file.create_dataset("x", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def virtual_dataset(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("x", layout)


def integers(file):
    file["x"] = np.arange(4)


def strings(file):
    file["x"] = "a string"


def records(file):
    file["x"] = np.zeros(2, [("a", "f4"), ("b", "f4")])


def named_type(file):
    file["x"] = np.dtype("f4")


def empty_space(file):
    file["x"] = h5py.Empty("f4")


def absurd_shape(file):
    file.create_dataset("x", (10**10,), "f4", chunks=(1024,))


def absurd_total(file):
    for name in "abcd":
        file.create_dataset(name, (10**8,), "f4", chunks=(1024,))
        file[name][0] = 1


def nothing_stored(file):
    file.create_dataset("x", (1000, 1000), "f4")


def nothing_stored_in_chunks(file):
    file.create_dataset("x", (1000, 1000), "f4", chunks=(10, 10))


def foreign_filter(file):
    file.create_dataset("x", data=np.ones(100), chunks=(10,), compression="lzf")


def giant_chunk(file):
    file.create_dataset("x", data=np.ones(4), chunks=(10**8,), maxshape=(None,))


def not_a_number(file):
    file["x"] = np.array([1, np.nan], "float32")


def infinite(file):
    file["x"] = np.full((2, 3_000_000), 1, "float32")
    file["x"][1, -1] = np.inf


def infinite_scalar(file):
    file["x"] = np.float16(np.inf)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (external_link, "ExternalLink"),
        (soft_link, "SoftLink"),
        (dangling_link, "SoftLink"),
        (hard_link_cycle, "linked once"),
        (two_links_to_one, "linked once"),
        (external_storage, "stored in the file"),
        (virtual_dataset, "stored in the file"),
        (integers, "of floats"),
        (strings, "of floats"),
        (records, "of floats"),
        (named_type, "Only groups and datasets"),
        (empty_space, "must have a shape"),
        (absurd_shape, "at most 1000000000 elements"),
        (absurd_total, "store the 400000000 bytes"),
        (nothing_stored, "store the 4000000 bytes"),
        (nothing_stored_in_chunks, "store the 4000000 bytes"),
        (foreign_filter, "Filters must be"),
        (giant_chunk, "Chunks"),
        (not_a_number, "1 values"),
        (infinite, "1 values"),
        (infinite_scalar, "1 values"),
    ],
)
def test_scan_refuses(path, make, named):
    with h5py.File(path, "w") as file:
        file["good"] = np.ones(5, "float32")
        make(file)

    with pytest.raises(IntegrityError, match=named) as caught:
        scan_hdf5(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scan_refuses_a_large_total_of_compressed_zeros(path):
    with h5py.File(path, "w") as file:
        for name in "abc":
            data = file.create_dataset(
                name, (100_000_000,), "f4", chunks=(2**20,), compression="gzip"
            )
            # Every chunk is the same compressed megabyte of zeros: a few kB of file.
            data[: 2**20] = 0
            _, chunk = data.id.read_direct_chunk((0,))
            for start in range(2**20, data.shape[0], 2**20):
                data.id.write_direct_chunk((start,), chunk)
    assert path.stat().st_size < 5e6

    with pytest.raises(IntegrityError, match="together"):
        scan_hdf5(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + b"\0" * 99])
def test_scan_refuses_what_is_no_hdf5(path, content):
    path.write_bytes(content)

    with pytest.raises(IntegrityError):
        scan_hdf5(path)


def test_scan_refuses_a_truncated_file(path):
    write_good(path)
    path.write_bytes(path.read_bytes()[:-500])

    with pytest.raises(IntegrityError, match="readable HDF5"):
        scan_hdf5(path)


def test_scan_refuses_a_keras_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")

    with pytest.raises(IntegrityError, match=r"\.keras archive"):
        scan_hdf5(path)


def test_scan_of_a_missing_file(path):
    with pytest.raises(MissingFileError):
        scan_hdf5(path)


@pytest.fixture
def model(add_model):
    weights = b"weights of a model"
    folder = add_model(
        weights={
            "file": "model.weights.h5",
            "sha256": hashlib.sha256(weights).hexdigest(),
            "bytes": len(weights),
            "urls": [],
        }
    )
    (folder / "model.weights.h5").write_bytes(weights)
    return folder


def test_verify_gives_the_path(model):
    path = verify_weights(model, read_recipe(model))

    assert path == model / "model.weights.h5"


def test_verify_refuses_a_flipped_bit(model):
    path = model / "model.weights.h5"
    path.write_bytes(path.read_bytes().replace(b"model", b"modem"))

    with pytest.raises(IntegrityError, match="sha256"):
        verify_weights(model, read_recipe(model))


def test_verify_refuses_another_size(model):
    path = model / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(IntegrityError, match="bytes=17"):
        verify_weights(model, read_recipe(model))


def test_verify_needs_the_file_and_its_hash(model, add_model):
    (model / "model.weights.h5").unlink()
    with pytest.raises(MissingFileError, match=r"model\.weights\.h5"):
        verify_weights(model, read_recipe(model))

    unfinished = add_model("unfinished", weights=None)
    with pytest.raises(IntegrityError, match="names no weights"):
        verify_weights(unfinished, read_recipe(unfinished))
