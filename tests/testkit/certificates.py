"""Make certificates, expired ones among them."""

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.testkit.process import run

CONFIG = """
[ca]
default_ca = ca
[ca]
database = {folder}/index
rand_serial = yes
default_md = sha256
policy = policy
copy_extensions = copy
[policy]
commonName = supplied
"""


def make_certificate(folder: Path, *, hosts: Sequence[str] = ("localhost",), days: int = 90) -> None:
    """Write cert.pem, for these hosts and these days from now, and key.pem into a folder, readable for everybody."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        (own / "index").touch()
        (own / "config").write_text(CONFIG.format(folder=own))
        key, request = folder / "key.pem", own / "request.pem"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = ["-subj", f"/CN={hosts[0]}", "-addext", "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts)]
        run("openssl", "req", "-new", *curve, *names, "-keyout", key, "-out", request)
        end = datetime.now(timezone.utc) + timedelta(days=days)
        dates = ["-startdate", f"{end - timedelta(days=365):%Y%m%d%H%M%SZ}", "-enddate", f"{end:%Y%m%d%H%M%SZ}"]
        files = ("-config", own / "config", "-outdir", own)
        run(
            "openssl",
            "ca",
            "-selfsign",
            "-batch",
            "-notext",
            *files,
            *dates,
            "-keyfile",
            key,
            "-in",
            request,
            "-out",
            folder / "cert.pem",
        )
    for file in folder.iterdir():
        file.chmod(0o644)
