#!/usr/bin/python3
"""The relay among several hosts: who is asked, what happens when one is gone, what is kept apart, what people see."""
import json
import shutil
import sys
import uuid
from pathlib import Path

import integration_support as integration
from integration_support import support, wait_for

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import kms_bodies as kms  # noqa: E402
from relay_support import Askers, HOST, RelayTest, limit  # noqa: E402
from rpc_client import MGMT, Client, Fault  # noqa: E402

VISTA = "vista-2008"
SEVEN = "win7-2008r2"
TOO_BUSY = 0x6BB  # RPC_S_SERVER_TOO_BUSY


def of(upstream, name, **more):
    """An object of relay.upstreams."""
    return {"name": name, "address": upstream.address, **{key.replace("_", "-"): value for key, value in more.items()}}


class MixedEstate(RelayTest):
    """Vista and 2008 stay with the old host, 7 and 2008 R2 go to the new one."""

    OLD = (kms.VISTA, kms.SERVER_2008_B)
    NEW = (kms.WINDOWS_7, kms.SERVER_2008_R2_B)

    def estate(self, **of_the_old):
        old, new = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(old, "old", **of_the_old), of(new, "new", families=[SEVEN])],
                                    exchange_limit=limit(2), connect_timeout=limit(0.5))
        return daemon, old, new

    def test_each_family_goes_to_its_host(self):
        daemon, old, new = self.estate(families=[VISTA])
        for counted in self.OLD + self.NEW:
            for _ in range(5):
                self.assertEqual(self.ask(daemon, kms.request(counted=counted))[1], 0)
        self.assertEqual({call.asked.counted for call in old.recorded()}, set(self.OLD))
        self.assertEqual({call.asked.counted for call in new.recorded()}, set(self.NEW))

    def test_when_one_host_is_down_its_clients_get_a_fault_and_the_others_go_on(self):
        daemon, old, new = self.estate(families=[VISTA])
        new.kill()
        for counted in self.NEW:
            self.assert_fault(daemon, kms.request(counted=counted))
        for counted in self.OLD:
            self.assertEqual(self.ask(daemon, kms.request(counted=counted))[1], 0)
        self.assertEqual(len(old.recorded()), 2, "a request went to a host that may not serve its family")
        new.start()
        wait_for(lambda: self.shown(daemon)["new"]["condition"] == "up", 60, "the host back in service")
        self.assertEqual(self.ask(daemon, kms.request(counted=kms.WINDOWS_7))[1], 0)

    def test_a_host_for_every_family_takes_over(self):
        daemon, old, new = self.estate()  # the old host may serve all
        self.assertEqual(self.ask(daemon, kms.request(counted=kms.WINDOWS_7))[1], 0)
        old.kill()
        self.assert_fault(daemon, kms.request(counted=kms.VISTA))
        self.assertEqual(self.ask(daemon, kms.request(counted=kms.WINDOWS_7))[1], 0)
        old.start()
        new.kill()
        wait_for(lambda: self.shown(daemon)["old"]["condition"] == "up", 60, "the old host back in service")
        for counted in self.OLD + self.NEW:
            self.assertEqual(self.ask(daemon, kms.request(counted=counted))[1], 0)

    def test_versions_5_and_6_go_by_version(self):
        four, six = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(four, "four", versions=[4]), of(six, "six", versions=[5, 6])])
        for body in (kms.opaque_request(5), kms.opaque_request(6), kms.request()):
            self.assertEqual(self.ask(daemon, body)[1], 0)
        self.assertEqual([call.asked.major for call in four.recorded()], [4])
        self.assertEqual([call.asked.major for call in six.recorded()], [5, 6])

    def test_networks_choose_by_source(self):
        here, elsewhere = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(elsewhere, "elsewhere", networks=["192.0.2.0/24"]),
                                     of(here, "here", networks=["127.0.0.0/8"])])
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        self.assertEqual((len(here.recorded()), elsewhere.counted().calls), (1, 0))

    def test_a_host_whose_key_does_not_cover_a_product_is_no_reason_to_refuse_while_another_has_it(self):
        first, second = self.upstream(hresults={str(kms.WINDOWS_7): 0xC004F042}), self.upstream()
        daemon = self.relay(first, second)
        for _ in range(3):
            self.assertEqual(self.ask(daemon, kms.request(counted=kms.WINDOWS_7))[1], 0)
        self.assertEqual(second.counted().answers, 3)
        second.set(hresult=0xC004F042)
        self.assertEqual(self.ask(daemon, kms.request(counted=kms.WINDOWS_7)), (None, 0xC004F042))


