#!/usr/bin/python3
"""The name servers of name_servers.py, asked by Debian's own nsupdate: what Muster's expectations are measured by."""
import tempfile
import shutil
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import network_lab  # noqa: E402
import name_servers as ns  # noqa: E402
import support  # noqa: E402

SIGNED, UNSIGNED = "signed", "unsigned"
NO = None  # no TSIG record in the answer


class Rows:
    """One row of the table for each case; what differs between servers is in `says`."""
    kind = None
    says = {}

    @classmethod
    def setUpClass(cls):
        directory = Path(tempfile.mkdtemp(prefix="muster-dns."))
        cls.addClassCleanup(shutil.rmtree, directory, True)
        cls.server = cls.kind(directory, "10.53.1.1")
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()

    def setUp(self):
        self.zone = self.server.zone
        self.owner = f"_vlmcs._tcp.{self.zone}."
        self.other = f"0 0 1688 kms1.{self.zone}."

    def record(self, port, target="muster-01"):
        return f"{self.owner} 3600 SRV 0 0 {port} {target}.{self.zone}."

    def asked(self, case, lines, key=ns.KEY, zone=None):
        said, words = ns.nsupdate(self.server, f"zone {zone or self.zone}\n{lines}\n", *(key.nsupdate() if key else []))
        self.assertEqual(said, self.says.get(case, ("NOERROR", "NOERROR", SIGNED)), f"{case}:\n{words}")

    def test_a_record_comes_is_changed_and_goes(self):
        for key in (ns.KEY, ns.KEY_512):
            self.asked("add", f"update add {self.record(1688)}", key)
            self.assertEqual(self.server.services(), [self.other, f"0 0 1688 muster-01.{self.zone}."])
            self.asked("swap", f"prereq yxrrset {self.owner} SRV {self.other}\n"
                               f"prereq yxrrset {self.owner} SRV 0 0 1688 muster-01.{self.zone}.\n"
                               f"update delete {self.owner} SRV 0 0 1688 muster-01.{self.zone}.\n"
                               f"update add {self.record(1689)}", key)
            self.assertEqual(self.server.services(), [self.other, f"0 0 1689 muster-01.{self.zone}."])
            self.asked("delete", f"update delete {self.owner} SRV 0 0 1689 muster-01.{self.zone}.", key)
            self.assertEqual(self.server.services(), [self.other])

    def test_prerequisites(self):
        self.asked("exists", f"prereq nxrrset {self.owner} SRV\nupdate add {self.record(1690)}")
        self.asked("is another", f"prereq yxrrset {self.owner} SRV 0 0 1 nobody.{self.zone}.\n"
                                 f"update add {self.record(1690)}")
        self.assertEqual(self.server.services(), [self.other])

    def test_refusals(self):
        add = f"update add {self.record(1690)}"
        locked = add.replace(self.zone, self.server.locked)
        self.asked("zone not allowed", locked, zone=self.server.locked)
        self.asked("key not allowed", add, ns.GUEST)
        self.asked("name outside of the zone", "update add _vlmcs._tcp.elsewhere.example. 60 SRV 0 0 1 a.example.")
        self.asked("zone not served", add.replace(self.zone, "nowhere.example"), zone="nowhere.example")
        self.asked("wrong secret", add, ns.FORGED)
        self.asked("unknown key", add, ns.STRANGER)
        self.asked("unsigned", add, None)
        self.assertEqual(self.server.services(), [self.other])
        self.assertEqual(self.server.services(self.server.locked), [self.other.replace(self.zone, self.server.locked)])

    def test_a_name_that_the_policy_forbids(self):
        self.asked("name not allowed", f"update add www.{self.zone}. 60 SRV 0 0 1 kms1.{self.zone}.")

    def test_a_wrong_clock(self):
        self.server.set_clock(3600)
        try:
            self.asked("wrong clock", f"update add {self.record(1690)}")
        finally:
            self.server.set_clock(0)
        self.assertEqual(self.server.services(), [self.other])


