"""Intervals of values."""

from medzoo.inference.regression import within


def test_an_interval_ends_where_no_value_can_be():
    assert within([-77.0, 230.0], 40.0, [0, 110]) == (0, 110)
    assert within([30.0, 50.0], 40.0, [0, 110]) == (30, 50)
    assert within([-77.0, 230.0], 40.0, None) == (-77, 230)


def test_an_interval_keeps_its_value():
    assert within([-20.0, 10.0], -3.0, [0, 110]) == (-3, 10)
    assert within([100.0, 130.0], 115.0, [0, 110]) == (100, 115)
