#!/usr/bin/env python3
"""The audit log from outside: who changed what, over musterctl; what somebody changes in its files is found."""
import json
import shutil

import integration_support as integration
from integration_support import support


class Audit(integration.DaemonTest):
    def entries(self, daemon, *words):
        return json.loads(daemon.ctl("audit", "list", "-o", "json", *words).stdout)["items"]

    def check(self, daemon):
        return json.loads(daemon.ctl("audit", "check", "-o", "json").stdout)

    def files(self, daemon):
        return sorted((daemon.state / "audit").iterdir())

    def test_changes_are_listed_with_before_and_after_and_the_chain_holds(self):
        daemon = self.ready()
        daemon.ctl("settings", "set", "listener.idle-timeout", "45s")
        daemon.ctl("settings", "set", "listener.idle-timeout", "50s")
        daemon.ctl("settings", "remove", "listener.idle-timeout")
        refused = daemon.ctl("settings", "set", "listener.idle-timeout", "never", check=False)
        self.assertNotEqual(refused.returncode, 0)
        removed, second = self.entries(daemon, "--action", "/settings")[1:3]
        self.assertEqual(second["action"], "PUT /settings/{key}")
        self.assertEqual(second["what"], {"key": "listener.idle-timeout"})
        self.assertEqual(second["before"], {"listener.idle-timeout": "45s"})
        self.assertEqual(second["after"], {"listener.idle-timeout": "50s"})
        self.assertRegex(second["who"], "^uid [0-9]+$")
        self.assertEqual((second["front"], second["role"], second["result"]), ("control", "admin", "done"))
        self.assertEqual(removed["action"], "DELETE /settings/{key}")
        self.assertEqual(removed["previous"], second["hash"])
        malformed = self.entries(daemon)[0]
        self.assertEqual(malformed["result"], "malformed")
        self.assertIn("listener.idle-timeout", malformed["detail"])
        verdict = self.check(daemon)
        self.assertTrue(verdict["good"], verdict)
        self.assertEqual(verdict["entries"], 4)
        self.assertEqual(verdict["hash"], malformed["hash"])

    def test_keys_are_masked(self):
        daemon = self.ready()
        key = integration.issue_key(daemon, "win7-2008r2", "C")
        daemon.ctl("key", "add", key)
        daemon.ctl("--yes", "key", "remove", key, check=False)  # its 204 is no JSON, which musterctl says
        actions = [entry["action"] for entry in self.entries(daemon)]
        self.assertIn("POST /keys", actions)
        self.assertIn("DELETE /keys/{key}", actions)
        for file in self.files(daemon):
            self.assertNotIn(key, file.read_text())
        added = self.entries(daemon, "--action", "POST /keys")[0]
        self.assertEqual(added["after"]["endsIn"], key[-5:])

    def test_one_octet_that_is_changed_is_found_also_after_a_restart(self):
        daemon = self.ready()
        for seconds in range(30, 36):
            daemon.ctl("settings", "set", "listener.idle-timeout", f"{seconds}s")
        self.assertTrue(self.check(daemon)["good"])
        file = self.files(daemon)[0]
        content = file.read_bytes()
        at = content.index(b'"after":{"listener.idle-timeout":"33s"}') + 33
        file.write_bytes(content[:at] + b"9" + content[at + 1:])
        verdict = self.check(daemon)
        self.assertFalse(verdict["good"])
        self.assertIn("entry 4 was changed", verdict["problem"])
        daemon.stop()
        daemon.start_ready()
        self.assertFalse(self.check(daemon)["good"])
        file.write_bytes(content)
        self.assertTrue(self.check(daemon)["good"])
        daemon.ctl("settings", "set", "listener.idle-timeout", "1m")
        self.assertEqual(self.check(daemon)["entries"], 7)

    def test_a_kill_between_entries_loses_none(self):
        daemon = self.ready()
        for seconds in range(30, 33):
            daemon.ctl("settings", "set", "listener.idle-timeout", f"{seconds}s")
            daemon.kill()
            daemon.start_ready()
        self.assertEqual(len(self.entries(daemon, "--action", "PUT")), 3)
        self.assertTrue(self.check(daemon)["good"])

    def test_where_the_log_cannot_be_written_changes_are_made_and_status_says_so(self):
        daemon = self.ready()
        shutil.rmtree(daemon.state / "audit", ignore_errors=True)
        (daemon.state / "audit").write_text("in the way")
        daemon.ctl("settings", "set", "listener.idle-timeout", "40s")
        self.assertIn("the audit log cannot be written", daemon.status())
        (daemon.state / "audit").unlink()
        integration.wait_for(lambda: "audit log" not in daemon.status(), 20, "the log is written again")
        self.assertEqual(self.entries(daemon, "--action", "PUT")[0]["after"], {"listener.idle-timeout": "40s"})
        events = daemon.ctl("event", "list", "-o", "json").stdout
        self.assertIn("20011", events)
        self.assertIn("20012", events)


if __name__ == "__main__":
    support.main()
