"""Splits: by subject, balanced over the target, the same everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medzoo.data.cases.splits import stratified_folds
from medzoo.errors import InputError


@given(
    st.lists(st.floats(18, 90), min_size=10, max_size=60),
    st.integers(2, 5),
    st.integers(0, 9),
)
def test_folds_differ_in_size_by_one_at_most(ages, num_folds, seed):
    names = [f"s{i}" for i in range(len(ages))]
    sizes = np.bincount(stratified_folds(names, ages, num_folds, seed))
    assert len(sizes) == num_folds
    assert sizes.max() - sizes.min() <= 1


@given(st.permutations(list(range(20))))
def test_order_of_the_table_does_not_matter(order):
    names = [f"s{i}" for i in range(20)]
    ages = [20 + 3 * i for i in range(20)]
    straight = dict(zip(names, stratified_folds(names, ages, 5, 42), strict=True))
    mixed_names = [names[i] for i in order]
    mixed = stratified_folds(mixed_names, [ages[i] for i in order], 5, 42)
    assert dict(zip(mixed_names, mixed, strict=True)) == straight


def test_scans_of_one_subject_stay_together():
    subjects = [f"s{i // 2}" for i in range(40)]
    folds = stratified_folds(subjects, list(range(40)), 4, 0)
    assert all(folds[i] == folds[i + 1] for i in range(0, 40, 2))


def test_every_fold_spans_the_targets():
    ages = np.linspace(20, 80, 50)
    folds = np.array(stratified_folds([str(i) for i in range(50)], ages, 5, 1))
    means = [ages[folds == fold].mean() for fold in range(5)]
    assert max(means) - min(means) < 6


def test_seeds_give_other_folds():
    names, ages = [str(i) for i in range(30)], list(range(30))
    assert stratified_folds(names, ages, 5, 0) != stratified_folds(names, ages, 5, 1)


def test_fewer_subjects_than_folds_are_refused():
    with pytest.raises(InputError, match="subjects=2"):
        stratified_folds(["a", "b"], [1, 2], 3, 0)
