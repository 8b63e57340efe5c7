#!/usr/bin/python3
"""The bench's own tools, held against each other: counts equal on both sides, misbehaving servers named rightly.

usage: bench_tools_test.py BENCH_LOAD BENCH_RAW_SERVER BENCH_FDATASYNC
"""
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

LOAD, RAW, FDATASYNC = sys.argv[1:4]


def run_load(port, *options):
    done = subprocess.run([LOAD, "--target", f"127.0.0.1:{port}", *options], capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


class RawServer:
    def __enter__(self):
        self.process = subprocess.Popen([RAW], stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r"port (\d+)", self.process.stdout.readline()).group(1))
        return self

    def answered(self):
        self.process.send_signal(signal.SIGTERM)
        return int(re.search(r"answered (\d+)", self.process.communicate(timeout=20)[0]).group(1))

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class BadServer:
    """Accepts, hands each connection to `behave(socket)` and closes it."""

    def __init__(self, behave):
        self.behave = behave

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                try:
                    self.behave(peer)
                except OSError:
                    pass

    def __exit__(self, *unused):
        self.listener.close()


def pdu(kind, body, call=1):
    size = 16 + len(body)
    return bytes([5, 0, kind, 3, 16, 0, 0, 0]) + size.to_bytes(2, "little") + b"\0\0" + call.to_bytes(4, "little") + body


BIND_ACK = pdu(12, b"\xd0\x16\xd0\x16" + b"\0" * 4 + b"\0\0" + b"\0\0" + b"\1\0\0\0" + b"\0" * 24)


def behaviour(after_bind):
    def behave(peer):
        peer.recv(4096)
        peer.sendall(BIND_ACK)
        peer.recv(4096)
        after_bind(peer)
    return behave


class Tools(unittest.TestCase):
    def test_the_server_answered_exactly_what_the_generator_counted(self):
        for mode in ("churn", "keepalive"):
            with self.subTest(mode), RawServer() as server:
                code, report, _ = run_load(server.port, "--mode", mode, "--seconds", "0.3", "--server-pid",
                                           str(server.process.pid))
                self.assertEqual(code, 0, report)
                self.assertGreater(report["exchanges"], 100)
                self.assertGreater(report["cpu_us_per_exchange"], 0.1)
                answered = server.answered()
                # What was under way when the time was over is answered, and not counted.
                self.assertTrue(0 <= answered - report["exchanges"] <= 32, (answered, report["exchanges"]))

    def test_an_open_loop_keeps_its_rate(self):
        with RawServer() as server:
            code, report, _ = run_load(server.port, "--rate", "200", "--seconds", "1")
            self.assertEqual(code, 0, report)
            self.assertGreater(report["exchanges"], 0)
            self.assertLess(report["rate"], 250)  # a loaded machine may make it slower, nothing makes it faster

    def test_idle_connections_are_all_bound_and_held(self):
        with RawServer() as server:
            code, report, _ = run_load(server.port, "--mode", "idle", "--connections", "300", "--seconds", "0.5",
                                       "--server-pid", str(server.process.pid))
            self.assertEqual(code, 0, report)
            self.assertEqual(report["held"], 300)
            self.assertGreater(report["server_memory_kib"]["resident"], 100)

    def test_every_acknowledged_cmid_is_logged_once_per_answer(self):
        with RawServer() as server, tempfile.NamedTemporaryFile("r") as log:
            _, report, _ = run_load(server.port, "--requests", "500", "--sequential", "--clients", "500", "--mode",
                                    "keepalive", "--connections", "8", "--ack-log", log.name)
            lines = log.read().splitlines()
            self.assertEqual(len(lines), report["exchanges"])
            self.assertEqual(len(lines), len(set(lines)))
            self.assertRegex(lines[0], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

    def test_canned_answers_are_to_their_requests_and_pass_verification_but_for_the_seal(self):
        with RawServer() as server, tempfile.NamedTemporaryFile("w") as key:
            key.write("000102030405060708090a0b0c0d0e0f")
            key.flush()
            for mode in ("churn", "keepalive"):
                with self.subTest(mode):
                    code, report, _ = run_load(server.port, "--mode", mode, "--verify", "--seconds", "0.3")
                    self.assertEqual(code, 0, report)
                    self.assertGreater(report["exchanges"], 100)
            code, report, _ = run_load(server.port, "--verify", "--seal-key-file", key.name, "--seconds", "0.3")
            self.assertEqual(code, 1)
            self.assertIn("wrong answer", report["errors"])

    def test_misbehaving_servers_are_named(self):
        refusal = pdu(2, b"\0" * 8 + b"\0" * 8 + (0xC004F042).to_bytes(4, "little"), 2)
        cases = {
            "closed by the server": lambda peer: peer.recv(4096),
            "bind_nak": lambda peer: (peer.recv(4096), peer.sendall(pdu(13, b"\0" * 8))),
            "not a PDU": lambda peer: (peer.recv(4096), peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
            "fault": behaviour(lambda peer: peer.sendall(pdu(3, b"\0" * 16, 2))),
            "wrong call id": behaviour(lambda peer: peer.sendall(pdu(2, b"\0" * 40, 9))),
            "short answer": behaviour(lambda peer: peer.sendall(pdu(2, b"\0" * 4, 2))),
            "refused": behaviour(lambda peer: peer.sendall(refusal)),
        }
        for name, behave in cases.items():
            with self.subTest(name), BadServer(behave) as server:
                code, report, _ = run_load(server.port, "--connections", "1", "--seconds", "0.2")
                self.assertEqual(code, 1)
                self.assertIn(name, report["errors"])
                self.assertEqual(report["exchanges"], 0)
        with BadServer(cases["refused"]) as server:
            _, report, _ = run_load(server.port, "--connections", "1", "--seconds", "0.2")
            self.assertIn("0xC004F042", report["refusals"])

    def test_wrong_usage_says_what_is_wanted(self):
        code, _, text = run_load("not-a-port")
        self.assertEqual(code, 64)
        self.assertIn("ADDRESS:PORT", text)

    def test_one_durable_append_has_a_price(self):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run([FDATASYNC, "--directory", directory, "--count", "20"], capture_output=True, text=True,
                                  check=True, timeout=60)
            self.assertGreater(json.loads(done.stdout)["p50_us"], 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
