"""What the fault tests share: a daemon that can be started, asked, killed and looked at, and clients that behave badly."""
import argparse
import csv
import ctypes
import io
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from pathlib import Path

BIN = None  # where the programs are
PATIENCE = 1  # times the usual limits: more for a sanitized build
LONG = os.environ.get("MUSTER_LONG") == "1"


def main():
    """Reads --bin and --patience, then runs the unittest of the calling script."""
    global BIN, PATIENCE
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--patience", type=float, default=1)
    options, rest = parser.parse_known_args()
    BIN, PATIENCE = options.bin, options.patience
    unittest.main(module="__main__", argv=sys.argv[:1] + rest, verbosity=2, warnings="ignore")


def wait_for(condition, seconds, what):
    """Returns the first true value of condition(); fails when there was none in time."""
    until = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds * PATIENCE:g} s: {what}")
        time.sleep(0.01)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def die_with_the_test():
    """In a child before exec: it is killed when the test is (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Daemon:
    """musterd in lab mode on its own directory. The port stays the same from start to start."""

    def __init__(self, directory, *words, state=None):
        self.directory = Path(directory)
        self.state = Path(state) if state else self.directory / "state"
        self.control = self.directory / "control.sock"
        self.port = free_port()
        self.words = words
        self.process = None
        self.log = self.directory / "musterd.log"

    def start(self, *more, before=None, **popen):
        """Starts it. before: what the child does last before exec, such as setting limits."""
        def prepare():
            die_with_the_test()
            if before:
                before()

        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "musterd", "--lab", "--state", self.state, "--listen", f"127.0.0.1:{self.port}", "--control",
                 self.control, *self.words, *more], stdout=log, stderr=log, preexec_fn=prepare, **popen)
        return self

    def start_ready(self, seconds=30, *more, **popen):
        """Starts, waits until musterctl status exits 0, returns how long that took."""
        began = time.monotonic()
        self.start(*more, **popen)
        wait_for(self.is_ready, seconds, f"musterd ready; its log ends:\n{self.log_tail()}")
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

    def ctl(self, *words, check=True):
        done = subprocess.run([BIN / "musterctl", "--control", self.control, *words], capture_output=True, text=True,
                              timeout=120 * PATIENCE)
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
        return [path for path in (self.state / "lab").iterdir() if is_database(path)]

    def integrity(self):
        """PRAGMA integrity_check of every database of the store, over a reader of its own."""
        for path in self.databases():
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as connection:
                yield from (row[0] for row in connection.execute("PRAGMA integrity_check"))

    def load(self, *words, **popen):
        """bench_load towards this daemon, sealed as its lab's clients seal."""
        return subprocess.Popen([BIN / "bench_load", "--target", f"127.0.0.1:{self.port}", "--seal-key-file",
                                 self.state / "lab" / "seal.key", *map(str, words)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, preexec_fn=die_with_the_test, **popen)

    def serves(self, first=900_000_000):
        """One valid request, its answer verified. True or False."""
        load = self.load("--requests", 1, "--connections", 1, "--clients", 1, "--first-client", first, "--verify",
                         "--warmup", 0, "--seconds", 5)
        report = load.communicate(timeout=60 * PATIENCE)[0]
        return load.returncode == 0 and json.loads(report)["exchanges"] >= 1

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text()).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

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
                self.process.wait(30 * PATIENCE)
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
        self.directory = Path(tempfile.mkdtemp(prefix="muster-fault."))
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.daemons = []

    def daemon(self, *words, **more):
        daemon = Daemon(self.directory, *words, **more)
        self.daemons.append(daemon)
        return daemon

    def tearDown(self):
        for daemon in self.daemons:
            code = daemon.stop()
            self.assertIn(code, (None, 0, 78, -signal.SIGKILL), daemon.log_tail())
            self.assertNotRegex(daemon.log.read_text(errors="replace") if daemon.log.exists() else "",
                                "Sanitizer|runtime error:|terminate called")


# -- the wire, as far as a client that behaves badly needs it (docs/kms.md) ----------------------------------------------

NDR32 = bytes.fromhex("045d888aeb1cc9119fe808002b10486002000000")
KMS = bytes.fromhex("7521c8514e845047b0d8ec255555bc0601000000")


def pdu(kind, body, call=1, flags=3):
    return struct.pack("<BBBBIHHI", 5, 0, kind, flags, 0x10, 16 + len(body), 0, call) + body


BIND = pdu(11, struct.pack("<HHIBxxx", 5840, 5840, 0, 1) + struct.pack("<HBx", 0, 1) + KMS + NDR32)
# A whole request that no client would send: it is answered with an HRESULT, which is all that these tests want of it.
MALFORMED_REQUEST = pdu(0, struct.pack("<IHH", 260, 0, 0) + struct.pack("<II", 252, 252) + bytes(252), call=2)


def connect(port, timeout=30, source=None):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout * PATIENCE,
                                    source_address=(source, 0) if source else None)


def read_pdu(peer):
    """One whole PDU, or what there was before the end of the connection."""
    octets = b""
    wanted = 16
    while len(octets) < wanted:
        got = peer.recv(wanted - len(octets))
        if not got:
            return octets
        octets += got
        if len(octets) == 16:
            wanted = struct.unpack_from("<H", octets, 8)[0]
    return octets


def bound(port, **more):
    peer = connect(port, **more)
    peer.sendall(BIND)
    answer = read_pdu(peer)
    assert answer[2:3] == b"\x0c", answer
    return peer
