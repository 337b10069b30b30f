"""What is out of date: ./publish, the image, or an existing volume."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.testkit.bake import edit
from tests.testkit.process import run
from tests.unit.check.corpus import check, codes
from tests.unit.check.docker_stub import with_docker

LIBRARY = r'<ItemGroup><ProjectReference Include="..\{0}\{0}.csproj" /></ItemGroup>'


@pytest.mark.parametrize("changed", ["src/shop/Program.cs", "src/Prices/Price.cs"])
def test_sources_newer_than_publish(project: Path, changed: str) -> None:
    edit(project / "src/shop/shop.csproj", "</Project>", LIBRARY.format("Prices") + "</Project>")
    for folder, uses in (("Prices", "shop"), ("Unused", "Prices")):
        (project / "src" / folder).mkdir()
        (project / "src" / folder / f"{folder}.csproj").write_text(f"<Project>{LIBRARY.format(uses)}</Project>")
    for published in (project / "publish", *(project / "publish").iterdir()):
        os.utime(published)
    later = time.time() + 60
    for file in (changed, "src/Unused/Unused.csproj"):
        (project / file).touch()
        os.utime(project / file, (later, later))
    stack = json.dumps(
        {
            "services": {
                "app": {"volumes": [{"type": "bind", "source": str(project / "publish"), "target": "/app"}]},
                "h2o": {},
            }
        }
    )
    (project / "model.json").write_text(stack)
    report = with_docker(project, 'case "$*" in *--short) echo 2.26.1;; *" config "*) cat model.json;; esac')
    stale = [one for one in report.findings if one["code"] == "publish-stale"]
    assert [(one["level"], one["file"]) for one in stale] == [("warning", changed)]
    assert "dotnet publish src/shop -c Release -o publish" in stale[0]["remedy"]


@pytest.mark.engine
@pytest.mark.usefixtures("h2o_image")
def test_sources_newer_than_image(project: Path) -> None:
    later = time.time() + 60
    os.utime(project / "h2o/Dockerfile", (later, later))
    report = check(project, "--json", docker=True)
    assert [(one["code"], one["file"]) for one in report.of("warning")] == [("image-stale", "h2o/Dockerfile")]


@pytest.mark.engine
def test_existing_volume_with_other_options(project: Path) -> None:
    run("docker", "volume", "create", "check-volume_socket")
    try:
        report = check(project, "--json", docker=True, COMPOSE_PROJECT_NAME="check-volume")
    finally:
        run("docker", "volume", "rm", "check-volume_socket")
    assert codes(report, "error") == ["volume-stale"]
    assert "docker compose down --volumes" in report.of("error")[0]["remedy"]
