#!/usr/bin/python3
"""The self-test: what a new firmware is judged by. It goes all the way, and leaves nothing that a client would."""
import json
import shutil
import socket
import unittest

import integration_support as integration
from integration_support import support
from support.daemon import relay


class SelfTest(integration.DaemonTest):
    def outcome(self, daemon):
        done = daemon.ctl("-o", "json", "self-test", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def steps(self, daemon):
        found = self.outcome(daemon)
        self.assertIsInstance(found, dict, found)
        return [step["step"] for step in found["steps"]], found["leftOut"]

    def test_all_the_way_and_without_a_trace(self):
        daemon = self.ready()
        before = json.loads(daemon.ctl("-o", "json", "status").stdout)
        for _ in range(3):
            self.assertEqual(self.steps(daemon), (["bind", "mgmt", "request", "record"], ""))
        after = json.loads(daemon.ctl("-o", "json", "status").stdout)
        for member in ("clients", "machines", "requests", "failed"):
            self.assertEqual((before[member], after[member]), (0, 0), member)
        self.assertEqual(json.loads(daemon.ctl("-o", "json", "client", "list").stdout)["items"], [])
        journal = json.loads(daemon.ctl("-o", "json", "event", "list").stdout)["items"]
        self.assertEqual([entry for entry in journal if entry["id"] == 12290], [])
        # Killed and begun anew it has read the records of its own again, and nothing became of them.
        daemon.kill()
        daemon.start_ready()
        self.assertEqual(json.loads(daemon.ctl("-o", "json", "status").stdout)["requests"], 0)
        self.assertEqual(list(daemon.integrity()), ["ok"])

    def test_before_a_mode_is_chosen_nothing_is_recorded(self):
        daemon = self.ready(serving=())
        steps, left_out = self.steps(daemon)
        self.assertEqual(steps, ["bind", "mgmt", "request"])
        self.assertIn("before a mode is chosen", left_out)

    def test_no_upstream_is_asked_and_none_is_needed(self):
        daemon = self.ready(serving=relay(f"127.0.0.1:{support.free_port()}"))
        self.assertEqual(self.steps(daemon), (["bind", "mgmt", "request", "record"], ""))
        asked = json.loads(daemon.ctl("-o", "json", "upstream", "list").stdout)["items"]
        self.assertEqual([upstream.get("requests", 0) for upstream in asked], [0])

    def test_a_plugin_that_cannot_be_used_is_said(self):
        plugins = self.directory / "plugins"
        shutil.copytree(support.BIN.parent / "plugins", plugins)
        (plugins / "broken.so").write_bytes(b"no library")
        daemon = self.ready("--plugins", plugins)
        said = self.outcome(daemon)
        self.assertIsInstance(said, str, said)
        self.assertIn("broken", said)
        self.assertIn("self-test", said)

    def test_clients_networks_do_not_shut_it_out(self):
        daemon = self.ready()
        daemon.ctl("--yes", "settings", "set", "listener.allow", "10.99.0.0/16")
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as client:
            self.assertEqual(client.recv(1), b"", "somebody else of this machine is shut out")
        self.assertEqual(self.steps(daemon), (["bind", "mgmt", "request", "record"], ""))

    def test_requests_that_are_not_recorded_leave_that_step_out(self):
        daemon = self.ready()
        daemon.ctl("--yes", "settings", "set", "pool.record", "false")
        steps, left_out = self.steps(daemon)
        self.assertEqual(steps, ["bind", "mgmt", "request"])
        self.assertIn("pool.record", left_out)


if __name__ == "__main__":
    support.main()