class Products(RelayTest):
    UNKNOWN = uuid.UUID("11111111-2222-3333-4444-555555555555")

    def test_with_no_family_loaded_everything_is_relayed_unchanged(self):
        plugins = self.directory / "plugins"
        plugins.mkdir()
        for name in ("listener", "relay"):
            shutil.copy(support.BIN.parent / "plugins" / f"{name}.so", plugins)
        upstream = self.upstream()
        daemon = self.relay(upstream, words=("--plugins", plugins))
        bodies = [kms.request(counted=counted) for counted in (kms.VISTA, kms.WINDOWS_7, self.UNKNOWN)]
        bodies += [kms.opaque_request(5), kms.opaque_request(6)]
        client = self.client(daemon)
        for body in bodies:
            answer, hresult = client.ask(body)
            self.assertEqual(hresult, 0)
            self.assert_answer_of(answer, body, upstream)
        self.assertEqual([call.request for call in upstream.recorded()], bodies)

    def test_what_no_family_knows_is_relayed_and_shown_under_its_identifier(self):
        upstream = self.upstream()
        daemon = self.relay(upstream)
        self.assertEqual(self.ask(daemon, kms.request(counted=self.UNKNOWN))[1], 0)
        self.assertEqual(upstream.recorded()[0].asked.counted, self.UNKNOWN)
        wait_for(lambda: str(self.UNKNOWN) in daemon.ctl("client", "list", "-o", "json").stdout, 30,
                 "the client with the identifier of its product")

    def test_the_administrator_alone_refuses(self):
        upstream = self.upstream()
        daemon = self.relay_by_file([of(upstream, "a")], refuse=["unknown", VISTA, str(kms.SERVER_2008_R2_B)])
        for counted in (self.UNKNOWN, kms.VISTA, kms.SERVER_2008_B, kms.SERVER_2008_R2_B):
            self.assert_fault(daemon, kms.request(counted=counted))
        self.assertEqual(upstream.counted().calls, 0)
        self.assertEqual(self.ask(daemon, kms.request(counted=kms.WINDOWS_7))[1], 0)
        self.assertEqual(self.ask(daemon, kms.opaque_request(6))[1], 0)


class Waiting(RelayTest):
    def test_requests_of_a_stalled_host_hold_up_nobody_else(self):
        stalled, good = self.upstream(ending="stall"), self.upstream()
        daemon = self.relay_by_file([of(stalled, "stalled", families=[VISTA]), of(good, "good", families=[SEVEN])],
                                    answer_timeout=limit(60), exchange_limit=limit(60), associations=16)
        waiting = Askers(daemon.port, [kms.request(counted=kms.VISTA) for _ in range(40)], timeout=600)
        wait_for(lambda: stalled.counted().calls >= 16, 60, "every association of the stalled host in use")
        client = self.client(daemon)
        for _ in range(200):
            self.assertEqual(client.ask(kms.request(counted=kms.WINDOWS_7))[1], 0)
        self.assertEqual(good.counted().answers, 200)
        self.assertEqual(waiting.so_far(), [], "a request of the stalled host has ended: this shows nothing")
        stalled.set(ending="answer")
        stalled.kill()
        stalled.start()
        self.assertEqual([became[1] for _, became in waiting.all()], [0] * 40)
        # A reset connection may have carried a request to the host: that one is asked again, and answered once.
        self.assertEqual(stalled.counted().answers, 40)

    def test_the_queue_is_bounded_and_everybody_in_it_hears_something(self):
        upstream = self.upstream(ending="stall")
        daemon = self.relay(upstream, queue=8, associations=4, answer_timeout=limit(5), exchange_limit=limit(5))
        waiting = Askers(daemon.port, [kms.request() for _ in range(8)], timeout=600)
        wait_for(lambda: upstream.counted().calls >= 4, 60, "the associations in use")

        def one_too_many():
            # Who comes last is turned away: that may be one of the eight, where this one was quicker.
            if any(isinstance(became, Fault) and became.code == TOO_BUSY for _, became in waiting.so_far()):
                return True
            with self.assertRaises(Fault) as caught:
                self.ask(daemon, kms.request())
            return caught.exception.code == TOO_BUSY
        # All eight have to be inside first: until then a further one waits with them, and its end is another fault.
        wait_for(one_too_many, 60, "a request too many turned away as such")
        for _, became in waiting.all():
            self.assertIsInstance(became, Fault)
        self.assertLessEqual(upstream.counted().calls, 4 + 16, "calls are repeated at a host that does not answer")
        upstream.set(ending="answer")
        wait_for(lambda: self.answered(daemon), 60, "the relay answering again")

    def test_many_clients_share_few_associations(self):
        upstream = self.upstream(delay=0.01)
        daemon = self.relay(upstream, associations=4)
        ended = Askers(daemon.port, [kms.request() for _ in range(64)]).all()
        self.assertEqual([became[1] for _, became in ended], [0] * 64)
        self.assertLessEqual(upstream.counted().connections, 4 + 8)  # and those of probes
        self.assertEqual(upstream.counted().overlapping, 0, "two calls at once on one association")


