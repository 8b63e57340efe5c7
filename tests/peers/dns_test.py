#!/usr/bin/python3
"""Name servers that nobody here wrote, BIND and Knot, asked as the relay asks; and one made of lies, on dnspython."""
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support  # noqa: E402
from lying_server import Liar, free_port, reply, truncated  # noqa: E402
from support.daemon import die_with_the_test  # noqa: E402

ZONE = """$TTL 3600
$ORIGIN example.org.
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
_vlmcs._tcp IN SRV 0 10 1688 kms1
_vlmcs._tcp IN SRV 10 0 1689 KMS2
kms1 300 IN A 10.0.0.11
kms1 300 IN A 10.0.0.12
kms1 300 IN AAAA 2001:db8::1
kms2 IN A 10.0.0.2
kms IN CNAME kms1
_vlmcs._tcp.alias 60 IN CNAME _vlmcs._tcp
_vlmcs._tcp.away IN CNAME _vlmcs._tcp.example.net.
_vlmcs._tcp.none IN SRV 0 0 0 .
_vlmcs._tcp.empty IN TXT "no SRV here"
_vlmcs._tcp.stale IN SRV 0 0 1688 retired
""" + "".join(f"_vlmcs._tcp.big IN SRV {i} 0 1688 the-kms-host-number-{i}\nthe-kms-host-number-{i} IN A 10.1.0.{i}\n"
              for i in range(1, 91))

NAMED = """options {{
    directory "{directory}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    minimal-responses no;
    notify no;
}};
controls {{ }};
zone "example.org" {{ type primary; file "{directory}/zone"; }};
"""

KNOT = """server:
    listen: 127.0.0.1@{port}
    rundir: {directory}
    pidfile: {directory}/knot.pid
database:
    storage: {directory}
log:
  - target: stderr
    any: info
zone:
  - domain: example.org
    file: {directory}/zone
"""


def ask(kind, name, *resolvers):
    """What the relay's look-up understands: (word, TTL, text), the lines after it."""
    done = subprocess.run([support.BIN / "dns-lookup-probe", kind, name, *(f"127.0.0.1:{p}" for p in resolvers)],
                          capture_output=True, text=True, timeout=120 * support.PATIENCE)
    assert done.returncode == 0 and not done.stderr, done.stderr
    first, *lines = done.stdout.splitlines()
    word, ttl, text = first.split(" ", 2)
    return (word, int(ttl), text), lines


