"""TFRecord export and import of prepared volumes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.data.store.prepared_cases import IMAGE, LABELS
from medzoo.errors import FileFormatError, InputError, MissingFileError
from medzoo.files import replace_atomically

SUFFIX = ".tfrecord"
CASE_ID, SHAPE, DTYPE = "case_id", "/shape", "/dtype"


def write_tfrecords(
    feed: Any,
    folder: str | Path,
    *,
    num_shards: int = 1,
    progress: Callable[[int, int], Any] | None = None,
) -> list[Path]:
    """Writes the prepared volumes of a feed as TFRecord files.

    A record is a case: `case_id`, and of `image` and `labels` the bytes in C order,
    with `<name>/shape` (int64) and `<name>/dtype` (numpy's name) beside them. Labels
    are int32 in all records: who reads them needs one type. Nothing is compressed.
    For pipelines that are built on TFRecord; `mode="cached"` of a `PatchFeed` reads
    patches without their volumes and needs no export.

    Args:
        feed: `PatchFeed`.
        folder: path, made if need be; files of that name are replaced.
        num_shards: int, number of files, for parallel reading; cases in turn.
        progress: callable `(done, total)` or None.

    Returns:
        list of Path.

    Raises:
        InputError: for more shards than cases, or none.
    """
    import tensorflow as tf

    count = len(feed.volumes)
    if not 1 <= num_shards <= count:
        raise InputError(
            f"`num_shards` must lie between 1 and the number of cases, {count}. "
            f"Received: num_shards={num_shards}."
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    done = 0
    for shard in range(num_shards):
        name = f"volumes-{shard:05d}-of-{num_shards:05d}{SUFFIX}"
        with (
            replace_atomically(folder / name) as temporary,
            tf.io.TFRecordWriter(str(temporary)) as writer,
        ):
            for number in range(shard, count, num_shards):
                case_id = feed.volumes.cases[number].case_id
                writer.write(_record(case_id, feed.volumes.get(number)))
                done += 1
                if progress is not None:
                    progress(done, count)
        written.append(folder / name)
    return written


def read_tfrecords(
    source: str | Path | Sequence[str | Path],
    *,
    patch_size: int | Sequence[int] | None = None,
    patches_per_volume: int = 1,
    shuffle: bool = False,
    seed: int = 0,
    workers: int = 2,
) -> Any:
    """Reads what `write_tfrecords` wrote.

    Args:
        source: path of the folder, or list of paths of files.
        patch_size: int, three ints, or None for whole volumes; patches lie at random,
            inside their volume.
        patches_per_volume: int, patches cut of a volume each time it is read.
        shuffle: bool, another order of the records each time.
        seed: int, of places and order.
        workers: int, files read and records decoded at once.

    Returns:
        `tf.data.Dataset` of dict: `case_id` (str), `image` `(x, y, z, channels)` in the
        type it was written, and `labels` `(x, y, z)` where there are labels. Augment it
        with `.map(medzoo.CompiledPipeline([...]))` after renaming to `images` and
        `segmentation_masks`.

    Raises:
        MissingFileError: if there is no file.
        FileFormatError: if the first record is not such a one.
    """
    import tensorflow as tf

    files = _files(source)
    facts = _facts_of(files[0])
    dataset = tf.data.Dataset.from_tensor_slices(files)
    if shuffle:
        dataset = dataset.shuffle(len(files), seed=seed)
    dataset = dataset.interleave(
        tf.data.TFRecordDataset, cycle_length=workers, num_parallel_calls=workers
    )
    dataset = dataset.map(_decoder(facts), num_parallel_calls=workers)
    if shuffle:
        dataset = dataset.shuffle(4 * workers, seed=seed)
    if patch_size is not None:
        size = [int(n) for n in np.broadcast_to(patch_size, 3)]
        dataset = dataset.flat_map(_cutter(size, patches_per_volume, seed, list(facts)))
    return dataset.prefetch(workers)


def _record(case_id, arrays):
    import tensorflow as tf

    def of_bytes(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    features = {CASE_ID: of_bytes(case_id.encode())}
    for name in (IMAGE, LABELS):
        if name not in arrays:
            continue
        # A feed keeps the labels of each case in as few bytes as hold them.
        dtype = np.int32 if name == LABELS else None
        array = np.ascontiguousarray(arrays[name], dtype)
        shape = tf.train.Int64List(value=array.shape)
        features[name] = of_bytes(array.tobytes())
        features[name + SHAPE] = tf.train.Feature(int64_list=shape)
        features[name + DTYPE] = of_bytes(array.dtype.name.encode())
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString()


def _files(source):
    if isinstance(source, (str, Path)):
        files = sorted(Path(source).glob(f"*{SUFFIX}"))
    else:
        files = [Path(path) for path in source]
    missing = [str(path) for path in files if not path.is_file()]
    if missing or not files:
        raise MissingFileError(
            f"There must be files that end in {SUFFIX}. Received: "
            f"{missing or source}. Write them with medzoo.write_tfrecords."
        )
    return [str(path) for path in files]


def _facts_of(file):
    """Arrays of the first record: dict of name -> (dtype, number of axes)."""
    import tensorflow as tf

    try:
        first = next(iter(tf.data.TFRecordDataset(file).take(1)))
        found = tf.train.Example.FromString(first.numpy()).features.feature
        return {
            name: (
                found[name + DTYPE].bytes_list.value[0].decode(),
                len(found[name + SHAPE].int64_list.value),
            )
            for name in (IMAGE, LABELS)
            if name in found
        }
    except (StopIteration, IndexError, ValueError, tf.errors.OpError) as error:
        raise FileFormatError(
            f"A record must be one that medzoo.write_tfrecords wrote in {file}. "
            f"Received: {type(error).__name__}. Write it again."
        ) from error


def _decoder(facts):
    import tensorflow as tf

    known = {CASE_ID: tf.io.FixedLenFeature([], tf.string)}
    for name, (_, rank) in facts.items():
        known[name] = tf.io.FixedLenFeature([], tf.string)
        known[name + SHAPE] = tf.io.FixedLenFeature([rank], tf.int64)

    def decode(record):
        parts = tf.io.parse_single_example(record, known)
        found = {CASE_ID: parts[CASE_ID]}
        for name, (dtype, rank) in facts.items():
            flat = tf.io.decode_raw(parts[name], tf.as_dtype(dtype))
            array = tf.reshape(flat, parts[name + SHAPE])
            found[name] = tf.ensure_shape(array, [None] * rank)
        return found

    return decode


def _cutter(size, count, seed, names):
    import tensorflow as tf

    generator = tf.random.Generator.from_seed(seed)

    def cut(record):
        shape = tf.shape(record[IMAGE])[:3]
        missing = tf.maximum(size - shape, 0)
        padded = {n: _padded(record[n], missing) for n in names}
        room = tf.maximum(shape - size, 0)
        drawn = generator.uniform((count, 3), 0, 1)
        starts = tf.cast(drawn * tf.cast(room + 1, tf.float32), tf.int32)

        def patch(start):
            found = {CASE_ID: record[CASE_ID]}
            for name in names:
                rank = len(record[name].shape)
                begin = tf.concat([start, [0] * (rank - 3)], 0)
                part = tf.slice(padded[name], begin, [*size, *[-1] * (rank - 3)])
                found[name] = part
            return found

        return tf.data.Dataset.from_tensor_slices(starts).map(patch)

    return cut


def _padded(array, missing):
    """Zeros at the ends of axes that are shorter than a patch."""
    import tensorflow as tf

    after = tf.concat([missing, [0] * (len(array.shape) - 3)], 0)
    return tf.pad(array, tf.stack([tf.zeros_like(after), after], 1))
