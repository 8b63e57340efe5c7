#!/usr/bin/python3
"""A relay whose store or disk fails: files gone, replaced or read-only, a disk that is full, fails, hangs, or is read-only
from the start. Activation goes on, and what was asked meanwhile is in the pool when the store is back."""
import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import kms_bodies as kms  # noqa: E402
import support  # noqa: E402
from relay_support import RelayTest  # noqa: E402

PUT_BACK = 20509  # the event: the database's files were put back
STORE_CAME = 20010  # the event: requests are recorded from now on


class StoreTest(RelayTest):
    """What the tests below share."""

    def ask_some(self, daemon, count, first):
        """Requests that are all answered; their CMIDs."""
        cmids = []
        with_client = self.client(daemon)
        for number in range(count):
            cmid = uuid.UUID(int=(first << 64) + number + 1)
            self.assertEqual(with_client.ask(kms.request(cmid=cmid))[1], 0)
            cmids.append(str(cmid))
        return cmids

    def troubles(self, daemon):
        return json.loads(daemon.ctl("status", "-o", "json").stdout)["trouble"]

    def all_listed(self, daemon, cmids):
        support.wait_for(lambda: set(cmids) <= daemon.cmids(), 60, lambda: f"{len(set(cmids) - daemon.cmids())} of "
                         f"{len(cmids)} clients are not in the pool; {self.troubles(daemon)}")

    def relay_on(self, state=None, *words):
        upstream = self.upstream(count=50)
        daemon = self.daemon(*words, name="relay", state=state, serving=support.relay(upstream.address))
        daemon.start_ready()
        return daemon, upstream

    def until_alarm(self, daemon, seen, turn, at_once=20):
        """Asks on until seen() says something: what it says, the CMIDs, and the next turn."""
        until = time.monotonic() + 60 * support.PATIENCE
        asked = []
        while True:
            asked += self.ask_some(daemon, at_once, turn)
            turn += 1
            told = seen()
            if told:
                return told, asked, turn
            self.assertLess(time.monotonic(), until, "nobody noticed")

    def until_cause(self, daemon):
        """What is said beside "in time", which tells only what the dispatcher sees."""
        def causes():
            return [one for one in self.troubles(daemon) if "in time" not in one]
        support.wait_for(causes, 60, lambda: f"the cause told: {self.troubles(daemon)}")
        return causes()

    def mended(self, daemon, seconds=90):
        support.wait_for(lambda: not self.troubles(daemon), seconds, lambda: f"the alarm gone: {self.troubles(daemon)}")

    def assert_kept(self, daemon, upstream, asked):
        """Every request was answered by the host, once, and is in the pool: now and after a restart."""
        self.assertEqual(upstream.counted().answers, len(asked), "a client was not answered by the host")
        self.all_listed(daemon, asked)
        self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        daemon.start_ready()
        self.all_listed(daemon, asked)
        self.assertEqual(set(daemon.integrity()), {"ok"})


