#!/usr/bin/python3
"""Updates and signatures: dnspython writes the same and judges ours, we judge its own; then BIND and Knot."""
import base64
import contextlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.tsig
import dns.update

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support  # noqa: E402
from support.daemon import die_with_the_test  # noqa: E402
from dns_test import free_port  # noqa: E402

ZONE = "example.org"
ORIGIN = dns.name.from_text(ZONE)
SERVICE = f"_vlmcs._tcp.{ZONE}"
ALGORITHMS = ("hmac-sha256", "hmac-sha512")
NOW = 1700000000
SECRET = base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = base64.b64encode(bytes(range(1, 33))).decode()


def probe(*words, lines=()):
    done = subprocess.run([support.BIN / "dns-update-probe", *map(str, words)], input="".join(f"{line}\n" for line in lines),
                          capture_output=True, text=True, timeout=120 * support.PATIENCE)
    assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr)
    return done.stdout.strip()


@contextlib.contextmanager
def at(seconds):
    """dnspython takes the time from here."""
    with unittest.mock.patch("time.time", return_value=float(seconds)):
        yield


def key(name="muster-update", secret=SECRET, algorithm="hmac-sha256"):
    return dns.tsig.Key(name, secret, algorithm)


class Changes:
    """One update in both languages: for the probe in `lines`, for dnspython in `message`."""

    def __init__(self, number):
        self.number = number
        self.lines = []
        self.message = dns.update.UpdateMessage(ZONE, id=number)

    def record(self, name, kind, data, ttl=0):
        return f"{name} {ttl} {kind} {data.rstrip('.')}", name + ".", dns.rdata.from_text("IN", kind.upper(), data)

    def add(self, name, kind, data, ttl):
        line, owner, rdata = self.record(name, kind, data, ttl)
        self.lines.append("add " + line)
        self.message.add(owner, ttl, rdata)

    def remove(self, name, kind, data):
        line, owner, rdata = self.record(name, kind, data)
        self.lines.append("remove " + line)
        self.message.delete(owner, rdata)

    def require(self, word, name, kind=None):
        self.lines.append(f"{word} {name} {kind or ''}".rstrip())
        ask = self.message.present if word in ("in-use", "exists") else self.message.absent
        ask(name + ".", *([kind.upper()] if kind else []))

    def require_is(self, name, kind, data):
        line, owner, rdata = self.record(name, kind, data)
        self.lines.append("is " + line)
        self.message.present(owner, rdata)

    def ours(self):
        return probe("encode", ZONE, self.number, lines=self.lines)


def some_changes(chance, shared):
    """@param shared  targets may have labels in common, which dnspython compresses and we do not (RFC 2782)"""
    changes = Changes(chance.randrange(65536))
    names = [SERVICE, f"kms.{ZONE}", f"a.very.long-name.{'x' * 63}.{ZONE}", ZONE]

    def data(kind):
        if kind == "a":
            return f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"
        if kind == "aaaa":
            return f"2001:db8::{chance.randrange(1, 65535):x}"
        target = f"kms.{ZONE}." if shared else "".join(chance.choices("abcdefgh", k=12)) + "."
        return f"{chance.randrange(65536)} {chance.randrange(65536)} {chance.randrange(1, 65536)} {target}"
    for _ in range(chance.randrange(3)):
        word = chance.choice(("in-use", "not-in-use", "exists", "missing"))
        kind = chance.choice(("srv", "a", "aaaa")) if word in ("exists", "missing") else None
        changes.require(word, chance.choice(names), kind)
    if chance.random() < 0.3:
        kind = chance.choice(("srv", "a", "aaaa"))
        changes.require_is(chance.choice(names), kind, data(kind))
    for _ in range(chance.randrange(4)):
        kind = chance.choice(("srv", "a", "aaaa"))
        changes.remove(chance.choice(names), kind, data(kind))
    for _ in range(chance.randrange(1, 4)):
        kind = chance.choice(("srv", "a", "aaaa"))
        changes.add(chance.choice(names), kind, data(kind), chance.choice((0, 60, 3600, 2 ** 31 - 1)))
    return changes


