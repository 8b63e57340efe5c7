#!/usr/bin/python3
"""What people say of upstreams: which word is in force, where it comes from, and what is known of a host's licence."""
import json
import signal
import sys
from pathlib import Path

import integration_support as integration
from integration_support import support, wait_for

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import kms_bodies as kms  # noqa: E402
from relay_support import RelayTest, limit, toml  # noqa: E402


def of(upstream, name, **more):
    return {"name": name, "address": upstream.address, **more}


class Words(RelayTest):
    def states(self, daemon):
        """{name: (state, who says so)}"""
        return {name: (one["state"], one["stateFrom"]) for name, one in self.shown(daemon).items()}

    def assert_answers(self, daemon, *upstreams, by):
        before = [upstream.counted().answers for upstream in upstreams]
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        after = [upstream.counted().answers for upstream in upstreams]
        self.assertEqual([b - a for a, b in zip(before, after)], [int(upstream is by) for upstream in upstreams])

    def test_a_state_that_is_set_is_in_force_whatever_was_said_before(self):
        first, second = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(first, "first"), of(second, "second")])
        self.assertEqual(self.states(daemon)["first"], ("active", "settings"))
        daemon.ctl("upstream", "rest", "first")
        self.assertEqual(self.states(daemon)["first"], ("maintenance", "person"))
        self.assert_answers(daemon, first, second, by=second)
        said = daemon.ctl("upstream", "set", "first", "--state", "active", "-o", "json").stdout
        self.assertEqual((json.loads(said)["state"], json.loads(said)["stateFrom"]), ("active", "settings"))
        self.assert_answers(daemon, first, second, by=first)
        daemon.ctl("upstream", "activate", "first")
        daemon.ctl("upstream", "set", "first", "--state", "maintenance")
        self.assertEqual(self.states(daemon)["first"], ("maintenance", "settings"))
        self.assert_answers(daemon, first, second, by=second)
        daemon.stop()
        daemon.start_ready()
        self.assertEqual(self.states(daemon)["first"], ("maintenance", "settings"))

    def test_activate_goes_before_the_file_until_the_file_says_something_else(self):
        first, second = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(first, "first", state="maintenance"), of(second, "second")])
        daemon.ctl("upstream", "activate", "first")
        shown = self.shown(daemon)["first"]
        self.assertEqual((shown["state"], shown["stateFrom"], shown["stateInSettings"]),
                         ("active", "person", "maintenance"))
        self.assert_answers(daemon, first, second, by=first)
        daemon.stop()
        daemon.start_ready()
        self.assertEqual(self.states(daemon)["first"], ("active", "person"), "the word did not survive a restart")
        self.edit(daemon, of(first, "first", state="maintenance", weight=7), of(second, "second"))
        wait_for(lambda: self.shown(daemon)["first"]["weight"] == 7, 30, "the edited file in force")
        self.assertEqual(self.states(daemon)["first"], ("active", "person"), "the file says of the state what it said")
        self.edit(daemon, of(first, "first", state="draining"), of(second, "second"))
        wait_for(lambda: self.states(daemon)["first"] == ("draining", "settings"), 30, "the file's later word in force")
        self.assert_answers(daemon, first, second, by=second)

    def test_a_word_over_a_file_that_changed_while_the_daemon_was_away_is_over(self):
        first, second = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(first, "first"), of(second, "second")])
        daemon.ctl("upstream", "drain", "first")
        daemon.stop()
        self.file(daemon, of(first, "first", state="maintenance"), of(second, "second"))
        daemon.start_ready()
        self.assertEqual(self.states(daemon)["first"], ("maintenance", "settings"))

    def file(self, daemon, *upstreams):
        file = Path(daemon.serving[daemon.serving.index("--config") + 1])
        kept = [line for line in file.read_text().splitlines() if not line.startswith("upstreams")]
        where = kept.index("[relay]") + 1
        file.write_text("\n".join(kept[:where] + [f"upstreams = {toml(upstreams)}"] + kept[where:]) + "\n")

    def edit(self, daemon, *upstreams):
        self.file(daemon, *upstreams)
        daemon.process.send_signal(signal.SIGHUP)


