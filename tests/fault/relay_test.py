#!/usr/bin/python3
"""Licensed hosts that die, hang, reset, restart and flap under load: no client notices. A day of a fleet."""
import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import kms_bodies as kms  # noqa: E402
import support  # noqa: E402
from relay_support import RelayTest, ask_from, limit  # noqa: E402
from upstream import Behaviour  # noqa: E402

REQUESTS = 2000
PUT_BACK = 20509  # the event: the database's files were put back
CMID_LINE = 37  # octets of a CMID and the end of its line in what bench_load writes down


class UnderLoad(RelayTest):
    """2,000 requests of bench_load, which checks CMID and time of each answer: not one may fail."""

    def pair(self, **settings):
        first, second = self.upstream(keep="digest", count=50), self.upstream(keep="digest", count=50)
        daemon = self.relay(first, second, **settings)
        return daemon, first, second

    def under_load(self, daemon, trouble, requests=REQUESTS, mode="churn", connections=16):
        """Runs trouble() under a load that goes on until it is over, for so many requests at least: none may fail."""
        acknowledged = self.directory / "acknowledged"
        acknowledged.unlink(missing_ok=True)
        load = daemon.load("--connections", connections, "--mode", mode, "--clients", 5000, "--warmup", 0, "--seconds",
                           3600, "--rate", 800, "--verify", "--ack-log", acknowledged)
        try:
            trouble()
            support.wait_for(lambda: acknowledged.exists() and acknowledged.stat().st_size >= requests * CMID_LINE or
                             load.poll() is not None, 300, f"{requests} answers")
        finally:
            load.terminate()
            report = self.loaded(load)
        self.assert_all_well(report, requests)
        return report

    def after(self, upstream, answers):
        support.wait_for(lambda: upstream.counted().answers >= answers, 120, f"{answers} answers of a host")

    def assert_nothing_twice(self, *upstreams):
        """Every answer that a host gave whole was given to a request of its own: none was asked for twice."""
        for upstream in upstreams:
            statistics = upstream.counted()
            self.assertEqual((statistics.overlapping, statistics.malformed), (0, 0))

    def test_the_primary_is_killed(self):
        for mode in ("churn", "keepalive"):
            with self.subTest(mode):
                daemon, first, second = self.pair()

                def trouble():
                    self.after(first, REQUESTS // 4)
                    first.kill()
                self.under_load(daemon, trouble, mode=mode)
                self.assertGreater(second.counted().answers, REQUESTS // 2)
                self.assert_nothing_twice(first, second)
                daemon.stop()

    def test_the_primary_stalls(self):
        daemon, first, second = self.pair(answer_timeout=limit(0.5))

        def trouble():
            self.after(first, REQUESTS // 4)
            first.set(ending="stall")
        self.under_load(daemon, trouble)
        self.assertGreater(second.counted().answers, REQUESTS // 2)
        # Each association stalls once, and then the host is out of service: it is not asked again and again.
        self.assertLess(first.counted().calls - first.counted().answers, 200)

    def test_the_primary_vanishes_behind_a_filter(self):
        daemon, first, second = self.pair(answer_timeout=limit(0.5), connect_timeout=limit(0.3))

        def trouble():
            self.after(first, REQUESTS // 4)
            first.hole()
        self.under_load(daemon, trouble)
        self.assertGreater(second.counted().answers, REQUESTS // 2)

    def test_the_primary_resets_in_the_middle_of_answers(self):
        daemon, first, second = self.pair(eject_after=100)
        chance = random.Random(7)

        def trouble():
            for _ in range(5):
                answers = first.counted().answers + REQUESTS // 20
                first.next(*(Behaviour(count=50, ending=chance.choice(["half-reset", "reset", "half", "close"]))
                             for _ in range(20)))
                support.wait_for(lambda answers=answers: first.counted().answers >= answers or
                                 second.counted().answers >= REQUESTS // 2, 120, "the load going on")
        self.under_load(daemon, trouble)
        self.assertGreaterEqual(first.counted().calls - first.counted().answers, 20, "nothing was broken")

    def test_the_primary_lies_now_and_then(self):
        daemon, first, second = self.pair(eject_after=100, answer_timeout=limit(0.5))

        def trouble():
            self.after(first, 100)
            first.next(*(Behaviour(count=50, lie=lie) for lie in ("cmid", "client-time", "short", "pid-size", "call-id",
                                                                  "max-count", "stub-length") for _ in range(3)))
        self.under_load(daemon, trouble)

    def test_both_are_restarted_one_after_the_other(self):
        daemon, first, second = self.pair(probe_interval="100ms")

        def trouble():
            for stopped in (first, second, first, second):
                answers = first.counted().answers + second.counted().answers + REQUESTS // 10
                stopped.quiesce()
                support.wait_for(lambda: first.counted().answers + second.counted().answers >= answers, 120,
                                 "the load going on without a host")
                stopped.start()
                name = stopped.address
                support.wait_for(lambda: self.shown(daemon)[name]["condition"] == "up", 60, "the host back in service")
        self.under_load(daemon, trouble, requests=4 * REQUESTS)
        self.assertGreater(first.counted().answers, 0)
        self.assertGreater(second.counted().answers, 0)

    def test_the_only_one_is_restarted(self):
        upstream = self.upstream(keep="digest", count=50)
        daemon = self.relay(upstream, probe_interval="100ms")

        def trouble():
            self.after(upstream, REQUESTS // 4)
            upstream.kill()
            support.wait_for(lambda: self.shown(daemon)[upstream.address]["condition"] == "down", 30, "the host down")
            upstream.start()
        self.under_load(daemon, trouble)

    def test_the_primary_comes_and_goes(self):
        daemon, first, second = self.pair(probe_interval="100ms")
        before = daemon.descriptors()
        self.under_load(daemon, lambda: first.flap(0.3, 0.2), requests=2 * REQUESTS)
        first.start()
        self.assertLess(daemon.descriptors(), before + 160, "associations pile up")  # 64 with each host at most

    def test_nobody_is_left_and_one_comes_back(self):
        daemon, first, second = self.pair(exchange_limit=limit(0.5), probe_interval="100ms")
        self.under_load(daemon, lambda: None, requests=200)
        first.kill()
        second.kill()
        for _ in range(20):
            self.assert_fault(daemon, kms.request())
        support.wait_for(lambda: self.status_names(daemon), 30, "status naming that no host answers")
        second.start()
        support.wait_for(lambda: self.shown(daemon)[second.address]["condition"] == "up", 60, "a host back in service")
        self.under_load(daemon, lambda: None, requests=200)

    def status_names(self, daemon):
        return "upstream" in " ".join(json.loads(daemon.status())["trouble"])

    def test_the_relay_is_killed_and_every_answered_client_is_in_its_pool(self):
        upstream = self.upstream(keep="none", count=50)
        daemon = self.relay(upstream)
        acknowledged = self.directory / "acknowledged"
        for turn in range(20 if support.LONG else 3):
            size = acknowledged.stat().st_size if acknowledged.exists() else 0
            load = daemon.load("--connections", 32, "--persist", "--sequential", "--clients", 1_000_000, "--first-client",
                               turn * 1_000_000, "--seconds", 3600, "--ack-log", acknowledged)
            support.wait_for(lambda: acknowledged.exists() and acknowledged.stat().st_size > size + 20_000, 60, "answers")
            daemon.kill()
            load.terminate()
            load.communicate(timeout=60)
            daemon.start_ready()
            answered = set(acknowledged.read_text().split("\n")[:-1])
            self.assertEqual(answered - daemon.stored_cmids(), set(), f"after kill {turn + 1}")


class SimulatedDay(RelayTest):
    """Machines as a fleet has them, minute by minute of one day, as fast as they are answered.

    Most are activated and renew once in seven days; some run what the hosts do not cover and ask every two hours; hosts
    are restarted, drained and cut off meanwhile. With MUSTER_LONG=1: 5,000 machines and eight days, so that each renews.
    """
    MACHINES, UNCOVERED, DAYS = (5000, 500, 8) if support.LONG else (300, 60, 1)
    HOUR, DAY = 60, 24 * 60
    WORKERS = 12
    # Until here memory may grow: clients become known, and SQLite's cache at the writer (2 MiB) fills up, which it has
    # when the database is larger: it has 2.5 MB on the fourth day.
    WARM = 4 if support.LONG else 0.5
    # From then on it may not: of the heap in use that is 4 octets a request in the long form.
    HEAP_GROWTH, RESIDENT_GROWTH = (128 << 10, 2 << 20) if support.LONG else (1 << 20, 6 << 20)

    def hosts(self):
        """Two hosts that run as processes of their own: they cost the test no time of its own thread."""
        refused = json.dumps({"hresults": {str(kms.SERVER_2008_R2_B): 0xC004F042}})
        made = []
        for name in ("a", "b"):
            control = self.directory / f"{name}.sock"
            process = subprocess.Popen([sys.executable, Path(__file__).resolve().parent.parent / "peers" / "upstream.py",
                                        "--control", control, "--set", refused], stdout=subprocess.PIPE, text=True,
                                       preexec_fn=support.die_with_the_test)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            self.addCleanup(process.stdout.close)
            address = json.loads(process.stdout.readline())["address"]
            support.wait_for(control.exists, 30, "the control socket of a host")
            peer = socket.socket(socket.AF_UNIX)
            self.addCleanup(peer.close)
            peer.connect(str(control))
            lines = peer.makefile("rw")

            def say(lines=lines, **words):
                print(json.dumps(words or {"statistics": True}), file=lines, flush=True)
                return json.loads(lines.readline())
            made.append((address, say))
        return made

    def minute(self, daemon, due):
        """All that ask in this minute, over a few threads. {machine: (count, HRESULT)}."""
        became, failures = {}, []

        def work(share):
            for machine, body in share:
                try:
                    answer, hresult = ask_from(daemon.port, body)
                    became[machine] = kms.read_answer(answer).count if answer else None, hresult
                except Exception as error:
                    failures.append(f"machine {machine}: {error!r}")
        threads = [threading.Thread(target=work, args=(due[number::self.WORKERS],)) for number in range(self.WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        return became

    def test_a_fleet_leaves_nothing_behind_but_its_records(self):
        chance = random.Random(11)
        (first, tell_first), (second, tell_second) = self.hosts()
        with self.heap_watched():
            daemon = self.relay_by_file([{"name": "a", "address": first}, {"name": "b", "address": second}],
                                        probe_interval="1s", words=("--set", "pool.new-clients-per-hour=0"))
        support.wait_for(lambda: all(item["condition"] == "up" for item in self.shown(daemon).values()), 60, "both hosts up")
        at_rest = daemon.open_files()
        machines = [(uuid.UUID(int=chance.getrandbits(128)), number < self.UNCOVERED) for number in range(self.MACHINES)]
        agenda = {}
        for machine in range(self.MACHINES):  # switched on in the first hour
            agenda.setdefault(chance.randrange(self.HOUR), []).append(machine)
        incidents = {3: lambda: tell_first(kill=True), 4: lambda: tell_first(start=True),
                     7: lambda: tell_second(quiesce=True), 8: lambda: tell_second(start=True),
                     10: lambda: daemon.ctl("upstream", "drain", "a"), 12: lambda: daemon.ctl("upstream", "activate", "a"),
                     15: lambda: tell_first(hole=True), 16: lambda: tell_first(start=True),
                     19: lambda: tell_first(drop=True), 21: lambda: tell_second(drop=True)}
        asked = granted = refused = 0
        memory = {}
        requests_of = [0] * self.MACHINES
        for now in range(self.DAYS * self.DAY):
            if now % self.HOUR == 0 and now // self.HOUR % 24 in incidents:
                incidents[now // self.HOUR % 24]()
            if now % self.DAY == 0 or now == self.WARM * self.DAY:
                memory[now / self.DAY] = self.memory_of(daemon, asked)
            due = [(machine, kms.request(cmid=machines[machine][0], machine=f"PC-{machine:05}", status=2 if requests_of[machine]
                    == 0 else 1, counted=kms.SERVER_2008_R2_B if machines[machine][1] else kms.WINDOWS_7))
                   for machine in agenda.pop(now, [])]
            for machine, (count, hresult) in self.minute(daemon, due).items() if due else ():
                asked += 1
                requests_of[machine] += 1
                if hresult == 0:
                    granted += 1
                    later = 7 * self.DAY if count >= 25 else 2 * self.HOUR
                    if requests_of[machine] == 1 and count >= 25:
                        later = chance.randrange(2 * self.HOUR, 7 * self.DAY)  # as if it had been on for days
                else:
                    self.assertEqual(hresult, 0xC004F042)
                    refused += 1
                    later = 2 * self.HOUR
                agenda.setdefault(now + later, []).append(machine)
        print(f"{self.MACHINES} machines, {self.DAYS} days: {asked} requests, {granted} answered, {refused} refused; "
              f"memory from day {self.WARM} on", flush=True)
        memory[self.DAYS] = self.memory_of(daemon, asked)
        self.assert_flat(memory)
        self.assert_counts(daemon, machines, requests_of, asked, refused)
        hosts = [tell_first(), tell_second()]
        self.assertEqual(sum(host["answers"] for host in hosts), granted)
        self.assertGreaterEqual(sum(host["refusals"] for host in hosts), refused)
        self.assertEqual([host["overlapping"] for host in hosts], [0, 0])
        # Idle associations are closed before Windows would drop them; probes come and go.
        support.wait_for(lambda: daemon.open_files().count("socket") <= at_rest.count("socket"), 90,
                         lambda: f"{daemon.open_files()}, at the start {at_rest}")
        # The store may have a segment, a log or a reader more open than at the start, and no more than that.
        self.assertLessEqual(len(daemon.open_files()), len(at_rest) + 6, f"{daemon.open_files()}, at the start {at_rest}")
        support.wait_for(lambda: tell_first()["open"] <= 1 and tell_second()["open"] <= 1, 90, "the associations closed")
        print(f"descriptors {len(at_rest)}, at the end {len(daemon.open_files())}: "
              f"{sorted(set(daemon.open_files()) - set(at_rest))}", flush=True)
        self.assertEqual([item["associations"] for item in self.shown(daemon).values()], [0, 0])

    def heap_watched(self):
        """musterd, started within, writes down how much of its heap is in use; a sanitized one has another heap."""
        self.heap = self.directory / "heap"
        watch = support.BIN / "heap_watch.so"
        return unittest.mock.patch.dict(os.environ, {"LD_PRELOAD": str(watch), "MUSTER_HEAP_WATCH": str(self.heap)}
                                        if watch.exists() else {})

    def memory_of(self, daemon, asked):
        """(octets resident, octets of heap in use) when all that was asked is applied; the least of ten looks, since
        what comes and goes is no growth. None: sanitized, where what is freed is kept for a while on purpose."""
        support.wait_for(lambda: json.loads(daemon.status())["requests"] >= asked, 60, "all records in the pool")
        if b"__sanitizer" in (support.BIN / "musterd").read_bytes():
            return None
        looks = {}

        def ten_looks():
            stamp, used, free = self.heap.read_text().split()
            if float(stamp) > began:
                looks[stamp] = int(used), int(free)
            return len(looks) >= 10
        began = time.monotonic()
        support.wait_for(ten_looks, 60, "ten looks at the heap")
        used, free = min(looks.values())
        print(f"{asked} requests: resident {daemon.resident() >> 10} KiB, heap in use {used >> 10} KiB, "
              f"free {free >> 10} KiB", flush=True)
        return daemon.resident(), used

    def assert_flat(self, memory):
        if None in memory.values():
            return
        for what, most, grown in zip(("resident", "heap in use"), (self.RESIDENT_GROWTH, self.HEAP_GROWTH),
                                     zip(memory[self.WARM], memory[self.DAYS])):
            self.assertLess(grown[1] - grown[0], most, f"{what} grows by {(grown[1] - grown[0]) >> 10} KiB: {memory}")

    def assert_counts(self, daemon, machines, requests_of, asked, refused):
        def applied():
            return json.loads(daemon.status())["requests"] >= asked
        support.wait_for(applied, 60, "all records in the pool")
        status = json.loads(daemon.status())
        self.assertEqual((status["requests"], status["clients"]), (asked, self.MACHINES))
        self.assertEqual(daemon.cmids(), {str(cmid) for cmid, _ in machines})
        with sqlite3.connect(f"file:{daemon.databases()[0]}?mode=ro", uri=True) as connection:
            stored = {uuid.UUID(bytes_le=cmid): count for cmid, count in connection.execute("SELECT cmid, requests FROM client")}
        self.assertEqual(stored, {cmid: requests_of[number] for number, (cmid, _) in enumerate(machines)})


if __name__ == "__main__":
    support.enter_namespace()
    support.main()
