#!/usr/bin/python3
"""TLS of the page, asked by OpenSSL: what is spoken and what is refused, certificates, clients that say nothing."""
import contextlib
import http.client
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support  # noqa: E402
from support.daemon import die_with_the_test  # noqa: E402

NAMES = ("muster.example.org", "box.example.org", "192.0.2.7", "2001:db8::7")
SUITES = {"AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"}
SUBJECT = "/CN=muster.example.org"


def openssl(*words, text="", check=True):
    done = subprocess.run(["/usr/bin/openssl", *map(str, words)], input=text, capture_output=True, text=True,
                          timeout=120 * support.PATIENCE)
    if check:
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout + ("" if check else done.stderr)


class Page:
    """The probe on a port of its own."""

    def __init__(self, *words):
        self.directory = Path(tempfile.mkdtemp(prefix="muster-tls."))
        self.process = subprocess.Popen(
            [support.BIN / "webui_tls_probe", self.directory, *(f"name={name}" for name in NAMES), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_the_test)
        self.port = int(self.process.stdout.readline().split()[1])

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(60 * support.PATIENCE)
        self.process.stdout.close()
        shutil.rmtree(self.directory)
        assert code == 0, f"webui_tls_probe ended with {code}"

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60 * support.PATIENCE)

    def client(self, *words, text=""):
        """What s_client says; never fails by itself."""
        return openssl("s_client", "-connect", f"127.0.0.1:{self.port}", *words, text=text, check=False)

    def agreed(self, *words):
        """Protocol and suite that s_client got, or nothing."""
        found = re.search(r"^New, (\S+), Cipher is (\S+)$", self.client(*words), re.M)
        return found and found.group(2) != "(NONE)" and found.groups()

    def https(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60 * support.PATIENCE)

    def ask(self, method="GET", path="/", body=None):
        connection = self.https()
        with contextlib.closing(connection):
            connection.request(method, path, body)
            return connection.getresponse().read().decode()

    def certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.port))


class PageTest(unittest.TestCase):
    def start(self, *words):
        page = Page(*words)
        self.addCleanup(page.close)
        return page


