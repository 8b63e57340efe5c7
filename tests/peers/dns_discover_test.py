#!/usr/bin/python3
"""`dns view` says what a client would meet: compared with what dig shows and with what the simulated client does, for
records of every kind on a real named."""
import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import name_servers as ns  # noqa: E402
import network_lab  # noqa: E402
import publishing  # noqa: E402
import support  # noqa: E402

ZONE = "corp.example"
NAME_ERROR, NO_RECORDS, SERVER_FAILURE, UNAVAILABLE = "0x8007232B", "0x8007251D", "0x8007232A", "0x800706BA"

#: muster-01 and muster-02 are appliances; kms1 is a machine without one; retired has no address.
RECORDS = """
_vlmcs._tcp.one IN SRV 0 0 1688 muster-01
_vlmcs._tcp.weights IN SRV 0 30 1688 muster-01
_vlmcs._tcp.weights IN SRV 0 10 1688 muster-02
_vlmcs._tcp.priority IN SRV 10 100 1688 muster-01
_vlmcs._tcp.priority IN SRV 0 0 1688 muster-02
_vlmcs._tcp.stale IN SRV 0 0 1688 retired
_vlmcs._tcp.closed IN SRV 0 0 1688 kms1
_vlmcs._tcp.both IN SRV 0 0 1688 retired
_vlmcs._tcp.both IN SRV 10 0 1688 muster-01
_vlmcs._tcp.foreign IN SRV 0 0 53 ns1
_vlmcs._tcp.port IN SRV 0 0 1690 muster-01
_vlmcs._tcp.empty IN TXT "no SRV here"
_vlmcs._tcp.alias IN CNAME _vlmcs._tcp.one
_vlmcs._tcp.nowhere IN SRV 0 0 0 .
_vlmcs._tcp.large IN SRV 0 0 1688 muster-01
""" + "".join(f"_vlmcs._tcp.large IN SRV 10 0 {2000 + number} a-machine-with-a-long-name-{number}.and-no-address\n"
              for number in range(50))

#: Of Windows 7: how many ask which target first, and the error code without a host. RFC 2782 draws from 0 to the sum of
#: weights, both included, over records in any order: of 30 and 10 the first has (31/41 + 30/41) / 2.
TABLE = {
    "one": ({"muster-01": "all"}, None),
    "none": ({}, NAME_ERROR),
    "empty": ({}, NO_RECORDS),
    "broken": ({}, SERVER_FAILURE),
    "weights": ({"muster-01": "744 of 1,000", "muster-02": "256 of 1,000"}, None),
    "priority": ({"muster-01": "none", "muster-02": "all"}, None),
    "alias": ({"muster-01": "all"}, None),
    "both": ({"retired": "all", "muster-01": "none"}, None),
    "stale": ({"retired": "all"}, UNAVAILABLE),
    "closed": ({"kms1": "all"}, UNAVAILABLE),
    "port": ({"muster-01": "all"}, UNAVAILABLE),
    "foreign": ({"ns1": "all"}, UNAVAILABLE),
    "nowhere": ({}, None),  # RFC 2782: decidedly not here; what the client reports is compared, not told here
}