class Update(unittest.TestCase):
    def test_octet_for_octet_as_dnspython_writes_it(self):
        chance = random.Random(2136)
        for _ in range(60):
            changes = some_changes(chance, shared=False)
            with self.subTest(changes.lines):
                self.assertEqual(changes.ours(), changes.message.to_wire().hex())

    def test_read_back_by_dnspython_where_it_compresses_more(self):
        chance = random.Random(2782)
        for _ in range(30):
            changes = some_changes(chance, shared=True)
            with self.subTest(changes.lines):
                wire = bytes.fromhex(changes.ours())
                # Sections as sets: dnspython gathers the records of one name and type.
                self.assertEqual(str(dns.message.from_wire(wire)), str(dns.message.from_wire(changes.message.to_wire())))


class Signature(unittest.TestCase):
    def setUp(self):
        self.changes = Changes(0x1234)
        self.changes.add(SERVICE, "srv", "0 100 1688 kms.corp.test.", 3600)

    def ours(self, algorithm="hmac-sha256", secret=SECRET, now=NOW):
        return bytes.fromhex(probe("sign", "muster-update", algorithm, secret, now, lines=[self.changes.ours()]))

    def test_octet_for_octet_as_dnspython_signs(self):
        chance = random.Random(8945)
        for algorithm in ALGORITHMS:
            for size in (16, 20, 32, 63, 64, 65, 127, 128, 129, 512):
                secret = base64.b64encode(chance.randbytes(size)).decode()
                now = chance.randrange(2 ** 32)
                self.changes.message.use_tsig(key(secret=secret, algorithm=algorithm))
                with self.subTest((algorithm, size)), at(now):
                    self.assertEqual(self.ours(algorithm, secret, now), self.changes.message.to_wire())

    def test_verified_by_dnspython(self):
        for algorithm in ALGORITHMS:
            wire = self.ours(algorithm)
            with at(NOW + 299):
                read = dns.message.from_wire(wire, keyring=key(algorithm=algorithm))
            self.assertTrue(read.had_tsig)
            with at(NOW + 301), self.assertRaises(dns.tsig.BadTime):
                dns.message.from_wire(wire, keyring=key(algorithm=algorithm))
            with at(NOW), self.assertRaises(dns.tsig.BadSignature):
                dns.message.from_wire(wire, keyring=key(secret=OTHER_SECRET, algorithm=algorithm))

    # What dnspython answers, and what we make of it.

    def answer(self, algorithm="hmac-sha256", rcode=dns.rcode.NOERROR, now=NOW, with_key=None, error=0, other=b"",
               change=None):
        with at(NOW):
            request = dns.message.from_wire(self.ours(algorithm), keyring=key(algorithm=algorithm))
        response = dns.message.make_response(request)
        response.set_rcode(rcode)
        response.use_tsig(with_key or key(algorithm=algorithm), tsig_error=error, other_data=other)
        if change:
            change(response)
        with at(now):
            return response.to_wire()

    def judge(self, answer, algorithm="hmac-sha256", now=NOW):
        words = probe("verify", "muster-update", algorithm, SECRET, NOW, now,
                      lines=[self.changes.ours(), answer.hex()]).split(" ", 6)
        self.assertEqual(words[0], "tsig")
        return words[1], int(words[2]), words[3], words[4], int(words[5]), "".join(words[6:])

    def assert_is(self, kind, answer, authentic=None, **more):
        verdict = self.judge(answer, **more)
        self.assertEqual(verdict[0], kind, verdict)
        self.assertEqual(verdict[2], "authentic" if authentic else "not-authentic", verdict)
        return verdict

    def test_a_right_answer(self):
        for algorithm in ALGORITHMS:
            for rcode in (dns.rcode.NOERROR, dns.rcode.REFUSED, dns.rcode.NXRRSET):
                self.assert_is("good", self.answer(algorithm, rcode), True, algorithm=algorithm)

    def test_no_octet_of_it_can_be_another(self):
        answer = self.answer()
        letters = range(ord("A"), ord("z") + 1)
        for place in range(0, len(answer), 3):
            flipped = bytearray(answer)
            flipped[place] ^= 0xFF if flipped[place] not in letters else 0x01
            self.assertNotEqual(self.judge(bytes(flipped))[0], "good", place)

    def test_another_secret_or_key_or_algorithm(self):
        self.assert_is("bad-mac", self.answer(with_key=key(secret=OTHER_SECRET)))
        self.assert_is("bad-key-name", self.answer(with_key=key(name="other")))
        self.assert_is("bad-algorithm", self.answer(with_key=key(algorithm="hmac-sha512")))
        self.assert_is("bad-algorithm", self.answer(with_key=key(algorithm="hmac-sha256-128")))

    def test_an_answer_to_another_request(self):
        def other(response):
            response.request_mac = bytes(32)

        def none(response):
            response.request_mac = b""
        self.assert_is("bad-mac", self.answer(change=other))
        self.assert_is("bad-mac", self.answer(change=none))

    def test_an_answer_of_another_time(self):
        verdict = self.assert_is("outside-fudge", self.answer(now=NOW - 4000), True)
        self.assertEqual(verdict[4], NOW - 4000)
        self.assertIn("4000 s behind", verdict[5])
        self.assert_is("good", self.answer(now=NOW - 300), True)
        self.assert_is("outside-fudge", self.answer(), True, now=NOW + 301)

    def test_bad_time_with_the_servers_clock(self):
        theirs = NOW + 86400
        other = struct.pack(">Q", theirs)[2:]
        verdict = self.assert_is("server-error", self.answer(rcode=dns.rcode.NOTAUTH, error=18, other=other), True)
        self.assertEqual((verdict[1], verdict[4]), (18, theirs))
        self.assertIn("86400 s ahead", verdict[5])

    def test_unsigned_errors(self):
        for error, word in ((16, "BADSIG"), (17, "BADKEY")):
            # As RFC 8945 5.3.2 wants it: the record is there, its MAC is not.
            plain = dns.message.make_response(dns.message.from_wire(bytes.fromhex(self.changes.ours())))
            plain.set_rcode(dns.rcode.NOTAUTH)
            wire = bytearray(plain.to_wire())
            rdata = dns.name.from_text("hmac-sha256").to_wire() + struct.pack(">HIHHHHH", 0, NOW, 300, 0, 0x1234, error, 0)
            wire += dns.name.from_text("muster-update").to_wire() + struct.pack(">HHIH", 250, 255, 0, len(rdata)) + rdata
            wire[10:12] = struct.pack(">H", 1)
            verdict = self.assert_is("server-error", bytes(wire))
            self.assertEqual((verdict[1], verdict[3]), (error, "no-mac"))
            self.assertIn(word, verdict[5])

    def test_no_signature(self):
        plain = dns.message.make_response(dns.message.from_wire(bytes.fromhex(self.changes.ours())))
        self.assert_is("unsigned", plain.to_wire())


