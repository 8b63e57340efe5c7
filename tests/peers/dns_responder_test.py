#!/usr/bin/python3
"""The responder, asked by dig, and through a BIND that delegates _vlmcs._tcp to it. In a network namespace: a delegation
has no port, so that both stand on port 53."""
import os
import re
import shutil
import socket
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

if "--in-namespace" not in sys.argv:
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    os.execvp(own[0], [*own, sys.executable, *sys.argv, "--in-namespace"])
sys.argv.remove("--in-namespace")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support  # noqa: E402
from support.daemon import die_with_the_test  # noqa: E402

OWN, PARENT = "127.0.53.2", "127.0.53.1"
NAME = "_vlmcs._tcp.corp.example"
TARGET = f"muster.{NAME}"

ZONE = f"""$TTL 3600
$ORIGIN corp.example.
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A {PARENT}
_vlmcs._tcp IN NS muster-01
muster-01 IN A {OWN}
"""

NAMED = """options {{
    directory "{directory}";
    pid-file none;
    session-keyfile none;
    listen-on port 53 {{ {address}; }};
    listen-on-v6 {{ none; }};
    recursion yes;
    allow-recursion {{ any; }};
    dnssec-validation no;
    notify no;
    empty-zones-enable no;
}};
controls {{ }};
zone "." {{ type primary; file "{directory}/root"; }};
zone "corp.example" {{ type primary; file "{directory}/zone"; }};
"""
ROOT = f"""$TTL 3600
@ IN SOA ns.corp.example. hostmaster.corp.example. 1 3600 600 86400 60
@ IN NS ns.corp.example.
corp.example. IN NS ns.corp.example.
ns.corp.example. IN A {PARENT}
"""


def dig(*words, server=OWN):
    """dig's own reading: (status, flags, the lines of each section)."""
    done = subprocess.run(["dig", f"@{server}", "+tries=1", f"+timeout={int(5 * support.PATIENCE)}", *words], capture_output=True,
                          text=True, timeout=120 * support.PATIENCE)
    text = done.stdout
    assert "MALFORMED" not in text.upper() and "WARNING: Message parser" not in text, text
    status = re.search(r"status: (\w+)", text)
    flags = re.search(r";; flags: ([a-z ]+);", text)
    sections = {name.lower(): [" ".join(line.split()) for line in body.splitlines() if line and not line.startswith(";")]
                for name, body in re.findall(r";; (\w+) SECTION:\n(.*?)(?:\n\n|\Z)", text, re.S)}
    return status and status[1], flags[1].split() if flags else [], sections