class Protocol(PageTest):
    def setUp(self):
        self.page = self.start()
        self.has13 = bool(self.page.agreed("-tls1_3"))

    def test_versions(self):
        for version in ("-tls1", "-tls1_1"):
            said = self.page.client(version, "-cipher", "ALL:@SECLEVEL=0")
            self.assertIn("alert protocol version", said)
            self.assertIn("Cipher is (NONE)", said)
        self.assertEqual(self.page.agreed("-tls1_2")[0], "TLSv1.2")
        self.assertEqual(self.page.ask(), "TLSv1.3\n" if self.has13 else "TLSv1.2\n")

    def every_suite(self):
        names = openssl("ciphers", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").strip().split(":")
        names = [name for name in names if not name.startswith("TLS_")]
        self.assertGreater(len(names), 100)
        return {name for name in names if self.page.agreed("-tls1_2", "-cipher", name + ":@SECLEVEL=0")}

    def test_suites(self):
        self.assertEqual(self.every_suite(), {"ECDHE-ECDSA-" + suite for suite in SUITES})
        key = openssl("genrsa", "2048")
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(key)
            file.flush()
            certificate = openssl("req", "-x509", "-key", file.name, "-subj", SUBJECT, "-days", "30", "-addext",
                                  "subjectAltName=DNS:muster.example.org", "-addext", "keyUsage=digitalSignature")
        self.assertIn("RSA 2048", self.page.ask("POST", "/certificate", key + certificate))
        self.assertEqual(self.every_suite(), {"ECDHE-RSA-" + suite for suite in SUITES})

    def test_suites_of_13(self):
        if not self.has13:
            self.skipTest("this mbedTLS has no TLS 1.3")
        for name in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            self.assertEqual(self.page.agreed("-tls1_3", "-ciphersuites", name), ("TLSv1.3", name))
        self.assertFalse(self.page.agreed("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"))

    def test_groups(self):
        for version in ("-tls1_2", "-tls1_3") if self.has13 else ("-tls1_2",):
            # The curve of the certificate must be among those that a client of TLS 1.2 names.
            for group in ("X25519:P-256", "P-256", "P-384:P-256"):
                self.assertTrue(self.page.agreed(version, "-groups", group), group)
            for group in ("P-521", "X448", "secp256k1", "brainpoolP256r1"):
                self.assertFalse(self.page.agreed(version, "-groups", group), group)

    def test_what_else_is_agreed_on(self):
        said = self.page.client("-tls1_2", "-alpn", "h2,http/1.1")
        self.assertIn("ALPN protocol: http/1.1", said)
        self.assertIn("Extended master secret: yes", said)
        self.assertIn("Secure Renegotiation IS supported", said)
        self.assertIn("Compression: NONE", said)
        self.assertNotIn("TLS session ticket:", said)
        self.assertIn("no application protocol", self.page.client("-alpn", "h2"))
        self.assertNotIn("Reused,", self.page.client("-tls1_2", "-reconnect"))

    def test_old_hashes(self):
        for algorithm in ("ECDSA+SHA1", "ECDSA+SHA224"):
            self.assertFalse(self.page.agreed("-tls1_2", "-sigalgs", algorithm, "-cipher", "ALL:@SECLEVEL=0"))
        self.assertTrue(self.page.agreed("-tls1_2", "-sigalgs", "ECDSA+SHA256"))

    def test_renegotiation(self):
        raw = subprocess.Popen(["/usr/bin/openssl", "s_client", "-connect", f"127.0.0.1:{self.page.port}", "-tls1_2"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               preexec_fn=die_with_the_test)
        with raw:
            raw.stdin.write("R\n")
            raw.stdin.flush()
            said = raw.stdout.read()
        self.assertIn("RENEGOTIATING", said)
        self.assertRegex(said, "no renegotiation")


class Certificates(PageTest):
    def setUp(self):
        self.page = self.start()
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def file(self, name, text):
        (self.directory / name).write_text(text)
        return self.directory / name

    def authority(self, name, key, issuer=None):
        """Makes NAME.key and NAME.pem, signed by the issuer or by itself."""
        openssl("genpkey", *key, "-out", self.directory / f"{name}.key")
        signer = ("-CA", self.directory / f"{issuer}.pem", "-CAkey", self.directory / f"{issuer}.key") if issuer else ()
        openssl("req", "-x509", "-new", "-key", self.directory / f"{name}.key", "-subj", f"/CN={name}", "-days", "365",
                "-addext", "keyUsage=critical,keyCertSign", *signer, "-out", self.directory / f"{name}.pem")

    def sign(self, request, issuer, *words):
        extensions = self.file("extensions", "subjectAltName=DNS:muster.example.org\nbasicConstraints=CA:FALSE\n"
                                             "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n")
        return openssl("x509", "-req", "-in", request, "-CA", self.directory / f"{issuer}.pem", "-CAkey",
                       self.directory / f"{issuer}.key", "-CAcreateserial", "-days", "90", "-extfile", extensions, *words)

    def test_fields_of_its_own(self):
        text = openssl("x509", "-noout", "-text", text=self.page.certificate())
        self.assertIn("Version: 3", text)
        self.assertIn("Signature Algorithm: ecdsa-with-SHA256", text)
        self.assertRegex(text, "Issuer: CN ?= ?muster.example.org")  # OpenSSL 3.5 writes it without blanks
        self.assertRegex(text, "Subject: CN ?= ?muster.example.org")
        self.assertIn("NIST CURVE: P-256", text)
        self.assertIn("Not Before: Jan  1 00:00:00 2026 GMT", text)
        self.assertIn("Not After : Apr  4 00:00:00 2028 GMT", text)
        self.assertRegex(text, r"Basic Constraints: *\n *CA:FALSE")
        self.assertRegex(text, r"Key Usage: critical\n *Digital Signature\n")
        self.assertRegex(text, r"Extended Key Usage: *\n *TLS Web Server Authentication\n")
        self.assertRegex(text, r"Subject Alternative Name: *\n *DNS:muster.example.org, DNS:box.example.org, "
                               r"IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7\n")
        serial = openssl("x509", "-noout", "-serial", text=self.page.certificate())
        self.assertRegex(serial, r"^serial=[4-7][0-9A-F]{31}\n$")

    def test_its_own_is_one_that_can_be_trusted(self):
        own = self.file("own.pem", self.page.certificate())
        self.assertIn("OK", openssl("verify", "-x509_strict", "-check_ss_sig", "-purpose", "sslserver", "-CAfile", own, own))
        for name in NAMES:
            kind = "-verify_ip" if name[0].isdigit() else "-verify_hostname"
            self.assertIn("OK", openssl("verify", "-CAfile", own, kind, name, own))
        self.assertNotIn(": OK", openssl("verify", "-CAfile", own, "-verify_hostname", "other.example.org", own,
                                         check=False))
        context = ssl.create_default_context(cafile=str(own))
        with self.page.connect() as raw, context.wrap_socket(raw, server_hostname="box.example.org") as client:
            self.assertEqual(client.getpeercert()["subject"], ((("commonName", "muster.example.org"),),))

    def test_a_new_one_is_served_to_those_who_come_while_others_stay(self):
        old = self.page.https()
        with contextlib.closing(old):
            old.request("GET", "/")
            self.assertIn("TLSv1.", old.getresponse().read().decode())
            before = self.page.certificate()
            said = self.page.ask("GET", "/renew")
            after = self.page.certificate()
            self.assertNotEqual(before, after)
            print_of = openssl("x509", "-noout", "-fingerprint", "-sha256", text=after).strip().split("=")[1]
            self.assertIn(print_of, said)
            old.request("GET", "/")
            self.assertIn("TLSv1.", old.getresponse().read().decode())

    def test_a_request_and_its_answer(self):
        request = self.file("request.pem", self.page.ask("GET", "/request"))
        text = openssl("req", "-in", request, "-noout", "-text", "-verify")
        self.assertRegex(text, "Subject: CN ?= ?muster.example.org")
        self.assertIn("NIST CURVE: P-256", text)
        self.assertIn("DNS:muster.example.org, DNS:box.example.org, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7",
                      text)
        self.assertIn("ok", openssl("req", "-in", request, "-noout", "-verify", check=False).lower())
        self.authority("Root", ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"))
        self.authority_below("Middle", "Root")
        own = self.sign(request, "Middle")
        chain = (self.directory / "Middle.pem").read_text()
        said = self.page.ask("POST", "/certificate", chain + own)
        self.assertIn("CN=muster.example.org|CN=Middle|ECDSA P-256|", said)
        self.assertIn("CN=Middle|CN=Root|ECDSA P-384|", said)
        context = ssl.create_default_context(cafile=str(self.directory / "Root.pem"))
        with self.page.connect() as raw, context.wrap_socket(raw, server_hostname="muster.example.org"):
            pass

    def authority_below(self, name, issuer):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", self.directory / f"{name}.key")
        request = self.file(f"{name}.csr", openssl("req", "-new", "-key", self.directory / f"{name}.key", "-subj", f"/CN={name}"))
        extensions = self.file("authority", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
        certificate = openssl("x509", "-req", "-in", request, "-CA", self.directory / f"{issuer}.pem", "-CAkey",
                              self.directory / f"{issuer}.key", "-CAcreateserial", "-days", "180", "-extfile", extensions)
        self.file(f"{name}.pem", certificate)

    def test_uploads_as_openssl_writes_them(self):
        key = self.directory / "own.key"
        for words in (("ecparam", "-name", "prime256v1", "-genkey"),  # with a block of parameters, in SEC1
                      ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
                      ("genrsa", "-traditional", "2048"), ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096")):
            with self.subTest(words):
                openssl(words[0], "-out", key, *words[1:])
                certificate = openssl("req", "-x509", "-key", key, "-subj", SUBJECT, "-days", "30", "-text", "-addext",
                                      "subjectAltName=DNS:muster.example.org")
                said = self.page.ask("POST", "/certificate", certificate + key.read_text())
                self.assertTrue(said.startswith("CN=muster.example.org|CN=muster.example.org|"), said)
                self.assertEqual(openssl("x509", text=certificate), self.page.certificate())

    def test_uploads_that_are_refused(self):
        served = self.page.certificate()
        key = self.directory / "own.key"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        locked = openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret")
        good = openssl("req", "-x509", "-key", key, "-subj", SUBJECT, "-days", "30")
        expired = subprocess.run(["faketime", "2020-01-01", "openssl", "x509", "-signkey", key, "-days", "1"], input=good,
                                 capture_output=True, text=True, check=True).stdout
        binary = subprocess.run(["/usr/bin/openssl", "pkcs12", "-export", "-inkey", key, "-passout", "pass:x"],
                                input=good.encode(), capture_output=True, check=True).stdout
        other = openssl("genpkey", "-algorithm", "ED25519")
        for upload, words in ((key.read_text() + expired, "expired on"), (good + locked, "locked with a password"),
                              (good, "there is none in it"), (binary, "openssl pkcs12"), ("", "no PEM"),
                              (good + other, "private key"), ("x" * 70000, "at most 65536")):
            with self.subTest(words):
                said = self.page.ask("POST", "/certificate", upload)
                self.assertTrue(said.startswith("refused: "), said)
                self.assertIn(words, said)
        self.assertEqual(self.page.certificate(), served)


class Clients(PageTest):
    def test_http_in_the_clear_is_told_where_https_is(self):
        page = self.start()
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=60 * support.PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", "/some/where?x=1", headers={"Host": f"muster.example.org:{page.port}"})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 308)
            self.assertEqual(answer.headers["Location"], f"https://muster.example.org:{page.port}/some/where?x=1")

    def test_silent_clients_keep_nobody_waiting(self):
        page = self.start()
        with contextlib.ExitStack() as stack:
            for _ in range(12):
                stack.enter_context(page.connect())
            self.assertIn("TLSv1.", page.ask())

    def test_more_silent_clients_than_threads_give_way(self):
        page = self.start("threads=4", "head-ms=3600000")  # not by their time: while others wait
        with contextlib.ExitStack() as stack:
            for _ in range(8):
                stack.enter_context(page.connect())
            self.assertIn("TLSv1.", page.ask())

    def ended(self, client, drip=b""):
        """Whether the server ends a connection on which octets drip in."""
        client.settimeout(0.02)
        until = time.monotonic() + 60 * support.PATIENCE
        while time.monotonic() < until:
            try:
                if drip:
                    client.sendall(drip)
                if not client.recv(4096):
                    return True
            except TimeoutError:
                continue
            except (OSError, ssl.SSLError):
                return True
        return False

    def test_drips_are_ended(self):
        page = self.start("head-ms=1500", "body-ms=1500", "idle-ms=1500")
        with page.connect() as client:
            client.sendall(bytes.fromhex("160301400001003ffc"))
            self.assertTrue(self.ended(client, b"\0"), "a handshake that drips in")
        with page.connect() as client:
            self.assertTrue(self.ended(client), "a client that says nothing")
        context = ssl._create_unverified_context()
        for begun, what in ((b"GET / HTTP/1.1\r\nX: ", "a head that drips in"),
                            (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n", "a body that drips in")):
            with page.connect() as raw, context.wrap_socket(raw) as client:
                client.sendall(begun)
                self.assertTrue(self.ended(client, b"x"), what)
        with page.connect() as raw, context.wrap_socket(raw) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200"))
            self.assertTrue(self.ended(client), "a client that asks nothing more")

    def test_the_oldest_idle_connection_of_an_address_gives_way(self):
        # It is idle a moment after its answer has arrived; whoever was quicker than that tries again.
        self.assertTrue(any(self.oldest_gave_way(self.start("per-address=3")) for _ in range(20)))

    def oldest_gave_way(self, page):
        old = page.https()
        with contextlib.closing(old), contextlib.ExitStack() as stack:
            old.request("GET", "/")
            self.assertIn("TLSv1.", old.getresponse().read().decode())
            for _ in range(2):
                stack.enter_context(page.connect())
            self.assertIn("TLSv1.", page.ask())
            try:
                old.request("GET", "/")
                old.getresponse()
            except (http.client.HTTPException, OSError):
                return True
        return False

    def test_octets_that_are_no_tls(self):
        page = self.start()
        for octets in (b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00", b"\0" * 600, b"\x16\x03\x01\xff\xff" + b"\xff" * 600,
                       b"\x15\x03\x03\x00\x02\x02\x28"):
            with page.connect() as client:
                # Refused at its first octets, the connection may be gone before we have ended our side: ENOTCONN.
                with contextlib.suppress(OSError):
                    client.sendall(octets)
                    client.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while client.recv(4096):
                        pass
        self.assertIn("TLSv1.", page.ask())


if __name__ == "__main__":
    support.main()
