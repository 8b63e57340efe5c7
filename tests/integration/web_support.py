"""A person with a browser, and a program that asks the API over TLS: what the tests of the page have in common."""
import http.client
import json
import ssl

from integration_support import DaemonTest, support

PASSWORD = "quiet harbour lantern"
API = "/api/v1"


class Browser:
    """Keeps its cookie and what must go with it, as a browser with our page does. One connection, kept alive."""

    def __init__(self, port, agent="test browser", source="127.0.0.1"):
        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60 * support.PATIENCE, context=context,
                                                      source_address=(source, 0))
        self.host = f"127.0.0.1:{port}"
        self.agent = agent
        self.cookie = self.csrf = None

    def ask(self, method, path, body=None, headers=None, raw=False):
        """Status, headers, and the body as JSON where it is that."""
        sent = {"User-Agent": self.agent}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if self.csrf and method not in ("GET", "HEAD"):
            sent |= {"X-Muster-CSRF": self.csrf, "Origin": f"https://{self.host}", "Sec-Fetch-Site": "same-origin"}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        try:
            self.connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.connection.close()  # idle for too long: a browser asks again on a new one
            self.connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            answer = self.connection.getresponse()
        content = answer.read()
        if answer.getheader("Set-Cookie"):
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        if not raw and (answer.getheader("Content-Type") or "").split(";")[0].endswith("json"):
            content = json.loads(content)
            if isinstance(content, dict) and content.get("csrf"):
                self.csrf = content["csrf"]
        return answer.status, answer, content

    def api(self, method, path, body=None, **more):
        status, _, content = self.ask(method, API + path, body, **more)
        return status, content

    def log_in(self, name, password=PASSWORD, **more):
        return self.api("POST", "/login", {"name": name, "password": password} | more)


class Box(DaemonTest):
    """A daemon with a page, and people who use it."""

    def box(self, *words, **more):
        self.port = support.free_port()
        return self.ready("--web", f"127.0.0.1:{self.port}", *words, **more)

    def browser(self, **more):
        browser = Browser(self.port, **more)
        self.addCleanup(browser.connection.close)
        return browser

    def set_up(self, daemon):
        """The first administrator, logged in."""
        browser = self.browser()
        code = daemon.ctl("setup-code").stdout.strip()
        status, answer = browser.api("POST", "/setup", {"code": code, "name": "ada", "password": PASSWORD})
        self.assertEqual((status, answer["role"]), (200, "admin"), answer)
        return browser
