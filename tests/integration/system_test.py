#!/usr/bin/python3
"""The box: musterd-system with programs of the test's own, and musterd that asks it, by musterctl and the control socket."""
import http.client
import json
import os
import random
import signal
import socket
import stat
import struct
import subprocess
import unittest

import integration_support as integration
from integration_support import support, wait_for

PORTS = json.dumps([{"name": "eth0", "ipv4": "fixed", "addresses": ["10.9.0.7/24"], "gateway4": "10.9.0.1"}])
REQUEST = 0x4D535131
HELLO = struct.pack("<IIB", REQUEST, 7, 1)


class OverUnix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self.path))


class Box(support.BoxTest, integration.DaemonTest):
    def served(self):
        """musterd that knows the helper."""
        return self.ready("--system", self.socket)

    def show(self, daemon, *words):
        return json.loads(daemon.ctl("-o", "json", "--yes", *words).stdout)

    def refused(self, daemon, *words):
        done = daemon.ctl("--yes", *words, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def audited(self, daemon):
        return json.loads(daemon.ctl("audit", "list", "-o", "json").stdout)["items"]

    def ask(self, daemon, method, path, body=None, headers=None):
        connection = OverUnix(daemon.control)
        self.addCleanup(connection.close)
        connection.request(method, "/api/v1" + path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read() or "null")

    def raw(self, packet):
        """What comes back for that packet; nothing: the connection was closed."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(str(self.socket))  # waits for its turn
            connection.settimeout(30)
            try:
                connection.send(packet)
                return connection.recv(65536)
            except (BrokenPipeError, ConnectionResetError):
                return b""


class Offered(Box):
    def test_without_a_helper_this_host_says_what_to_do_instead(self):
        daemon = self.served()
        self.assertIn("not offered by this host", self.refused(daemon, "network", "show"))
        self.begin()
        self.assertEqual(self.show(daemon, "network", "show")["ports"], [])
        self.end()
        self.assertIn("musterd-system.socket", self.refused(daemon, "network", "show"))

    def test_ports_that_are_listened_on_are_open_and_no_others(self):
        self.begin()
        daemon = self.daemon("--system", self.socket, "--listen", f"0.0.0.0:{support.free_port()}")
        port = int(str(daemon.words[-1]).rsplit(":", 1)[1])
        daemon.start_ready()
        wait_for(lambda: self.show(daemon, "firewall", "show")["tcp"] == [port], 30, "the port in the firewall")
        self.assertIn(f"tcp dport {{ {port} }} accept", (self.place / "run/muster-system/ruleset.nft").read_text())
        self.assertIn("nft --file", self.calls())

    def test_what_it_is_and_how_it_ends(self):
        self.begin()
        daemon = self.served()
        self.assertEqual(self.show(daemon, "system", "show")["slots"], True)
        self.calls()
        self.assertEqual(self.show(daemon, "system", "restart"), {"begun": True})
        self.assertEqual(self.show(daemon, "system", "power-off"), {"begun": True})
        self.assertEqual(self.calls("systemctl"), "systemctl --no-block reboot\nsystemctl --no-block poweroff\n")
        self.assertEqual(self.show(daemon, "system", "reset"), {"begun": True})
        self.assertTrue((self.place / "reset").exists())
        self.assertEqual([entry["action"] for entry in self.audited(daemon)[:3]],
                         ["POST /reset", "POST /system/power-off", "POST /system/restart"])


class Network(Box):
    def test_a_change_that_nobody_confirms_goes_back(self):
        self.begin("--trial", "3")
        daemon = self.served()
        self.calls()
        tried = self.show(daemon, "network", "set", "--ports", PORTS, "--name-servers", "10.9.0.53", "--domains",
                          "corp.example")
        self.assertLessEqual(tried["secondsLeft"], 3)
        self.assertIn("Address=10.9.0.7/24\n", self.network_file())
        self.assertIn("networkctl reload\n", self.calls())
        wait_for(lambda: not self.network_file(), 30, "the network as it was")
        self.assertEqual(self.show(daemon, "network", "show")["secondsLeft"], 0)
        self.assertEqual(self.show(daemon, "network", "show")["ports"], [])
        self.assertIn("networkctl reload\n", self.calls())
        self.assertIn("none wait to be confirmed", self.refused(daemon, "network", "confirm"))
        self.assertIn("nobody confirmed", self.log())

    def test_a_change_that_is_confirmed_stays(self):
        self.begin("--trial", "60")
        daemon = self.served()
        self.show(daemon, "network", "set", "--ports", PORTS)
        self.assertEqual(self.show(daemon, "network", "confirm")["secondsLeft"], 0)
        self.again("--trial", "60")
        self.assertEqual(self.show(daemon, "network", "show")["ports"], [
            {"name": "eth0", "ipv4": "fixed", "ipv6": "auto", "addresses": ["10.9.0.7/24"], "gateway4": "10.9.0.1"}])
        changed = next(entry for entry in self.audited(daemon) if entry["action"] == "PUT /network")
        self.assertEqual((changed["before"]["ports"], changed["after"]["ports"][0]["name"]), ([], "eth0"))

    def test_a_helper_that_is_killed_during_a_trial_goes_back_all_the_same(self):
        self.begin("--trial", "4")
        daemon = self.served()
        self.show(daemon, "network", "set", "--ports", PORTS)
        self.again("--trial", "4", how=signal.SIGKILL)
        wait_for(lambda: not self.network_file(), 30, "the network as it was")
        self.assertEqual(self.show(daemon, "network", "show")["ports"], [])

    def test_all_that_is_wrong_is_said_at_once_and_nothing_is_changed(self):
        self.begin()
        daemon = self.served()
        status, _, problem = self.ask(daemon, "PUT", "/network", {
            "ports": [{"name": "eth0", "ipv4": "fixed", "addresses": ["10.9.0.7"], "gateway4": "router"}],
            "nameServers": ["300.1.1.1"]})
        self.assertEqual((status, problem["code"]), (400, "malformed"))
        self.assertEqual([error["name"] for error in problem["errors"]],
                         ["ports[0].addresses[0]", "ports[0].gateway4", "nameServers[0]"])
        self.assertIn("nothing was changed", problem["hint"])
        status, _, problem = self.ask(daemon, "PUT", "/network",
                                      {"ports": [{"name": "e\nDHCP=yes"}], "domains": ["a b"]})
        self.assertEqual([error["name"] for error in problem["errors"]], ["ports[0].name", "domains[0]"])
        self.assertEqual(self.network_file(), "")

    def test_who_has_not_seen_the_last_change_is_told(self):
        self.begin()
        daemon = self.served()
        tag = self.ask(daemon, "GET", "/network")[1]["ETag"]
        self.assertEqual(self.ask(daemon, "PUT", "/network", {"domains": ["a.example"]}, {"If-Match": tag})[0], 200)
        self.assertEqual(self.ask(daemon, "PUT", "/network", {"domains": ["b.example"]}, {"If-Match": tag})[0], 412)
        self.assertEqual(self.ask(daemon, "GET", "/network")[2]["domains"], ["a.example"])


class Rest(Box):
    def test_time_and_name(self):
        self.begin()
        daemon = self.served()
        self.assertIn("set by time servers", self.refused(daemon, "time", "clock", "2026-11-28T12:00:00Z"))
        self.assertEqual(self.show(daemon, "time", "set", "--zone", "Europe/Berlin", "--servers", "ntp.corp.example")["zone"],
                         "Europe/Berlin")
        self.calls()
        changed = self.show(daemon, "time", "set", "--ntp=false")
        self.assertEqual((changed["ntp"], changed["servers"]), (False, ["ntp.corp.example"]))
        self.show(daemon, "time", "clock", "2026-11-28T12:00:00Z")
        self.assertEqual(self.calls("systemctl", "timedatectl"),
                         "systemctl --no-block stop systemd-timesyncd.service\ntimedatectl set-time @1795867200\n")
        self.assertEqual(self.show(daemon, "time", "set", "--servers", "")["servers"], [])
        self.assertIn("not on this box", self.refused(daemon, "time", "set", "--zone", "Europe/Atlantis"))
        self.assertEqual(self.show(daemon, "hostname", "set", "kms-1"), {"hostname": "kms-1"})
        self.assertIn("labels of a to z", self.refused(daemon, "hostname", "set", "KMS_1"))
        self.assertEqual(self.calls("hostnamectl").splitlines()[-1], "hostnamectl --transient hostname kms-1")

    def test_a_bundle_is_uploaded_and_installed(self):
        self.begin()
        daemon = self.served()
        bundle = self.directory / "bundle"
        bundle.write_bytes(b"good 1.1\n" + os.urandom(300_000))
        (self.place / "slow").touch()
        self.assertEqual(self.show(daemon, "update", "add", str(bundle))["phase"], "installing")
        wait_for(lambda: self.show(daemon, "update", "show")["percent"] == 40, 30, "progress")
        self.assertEqual((self.place / "update/bundle.raucb").read_bytes(), bundle.read_bytes())
        self.assertEqual(stat.S_IMODE((self.place / "update/bundle.raucb").stat().st_mode), 0o600)
        self.assertIn("one is being installed", self.refused(daemon, "update", "add", str(bundle)))
        self.assertIn("is being installed", self.refused(daemon, "system", "restart"))
        (self.place / "slow").unlink()
        wait_for(lambda: self.show(daemon, "update", "show")["phase"] == "installed", 30, "the bundle installed")
        self.assertEqual(list((self.place / "update").iterdir()), [])
        installed = self.show(daemon, "update", "show")
        self.assertEqual((installed["slot"], installed["version"]), ("B", "1.1"))
        bundle.write_bytes(b"evil")
        self.show(daemon, "update", "add", str(bundle))
        wait_for(lambda: self.show(daemon, "update", "show")["phase"] == "failed", 30, "the bundle refused")
        self.assertEqual(self.show(daemon, "update", "show")["words"], "signature verification failed")

    def install(self, daemon, version):
        bundle = self.directory / "bundle"
        bundle.write_text(f"good {version}\n")
        self.show(daemon, "update", "add", str(bundle))
        wait_for(lambda: self.show(daemon, "update", "show")["phase"] == "installed", 30, "the bundle installed")

    def test_what_became_of_an_update_is_known_after_the_restart(self):
        self.begin()
        daemon = self.served()
        self.install(daemon, "1.1")
        self.restart("B")
        self.assertEqual(self.show(daemon, "update", "show")["phase"], "running")
        self.restart("A")
        update = self.show(daemon, "update", "show")
        self.assertEqual((update["phase"], update["version"], update["slot"]), ("went-back", "1.1", "B"))
        self.install(daemon, "1.2")
        self.assertEqual(self.show(daemon, "update", "show")["version"], "1.2")

    def test_slots(self):
        self.begin()
        daemon = self.served()
        slots = self.show(daemon, "slot", "list")
        self.assertEqual((slots["compatible"], slots["booted"]), ("muster-test", "A"))
        self.assertEqual(slots["slots"][0],
                         {"name": "boot.0", "state": "booted", "boot": "A", "health": "good", "version": "1.0"})
        self.calls()
        self.show(daemon, "slot", "mark", "bad", "other")
        self.assertEqual(self.calls("rauc").splitlines()[0], "rauc status mark-bad other")
        self.program("rauc", "echo 'no bus' >&2; exit 1")
        self.assertIn("no bus", self.refused(daemon, "slot", "list"))


class Peers(Box):
    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_nobody_but_its_user_is_heard(self):
        self.begin(user="nobody")
        self.assertEqual(self.raw(HELLO), b"", "root itself is another user")
        self.assertIn("refused a connection of user 0", self.log())
        self.assertEqual(stat.S_IMODE(self.socket.stat().st_mode), 0o600)
        daemon = self.served()
        self.assertIn("for the user that musterd should run as", self.refused(daemon, "network", "show"))
        self.assertNotIn("networkctl", self.calls())

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_others_cannot_open_its_socket(self):
        self.begin()
        for directory in (self.directory, self.place):
            directory.chmod(0o755)
        done = subprocess.run(
            ["/usr/bin/python3", "-c", "import socket, sys\n"
             "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])", self.socket],
            user=65534, group=65534, extra_groups=[], capture_output=True, text=True)
        self.assertIn("PermissionError", done.stderr)

    def test_hostile_requests_are_refused_and_change_nothing(self):
        self.begin()
        self.calls()
        kept = sorted(path.name for path in (self.place / "keep").iterdir())
        chance = random.Random(1)
        hostile = [b"x", HELLO[:-1], HELLO + b"x", struct.pack("<IIB", REQUEST, 1, 0), struct.pack("<IIB", REQUEST, 1, 99),
                   struct.pack("<IIBH", REQUEST, 1, 3, 65535), struct.pack("<IIBH", REQUEST, 1, 10, 7) + b"a\nb=c;d",
                   b"\xff" * 60_000]
        hostile += [struct.pack("<IIB", REQUEST, 1, chance.choice((3, 7, 8, 10, 12, 14))) + chance.randbytes(chance.randrange(80))
                    for _ in range(500)]
        for packet in hostile:
            answer = self.raw(packet)
            self.assertTrue(answer == b"" or answer[9] != 0, packet)
        self.assertEqual(self.raw(HELLO)[9], 0, "it is there as before")
        self.assertEqual(self.calls(), "")
        self.assertEqual(sorted(path.name for path in (self.place / "keep").iterdir()), kept)

    def test_many_that_say_nothing_hold_up_nobody(self):
        self.begin()
        idle = []
        for _ in range(40):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.addCleanup(one.close)
            one.connect(str(self.socket))
            idle.append(one)
        self.assertEqual(self.raw(HELLO)[9], 0)
        # It did not wait until those that say nothing are sent away: the last of them is still connected.
        idle[-1].setblocking(False)
        with self.assertRaises(BlockingIOError):
            idle[-1].recv(1)

    def test_it_has_no_capability_but_the_one_for_the_firewall(self):
        self.begin()
        status = dict(line.split(":\t", 1) for line in
                      open(f"/proc/{self.helper.pid}/status", encoding="ascii").read().splitlines() if ":\t" in line)
        # Only root can narrow the bounding set; another user has nothing to gain from it under NoNewPrivs.
        for name in ("CapPrm", "CapEff", *(["CapBnd"] if os.geteuid() == 0 else [])):
            self.assertEqual(int(status[name], 16) & ~(1 << 12), 0, name)
        self.assertEqual(status["NoNewPrivs"], "1")


if __name__ == "__main__":
    support.main()
