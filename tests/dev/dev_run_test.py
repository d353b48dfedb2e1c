"""./dev run and ./dev down with a real private PostgreSQL cluster and stand-ins for the services: what is started is
stopped, on every way out."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from checkout import Checkout  # noqa: E402

PG_BIN = "/usr/lib/postgresql/15/bin"


@unittest.skipUnless(os.path.exists(PG_BIN + "/postgres"), "PostgreSQL 15 is not installed")
class DevRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # One checkout for all: each test leaves nothing running, and the cluster is made only once.
        cls.checkout = Checkout()
        cls.checkout.fake_dpkg()
        cls.checkout.stand_in_services()
        cls.recording = os.path.join(cls.checkout.root, "session.jsonl")
        with open(cls.recording, "w", encoding="utf-8") as file:
            file.write("{}\n")

    @classmethod
    def tearDownClass(cls):
        cls.checkout.dev("down")
        cls.checkout.close()

    def run_dev(self, *options, **env):
        return self.checkout.dev("run", "--recording=" + self.recording, *options, **env)

    def start_endless(self):
        """./dev run with a replay that never ends, once its services serve."""
        dev = self.checkout.start_dev("run", "--recording=" + self.recording, STAND_IN_ENDLESS="1")
        self.addCleanup(dev.stdout.close)
        line = ""
        while "serve after" not in line:
            line = dev.stdout.readline()
            self.assertTrue(line, "./dev run ended before its services served")
        return dev

    def assert_nothing_left(self):
        self.assertEqual(self.checkout.processes(), [])

    def psql(self, role, database, statement):
        """Runs a statement as a service's role; returns (exit code, output)."""
        run = os.path.join(self.checkout.root, ".run")
        with open(f"{run}/secrets/{role}.password", encoding="utf-8") as file:
            password = file.read()
        with open(f"{run}/pg.port", encoding="utf-8") as file:
            port = file.read()
        done = subprocess.run([PG_BIN + "/psql", "-X", "-At", "-h", "127.0.0.1", "-p", port, "-U", role, "-d", database,
                               "-c", statement], env=dict(os.environ, PGPASSWORD=password), capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def test_replay_ends_with_the_summary_and_stops_everything(self):
        done = self.run_dev()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"frames 1,200  trades 1,100  tokens 7  pending 0  folded 1,100")
        self.assertIn("SUMMARY tokens detected 7", done.stdout)
        self.assert_nothing_left()

    def test_the_recorded_session_is_followed_by_a_simulated_one(self):
        done = self.checkout.dev("run", "--keep")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"recorded +239 frames")
        self.assertRegex(done.stdout, r"simulated +3 frames")
        with open(os.path.join(self.checkout.root, ".run", "log", "detector.log"), encoding="utf-8") as log:
            self.assertIn("recording of 242 lines", log.read())
        with open(os.path.join(self.checkout.root, ".run", "endpoints.json"), encoding="utf-8") as file:
            self.assertEqual(sorted(json.load(file)), ["detector", "pricing", "resolver"])
        with open(os.path.join(self.checkout.root, ".run", "references.jsonl"), encoding="utf-8") as file:
            references = [json.loads(line) for line in file]
        self.assertEqual({reference["feed"] for reference in references}, {"reference"})
        self.assertEqual([reference["t"] for reference in references], sorted(r["t"] for r in references))
        self.assertEqual({json.loads(r["raw"])["source"] for r in references}, {"jupiter-day", "made-up"})
        self.assertEqual(self.checkout.dev("cli", "summary").stdout, "SUMMARY tokens detected 7\n")
        self.assertEqual(self.checkout.dev("down").returncode, 0)
        self.assert_nothing_left()

    def test_keep_leaves_services_up_until_down(self):
        done = self.run_dev("--keep")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("./dev down", done.stdout)
        self.assertIn("/metrics", done.stdout)
        self.assertGreaterEqual(len(self.checkout.processes()), 3)

        again = self.run_dev()
        self.assertEqual(again.returncode, 75)
        self.assertIn("still running from ./dev run --keep", again.stderr)

        self.check_rights()
        for name in os.listdir(os.path.join(self.checkout.root, ".run", "secrets")):
            mode = os.stat(os.path.join(self.checkout.root, ".run", "secrets", name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600, name)

        data = os.path.realpath(os.path.join(self.checkout.root, ".run", "pg"))
        self.assertEqual(self.checkout.dev("down").returncode, 0)
        self.assert_nothing_left()
        self.assertFalse(os.path.exists(data))

    def check_rights(self):
        code, output = self.psql("detector", "platform", "CREATE TABLE detector.probe (a int); SELECT 'made'")
        self.assertEqual((code, output.splitlines()[-1]), (0, "made"), output)
        code, output = self.psql("detector", "platform", "SHOW fsync")
        self.assertEqual((code, output), (0, "on\n"))
        for role, database, statement in (
                ("resolver", "platform", "SELECT * FROM detector.probe"),
                ("resolver", "platform", "CREATE TABLE detector.other (a int)"),
                ("resolver", "platform", "DROP TABLE detector.probe"),
                ("resolver", "platform", "CREATE TABLE public.other (a int)"),
                ("resolver", "platform", "CREATE SCHEMA other"),
                ("pricing", "platform", "SELECT * FROM detector.probe"),
                ("pricing", "platform", "CREATE SCHEMA other"),
                ("pricing", "platform", "CREATE TABLE resolver.other (a int)"),
                ("detector", "users", "SELECT 1"),
                ("pricing", "users", "SELECT 1")):
            code, output = self.psql(role, database, statement)
            self.assertNotEqual(code, 0, statement)
            self.assertIn("permission denied", output)

    def test_a_service_that_does_not_start_is_named_with_its_last_words(self):
        done = self.run_dev(STAND_IN_FAIL="tokenwatch-resolver")
        self.assertEqual(done.returncode, 70)
        self.assertIn('resolver stopped while starting: tokenwatch-resolver: table "x" is missing', done.stderr)
        self.assert_nothing_left()

    def test_signals_stop_everything(self):
        # A terminal sends Ctrl-C to the whole process group.
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(signal=number):
                dev = self.start_endless()
                other = self.checkout.dev("down")
                self.assertEqual(other.returncode, 75)
                self.assertIn("another ./dev run", other.stderr)
                os.killpg(dev.pid, number) if number == signal.SIGINT else dev.send_signal(number)
                dev.communicate(timeout=60)
                self.assertEqual(dev.returncode, code)
                self.assert_nothing_left()

    def test_what_was_started_ends_even_when_dev_is_killed(self):
        dev = self.start_endless()
        dev.send_signal(signal.SIGKILL)
        dev.wait()
        deadline = time.monotonic() + 30
        while self.checkout.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assert_nothing_left()
        self.assertEqual(self.run_dev().returncode, 0)


if __name__ == "__main__":
    unittest.main()
