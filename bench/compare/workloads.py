"""What is asked for, by how many connections. Another workload is one more entry here."""

from dataclasses import dataclass

UPLOAD = 1 << 16  # bytes; loadgen/Dockerfile makes the file


@dataclass(frozen=True)
class Workload:
    """Requests of one kind on some connections: as many as are answered, or with `rate` so many a second."""

    name: str
    title: str
    path: str
    length: int  # of the answer's body; 0 for websockets
    connections: int = 64
    rate: int | None = None
    upload: bool = False
    websocket: bool = False
    times: int = 1  # as long as the other cells
    quick: bool = False  # also in a quick run

    @property
    def size(self) -> str:
        """What one request carries."""
        return self.title.partition(",")[0]


def _hello(connections: int, quick: bool = False) -> Workload:
    plural = "s" if connections > 1 else ""
    return Workload(
        f"hello-{connections}", f"12 B, {connections} connection{plural}", "/", 12, connections, quick=quick
    )


WORKLOADS = (
    _hello(1),
    _hello(16),
    _hello(64, quick=True),
    _hello(256),
    Workload("json-64", "JSON of 1 KB, 64 connections", "/json", 1068),
    Workload("64k-64", "64 KB, 64 connections", "/64k", 1 << 16, quick=True),
    Workload("1m-16", "1 MB, 16 connections", "/1m", 1 << 20, 16),
    Workload("upload-64", "POST of 64 KB, 64 connections", "/upload", len(str(UPLOAD)), upload=True),
    Workload("websocket-64", "websocket echo, 64 connections", "/websocket", 0, websocket=True),
    # 99.9 % of less than a few thousand requests would be the slowest one.
    Workload("hello-rate", "12 B, 1,000 requests/s", "/", 12, rate=1000, times=2, quick=True),
    Workload("64k-rate", "64 KB, 200 requests/s", "/64k", 1 << 16, rate=200, times=2),
)
