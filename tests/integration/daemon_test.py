#!/usr/bin/env python3
"""musterd as a process: start and stop, what it refuses and with which sentence, what it gives up, what it keeps."""
import json
import re
import signal
import socket
import stat
import subprocess
from pathlib import Path

import integration_support as integration
from integration_support import support, wait_for


class StartAndStop(integration.DaemonTest):
    def test_it_is_ready_when_status_answers_and_a_signal_ends_it_cleanly(self):
        for sign in (signal.SIGTERM, signal.SIGINT):
            daemon = self.ready()
            status = json.loads(daemon.status())
            self.assertTrue(status["ready"])
            self.assertEqual(status["mode"], "lab")
            self.assertEqual(status["listening"], [f"127.0.0.1:{daemon.port}"])
            self.assertEqual(status["trouble"], [])
            daemon.process.send_signal(sign)
            self.assertEqual(daemon.process.wait(30 * support.PATIENCE), 0, daemon.log_tail())
            self.assertFalse(daemon.control.exists(), "the control socket is left behind")

    def test_what_it_keeps_is_its_owners_alone(self):
        daemon = self.ready()
        for directory in (daemon.state, daemon.state / "lab"):
            self.assertEqual(stat.S_IMODE(directory.stat().st_mode), 0o700, directory)
        for path in daemon.state.rglob("*"):
            self.assertEqual(stat.S_IMODE(path.lstat().st_mode) & 0o007, 0, path)

    def test_clients_are_known_after_a_kill(self):
        daemon = self.ready()
        daemon.install_key()
        integration.clients(daemon, "win7", 30, check=0)
        before = daemon.cmids()
        self.assertEqual(len(before), 30)
        totals = json.loads(daemon.status())
        daemon.kill()
        daemon.start_ready()
        self.assertEqual(daemon.cmids(), before)
        after = json.loads(daemon.status())
        self.assertEqual((after["requests"], after["clients"]), (totals["requests"], 30))
        integration.clients(daemon, "win7", 1, "--cmid-seed", 99, check=0)  # the count is there: nobody is refused

    def test_dli_prints_slmgrs_lines(self):
        daemon = self.ready()
        self.assertEqual(daemon.ctl("dli").stdout, "Error: product key not found.\n")
        daemon.install_key()
        integration.clients(daemon, "win7", 30, check=0)
        lines = daemon.ctl("dli").stdout.splitlines()
        begin = lines.index("Key Management Service is enabled on this machine")
        self.assertEqual(lines[begin + 1:begin + 5],
                         ["    Current count: 30", f"    Listening on Port: {daemon.port}", "    DNS publishing disabled",
                          "    KMS priority: Normal"])
        self.assertEqual([line.split(":")[0] for line in lines[begin - 5:begin]],
                         ["Name", "Description", "Partial Product Key", "License Status", ""])
        total = next(line for line in lines if line.startswith("    Total requests received: "))
        self.assertGreaterEqual(int(total.split(": ")[1]), 30)
        daemon.stop()
        daemon.start_ready()
        self.assertIn(total, daemon.ctl("dli").stdout.splitlines(), "the counters forgot what was before the restart")
        self.assertTrue(daemon.ctl("dlv").stdout.startswith("Software licensing service version: "))


