#!/usr/bin/python3
"""Somebody outside who tries what is tried on every box: paths, methods, types, heads, bodies, default passwords.

Each case is one request on a connection of its own, as octets, and the statuses that are right for it; b"" is a
connection that ends without an answer. Whatever comes, nothing of the box's inside is in it, and it serves on.
"""
import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from integration_support import support  # noqa: E402
from web_support import API, PASSWORD, Box  # noqa: E402

PAGE = {200, 400, 404}  # 200 is the page itself: any place without a dot is a place within it
REFUSED = {400, 401, 403, 404, 405, 413, 415}
NO_HTTP = {400, 413, 431, 501, 505, b""}

PATHS = ["/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/....//....//etc/passwd",
         "/..\\..\\etc\\passwd", "/%00", "/index.html%00.png", "/.git/config", "/.env", "/wp-login.php", "/cgi-bin/status.cgi",
         "/assets/../../../etc/shadow", "//evil.example/%2e%2e", "/%0d%0aSet-Cookie:%20a=b", "http://evil.example/", "/*", "/.",
         "/%c0%ae%c0%ae/etc/passwd", "/state/webui/users.json", "/webui/certificate.pem", "/metrics", "/debug/pprof"]
OF_API = ["/../../etc/passwd", "/%2e%2e/status", "//status", "/status/", "/status%00", "/STATUS", "/status;a=b", "/users/ada",
          "/users/..%2f..%2fetc", "/clients?limit=-1", "/clients?limit=99999999999999999999", "/clients?format=exe",
          "/clients?cursor=AAAA", "/clients?q=%27%20OR%201=1--", "/backups/..%2f..%2fpool.db", "/audit", "/setup-code"]
METHODS = ["TRACE", "TRACK", "CONNECT", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "get", "FOO", "G" * 40]
BODIES = ['{"name":"ada","password":"x","name":"eve"}', "[]", "null", '"ada"', "{", '{"name":NaN,"password":"x"}',
          '\ufeff{"name":"ada","password":"x"}', '{"name":["ada"],"password":"x"}', '{"name":"ada","password":"x"} trailing',
          '{"name":"ada","password":"x","role":"admin"}', '{"name":"\\u0000","password":"x"}', '{"__proto__":{"role":"admin"}}',
          '{"name":1e999,"password":"x"}', "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"]
HEADS = {
    "no Host": b"GET / HTTP/1.1\r\n\r\n", "two Hosts": b"GET /api/v1/status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n", "HTTP/9.9": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "a NUL": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a header of 20,000 octets": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    "a name of a header that is none": b"GET / HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n",
    "a blank before the colon": b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\n{}",
    "150 headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: a\r\n" % number for number in range(150)) + b"\r\n",
    "a chunk without end": b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    "a chunk of a negative size": b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                  b"Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
    "nothing but line ends": b"\r\n" * 50 + b"x\r\n\r\n",
}
DEFAULTS = [("admin", "admin"), ("admin", "password"), ("admin", "1234"), ("admin", "12345"), ("admin", ""), ("admin", "changeme"),
            ("admin", "muster"), ("administrator", "administrator"), ("administrator", "password"), ("root", "root"),
            ("root", "toor"), ("root", "password"), ("root", ""), ("muster", "muster"), ("muster", "password"), ("user", "user"),
            ("guest", "guest"), ("support", "support"), ("operator", "operator"), ("ada", "ada"), ("ada", "password")]


