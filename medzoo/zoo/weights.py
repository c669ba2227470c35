"""Validation of a weights file: its hash, and a safe HDF5 structure."""

import math
from pathlib import Path

from medzoo.errors import IntegrityError, MedzooError, MissingFileError
from medzoo.files import sha256_of
from medzoo.zoo.hub.cache import weights_place
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.recipe.strict_json import shown

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ELEMENT_LIMIT = 1_000_000_000  # in one dataset
_BYTES_LIMIT = 2**30  # of all datasets together, as they stand in memory
_OBJECT_LIMIT = 100_000
_SLAB = 2**22  # elements read at a time when looking for values that are not finite
# Filters that HDF5 itself carries; any other one would load a library by its number.
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32"}
_GZIP_RATIO = 1100  # deflate reaches 1032 at most; more is a lie about the shape


def verify_weights(folder: str | Path, recipe: Recipe) -> Path:
    """Checks that a model's weights file is the one that its recipe names.

    Args:
        folder: The model's folder; where the file is not there, the cache is looked at.
        recipe: Its recipe.

    Returns:
        The path of the weights file.

    Raises:
        IntegrityError: The recipe names no weights, or size or sha256 differ.
        MissingFileError: The file is not there.
    """
    if recipe.weights is None:
        raise IntegrityError(
            f"The recipe names no weights in {folder}. Received: weights=None. "
            f"Train the model first, or load it with weights=False."
        )
    path = Path(folder) / recipe.weights["file"]
    if not path.is_file() and weights_place(recipe).is_file():
        path = weights_place(recipe)
    if not path.is_file():
        raise MissingFileError(
            f"The weights file is missing in {folder}. Received: "
            f"file={shown(path.name)}. Fetch or install the model again."
        )
    size = path.stat().st_size
    if size != recipe.weights["bytes"]:
        raise IntegrityError(
            f"The weights file must have the {recipe.weights['bytes']} bytes that its "
            f"recipe names, in {path}. Received: bytes={size}. Install it again."
        )
    digest = sha256_of(path)
    if digest != recipe.weights["sha256"]:
        raise IntegrityError(
            f"The weights file must have the sha256 that its recipe names, in {path}. "
            f"Received: sha256={digest}. Fetch or install the model again."
        )
    return path


