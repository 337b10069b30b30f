"""YAML and JSON files, with lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import yaml

from stack.check.files import MAX_VALUES
from stack.check.rule import Finding, error
from stack.check.values import Keys, Place, Value, items, mapping, text


class Doc:
    """A YAML or JSON file as plain values, and the line of each of them.

    A scalar stays the text in the file, because Compose, H2O and PyYAML read `ON`, `no` and `0710` each in its own way.
    """

    def __init__(self, file: str, content: str, may_repeat: Callable[[str], bool] = lambda key: False) -> None:
        self.file, self.content = file, content
        self.data: Value = None
        self.values: dict[Keys, Value] = {}
        self.lines: dict[Keys, int] = {}
        self.problems: list[Finding] = []
        self.includes_others = False  # H2O's `!file`
        self._may_repeat = may_repeat
        # PyYAML alone refuses tabs that indent nothing.
        content = re.sub(r"\S.*", lambda match: match[0].replace("\t", " "), content)
        try:
            root = yaml.compose(content, Loader=yaml.SafeLoader)
            self.data = self._value(root, ()) if root else {}
        except yaml.MarkedYAMLError as e:
            mark = e.problem_mark or e.context_mark
            self._refuse(mark.line + 1 if mark else 1, e.problem or "it cannot be parsed")
        except yaml.reader.ReaderError as e:
            self._refuse(content.count("\n", 0, e.position) + 1, f"the character {e.character!r} is not allowed")
        except RecursionError:
            self._refuse(1, "it is nested too deeply, or contains itself")
        except (yaml.YAMLError, ValueError, OverflowError) as e:
            self._refuse(1, str(e).splitlines()[0])
        if not isinstance(self.data, dict) and not self.problems:
            self._refuse(1, "it is not a mapping, lines of `name: value`")

    def find(self, path: Keys, holding: str = "", key: str = "") -> tuple[int, Place]:
        """Return how much of a path is here, and its line; of a list, that of the item with a text, or of its key."""
        rows = self.values.get(path) if holding else None
        for i, row in enumerate(rows if isinstance(rows, list) else []):
            parts = row if isinstance(row, dict) else {i: row}
            named = [name for name, value in parts.items() if holding in text(value)]
            if named:
                path += (i, *([key] if key in parts else named)[: len(parts) if isinstance(row, dict) else 0])
                break
        while path and path not in self.lines:
            path = path[:-1]
        return len(path), (self.file, self.lines.get(path, 1))

    def commands(self, *path: str) -> list[tuple[str, Value, Place]]:
        """Return H2O's commands at a level: those of a mapping, or of a list of mappings."""
        blocks: list[Keys] = [path, *((*path, i) for i, _ in enumerate(items(self.values.get(path))))]
        return [
            (name.split(" (")[0], value, self.find((*block, name))[1])
            for block in blocks
            for name, value in mapping(self.values.get(block)).items()
        ]

    def _refuse(self, line: int, why: str) -> None:
        self.data, self.values = None, {}
        self.problems.append(error((self.file, line), "syntax", f"{why}; mend it, for nothing reads the file as it is"))

    def _value(self, node: yaml.Node, path: Keys) -> Value:
        if len(self.values) > MAX_VALUES:
            raise ValueError("its anchors expand to too much")
        self.includes_others |= node.tag in ("!file", "!env")
        self.lines.setdefault(path, node.start_mark.line + 1)
        value: Value = None if node.tag in ("tag:yaml.org,2002:null", "!reset") else node.value
        self.values[path] = value
        if isinstance(node, yaml.SequenceNode):
            value = [self._value(child, (*path, i)) for i, child in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            value = {}
            for key, child in self._pairs(node, report=True):
                name = text(key.value)
                while name in value:  # of commands that H2O repeats
                    name = f"{text(key.value)} ({len(value)})"
                here = (*path, name)
                self.lines[here] = key.start_mark.line + 1
                value[name] = self._value(child, here)
        self.values[path] = value
        return value

    def _pairs(self, node: yaml.Node, report: bool) -> list[tuple[yaml.Node, yaml.Node]]:
        """Return a mapping's keys and values, its own before those that `<<` brings."""
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
                message = f"`{name}` stands here a second time, after line {first[name]}; keep one of the two"
                self.problems.append(error((self.file, line), "duplicate-key", message))
        for key, child in merged:
            if text(key.value) not in first:
                own.append((key, child))
                first[text(key.value)] = 0
        return own


STRINGS_AND_COMMENTS = r'"""[\s\S]*?"""|@"(?:[^"]|"")*"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//.*|/\*[\s\S]*?\*/'


def without_comments(code: str) -> str:
    """Blank the comments of C# or JSON; every line stays where it is."""
    return re.sub(STRINGS_AND_COMMENTS, lambda m: re.sub(r".", " ", m[0]) if m[0][0] == "/" else m[0], code)


def json_doc(file: str, content: str) -> Doc:
    """Read JSON as .NET does, with comments and trailing commas; the parser of YAML then finds the lines."""
    tokens = r'"(?:\\.|[^"\\\n])*"|,(?=\s*[}\]])|\t'
    plain = re.sub(tokens, lambda m: m[0] if m[0][0] == '"' else " ", without_comments(content))
    try:
        json.loads(plain)
    except json.JSONDecodeError as e:
        doc = Doc(file, "")
        doc._refuse(e.lineno, f"not JSON: {e.msg}")
        return doc
    except (ValueError, RecursionError):
        pass  # Doc says the same with a line
    return Doc(file, plain)