class Duties(RelayTest):
    def test_a_drained_host_finishes_what_it_has_and_gets_nothing_new(self):
        first, second = self.upstream(delay=0.02), self.upstream(delay=0.02)
        daemon = self.relay_by_file([of(first, "first"), of(second, "second")])
        load = daemon.load("--requests", 600, "--connections", 16, "--clients", 5000, "--warmup", 0, "--seconds", 600,
                           "--verify")
        wait_for(lambda: first.counted().answers >= 100, 60, "the first host under load")
        daemon.ctl("upstream", "drain", "first")
        self.assertEqual(self.shown(daemon)["first"]["state"], "draining")
        report = self.loaded(load)
        self.assert_all_well(report, 600)
        before = first.counted()
        self.assertEqual(before.calls, before.answers, "a call was lost")
        for _ in range(20):
            self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        self.assertEqual(first.counted().calls, before.calls)
        daemon.ctl("upstream", "activate", "first")
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        self.assertEqual(first.counted().calls, before.calls + 1)

    def test_a_draining_host_still_serves_when_nobody_else_can(self):
        first, second = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(first, "first"), of(second, "second")])
        daemon.ctl("upstream", "drain", "first")
        second.kill()
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        self.assertEqual(first.counted().answers, 1)

    def test_a_host_at_rest_is_neither_asked_nor_probed(self):
        first, second = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(first, "first"), of(second, "second")], probe_interval="100ms",
                                    exchange_limit=limit(1))
        wait_for(lambda: first.counted().binds >= 2, 60, "probes")
        daemon.ctl("upstream", "rest", "first")
        wait_for(lambda: first.counted().open == 0, 60, "the associations closed")
        before = first.counted()
        probed = second.counted().binds
        wait_for(lambda: second.counted().binds >= probed + 5, 60, "five probes of the other host")
        second.kill()
        self.assert_fault(daemon, kms.request())
        self.assertEqual((first.counted().connections, first.counted().calls), (before.connections, 0))

    def test_a_duty_outlives_a_restart(self):
        first, second = self.upstream(), self.upstream()
        daemon = self.relay_by_file([of(first, "first"), of(second, "second")])
        daemon.ctl("upstream", "drain", "first")
        daemon.stop()
        daemon.start_ready()
        self.assertEqual(self.shown(daemon)["first"]["state"], "draining")
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        self.assertEqual((first.counted().calls, second.counted().calls), (0, 1))

    def test_a_name_that_nobody_has_is_said(self):
        daemon = self.relay(self.upstream())
        said = daemon.ctl("upstream", "drain", "nobody", check=False)
        self.assertNotEqual(said.returncode, 0)
        self.assertIn("nobody", said.stdout + said.stderr)


