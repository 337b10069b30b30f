"""Medians, their intervals, and ratios that are paired by round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.compare.aggregate import Cells, interval
from tests.unit.bench.samples import sample


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=9))
def test_interval_holds_the_median(values: list[float]) -> None:
    found = interval(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)


def test_interval_of_equal_values_is_one_value() -> None:
    found = interval([3, 3, 3, 3, 3])
    assert (found.low, found.median, found.high) == (3, 3, 3)


def test_interval_leaves_out_what_is_rare() -> None:
    found = interval([10.0] * 20 + [1000.0])
    assert (found.low, found.high) == (10, 10)


def test_interval_is_reproducible() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert interval(values) == interval(values)


def test_ratio_is_paired_by_round() -> None:
    # In round 2 the machine was busy: both took twice as long, and their ratio is the same.
    samples = [sample("h2o", 1, machine_us=50), sample("h2o-tcp", 1, machine_us=100)]
    samples += [sample("h2o-tcp", 2, machine_us=200), sample("h2o", 2, machine_us=100)]
    ratio = Cells(samples).ratio("h2o", "h2o-tcp", "hello-64", lambda one: one.machine_us)
    assert ratio
    assert (ratio.low, ratio.median, ratio.high) == (0.5, 0.5, 0.5)


def test_ratio_ignores_a_round_that_one_variant_lacks() -> None:
    samples = [sample("h2o", 1, rate=300), sample("nginx", 1, rate=100), sample("h2o", 2, rate=1)]
    ratio = Cells(samples).ratio("h2o", "nginx", "hello-64", lambda one: one.rate)
    assert ratio
    assert ratio.median == pytest.approx(3)


def test_cell_that_was_never_visited_has_no_value() -> None:
    cells = Cells([sample("h2o", 1)])
    assert cells.value("nginx", "hello-64", lambda one: one.rate) is None
    assert cells.ratio("h2o", "nginx", "hello-64", lambda one: one.rate) is None
