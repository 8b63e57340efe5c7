"""What scripts/bench measures: processes on a core of their own, Muster's and those it is held against."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SERVER_CORE, GENERATOR_CORE = 1, 0


def die(text):
    print(f"scripts/bench: {text}", file=sys.stderr)
    sys.exit(2)


class Server:
    """A process under measurement, pinned to its core."""

    load_options = ()

    def __init__(self, command, core=SERVER_CORE, **popen):
        self.process = subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, {core}), **popen)
        self.pid = self.process.pid

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class RawServer(Server):
    def __init__(self, bin_directory, core=SERVER_CORE):
        super().__init__([bin_directory / "bench_raw_server"], core, stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r"port (\d+)", self.process.stdout.readline()).group(1))


class HaProxy(Server):
    """What an administrator would take instead of a relay: TCP mode, one thread, one server behind it, no log."""

    configuration = """
global
    nbthread 1
    maxconn 8000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend kms
    bind 127.0.0.1:{port}
    default_backend hosts
backend hosts
    server host 127.0.0.1:{upstream}
"""

    def __init__(self, upstream, directory):
        directory.mkdir()
        self.port = free_port()
        self.file = directory / "haproxy.cfg"
        self.file.write_text(self.configuration.format(port=self.port, upstream=upstream.port))
        self.log = open(directory / "haproxy.log", "ab")
        super().__init__([haproxy(), "-db", "-f", self.file], stdout=self.log, stderr=self.log)
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        self.process.kill()
        die(f"haproxy did not start; its log:\n{(directory / 'haproxy.log').read_text(errors='replace')[-3000:]}")


class Muster(Server):
    """The daemon on a fresh state directory."""

    limits = {
        "listener.max-connections": 15000,
        "listener.idle-timeout": "1h",
        "listener.association-timeout": "0s",
    }

    def __init__(self, bin_directory, directory, *mode, settings=()):
        directory.mkdir()
        self.bin = bin_directory
        self.directory = Path(directory)
        self.state = self.directory / "state"
        self.control = self.directory / "control.sock"
        self.port = free_port()
        command = [bin_directory / "musterd", *mode, "--state", self.state, "--listen", f"127.0.0.1:{self.port}",
                   "--control", self.control]
        for key, value in {**self.limits, **dict(settings)}.items():
            command += ["--set", f"{key}={value}"]
        self.log = open(self.directory / "musterd.log", "ab")
        super().__init__(command, stdout=self.log, stderr=self.log)
        self.wait_ready()

    def wait_ready(self):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            if subprocess.run([self.bin / "musterctl", "--control", self.control, "status"], capture_output=True).returncode == 0:
                return
            time.sleep(0.02)
        self.process.kill()
        die(f"musterd did not become ready; its log:\n{(self.directory / 'musterd.log').read_text(errors='replace')[-3000:]}")

    def ctl(self, *words):
        done = subprocess.run([self.bin / "musterctl", "--control", self.control, *words], capture_output=True, text=True)
        if done.returncode != 0:
            die(f"musterctl {' '.join(words)} ended with {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout


class Lab(Muster):
    """With the group C key installed, so that Windows 7 is covered."""

    def __init__(self, bin_directory, directory, settings=(), words=()):
        super().__init__(bin_directory, directory, "--lab", *words, settings=settings)
        seal = self.state / "lab" / "seal.key"
        self.load_options = ("--seal-key-file", str(seal))
        key = self.ctl("lab", "issue-key", "--family", "win7-2008r2", "--group", "C").strip()
        self.ctl("key", "add", key)


class Relay(Muster):
    """With every client recorded durably, unless settings say otherwise."""

    def __init__(self, bin_directory, directory, upstream, settings=()):
        super().__init__(bin_directory, directory, "--relay", f"127.0.0.1:{upstream.port}", settings=settings)


def found(program, package, rows):
    """Where a program is; servers of Debian are in /usr/sbin."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin") or die(
        f"{program} (package {package}) is not installed, and the rows of the {rows} need it: scripts/setup test")


def haproxy():
    return found("haproxy", "haproxy", "relay")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