class Bind(Rows, unittest.TestCase):
    kind = ns.Bind
    says = {
        "exists": ("YXRRSET", "NOERROR", SIGNED),
        "is another": ("NXRRSET", "NOERROR", SIGNED),
        "zone not allowed": ("REFUSED", "NOERROR", SIGNED),
        "key not allowed": ("REFUSED", "NOERROR", SIGNED),
        "name not allowed": ("REFUSED", "NOERROR", SIGNED),
        "name outside of the zone": ("NOTZONE", "NOERROR", SIGNED),
        "zone not served": ("NOTAUTH", "NOERROR", SIGNED),
        "wrong secret": ("NOTAUTH", "BADSIG", UNSIGNED),
        "unknown key": ("NOTAUTH", "BADKEY", UNSIGNED),
        "unsigned": ("REFUSED", NO, UNSIGNED),
        "wrong clock": ("NOTAUTH", "BADTIME", SIGNED),
    }


class Knot(Rows, unittest.TestCase):
    kind = ns.Knot
    says = {
        "exists": ("YXRRSET", "NOERROR", SIGNED),
        "is another": ("NXRRSET", "NOERROR", SIGNED),
        "zone not allowed": ("NOTAUTH", "BADKEY", UNSIGNED),
        "key not allowed": ("NOTAUTH", "BADKEY", UNSIGNED),
        "name not allowed": ("NOTAUTH", "BADKEY", UNSIGNED),
        "name outside of the zone": ("NOTAUTH", "BADKEY", UNSIGNED),
        "zone not served": ("NOTAUTH", NO, UNSIGNED),
        "wrong secret": ("NOTAUTH", "BADSIG", UNSIGNED),
        "unknown key": ("NOTAUTH", "BADKEY", UNSIGNED),
        "unsigned": ("NOTAUTH", NO, UNSIGNED),
        "wrong clock": ("NOTAUTH", "BADTIME", SIGNED),
    }


class PowerDns(Rows, unittest.TestCase):
    kind = ns.PowerDns
    says = {
        "exists": ("YXRRSET", "NOERROR", SIGNED),
        "is another": ("NXRRSET", "NOERROR", SIGNED),
        "zone not allowed": ("REFUSED", "NOERROR", SIGNED),
        "key not allowed": ("REFUSED", "NOERROR", SIGNED),
        # "name not allowed": a key may change a whole zone
        "name outside of the zone": ("NOTZONE", "NOERROR", SIGNED),
        "zone not served": ("NOTAUTH", "NOERROR", SIGNED),
        "wrong secret": ("REFUSED", NO, UNSIGNED),
        "unknown key": ("REFUSED", NO, UNSIGNED),
        "unsigned": ("REFUSED", NO, UNSIGNED),
        "wrong clock": ("REFUSED", NO, UNSIGNED),
    }


class Secondary(unittest.TestCase):
    def test_it_follows(self):
        directory = Path(tempfile.mkdtemp(prefix="muster-dns."))
        self.addCleanup(shutil.rmtree, directory, True)
        primary = ns.Bind(directory / "primary", "10.53.1.1")
        secondary = ns.Bind(directory / "secondary", "10.53.1.2").follow(primary)
        for server in (primary, secondary):
            self.addCleanup(server.stop)
            server.start()
        ns.nsupdate(primary, f"zone {primary.zone}\nupdate add _vlmcs._tcp.{primary.zone}. 60 SRV 0 0 1688 "
                             f"muster-01.{primary.zone}.\n", *ns.KEY.nsupdate())
        self.assertEqual(len(primary.services()), 2)
        support.wait_for(lambda: secondary.services() == primary.services(), 60, "the secondary's transfer")
        self.assertEqual(primary.records(primary.zone, "NS"), ["ns1.corp.example.", "ns2.corp.example."])


if __name__ == "__main__":
    network_lab.enter()
    support.main()
