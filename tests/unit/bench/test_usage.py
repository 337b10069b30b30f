"""Cgroups of both versions, and /proc/stat."""

from pathlib import Path

import pytest

from bench.compare.loadgen.usage import find, machine_us

ID = "3b4233d555d88312eac3b0e73f12c9827de7ba9c241e70cf23ed48812e62385f"


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_version_2_has_one_directory(tmp_path: Path) -> None:
    write(
        tmp_path / "system.slice" / f"docker-{ID}.scope",
        cpu__stat="usage_usec 1234\nuser_usec 1000\nsystem_usec 234\n",
        memory__current="5000\n",
        memory__stat="anon 3000\ninactive_file 1500\n",
    )
    container = find(tmp_path, ID)
    assert container.cpu_us() == 1234
    assert container.memory_bytes() == 3500


def test_version_1_has_a_directory_for_each_controller(tmp_path: Path) -> None:
    write(tmp_path / "cpu" / "docker" / ID, cpu__stat="nr_periods 0\nnr_throttled 0\n")
    write(tmp_path / "cpuacct" / "docker" / ID, cpuacct__usage="1234567\n")
    write(
        tmp_path / "memory" / "docker" / ID,
        memory__usage_in_bytes="5000\n",
        memory__stat="inactive_file 1\ntotal_inactive_file 1500\n",
    )
    write(tmp_path / "pids" / "docker" / ID)
    container = find(tmp_path, ID)
    assert container.cpu_us() == 1234.567
    assert container.memory_bytes() == 3500


def test_missing_cgroup_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "docker" / "another", cpu__stat="usage_usec 1\n", memory__stat="inactive_file 1\n")
    with pytest.raises(LookupError, match=ID):
        find(tmp_path, ID)


def test_machine_counts_work_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_CLK_TCK": 100}[name])
    stat = tmp_path / "stat"
    # user nice system idle iowait irq softirq steal guest guest_nice
    stat.write_text("cpu  1 2 3 1000 1000 4 5 1000 1 0\ncpu0 1 2 3 1000 1000 4 5 1000 1 0\n")
    assert machine_us(stat) == (1 + 2 + 3 + 4 + 5) * 10_000
