"""A derived namespace ends with App, or begins with App and a digit: no name in the generated C# does."""

import re

from tests.testkit.bake import REPO


def test_no_name_in_the_code_could_be_a_derived_namespace() -> None:
    sources = [path for path in REPO.glob("{{*}}/**/*.cs*") if path.suffix != ".csproj"]
    code = "\n".join(re.sub(r'//.*|"[^"\n]*"', "", path.read_text(encoding="utf-8")) for path in sources)
    names = set(re.findall(r"@?\b[A-Za-z_]\w*", code))

    assert {"namespace", "WebApplication", "SocketInstance", "AppProcess", "TestInstance", "Task"} <= names
    assert {name for name in names if re.search(r"App$|^App[0-9]", name)} == set()