class Health(RelayTest):
    def test_a_host_that_went_is_shown_as_down_with_the_reason_and_comes_back(self):
        first, second = self.upstream(count=42), self.upstream()
        daemon = self.relay_by_file([of(first, "first"), of(second, "second")], probe_interval="100ms")
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        first.kill()
        wait_for(lambda: self.shown(daemon)["first"]["condition"] == "down", 60, "the host shown as down")
        why = self.shown(daemon)["first"]["why"]
        self.assertIn("refused", why)
        self.assertIn("42", why)
        wait_for(lambda: self.journal(daemon, 23000), 30, "the event")
        calls = second.counted().calls
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        self.assertEqual(second.counted().calls, calls + 1)
        first.start()
        wait_for(lambda: self.shown(daemon)["first"]["condition"] == "up", 60, "the host shown as up")
        wait_for(lambda: self.journal(daemon, 23001), 30, "the event of its return")
        calls = first.counted().calls
        self.assertEqual(self.ask(daemon, kms.request())[1], 0)
        self.assertEqual(first.counted().calls, calls + 1, "clients stay away from the host that counts them")

    def test_a_client_keeps_its_host_where_clients_are_spread(self):
        upstreams = [self.upstream() for _ in range(3)]
        daemon = self.relay_by_file([of(upstream, f"host{number}") for number, upstream in enumerate(upstreams)],
                                    choice="weighted")
        cmids = [uuid.uuid4() for _ in range(60)]
        client = self.client(daemon)
        for _ in range(3):
            for cmid in cmids:
                self.assertEqual(client.ask(kms.request(cmid=cmid))[1], 0)
        homes = {}
        for number, upstream in enumerate(upstreams):
            self.assertGreater(upstream.counted().calls, 0, "a host got nobody")
            for call in upstream.recorded():
                homes.setdefault(call.asked.cmid, set()).add(number)
        self.assertEqual({len(home) for home in homes.values()}, {1}, "a client was sent to and fro")

    def test_a_host_that_hangs_at_bind_or_refuses_it_is_down(self):
        for on_bind in ("nak", "reject", "stall"):
            with self.subTest(on_bind):
                bad, good = self.upstream(on_bind=on_bind), self.upstream()
                daemon = self.relay_by_file([of(bad, "bad"), of(good, "good")], name=on_bind, probe_interval="100ms",
                                            connect_timeout=limit(0.2))
                wait_for(lambda: self.shown(daemon)["bad"]["condition"] == "down", 60, "the host shown as down")
                self.assertEqual(self.ask(daemon, kms.request())[1], 0)
                self.assertEqual((bad.counted().calls, good.counted().calls), (0, 1))
                daemon.stop()


class Shown(RelayTest):
    def test_pool_and_journal_say_which_host_answered(self):
        first = self.upstream()
        daemon = self.relay_by_file([of(first, "kms-a")])
        cmid = uuid.uuid4()
        self.assertEqual(self.ask(daemon, kms.request(cmid=cmid, machine="PC-042"))[1], 0)
        wait_for(lambda: str(cmid) in daemon.ctl("client", "list", "-o", "json").stdout, 30, "the client listed")
        client = json.loads(daemon.ctl("client", "list", "-o", "json").stdout)
        client = (client["items"] if isinstance(client, dict) else client)[0]
        self.assertEqual((client["cmid"], client["upstream"], client["machine"]), (str(cmid), "kms-a", "PC-042"))
        shown = self.shown(daemon)["kms-a"]
        self.assertEqual((shown["asked"], shown["answers"], shown["failures"], shown["count"]), (1, 1, 0, 1))

    def test_a_muster_in_lab_mode_behind_it_is_verified_by_its_own_seal(self):
        lab = self.daemon(name="lab")
        lab.start_ready()
        lab.install_key()
        relay = self.daemon(name="relay", serving=support.relay(f"{HOST}:{lab.port}"))
        relay.start_ready()
        said = integration.clients(relay, "win7", 30, "--cmid-seed", 1, seal=lab.home / "seal.key", check=0)
        self.assertIn("30 of 30 machines activated", said)
        self.assertEqual(relay.cmids(), lab.cmids())
        self.assertEqual(len(relay.cmids()), 30)


