"""VolumeStore and ContentHashes: whole groups or none, found again by content."""

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from medzoo.data.store.content_hash import ContentHashes, name_by_content
from medzoo.data.store.volume_store import TEMPORARY_PREFIX, VolumeStore


def arrays(seed=0, shape=(20, 30, 40, 1)):
    generator = np.random.default_rng(seed)
    return {
        "image": generator.normal(size=shape).astype("f4"),
        "labels": generator.integers(0, 9, shape[:3], np.uint8),
    }


def test_gives_back_what_was_written_as_memory_maps(tmp_path):
    store, given = VolumeStore(tmp_path), arrays()
    assert store.read("a.1") is None
    store.write("a.1", given)
    found = store.read("a.1")
    assert store.has("a.1")
    assert list(found) == ["image", "labels"]
    for key, array in given.items():
        assert isinstance(found[key], np.memmap)
        assert found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array)
        with pytest.raises(ValueError, match="read-only"):
            found[key][0] = 0


def test_without_a_folder_it_lies_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDZOO_CACHE", str(tmp_path))
    VolumeStore().write("a.1", arrays())
    assert (tmp_path / "volumes" / "a.1" / "facts.json").is_file()


def test_a_patch_is_read_without_its_volume(tmp_path):
    """Of 128 MB on disk a small patch may bring in a few pages."""
    store = VolumeStore(tmp_path)
    store.write("a.1", {"image": np.ones((512, 256, 256), "f4")})
    path = tmp_path / "a.1" / "image.npy"
    with path.open("rb") as file:
        # Written out first: only clean pages can be dropped from memory.
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    before = resident_kb(path)
    patch = np.array(store.read("a.1")["image"][200:216, 100:116, 100:116])
    read = resident_kb(path) - before
    assert patch.sum() == 16**3
    assert 0 < read < 24 * 1024, f"{read} kB of 131072 kB"


def resident_kb(path):
    """How much of a file is in memory; through a map, as the kernel counts it."""
    found = os.popen(f"fincore --bytes --noheadings --output RES {path}").read()
    if not found.strip():
        pytest.skip("needs util-linux' fincore")
    return int(found) // 1024


@pytest.mark.parametrize("damage", ["truncated", "no facts", "no array", "text"])
def test_what_was_damaged_counts_as_absent_and_is_made_again(tmp_path, damage):
    store = VolumeStore(tmp_path)
    store.write("a.1", arrays())
    file = tmp_path / "a.1" / "image.npy"
    if damage == "truncated":
        os.truncate(file, 1000)
    elif damage == "no facts":
        (tmp_path / "a.1" / "facts.json").unlink()
    elif damage == "no array":
        file.unlink()
    else:
        (tmp_path / "a.1" / "facts.json").write_text("{", encoding="utf-8")
    assert store.read("a.1") is None
    store.write("a.1", arrays(1))
    np.testing.assert_array_equal(store.read("a.1")["image"], arrays(1)["image"])
    assert [p.name for p in tmp_path.iterdir()] == ["a.1"]


def test_the_first_of_two_writers_wins(tmp_path):
    store = VolumeStore(tmp_path)
    store.write("a.1", arrays(0))
    held = store.read("a.1")["image"]
    store.write("a.1", arrays(1))
    np.testing.assert_array_equal(store.read("a.1")["image"], arrays(0)["image"])
    np.testing.assert_array_equal(held, arrays(0)["image"])
    assert [p.name for p in tmp_path.iterdir()] == ["a.1"]


def write_all(folder, start):
    start.wait()
    store = VolumeStore(folder)
    for number in range(12):
        store.write(f"case.{number}", arrays(number))


def test_many_processes_write_into_one_store(tmp_path):
    context = multiprocessing.get_context("spawn")
    start = context.Event()
    writers = [
        context.Process(target=write_all, args=(tmp_path, start)) for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    start.set()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 4
    store = VolumeStore(tmp_path)
    for number in range(12):
        found = store.read(f"case.{number}")["image"]
        np.testing.assert_array_equal(found, arrays(number)["image"])
    assert len(list(tmp_path.iterdir())) == 12


def write_for_ever(folder, ready):
    store = VolumeStore(folder)
    for number in range(10_000):
        store.write(f"case.{number}", arrays(number))
        ready.set()


def test_a_killed_writer_leaves_whole_groups_only(tmp_path):
    context = multiprocessing.get_context("spawn")
    for delay in (0.0, 0.003, 0.01, 0.02):
        ready = context.Event()
        writer = context.Process(target=write_for_ever, args=(tmp_path, ready))
        writer.start()
        assert ready.wait(60)
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join(60)
    store = VolumeStore(tmp_path)
    names = [p.name for p in tmp_path.iterdir() if p.name.startswith("case.")]
    assert names
    for name in names:
        expected = arrays(int(name.split(".")[1]))["image"]
        np.testing.assert_array_equal(store.read(name)["image"], expected)


def test_sweeps_what_is_old_and_half_written_alone(tmp_path):
    store = VolumeStore(tmp_path)
    store.write("a.1", arrays())
    for name, age in (("old", 7 * 3600), ("new", 0)):
        folder = tmp_path / f"{TEMPORARY_PREFIX}{name}"
        folder.mkdir()
        os.utime(folder, (time.time() - age,) * 2)
    store.sweep()
    left = sorted(p.name for p in tmp_path.iterdir())
    assert left == [f"{TEMPORARY_PREFIX}new", "a.1"]


def test_hashes_are_read_once_and_follow_changes(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    os.utime(file, (1e9, 1e9))
    hashes = ContentHashes(tmp_path / "hashes")
    first = hashes(file)
    assert len(list((tmp_path / "hashes").iterdir())) == 1
    # As it was by size and time: the hash is believed, by another process too.
    file.write_bytes(b"two")
    os.utime(file, (1e9, 1e9))
    assert hashes(file) == ContentHashes(tmp_path / "hashes")(file) == first
    os.utime(file, (1e9 + 1, 1e9 + 1))
    assert hashes(file) != first


def test_a_file_that_may_still_change_is_hashed_again(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    ContentHashes(tmp_path / "hashes")(file)
    assert not (tmp_path / "hashes").exists()


def test_a_name_follows_content_and_not_place(tmp_path):
    first, second = tmp_path / "a.nii", tmp_path / "moved.nii"
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    hashes = ContentHashes(tmp_path / "hashes")
    name = name_by_content("sub-1", [first], ["facts"], hashes)
    assert name.startswith("sub-1.")
    assert name == name_by_content("sub-1", [second], ["facts"], hashes)
    assert name != name_by_content("sub-1", [first], ["others"], hashes)
    second.write_bytes(b"two")
    assert name != name_by_content("sub-1", [second], ["facts"], hashes)