class Discover(publishing.PublishTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = ns.Bind(publishing.directory_for(cls), "10.53.1.1", more=RECORDS)
        # A zone whose primary never answered: SERVFAIL.
        network_lab.address("10.53.1.9")
        cls.server.more_zones = (f'zone "broken.{ZONE}" {{ type secondary; primaries {{ 10.53.1.9; }}; '
                                 f'file "{cls.server.directory}/broken"; }};\n')
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        network_lab.resolvers(cls.server.address)
        network_lab.address("10.53.9.9")

    def setUp(self):
        super().setUp()
        self.appliances = [self.appliance(f"muster-0{number}", f"10.53.9.{number}") for number in (1, 2)]
        self.appliances[0].install_key()
        self.appliances[1].install_key()

    def view(self, *suffixes, kind="win7"):
        words = [word for suffix in suffixes for word in ("--suffix", suffix)]
        return json.loads(self.appliances[0].ctl("dns", "view", *words, "--as", kind, "--resolver",
                                                 f"{self.server.address}:53", "-o", "json").stdout)

    def dig(self, domain):
        """What dig shows: the code, and the records as text."""
        done = network_lab.run("dig", f"@{self.server.address}", f"_vlmcs._tcp.{domain}", "SRV", "+noall", "+comments",
                               "+answer", "+tries=2")
        records = re.findall(r"\sIN\s+SRV\s+(\d+) (\d+) (\d+) (\S+)", done)
        return re.search(r"status: (\w+)", done).group(1), sorted(
            (int(priority), int(weight), int(port), target.rstrip(".").lower()) for priority, weight, port, target in
            records if target != ".")

    def client(self, domain, family="win7"):
        """What the simulated client comes to: nothing if it was answered by a host, else its error code."""
        done = subprocess.run(
            [support.BIN / "muster-client", "--domain", domain, "--dns-server", self.server.address, "--family", family,
             "--once", "--verbose", "--timeout", "5s", "--seal-key-file", self.appliances[0].home / "seal.key"],
            capture_output=True, text=True, timeout=120 * support.PATIENCE)
        words = done.stdout + done.stderr
        answered = re.search(r"muster-0[12]\.corp\.example:1688", words) and UNAVAILABLE not in words
        return None if answered else re.search(r"0x8007[0-9A-F]{4}", words).group(0), words

    def test_the_table(self):
        for label, (shares, code) in TABLE.items():
            with self.subTest(label):
                domain = f"{label}.{ZONE}"
                status, records = self.dig(domain)
                self.assertEqual(status, {NAME_ERROR: "NXDOMAIN", SERVER_FAILURE: "SERVFAIL"}.get(code, "NOERROR"))
                view = self.view(domain)
                self.assertEqual(sorted((item["priority"], item["weight"], item["port"], item["target"])
                                        for item in view["candidates"]), records, view)
                self.assertEqual({item["target"].split(".")[0]: item["share"] for item in view["candidates"]}, shares, view)
                reported, words = self.client(domain)
                self.assertEqual((view["finds"], view["code"]), (reported is None, reported or ""), f"{view}\n{words}")
                if code:
                    self.assertEqual(view["code"], code)

    def test_vista_takes_any_of_them(self):
        for label in ("weights", "priority"):
            view = self.view(f"{label}.{ZONE}", kind="vista")
            self.assertEqual([item["share"] for item in view["candidates"]], ["500 of 1,000", "500 of 1,000"], view)
        self.assertIsNone(self.client(f"weights.{ZONE}", "vista")[0])

    def test_the_first_suffix_with_records_is_used(self):
        view = self.view(f"none.{ZONE}", f"one.{ZONE}", f"closed.{ZONE}")
        self.assertEqual((view["finds"], view["domain"]), (True, f"one.{ZONE}"), view)
        self.assertEqual([item["target"] for item in view["candidates"]], [f"muster-01.{ZONE}"])

    def test_more_than_fits_into_a_datagram(self):
        domain = f"large.{ZONE}"
        short = network_lab.run("dig", f"@{self.server.address}", f"_vlmcs._tcp.{domain}", "SRV", "+ignore", "+noedns")
        self.assertRegex(short, r"flags:[a-z ]* tc")  # or this test would show nothing
        view = self.view(domain)
        self.assertEqual(sorted((item["priority"], item["weight"], item["port"], item["target"])
                                for item in view["candidates"]), self.dig(domain)[1])
        self.assertTrue(view["finds"], view)
        self.assertIsNone(self.client(domain)[0])

    def test_the_text_says_the_same(self):
        text = self.appliances[0].ctl("dns", "discover", "--suffix", f"closed.{ZONE}", "--as", "win7", "--resolver",
                                      f"{self.server.address}:53").stdout
        self.assertRegex(text, f"kms1.{ZONE}")
        self.assertRegex(text, UNAVAILABLE)


if __name__ == "__main__":
    network_lab.enter()
    support.main()
