"""The comparison in real containers, as small as it can be."""

import json
from pathlib import Path

import pytest

from bench import compare
from bench.compare.rounds import Options
from bench.compare.variants import VARIANTS
from tests.testkit.process import run
from tests.testkit.stack import WORKER

pytestmark = [pytest.mark.engine, pytest.mark.test_all]


def test_compare_measures_a_socket_and_tcp(tmp_path: Path) -> None:
    (work := tmp_path / "work").mkdir()
    variants = [variant for variant in VARIANTS if variant.name in ("h2o", "h2o-tcp")]
    options = Options(rounds=1, seconds=1, only=("hello-64",))
    prefix = f"uds-stack-bench-test-{WORKER}"

    tables = compare.measure(work, tmp_path / "results", options, variants, prefix)

    samples = json.loads((tmp_path / "results" / "results.json").read_text())["samples"]
    assert sorted(sample["variant"] for sample in samples) == ["h2o", "h2o-tcp"]
    for sample in samples:
        figures = ("requests", "rate", "proxy_us", "app_us", "without_generator_us", "proxy_mib", "app_mib")
        assert all(sample[name] > 0 for name in figures), sample
        assert sample["machine_us"] > sample["without_generator_us"]
    assert "| H2O, socket / H2O, TCP |" in tables
    ran = (tmp_path / "results" / "configurations" / "h2o-tcp" / "h2o" / "h2o.conf").read_text()
    assert 'proxy.reverse.url: "http://app:8080/"' in ran
    for kind in ("container", "volume", "network", "image"):
        names = run("docker", kind, "ls", *(["--all"] if kind == "container" else [])).stdout
        assert prefix not in names, f"a {kind} is left: {names}"