class WithoutFailBack(RelayTest):
    def test_who_serves_goes_on_until_it_fails_itself_however_often(self):
        hosts = {"first": self.upstream(), "second": self.upstream()}
        daemon = self.relay_by_file([of(hosts["first"], "first", priority=0), of(hosts["second"], "second", priority=1)],
                                    fail_back=False, probe_interval="100ms", exchange_limit=limit(5))

        def served():
            before = {name: host.counted().answers for name, host in hosts.items()}
            self.assertEqual(self.ask(daemon, kms.request())[1], 0)
            return [name for name, host in hosts.items() if host.counted().answers > before[name]]

        def is_(name, condition):
            wait_for(lambda: self.shown(daemon)[name]["condition"] == condition, 60, f"{name} shown as {condition}")
        self.assertEqual(served(), ["first"])
        serving, other = "first", "second"
        for _ in range(5):
            hosts[serving].kill()
            is_(serving, "down")
            self.assertEqual(served(), [other])
            hosts[serving].start()
            is_(serving, "up")
            self.assertEqual(served(), [other], "clients left a host that had not failed")
            serving, other = other, serving
        self.assertEqual(serving, "second")  # an odd number of times: priority alone would say the first
        self.assertIn("fail-back", self.shown(daemon)["first"]["why"])
        daemon.ctl("upstream", "activate", "first")
        self.assertEqual(served(), ["first"], "a person puts it back in its turn")
        hosts["first"].kill()
        is_("first", "down")
        hosts["first"].start()
        is_("first", "up")
        self.assertEqual(served(), ["second"])
        daemon.ctl("settings", "set", "relay.fail-back", "true")
        wait_for(lambda: served() == ["first"], 30, "clients back at the primary")


class Check(RelayTest):
    def test_a_check_answers_when_its_probe_is_over(self):
        host = self.upstream()
        daemon = self.relay_by_file([of(host, "kms-a")], probe_interval="1h", eject_after=1, return_after=1)
        wait_for(lambda: self.shown(daemon)["kms-a"]["condition"] == "up", 60, "the first probe")
        host.kill()
        said = json.loads(daemon.ctl("upstream", "check", "kms-a", "-o", "json").stdout)
        self.assertEqual(said["condition"], "down")
        host.start()
        said = json.loads(daemon.ctl("upstream", "check", "kms-a", "-o", "json").stdout)
        self.assertEqual(said["condition"], "up")
        self.assertEqual(host.counted().calls, 0, "a check is never a KMS request")


class Licence(RelayTest):
    def test_dli_claims_of_a_host_only_what_it_showed(self):
        granting, silent = self.upstream(count=37), self.upstream()
        daemon = self.relay_by_file([of(granting, "granting"), of(silent, "silent")])
        said = daemon.ctl("dli").stdout
        self.assertNotIn("License Status: Licensed", said)
        self.assertEqual(said.count("License Status: not known; it has granted no request yet"), 2)
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        said = daemon.ctl("dli").stdout
        self.assertEqual(said.count("License Status: not known; reads as licensed: it granted a request at 20"), 1)
        self.assertEqual(said.count("License Status: not known; it has granted no request yet"), 1)
        self.assertIn("    Current count: 37\n", said)
        self.assertIn("    Current count: not known\n", said)
        self.assertEqual(said.count("Key Management Service cumulative requests"), 1, "our own sums, said of each host")
        self.assertNotIn("is enabled on this machine", said)
        granting.set(hresult=0xC004F041)
        silent.set(hresult=0xC004F041)
        self.assertEqual(self.ask(daemon, kms.request()), (None, 0xC004F041))
        self.assertEqual(daemon.ctl("dlv").stdout.count("License Status: not licensed: it answered 0xC004F041 at 20"), 2)


if __name__ == "__main__":
    support.main()
