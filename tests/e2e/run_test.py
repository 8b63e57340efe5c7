#!/usr/bin/env python3
"""scripts/run as a person types it: what it prints, how it ends.

usage: run_test.py BUILD-DIRECTORY [unittest arguments]
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INSUFFICIENT = ("0xC004F038 The computer could not be activated. The returned count from your Key Management Service is "
                "insufficient.")
LIMIT = 240  # seconds; only a hang takes so long


class ScriptsRun(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="muster-e2e-")
        self.addCleanup(self.folder.cleanup)
        self.state = os.path.join(self.folder.name, "state")
        self.environment = dict(os.environ, MUSTER_BUILD=BUILD)

    def command(self, *words):
        return [os.path.join(TREE, "scripts/run"), "--no-build", "--state", self.state, *words]

    def run_once(self, *words):
        done = subprocess.run(self.command("--once", *words), env=self.environment, timeout=LIMIT, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def test_thirty_machines_are_activated_after_the_first_twenty_four_were_refused(self):
        code, said = self.run_once()
        self.assertEqual(code, 0, said)
        told = [line for line in said.splitlines() if re.match(r"PC-\d{3}  Windows 7 Enterprise  ", line)]
        for number, line in enumerate(told[:24], start=1):
            self.assertIn(f"PC-{number:03}  Windows 7 Enterprise  refused: {INSUFFICIENT} "
                          f"(count {number}, needs 25)", line)
        for number, line in enumerate(told[24:30], start=25):
            self.assertIn(f"PC-{number:03}  Windows 7 Enterprise  activated (count {number})", line)
        activated = {line.split()[0] for line in told if "  activated (count " in line}
        self.assertEqual(len(activated), 30, said)
        self.assertIn("30 of 30 machines activated", said)
        self.assertIn("musterd ended cleanly", said)

        # slmgr's own lines, in slmgr's order.
        lines = said.splitlines()
        first = lines.index("Key Management Service is enabled on this machine")
        self.assertEqual(lines[first + 1], "    Current count: 30")
        self.assertRegex(lines[first + 2], r"^    Listening on Port: \d+$")
        self.assertRegex(lines[first + 3], r"^    DNS publishing (enabled|disabled)$")
        self.assertRegex(lines[first + 4], r"^    KMS priority: (Normal|Low)$")
        self.assertIn("Key Management Service cumulative requests received from clients", lines[first + 5:])

    def test_a_lab_that_remembers_its_machines_refuses_none(self):
        self.assertEqual(self.run_once()[0], 0)
        code, said = self.run_once()
        self.assertEqual(code, 0, said)
        self.assertNotIn("0xC004F038", said)
        self.assertIn("remembers machines from an earlier run", said)

    def test_too_few_machines_end_with_status_one_and_what_would_help(self):
        code, said = self.run_once("--clients", "3", "--", "--timeout", "2s")
        self.assertEqual(code, 1, said)
        self.assertIn("0 of 3 machines activated", said)
        self.assertIn("musterd ended cleanly", said)

    def test_a_taken_port_is_stepped_over(self):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", 11688))
            taken.listen()
            code, said = self.run_once("--", "--once")
        self.assertEqual(code, 1, said)  # one try each: the first 24 stay refused
        self.assertIn("port 11688 is taken", said)
        self.assertNotIn("127.0.0.1:11688 in lab mode", said)

    def test_ctrl_c_ends_it_cleanly(self):
        for moment in ("PC-001  ", "The lab runs until Ctrl-C."):
            with self.subTest(moment):
                said = ""
                with subprocess.Popen(self.command("--", "--minute", "40ms"), env=self.environment, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      start_new_session=True) as process:
                    for line in process.stdout:
                        said += line
                        if line.startswith(moment):
                            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
                    self.assertEqual(process.wait(LIMIT), 0, said)
                self.assertIn("musterd ended cleanly", said)
                with self.assertRaises(ProcessLookupError, msg="something of it still runs"):
                    os.killpg(process.pid, 0)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