class Prober(Box):
    def raw(self, octets):
        """Status, or b"" if the connection ended without one; head and body as they came."""
        context = ssl._create_unverified_context()
        got = b""
        with context.wrap_socket(socket.create_connection(("127.0.0.1", self.port))) as peer:
            peer.settimeout(60 * support.PATIENCE)
            try:
                peer.sendall(octets)
                while piece := peer.recv(65536):
                    got += piece
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                pass  # it would hear no more
        found = re.match(rb"HTTP/1\.[01] (\d{3}) ", got)
        self.assertTrue(found or got == b"", got[:200])
        return (int(found.group(1)) if found else b""), got

    def request(self, method, path, body=b"", **headers):
        head = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"} | {k.replace("_", "-"): v for k, v in headers.items()}
        if body:
            head["Content-Length"] = str(len(body))
        return f"{method} {path} HTTP/1.1\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in head.items()).encode() + b"\r\n" + body

    def probe(self, name, octets, right):
        status, got = self.raw(octets)
        self.tried += 1
        head, _, body = got.partition(b"\r\n\r\n")
        if status not in right:
            self.bad.append((name, status, head[:200]))
        if re.search(rb"root:|BEGIN [A-Z ]*KEY|argon2|/home/|/usr/|\.cpp|std::|SQLITE|\r\nServer:|\r\nSet-Cookie: a=b", got):
            self.bad.append((name, "tells what is inside", got[:2000]))
        if status == 200 and body != self.page:
            self.bad.append((name, "is no page", got[:400]))

    def test_what_is_tried_on_every_box(self):
        daemon = self.box()
        self.set_up(daemon)
        self.tried, self.bad = 0, []
        self.page = self.browser().ask("GET", "/")[2]
        for path in PATHS:
            self.probe(path, self.request("GET", path), PAGE)
        for path in OF_API:
            self.probe(API + path, self.request("GET", API + path), REFUSED)
            self.probe("POST " + path, self.request("POST", API + path, b"{}", Content_Type="application/json"), REFUSED)
        for method in METHODS:
            for path in ("/", API + "/status"):
                self.probe(f"{method} {path}", self.request(method, path), REFUSED | NO_HTTP)
        for header in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
            self.probe(header, self.request("GET", API + "/users/ada", **{header.replace("-", "_"): "DELETE"}), {401})
        for body in BODIES:
            self.probe(body, self.request("POST", API + "/login", body.encode(), Content_Type="application/json"), {400, 401, 429})
        for kind in ("text/xml", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a",
                     "application/json; charset=utf-16", "", "application/x-yaml"):
            self.probe(kind, self.request("POST", API + "/login", b"name=ada", Content_Type=kind), {400, 415})
        for name, value in (("Cookie", "__Host-muster="), ("Cookie", "__Host-muster=" + "A" * 43), ("Authorization", "Bearer "),
                            ("Authorization", "Bearer mst_" + "A" * 43), ("Authorization", "Basic YWRhOmFkYQ=="),
                            ("Cookie", "__Host-muster=a; __Host-muster=b"), ("X-Forwarded-User", "ada"), ("X-Real-IP", "127.0.0.1")):
            self.probe(f"{name}: {value}", self.request("GET", API + "/status", **{name.replace("-", "_"): value}), {401})
        for name, octets in HEADS.items():
            self.probe(name, octets, NO_HTTP)
        self.assertEqual(self.bad, [])
        self.assertGreater(self.tried, 100)
        print(f"{self.tried} requests tried")
        # All the same, who may comes in.
        ada = self.browser(source="127.0.0.3")
        self.assertEqual(ada.log_in("ada")[0], 200)
        self.assertEqual([user["name"] for user in ada.api("GET", "/users")[1]["items"]], ["ada"])
        self.assertTrue(daemon.is_ready())

    def test_no_default_password_opens_it_before_its_first_run_nor_after(self):
        daemon = self.box()
        self.assertEqual(len(DEFAULTS), 21)

        def all_refused(*right):
            for number, (name, password) in enumerate(DEFAULTS):
                # From many places: none of them is turned away before its password is looked at.
                status, answer = self.browser(source=f"127.0.1.{1 + number % 7}").log_in(name, password)
                self.assertIn((status, answer["code"]), right, (name, password))
        all_refused((409, "conflict"), (400, "malformed"))  # nobody can log in before somebody was made
        code = daemon.ctl("setup-code").stdout.strip()
        browser = self.browser()
        for password in {password for _, password in DEFAULTS} | {"password1234", "administrator", "123456789012"}:
            status, answer = browser.api("POST", "/setup", {"code": code, "name": "ada", "password": password})
            self.assertEqual((status, answer["code"]), (400, "malformed"), password)
        self.assertEqual(browser.api("POST", "/setup", {"code": code, "name": "ada", "password": PASSWORD})[0], 200)
        all_refused((401, "unauthenticated"), (400, "malformed"))


class NoShell(support.DaemonTest):
    def test_no_program_of_ours_can_start_a_shell(self):
        ours = [support.BIN / "musterd", support.BIN / "musterctl", *sorted((support.BIN.parent / "plugins").glob("*.so"))]
        self.assertGreater(len(ours), 5)
        known = 0
        for file in ours:
            imported = subprocess.run(["nm", "-D", "--undefined-only", file], capture_output=True, text=True, check=True).stdout
            known += " U __cxa_begin_catch" in imported  # as a sanitizer leaves it
            self.assertNotRegex(imported, r"(?m) U (system|popen|wordexp|execlp?|execvp)(@|$)", file)
        self.assertGreater(known, 5)


if __name__ == "__main__":
    support.main()
