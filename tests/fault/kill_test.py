#!/usr/bin/python3
"""kill -9 at random moments under load: not one client that got its answer is missing afterwards.

The generator appends every acknowledged CMID to a file of its own, so what it wrote is what clients were told. Clients
are mostly new ones, so that the last record before the kill is one that nothing else would bring back.
Five kills; with MUSTER_LONG=1 two hundred, and at least 100,000 answers.
"""
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support as fault  # noqa: E402


class KillTest(fault.DaemonTest):
    def acknowledged(self):
        path = self.directory / "acknowledged"
        if not path.exists():
            return []
        text = path.read_text()
        return text[:text.rfind("\n") + 1].split()

    def log_size(self):
        path = self.directory / "acknowledged"
        return path.stat().st_size if path.exists() else 0

    def check(self, daemon, turn, took, listed):
        """`listed`: what is held against the answers that clients got."""
        acknowledged = set(self.acknowledged())
        missing = acknowledged - listed
        self.assertEqual(len(missing), 0, f"after kill {turn}: {len(missing)} of {len(acknowledged)} acknowledged clients are gone, "
                                  f"{sorted(missing)[:3]} among them")
        self.assertEqual(list(daemon.integrity()), ["ok"] * len(daemon.databases()))
        if fault.LONG:  # alone on the machine; beside other tests it says little
            self.assertLessEqual(took, 2 * fault.PATIENCE, f"ready again after {took:.2f} s")

    def test_no_acknowledged_client_is_lost(self):
        kills = 200 if fault.LONG and fault.PATIENCE == 1 else 5
        wanted = 100_000 if kills == 200 else 1_000
        seed = int(os.environ.get("MUSTER_SEED", time.time_ns() % 2**32))
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        daemon = self.daemon()
        daemon.start_ready()
        daemon.install_key()
        slowest = 0.0
        answers = 0
        for turn in range(1, kills + 1):
            burst = turn % 5 == 0  # as fast as it goes; else at a pace that makes every answer a new client
            words = ["--connections", 256 if burst else 32, "--mode", "keepalive" if turn % 2 else "churn", "--persist",
                     "--sequential", "--clients", 3_000 if burst else 1_000_000, "--first-client", turn * 1_000_000,
                     "--seconds", 3600, "--ack-log", self.directory / "acknowledged"]
            if not burst:
                words += ["--rate", 3_000]
            before = self.log_size()
            load = daemon.load(*words)
            fault.wait_for(lambda: self.log_size() > before, 30, "a first answer")
            time.sleep(chance.uniform(0.0, 0.4))  # the moment of the kill is what is random here
            daemon.kill()
            load.terminate()
            report = json.loads(load.communicate(timeout=60)[0])
            self.assertFalse(report["refusals"], report)
            answers += report["exchanges"]
            took = daemon.start_ready()
            slowest = max(slowest, took)
            # Ready means replayed, so all must be in the database at once. What people see is asked for less often, since
            # a list of 100,000 machines takes its time.
            self.check(daemon, turn, took, daemon.stored_cmids())
            if turn < 5 or turn == kills or turn % 50 == 0:
                self.check(daemon, turn, took, daemon.cmids())
            if turn % 20 == 0:
                print(f"{turn} kills, {answers} answers, {len(set(self.acknowledged()))} clients, slowest start "
                      f"{slowest:.2f} s", flush=True)
        self.assertGreaterEqual(answers, wanted)
        print(f"{kills} kills, {answers} answers, {len(set(self.acknowledged()))} clients, none lost; slowest start "
              f"{slowest:.2f} s", flush=True)

    def test_a_daemon_that_was_stopped_for_long_goes_on(self):
        daemon = self.daemon()
        daemon.start_ready()
        daemon.install_key()
        load = daemon.load("--rate", 500, "--seconds", 3600, "--persist", "--ack-log", self.directory / "acknowledged")
        fault.wait_for(lambda: len(self.acknowledged()) > 100, 30, "answers")
        subprocess.run(["kill", "-STOP", str(daemon.process.pid)], check=True)
        fault.wait_for(lambda: "T" in open(f"/proc/{daemon.process.pid}/stat").read().rsplit(")", 1)[1].split()[0], 5,
                       "the daemon standing still")
        time.sleep(3)
        subprocess.run(["kill", "-CONT", str(daemon.process.pid)], check=True)
        before = len(self.acknowledged())
        fault.wait_for(lambda: len(self.acknowledged()) > before + 500, 30, "answers after SIGCONT")
        load.terminate()
        load.communicate(timeout=60)
        # A list waits a quarter of a second for what is still to be applied, and shows the rest a little later.
        fault.wait_for(lambda: not set(self.acknowledged()) - daemon.cmids(), 30, "every acknowledged client in the list")


if __name__ == "__main__":
    fault.main()
