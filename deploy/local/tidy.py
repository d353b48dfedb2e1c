"""Runs clang-tidy over the sources named on standard input (NUL-separated), several at a time.

A source that passed is remembered in <build>/tidy-passed under a hash of everything that decides the outcome: its text,
the repository's headers it includes (transitively), its compile command, .clang-tidy. Headers are checked through the
sources that include them. With --base only sources are looked at which differ from that commit, or include a header
which does.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import threading

INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


class Contents:
    """Text and includes of the repository's files, read once."""

    def __init__(self):
        self._texts = {}
        self._closures = {}

    def text(self, path):
        if path not in self._texts:
            try:
                with open(path, "rb") as file:
                    self._texts[path] = file.read()
            except FileNotFoundError:
                self._texts[path] = None
        return self._texts[path]

    def closure(self, path):
        """The file and every file of this repository that it includes, sorted; generated headers by their proto."""
        if path not in self._closures:
            seen, waiting = set(), [path]
            while waiting:
                current = waiting.pop()
                if current in seen or self.text(current) is None:
                    continue
                seen.add(current)
                for included in INCLUDE.findall(self.text(current)):
                    name = included.decode()
                    waiting.append("protos/" + re.sub(r"(\.grpc)?\.pb\.h$", ".proto", name)
                                   if name.endswith(".pb.h") else name)
            self._closures[path] = sorted(seen)
        return self._closures[path]


def changed_since(base):
    """Paths that differ from where this branch left base, committed or not; None when there is no such commit."""
    git = ["git", "-c", "safe.directory=*"]
    fork = subprocess.run(git + ["merge-base", base, "HEAD"], capture_output=True, text=True, check=False)
    if fork.returncode != 0:
        return None
    differing = subprocess.run(git + ["diff", "--name-only", "-z", fork.stdout.strip()], capture_output=True, text=True,
                               check=True).stdout
    new = subprocess.run(git + ["ls-files", "-z", "--others", "--exclude-standard"], capture_output=True, text=True,
                         check=True).stdout
    return set((differing + new).split("\0")) - {""}


def key_of(contents, path, command, config):
    digest = hashlib.sha256(config + command.encode())
    for part in contents.closure(path):
        digest.update(part.encode() + b"\0" + contents.text(part) + b"\0")
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--base", default="")
    options = parser.parse_args()

    listed = set(sys.stdin.buffer.read().decode().split("\0")) - {""}
    with open(os.path.join(options.build, "compile_commands.json"), encoding="utf-8") as file:
        commands = {os.path.relpath(entry["file"]): entry["command"] for entry in json.load(file)}
    contents = Contents()
    with open(".clang-tidy", "rb") as file:
        config = file.read()
    changed = changed_since(options.base) if options.base else None
    if changed is not None and {".clang-tidy", "CMakeLists.txt", "common/cmake/Tokenwatch.cmake"} & changed:
        changed = None

    memory = os.path.join(options.build, "tidy-passed")
    os.makedirs(memory, exist_ok=True)
    work = []
    for path in sorted(listed & commands.keys()):
        if changed is None or changed & set(contents.closure(path)):
            key = key_of(contents, path, commands[path], config)
            if not os.path.exists(os.path.join(memory, key)):
                work.append((path, key))

    failures, lock = [], threading.Lock()

    def check(item):
        path, key = item
        done = subprocess.run(["clang-tidy", "--quiet", "-p", options.build, path], capture_output=True, text=True,
                              check=False)
        if done.returncode == 0:
            with open(os.path.join(memory, key), "w", encoding="utf-8"):
                pass
            return
        with lock:
            failures.append(path)
            print(done.stdout.strip() or done.stderr.strip(), file=sys.stderr, flush=True)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(check, work))
    if work:
        print(f"clang-tidy: {len(work)} sources checked, {len(failures)} with findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
