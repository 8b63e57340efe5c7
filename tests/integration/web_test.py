#!/usr/bin/python3
"""The page and the API over TLS, as a browser, a program and somebody with bad intentions use them."""
import gzip
import http.client
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from integration_support import support, wait_for  # noqa: E402
from web_support import API, PASSWORD, Box  # noqa: E402


class Web(Box):
    def test_from_the_code_on_the_console_to_the_first_client(self):
        daemon = self.box()
        browser = self.browser()
        self.assertTrue(browser.api("GET", "/session")[1]["setup"])
        self.assertRegex(daemon.ctl("setup-code").stdout, r"\A[A-Z0-9]{4}(-[A-Z0-9]{4}){3}\n\Z")
        status, answer = browser.api("POST", "/setup", {"code": "AAAA-AAAA-AAAA-AAAA", "name": "ada", "password": PASSWORD})
        self.assertEqual((status, answer["code"]), (401, "unauthenticated"))
        browser = self.set_up(daemon)
        self.assertNotEqual(daemon.ctl("setup-code", check=False).returncode, 0)
        key = daemon.ctl("lab", "issue-key", "--family", "win7-2008r2", "--group", "C").stdout.strip()
        self.assertIn(browser.api("POST", "/keys", {"key": key})[0], (200, 201))
        daemon.serves()
        wait_for(lambda: browser.api("GET", "/clients")[1]["items"], 30, "a client in the list")

    def test_a_session_ends_in_every_way_that_it_should(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        self.assertEqual(ada.api("POST", "/users", {"name": "bob", "role": "operator", "password": PASSWORD})[0], 200)
        bob, other = self.browser(agent="phone"), self.browser()
        for browser in (bob, other):
            self.assertEqual(browser.log_in("bob")[0], 200)
        self.assertNotEqual(bob.cookie, other.cookie)
        listed = bob.api("GET", "/sessions")[1]["items"]
        self.assertEqual({(one["name"], one["agent"], one["current"]) for one in listed},
                         {("bob", "phone", True), ("bob", "test browser", False)})
        self.assertEqual(len(ada.api("GET", "/sessions")[1]["items"]), 3)
        # Ended by name, by log-out, by a new password, by log-out everywhere, by the user's removal.
        theirs = next(one["id"] for one in listed if not one["current"])
        self.assertEqual(bob.api("DELETE", f"/sessions/{theirs}")[0], 200)
        self.assertEqual(other.api("GET", "/status")[0], 401)
        before = bob.cookie
        self.assertEqual(bob.api("POST", "/logout")[0], 200)
        bob.cookie = before
        self.assertEqual(bob.api("GET", "/status")[0], 401)
        for browser in (bob, other):
            self.assertEqual(browser.log_in("bob")[0], 200)
        status, _ = bob.api("PUT", "/session/password", {"old": PASSWORD, "password": "another quiet harbour"})
        self.assertEqual(status, 200)
        self.assertEqual(bob.api("GET", "/status")[0], 200)
        self.assertEqual(other.api("GET", "/status")[0], 401)
        self.assertEqual(other.log_in("bob", "another quiet harbour")[0], 200)
        self.assertEqual(bob.api("DELETE", "/sessions")[0], 200)
        self.assertEqual(other.api("GET", "/status")[0], 401)
        self.assertEqual(other.log_in("bob", "another quiet harbour")[0], 200)
        self.assertEqual(ada.api("DELETE", "/users/bob")[0], 200)
        self.assertEqual(other.api("GET", "/status")[0], 401)

    def test_each_role_against_each_operation(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        ranks = {"none": 0, "viewer": 1, "operator": 2, "admin": 3}
        people = {"none": self.browser(), "admin": ada}
        for role in ("viewer", "operator"):
            self.assertEqual(ada.api("POST", "/users", {"name": role, "role": role, "password": PASSWORD})[0], 200)
            people[role] = self.browser()
            self.assertEqual(people[role].log_in(role)[0], 200)
        table = ada.api("GET", "/operations")[1]["items"]
        document = ada.api("GET", "/openapi.json")[1]
        self.assertEqual({(row["method"], row["path"]) for row in table},
                         {(method.upper(), path) for path, methods in document["paths"].items() for method in methods})
        self.assertGreater(len(table), 40)
        tried = 0
        for row in table:
            for role, browser in people.items():
                if ranks[role] >= ranks[row["role"]]:
                    continue  # what it may do, other tests do
                path = row["path"].replace("{", "").replace("}", "")
                status, answer = browser.api(row["method"], path, None if row["method"] == "GET" else {})
                self.assertEqual((status, answer["code"]), (401, "unauthenticated") if role == "none" else (403, "denied"),
                                 f"{role} {row['method']} {row['path']}: {answer}")
                tried += 1
        open_to_all = {(row["method"], row["path"]) for row in table if row["role"] == "none"}
        self.assertEqual(open_to_all, {("GET", "/session"), ("POST", "/setup"), ("POST", "/login"), ("POST", "/logout")})
        print(f"{len(table)} operations, {tried} refusals by role")

    def test_another_page_can_make_the_browser_do_nothing(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        name = {"name": "eve", "role": "admin", "password": PASSWORD}
        for headers in ({"X-Muster-CSRF": None}, {"X-Muster-CSRF": "x" * 43}, {"Origin": "https://evil.example"},
                        {"Origin": "null"}, {"Origin": f"http://{ada.host}"}, {"Sec-Fetch-Site": "cross-site"},
                        {"Sec-Fetch-Site": "same-site"}):
            status, answer = ada.api("POST", "/users", name, headers=headers)
            self.assertEqual((status, answer["code"]), (403, "denied"), headers)
        self.assertEqual(len(ada.api("GET", "/users")[1]["items"]), 1)
        # A log-in from another page would make somebody work in an account that is not theirs.
        stranger = self.browser()
        status, _ = stranger.api("POST", "/login", {"name": "ada", "password": PASSWORD},
                                 headers={"Origin": "https://evil.example"})
        self.assertEqual(status, 403)
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            status, answer = ada.api("POST", "/users", json.dumps(name), headers={"Content-Type": content_type})
            self.assertEqual((status, answer["code"]), (400, "malformed"), answer)
        status, _, _ = ada.ask("OPTIONS", API + "/users", headers={"Origin": "https://evil.example",
                                                                   "Access-Control-Request-Method": "POST"})
        self.assertNotEqual(status, 200)
        self.assertEqual(len(ada.api("GET", "/users")[1]["items"]), 1)

    def test_headers_and_cookies(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        _, login, _ = ada.ask("POST", API + "/login", {"name": "ada", "password": PASSWORD})
        cookie = login.getheader("Set-Cookie")
        self.assertTrue(cookie.startswith("__Host-muster="), cookie)
        for word in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
            self.assertIn(word, cookie)
        self.assertNotIn("Domain", cookie)
        self.assertGreaterEqual(len(cookie.split(";")[0].split("=")[1]), 22)  # 128 bits and more
        _, page, text = ada.ask("GET", "/")
        policy = page.getheader("Content-Security-Policy")
        self.assertNotIn("unsafe", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertIn("script-src 'self'", policy)
        self.assertNotRegex(text.decode(), r"<script(?![^>]* src=)|style=|<style|onclick|https?://")
        for path in ("/", API + "/status", API + "/nothing", "/nothing.js", "/livez"):
            _, answer, _ = ada.ask("GET", path)
            self.assertEqual(answer.getheader("X-Content-Type-Options"), "nosniff", path)
            self.assertEqual(answer.getheader("Referrer-Policy"), "no-referrer", path)
            self.assertGreaterEqual(int(answer.getheader("Strict-Transport-Security").split("=")[1]), 15_552_000)
            self.assertIn("frame-ancestors 'none'", answer.getheader("Content-Security-Policy"))
            self.assertIsNone(answer.getheader("Server"))
        _, answer, _ = ada.ask("GET", API + "/status")
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")

    def test_the_viewer_of_the_api_has_a_policy_of_its_own_and_nothing_else_has(self):
        self.box()
        browser = self.browser()
        _, page, text = browser.ask("GET", "/api/docs")
        policy = page.getheader("Content-Security-Policy")
        self.assertIn("style-src 'self' 'unsafe-inline';", policy)
        self.assertIn("script-src 'self';", policy)
        self.assertIn(b"<rapi-doc", text)
        for path, begin in (("/api/docs/rapidoc.js", b""), ("/api/docs/viewer.js", b"//"), ("/", b"<!doctype html")):
            status, answer, text = browser.ask("GET", path)
            self.assertEqual(status, 200, path)
            self.assertTrue(text.lower().startswith(begin), path)
            self.assertNotIn("unsafe", answer.getheader("Content-Security-Policy"), path)
        self.assertEqual(browser.ask("GET", "/api/docs/nothing.js")[0], 404)

    def test_what_somebody_else_changed_meanwhile_is_not_overwritten(self):
        ada = self.set_up(self.box())
        self.assertEqual(ada.api("POST", "/users", {"name": "bob", "role": "viewer", "password": PASSWORD})[0], 200)
        _, seen, _ = ada.ask("GET", API + "/users/bob")
        tag = seen.getheader("ETag")
        self.assertEqual(ada.ask("GET", API + "/users/bob", headers={"If-None-Match": tag})[0], 304)
        self.assertEqual(ada.api("PATCH", "/users/bob", {"role": "operator"})[0], 200)
        status, answer = ada.api("PATCH", "/users/bob", {"role": "admin"}, headers={"If-Match": tag})
        self.assertEqual((status, answer["code"]), (412, "conflict"))
        _, now, bob = ada.ask("GET", API + "/users/bob")
        self.assertEqual(bob["role"], "operator")
        self.assertEqual(ada.api("PATCH", "/users/bob", {"role": "viewer"}, headers={"If-Match": now.getheader("ETag")})[0], 200)

    def test_a_list_leaves_as_a_file(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        daemon.install_key()
        daemon.serves()
        wait_for(lambda: ada.api("GET", "/clients")[1]["items"], 30, "a client in the list")
        status, answer, text = ada.ask("GET", API + "/clients?format=csv&columns=machine,cmid", raw=True)
        self.assertEqual((status, answer.getheader("Content-Type")), (200, "text/csv; charset=utf-8"))
        self.assertEqual(answer.getheader("Content-Disposition"), 'attachment; filename="muster-clients.csv"')
        self.assertTrue(text.startswith(b"machine,cmid\r\n"), text)
        client = ada.api("GET", "/clients")[1]["items"][0]
        self.assertIn(f"{client['machine']},{client['cmid']}", text.decode())
        status, answer, text = ada.ask("GET", API + "/clients?format=jsonl", raw=True)
        self.assertEqual([json.loads(line) for line in text.splitlines()][0]["cmid"], client["cmid"])
        self.assertEqual(ada.ask("GET", API + "/clients?format=xml")[0], 400)

    def test_files_come_from_memory_packed_and_for_ever(self):
        daemon = self.box()
        browser = self.browser()
        _, page, text = browser.ask("GET", "/")
        scripts = [part.split('"')[1] for part in text.decode().split("src=")[1:]]
        self.assertTrue(scripts)
        status, plain, body = browser.ask("GET", scripts[0], raw=True)
        self.assertEqual((status, plain.getheader("Content-Encoding")), (200, None))
        self.assertIn("immutable", plain.getheader("Cache-Control"))
        _, packed, smaller = browser.ask("GET", scripts[0], headers={"Accept-Encoding": "gzip"}, raw=True)
        self.assertEqual(packed.getheader("Content-Encoding"), "gzip")
        self.assertLess(len(smaller), len(body) / 2)
        self.assertEqual(gzip.decompress(smaller), body)
        for path in ("/", "/api/docs"):  # testssl's BREACH: documents are not packed
            self.assertIsNone(browser.ask("GET", path, headers={"Accept-Encoding": "gzip"})[1].getheader("Content-Encoding"), path)
        status, _, nothing = browser.ask("GET", "/", headers={"If-None-Match": page.getheader("ETag")})
        self.assertEqual((status, nothing), (304, b""))
        status, head, nothing = browser.ask("HEAD", "/")
        self.assertEqual((status, nothing, int(head.getheader("Content-Length"))), (200, b"", len(text)))
        for path in ("/clients", "/upstreams/kms-a"):
            self.assertEqual(browser.ask("GET", path)[2], text, path)
        for path in ("/../etc/passwd.x", "/assets/../../etc/passwd.x", "/%2e%2e/etc/passwd.x", "/assets/none.js", "/.git.x",
                     "//etc/passwd.x", "/\\etc\\passwd.x"):
            self.assertEqual(browser.ask("GET", path)[0], 404, path)
        # What a page's body holds is no request: it is refused, and the connection ends with it.
        hidden = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        with ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", self.port))) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden))
            got = b"".join(iter(lambda: raw.recv(4096), b""))
        self.assertEqual((got.count(b"HTTP/1.1 "), got[:12]), (1, b"HTTP/1.1 413"), got)
        status, answer, _ = browser.ask("POST", "/", {})
        self.assertIn(status, (405, 413))
        self.assertEqual(browser.ask("GET", "/livez")[2], b"ok\n")

    def test_whoever_comes_in_the_clear_is_told_where_to_go_and_a_token_of_his_is_revoked(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        token = ada.api("POST", "/tokens", {"name": "probe", "role": "viewer", "days": 1})[1]["token"]
        program = self.browser()
        with_token = {"Authorization": f"Bearer {token}"}
        self.assertEqual(program.api("GET", "/status", headers=with_token)[0], 200)
        clear = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30 * support.PATIENCE)
        clear.request("GET", "/clients?limit=5")
        answer = clear.getresponse()
        self.assertEqual((answer.status, answer.getheader("Location")),
                         (301, f"https://127.0.0.1:{self.port}/clients?limit=5"))
        clear.close()
        clear.request("GET", API + "/status", headers=with_token)
        self.assertEqual(clear.getresponse().status, 301)
        clear.close()
        self.assertEqual(program.api("GET", "/status", headers=with_token)[0], 401)
        revoked = ada.api("GET", "/tokens")[1]["items"][0]
        self.assertIn("unencrypted", revoked["revoked"])
        clear.request("GET", "/", headers={"Host": "evil.example/x\t"})
        self.assertIn(clear.getresponse().status, (400,))
        clear.close()

    def test_a_token_does_what_it_may_and_no_more(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        made = ada.api("POST", "/tokens", {"name": "export", "role": "operator", "days": 1, "scope": ["GET /clients"]})[1]
        program = self.browser()

        def as_program(method, path, body=None):
            return program.api(method, path, body, headers={"Authorization": f"Bearer {made['token']}"})
        self.assertEqual(as_program("GET", "/clients")[0], 200)
        for method, path in (("GET", "/status"), ("GET", "/clientsx"), ("GET", "/clients/../status"), ("POST", "/users"),
                             ("GET", "/%73tatus"), ("DELETE", "/clients/00000000-0000-0000-0000-000000000001")):
            self.assertIn(as_program(method, path)[0], (403, 404), path)
        self.assertNotIn("token", ada.api("GET", "/tokens")[1]["items"][0])
        self.assertEqual(ada.api("DELETE", f"/tokens/{made['id']}")[0], 200)
        self.assertEqual(as_program("GET", "/clients")[0], 401)
        self.assertEqual(program.api("GET", "/status", headers={"Authorization": "Basic YWRhOng="})[0], 401)
        # It is in no file of the appliance.
        for file in daemon.state.rglob("*"):
            if file.is_file():
                self.assertNotIn(made["token"].encode(), file.read_bytes(), file)

    def test_wrong_tokens_are_held_up_and_a_right_one_never_is(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        token = ada.api("POST", "/tokens", {"name": "monitor", "role": "viewer", "days": 1})[1]["token"]

        def ask(bearer):
            return self.browser(source="127.0.0.3").api("GET", "/status", headers={"Authorization": f"Bearer {bearer}"})
        wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
        self.assertEqual([ask(wrong)[0] for _ in range(12)], [401] * 10 + [429] * 2)
        self.assertIn("wait", ask(wrong)[1]["hint"])
        # A monitor behind the same address, and more requests of it at once than the wrong ones that are let in.
        outcomes = []
        threads = [threading.Thread(target=lambda: outcomes.append(ask(token)[0])) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(outcomes, [200] * 24)

    def test_guesses_made_at_once_are_counted_at_once_and_the_owner_gets_in(self):
        daemon = self.box()
        self.set_up(daemon)
        outcomes = []
        lock = threading.Lock()

        def guess(number):
            browser = self.browser(source="127.0.0.2")
            status, _ = browser.log_in("ada", f"a wrong guess {number:04}")
            with lock:
                outcomes.append(status)
        threads = [threading.Thread(target=guess, args=(number,)) for number in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(outcomes), 30)
        self.assertLessEqual(outcomes.count(401), 10, outcomes)
        self.assertEqual(set(outcomes), {401, 429})
        # Those who found no room for a check were not looked at, and count as nothing.
        more = self.browser(source="127.0.0.2")
        left = 10 - outcomes.count(401)
        self.assertEqual([more.log_in("ada", "one more wrong guess")[0] for _ in range(left)], [401] * left)
        self.assertEqual(more.log_in("ada")[0], 429)
        owner = self.browser()
        self.assertEqual(owner.log_in("ada")[0], 200)

    def test_what_is_too_big_too_slow_or_no_http_ends(self):
        daemon = self.box("--set", "webui.max-connections-per-source=200")
        browser = self.set_up(daemon)
        status, answer = browser.api("POST", "/users", {"name": "x" * 70_000, "role": "viewer", "password": PASSWORD})
        self.assertEqual((status, answer["code"]), (413, "malformed"))
        status, _, _ = browser.ask("GET", "/?" + "x" * 17_000)
        self.assertIn(status, (400, 414, 431))
        deep = '{"name":' + "[" * 40 + "]" * 40 + "}"
        status, answer = browser.api("POST", "/users", deep, headers={"Content-Type": "application/json"})
        self.assertEqual((status, answer["code"]), (400, "malformed"))
        self.assertRegex(answer["detail"], "32|deep")
        # Those who say nothing, or garbage, or half a handshake, hold up nobody.
        silent = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(100)]
        for peer in silent[:50]:
            peer.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        with socket.create_connection(("127.0.0.1", self.port)) as peer:
            peer.sendall(bytes(range(256)) * 8)
            peer.settimeout(60 * support.PATIENCE)
            try:
                while peer.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        self.assertEqual(self.browser().ask("GET", "/livez")[0], 200)
        for peer in silent:
            peer.close()
        self.assertTrue(daemon.is_ready())

    def test_lengths_that_differ_smuggle_no_request(self):
        daemon = self.box()
        browser = self.set_up(daemon)
        context = ssl._create_unverified_context()
        for head in (b"Content-Length: 4\r\nContent-Length: 5\r\n", b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                     b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Length: -1\r\n",
                     b"Content-Length: 4x\r\n", b"Content-Length: 99999999999999999999\r\n"):
            with context.wrap_socket(socket.create_connection(("127.0.0.1", self.port))) as peer:
                peer.settimeout(60 * support.PATIENCE)
                peer.sendall(b"POST " + API.encode() + b"/logout HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n0\r\n\r\nGET /livez "
                             b"HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = b""
                while piece := peer.recv(4096):
                    answer += piece
            # Of what is no number at all POCO's server says nothing: the connection ends.
            self.assertRegex(answer[:12], rb"\A(HTTP/1.1 (400|413|501)|\Z)", head)
            self.assertNotIn(b"ok\n", answer, head)
        self.assertEqual(browser.api("GET", "/status")[0], 200)

    def test_events_come_live_and_go_on_where_they_were(self):
        daemon = self.box()
        ada = self.set_up(daemon)

        def follow(last=None):
            headers = {"Cookie": ada.cookie, "Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60 * support.PATIENCE,
                                                     context=ssl._create_unverified_context())
            self.addCleanup(connection.close)
            connection.request("GET", API + "/events/watch", headers=headers)
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "text/event-stream"))
            return answer

        def next_event(answer):
            number = None
            while line := answer.readline().decode().rstrip("\n"):
                if line.startswith("id: "):
                    number = line[4:]
                if line.startswith("data: "):
                    answer.readline()
                    return number, json.loads(line[6:])
            return next_event(answer)
        stream = follow()
        self.browser().log_in("ada", "a wrong password here")
        number, event = next_event(stream)
        while event["id"] != 25003:
            number, event = next_event(stream)
        self.assertIsNotNone(number)
        self.assertIn("127.0.0.1", event["message"])
        self.browser().log_in("ada")
        again = follow(number)
        _, event = next_event(again)
        self.assertEqual(event["id"], 25002)

    def test_a_new_certificate_serves_at_once_and_is_kept(self):
        daemon = self.box()
        ada = self.set_up(daemon)

        def fingerprint():
            import hashlib
            der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", self.port)))
            return ":".join(f"{octet:02X}" for octet in hashlib.sha256(der).digest())
        first = fingerprint()
        self.assertEqual(ada.api("GET", "/certificate")[1]["fingerprint"], first)
        self.assertEqual(ada.api("POST", "/certificate/renew", {"names": ["muster.example.org", "192.0.2.7"]})[0], 200)
        second = fingerprint()
        self.assertNotEqual(first, second)
        self.assertEqual(set(ada.api("GET", "/certificate")[1]["names"]), {"muster.example.org", "192.0.2.7"})
        status, answer = ada.api("PUT", "/certificate", {"chain": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"})
        self.assertIn(status, (400, 403), answer)
        self.assertEqual(fingerprint(), second)
        self.assertEqual(daemon.stop(), 0)
        daemon.start_ready()
        self.assertEqual(fingerprint(), second)
        daemon.ctl("certificate", "back")
        self.assertEqual(fingerprint(), first)

    def test_its_own_certificate_follows_the_clock(self):
        clock = self.directory / "clock"

        def days(number):
            """The daemon's clock, from now on, beside the true one."""
            with open(clock, "r+b" if clock.exists() else "wb") as file:
                file.write(struct.pack("=q", int(number * 86400)))
        days(-20_000)  # no clock of its own: it wakes up in the seventies
        library = support.BIN.parent / "lib" / "libmuster_test_wrong_clock.so"
        self.port = support.free_port()
        daemon = self.daemon("--web", f"127.0.0.1:{self.port}")
        daemon.start_ready(env=os.environ | {"LD_PRELOAD": str(library), "MUSTER_TEST_CLOCK_FILE": str(clock)})
        served = []

        def is_good(number):
            """Whether a certificate is served that is good in so many days; OpenSSL says so, by a clock of its own."""
            pem = ssl.get_server_certificate(("127.0.0.1", self.port))
            own = self.directory / "own.pem"
            own.write_text(pem)
            done = subprocess.run(["/usr/bin/openssl", "verify", "-CAfile", own, "-attime",
                                   str(int(time.time() + number * 86400)), own], capture_output=True, text=True)
            served.append((ssl.PEM_cert_to_DER_cert(pem), subprocess.run(
                ["/usr/bin/openssl", "x509", "-noout", "-pubkey", "-in", own], capture_output=True, text=True).stdout))
            return done.returncode == 0
        def events(number):
            listed = json.loads(daemon.ctl("event", "list", "-o", "json").stdout)["items"]
            return [event["id"] for event in listed].count(number)
        self.assertTrue(is_good(0))
        self.assertEqual(events(25000), 1)  # of the seventies: its age is no longer kept once the clock is right
        days(0)  # a time server answers: it was good for that from the beginning
        self.assertTrue(is_good(0))
        self.assertFalse(is_good(9000))
        days(9000)
        wait_for(lambda: is_good(9000), 30, daemon.log_tail)
        days(0)
        wait_for(lambda: is_good(0), 30, daemon.log_tail)
        self.assertEqual(len({certificate for certificate, _ in served}), 3)
        self.assertEqual(len({key for _, key in served}), 1)
        self.assertEqual(events(25006), 2)
        self.assertEqual(daemon.ctl("audit", "list").stdout.count("certificate renewed"), 2)
        shown = json.loads(daemon.ctl("certificate", "show", "-o", "json").stdout)
        self.assertTrue(shown["madeHere"])
        self.assertLess(shown["renewal"], shown["notAfter"])

    def test_who_is_logged_in_stays_so_over_a_restart_in_order_and_not_over_a_crash(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        self.assertEqual(daemon.stop(), 0)
        daemon.start_ready()
        self.assertEqual(ada.api("GET", "/status")[0], 200)
        self.assertFalse((daemon.state / "webui" / "sessions.json").exists())
        daemon.kill()
        daemon.start_ready()
        self.assertEqual(ada.api("GET", "/status")[0], 401)
        self.assertEqual(ada.log_in("ada")[0], 200)
        self.assertNotEqual(daemon.ctl("setup-code", check=False).returncode, 0)
        password = self.directory / "password"
        password.write_text("another quiet harbour\n")
        daemon.ctl("user", "add", "bob", "viewer", "--password-file", password)
        self.assertEqual(self.browser().log_in("BOB", "another quiet harbour")[0], 200)
        mode = (daemon.state / "webui" / "users.json").stat().st_mode
        self.assertEqual(mode & 0o777, 0o600)

    def test_choosing_a_mode_logs_nobody_out(self):
        self.port = support.free_port()
        daemon = self.daemon("--web", f"127.0.0.1:{self.port}", serving=())
        daemon.start()
        wait_for(lambda: daemon.ctl("setup-code", check=False).returncode == 0, 30, daemon.log_tail)
        ada = self.set_up(daemon)
        self.assertEqual(ada.ask("GET", "/readyz")[0], 503)
        method = next(row["method"] for row in ada.api("GET", "/operations")[1]["items"]
                      if row["path"] == "/mode" and row["method"] != "GET")
        self.assertEqual(ada.api(method, "/mode", {"mode": "lab"})[0], 200)

        def is_lab():
            try:
                status, answer = ada.api("GET", "/status")
            except OSError:
                return False  # it begins anew
            self.assertNotEqual(status, 401)
            return status == 200 and answer["mode"] == "lab"
        wait_for(is_lab, 60, daemon.log_tail)
        wait_for(lambda: ada.ask("GET", "/readyz")[0] == 200, 60, daemon.log_tail)  # the page is there before the last plugin is

    def test_no_request_for_the_page_opens_a_file(self):
        daemon = self.box()
        ada = self.set_up(daemon)
        self.browser().ask("GET", "/")
        trace = self.directory / "trace"
        strace = subprocess.Popen(["strace", "-f", "-Y", "-p", str(daemon.process.pid), "-e", "trace=%file,recvfrom", "-e",
                                   "signal=none", "-s", "200", "-o", trace], stderr=subprocess.PIPE, text=True,
                                  preexec_fn=support.die_with_the_test)
        self.addCleanup(strace.stderr.close)
        self.addCleanup(strace.wait)
        self.addCleanup(strace.kill)
        self.assertIn("attached", strace.stderr.readline())
        browser = self.browser()
        asked = ["/", "/nothing", "/livez", "/api/docs", "/api/docs/viewer.js", "/../etc/passwd", "/%2e%2e/etc/passwd"]
        asked += re.findall(r'(?:src|href)="(/[^"]*)"', browser.ask("GET", "/")[2].decode())
        self.assertTrue(any(path.endswith(".js") for path in asked) and any(path.endswith(".css") for path in asked), asked)
        for path in asked:
            for packed in ("gzip", "identity"):
                self.assertIn(browser.ask("GET", path, headers={"Accept-Encoding": packed})[0], (200, 400, 404), path)
        # /clients looks whether the store's files are still the same, /status at the times of a directory; these are answered
        # from memory.
        for path in ("/session", "/operations", "/openapi.json", "/users", "/tokens", "/settings"):
            self.assertEqual(ada.api("GET", path)[0], 200, path)
        mark = len(trace.read_text().splitlines())
        ada.api("GET", "/certificate")  # that one stands on the disk: the trace would show it
        wait_for(lambda: "certificate.pem" in trace.read_text(), 30, "the file of the certificate in the trace")
        lines = trace.read_text().splitlines()
        # Threads that read from a peer are those that answer; what the daemon does beside that is its own.
        answering = {line.split()[0] for line in lines if "recvfrom" in line}
        opened = [line for line in lines if line.split()[0] in answering and "recvfrom" not in line and '"/' in line]
        self.assertTrue(opened and all("certificate.pem" in line or "request.pem" in line for line in opened), opened)
        self.assertGreater(mark, 2 * len(asked))
        strace.send_signal(signal.SIGINT)  # gone before the daemon ends: who is traced cannot look for its own leaks
        strace.wait()

    def test_readyz_says_whether_a_client_would_get_an_answer(self):
        host = self.daemon(name="host")
        daemon = self.box(serving=support.relay(f"127.0.0.1:{host.port}"))
        browser = self.browser()

        def says(status, words):
            def tried():
                answer = browser.ask("GET", "/readyz")
                return answer[0] == status and words in answer[2].decode()
            wait_for(tried, 60, lambda: f"/readyz with {status}, not {browser.ask('GET', '/readyz')[2]}; {daemon.log_tail()}")
        says(503, "no licensed host can be asked")
        self.assertNotIn(str(host.port), browser.ask("GET", "/readyz")[2].decode())  # whoever asks is not logged in
        host.start_ready()
        says(200, "ok")
        name = json.loads(daemon.ctl("upstream", "list", "-o", "json").stdout)["items"][0]["name"]
        daemon.ctl("upstream", "rest", name)
        says(503, "no licensed host can be asked")
        daemon.ctl("upstream", "activate", name)
        says(200, "ok")
        self.assertEqual(browser.ask("GET", "/livez")[0], 200)

    def test_the_page_is_no_place_where_clients_come_in(self):
        daemon = self.box()
        status = json.loads(daemon.ctl("status", "-o", "json").stdout)
        self.assertEqual(status["listening"], [f"127.0.0.1:{daemon.port}"])


if __name__ == "__main__":
    support.main()