def scan_hdf5(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Checks that a weights file holds nothing but weights.

    Only groups and datasets of finite floating-point numbers pass, each reached by one
    hard link, stored inside the file, with as many bytes as its shape promises.

    Args:
        path: A `.weights.h5` file.

    Returns:
        The shape of each dataset, by its path in the file.

    Raises:
        IntegrityError: The file is no HDF5, or holds something else.
        MissingFileError: The file is not there.
    """
    path = Path(path)
    _check_signature(path)
    import h5py  # costs numpy, which nothing else in the zoo's checks needs

    try:
        with h5py.File(path, "r") as file:
            return _walk(file, path)
    except MedzooError:
        raise
    # h5py raises any of these for a damaged file.
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as fault:
        message = " ".join(str(fault).split())
        raise IntegrityError(
            f"The weights file must be readable HDF5, in {path}. Received: "
            f"fault={shown(message)}. Install the model again."
        ) from None


def _check_signature(path: Path) -> None:
    if not path.is_file():
        raise MissingFileError(
            f"A weights file is missing. Received: path={shown(path)}. "
            f"Give the path of a .weights.h5 file."
        )
    with path.open("rb") as file:
        start = file.read(len(_SIGNATURE))
    if start == _SIGNATURE:
        return
    remedy = "Give a file that Keras' save_weights wrote."
    if start.startswith(b"PK"):
        remedy = "This is a .keras archive: give its weights as .weights.h5."
    raise IntegrityError(
        f"A weights file must begin as HDF5 does, in {path}. Received: start={start!r}."
        f" {remedy}"
    )


def _walk(file: object, path: Path) -> dict[str, tuple[int, ...]]:
    import h5py

    shapes: dict[str, tuple[int, ...]] = {}
    total = 0
    seen = {h5py.h5o.get_info(file.id).addr}
    groups = [file]
    while groups:
        group = groups.pop()
        for name in group:
            item = _follow(group, name, path)
            # A second way to one object would be a cycle, or the same bytes twice.
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or len(seen) >= _OBJECT_LIMIT:
                raise _fault(path, "Objects must be linked once", item.name, address)
            seen.add(address)
            if item.name == "/optimizer":
                rule = "Weights must be saved from a model that is not compiled"
                raise _fault(path, rule, item.name, "the state of an optimizer")
            if isinstance(item, h5py.Group):
                groups.append(item)
                continue
            total += _check_layout(item, path)
            if total > _BYTES_LIMIT:
                rule = f"All datasets together have at most {_BYTES_LIMIT} bytes"
                raise _fault(path, rule, item.name, total)
            shapes[item.name] = item.shape
    for name in shapes:
        _check_finite(file[name], path)
    return shapes


def _follow(group: object, name: str, path: Path) -> object:
    import h5py

    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise _fault(path, "Links must be hard", name, type(link).__name__)
    item = group[name]
    if not isinstance(item, h5py.Group | h5py.Dataset):
        rule = "Only groups and datasets may stand"
        raise _fault(path, rule, name, type(item).__name__)
    return item


def _check_layout(dataset: object, path: Path) -> int:
    """Checks type, shape and storage of a dataset; gives its size in bytes."""
    name, dtype, shape = dataset.name, dataset.dtype, dataset.shape
    if dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
        raise _fault(path, "Datasets must be of floats", name, dtype)
    if shape is None or math.prod(shape) > _ELEMENT_LIMIT:
        rule = f"Datasets must have a shape of at most {_ELEMENT_LIMIT} elements"
        raise _fault(path, rule, name, shape)
    properties = dataset.id.get_create_plist()
    if dataset.is_virtual or properties.get_external_count():
        raise _fault(path, "Datasets must be stored in the file", name, "elsewhere")
    size = math.prod(shape) * dtype.itemsize
    stored = dataset.id.get_storage_size()
    if dataset.chunks is not None:
        _check_chunks(dataset, properties, path)
        fits = size <= stored * _GZIP_RATIO
    else:
        fits = size == stored and stored <= path.stat().st_size
    if not fits:
        rule = f"Datasets must store the {size} bytes of their shape"
        raise _fault(path, rule, name, stored)
    return size


def _check_chunks(dataset: object, properties: object, path: Path) -> None:
    for number in range(properties.get_nfilters()):
        code = properties.get_filter(number)[0]
        if code not in _FILTERS:
            rule = f"Filters must be of {', '.join(_FILTERS.values())}"
            raise _fault(path, rule, dataset.name, code)
    # One chunk is held in memory as a whole, however small the dataset is.
    if math.prod(dataset.chunks) > max(math.prod(dataset.shape), 2**20):
        rule = "Chunks must not exceed their dataset"
        raise _fault(path, rule, dataset.name, dataset.chunks)


def _check_finite(dataset: object, path: Path) -> None:
    import numpy as np

    if math.prod(dataset.shape) == 0:
        return
    if not dataset.shape:
        slabs = [()]
    else:
        row = max(1, math.prod(dataset.shape[1:]))
        step = max(1, _SLAB // row)
        slabs = [slice(k, k + step) for k in range(0, dataset.shape[0], step)]
    for slab in slabs:
        bad = int(np.count_nonzero(~np.isfinite(dataset[slab])))
        if bad:
            rule = "Weights must be finite"
            raise _fault(path, rule, dataset.name, f"{bad} values")


def _fault(path: Path, rule: str, name: str, received: object) -> IntegrityError:
    return IntegrityError(
        f"{rule}, in {path} at {shown(name)}. Received: {shown(str(received))}. "
        f"Do not use this file; get the model again from its publisher."
    )
