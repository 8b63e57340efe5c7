#!/usr/bin/python3
"""impacket, the relay, a host on Samba's structures: what passes passes octet for octet, and what may not pass does not."""
import random
import threading

import kms_bodies as kms
from relay_support import Client, Fault, Gone, HOST, RelayTest, limit, support
from upstream import Behaviour

ROUNDS = 1000  # of each version
ACCESS_DENIED = 5


class Bodies(RelayTest):
    def exchange(self, daemon, bodies, associations=6):
        """Sends all over a few associations at once; [(request, answer)]."""
        exchanged, failures = [], []
        lock = threading.Lock()

        def work(share):
            try:
                with Client(HOST, daemon.port, 60 * support.PATIENCE) as client:
                    for body in share:
                        answer = client.ask(body)
                        with lock:
                            exchanged.append((body, answer))
            except Exception as error:
                failures.append(repr(error))
        threads = [threading.Thread(target=work, args=(bodies[number::associations],)) for number in range(associations)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        return exchanged

    def assert_same_at_both_ends(self, exchanged, upstream):
        at_the_host = {call.request: (call.answer, call.hresult) for call in upstream.recorded()}
        self.assertEqual(len(at_the_host), len(upstream.recorded()), "a request came to the host twice")
        self.assertEqual(at_the_host, dict(exchanged))

    def test_a_thousand_of_each_version_are_the_same_octets_at_both_ends(self):
        upstream = self.upstream(count=50)
        daemon = self.relay(upstream)
        chance = random.Random(3)
        bodies = [kms.random_request(chance) for _ in range(ROUNDS)]
        bodies += [kms.opaque_request(5) for _ in range(ROUNDS)] + [kms.opaque_request(6) for _ in range(ROUNDS)]
        chance.shuffle(bodies)
        exchanged = self.exchange(daemon, bodies)
        self.assertEqual(len(exchanged), 3 * ROUNDS)
        self.assert_same_at_both_ends(exchanged, upstream)
        for major in (4, 5, 6):
            came = [call for call in upstream.recorded() if call.asked.major == major]
            self.assertEqual(len(came), ROUNDS)
            self.assertTrue(all(call.answer is not None for call in came))
        statistics = upstream.counted()
        self.assertEqual((statistics.calls, statistics.overlapping, statistics.malformed, statistics.faults),
                         (3 * ROUNDS, 0, 0, 0))
        self.assertLess(statistics.connections, 100, "upstream connections are not kept")

    def test_in_fragments_octet_by_octet_and_late_they_are_the_same(self):
        upstream = self.upstream()
        daemon = self.relay(upstream)
        for behaviour in ({"fragment": 16}, {"fragment": 1}, {"ending": "octets"}, {"delay": 0.02}):
            with self.subTest(behaviour):
                upstream.forget()
                upstream.set(**{"fragment": None, "ending": "answer", "delay": 0, **behaviour})
                bodies = [kms.random_request(), kms.opaque_request(5), kms.opaque_request(6)]
                self.assert_same_at_both_ends(self.exchange(daemon, bodies), upstream)
        upstream.set(fragment=None, ending="answer", delay=0)
        upstream.forget()
        client = self.client(daemon)
        client.dce.set_max_fragment_size(20)
        asked = kms.random_request()
        self.assert_same_at_both_ends([(asked, client.ask(asked))], upstream)

    def test_refusals_pass_as_they_are(self):
        upstream = self.upstream()
        daemon = self.relay(upstream)
        for hresult in (0xC004F042, 0xC004F06C, 0x8007000D, 0xC004F041, 0x80070005, 0xC004D104, 0x80004005, 1):
            upstream.set(hresult=hresult)
            for asked in (kms.request(), kms.opaque_request(6)):
                self.assertEqual(self.ask(daemon, asked), (None, hresult))

    def test_every_length_of_an_epid_and_of_an_opaque_answer_passes(self):
        upstream = self.upstream()
        daemon = self.relay(upstream)
        client = self.client(daemon)
        for length in range(1, 64):
            upstream.set(epid="E" * length)
            for asked in (kms.request(), kms.opaque_request(5), kms.opaque_request(6)):
                body, hresult = client.ask(asked)
                self.assertEqual(hresult, 0)
                self.assert_answer_of(body, asked, upstream)

    def test_what_a_host_says_twice_is_heard_once(self):
        stutterer, other = self.upstream(ending="twice"), self.upstream()
        daemon = self.relay(stutterer, other, eject_after=100)
        client = self.client(daemon)
        for number in range(60):
            asked = kms.request() if number % 3 == 0 else kms.opaque_request(4 + number % 3)
            body, hresult = client.ask(asked)
            self.assertEqual(hresult, 0)
            self.assert_answer_of(body, asked, stutterer, other)
        self.assertGreater(stutterer.counted().answers, 0)


class Lies(RelayTest):
    # The answer is wrong in each; what is wrong in "alloc-hint" is a hint alone.
    WRONG = ("frag-length", "stub-length", "max-count", "pid-size", "short", "long", "cmid", "client-time", "version",
             "call-id", "huge")
    OPAQUE_WRONG = ("frag-length", "stub-length", "max-count", "version", "call-id", "huge")

    def test_a_broken_answer_leads_to_the_next_host_and_to_no_client(self):
        liar, honest = self.upstream(), self.upstream()
        daemon = self.relay(liar, honest, answer_timeout=limit(0.3), eject_after=100)
        for lies, make in ((self.WRONG, kms.request), (self.OPAQUE_WRONG, lambda: kms.opaque_request(6))):
            for lie in lies:
                with self.subTest(lie):
                    liar.set(lie=lie)
                    asked = make()
                    body, hresult = self.ask(daemon, asked)
                    self.assertEqual(hresult, 0)
                    self.assert_answer_of(body, asked, honest)
                    self.assertTrue(any(call.request == asked for call in liar.recorded()), "the liar was not asked")

    def test_an_hresult_beside_an_answer_is_a_refusal_and_no_grant(self):
        upstream = self.upstream(lie="hresult-with-body")
        daemon = self.relay(upstream)
        self.assertEqual(self.ask(daemon, kms.request()), (None, 0x80004005))

    def test_if_nobody_else_is_there_the_client_gets_a_fault(self):
        liar = self.upstream()
        daemon = self.relay(liar, answer_timeout=limit(0.3), exchange_limit=limit(0.9), eject_after=100)
        for lie in self.WRONG:
            with self.subTest(lie):
                liar.set(lie=lie)
                self.assert_fault(daemon, kms.request())
        liar.set(lie=None)
        support.wait_for(lambda: self.answered(daemon), 60, "the host asked again when it tells the truth")

    def test_endings_lead_to_the_next_host(self):
        bad, good = self.upstream(), self.upstream()
        daemon = self.relay(bad, good, answer_timeout=limit(0.3), eject_after=100)
        for behaviour in ({"ending": "close"}, {"ending": "reset"}, {"ending": "half"}, {"ending": "half-reset"},
                          {"ending": "garbage"}, {"ending": "stall"}, {"ending": "half-stall"}, {"fault": 5},
                          {"fault": 0x1C010014}):
            with self.subTest(behaviour):
                bad.set(**{"ending": "answer", "fault": None, **behaviour})
                for asked in (kms.request(), kms.opaque_request(5)):
                    body, hresult = self.ask(daemon, asked)
                    self.assertEqual(hresult, 0)
                    self.assert_answer_of(body, asked, good)

    def test_refused_and_broken_binds_lead_to_the_next_host(self):
        bad, good = self.upstream(), self.upstream()
        daemon = self.relay(bad, good, connect_timeout=limit(0.3), eject_after=100)
        for on_bind in ("nak", "reject", "stall", "close", "reset", "garbage"):
            with self.subTest(on_bind):
                bad.set(on_bind=on_bind)
                bad.drop()
                asked = kms.request()
                body, hresult = self.ask(daemon, asked)
                self.assertEqual(hresult, 0)
                self.assert_answer_of(body, asked, good)
        self.assertEqual(bad.counted().calls, 0)

    def test_a_lie_once_in_a_while_is_never_passed_on(self):
        upstream = self.upstream()
        daemon = self.relay(upstream, answer_timeout=limit(0.3), eject_after=100)
        client = self.client(daemon)
        chance = random.Random(5)
        for _ in range(20):
            upstream.next(Behaviour(lie=chance.choice(["cmid", "client-time", "stub-length", "short"])))
            for _ in range(3):
                asked = kms.request()
                try:
                    body, hresult = client.ask(asked)
                except Fault:
                    continue
                self.assertEqual(hresult, 0)
                self.assert_answer_of(body, asked, upstream)


class Protection(RelayTest):
    def test_an_n_policy_that_no_windows_sends_never_reaches_a_host(self):
        upstream = self.upstream()
        daemon = self.relay(upstream)
        for policy in (0, 1, 4, 6, 24, 26, 50, 1000, 0x7FFFFFFF, 0xFFFFFFFF):
            self.assert_fault(daemon, kms.request(policy=policy), ACCESS_DENIED)
        self.assertEqual(upstream.counted().calls, 0)
        for policy in (5, 25):
            self.assertEqual(self.ask(daemon, kms.request(policy=policy))[1], 0)
        self.assertEqual(upstream.counted().calls, 2)

    def test_an_n_policy_of_the_settings_is_forwarded(self):
        upstream = self.upstream()
        daemon = self.relay_by_file([{"name": "a", "address": upstream.address}], thresholds=[10])
        self.assertEqual(self.ask(daemon, kms.request(policy=10))[1], 0)
        self.assert_fault(daemon, kms.request(policy=11), ACCESS_DENIED)
        self.assertEqual(upstream.counted().calls, 1)

    def test_an_idle_relay_asks_a_host_nothing_but_binds_and_mgmt(self):
        with_mgmt, without = self.upstream(), self.upstream(with_mgmt=False)
        self.relay(with_mgmt, without, probe_interval="100ms")
        support.wait_for(lambda: with_mgmt.counted().binds >= 10 and without.counted().binds >= 10, 60, "ten probes of each")
        self.assertEqual((with_mgmt.counted().calls, without.counted().calls), (0, 0))
        self.assertGreater(with_mgmt.counted().mgmt_calls, 0)
        self.assertEqual(without.counted().mgmt_calls, 0)
        self.assertEqual((with_mgmt.counted().malformed, with_mgmt.counted().faults), (0, 0))

    def test_a_request_that_is_no_kms_request_never_reaches_a_host(self):
        upstream = self.upstream()
        daemon = self.relay(upstream)
        for body in (b"", b"\0\0\4\0", kms.request()[:251], b"\0" * 252, bytes([0, 0, 3, 0]) + bytes(248)):
            try:
                answer, hresult = self.ask(daemon, body)
                self.assertIsNone(answer)
                self.assertNotEqual(hresult, 0)
            except (Fault, Gone):
                pass
        self.assertEqual(upstream.counted().calls, 0)

    def test_a_host_that_drops_idle_associations_is_not_noticed_by_clients(self):
        upstream = self.upstream(idle=0.2)
        daemon = self.relay(upstream)
        for _ in range(5):
            dropped = upstream.counted().idled
            self.assertEqual(self.ask(daemon, kms.request())[1], 0)
            support.wait_for(lambda: upstream.counted().idled > dropped, 30, "the host dropping the idle association")
        self.assertEqual(self.journal(daemon, 23000), [], "a host that closes what is idle was called down")


support.main()
