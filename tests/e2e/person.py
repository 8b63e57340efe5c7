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
import rpc_client  # noqa: E402
import support  # noqa: E402
from upstream import Upstream  # noqa: E402

USER, PASSWORD = "ada", "quiet harbour lantern"


class Box:
    """An appliance with a page."""

    def __init__(self, daemon, port):
        self.daemon, self.port = daemon, port
        self.url = f"https://127.0.0.1:{port}"

    def add_user(self):
        """Made on the console, where the first run is not what is looked at."""
        # The daemon answers before all of its plugins do.
        support.wait_for(lambda: self.daemon.ctl("user", "list", check=False).returncode == 0, 30, self.daemon.log_tail)
        self.daemon.ctl("user", "add", USER, "admin", input=PASSWORD + "\n")
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

    def program(self, token):
        """What a program with that token gets to hear that reads, and that changes something."""
        return {"reads": self.as_program(token, "GET", "/status")[0],
                "changes": self.as_program(token, "PATCH", "/settings", {"set": ["pool.record=false"]})[0]}


class PersonTest(support.DaemonTest):
    def box(self, *words, ready=True, **more):
        port = support.free_port()
        daemon = self.daemon("--web", f"127.0.0.1:{port}", *words, **more)
        daemon.start_ready() if ready else daemon.start()
        return Box(daemon, port)

    def chosen(self, mode):
        """One whose mode was chosen on the console, and whose settings file is its own: the page may write there."""
        file = self.directory / "muster.toml"
        file.write_text("")
        box = self.box(serving=("--config", file), ready=False)
        support.wait_for(lambda: box.daemon.ctl("mode", "set", mode, "--yes", check=False).returncode == 0, 30,
                         box.daemon.log_tail)

        def serves():
            done = box.daemon.ctl("status", "-o", "json", check=False)
            return done.stdout.startswith("{") and json.loads(done.stdout)["mode"] == mode
        support.wait_for(serves, 30, box.daemon.log_tail)
        box.daemon.lab = mode == "lab"
        return box.add_user()

    def lab(self):
        """Such a one in the lab, with thirty machines."""
        box = self.chosen("lab")
        box.daemon.install_key()
        support.wait_for((box.daemon.state / "lab" / "seal.key").exists, 30, box.daemon.log_tail)
        self.fleet(box)
        return box

    def fleet(self, box):
        """Thirty machines ask the lab until they are activated."""
        done = subprocess.run([support.BIN / "muster-client", "--host", f"127.0.0.1:{box.daemon.port}", "--seal-key-file",
                               box.daemon.state / "lab" / "seal.key", "--family", "win7", "--clients", "30"],
                              capture_output=True, text=True, timeout=120 * support.PATIENCE)
        self.assertIn("activated", done.stdout, done.stdout + done.stderr)

    def host(self, *where):
        """A stand-in for a licensed host."""
        host = Upstream(*where, count=50)
        self.addCleanup(host.end)
        return host

    def ask(self, box, *bodies):
        with rpc_client.Client("127.0.0.1", box.daemon.port) as client:
            for body in bodies:
                client.ask(body)

    def listed(self, box, *words):
        return json.loads(box.daemon.ctl(*words, "-o", "json").stdout)["items"]

    def setting(self, box, key):
        return next(one["value"] for one in self.listed(box, "settings", "show") if one["key"] == key)

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
