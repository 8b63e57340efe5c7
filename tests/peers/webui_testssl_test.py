#!/usr/bin/python3
"""testssl.sh on the page of a daemon: nothing of severity LOW or worse but what a box without an authority cannot have.

Quick is in every run; Whole (ctest label `long`) takes several minutes: it has all of testssl's attacks and clients.
"""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support  # noqa: E402
from support.daemon import DaemonTest, die_with_the_test  # noqa: E402

HARMLESS = {"OK", "INFO"}
# What only an authority can give; TLS 1.3, which mbedTLS 2.28 (Debian 12) has not; and that this machine's openssl, with which it
# asks, has no GOST.
EXCUSED = {"cert_chain_of_trust", "cert_revocation", "cert_crlDistributionPoints", "cert_ocspURL", "OCSP_stapling",
           "DNS_CAArecord", "TLS1_3", "engine_problem"}
FIRST_ERROR = 242  # exit codes from there on: it did not do what it was to do


class Testssl(DaemonTest):
    def found(self, *parts, minutes):
        """testssl's findings by their names. parts: the words of each testssl; they run beside one another."""
        web = support.free_port()
        daemon = self.daemon("--web", f"127.0.0.1:{web}")
        daemon.start_ready()
        rows, text, running = [], "", []
        for number, words in enumerate(parts):
            report, said = self.directory / f"report-{number}.json", self.directory / f"said-{number}"
            with open(said, "w") as out:
                running.append((subprocess.Popen(
                    ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--jsonfile", report, *words,
                     f"127.0.0.1:{web}"], stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_the_test),
                    report, said))
            self.addCleanup(running[-1][0].kill)
        for process, report, said in running:
            code = process.wait(minutes * 60 * support.PATIENCE)
            text += said.read_text()
            self.assertLess(code, FIRST_ERROR, text)
            rows += json.loads(report.read_text())
        self.assertEqual([row for row in rows if row["id"] == "scanProblem"], [], text)
        bad = [f"{row['id']} {row['severity']}: {row['finding']}" for row in rows
               if row["severity"] not in HARMLESS and row["id"].split(" ")[0] not in EXCUSED]
        self.assertEqual(bad, [], text)
        found = {row["id"].split(" ")[0]: row for row in rows}
        for name, words in (("TLS1_2", "offered"), ("SSLv3", "not offered"), ("TLS1", "not offered"), ("TLS1_1", "not offered"),
                            ("cipherlist_STRONG", "offered"), ("cipherlist_AVERAGE", "not offered"), ("PFS", "offered"),
                            ("cert_signatureAlgorithm", "ECDSA with SHA256"), ("cert_trust", "Ok via SAN"),
                            ("cert_expirationStatus", ">= 60 days"), ("cert_validityPeriod", "No finding"),
                            ("HSTS_time", "365 days"), ("X-Frame-Options", "DENY")):
            self.assertIn(words, found[name]["finding"], text)
            self.assertIn(found[name]["severity"], HARMLESS, text)
        print(f"{len(rows)} findings, {sum(row['severity'] == 'OK' for row in rows)} of them good; excused: " +
              ", ".join(sorted(f"{row['id']} ({row['severity']})" for row in rows if row["severity"] not in HARMLESS)))
        return found


class Quick(Testssl):
    def test_protocols_certificate_ciphers_and_headers(self):
        self.found(("--protocols", "--headers", "--std"), ("--server-defaults", "--pfs"), minutes=8)


class Whole(Testssl):
    def test_everything(self):
        found = self.found((), minutes=25)
        for name in ("heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS", "BREACH",
                     "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4"):
            self.assertIn(name, found)
            self.assertIn(found[name]["severity"], HARMLESS)


if __name__ == "__main__":
    support.main()
