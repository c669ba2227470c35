"""What an autoencoder's reconstructions and codes are worth."""

import numpy as np

from medzoo.data.cases.cohort import AGE, group_masks
from medzoo.data.cases.training_views import View
from medzoo.data.feeds.whole_cases import prepared_cases
from medzoo.errors import InputError
from medzoo.evaluation.case_means import mean_over_cases
from medzoo.evaluation.linear_probe import cross_validated, probe
from medzoo.evaluation.task_evaluation import ImageEvaluation
from medzoo.inference.spread import spread_scale, spread_when_shifted
from medzoo.metrics.calibration import spread_quality
from medzoo.metrics.intervals import bootstrap
from medzoo.metrics.regression import mean_absolute_error, r_squared

# Code lengths at which components are compared, besides the network's own.
SHORTER_CODES = (32, 64)


class ReconstructionEvaluation(ImageEvaluation):
    """Compares reconstructions and codes, see `ImageEvaluation`."""

    def measure_cases(self, predictor, cases, *, codes=None, progress=None):
        """See `ImageEvaluation`."""
        return measure_reconstruction(
            predictor.model, self.recipe, cases, progress=progress
        )

    @staticmethod
    def differences(first, second):
        """The difference of embeddings, in percent, where there are any."""
        if first.embedding is None:
            return ImageEvaluation.differences(first, second)
        length = float(np.linalg.norm(first.embedding)) or 1.0
        off = float(np.linalg.norm(first.embedding - second.embedding))
        return {"embedding": (100 * off / length, "%")}


def measure_reconstruction(model, recipe, cases, *, folder=None, progress=None):
    """Measures reconstruction error and how well the code predicts age.

    The error of a case is the mean squared difference of input and reconstruction over
    the network's whole input, in units of the input's variance, channels averaged.

    Where the table holds cases of the recipe's validation split, errors are theirs;
    principal components and the mean image are those of the other cases as they are
    prepared for the network; the probe of age is fitted to the others' codes and
    tested on the split's. Else all cases are measured, without baselines, and the
    probe is cross-validated among them.

    Args:
        model: Keras model of the recipe.
        recipe: dict, the recipe's content.
        cases: list of `Case`, see
            `medzoo.data.feeds.reconstruction.reconstruction_cases`.
        folder: path or None, where prepared scans are kept.
        progress: callable `(done, total)` or None.

    Returns:
        dict: `protocol`; `metrics`; `baselines` and `groups` by name. Each number is
        `{"value", "ci95", "n"}`, bootstrapped over people.

    Raises:
        InputError: if no case has all channels.
    """
    from medzoo.data.feeds.reconstruction import training_cases, validation_cases

    complete = [c for c in cases if len(c.images) == len(recipe["channels"])]
    measured = validation_cases(complete, recipe)
    others = training_cases(complete, recipe) if measured else []
    everything = [*(measured or complete), *others]
    if not everything:
        raise InputError(
            "A measurement needs cases with all channels. Received: none. "
            "Check the table."
        )
    samples = _prepared(everything, recipe, folder, progress)
    codes, errors = _through(model, samples)
    count = len(everything) - len(others)
    scale = spread_scale(recipe)
    believed = [_believed(model, sample, scale) for sample in samples[:count]]
    ages = np.array([float(c.columns.get(AGE, "nan")) for c in everything])
    people = np.array([c.person for c in everything])
    found = {
        "protocol": _protocol(count, len(others), recipe),
        "metrics": {
            "reconstruction_error": mean_over_cases(
                errors[:count], people=people[:count]
            ),
            **_probed(codes, ages, people, count),
            **{
                f"uncertainty_{name}": mean_over_cases(
                    [row[name] for row in believed], people=people[:count]
                )
                for name in believed[0]
            },
        },
        "baselines": {},
        "groups": _groups(everything[:count], errors[:count]),
    }
    if others:
        found["baselines"] = _baselines(samples, ages, people, count, codes.shape[1])
    return found


def _prepared(cases, recipe, folder, progress):
    """All cases as the network sees them, `(cases, x, y, z, channels)` float16."""
    prepared = prepared_cases(cases, recipe, views=[View()], folder=folder)
    normalize = prepared.preparation.preprocessor.normalize
    samples = None
    for number in range(len(cases)):
        x = normalize(prepared.get(number)["image"][None])[0]
        if samples is None:
            samples = np.empty((len(cases), *x.shape), np.float16)
        samples[number] = x
        if progress is not None:
            progress(number + 1, len(cases))
    return samples


