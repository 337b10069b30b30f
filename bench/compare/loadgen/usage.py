"""What containers and the whole machine have used, from cgroups of either version and /proc/stat."""

import os
from dataclasses import dataclass
from pathlib import Path

NOT_WORK = ("idle", "iowait", "steal", "guest", "guest_nice")  # guests are in user and nice already
STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")


@dataclass(frozen=True)
class Container:
    """The cgroup of a container: its directories for processor time and for memory, one and the same in version 2."""

    cpu: Path
    memory: Path

    def cpu_us(self) -> float:
        """Return the processor time so far, in microseconds."""
        if (version_1 := self.cpu / "cpuacct.usage").exists():
            return int(version_1.read_text()) / 1000
        return _fields(self.cpu / "cpu.stat")["usage_usec"]

    def memory_bytes(self) -> int:
        """Return the memory in use, without the files that the kernel would drop at once."""
        version_1 = (self.memory / "memory.usage_in_bytes").exists()
        used, inactive = (
            ("memory.usage_in_bytes", "total_inactive_file") if version_1 else ("memory.current", "inactive_file")
        )
        return int((self.memory / used).read_text()) - _fields(self.memory / "memory.stat")[inactive]


def find(cgroups: Path, container: str) -> Container:
    """Return the cgroup of a container, by its full id, below /sys/fs/cgroup or a mount of it."""
    # An engine names the directory ID or docker-ID.scope; version 1 has one in each controller's tree.
    found = [Path(folder, name) for folder, names, _ in os.walk(cgroups) for name in names if container in name]
    cpu = [path for path in found if (path / "cpuacct.usage").exists() or (path / "cpu.stat").exists()]
    memory = [path for path in found if (path / "memory.stat").exists()]
    if not cpu or not memory:
        raise LookupError(f"no cgroup of {container} with processor time and memory is in {cgroups}: {found}")
    # Version 1's cpu.stat, in the tree of the controller `cpu`, is about throttling.
    return Container(next((path for path in cpu if (path / "cpuacct.usage").exists()), cpu[0]), memory[0])


def machine_us(stat: Path = Path("/proc/stat")) -> float:
    """Return the processor time of the whole machine so far, in microseconds: all but idle, iowait and steal."""
    # What a hypervisor takes away (steal) is no work of this machine.
    ticks = dict(zip(STATES, map(int, stat.read_text().splitlines()[0].split()[1:]), strict=False))
    return sum(count for state, count in ticks.items() if state not in NOT_WORK) * 1e6 / os.sysconf("SC_CLK_TCK")


def _fields(file: Path) -> dict[str, int]:
    """Return the numbers in a file with a name and a number in each line."""
    return {name: int(number) for name, number in map(str.split, file.read_text().splitlines())}
