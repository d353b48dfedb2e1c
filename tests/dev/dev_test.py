"""./dev itself: what it says and how it exits when something is wrong or missing."""

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from checkout import SOURCE, Checkout, write_program  # noqa: E402

sys.path.insert(0, os.path.join(SOURCE, "deploy", "local"))

import bench  # noqa: E402


class DevCase(unittest.TestCase):
    def setUp(self):
        self.checkout = Checkout()
        self.addCleanup(self.checkout.close)

    def assert_one_line(self, done, code, *parts):
        """Nothing on stdout, one line on stderr with all the parts, and this exit code."""
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)


class Commands(DevCase):
    def test_help_lists_every_command(self):
        done = self.checkout.dev("help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(os.path.join(self.checkout.root, "dev"), encoding="utf-8") as file:
            commands = re.search(r"^  (deps \|.*)\)$", file.read(), re.MULTILINE).group(1).split(" | ")
        self.assertGreaterEqual(len(commands), 12)
        for command in commands:
            self.assertRegex(done.stdout, rf"(?m)^  {command}\b")
            self.assertTrue(os.path.exists(os.path.join(self.checkout.root, "deploy", "local", command + ".sh")), command)

    def test_unknown_command(self):
        self.assert_one_line(self.checkout.dev("frobnicate"), 64, '"frobnicate" is not a command')

    def test_unknown_option(self):
        self.assert_one_line(self.checkout.dev("run", "--frobnicate"), 64, '"--frobnicate" is not an option')

    def test_unknown_preset(self):
        done = self.checkout.dev("build", "fastest")
        self.assert_one_line(done, 64, '"fastest" is not a preset')

    def test_down_when_nothing_runs(self):
        done = self.checkout.dev("down")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("nothing runs here", done.stdout)

    def test_down_leaves_a_stranger_with_a_recycled_pid_alone(self):
        os.makedirs(os.path.join(self.checkout.root, ".run"))
        with open(os.path.join(self.checkout.root, ".run", "processes"), "w", encoding="utf-8") as file:
            file.write(f"detector {os.getpid()} 1\n")
        done = self.checkout.dev("down")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("nothing ran", done.stdout)
        self.assertFalse(os.path.exists(os.path.join(self.checkout.root, ".run")))

    def test_missing_recording(self):
        self.assert_one_line(self.checkout.dev("run", "--recording=/nonexistent/session.jsonl"), 66,
                             "/nonexistent/session.jsonl is not there")

    def test_an_option_without_its_value(self):
        for option in ("--recording", "--recording=", "--seconds"):
            self.assert_one_line(self.checkout.dev("run", option), 64, option.rstrip("=") + " needs a value")

    def test_client_that_is_not_built(self):
        self.assert_one_line(self.checkout.dev("cli", "status"), 69, "tokenwatch is missing: ./dev run --keep builds it")

    def test_missing_program(self):
        self.checkout.fake_dpkg()
        self.assert_one_line(self.checkout.dev("run", "--recording=" + __file__), 69, "tokenwatch-detector is missing")


class DemoSession(unittest.TestCase):
    def test_the_session_is_what_its_script_makes(self):
        demo = os.path.join(SOURCE, "tests", "fixtures", "demo")
        with tempfile.TemporaryDirectory() as folder:
            made = os.path.join(folder, "session.jsonl.gz")
            subprocess.run([sys.executable, "-B", os.path.join(demo, "make_session.py"), made], check=True,
                           capture_output=True)
            # Not the packed bytes: those are the compressor's affair.
            with gzip.open(made) as new, gzip.open(os.path.join(demo, "session.jsonl.gz")) as kept:
                lines = kept.read().splitlines()
                self.assertEqual(new.read().splitlines(), lines)
        times = [json.loads(line)["t"] for line in lines]
        self.assertEqual(times, sorted(times))
        with open(os.path.join(SOURCE, "deploy", "local", "session.sh"), encoding="utf-8") as file:
            self.assertIn(f"RECORDED_FRAMES={len(lines)}\n", file.read())


class Packages(DevCase):
    def test_nothing_to_say_when_all_are_installed(self):
        self.checkout.fake_dpkg()
        done = self.checkout.dev("deps")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_an_ordinary_user_is_told_what_is_missing(self):
        self.checkout.fake_dpkg(missing=("ccache", "libgrpc++-dev"))
        self.checkout.fake_user(1000)
        write_program(os.path.join(self.checkout.path_dir, "apt-get"), "#!/bin/sh\necho called >&2\nexit 1\n")
        self.assert_one_line(self.checkout.dev("deps"), 69, "2 packages are missing",
                             "sudo apt-get install -y --no-install-recommends ccache libgrpc++-dev")

    def test_root_installs_only_what_is_missing(self):
        self.checkout.fake_dpkg(missing=("ccache",))
        self.checkout.fake_user(0)
        calls = os.path.join(self.checkout.path_dir, "calls")
        write_program(os.path.join(self.checkout.path_dir, "apt-get"),
                      f'#!/bin/sh\necho "$DEBIAN_FRONTEND $@" >> "{calls}"\n')
        done = self.checkout.dev("deps")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(calls, encoding="utf-8") as file:
            update, install = file.read().splitlines()
        self.assertEqual(update, "noninteractive update -q")
        self.assertRegex(install, r"^noninteractive install -q -y --no-install-recommends .* ccache$")

    def test_a_failing_installation_is_one_clear_line_after_the_output(self):
        self.checkout.fake_dpkg(missing=("ccache",))
        self.checkout.fake_user(0)
        write_program(os.path.join(self.checkout.path_dir, "apt-get"), "#!/bin/sh\necho no network >&2\nexit 100\n")
        done = self.checkout.dev("deps")
        self.assertEqual(done.returncode, 69)
        self.assertIn("no network\ndeps: apt-get failed", done.stderr)
        os.unlink(re.search(r"is in (\S+)", done.stderr).group(1))


def figure(value, unit, goal, baseline=None):
    return {"name": "f", "value": value, "unit": unit, "goal": goal, "baseline_name": "limit", "baseline_value": baseline}


class BenchReport(unittest.TestCase):
    def test_goals(self):
        self.assertTrue(bench.is_met(figure(200000.0, "frames/s", 200000)))
        self.assertFalse(bench.is_met(figure(199999.0, "frames/s", 200000)))
        self.assertTrue(bench.is_met(figure(9.5, "ms", 10)))
        self.assertFalse(bench.is_met(figure(10.5, "ms", "<= 10")))
        self.assertFalse(bench.is_met(figure(0.4, "of COPY", ">= 0.5")))
        self.assertIsNone(bench.is_met(figure(1.0, "ms", None)))
        with self.assertRaises(ValueError):
            bench.is_met(figure(1.0, "ms", "fast"))

    def test_table_shows_ratio_and_miss(self):
        row = bench.table([figure(50000.0, "trades/s", 100000, 200000.0)])[2]
        self.assertRegex(row, r"^f +50,000 +trades/s +>= 100,000 +NO +0\.25 +limit \(200,000\)$")


if __name__ == "__main__":
    unittest.main()