def _through(model, samples):
    codes, errors = [], []
    for sample in samples:
        x = sample[None].astype(np.float32)
        code = np.asarray(model.encoder.predict_on_batch(x))
        errors.append(error_of(x, np.asarray(model.decoder.predict_on_batch(code)))[0])
        codes.append(code[0])
    return np.array(codes, np.float64), np.array(errors)


def _believed(model, sample, scale):
    """`spread_quality` of one case over the network's input."""
    image = sample.astype(np.float32)
    predicted, spread = spread_when_shifted(
        lambda moved: model.predict_on_batch(moved[None])[0], image
    )
    return spread_quality(predicted - image, scale * spread)


def error_of(images, reconstructions):
    """Mean squared difference in units of each image's variance.

    Args:
        images: `(cases, x, y, z, channels)`.
        reconstructions: likewise.

    Returns:
        `(cases,)` float64, the mean over the channels that are not constant.
    """
    axes = (1, 2, 3)
    variance = images.var(axes, dtype=np.float64)
    difference = np.square(reconstructions - images, dtype=np.float64).mean(axes)
    varies = variance > 0
    shares = np.where(varies, difference / np.where(varies, variance, 1.0), np.nan)
    return np.nanmean(shares, axis=1)


def _probed(codes, ages, people, count):
    """How well a ridge regression predicts the age from codes."""
    known = np.isfinite(ages)
    train, test = known.copy(), known.copy()
    train[:count], test[count:] = False, False
    found = {}
    fitted_to, tested_on, everybody = (set(people[m]) for m in (train, test, known))
    if len(fitted_to) >= 10 and len(tested_on) >= 10:
        predicted = probe(codes[train], ages[train], codes[test], people[train])
        pair, own = (ages[test], predicted), {"people": people[test]}
        found["age_r_squared"] = bootstrap(r_squared, *pair, **own)
        error = bootstrap(mean_absolute_error, *pair, **own)
        found["age_mean_absolute_error"] = {**error, "unit": "years"}
    if len(everybody) >= 20:
        predicted = cross_validated(codes[known], ages[known], people[known])
        score = bootstrap(r_squared, ages[known], predicted, people=people[known])
        found["age_r_squared_cross_validated"] = score
    return found


def _baselines(samples, ages, people, count, length):
    from medzoo.training.linear_start import principal_components

    flat = samples.reshape(len(samples), -1)
    found = principal_components(flat[count:], length)
    measured = flat[:count].astype(np.float32)
    variance = measured.var(1, dtype=np.float64)
    centred = measured - found.mean
    total = np.square(centred, dtype=np.float64).sum(1)
    codes = np.concatenate(
        [
            (flat[i : i + 16].astype(np.float32) - found.mean) @ found.vectors
            for i in range(0, len(flat), 16)
        ]
    ).astype(np.float64)
    baselines = {}
    for number in sorted({0, *SHORTER_CODES, codes.shape[1]}):
        if number > codes.shape[1]:
            continue
        # Orthonormal directions: what they hold leaves the error.
        left = total - np.square(codes[:count, :number]).sum(1)
        entry = {
            "reconstruction_error": mean_over_cases(
                left / flat.shape[1] / variance, people=people[:count]
            )
        }
        if number:
            entry |= _probed(codes[:, :number], ages, people, count)
        name = f"PCA with {number} components" if number else "mean image"
        baselines[name] = entry
    return baselines


def _groups(cases, errors):
    masks = group_masks([case.columns for case in cases])
    people = np.array([case.person for case in cases])
    return {
        name: {
            "reconstruction_error": mean_over_cases(
                errors[inside], people=people[inside]
            )
        }
        for name, inside in masks.items()
    }


def _protocol(count, others, recipe):
    kind = "of the validation split" if others else "of the table"
    text = (
        f"{count} cases {kind}. Error: mean squared difference of input and "
        "reconstruction over the network's whole input, whose mean is 0 and variance 1."
    )
    if others:
        text += (
            f" Principal components and mean image are those of the {others} other "
            "cases, prepared as for the network. Age: ridge regression on the code, "
            "fitted to the other cases; cross-validated: 5 folds over all cases, most "
            "of which the network has seen (but not their ages)."
        )
    return text
