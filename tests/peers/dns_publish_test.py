#!/usr/bin/python3
"""The publisher against name servers that nobody here wrote: BIND, Knot and PowerDNS, each with keys and a policy."""
import sys

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import network_lab  # noqa: E402
import name_servers as ns  # noqa: E402
import publishing  # noqa: E402
import support  # noqa: E402

PUBLISHED, FAILED = 12294, 12293
#: What Windows says of DNS: rcode n is 9000 + n; 9016 BADSIG, 9017 BADKEY, 9018 BADTIME.
REFUSED, NOTAUTH, NOTZONE = "0x8007232D", "0x80072331", "0x80072332"
BADSIG, BADKEY, BADTIME = "0x80072338", "0x80072339", "0x8007233A"


class Published:
    """The same expectations of each server; mixed into a TestCase."""
    kind = None
    #: case: (code, HRESULT, words of the reason), where this server refuses it
    refusals = {}
    #: what becomes of a wrong clock of the server's
    clock = None

    @classmethod
    def setUpClass(cls):
        cls.server = cls.kind(publishing.directory_for(cls), "10.53.1.1", more=cls.more())
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        network_lab.resolvers(cls.server.address)
        network_lab.address("10.53.9.9")

    @classmethod
    def more(cls):
        return ""

    def setUp(self):
        super().setUp()
        self.zone = self.server.zone
        self.before = publishing.zone_of(self.server)
        self.other = f"0 0 1688 kms1.{self.zone}."

    def tearDown(self):
        super().tearDown()
        now = publishing.zone_of(self.server)
        left = [line for line in now if line.startswith("_vlmcs._tcp.") and " 1688 kms1." not in line]
        for line in left:  # of a test that failed: the next one begins with the same zone
            owner, *data = line.split()
            ns.nsupdate(self.server, f"zone {self.zone}\nupdate delete {owner} SRV {' '.join(data)}\n", *ns.KEY.nsupdate())
        # Whatever happened: what others have in the zone is what it was.
        self.assertEqual([line for line in now if line not in left], self.before, self.server.log_tail())

    def ours(self, port=1688, name="muster-01", weight=0):
        return f"0 {weight} {port} {name}.{self.zone}."

    def assert_services(self, *ours):
        self.assertEqual(self.server.services(), sorted([self.other, *ours]), self.server.log_tail())

    def test_a_record_comes_stays_changes_and_goes(self):
        daemon = self.appliance(keys=[ns.KEY])
        wish = daemon.wish(self.server, key=ns.KEY.name)
        daemon.set(domains=[wish], publish=True)
        shown = daemon.when(self.zone, "published")
        self.assertEqual((shown["zone"], shown["hresult"], shown["code"], shown["failures"]),
                         (self.zone, "", "applied", 0), shown)
        self.assert_words(shown["triple"], "NOERROR.*signed with our key")
        self.assert_services(self.ours())
        event = daemon.event(PUBLISHED, self.zone)
        self.assertTrue(event["message"].startswith(
            f"Publishing the Key Management Service (KMS) to DNS in the '{self.zone}' domain is successful."), event)
        self.assert_words(event["message"], "LAB")

        # Refreshed: sent again, and nothing else than it was.
        before = publishing.zone_of(self.server)
        daemon.ctl("dns", "publish")
        again = daemon.when(self.zone, "published")
        self.assertGreater(again["attempts"], shown["attempts"])
        self.assertGreater(again["lastPublished"], shown["lastPublished"])
        self.assertEqual(publishing.zone_of(self.server), before)

        # Another port, priority, weight and TTL: one record goes, one comes.
        daemon.set(domains=[{**wish, "port": 1699, "priority": 0, "weight": 7, "ttl": "20m"}])
        support.wait_for(lambda: self.ours(1699, weight=7) in self.server.services(), 60, daemon.log_tail)
        daemon.when(self.zone, "published")
        self.assert_services(self.ours(1699, weight=7))

        # Renamed: what it put there under the old name goes, too.
        daemon.set(domains=[{**wish, "target": f"muster-02.{self.zone}"}])
        support.wait_for(lambda: self.ours(name="muster-02") in self.server.services(), 60, daemon.log_tail)
        daemon.when(self.zone, "published")
        self.assert_services(self.ours(name="muster-02"))

        # Withdrawn, over a restart; and back.
        daemon.ctl("dns", "withdraw", "--yes")
        daemon.when(self.zone, "withdrawn")
        self.assert_services()
        daemon.stop()
        daemon.start_ready()
        daemon.when(self.zone, "withdrawn")
        self.assert_services()
        daemon.ctl("dns", "publish")
        daemon.when(self.zone, "published")
        self.assert_services(self.ours(name="muster-02"))
        daemon.ctl("dns", "withdraw", "--yes")
        daemon.when(self.zone, "withdrawn")

    def test_a_plan_changes_nothing_and_comes_true(self):
        daemon = self.appliance(keys=[ns.KEY_512])
        daemon.set(domains=[daemon.wish(self.server, key=ns.KEY_512.name)])
        before = publishing.zone_of(self.server)
        plan = daemon.ctl("dns", "plan").stdout
        self.assertRegex(plan, rf"(?m)^\+ _vlmcs\._tcp\.{self.zone}\S* .*muster-01\.{self.zone}")
        self.assertRegex(plan, rf"(?m)^= _vlmcs\._tcp\.{self.zone}\S* .*kms1\.{self.zone}")
        self.assertEqual(publishing.zone_of(self.server), before)
        daemon.set(publish=True)
        daemon.when(self.zone, "published")
        self.assert_services(self.ours())
        self.assertNotRegex(daemon.ctl("dns", "plan").stdout, r"(?m)^[-+] ")
        daemon.ctl("dns", "withdraw", "--yes")
        daemon.when(self.zone, "withdrawn")

    def test_two_side_by_side_each_with_its_own(self):
        daemons = [self.appliance(f"muster-0{number}", f"10.53.9.{number}", keys=[ns.KEY]) for number in (1, 2)]
        for number, daemon in enumerate(daemons, 1):
            daemon.set(domains=[daemon.wish(self.server, key=ns.KEY.name, weight=10 * number)], publish=True)
        for daemon in daemons:
            daemon.when(self.zone, "published")
        both = [self.ours(weight=10), self.ours(name="muster-02", weight=20)]
        self.assert_services(*both)
        daemons[0].ctl("dns", "withdraw", "--yes")
        daemons[0].when(self.zone, "withdrawn")
        self.assert_services(both[1])
        daemons[1].ctl("dns", "publish")
        self.assert_services(both[1])
        # With the setting, the end of one takes its record along.
        daemons[1].set(withdraw_on_stop=True)
        daemons[1].stop()
        self.assert_services()

    def test_each_refusal_has_its_event_and_its_words(self):
        forged = ns.Key(ns.KEY_512.name, ns.KEY_512.algorithm, ns.FORGED.secret)
        daemon = self.appliance(keys=[ns.KEY, forged, ns.STRANGER])
        wishes = {
            "wrong secret": daemon.wish(self.server, f"a.{self.zone}", key=forged.name),
            "unknown key": daemon.wish(self.server, f"b.{self.zone}", key=ns.STRANGER.name),
            "unsigned": daemon.wish(self.server, f"c.{self.zone}"),
            "name not allowed": daemon.wish(self.server, f"d.{self.zone}", key=ns.KEY.name),
            "zone not allowed": daemon.wish(self.server, self.server.locked, key=ns.KEY.name),
            "zone not served": daemon.wish(self.server, "nowhere.example", key=ns.KEY.name, zone="nowhere.example"),
        }
        wishes = {case: wish for case, wish in wishes.items() if case in self.refusals}
        daemon.set(domains=[*wishes.values(), daemon.wish(self.server, key=ns.KEY.name)], publish=True)
        for case, wish in wishes.items():
            with self.subTest(case):
                code, hresult, *words = self.refusals[case]
                shown = daemon.when(wish["domain"], "failed")
                self.assertEqual((shown["code"], shown["hresult"]), (code, hresult), shown)
                event = daemon.event(FAILED, wish["domain"])
                self.assertEqual((event["fields"]["code"], event["fields"]["info"]), (code, hresult), event)
                self.assertTrue(event["message"].startswith(
                    "Publishing the Key Management Service (KMS) to DNS in the "
                    f"'{wish['domain']}' domain failed."), event)
                self.assertIn(f"Info: {hresult}.", event["message"])
                self.assert_words(event["fields"]["reason"], *words)
                self.assertEqual(daemon.events(PUBLISHED, wish["domain"]), [])
        # One that is refused holds up no other.
        daemon.when(self.zone, "published")
        self.assert_services(self.ours())
        self.assertEqual(self.server.services(self.server.locked), [f"0 0 1688 kms1.{self.server.locked}."])
        daemon.ctl("dns", "withdraw", "--yes")
        daemon.when(self.zone, "withdrawn")

    def test_a_wrong_clock_is_told_and_by_how_much(self):
        daemon = self.appliance(keys=[ns.KEY])
        code, hresult, *words = self.clock
        self.server.set_clock(2 * 3600 + 90)
        try:
            daemon.set(domains=[daemon.wish(self.server, key=ns.KEY.name)], publish=True)
            shown = daemon.when(self.zone, "failed")
            self.assertEqual((shown["code"], shown["hresult"]), (code, hresult), shown)
            self.assert_words(daemon.event(FAILED, self.zone)["fields"]["reason"], *words)
        finally:
            self.server.set_clock(0)
        # It heals by itself when the clock is right again.
        daemon.when(self.zone, "published")
        self.assert_services(self.ours())
        daemon.event(PUBLISHED, self.zone)
        daemon.ctl("dns", "withdraw", "--yes")
        daemon.when(self.zone, "withdrawn")


