"""Samples of a readout of anatomy: what the body measures of every version."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo.data.feeds.case_dataset import Variants
from medzoo.data.store.content_hash import ContentHashes, name_by_content
from medzoo.files import replace_atomically


@dataclass(frozen=True)
class Samples:
    """What the body measured of every version of every case.

    Args:
        features: `(samples, features)` float32.
        cases: `(samples,)` int, whose each is.
        shares: `(samples,)` float, what each counts among those of its case.
        plain: `(cases, features)` float32, of the cases as they are.
    """

    features: np.ndarray
    cases: np.ndarray
    shares: np.ndarray
    plain: np.ndarray


def measured_samples(model, recipe, prepared, folder, log):
    """Sends every version of every case through the body, once.

    Args:
        model: `AnatomyReadout3D` with trained weights of the body.
        recipe: dict.
        prepared: `PreparedCases`, prepared.
        folder: path, where the features of each case are kept.
        log: callable taking a line.

    Returns:
        `Samples`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    seed = recipe["training"].get("seed", 0)
    variants = Variants(prepared, seed)
    arguments = recipe["architecture"]["arguments"]
    # Not what is read out: a model of another target finds the features of this one.
    body = [digest_of(model.feature_network)]
    body += [arguments[name] for name in ("input_shape", "body", "features")]
    facts = [body, recipe["preprocessing"], recipe["training"].get("views"), seed]
    features, cases, shares, plain = [], [], [], []
    hashes = ContentHashes(folder)
    for index, case in enumerate(prepared.cases):
        name = name_by_content(case.case_id, _files(case), facts, hashes)
        path = folder / f"{name}.npy"
        if not path.is_file():
            # Prepared while the network works on this one.
            prepared.expect(range(index + 1, min(index + 2, len(prepared))))
            rows = [_features(model, version) for version in variants.versions(index)]
            rows.append(
                rows[0]
                if _is_plain(variants.views[0])
                else _whole(model, prepared, index)
            )
            _save(path, np.array(rows, np.float32))
        rows = np.load(path, allow_pickle=False)
        plain.append(rows[-1])
        features.append(rows[:-1])
        cases.append(np.full(len(rows) - 1, index))
        shares.append(variants.shares(index))
        variants.forget(index)
        if (index + 1) % 20 == 0:
            log(f"measured {index + 1} of {len(prepared)}")
    return Samples(*map(np.concatenate, (features, cases, shares)), np.array(plain))


def _is_plain(view):
    """Whether a view shows a case as it is, which need not be measured twice."""
    return view.strip is None and not view.augmentation


def _whole(model, prepared, index):
    """Features of a case as it is."""
    image = prepared.get(index)["image"]
    whole = prepared.preparation.preprocessor.normalize(image[None])[0]
    return _features(model, whole)


def digest_of(network):
    """Returns a hash of a network's weights, hexadecimal."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _features(model, volume):
    """Features of one volume `(x, y, z, channels)`: `(features,)` float32."""
    return np.asarray(model.feature_network(volume[None]), np.float32)[0]


def _files(case):
    return [case.images[name] for name in sorted(case.images)]


def _save(path, array):
    with replace_atomically(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)
