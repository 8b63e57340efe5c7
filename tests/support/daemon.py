"""musterd as a process: started, asked, killed and looked at."""
import csv
import ctypes
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest
import uuid
from pathlib import Path

import support

LAB = ("--lab",)

# Half the time of a sanitized musterctl goes into a search for leaks at its end. Its own tests look for them; here it is
# run thousands of times, to ask.
NO_LEAKS = os.environ | {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def die_with_the_test():
    """In a child before exec: it is killed when the test is (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def relay(*upstreams):
    """The words of relay mode without a settings file; the first upstream is the primary."""
    return tuple(word for upstream in upstreams for word in ("--relay", upstream))


class Daemon:
    """musterd on its own directory. The port stays the same from start to start.

    serving: the words that say what it serves: LAB, relay("HOST:PORT", ...), or ("--config", FILE). None at all is a
    fresh appliance, which serves nobody until a mode is chosen.
    """

    def __init__(self, directory, *words, state=None, serving=LAB):
        self.directory = Path(directory)
        self.state = Path(state) if state else self.directory / "state"
        self.control = self.directory / "control.sock"
        self.port = support.free_port()
        self.host = "127.0.0.1"
        self.serving = serving
        self.lab = "--lab" in serving
        self.words = words
        self.process = None
        self.log = self.directory / "musterd.log"

    @property
    def home(self):
        """Where what it keeps of its mode is: the lab has a directory of its own."""
        return self.state / "lab" if self.lab else self.state

    def start(self, *more, before=None, **popen):
        """Starts it. before: what the child does last before exec, such as setting limits."""
        def prepare():
            die_with_the_test()
            if before:
                before()

        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [support.BIN / "musterd", *self.serving, "--state", self.state, "--listen", f"{self.host}:{self.port}",
                 "--control", self.control, *self.words, *more], stdout=log, stderr=log, preexec_fn=prepare, **popen)
        return self

    def start_ready(self, seconds=30, *more, **popen):
        """Starts, waits until musterctl status exits 0, returns how long that took."""
        began = time.monotonic()
        self.start(*more, **popen)
        support.wait_for(self.is_ready, seconds, lambda: f"musterd ready; its log ends:\n{self.log_tail()}")
        return time.monotonic() - began

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"musterd ended with {self.process.returncode}; its log ends:\n{self.log_tail()}")
        return self.ctl("status", check=False).returncode == 0

    def log_tail(self, octets=3000):
        return self.log.read_text(errors="replace")[-octets:] if self.log.exists() else ""

    def install_key(self):
        key = self.ctl("lab", "issue-key", "--family", "win7-2008r2", "--group", "C").stdout.strip()
        self.ctl("key", "add", key)

    def ctl(self, *words, check=True, input=None):
        done = subprocess.run([support.BIN / "musterctl", "--control", self.control, *words], capture_output=True, text=True,
                              input=input, timeout=120 * support.PATIENCE, env=NO_LEAKS)
        if check and done.returncode != 0:
            raise AssertionError(f"musterctl {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def status(self):
        return self.ctl("status", "-o", "json").stdout

    def cmids(self):
        """Every CMID that `musterctl client list -o csv` prints."""
        rows = csv.DictReader(io.StringIO(self.ctl("client", "list", "-o", "csv").stdout))
        column = next(name for name in rows.fieldnames if name.lower() == "cmid")
        return {row[column] for row in rows}

    def stored_cmids(self):
        """Every CMID in the database, over a reader of its own: quick, and nothing that is still to be applied."""
        found = set()
        for path in self.databases():
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as connection:
                found |= {str(uuid.UUID(bytes_le=row[0])) for row in connection.execute("SELECT DISTINCT cmid FROM client")}
        return found

    def databases(self):
        return [path for path in self.home.iterdir() if is_database(path)]

    def integrity(self):
        """PRAGMA integrity_check of every database of the store, over a reader of its own."""
        for path in self.databases():
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as connection:
                yield from (row[0] for row in connection.execute("PRAGMA integrity_check"))

    def load(self, *words, **popen):
        """bench_load towards this daemon; sealed, in the lab, as its clients seal."""
        seal = ["--seal-key-file", self.home / "seal.key"] if self.lab else []
        return subprocess.Popen([support.BIN / "bench_load", "--target", f"{self.host}:{self.port}", *seal,
                                 *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=die_with_the_test, **popen)

    def serves(self, first=900_000_000):
        """One valid request, its answer verified. True or False."""
        load = self.load("--requests", 1, "--connections", 1, "--clients", 1, "--first-client", first, "--verify",
                         "--warmup", 0, "--seconds", 5)
        report = load.communicate(timeout=60 * support.PATIENCE)[0]
        return load.returncode == 0 and json.loads(report)["exchanges"] >= 1

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text()).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def open_files(self):
        """What each descriptor is, sorted: "socket", or a path."""
        found = []
        for number in os.listdir(f"/proc/{self.process.pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{self.process.pid}/fd/{number}").split(":[")[0])
            except FileNotFoundError:
                pass  # closed meanwhile
        return sorted(found)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it as systemd would; returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30 * support.PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("musterd did not end within 30 s of SIGTERM")
        return self.process.returncode


def is_database(path):
    try:
        with open(path, "rb") as file:
            return path.is_file() and file.read(16) == b"SQLite format 3\0" and not path.name.startswith(".")
    except OSError:
        return False


class DaemonTest(unittest.TestCase):
    """A directory of its own for each test; the daemon is ended, and must end well, when the test is over."""

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="muster-test."))
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.daemons = []

    def daemon(self, *words, name=".", **more):
        """name: where several daemons are in one test, each has a directory of its own."""
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        daemon = Daemon(directory, *words, **more)
        self.daemons.append(daemon)
        return daemon

    def tearDown(self):
        for daemon in self.daemons:
            code = daemon.stop()
            self.assertIn(code, (None, 0, 78, -signal.SIGKILL), daemon.log_tail())
            self.assertNotRegex(daemon.log.read_text(errors="replace") if daemon.log.exists() else "",
                                "Sanitizer|runtime error:|terminate called")