NAMED = """options {{
    directory "{directory}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    notify no;
}};
controls {{ }};
key "muster-update" {{ algorithm {algorithm}; secret "{secret}"; }};
zone "example.org" {{
    type primary;
    file "{directory}/zone";
    update-policy {{ grant muster-update name _vlmcs._tcp.example.org. SRV; }};
}};
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
key:
  - id: muster-update
    algorithm: {algorithm}
    secret: {secret}
acl:
  - id: publish
    key: muster-update
    action: update
    update-type: [SRV]
    update-owner: name
    update-owner-name: [_vlmcs._tcp]
zone:
  - domain: example.org
    file: {directory}/zone
    acl: publish
"""

ZONE_FILE = """$TTL 3600
$ORIGIN example.org.
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
_vlmcs._tcp IN SRV 0 0 1688 licensed.corp.test.
"""

OURS = f"{SERVICE} 3600 srv 0 100 1688 kms.corp.test"


class Server:
    """The same expectations of each; mixed into a TestCase."""
    program = config = arguments = None
    forbidden = None  # what a signed update of a name that the policy does not grant gets

    def start(self, algorithm):
        directory = Path(tempfile.mkdtemp(prefix="muster-dns."))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        (directory / "zone").write_text(ZONE_FILE)
        self.port = free_port()
        (directory / "config").write_text(
            self.config.format(directory=directory, port=self.port, algorithm=algorithm, secret=SECRET))
        # A copy of its own: a profile of AppArmor for the installed path knows nothing of this directory.
        program = shutil.copy(self.program, directory)
        log = open(directory / "log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([program, *self.arguments, "-c", directory / "config"], stdout=log, stderr=log,
                                   preexec_fn=die_with_the_test)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def ready():
            assert process.poll() is None, f"{self.program} ended:\n" + (directory / "log").read_text()
            try:
                return self.targets()
            except (dns.exception.DNSException, OSError):
                return None
        support.wait_for(ready, 60, lambda: f"{self.program} answers:\n" + (directory / "log").read_text())

    def targets(self):
        answer = dns.query.udp(dns.message.make_query(SERVICE, "SRV"), "127.0.0.1", port=self.port, timeout=5)
        return sorted(str(rdata) for rrset in answer.answer for rdata in rrset)

    def send(self, *lines, algorithm="hmac-sha256", name="muster-update", secret=SECRET, skew=0, carrier="udp"):
        rcode, tsig = probe("send", f"127.0.0.1:{self.port}", ZONE, name, algorithm, secret, skew, carrier,
                            lines=lines).splitlines()
        words = tsig.split(" ", 6)
        return rcode.split(" ")[1], words[1], int(words[2]), words[3], tsig

    def test_a_record_comes_and_goes_and_the_others_stay(self):
        for algorithm in ALGORITHMS:
            self.start(algorithm)
            theirs = "0 0 1688 licensed.corp.test."
            for carrier in ("udp", "tcp"):
                self.assertEqual(self.send("add " + OURS, algorithm=algorithm, carrier=carrier)[:2], ("NOERROR", "good"))
                self.assertEqual(self.targets(), [theirs, "0 100 1688 kms.corp.test."])
                moved = OURS.replace(" 1688 ", " 1689 ")
                self.assertEqual(self.send("remove " + OURS, "add " + moved, algorithm=algorithm)[:2], ("NOERROR", "good"))
                self.assertEqual(self.targets(), [theirs, "0 100 1689 kms.corp.test."])
                self.assertEqual(self.send("remove " + moved, algorithm=algorithm)[:2], ("NOERROR", "good"))
                self.assertEqual(self.targets(), [theirs])

    def test_a_long_update_goes_by_tcp(self):
        self.start("hmac-sha256")
        lines = [f"add {SERVICE} 60 srv {i} 0 1688 the-kms-host-number-{i}.corp.test" for i in range(60)]
        self.assertEqual(self.send(*lines)[:2], ("NOERROR", "good"))

    def test_prerequisites(self):
        self.start("hmac-sha256")
        is_theirs = f"is {SERVICE} 0 srv 0 0 1688 licensed.corp.test"
        for require, rcode in ((f"missing {SERVICE} srv", "YXRRSET"), (f"exists {SERVICE} a", "NXRRSET"),
                               (f"not-in-use {SERVICE}", "YXDOMAIN"), (f"in-use gone.{ZONE}", "NXDOMAIN"),
                               (is_theirs.replace("licensed", "other"), "NXRRSET"), (is_theirs, "NOERROR")):
            with self.subTest(require):
                self.assertEqual(self.send(require, "add " + OURS)[:2], (rcode, "good"))
                self.assertEqual("0 100 1688 kms.corp.test." in self.targets(), rcode == "NOERROR")

    def test_refusals(self):
        self.start("hmac-sha256")
        self.assertEqual(self.send("add " + OURS, secret=OTHER_SECRET)[:4], ("NOTAUTH", "server-error", 16, "not-authentic"))
        self.assertEqual(self.send("add " + OURS, name="nobody")[:4], ("NOTAUTH", "server-error", 17, "not-authentic"))
        for skew, word in ((-4000, "ahead of"), (4000, "behind")):
            before = time.time()
            rcode, kind, error, authentic, words = self.send("add " + OURS, skew=skew)
            self.assertEqual((rcode, kind, error, authentic), ("NOTAUTH", "server-error", 18, "authentic"))
            self.assertIn(word, words)
            self.assertAlmostEqual(int(words.split(" ")[5]), before, delta=60 * support.PATIENCE)
        self.assertEqual(self.send(f"add other.{ZONE} 60 a 10.0.0.1")[:3], self.forbidden)
        self.assertEqual(self.targets(), ["0 0 1688 licensed.corp.test."])


class Bind(Server, unittest.TestCase):
    program, config, arguments = "/usr/sbin/named", NAMED, ("-f",)
    forbidden = ("REFUSED", "good", 0)


class Knot(Server, unittest.TestCase):
    program, config, arguments = "/usr/sbin/knotd", KNOT, ()
    forbidden = ("NOTAUTH", "server-error", 17)


if __name__ == "__main__":
    support.main()
