"""A person at the page: a scenario of page/ in Debian's Chromium, and whoever does for it what no browser does."""
import http.client
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "peers"))
import support  # noqa: E402

USER, PASSWORD = "ada", "quiet harbour lantern"


class Box:
    """An appliance with a page."""

    def __init__(self, daemon, port):
        self.daemon, self.port = daemon, port
        self.url = f"https://127.0.0.1:{port}"

    def add_user(self):
        """Made on the console, where the first run is not what is looked at."""
        self.daemon.ctl("user", "add", USER, "admin", PASSWORD)
        return self

    def as_program(self, token, method, path, body=None):
        """(status, answer) of a program with that token."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60 * support.PATIENCE,
                                                 context=ssl._create_unverified_context())
        try:
            connection.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None,
                               {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()


class PersonTest(support.DaemonTest):
    def box(self, *words, ready=True, **more):
        port = support.free_port()
        daemon = self.daemon("--web", f"127.0.0.1:{port}", *words, **more)
        daemon.start_ready() if ready else daemon.start()
        return Box(daemon, port)

    def person(self, scenario, box, answering=(), **facts):
        """Plays page/SCENARIO.mjs to its end. answering: functions by the word with which it asks for them."""
        known = dict(answering)
        person = subprocess.Popen(["node", HERE / "page" / f"{scenario}.mjs",
                                   json.dumps({"url": box.url, "password": PASSWORD, **facts})],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env=os.environ | {"MUSTER_PATIENCE": str(support.PATIENCE)},
                                  preexec_fn=support.die_with_the_test)
        said = []
        try:
            for line in person.stdout:
                said.append(line)
                print(line, end="", flush=True)
                if line.startswith("ASK "):
                    asked = json.loads(line[4:])
                    answer = known[asked["what"]](**asked["facts"])
                    person.stdin.write(json.dumps(answer) + "\n")
                    person.stdin.flush()
            self.assertEqual(person.wait(60 * support.PATIENCE), 0, "".join(said) + box.daemon.log_tail())
        finally:
            person.kill()
            person.wait()
            person.stdin.close()
            person.stdout.close()
