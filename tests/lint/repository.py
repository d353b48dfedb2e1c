"""The files that the lint rules look at, and what a rule reports."""

import dataclasses
import os
import subprocess

SERVICES = ("detector", "resolver", "scheduler", "pricing", "paper-trading")
TOP_FOLDERS = ("common", "chain", "cli", "protos", "tests", "tokenwatch") + SERVICES
# The rules' own examples: one is wrong on purpose, the other is checked by the rules' test.
EXAMPLES = ("tests/lint/bad/", "tests/lint/good/")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One broken rule. `line` counts from 1; 0 means the file as a whole."""

    rule: str
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


class Repository:
    """A tree of files: a git checkout (tracked and new files), or any directory."""

    def __init__(self, root):
        self.root = root
        self._lines = {}
        if os.path.exists(os.path.join(root, ".git")):
            listed = subprocess.run(
                ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others",
                 "--exclude-standard"], check=True, capture_output=True, text=True).stdout.split("\0")
            paths = [path for path in listed if path and not path.startswith(EXAMPLES)]
        else:
            paths = [os.path.relpath(os.path.join(folder, name), root)
                     for folder, _, names in os.walk(root) for name in names]
        self.paths = sorted(path for path in set(paths) if os.path.isfile(os.path.join(root, path)))

    def with_suffix(self, *suffixes):
        return [path for path in self.paths if path.endswith(suffixes)]

    def lines(self, path):
        """The lines of a text file; none for a file that is not text."""
        if path not in self._lines:
            try:
                with open(os.path.join(self.root, path), encoding="utf-8") as file:
                    self._lines[path] = file.read().split("\n")
            except UnicodeDecodeError:
                self._lines[path] = []
        return self._lines[path]

    def text(self, path):
        return "\n".join(self.lines(path))