class NameServer:
    """The same expectations of each server; mixed into a TestCase."""
    program = config = arguments = None

    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="muster-dns."))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.directory.joinpath("zone").write_text(ZONE)
        # A copy of its own: a profile of AppArmor for the installed path knows nothing of this directory.
        program = shutil.copy(cls.program, cls.directory)
        cls.port = free_port()
        cls.directory.joinpath("config").write_text(cls.config.format(directory=cls.directory, port=cls.port))
        cls.log = open(cls.directory / "log", "wb")
        cls.addClassCleanup(cls.log.close)
        process = subprocess.Popen([program, *cls.arguments, "-c", cls.directory / "config"], stdout=cls.log, stderr=cls.log,
                                   preexec_fn=die_with_the_test)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.terminate)
        query = dns.message.make_query("example.org", "SOA")

        def ready():
            assert process.poll() is None, f"{cls.program} ended:\n" + (cls.directory / "log").read_text()
            try:
                return dns.query.udp(query, "127.0.0.1", port=cls.port, timeout=1).answer
            except (dns.exception.DNSException, OSError):
                return None
        support.wait_for(ready, 60, lambda: f"{cls.program} answers:\n" + (cls.directory / "log").read_text())

    def test_services_with_their_addresses(self):
        (word, ttl, _), lines = ask("services", "example.org", self.port)
        self.assertEqual((word, ttl), ("found", 300))
        self.assertEqual(lines, ["service 0 10 1688 kms1.example.org 10.0.0.11 10.0.0.12 2001:db8::1",
                                 "service 10 0 1689 kms2.example.org 10.0.0.2"])

    def test_the_zone_of_a_name_and_its_servers(self):
        # The start of the zone stands in the answer, or beside a denial.
        for name, word in (("example.org", "found"), ("_vlmcs._tcp.example.org", "no-records"), ("no.such.example.org", "no-name")):
            (said, _, _), lines = ask("soa", name, self.port)
            self.assertEqual(said, word)
            self.assertIn("zone example.org ns.example.org 1", lines)
        (said, ttl, _), lines = ask("ns", "example.org", self.port)
        self.assertEqual((said, ttl, lines), ("found", 3600, ["server ns.example.org"]))

    def test_services_behind_an_alias(self):
        (word, ttl, _), lines = ask("services", "ALIAS.example.org.", self.port)
        self.assertEqual((word, ttl, len(lines)), ("found", 60, 2))

    def test_an_alias_into_a_zone_that_is_not_served(self):
        (word, _, text), _ = ask("services", "away.example.org", self.port)
        self.assertEqual(word, "refused")
        self.assertIn("_vlmcs._tcp.example.net", text)

    def test_addresses_behind_an_alias(self):
        (word, ttl, _), lines = ask("addresses", "kms.example.org", self.port)
        self.assertEqual((word, ttl), ("found", 300))
        self.assertEqual(lines, ["addresses 10.0.0.11 10.0.0.12 2001:db8::1"])

    def test_more_records_than_fit_into_a_datagram(self):
        query = dns.message.make_query("_vlmcs._tcp.big.example.org", "SRV", use_edns=0, payload=1232)
        answer = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=60)
        self.assertTrue(answer.flags & dns.flags.TC)  # or this test would show nothing
        (word, _, _), lines = ask("services", "big.example.org", self.port)
        self.assertEqual(word, "found")
        self.assertEqual(lines[0], "note 26 SRV records beyond 64 are left out")
        self.assertEqual(lines[1:], [f"service {i} 0 1688 the-kms-host-number-{i}.example.org 10.1.0.{i}"
                                     for i in range(1, 65)])

    def test_what_is_not_there(self):
        for name, word in {"none.example.org": "no-service", "empty.example.org": "no-records",
                           "absent.example.org": "no-name", "example.net": "refused"}.items():
            with self.subTest(name):
                (said, _, text), lines = ask("services", name, self.port)
                self.assertEqual(said, word)
                self.assertIn(f"127.0.0.1:{self.port}", text)
                self.assertEqual(lines, [])
        self.assertEqual(ask("addresses", "absent.example.org", self.port)[0][0], "no-name")

    def test_a_target_that_is_gone(self):
        (word, _, _), lines = ask("services", "stale.example.org", self.port)
        self.assertEqual((word, lines), ("found", ["service 0 0 1688 retired.example.org"]))

    def test_it_helps_where_the_first_resolver_does_not(self):
        (word, _, _), lines = ask("services", "example.org", free_port(), self.port)
        self.assertEqual((word, len(lines)), ("found", 2))


class Bind(NameServer, unittest.TestCase):
    program = "/usr/sbin/named"
    config = NAMED
    arguments = ["-4", "-g", "-n", "1"]


class Knot(NameServer, unittest.TestCase):
    program = "/usr/sbin/knotd"
    config = KNOT
    arguments = []


KMS = "kms.example.org"
TRUTH = (KMS + ".", 60, "IN", "A", "10.0.0.1")
LIE = (KMS + ".", 60, "IN", "A", "10.6.6.6")


def honest(query):
    return reply(query, *([TRUTH] if query.question[0].rdtype == 1 else []))