class Modes(RelayTest):
    def test_a_fresh_appliance_faults_kms_and_answers_mgmt(self):
        daemon = self.daemon(serving=())
        daemon.start()
        self.status_when(daemon, lambda status: status["mode"] == "none" and status["ready"], "ready without a mode")
        for body in (kms.request(), kms.opaque_request(6)):
            self.assert_fault(daemon, body)
        with Client(HOST, daemon.port, 60, MGMT) as client:
            self.assertTrue(client.is_listening())
        self.assertEqual(list(daemon.state.rglob("*.db")), [], "a store was made for no mode")

    def test_relay_mode_without_an_upstream_faults_and_says_so(self):
        daemon = self.relay_by_file([])
        self.assert_fault(daemon, kms.request())
        self.status_when(daemon, lambda status: "upstream" in " ".join(status["trouble"]), "status naming what is missing")

    def marks(self, directory, *texts):
        """Which of the texts, as UTF-8, UTF-16 or as the octets of a GUID, are in which file."""
        found = set()
        for path in directory.rglob("*"):
            if path.is_file() and not path.is_symlink():
                octets = path.read_bytes()
                for text in texts:
                    forms = [text.encode(), text.encode("utf-16-le")]
                    try:
                        forms.append(uuid.UUID(text).bytes_le)
                    except ValueError:
                        pass
                    if any(form in octets for form in forms):
                        found.add((str(path.relative_to(directory)), text))
        return found

    def test_lab_then_relay_then_lab_on_one_directory_and_nothing_of_one_is_in_the_other(self):
        upstream = self.upstream(count=50)
        daemon = self.daemon()
        in_the_lab, in_production = str(uuid.uuid4()), str(uuid.uuid4())
        lab_name, production_name = "LABMACHINE-77", "PRODUCTION-88"

        daemon.start_ready()
        daemon.install_key()
        key = daemon.ctl("lab", "issue-key", "--family", SEVEN, "--group", "C").stdout.strip()
        integration.clients(daemon, "win7", 3, "--once", "--cmid-seed", 5, "--name-pattern", "LABMACHINE-7{n}")
        lab_clients = daemon.cmids()
        self.assertEqual(len(lab_clients), 3)
        lab_dli = daemon.ctl("dli").stdout
        self.assertEqual(daemon.stop(), 0)

        daemon.serving = support.relay(upstream.address)
        daemon.start_ready()
        self.assertEqual(json.loads(daemon.status())["mode"], "relay")
        self.assertEqual(daemon.cmids(), set(), "the lab's clients are in production's pool")
        self.assertNotEqual(daemon.ctl("key", "list", check=False).returncode, 0, "the lab's keys are shown")
        self.assertNotIn("LAB-", daemon.ctl("dli", check=False).stdout)
        self.assertEqual(self.ask(daemon, kms.request(cmid=uuid.UUID(in_production), machine=production_name))[1], 0)
        wait_for(lambda: daemon.cmids() == {in_production}, 30, "the client in production's pool")
        events = daemon.ctl("event", "list", "-o", "json").stdout
        self.assertNotIn("LABMACHINE", events)
        self.assertNotIn(key, events)
        self.assertEqual(daemon.stop(), 0)

        daemon.serving = support.LAB
        daemon.start_ready()
        self.assertEqual(daemon.cmids(), lab_clients)
        self.assertEqual(daemon.ctl("dli").stdout, lab_dli)
        events = daemon.ctl("event", "list", "-o", "json").stdout
        self.assertNotIn(production_name, events)
        self.assertNotIn(in_production, events)
        self.assertEqual(daemon.stop(), 0)

        inside_the_lab = daemon.state / "lab"
        self.assertEqual(self.marks(inside_the_lab, in_production, production_name, upstream.address), set())
        outside = self.directory / "outside"
        shutil.copytree(daemon.state, outside, ignore=shutil.ignore_patterns("lab"))
        self.assertEqual(self.marks(outside, *lab_clients, "LABMACHINE", key, (inside_the_lab / "seal.key").read_text()
                                    .split()[-1]), set())
        self.assertTrue(self.marks(outside, production_name), "the search finds nothing at all")
        self.assertTrue(self.marks(inside_the_lab, "LABMACHINE"), "the search finds nothing at all")


if __name__ == "__main__":
    support.main()
