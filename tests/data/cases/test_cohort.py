"""Groups of a case table."""

import numpy as np

from medzoo.data.cases.cohort import group_masks


def test_groups_are_sources_ages_and_sexes_that_there_are():
    rows = [
        {"source": "a", "age": "20", "sex": "F"},
        {"source": "b", "age": "35", "sex": "male"},
        {"source": "a", "age": "70.5", "sex": ""},
        {"source": "a", "age": "unknown"},
    ]
    found = group_masks(rows)

    assert list(found) == [
        "a",
        "b",
        "under 35 years",
        "35 to 50 years",
        "65 years and older",
        "female",
        "male",
    ]
    np.testing.assert_array_equal(found["a"], [1, 0, 1, 1])
    np.testing.assert_array_equal(found["35 to 50 years"], [0, 1, 0, 0])
    np.testing.assert_array_equal(found["male"], [0, 1, 0, 0])


def test_one_source_is_no_group():
    assert list(group_masks([{"source": "a", "sex": "f"}, {"source": "a"}])) == [
        "female"
    ]
    assert group_masks([{}]) == {}