class Lies(unittest.TestCase):
    def lookup(self, lie, kind="addresses", name=KMS):
        with Liar(lie) as port:
            return ask(kind, name, port)

    def test_an_answer_with_another_id_is_passed_over(self):
        def lie(query, _):
            wrong = reply(query, LIE)
            wrong.id ^= 0x5555
            return [wrong, honest(query)]
        self.assertEqual(self.lookup(lie)[1], ["addresses 10.0.0.1"])

    def test_an_answer_to_another_question_is_passed_over(self):
        def lie(query, _):
            other = dns.message.make_query("kms.example.net", "A")
            other.id = query.id
            return [reply(other, LIE), honest(query)]
        self.assertEqual(self.lookup(lie)[1], ["addresses 10.0.0.1"])

    def test_an_answer_from_another_port_is_passed_over(self):
        self.assertEqual(self.lookup(lambda query, _: [(reply(query, LIE).to_wire(),), honest(query)])[1],
                         ["addresses 10.0.0.1"])

    def test_an_answer_for_another_name_is_not_taken(self):
        (word, _, _), _ = self.lookup(lambda query, _: [reply(query, ("evil.example.org.", 60, "IN", "A", "10.6.6.6"))])
        self.assertEqual(word, "no-records")

    def test_silence_and_garbage_end_in_time(self):
        for lie in (lambda *_: [], lambda *_: [b""], lambda *_: [b"\0" * 600], lambda query, _: [query]):
            self.assertEqual(self.lookup(lie)[0][0], "timed-out")

    def test_two_hundred_records_by_tcp(self):
        records = [("_vlmcs._tcp.example.org.", 60, "IN", "SRV", *(f"{i} 0 1688 h{i}.example.org." for i in range(200)))]

        def lie(query, tcp):
            if not tcp:
                return [truncated(query)]
            return [reply(query, *records)] if query.question[0].rdtype == 33 else [reply(query)]
        (word, _, _), lines = self.lookup(lie, "services", "example.org")
        self.assertEqual((word, len(lines)), ("found", 65))
        self.assertEqual(lines[0], "note 136 SRV records beyond 64 are left out")

    def test_lies_by_tcp(self):
        for words in ([], [b""], [b"\0" * 11], [b"RAW"], [b"HANG"], [b"\xff" * 65535]):
            with self.subTest(words and words[0][:4]):
                (word, _, _), _ = self.lookup(lambda query, tcp: words if tcp else [truncated(query)])
                self.assertIn(word, ("malformed", "timed-out", "unreachable"))
        (word, _, _), _ = self.lookup(lambda query, tcp: [truncated(query)])
        self.assertEqual(word, "malformed")

    def test_aliases_in_a_circle(self):
        circle = [("kms.example.org.", 60, "IN", "CNAME", "a.example.org."),
                  ("a.example.org.", 60, "IN", "CNAME", "kms.example.org.")]
        self.assertEqual(self.lookup(lambda query, _: [reply(query, *circle)])[0][0], "malformed")

    def test_a_bomb_of_pointers(self):
        # 16 KiB of pointers, each to the one before it, and then records that all begin at the last.
        def lie(query, tcp):
            if not tcp:
                return [truncated(query)]
            wire = bytearray(reply(query).to_wire())
            start = len(wire)
            wire += b"\1a" + struct.pack(">H", 0xC000 | 12)
            rdata = bytearray(b"\1a\xc0\x0c")
            for at in range(start, 0x3FF0, 2):
                rdata += struct.pack(">H", 0xC000 | max(at, 12))
            wire += struct.pack(">HHIH", 16, 1, 60, len(rdata)) + rdata
            count = 1
            while len(wire) < 65000:
                wire += struct.pack(">HHHIH", 0xC000 | 0x3FE0, 1, 1, 60, 4) + b"\x0a\6\6\6"
                count += 1
            wire[6:8] = struct.pack(">H", count)
            return [bytes(wire)]
        self.assertIn(self.lookup(lie)[0][0], ("malformed", "no-records", "timed-out"))

    def test_a_pointer_to_itself(self):
        def lie(query, _):
            wire = bytearray(reply(query).to_wire())
            wire += struct.pack(">HHHIH", 0xC000 | len(wire), 1, 1, 60, 4) + b"\x0a\6\6\6"
            wire[6:8] = struct.pack(">H", 1)
            return [bytes(wire)]
        self.assertEqual(self.lookup(lie)[0][0], "malformed")

    def test_two_tsig_records_that_nobody_asked_for(self):
        def lie(query, _):
            wire = bytearray(honest(query).to_wire())
            wire += 2 * (b"\0" + struct.pack(">HHIH", 250, 255, 0, 0))
            wire[10:12] = struct.pack(">H", 2)
            return [bytes(wire)]
        self.assertEqual(self.lookup(lie)[1], ["addresses 10.0.0.1"])

    def test_every_octet_of_an_honest_answer_turned(self):
        # One octet is another one in each answer; what comes out is the truth, another address or a reason.
        def turned(position):
            def lie(query, _):
                wire = bytearray(reply(query, TRUTH).to_wire())
                wire[position % len(wire)] ^= 0xFF
                return [bytes(wire), honest(query)]
            return lie
        with Liar(lambda query, tcp: turned(next(positions))(query, tcp)) as port:
            positions = iter(range(10 ** 6))
            for _ in range(30):
                (word, _, _), _ = ask("addresses", KMS, port)
                self.assertIn(word, ("found", "malformed", "no-records", "no-name", "refused", "server-failure",
                                     "not-served", "timed-out", "unreachable"))


if __name__ == "__main__":
    support.main()