class Bind(Published, publishing.PublishTest):
    kind = ns.Bind
    refusals = {
        "wrong secret": ("notauth-badsig", BADSIG, "knows a key named muster-512", "secret here is another"),
        "unknown key": ("notauth-badkey", BADKEY, "key stranger", "does not know a key of that name"),
        "unsigned": ("refused-needs-key", REFUSED, "not signed", "Give a key"),
        "name not allowed": ("refused-policy", REFUSED, "knows the key muster-update", "policy does not allow"),
        "zone not allowed": ("refused-policy", REFUSED, "knows the key muster-update", "policy does not allow"),
    }
    clock = ("notauth-badtime", BADTIME, "knows the key", "2 h 1 min behind", "5 minutes are allowed")


class Knot(Published, publishing.PublishTest):
    kind = ns.Knot
    refusals = {
        "wrong secret": ("notauth-badsig", BADSIG, "knows a key named muster-512", "secret here is another"),
        # Knot says the same of both.
        "unknown key": ("notauth-badkey", BADKEY, "does not know a key of that name", "policy does not let"),
        "name not allowed": ("notauth-badkey", BADKEY, "does not know a key of that name", "policy does not let"),
        "zone not allowed": ("notauth-badkey", BADKEY, "does not know a key of that name", "policy does not let"),
        # An unsigned update gets a bare NOTAUTH, of a zone that it serves.
        "unsigned": ("refused-needs-key", NOTAUTH, "not signed", "Give a key"),
    }
    clock = Bind.clock


class PowerDns(Published, publishing.PublishTest):
    kind = ns.PowerDns
    refusals = {
        # PowerDNS says the same of all that it cannot verify.
        "wrong secret": ("refused-unsigned", REFUSED, "PowerDNS", "wrong, unknown or not allowed"),
        "unknown key": ("refused-unsigned", REFUSED, "PowerDNS", "wrong, unknown or not allowed"),
        "unsigned": ("refused-needs-key", REFUSED, "not signed", "Give a key"),
        "zone not allowed": ("refused-policy", REFUSED, "knows the key muster-update", "policy does not allow"),
    }
    clock = ("refused-unsigned", REFUSED, "PowerDNS", "clock")


if __name__ == "__main__":
    network_lab.enter()
    support.main()