class Refusals(integration.DaemonTest):
    def refused(self, code, sentence, *words, **popen):
        done = subprocess.run([support.BIN / "musterd", *words], capture_output=True, text=True,
                              timeout=60 * support.PATIENCE, **popen)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, sentence)

    def words(self, **more):
        return ["--lab", "--state", self.directory / "other", "--listen", f"127.0.0.1:{support.free_port()}"]

    def test_a_second_daemon_on_the_same_state(self):
        daemon = self.ready()
        self.refused(78, rf"another daemon \(process {daemon.process.pid}\) has this state directory", "--lab", "--state",
                     daemon.state, "--listen", f"127.0.0.1:{support.free_port()}")
        self.assertTrue(json.loads(daemon.status())["ready"])

    def test_an_address_that_another_program_has(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.refused(78, rf"127.0.0.1:{port}.*another program listens there", "--lab", "--state",
                         self.directory / "other", "--listen", f"127.0.0.1:{port}")

    def test_the_command_line(self):
        self.refused(64, "--frobnicate", "--frobnicate")
        self.refused(64, "either --config FILE or --state DIR", "--lab")
        self.refused(64, "--lab and --relay exclude each other", *self.words(), "--relay", "kms.example.org:1688")
        self.refused(64, "--relay and --config exclude each other.*relay.upstreams", "--relay", "kms", "--config", "f")
        self.refused(64, r'"2001:db8::1" is no HOST:PORT such as .*\[2001:db8::7\]:1688', "--relay", "2001:db8::1",
                     "--state", self.directory / "other")
        self.refused(64, "kms is there twice", "--relay", "kms", "--relay", "kms", "--state", self.directory / "other")

    def test_a_relay_without_its_plugin(self):
        nothing = self.directory / "plugins"
        nothing.mkdir()
        self.refused(78, "--relay: the plugin relay is not installed", "--relay", "kms", "--plugins", nothing, "--state",
                     self.directory / "other")

    def test_settings_all_at_once_with_file_and_line(self):
        file = self.directory / "muster.toml"
        file.write_text("[core]\nlog-level = 'loud'\nreactors = 0\n\n[listener]\nmax-conections = 7\n")
        self.refused(78, r"(?s)muster\.toml:2.*muster\.toml:3.*muster\.toml:6", "--config", file, "--state",
                     self.directory / "other")
        self.refused(78, "muster.toml:2", "--config", file, "--state", self.directory / "other", "--check")
        file.write_text("[core\n")
        self.refused(78, "muster.toml:1", "--config", file, "--state", self.directory / "other")
        self.refused(78, "absent.toml", "--config", self.directory / "absent.toml")

    def test_check_leaves_nothing_behind(self):
        file = self.directory / "muster.toml"
        file.write_text("[core]\nlog-level = 'debug'\n")
        self.refused(0, "the settings are good", "--config", file, "--state", self.directory / "other", "--check")
        self.assertFalse((self.directory / "other").exists())

    def test_a_database_that_is_none(self):
        daemon = self.ready()
        daemon.stop()
        database = next(iter(daemon.databases()))
        rubbish = b"not a database at all" * 1000
        database.write_bytes(rubbish)
        for left in database.parent.glob(database.name + "-*"):
            left.unlink()
        daemon.start()
        self.assertEqual(daemon.process.wait(60 * support.PATIENCE), 78, daemon.log_tail())
        self.assertIn(str(database), daemon.log_tail())
        daemon.start_ready(30, "--degraded")
        kept = [path for path in daemon.state.rglob("*") if path.is_file() and path.read_bytes() == rubbish]
        self.assertEqual(len(kept), 1, "the file was not set aside whole")


class Mode(integration.DaemonTest):
    def control(self, state):
        return subprocess.run([support.BIN / "musterctl", "--control", state / "control.sock", "status", "-o", "json"],
                              capture_output=True, text=True)

    def status_when(self, state, condition, what):
        def look():
            done = self.control(state)
            return done.returncode == 0 and condition(json.loads(done.stdout)) and json.loads(done.stdout)
        return wait_for(look, 30, what)

    def ctl(self, state, *words):
        return subprocess.run([support.BIN / "musterctl", "--control", state / "control.sock", *words],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def test_a_fresh_appliance_serves_nobody_until_a_mode_is_chosen(self):
        state, port = self.directory / "fresh", support.free_port()
        with open(self.directory / "log", "wb") as log:
            process = subprocess.Popen([support.BIN / "musterd", "--state", state, "--listen", f"127.0.0.1:{port}"],
                                       stdout=log, stderr=log)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        status = self.status_when(state, lambda s: s["ready"], "ready without a mode")
        self.assertEqual(status["mode"], "none")
        self.assertIn("no mode is chosen", status["trouble"][0])
        with support.connect(port) as peer:
            peer.sendall(support.BIND)
            self.assertEqual(support.read_pdu(peer)[2], 12)  # bind_ack: the port is ours
            peer.sendall(support.MALFORMED_REQUEST)
            self.assertEqual(support.read_pdu(peer)[2], 3)  # fault
        self.assertEqual(self.ctl(state, "mode", "set", "lab", "--yes").returncode, 0)
        self.status_when(state, lambda s: s["ready"] and s["mode"] == "lab", "ready in the lab")
        with support.connect(port) as peer:
            peer.sendall(support.BIND)
            support.read_pdu(peer)
            peer.sendall(support.MALFORMED_REQUEST)
            self.assertEqual(support.read_pdu(peer)[2], 2)  # response
        process.terminate()
        self.assertEqual(process.wait(30 * support.PATIENCE), 0)
        self.assertEqual((state / "mode").read_text(), "lab\n")


class ModeOfTheCommandLine(integration.DaemonTest):
    def events(self, daemon):
        return json.loads(daemon.ctl("event", "list", "-o", "json").stdout)["items"]

    def test_the_lab_of_one_run_is_in_the_journal_and_cannot_be_changed(self):
        daemon = self.ready()
        self.assertEqual(json.loads(daemon.ctl("mode", "show", "-o", "json").stdout),
                         {"mode": "lab", "chosenBy": "command line"})
        done = daemon.ctl("mode", "set", "relay", "--yes", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("this run was started with --lab", done.stderr)
        wait_for(lambda: any(event["id"] == 20009 and event["fields"]["option"] == "--lab" for event in
                             self.events(daemon)), 20, "event 20009")

    def test_hosts_of_the_command_line_are_the_relays_setting(self):
        gone = f"127.0.0.1:{support.free_port()}"
        daemon = self.ready(serving=support.relay(gone, "[::1]"))
        self.assertEqual(json.loads(daemon.ctl("mode", "show", "-o", "json").stdout),
                         {"mode": "relay", "chosenBy": "command line"})
        rows = json.loads(daemon.ctl("settings", "show", "--section", "relay", "-o", "json").stdout)["items"]
        row = next(row for row in rows if row["key"] == "relay.upstreams")
        self.assertEqual((row["source"], row["fixed"]), ("command line", "command line --relay"))
        self.assertEqual([(item["name"], item["address"], item["priority"]) for item in row["items"]],
                         [(gone, gone, 0), ("[::1]", "[::1]", 1)])
        done = daemon.ctl("settings", "set", "relay.upstreams", "[{name = a, address = kms}]", check=False)
        self.assertIn("fixed by the command line --relay", done.stderr)
        done = daemon.ctl("mode", "set", "lab", "--yes", check=False)
        self.assertIn("this run was started with --relay", done.stderr)
        wait_for(lambda: any(event["id"] == 20009 and event["fields"]["option"] == "--relay" for event in
                             self.events(daemon)), 20, "event 20009")


class RightsAndRoom(integration.DaemonTest):
    def not_sanitized(self, why):
        if b"__sanitizer" in (support.BIN / "musterd").read_bytes():
            self.skipTest(why)

    def test_it_can_start_no_program_and_has_no_right_that_it_does_not_need(self):
        self.not_sanitized("a sanitizer starts its symbolizer")
        daemon = self.ready()
        words = Path(f"/proc/{daemon.process.pid}/status").read_text()
        self.assertRegex(words, r"NoNewPrivs:\t1")
        effective = int(re.search(r"CapEff:\t(\w+)", words).group(1), 16)
        self.assertEqual(effective & ~(1 << 10), 0, "only CAP_NET_BIND_SERVICE may be left")
        self.assertRegex(words, r"Seccomp:\t2", "execve is not denied")
        for thread in Path(f"/proc/{daemon.process.pid}/task").iterdir():
            self.assertRegex((thread / "status").read_text(), r"Seccomp:\t2", thread)

    def test_at_rest_it_takes_less_than_20_mib(self):
        self.not_sanitized("sanitizers take room of their own")
        daemon = self.ready()
        self.assertLess(daemon.resident(), 20 << 20)

    def test_settings_change_in_service(self):
        daemon = self.ready("--set", "core.commit-limit=5s")
        self.assertIn("5s", daemon.ctl("settings", "show", "-o", "csv").stdout)
        daemon.ctl("settings", "set", "core.log-level", "debug")
        self.assertIn("log-level", (daemon.state / "muster.toml").read_text())
        daemon.stop()
        daemon.start_ready()
        rows = daemon.ctl("settings", "show", "-o", "csv").stdout.splitlines()
        self.assertTrue(any("core.log-level" in row and "debug" in row for row in rows), rows)

    def test_an_edit_while_nobody_ran_becomes_a_revision_and_a_bad_one_does_not(self):
        daemon = self.ready()
        daemon.ctl("settings", "set", "core.log-level", "debug")
        daemon.stop()
        file = daemon.state / "muster.toml"
        good = file.read_text() + "\n[lab]\nrenewal-interval = 120\n"
        bad = good + "rewenal-interval = 3\n"
        file.write_text(bad)
        daemon.start()
        self.assertEqual(daemon.process.wait(60 * support.PATIENCE), 78, daemon.log_tail())
        self.assertIn("rewenal-interval", daemon.log_tail())
        file.write_text(good)
        daemon.start_ready()
        listed = daemon.ctl("revision", "list", "-o", "csv").stdout.splitlines()[1:]
        self.assertEqual(len([row for row in listed if "edited by hand" in row]), 1, listed)


if __name__ == "__main__":
    support.main()
