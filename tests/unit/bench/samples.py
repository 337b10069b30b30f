"""Samples for the tests: made up, and easy to calculate with."""

from dataclasses import replace

from bench.compare.load import Sample


def sample(variant: str, round_: int, workload: str = "hello-64", **figures: float) -> Sample:
    """Return a sample with these figures, and 100 for the others."""
    cost = {"proxy_us": 100.0, "app_us": 100.0, "machine_us": 100.0, "without_generator_us": 100.0}
    made = Sample(round_, variant, workload, 1000, rate=100, **cost, proxy_mib=100, app_mib=100)
    return replace(made, **figures)  # type: ignore[arg-type]
