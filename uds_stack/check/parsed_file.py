"""Parse YAML and JSON into plain values, and keep the line of each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from uds_stack.check.folder import Place
from uds_stack.check.yaml_values import Value, text

Keys = tuple[Any, ...]  # the keys that lead to a value

MAX_VALUES = 20_000  # more than a file has that people edit
STRINGS_AND_COMMENTS = r'"""[\s\S]*?"""|@"(?:[^"]|"")*"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//.*|/\*[\s\S]*?\*/'


class Problem(NamedTuple):
    """Why a file, or a part of it, was not read as it is meant."""

    place: Place
    problem: str
    remedy: str


class ParsedFile:
    """A YAML or JSON file as plain values, and the line of each of them.

    A scalar stays the text in the file, because each program reads `ON`, `no` and `0710` in its own way.
    """

    def __init__(self, file: str, content: str, may_repeat: Callable[[str], bool] = lambda key: False) -> None:
        """Parse a file's content; `may_repeat` tells which keys may occur twice in a mapping."""
        self.file, self.content = file, content
        self.data: Value = None  # None where the file cannot be parsed
        self.values: dict[Keys, Value] = {}
        self.tags: set[str] = set()
        self.problems: list[Problem] = []
        self._lines: dict[Keys, int] = {}
        self._may_repeat = may_repeat
        # PyYAML alone rejects tabs that do not indent.
        content = re.sub(r"\S.*", lambda match: match[0].replace("\t", " "), content)
        try:
            root = yaml.compose(content, Loader=yaml.SafeLoader)
            self.data = self._value(root, ()) if root else {}
        except yaml.MarkedYAMLError as e:
            mark = e.problem_mark or e.context_mark
            self.reject(mark.line + 1 if mark else 1, e.problem or "it cannot be parsed")
        except yaml.reader.ReaderError as e:
            self.reject(content.count("\n", 0, e.position) + 1, f"the character {e.character!r} is not allowed")
        except RecursionError:
            self.reject(1, "it is nested too deeply, or contains itself")
        except (yaml.YAMLError, ValueError, OverflowError) as e:
            self.reject(1, str(e).splitlines()[0])
        if not isinstance(self.data, dict) and not self.problems:
            self.reject(1, "it is not a mapping, lines of `name: value`")

    def find(self, path: Keys, holding: str = "", key: str = "") -> tuple[int, Place]:
        """Return how many keys of a path exist, and the line of the last of them.

        With `holding`, the path leads to a list: the line is that of the first item with this text, or of its `key`.
        """
        rows = self.values.get(path) if holding else None
        for i, row in enumerate(rows if isinstance(rows, list) else []):
            parts = row if isinstance(row, dict) else {i: row}
            named = [name for name, value in parts.items() if holding in text(value)]
            if named:
                path += (i, *([key] if key in parts else named)[: len(parts) if isinstance(row, dict) else 0])
                break
        while path and path not in self._lines:
            path = path[:-1]
        return len(path), (self.file, self._lines.get(path, 1))

    def reject(self, line: int, why: str) -> None:
        """Note a syntax error; nothing of the file counts then."""
        self.data, self.values = None, {}
        self.problems.append(Problem((self.file, line), f"syntax error: {why}", "correct this line"))

    def _value(self, node: yaml.Node, path: Keys) -> Value:
        if len(self.values) > MAX_VALUES:
            raise ValueError("its anchors expand to too much")
        self.tags.add(node.tag)
        self._lines.setdefault(path, node.start_mark.line + 1)
        value: Value = None if node.tag in ("tag:yaml.org,2002:null", "!reset") else node.value
        self.values[path] = value
        if isinstance(node, yaml.SequenceNode):
            value = [self._value(child, (*path, i)) for i, child in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            value = {}
            for key, child in self._pairs(node, report=True):
                name = text(key.value)
                while name in value:  # a key that may repeat
                    name = f"{text(key.value)} ({len(value)})"
                here = (*path, name)
                self._lines[here] = key.start_mark.line + 1
                value[name] = self._value(child, here)
        self.values[path] = value
        return value

    def _pairs(self, node: yaml.Node, report: bool) -> list[tuple[yaml.Node, yaml.Node]]:
        """Return a mapping's keys and values, its own before those that `<<` merges."""
        own: list[tuple[yaml.Node, yaml.Node]] = []
        merged: list[tuple[yaml.Node, yaml.Node]] = []
        first: dict[str, int] = {}
        for key, child in node.value if isinstance(node, yaml.MappingNode) else []:
            name, line = text(key.value), key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                for other in child.value if isinstance(child, yaml.SequenceNode) else [child]:
                    merged += self._pairs(other, report=False)
            elif name not in first or self._may_repeat(name):
                own.append((key, child))
                first.setdefault(name, line)
            elif report:
                problem = f"the key `{name}` is already set in line {first[name]}"
                self.problems.append(Problem((self.file, line), problem, "keep one of the two"))
        for key, child in merged:
            if text(key.value) not in first:
                own.append((key, child))
                first[text(key.value)] = 0
        return own


def without_comments(code: str) -> str:
    """Blank the comments of C# or JSON; every line keeps its number."""
    return re.sub(STRINGS_AND_COMMENTS, lambda m: re.sub(r".", " ", m[0]) if m[0][0] == "/" else m[0], code)


def parse_json(file: str, content: str) -> ParsedFile:
    """Parse JSON as .NET does, with comments and trailing commas; the parser of YAML then finds the lines."""
    tokens = r'"(?:\\.|[^"\\\n])*"|,(?=\s*[}\]])|\t'
    plain = re.sub(tokens, lambda m: m[0] if m[0][0] == '"' else " ", without_comments(content))
    try:
        json.loads(plain)
    except json.JSONDecodeError as e:
        parsed = ParsedFile(file, "")
        parsed.reject(e.lineno, f"not JSON: {e.msg}")
        return parsed
    except (ValueError, RecursionError):
        pass  # ParsedFile reports it, with its line
    return ParsedFile(file, plain)
