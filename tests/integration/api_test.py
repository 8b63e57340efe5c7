#!/usr/bin/python3
"""The OpenAPI document against the running server, in both directions: every operation of it is called, every answer is
judged by what the document says of it, and nothing answers that is not in it."""
import datetime
import json
import subprocess
import sys
from pathlib import Path

import jsonschema

sys.path.insert(0, str(Path(__file__).resolve().parent))
from integration_support import clients, issue_key, support  # noqa: E402
from web_support import API, PASSWORD, Box  # noqa: E402

# What is sent where a body or a part of the path is needed: {(method, path): [(parts, query, body), …]}. What is not named
# here is called as it is. Refusals count too: they are judged as problems.
CALLS = {
    ("GET", "/clients/{cmid}"): lambda box: [({"cmid": box.cmid}, "", None), ({"cmid": "0" * 8 + "-0000-0000-0000-" + "0" * 12}, "", None)],
    ("DELETE", "/clients/{cmid}"): lambda box: [({"cmid": box.cmid}, "", None)],
    ("GET", "/clients"): lambda box: [({}, "", None), ({}, "?columns=machine,cmid&limit=1", None), ({}, "?limit=0", None)],
    ("POST", "/mode"): lambda box: [({}, "", {"mode": "neither"})],
    ("POST", "/restart"): lambda box: [({}, "", {"unknown": 1})],
    ("POST", "/backups"): lambda box: [({}, "", {}), ({}, "", {"parts": ["nothing"]})],
    ("GET", "/backups/{name}"): lambda box: [({"name": "none"}, "", None)],
    ("DELETE", "/backups/{name}"): lambda box: [({"name": "none"}, "", None)],
    ("GET", "/backups/{name}/file"): lambda box: [({"name": "none"}, "", None)],
    ("POST", "/backups/{name}/check"): lambda box: [({"name": "none"}, "", {})],
    ("POST", "/backups/{name}/restore"): lambda box: [({"name": "none"}, "", {})],
    ("GET", "/settings/{key}"): lambda box: [({"key": "core.log-level"}, "", None), ({"key": "core.nothing"}, "", None)],
    ("PUT", "/settings/{key}"): lambda box: [({"key": "core.log-level"}, "", {"value": "debug"})],
    ("DELETE", "/settings/{key}"): lambda box: [({"key": "core.log-level"}, "", None)],
    ("PATCH", "/settings"): lambda box: [({}, "", {"values": {"core.log-level": "warning"}})],
    ("POST", "/settings/check"): lambda box: [({}, "", {}), ({}, "", {"file": "[core]\nnothing = 1\n"})],
    ("GET", "/revisions/{number}"): lambda box: [({"number": "1"}, "", None)],
    ("POST", "/revisions/{number}/restore"): lambda box: [({"number": "1"}, "", None)],
    ("POST", "/users"): lambda box: [({}, "", {"name": "eve", "role": "viewer", "password": PASSWORD})],
    ("GET", "/users/{name}"): lambda box: [({"name": "eve"}, "", None)],
    ("PATCH", "/users/{name}"): lambda box: [({"name": "eve"}, "", {"role": "operator"})],
    ("DELETE", "/users/{name}"): lambda box: [({"name": "eve"}, "", None)],
    ("POST", "/tokens"): lambda box: [({}, "", {"name": "t", "role": "viewer"})],
    ("DELETE", "/tokens/{id}"): lambda box: [({"id": "nobody"}, "", None)],
    ("PUT", "/certificate"): lambda box: [({}, "", {"file": "no certificate"})],
    ("POST", "/certificate/request"): lambda box: [({}, "", {})],
    ("POST", "/setup"): lambda box: [({}, "", {"code": "AAAA-AAAA-AAAA-AAAA", "name": "ada", "password": PASSWORD})],
    ("POST", "/login"): lambda box: [({}, "", {"name": "nobody", "password": PASSWORD})],
    ("PUT", "/session/password"): lambda box: [({}, "", {"old": "wrong", "password": PASSWORD})],
    ("PUT", "/session/totp"): lambda box: [({}, "", {"code": "000000"})],
    ("DELETE", "/sessions/{id}"): lambda box: [({"id": "nobody"}, "", None)],
    ("POST", "/keys"): lambda box: [({}, "", {"key": "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"})],
    ("DELETE", "/keys/{key}"): lambda box: [({"key": "none"}, "", None)],
    ("POST", "/plugins/{name}/clear"): lambda box: [({"name": "listener"}, "", None)],
    ("GET", "/dns/domains/{domain}"): lambda box: [({"domain": "muster.invalid"}, "", None)],
    ("DELETE", "/dns/keys/{name}"): lambda box: [({"name": "none"}, "", None)],
    ("POST", "/dns/keys"): lambda box: [({}, "", {"name": "x.invalid", "file": "no key"})],
    ("GET", "/upstreams/{name}"): lambda box: [({"name": "nowhere"}, "", None)],
    ("POST", "/upstreams"): lambda box: [({}, "", {"name": "nowhere", "address": "127.0.0.1:9"})],
    ("PATCH", "/upstreams/{name}"): lambda box: [({"name": "nowhere"}, "", {"weight": 7})],
    ("GET", "/upstreams/{name}/counts"): lambda box: [({"name": "nowhere"}, "", None)],
    ("POST", "/upstreams/{name}/check"): lambda box: [({"name": "nowhere"}, "", None)],
    **{("POST", "/upstreams/{name}/" + word): lambda box: [({"name": "nowhere"}, "", None)] for word in ("drain", "rest", "activate")},
    ("DELETE", "/upstreams/{name}"): lambda box: [({"name": "nowhere"}, "", None)],
    ("POST", "/upstreams/discover"): lambda box: [({}, "", {"domain": "muster.invalid"})],
}
# Called last, since they end what the others need; and in this order.
LAST = [("DELETE", "/upstreams/{name}"), ("DELETE", "/users/{name}"), ("DELETE", "/settings/{key}"), ("DELETE", "/clients/{cmid}"),
        ("DELETE", "/sessions"), ("POST", "/logout")]