class Store(StoreTest):
    @support.needs_mounts
    def test_a_full_disk(self):
        disk = support.small_disk(self, 24)
        daemon, upstream = self.relay_on(disk / "state")
        asked = self.ask_some(daemon, 50, 1)
        filler = disk.fill()
        _, more, turn = self.until_alarm(daemon, lambda: self.troubles(daemon), 2, 200)
        asked += more + self.ask_some(daemon, 300, turn)
        self.assertEqual(upstream.counted().answers, len(asked))
        filler.unlink()
        self.mended(daemon)
        self.all_listed(daemon, asked)
        asked += self.ask_some(daemon, 50, turn + 1)
        daemon.kill()
        daemon.start_ready()
        self.all_listed(daemon, asked)
        self.assertEqual(list(daemon.integrity()), ["ok"])

    def broken(self, spoil, repair=None):
        """The store is spoilt under a relay at work; what was asked before, meanwhile and after is in the pool."""
        daemon, upstream = self.relay_on()
        asked = self.ask_some(daemon, 50, 1)
        self.all_listed(daemon, asked)
        spoil(daemon.databases()[0])
        # It may have mended itself between two looks: then the journal says so.
        _, more, turn = self.until_alarm(daemon, lambda: self.troubles(daemon) or self.journal(daemon, PUT_BACK), 2)
        asked += more + self.ask_some(daemon, 100, turn)
        if repair:
            repair()
        self.mended(daemon)
        asked += self.ask_some(daemon, 50, turn + 1)
        self.assert_kept(daemon, upstream, asked)

    def test_the_database_is_removed(self):
        def remove(path):
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
        self.broken(remove)

    def test_the_database_is_replaced(self):
        def replace(path):
            stranger = path.with_suffix(".stranger")
            with sqlite3.connect(stranger) as connection:
                connection.execute("CREATE TABLE keepsake(text)")
            os.replace(stranger, path)
        self.broken(replace)

    def test_the_database_becomes_read_only(self):
        files = []

        def immutable(path):
            files.extend(Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm") if Path(f"{path}{suffix}").exists())
            self.addCleanup(change, "-i")
            if change("+i") != 0:
                self.skipTest("no file can be made immutable here")

        def change(flag):
            return subprocess.run(["chattr", flag, *files], capture_output=True, check=False).returncode
        self.broken(immutable, lambda: change("-i"))


@support.needs_mounts
class Disk(StoreTest):
    """The disk as a whole fails under a relay that has its files open, or before it starts."""

    def test_an_ext4_that_fails_and_turns_read_only_and_another_disk_in_its_place(self):
        disk = support.FailingDisk(self, self.directory / "disk", 64)
        daemon, upstream = self.relay_on(disk / "state")
        asked = self.ask_some(daemon, 50, 1)
        self.all_listed(daemon, asked)
        self.assertFalse(disk.remount("ro", check=False), "the kernel lets a disk in use become read-only after all")
        disk.fail()
        told, more, turn = self.until_alarm(daemon, lambda: self.troubles(daemon), 2)
        # Which write met it first, and which of two alarms was seen first, differs.
        told = [one for one in told if "in time" not in one] or self.until_cause(daemon)
        self.assertRegex(" ".join(told), "(Read-only file system|turned read-only).*see the system's log")
        asked += more + self.ask_some(daemon, 300, turn)
        self.assertEqual(upstream.counted().answers, len(asked), "a client was not answered")
        self.assertTrue(self.troubles(daemon), "the alarm is gone although the disk is not back")
        # ext4 stays read-only until it is mounted anew; the repair that needs no restart is another disk at its place.
        support.Disk(self, disk.path).mount("-t", "tmpfs", "-o", "size=48m,mode=0700", "tmpfs")
        self.mended(daemon)
        self.assertTrue(self.journal(daemon, PUT_BACK))
        asked += self.ask_some(daemon, 50, turn + 1)
        self.assert_kept(daemon, upstream, asked)

    def test_a_disk_that_hangs_holds_up_nobody(self):
        disk = support.FailingDisk(self, self.directory / "disk", 64)
        daemon, upstream = self.relay_on(disk / "state", "--set", "core.commit-limit=100ms")
        asked = self.ask_some(daemon, 50, 1)
        self.all_listed(daemon, asked)
        disk.freeze()
        told, more, turn = self.until_alarm(daemon, lambda: self.troubles(daemon), 2, 5)
        self.assertRegex(" ".join(told), "do not reach the disk in time")
        asked += more + self.ask_some(daemon, 100, turn)
        self.assertEqual(upstream.counted().answers, len(asked), "a client was not answered")
        disk.thaw()
        self.mended(daemon)
        asked += self.ask_some(daemon, 50, turn + 1)
        self.assert_kept(daemon, upstream, asked)

    def started_read_only(self, disk, state, **more):
        """A relay that was started although nothing can be kept, and its upstream. Its control socket is elsewhere."""
        upstream = self.upstream(count=50)
        daemon = self.daemon("--degraded", name=state, state=disk / state, serving=support.relay(upstream.address), **more)
        disk.remount("ro")
        daemon.start_ready()
        self.assertRegex(" ".join(self.troubles(daemon)), "nothing is recorded: .*ead-only.*recorded again by themselves")
        self.ask_some(daemon, 20, 99)
        self.assertNotEqual(daemon.ctl("client", "list", check=False).returncode, 0)
        return daemon, upstream

    def records_again(self, daemon, upstream, before):
        """The disk is writable: what is asked from now on is kept, no client notices, and nothing has to be restarted."""
        self.mended(daemon, 60)
        asked = before + self.ask_some(daemon, 50, 2)
        self.all_listed(daemon, asked)
        self.assertEqual(len(self.journal(daemon, STORE_CAME)), 1)
        daemon.ctl("upstream", "drain", upstream.address)
        second = self.daemon("--degraded", name="second", state=daemon.state, serving=daemon.serving)
        second.start()
        self.assertEqual(second.process.wait(60 * support.PATIENCE), 78, second.log_tail())
        self.assertIn("another daemon", second.log_tail())
        self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        daemon.words = ()
        daemon.start_ready()
        self.all_listed(daemon, asked)
        self.assertEqual(self.shown(daemon)[upstream.address]["state"], "draining", "the relay's own files were not kept")

    def test_a_relay_started_on_a_read_only_disk_records_once_it_is_writable(self):
        disk = support.small_disk(self, 48)
        daemon, upstream = self.relay_on(disk / "used")
        before = self.ask_some(daemon, 50, 1)
        self.assertEqual(daemon.stop(), 0, daemon.log_tail())
        daemon, upstream = self.started_read_only(disk, "used")
        load = daemon.load("--connections", 4, "--mode", "keepalive", "--clients", 500, "--warmup", 0, "--seconds", 3600,
                           "--rate", 200, "--verify")
        disk.remount("rw")
        self.mended(daemon, 60)
        answers = upstream.counted().answers
        support.wait_for(lambda: upstream.counted().answers > answers + 200, 60, "the load going on")
        load.terminate()
        self.assert_all_well(self.loaded(load), 200)
        self.records_again(daemon, upstream, before)

    def test_a_relay_started_on_a_read_only_disk_that_was_never_used_records_once_it_is_writable(self):
        disk = support.small_disk(self, 48)
        daemon, upstream = self.started_read_only(disk, "never")
        disk.remount("rw")
        self.records_again(daemon, upstream, [])

    def test_a_control_socket_on_that_disk_comes_with_it(self):
        disk = support.small_disk(self, 48)
        upstream = self.upstream(count=50)
        daemon = self.daemon("--degraded", name="relay", state=disk / "state", serving=support.relay(upstream.address))
        daemon.control = daemon.state / "control.sock"
        disk.remount("ro")
        daemon.start()
        support.wait_for(lambda: "ready: relay mode" in daemon.log_tail(), 30, daemon.log_tail)
        self.ask_some(daemon, 20, 99)
        disk.remount("rw")
        support.wait_for(daemon.is_ready, 60, daemon.log_tail)
        self.all_listed(daemon, self.ask_some(daemon, 50, 1))


if __name__ == "__main__":
    support.enter_namespace()
    support.main()
