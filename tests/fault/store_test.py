#!/usr/bin/python3
"""The store's disk fails in every way that a disk can: full, read-only, files gone, replaced, corrupted.

A full disk is a small tmpfs in a mount namespace of its own: as root, or through a user namespace where those are allowed.
"""
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support as fault  # noqa: E402

NEVER = 10**9


def corruptions(count, chance):
    """Ways to spoil a database file: (name, function of the octets that gives other octets)."""
    def flip(how_many, low, high):
        def spoil(octets):
            octets = bytearray(octets)
            for _ in range(how_many):
                at = chance.randrange(low, min(high, len(octets)))
                octets[at] ^= 1 << chance.randrange(8)
            return bytes(octets)
        return spoil

    def overwrite(length):
        def spoil(octets):
            at = chance.randrange(max(1, len(octets) - length))
            return octets[:at] + chance.randbytes(min(length, len(octets) - at)) + octets[at + length:]
        return spoil

    fixed = [
        ("not SQLite at all", lambda octets: b"This was a shopping list once.\n" * 200),
        ("the header gone", lambda octets: bytes(100) + octets[100:]),
        ("zeros", lambda octets: bytes(len(octets))),
        ("no octets", lambda octets: b""),
        ("cut in the header", lambda octets: octets[:50]),
        ("cut in the first page", lambda octets: octets[:1000]),
        ("cut in half", lambda octets: octets[:len(octets) // 2 // 512 * 512]),
        ("one bit of the header", flip(1, 0, 100)),
        ("a bit of the schema's version", flip(1, 60, 64)),
        ("a bit of the application's number", flip(1, 68, 72)),
    ]
    makers = [("16 bits", lambda: flip(16, 0, NEVER)), ("4,096 octets", lambda: overwrite(4096)),
              ("512 octets", lambda: overwrite(512)), ("one bit", lambda: flip(1, 0, NEVER)),
              ("cut at a multiple of 512", lambda: lambda octets: octets[:512 * chance.randrange(1, max(2, len(octets) // 512))])]
    for number in range(count):
        if number < len(fixed):
            yield fixed[number]
        else:
            name, make = makers[number % len(makers)]
            yield f"{name}, number {number}", make()


class StoreTest(fault.DaemonTest):
    def acknowledged(self, log="acknowledged"):
        path = self.directory / log
        return set(path.read_text().split()) if path.exists() else set()

    def some_load(self, daemon, first, requests=300, log="acknowledged"):
        load = daemon.load("--requests", requests, "--connections", 8, "--sequential", "--clients", requests, "--first-client",
                           first, "--ack-log", self.directory / log, "--verify")
        load.communicate(timeout=120 * fault.PATIENCE)
        self.assertEqual(load.returncode, 0, daemon.log_tail())

    def filled(self, *words, state=None):
        daemon = self.daemon(*words, state=state)
        daemon.start_ready()
        daemon.install_key()
        self.some_load(daemon, 0)
        return daemon

    def trouble(self, daemon):
        """The sentences of `musterctl status` about what is wrong; none when all is well."""
        return json.loads(daemon.status())["trouble"]

    def readyz(self, port):
        """Status and words of /readyz on the page."""
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=ssl._create_unverified_context(),
                                                 timeout=30 * fault.PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def all_listed(self, daemon):
        missing = self.acknowledged() - daemon.cmids()
        self.assertEqual(len(missing), 0, f"acknowledged and gone: {sorted(missing)[:5]}")

    # -- while it runs ---------------------------------------------------------------------------------------------

    @fault.needs_mounts
    def test_a_full_disk_costs_no_acknowledged_client_and_heals(self):
        disk = fault.small_disk(self, 48)
        web = fault.free_port()
        daemon = self.filled("--web", f"127.0.0.1:{web}", state=disk / "state")
        self.assertEqual(self.readyz(web)[0], 200)
        for turn in range(1, 3):
            ballast = disk.fill()
            load = daemon.load("--rate", 200, "--seconds", 3600, "--persist", "--sequential", "--first-client",
                               turn * 1_000_000, "--clients", 1_000_000, "--ack-log", self.directory / "acknowledged")
            told = fault.wait_for(lambda: self.trouble(daemon), 60, "status naming the trouble of the store")
            self.assertRegex(" ".join(told), "full|space", "the sentence does not say what is wrong")
            self.assertIn(json.loads(daemon.status())["store"], ("failing", "slow"))
            fault.wait_for(lambda: self.readyz(web)[0] == 503, 10, "/readyz to say that the lab cannot keep what it counts")
            self.assertIn("cannot be kept", self.readyz(web)[1])
            ballast.unlink()
            fault.wait_for(lambda: daemon.serves(first=turn * 10_000_000), 5, "a valid request answered with space again")
            load.terminate()
            load.communicate(timeout=60)
            fault.wait_for(lambda: not self.trouble(daemon), 10, "the trouble over")
            fault.wait_for(lambda: self.readyz(web)[0] == 200, 10, "/readyz to say that all is well again")
        self.all_listed(daemon)
        self.assertEqual(list(daemon.integrity()), ["ok"] * len(daemon.databases()))
        daemon.kill()
        daemon.start_ready()
        self.all_listed(daemon)

    @fault.needs_mounts
    def test_a_state_directory_on_a_read_only_disk_is_named_at_start_and_changed_by_nobody(self):
        disk = fault.small_disk(self, 48)
        daemon = self.filled(state=disk / "state")
        self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        before = {path: path.read_bytes() for path in daemon.state.rglob("*") if path.is_file()}
        disk.remount("ro")
        code, text = self.refused(daemon)
        self.assertEqual(code, 78, text)
        self.assertIn("ead-only", text)
        disk.remount("rw")
        self.assertEqual(before, {path: path.read_bytes() for path in daemon.state.rglob("*") if path.is_file()})
        daemon.start_ready()
        self.all_listed(daemon)

    def relayed(self, relay, upstream, clients=30):
        """Simulated machines ask the relay; the lab behind it seals. True if the last one is activated."""
        done = subprocess.run([fault.BIN / "muster-client", "--host", f"127.0.0.1:{relay.port}", "--seal-key-file",
                               upstream.home / "seal.key", "--family", "win7", "--cmid-seed", "7", "--clients", str(clients)],
                              capture_output=True, text=True, timeout=120 * fault.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + relay.log_tail())

    @fault.needs_mounts
    def test_a_relay_that_may_do_with_less_starts_on_a_read_only_disk(self):
        upstream = self.daemon(name="upstream")
        upstream.start_ready()
        upstream.install_key()
        disk = fault.small_disk(self, 48)
        used, never = disk / "used", disk / "never"
        serving = fault.relay(f"127.0.0.1:{upstream.port}")
        daemon = self.daemon(name="used", state=used, serving=serving)
        daemon.start_ready()
        self.relayed(daemon, upstream)
        self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        disk.remount("ro")
        code, text = self.refused(daemon)
        self.assertEqual(code, 78, text)
        self.assertIn("ead-only", text)
        for name, state in (("used again", used), ("never used", never)):
            daemon = self.daemon("--degraded", name=name, state=state, serving=serving)
            daemon.start_ready()
            self.relayed(daemon, upstream)
            told = " ".join(self.trouble(daemon))
            self.assertRegex(told, "nothing is recorded: .*ead-only.*recorded again by themselves")
            self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        # With the control socket on that disk as well, clients are served all the same.
        daemon = self.daemon("--degraded", name="without control", state=used, serving=serving)
        daemon.control = used / "control.sock"
        daemon.start()
        fault.wait_for(lambda: "ready: relay mode" in daemon.log_tail(), 30, daemon.log_tail)
        self.relayed(daemon, upstream)
        self.assertIn("no control socket, clients are served all the same", daemon.log_tail())
        self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        disk.remount("rw")
        daemon.start_ready()
        self.assertEqual(self.trouble(daemon), [])
        self.relayed(daemon, upstream, 31)
        self.assertEqual(len(daemon.cmids()), 31)

    def events(self, daemon, number):
        """Those of that number; none while the database is not to be read."""
        done = daemon.ctl("event", "list", "--id", str(number), "-o", "json", check=False)
        if done.returncode != 0:
            return []
        listed = json.loads(done.stdout)
        return listed if isinstance(listed, list) else listed["items"]

    def harmed(self, harm, times=1):
        """Does harm to the files while clients are acknowledged; all of them are listed, now and after a kill."""
        daemon = self.filled()
        for turn in range(1, times + 1):
            load = daemon.load("--rate", 200, "--seconds", 3600, "--persist", "--sequential", "--first-client",
                               turn * 1_000_000, "--clients", 1_000_000, "--ack-log", self.directory / "acknowledged")
            before = len(self.acknowledged())
            fault.wait_for(lambda: len(self.acknowledged()) > before + 50, 60, "load under way")
            harm(daemon)
            fault.wait_for(lambda: len(self.events(daemon, 20509)) >= turn and not self.trouble(daemon), 30,
                           lambda: f"the files put back: {self.trouble(daemon)}")
            after = len(self.acknowledged())
            fault.wait_for(lambda: len(self.acknowledged()) > after + 50, 60, "load going on")
            load.terminate()
            load.communicate(timeout=60 * fault.PATIENCE)
        self.all_listed(daemon)
        self.assertEqual(self.events(daemon, 20507), [], "records were lost")
        daemon.kill()
        daemon.start_ready()
        self.all_listed(daemon)
        self.assertEqual(set(daemon.integrity()), {"ok"})
        return daemon

    @staticmethod
    def pool(daemon):
        return daemon.home / "pool.db"

    def test_a_database_removed_while_running_is_put_back(self):
        def harm(daemon):
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.pool(daemon)}{suffix}").unlink()
        self.harmed(harm, times=2)

    def test_the_files_of_a_database_removed_one_by_one_are_put_back(self):
        suffixes = ["-wal", "-shm", ""]
        self.harmed(lambda daemon: Path(f"{self.pool(daemon)}{suffixes.pop()}").unlink(), times=3)

    def test_a_database_replaced_while_running_is_put_back_and_the_other_kept(self):
        octets = []

        def harm(daemon):
            stranger = self.directory / "stranger"
            with sqlite3.connect(stranger) as connection:
                connection.execute("CREATE TABLE client(cmid)")
            octets.append(stranger.read_bytes())
            os.replace(stranger, self.pool(daemon))
        daemon = self.harmed(harm)
        aside = [path.read_bytes() for path in daemon.home.iterdir() if ".replaced-" in path.name]
        self.assertEqual(aside, octets, "what somebody put there is not kept as it was")

    def test_a_log_that_was_emptied_while_running_costs_nothing(self):
        self.harmed(lambda daemon: os.truncate(f"{self.pool(daemon)}-wal", 0))

    def test_an_index_of_the_log_that_was_cut_costs_the_process_and_no_client(self):
        # A sanitizer's own handler would make an exit of the signal.
        options = os.environ.get("ASAN_OPTIONS", "") + ":handle_sigbus=0"
        with unittest.mock.patch.dict(os.environ, ASAN_OPTIONS=options):
            daemon = self.filled()
        os.truncate(f"{self.pool(daemon)}-shm", 0)
        daemon.serves()
        # SQLite maps that file; whoever reads behind its end gets SIGBUS, and systemd starts the daemon again.
        fault.wait_for(lambda: daemon.process.poll() is not None or self.events(daemon, 20509), 30, "the end, or a repair")
        if daemon.process.poll() is not None:
            self.assertEqual(daemon.process.returncode, -signal.SIGBUS, daemon.log_tail())
            daemon.start_ready()
        self.all_listed(daemon)
        self.assertEqual(set(daemon.integrity()), {"ok"})

    def test_a_database_that_was_emptied_while_running_costs_nothing(self):
        self.harmed(lambda daemon: os.truncate(self.pool(daemon), 0))

    def test_intake_and_database_removed_together_are_put_back(self):
        def harm(daemon):
            for path in [*daemon.home.glob("intake-*"), *daemon.home.glob("pool.db*")]:
                path.unlink()
        self.harmed(harm)

    def test_recording_is_switched_under_load_and_no_request_is_lost(self):
        daemon = self.filled()
        load = daemon.load("--rate", 300, "--seconds", 3600, "--persist", "--connections", 4)
        for turn in range(4):
            daemon.ctl("settings", "set", "pool.record", "false" if turn % 2 == 0 else "true")
            said = any("pool.record" in sentence for sentence in self.trouble(daemon))
            self.assertEqual(said, turn % 2 == 0, self.trouble(daemon))
            self.assertTrue(daemon.serves(first=(turn + 1) * 10_000_000))
        load.terminate()
        report = json.loads(load.communicate(timeout=60 * fault.PATIENCE)[0])
        self.assertFalse(report["errors"], report)
        daemon.ctl("settings", "set", "pool.record", "false")
        self.some_load(daemon, 2_000_000, log="unrecorded")
        self.assertEqual(len(self.acknowledged("unrecorded")), 300)
        self.assertFalse(self.acknowledged("unrecorded") & daemon.cmids(), "a request was recorded all the same")
        daemon.ctl("settings", "set", "pool.record", "true")
        self.some_load(daemon, 3_000_000)
        self.all_listed(daemon)

    # -- at start --------------------------------------------------------------------------------------------------

    def stopped(self):
        daemon = self.filled()
        self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        database = max(daemon.databases(), key=lambda path: path.stat().st_size)
        return daemon, database

    def refused(self, daemon):
        """Starts it without --degraded: exit code, and what it said."""
        before = len(daemon.log_tail(10**7))
        daemon.start()
        code = daemon.process.wait(60 * fault.PATIENCE)
        return code, daemon.log_tail(10**7)[before:]

    def test_a_database_that_is_none_ends_with_78_and_a_sentence_and_stays_as_it_is(self):
        daemon, database = self.stopped()
        spoiled = b"This was a shopping list once.\n" * 200
        database.write_bytes(spoiled)
        code, text = self.refused(daemon)
        self.assertEqual(code, 78, text)
        self.assertIn(database.name, text)
        self.assertIn("--degraded", text, "the sentence does not say what to do")
        self.assertEqual(database.read_bytes(), spoiled)

    def test_degraded_sets_a_bad_database_aside_as_it_is_and_serves(self):
        daemon, database = self.stopped()
        spoiled = b"This was a shopping list once.\n" * 200
        database.write_bytes(spoiled)
        daemon.start_ready(30, "--degraded")
        self.assertTrue(daemon.serves(), daemon.log_tail())
        others = [path for path in database.parent.iterdir() if path != database and path.is_file()]
        self.assertIn(spoiled, [path.read_bytes() for path in others], "the bad file is not kept as evidence")

    def test_no_corruption_ends_in_a_crash_or_in_a_loop(self):
        seed = int(os.environ.get("MUSTER_SEED", os.getpid()))
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        daemon, database = self.stopped()
        kept = self.directory / "kept"
        shutil.copytree(daemon.state, kept)
        outcomes = {"served": 0, "refused": 0}
        for name, spoil in corruptions(50 if fault.LONG else 11, chance):
            with self.subTest(name):
                shutil.rmtree(daemon.state)
                shutil.copytree(kept, daemon.state)
                spoiled = spoil(database.read_bytes())
                database.write_bytes(spoiled)
                said = len(daemon.log_tail(10**7))
                daemon.start()
                fault.wait_for(lambda: daemon.process.poll() is not None or daemon.ctl("status", check=False).returncode == 0,
                               30, "ready, or refused")
                if daemon.process.poll() is None:
                    outcomes["served"] += 1
                    daemon.serves()  # it may fault, but it lives:
                    self.assertIsNone(daemon.process.poll(), daemon.log_tail())
                    self.assertEqual(daemon.stop(), 0, daemon.log_tail())
                else:
                    outcomes["refused"] += 1
                    self.assertEqual(daemon.process.returncode, 78, daemon.log_tail())
                    self.assertEqual(database.read_bytes(), spoiled, "a refused database was changed")
                    if "start the newer Muster" in daemon.log_tail(10**7)[said:]:
                        continue  # such a file is nobody's to set aside: an upgrade may be all that it needs
                    daemon.start_ready(30, "--degraded")
                    fault.wait_for(daemon.serves, 10, "a valid request answered in degraded state")
                    kept_aside = [path.read_bytes() for path in database.parent.iterdir() if path.is_file()]
                    self.assertIn(spoiled, kept_aside, "the bad file is not kept as evidence")
                    self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        print(outcomes, flush=True)

    def test_a_state_directory_that_cannot_be_made_is_named(self):
        (self.directory / "occupied").write_text("a file, not a directory")
        daemon = self.daemon(state=self.directory / "occupied" / "state")
        code, text = self.refused(daemon)
        self.assertEqual(code, 78, text)
        self.assertIn(str(self.directory / "occupied"), text)


if __name__ == "__main__":
    fault.enter_namespace()
    fault.main()