FIRST = [("POST", "/users"), ("POST", "/upstreams"), ("PUT", "/settings/{key}")]


def strict(schema):
    """The same, but what it does not name is not allowed."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {name: strict(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema["properties"]:
        out["additionalProperties"] = False
    return out


def is_time(text):
    datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return True


FORMATS = jsonschema.FormatChecker(formats=["uuid"])
FORMATS.checks("date-time", raises=ValueError)(lambda value: not isinstance(value, str) or is_time(value))


class Document(Box):
    def judge(self, document, operation, where, status, answer, content):
        described = operation["responses"].get(str(status)) or (operation["responses"]["default"] if status >= 400 else
                                                                operation["responses"]["200"])
        if "$ref" in described:
            described = document["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
        kind = (answer.getheader("Content-Type") or "").split(";")[0]
        if status == 204 or kind == "":
            self.assertEqual(content, b"", where)
            return
        if "*/*" in described["content"]:
            return
        self.assertIn(kind, described["content"], f"{where}: {kind} is not in the document")
        if not kind.endswith("json"):
            return
        schema = strict(described["content"][kind]["schema"])
        if "$ref" in schema:
            schema = strict(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
        wrong = list(jsonschema.Draft202012Validator(schema, format_checker=FORMATS).iter_errors(content))
        self.complaints += [f"{where} ({status}): {'/'.join(map(str, error.path))}: {error.message[:300]}" for error in wrong[:5]]

    def walk(self, browser, renew):
        """Calls everything that is in the document."""
        document = browser.api("GET", "/openapi.json")[1]
        self.assertEqual(document["openapi"], "3.1.0")
        for methods in document["paths"].values():
            for operation in methods.values():
                for response in operation["responses"].values():
                    for content in response.get("content", {}).values():
                        jsonschema.Draft202012Validator.check_schema(content["schema"])
        table = {(method.upper(), path): operation for path, methods in document["paths"].items()
                 for method, operation in methods.items()}
        middle = sorted(set(table) - set(FIRST) - set(LAST), key=lambda one: (one[0] != "GET", one[1]))
        statuses = {}
        for method, path in [*FIRST, *middle, *LAST]:
            operation = table.get((method, path))
            if operation is None:
                continue
            if "application/x-ndjson" in operation["responses"]["200"]["content"] and len(operation["responses"]["200"]["content"]) == 1:
                continue  # a stream without an end: web_test.py follows one
            for parts, query, body in CALLS.get((method, path), lambda box: [({}, "", None)])(self):
                target = path
                for name, value in parts.items():
                    target = target.replace("{" + name + "}", value)
                self.assertNotIn("{", target, f"{method} {path} has parts: say in CALLS what they are")
                if body is None and operation.get("requestBody", {}).get("content", {}).get("application/json"):
                    body = {}
                status, answer, content = browser.ask(method, API + target + query, body)
                self.assertLess(status, 600)
                self.assertNotEqual((status, method == "GET" and status), (500, 500), content)
                statuses.setdefault((method, path), []).append(status)
                self.judge(document, operation, f"{method} {target}{query}", status, answer, content)
            if browser.api("GET", "/session")[1].get("setup") is None and not browser.api("GET", "/session")[1].get("name"):
                renew()
        for path in ("/nothing", "/clients/x/y", "/openapi", "/../etc/passwd"):
            status, answer = browser.api("GET", path)
            self.assertEqual((status, answer["code"]), (404, "missing"), path)
        return statuses

    def begun(self, mode):
        self.port = support.free_port()
        daemon = self.daemon("--web", f"127.0.0.1:{self.port}", serving=())
        daemon.state.mkdir(parents=True)
        (daemon.state / "mode").write_text(mode + "\n")
        daemon.start()
        daemon.lab = mode == "lab"
        support.wait_for(lambda: daemon.ctl("setup-code", check=False).returncode == 0, 30, daemon.log_tail)
        return daemon

    def whole(self, mode, wanted):
        daemon = self.begun(mode)
        ada = self.set_up(daemon)
        self.complaints, self.cmid = [], "00000000-0000-0000-0000-000000000007"
        if mode == "lab":
            daemon.ctl("key", "add", issue_key(daemon, "win7-2008r2", "C"))
            clients(daemon, "win7", 26)
            self.cmid = ada.api("GET", "/clients")[1]["items"][0]["cmid"]
        else:
            self.assertEqual(ada.api("GET", "/status")[1]["mode"], "relay")
        statuses = self.walk(ada, lambda: ada.log_in("ada"))
        self.assertEqual(self.complaints, [], "\n".join(["answers that are not as the document says:", *self.complaints]))
        for operation in wanted:
            self.assertTrue(any(status < 300 for status in statuses[operation]), f"{operation}: {statuses[operation]}")
        done = sum(any(status < 300 for status in all_of) for all_of in statuses.values())
        print(f"{mode}: {len(statuses)} operations called, {done} of them done, the others refused; all answers as documented")

    def test_begun_anew_by_a_word_it_serves_again_and_nobody_is_logged_out(self):
        daemon = self.begun("lab")
        ada = self.set_up(daemon)
        before = ada.api("GET", "/status")[1]["started"]
        self.assertEqual(ada.api("POST", "/restart")[0], 200)

        def again():
            try:
                status, answer = ada.api("GET", "/status")
            except OSError:
                return False  # it begins anew
            return status == 200 and answer["started"] != before
        support.wait_for(again, 60, daemon.log_tail)
        self.assertEqual(daemon.process.poll(), None)

    def test_spectral_has_nothing_to_say(self):
        ada = self.set_up(self.begun("relay"))
        document = self.directory / "openapi.json"
        document.write_text(json.dumps(ada.api("GET", "/openapi.json")[1]))
        spectral = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "@stoplight" / "spectral-cli" / "dist" / "index.js"
        done = subprocess.run(["node", spectral, "lint", "--ruleset", Path(__file__).with_name("spectral.yaml"), "--fail-severity",
                               "hint", document], capture_output=True, text=True, timeout=120 * support.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_support_bundle_holds_no_secret(self):
        daemon = self.begun("relay")
        ada = self.set_up(daemon)
        self.assertEqual(ada.api("POST", "/dns/keys", {"name": "k.muster.invalid", "file": "c2VjcmV0LW9mLWEta2V5LXRoYXQtaXMtaGVyZQ=="})[0] // 100, 2)
        token = ada.api("POST", "/tokens", {"name": "t", "role": "viewer"})[1]["token"]
        status, answer, text = ada.ask("GET", API + "/support", raw=True)
        self.assertEqual((status, answer.getheader("Content-Type")), (200, "text/plain; charset=utf-8"))
        self.assertIn("attachment", answer.getheader("Content-Disposition"))
        for wanted in (b"=== /status", b"=== /settings", b"=== /events", b"=== /audit", b"ada"):
            self.assertIn(wanted, text)
        secrets = [PASSWORD, token, "c2VjcmV0LW9m", ada.cookie.split("=")[1], ada.csrf, "argon2"]
        for secret in secrets:
            self.assertNotIn(secret.encode(), text, secret)
        self.assertEqual(daemon.ctl("support").stdout.split("===")[1], text.decode().split("===")[1])

    def test_in_the_lab(self):
        self.whole("lab", [("GET", "/clients/{cmid}"), ("DELETE", "/clients/{cmid}"), ("GET", "/events"), ("PUT", "/settings/{key}"),
                           ("PATCH", "/users/{name}"), ("GET", "/lab")])

    def test_as_a_relay(self):
        self.whole("relay", [("POST", "/upstreams"), ("GET", "/upstreams/{name}"), ("PATCH", "/upstreams/{name}"),
                             ("GET", "/dns/plan"), ("DELETE", "/upstreams/{name}")])


if __name__ == "__main__":
    support.main()
