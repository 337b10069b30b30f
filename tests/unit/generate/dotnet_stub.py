"""A `dotnet` of a few lines of shell, for the hook to publish with, and what a failed publish must leave."""

from pathlib import Path

SDK = 'case $1 in --version) echo 10.0.100;; publish) shift; publish "$@";; esac'
WORKING = "publish() { mkdir publish && touch publish/myapp.dll; }"
HANGING = 'publish() { mkdir publish; touch publish/half; echo $$ >"$TRACE"; exec sleep 300; }'


def builds_from_source(project: Path) -> bool:
    """Whether a project is one that `docker compose up` builds from source, with nothing half made in it."""
    made = ("publish", "src/myapp/bin", "src/myapp/obj")
    return (project / "compose.yaml").is_file() and not any((project / name).exists() for name in made)
