"""The commands of the load generators, and what is read from their output."""

import pytest

from bench.compare.load import Counted, command, latencies_ms, parse_h2load, parse_websockets, percentile
from bench.compare.workloads import WORKLOADS

NAMED = {workload.name: workload for workload in WORKLOADS}
# As h2load 1.52 prints it.
PRINTED = """
finished in 2.01s, 3946.00 req/s, 989.47KB/s
requests: 7892 total, 7893 started, 7892 done, 7892 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 7892 2xx, 0 3xx, 0 4xx, 0 5xx
"""


def test_h2load_counts_good_answers() -> None:
    assert parse_h2load(PRINTED) == Counted(7892, 0, 3946)


@pytest.mark.parametrize(
    ("old", "new", "good", "failed"),
    [
        ("7892 succeeded, 0 failed", "7890 succeeded, 2 failed", 7890, 2),
        ("7892 2xx, 0 3xx, 0 4xx, 0 5xx", "7889 2xx, 0 3xx, 0 4xx, 3 5xx", 7889, 3),
        (PRINTED, "the server could not be reached", 0, 1),
    ],
)
def test_h2load_counts_failed_requests(old: str, new: str, good: int, failed: int) -> None:
    counted = parse_h2load(PRINTED.replace(old, new))
    assert (counted.good, counted.failed) == (good, failed)


def test_websockets_are_counted() -> None:
    assert parse_websockets('{"good": 300, "failed": 1, "seconds": 1.5}') == Counted(300, 1, 200)


def test_websockets_that_ended_early_have_failed() -> None:
    assert parse_websockets("Traceback (most recent call last):").failed == 1


def test_latencies_are_sorted_milliseconds() -> None:
    assert latencies_ms("1700000000000000\t200\t2500\n1700000000001000\t200\t500\n") == [0.5, 2.5]


def test_latencies_of_other_statuses_are_refused() -> None:
    with pytest.raises(ValueError, match="statuses -1, 502 "):
        latencies_ms("1\t200\t2500\n2\t502\t500\n3\t-1\t500\n")


def test_percentile_is_a_value_of_the_list() -> None:
    ordered = [float(number) for number in range(1, 1001)]
    assert [percentile(ordered, share) for share in (0.5, 0.99, 0.999, 1)] == [500, 990, 999, 1000]
    assert percentile([7], 0.5) == 7


def test_command_asks_a_socket() -> None:
    words = command(NAMED["hello-64"], "unix:/tmp/bench/kestrel.sock", 1.5)
    assert words[-2:] == ["--base-uri=unix:/tmp/bench/kestrel.sock", "http://localhost/"]
    assert "--duration=1500ms" in words


def test_command_offers_a_fixed_rate() -> None:
    words = command(NAMED["64k-rate"], "127.0.0.1:8080", 2)
    assert {"--requests=400", "--rps=3.125", "--rate=1", "--rate-period=5ms"} <= set(words)


def test_command_sends_a_request_on_each_connection() -> None:
    assert "--requests=64" in command(NAMED["64k-rate"], "127.0.0.1:8080", 0.1)
