#!/usr/bin/python3
"""The upstream's stand-in itself, asked by impacket: it must be known to be right before anything is tried on it."""
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import uuid
from pathlib import Path

import kms_bodies as kms
import peers_support as peers
from peers_support import support
from rpc_client import MGMT, Client, Fault, Gone, ask_once
from upstream import Behaviour, Upstream

ACCESS_DENIED = 5


class UpstreamTest(unittest.TestCase):
    def upstream(self, **behaviour):
        upstream = Upstream(**behaviour)
        self.addCleanup(upstream.end)
        return upstream

    def ask(self, upstream, body, timeout=30):
        return ask_once(upstream.host, upstream.port, body, timeout)

    def assert_gone(self, upstream, timeout=30):
        with self.assertRaises(Gone):
            self.ask(upstream, kms.request(), timeout)

    # -- answers

    def test_it_answers_version_4_with_what_it_was_told(self):
        upstream = self.upstream(count=17, activation=60, renewal=1440)
        asked = kms.request(machine="PC-Ä")
        body, hresult = self.ask(upstream, asked)
        self.assertEqual(hresult, 0)
        self.assertEqual(len(body), 60 + 2 * (len(kms.EPID) + 1))
        answer, request = kms.read_answer(body), kms.read_request(asked)
        self.assertEqual((answer.epid, answer.count, answer.activation, answer.renewal), (kms.EPID, 17, 60, 1440))
        self.assertEqual((answer.cmid, answer.client_time), (request.cmid, request.client_time))
        self.assertNotEqual(body[-16:], self.ask(upstream, asked)[0][-16:], "a seal is used again")

    def test_it_answers_versions_5_and_6_in_their_lengths(self):
        upstream = self.upstream(epid="x" * 48)
        for major, size in ((5, 212), (6, 260)):
            body, hresult = self.ask(upstream, kms.opaque_request(major))
            self.assertEqual((hresult, len(body), body[:4]), (0, size, bytes([0, 0, major, 0])))

    def test_it_counts_as_a_host_does(self):
        upstream = self.upstream(cap=50)
        with Client(upstream.host, upstream.port) as client:
            cmids = [uuid.uuid4() for _ in range(60)]
            counts = [kms.read_answer(client.ask(kms.request(cmid=cmid))[0]).count for cmid in cmids]
            self.assertEqual(counts, list(range(1, 51)) + [50] * 10)
            self.assertEqual(kms.read_answer(client.ask(kms.request(cmid=cmids[-1]))[0]).count, 50)
        upstream = self.upstream(counts_virtual=False)
        for virtual, count in ((False, 1), (True, 1), (False, 2)):
            self.assertEqual(kms.read_answer(self.ask(upstream, kms.request(virtual=virtual))[0]).count, count)

    def test_it_refuses_by_counted_id_and_in_all(self):
        upstream = self.upstream(hresults={str(kms.WINDOWS_7): 0xC004F042})
        self.assertEqual(self.ask(upstream, kms.request(counted=kms.WINDOWS_7)), (None, 0xC004F042))
        self.assertEqual(self.ask(upstream, kms.request(counted=kms.VISTA))[1], 0)
        upstream.set(hresult=0xC004F041)
        self.assertEqual(self.ask(upstream, kms.request(counted=kms.VISTA)), (None, 0xC004F041))
        self.assertEqual(self.ask(upstream, kms.opaque_request(6)), (None, 0xC004F041))

    def test_what_no_host_reads_is_invalid_data(self):
        upstream = self.upstream()
        for body in (b"", b"\0\0\4", kms.request()[:200], kms.opaque_request(7), kms.opaque_request(5)[:100]):
            self.assertEqual(self.ask(upstream, body), (None, 0x8007000D))

    # -- what it writes down

    def test_it_keeps_what_came_and_what_it_sent(self):
        upstream = self.upstream()
        chance = random.Random(1)
        exchanged = []
        for _ in range(4):
            with Client(upstream.host, upstream.port) as client:
                for _ in range(25):
                    asked = kms.random_request(chance)
                    exchanged.append((asked, client.ask(asked)[0]))
        calls = upstream.recorded()
        self.assertEqual([(call.request, call.answer) for call in calls], exchanged)
        self.assertEqual(sorted({call.connection for call in calls}), [1, 2, 3, 4])
        statistics = upstream.counted()
        self.assertEqual((statistics.connections, statistics.binds, statistics.calls, statistics.answers),
                         (4, 4, 100, 100))
        self.assertEqual((statistics.mgmt_calls, statistics.overlapping, statistics.malformed), (0, 0, 0))
        support.wait_for(lambda: upstream.counted().open == 0, 30, "the connections that the clients closed")

    def test_many_associations_at_once(self):
        upstream = self.upstream()
        failures = []

        def work():
            try:
                with Client(upstream.host, upstream.port) as client:
                    for _ in range(20):
                        asked = kms.request()
                        if kms.read_answer(client.ask(asked)[0]).cmid != kms.read_request(asked).cmid:
                            failures.append("another's answer")
            except Exception as error:
                failures.append(error)
        threads = [threading.Thread(target=work) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(upstream.counted().calls, 640)

    def test_two_calls_at_once_on_one_association_are_noticed(self):
        upstream = self.upstream(delay=0.05)
        with support.bound(upstream.port) as peer:
            stub = kms.request_stub(kms.request())
            for call in (2, 3):
                peer.sendall(support.pdu(0, len(stub).to_bytes(4, "little") + bytes(4) + stub, call=call))
            self.assertEqual([support.read_pdu(peer)[2] for _ in range(2)], [2, 2])
        self.assertEqual(upstream.counted().overlapping, 1)

    # -- ends of a call

    def test_requests_in_fragments_and_answers_in_fragments(self):
        upstream = self.upstream(fragment=16)
        with Client(upstream.host, upstream.port) as client:
            client.dce.set_max_fragment_size(20)
            for asked in (kms.request(), kms.opaque_request(6)):
                body, hresult = client.ask(asked)
                self.assertEqual((hresult, body[:4]), (0, asked[:4]))
                self.assertEqual(upstream.recorded()[-1].request, asked)
                self.assertEqual(upstream.recorded()[-1].answer, body)

    def test_octet_by_octet_and_late_it_is_the_same_answer(self):
        for behaviour in ({"ending": "octets"}, {"delay": 0.05}):
            upstream = self.upstream(**behaviour)
            body, hresult = self.ask(upstream, kms.request())
            self.assertEqual((hresult, upstream.recorded()[-1].answer), (0, body))

    def test_a_fault_is_one(self):
        upstream = self.upstream(fault=ACCESS_DENIED)
        with self.assertRaises(Fault) as caught:
            self.ask(upstream, kms.request())
        self.assertIn("access_denied", str(caught.exception))
        self.assertEqual((upstream.counted().faults, upstream.recorded()[0].answer), (1, None))

    def test_no_answer_comes_of_what_ends_the_connection(self):
        for ending in ("close", "reset", "half", "half-reset", "garbage"):
            with self.subTest(ending):
                upstream = self.upstream(ending=ending)
                self.assert_gone(upstream, timeout=0.5 if ending == "garbage" else 30)
                self.assertEqual((upstream.recorded()[0].ending, upstream.recorded()[0].answer), (ending, None))
                self.assertEqual(upstream.counted().answers, 0)

    def test_a_stall_leaves_the_connection_open_and_says_nothing(self):
        for ending in ("stall", "half-stall"):
            with self.subTest(ending):
                upstream = self.upstream(ending=ending)
                self.assert_gone(upstream, timeout=0.3)
                self.assertEqual(upstream.counted().calls, 1)

    def test_the_next_call_alone_can_be_different(self):
        upstream = self.upstream(count=50)
        upstream.next(Behaviour(hresult=0xC004F042), Behaviour(ending="close"))
        self.assertEqual(self.ask(upstream, kms.request()), (None, 0xC004F042))
        self.assert_gone(upstream)
        self.assertEqual(kms.read_answer(self.ask(upstream, kms.request())[0]).count, 50)

    def test_the_same_answer_twice(self):
        upstream = self.upstream(ending="twice")
        with support.bound(upstream.port) as peer:
            stub = kms.request_stub(kms.request())
            peer.sendall(support.pdu(0, len(stub).to_bytes(4, "little") + bytes(4) + stub, call=2))
            self.assertEqual(support.read_pdu(peer), support.read_pdu(peer))

    # -- lies

    def test_lies_of_the_body_are_told(self):
        asked = kms.request()
        request = kms.read_request(asked)
        upstream = self.upstream()
        for lie, field in (("cmid", "cmid"), ("client-time", "client_time")):
            upstream.set(lie=lie)
            answer = kms.read_answer(self.ask(upstream, asked)[0])
            self.assertNotEqual(getattr(answer, field), getattr(request, field))
        upstream.set(lie="version")
        self.assertEqual(self.ask(upstream, asked)[0][:4], bytes([0, 0, 9, 0]))
        for lie in ("pid-size", "short"):
            upstream.set(lie=lie)
            with self.assertRaises(ValueError):
                kms.read_answer(self.ask(upstream, asked)[0])
        upstream.set(lie="hresult-with-body")
        body, hresult = self.ask(upstream, asked)
        self.assertEqual((hresult, len(body)), (0x80004005, 60 + 2 * (len(kms.EPID) + 1)))
        upstream.set(lie="huge")
        self.assertGreater(len(self.ask(upstream, asked)[0]), 300_000)

    def test_lies_of_the_lengths_are_told(self):
        upstream = self.upstream()
        for lie in ("stub-length", "max-count", "frag-length"):
            with self.subTest(lie):
                upstream.set(lie=lie)
                self.assert_gone(upstream, timeout=0.5)
        upstream.set(lie="alloc-hint")
        with support.bound(upstream.port) as peer:
            stub = kms.request_stub(kms.request())
            peer.sendall(support.pdu(0, len(stub).to_bytes(4, "little") + bytes(4) + stub, call=2))
            self.assertEqual(support.read_pdu(peer)[16:20], b"\xff" * 4)

    # -- connections

    def test_binds_are_refused_in_every_way(self):
        for on_bind in ("nak", "reject", "close", "reset", "garbage"):
            with self.subTest(on_bind):
                upstream = self.upstream(on_bind=on_bind)
                with self.assertRaises((Fault, Gone)):
                    Client(upstream.host, upstream.port, timeout=0.5 if on_bind == "garbage" else 30)
                self.assertEqual((upstream.counted().refused_binds, upstream.counted().calls), (1, 0))

    def test_a_stopped_host_refuses_and_keeps_its_port(self):
        upstream = self.upstream()
        client = Client(upstream.host, upstream.port)
        for stop in (upstream.kill, upstream.quiesce):
            stop()
            with self.assertRaises(ConnectionRefusedError):
                support.connect(upstream.port).close()
            upstream.start()
            self.assertEqual(self.ask(upstream, kms.request())[1], 0)
        with self.assertRaises(Gone):
            client.ask(kms.request())
        client.close()

    def test_a_hole_takes_no_connection(self):
        upstream = self.upstream()
        upstream.hole()
        with self.assertRaises(TimeoutError):
            socket.create_connection((upstream.host, upstream.port), timeout=0.3).close()
        upstream.start()
        self.assertEqual(self.ask(upstream, kms.request())[1], 0)

    def test_who_is_accepted_and_never_read_gets_no_bind(self):
        upstream = self.upstream(on_accept="ignore")
        with self.assertRaises(Gone):
            Client(upstream.host, upstream.port, timeout=0.3)
        self.assertEqual((upstream.counted().connections, upstream.counted().binds), (1, 0))

    def test_a_quiet_association_is_dropped(self):
        upstream = self.upstream(idle=0.2)
        with support.bound(upstream.port) as peer:
            self.assertEqual(support.read_pdu(peer), b"")
        self.assertEqual(upstream.counted().idled, 1)

    def test_it_comes_and_goes(self):
        upstream = self.upstream()
        upstream.flap(0.05, 0.05)
        seen = set()

        def both():
            try:
                support.connect(upstream.port).close()
                seen.add("there")
            except ConnectionRefusedError:
                seen.add("gone")
            return len(seen) == 2
        support.wait_for(both, 30, "the host there and gone")
        upstream.start()
        self.assertEqual(self.ask(upstream, kms.request())[1], 0)

    def test_mgmt_answers_if_it_is_there(self):
        upstream = self.upstream()
        with Client(upstream.host, upstream.port, interface=MGMT) as client:
            self.assertTrue(client.is_listening())
        self.assertEqual((upstream.counted().mgmt_calls, upstream.counted().calls), (1, 0))
        upstream.set(with_mgmt=False)
        with self.assertRaises(Fault):
            Client(upstream.host, upstream.port, interface=MGMT)
        self.assertEqual(self.ask(upstream, kms.request())[1], 0)

    # -- other clients, and the program

    def test_the_load_generator_is_served(self):
        upstream = self.upstream(keep="none", count=50)
        for mode in ("churn", "keepalive"):
            done = subprocess.run([support.BIN / "bench_load", "--target", upstream.address, "--requests", "500",
                                   "--connections", "8", "--mode", mode, "--verify"], capture_output=True, text=True,
                                  timeout=120 * support.PATIENCE)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(upstream.counted().answers, 1000)

    def test_the_program_obeys_its_socket(self):
        directory = tempfile.TemporaryDirectory(prefix="muster-upstream.")
        self.addCleanup(directory.cleanup)
        control = Path(directory.name) / "control.sock"
        process = subprocess.Popen([sys.executable, Path(__file__).with_name("upstream.py"), "--control", control, "--set",
                                    '{"count": 7}'], stdout=subprocess.PIPE, text=True,
                                   preexec_fn=support.die_with_the_test)
        self.addCleanup(process.stdout.close)
        host, _, port = json.loads(process.stdout.readline())["address"].rpartition(":")
        support.wait_for(control.exists, 30, "the control socket")
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(control))
            lines = peer.makefile("rw")

            def say(**words):
                print(json.dumps(words), file=lines, flush=True)
                return json.loads(lines.readline())

            self.assertEqual(kms.read_answer(ask_once(host, port, kms.request())[0]).count, 7)
            self.assertEqual(say(statistics=True)["answers"], 1)
            say(set={"count": 9}, next=[{"hresult": 0xC004F042}])
            self.assertEqual(ask_once(host, port, kms.request()), (None, 0xC004F042))
            self.assertEqual(kms.read_answer(ask_once(host, port, kms.request())[0]).count, 9)
            self.assertIn("no such behaviour", say(set={"colour": "red"})["error"])
            self.assertIn("no such word", say(dance=True)["error"])
            self.assertIn("is none of", say(set={"ending": "happy"})["error"])
            say(kill=True)
            with self.assertRaises(Gone):
                ask_once(host, port, kms.request())
            say(start=True)
            self.assertEqual(ask_once(host, port, kms.request())[1], 0)
            self.assertEqual(say(end=True), {})
        self.assertEqual(process.wait(30 * support.PATIENCE), 0)
        self.assertFalse(control.exists())


peers.main()
