"""A copy of ./dev and its scripts in a directory of its own, with stand-ins for the programs around it."""

import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STAND_INS = os.path.join(SOURCE, "tests", "dev", "stand_ins.py")


def write_program(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)


class Checkout:
    """`root` holds ./dev; programs in `path_dir` come first on PATH; `bin_dir` is where ./dev run finds the services."""

    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="tokenwatch-dev-test-")
        self.root = os.path.join(self._temporary.name, "checkout")
        self.path_dir = os.path.join(self._temporary.name, "path")
        self.bin_dir = os.path.join(self._temporary.name, "bin")
        for folder in (self.path_dir, self.bin_dir, os.path.join(self.root, "deploy")):
            os.makedirs(folder)
        shutil.copy2(os.path.join(SOURCE, "dev"), self.root)
        shutil.copytree(os.path.join(SOURCE, "deploy", "local"), os.path.join(self.root, "deploy", "local"))
        self.env = dict(os.environ, PATH=self.path_dir + ":" + os.environ["PATH"], TOKENWATCH_BIN=self.bin_dir)

    def packages(self):
        with open(os.path.join(self.root, "deploy", "local", "packages.txt"), encoding="utf-8") as file:
            return [name for name in (line.partition("#")[0].strip() for line in file) if name]

    def fake_dpkg(self, missing=()):
        """dpkg-query that finds every package of the list installed but the given ones."""
        lines = "".join(f"echo 'ii  {name}'\n" for name in self.packages() if name not in missing)
        write_program(os.path.join(self.path_dir, "dpkg-query"), "#!/bin/sh\n" + lines + ("exit 1\n" if missing else ""))

    def fake_user(self, uid):
        write_program(os.path.join(self.path_dir, "id"), f"#!/bin/sh\necho {uid}\n")

    def stand_in_services(self):
        for name in ("demo", "price_apis"):
            folder = os.path.join("tests", "fixtures", name)
            shutil.copytree(os.path.join(SOURCE, folder), os.path.join(self.root, folder))
        for name in ("tokenwatch-detector", "tokenwatch-resolver", "tokenwatch-pricing", "tokenwatch",
                     "tokenwatch-sim", "tokenwatch-fake-upstreams"):
            write_program(os.path.join(self.bin_dir, name),
                          f'#!/bin/sh\nexec "{sys.executable}" -B "{STAND_INS}" {name} "$@"\n')

    def dev(self, *arguments, **env):
        """Runs ./dev to its end."""
        return subprocess.run([os.path.join(self.root, "dev"), *arguments], env={**self.env, **env}, text=True,
                              capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL)

    def start_dev(self, *arguments, **env):
        return subprocess.Popen([os.path.join(self.root, "dev"), *arguments], env={**self.env, **env}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                start_new_session=True)

    def processes(self):
        """Command lines of processes that name this checkout or have it as their data directory."""
        places = [self._temporary.name]
        cluster = os.path.join(self.root, ".run", "pg")
        if os.path.exists(cluster):
            places.append(os.path.realpath(cluster))
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    command = file.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if any(place in command for place in places):
                found.append(command)
        return found

    def close(self):
        self._temporary.cleanup()
