"""What takes long to make is made once, and left again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testkit.once import Once, one_of_each


def test_once_fills_a_folder_once(tmp_path: Path) -> None:
    folder = Once(tmp_path)("name", lambda folder: (folder / "file").touch())

    assert Once(tmp_path)("name", lambda _: pytest.fail("filled again")) == folder
    assert (folder / "file").exists()


def test_once_does_not_repeat_what_failed(tmp_path: Path) -> None:
    def fail(_: Path) -> None:
        raise AssertionError("planned")

    for fill in (fail, lambda folder: None):
        with pytest.raises(AssertionError, match="planned"):
            Once(tmp_path)("name", fill)


def test_one_of_each_makes_what_is_asked_for_and_leaves_all_of_it() -> None:
    made = []

    @contextmanager
    def make(kind: str) -> Iterator[str]:
        made.append(f"+{kind}")
        yield kind.upper()
        made.append(f"-{kind}")

    with one_of_each(make) as get:
        assert [get("a"), get("b"), get("a")] == ["A", "B", "A"]
        assert made == ["+a", "+b"]

    assert made == ["+a", "+b", "-b", "-a"]