class Responder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # named listens on addresses that an interface has, and on no others.
        subprocess.run(["ip", "address", "add", f"{PARENT}/8", "dev", "lo"], check=True)
        cls.probe = cls.start("20000")

    @classmethod
    def start(cls, rate, address=OWN):
        probe = subprocess.Popen([support.BIN / "dns-responder-probe", f"{address}:53", rate, "corp.example",
                                  "muster-01.corp.example", "0", "100", "1688", TARGET, "10.20.0.16", "2001:db8::16"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_the_test)
        cls.addClassCleanup(probe.wait)
        cls.addClassCleanup(probe.stdout.close)
        cls.addClassCleanup(probe.stdin.close)
        assert probe.stdout.readline() == "ready\n"
        return probe

    def test_the_record_with_its_addresses(self):
        for how in ("+notcp", "+tcp", "+noedns", "+bufsize=512", "+keepopen", "+dnssec", "+nocookie"):
            with self.subTest(how):
                status, flags, sections = dig(how, "+norecurse", NAME, "SRV")
                self.assertEqual((status, flags), ("NOERROR", ["qr", "aa"]))
                self.assertEqual(sections["answer"], [f"{NAME}. 1200 IN SRV 0 100 1688 {TARGET}."])
                self.assertEqual(sections["additional"], [f"{TARGET}. 1200 IN A 10.20.0.16",
                                                          f"{TARGET}. 1200 IN AAAA 2001:db8::16"])

    def test_the_apex_of_a_delegated_zone(self):
        _, _, sections = dig(NAME, "SOA")
        self.assertEqual(sections["answer"],
                         [f"{NAME}. 1200 IN SOA muster-01.corp.example. hostmaster.corp.example. 7 3600 600 86400 60"])
        _, _, sections = dig(NAME, "NS")
        self.assertEqual(sections["answer"], [f"{NAME}. 1200 IN NS muster-01.corp.example."])
        status, _, sections = dig(NAME, "TXT")
        self.assertEqual((status, len(sections["authority"])), ("NOERROR", 1))
        self.assertEqual(dig(f"nobody.{NAME}", "A")[0], "NXDOMAIN")

    def test_everything_else_is_refused(self):
        for words in (("corp.example", "SOA"), ("example.net", "A"), (".", "NS"), ("version.bind", "TXT", "CH"),
                      ("+tcp", NAME, "AXFR"), ("+ednsopt=15", "www.example.net", "A")):
            with self.subTest(words):
                status, flags, sections = dig(*words)
                if "AXFR" in words:
                    self.assertNotIn("answer", sections)
                else:
                    self.assertEqual((status, "ra" in flags), ("REFUSED", False))
        self.assertEqual(dig("+edns=1", "+noednsneg", NAME, "SRV")[0], "BADVERS")
        self.assertEqual(dig("+opcode=notify", NAME, "SOA")[0], "NOTIMP")

    def test_many_queries_on_one_connection(self):
        query = dns.message.make_query(NAME, "SRV")
        with socket.create_connection((OWN, 53), timeout=30 * support.PATIENCE) as connection:
            for _ in range(20):
                dns.query.send_tcp(connection, query)
            for _ in range(20):
                answer, _ = dns.query.receive_tcp(connection)
                self.assertTrue(query.is_response(answer))
                self.assertEqual(len(answer.answer), 1)

    def test_over_the_rate_honest_askers_come_by_tcp(self):
        address = "127.0.53.3"
        self.start("5", address)
        query = dns.message.make_query(NAME, "SRV")
        whole = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.connect((address, 53))
            asker.settimeout(30 * support.PATIENCE)
            for _ in range(200):
                asker.send(query.to_wire())
            while not (answer := dns.message.from_wire(asker.recv(2048))).flags & dns.flags.TC:
                whole += 1
                self.assertTrue(query.is_response(answer))
        self.assertGreaterEqual(whole, 5)
        self.assertEqual(answer.answer, [])
        self.assertEqual(len(dns.query.tcp(query, address, timeout=30 * support.PATIENCE).answer), 1)

    def test_bind_that_delegates_to_it(self):
        directory = Path(tempfile.mkdtemp(prefix="muster-dns."))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        directory.joinpath("zone").write_text(ZONE)
        directory.joinpath("root").write_text(ROOT)
        directory.joinpath("config").write_text(NAMED.format(directory=directory, address=PARENT))
        # A copy of its own: a profile of AppArmor for the installed path knows nothing of this directory.
        program = shutil.copy("/usr/sbin/named", directory)
        log = open(directory / "log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([program, "-g", "-n", "1", "-c", directory / "config"], stdout=log, stderr=log,
                                   preexec_fn=die_with_the_test)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        soa = dns.message.make_query("corp.example", "SOA")

        def ready():
            assert process.poll() is None, "named ended:\n" + (directory / "log").read_text()
            try:
                return dns.query.udp(soa, PARENT, timeout=1).answer
            except (dns.exception.DNSException, OSError):
                return None
        support.wait_for(ready, 60, lambda: "named answers:\n" + (directory / "log").read_text())

        status, flags, sections = dig(NAME, "SRV", server=PARENT)
        self.assertEqual((status, "aa" in flags), ("NOERROR", False))
        self.assertEqual(sections["answer"], [f"{NAME}. 1200 IN SRV 0 100 1688 {TARGET}."])
        status, _, sections = dig(TARGET, "A", server=PARENT)
        self.assertEqual((status, sections["answer"]), ("NOERROR", [f"{TARGET}. 1200 IN A 10.20.0.16"]))
        self.assertEqual(dig(f"nobody.{NAME}", "A", server=PARENT)[0], "NXDOMAIN")
        # And what Muster itself finds through it.
        done = subprocess.run([support.BIN / "dns-lookup-probe", "services", "corp.example", f"{PARENT}:53"],
                              capture_output=True, text=True, timeout=120 * support.PATIENCE)
        self.assertIn(f"service 0 100 1688 {TARGET} 10.20.0.16 2001:db8::16", done.stdout)


if __name__ == "__main__":
    support.main()
