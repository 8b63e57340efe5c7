"""What tests of the relay share: stand-ins for licensed hosts, a relay before them, clients of any body."""
import json
import struct
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import kms_bodies as kms  # noqa: E402
import support  # noqa: E402
from rpc_client import Client, Fault, Gone, ask_once  # noqa: E402
from upstream import Upstream  # noqa: E402

HOST = "127.0.0.1"


def toml(value):
    """A value as TOML has it; JSON's forms but for objects."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def limit(seconds):
    """A time limit of the relay's settings, longer where the daemon is slow."""
    return f"{int(min(seconds * support.PATIENCE, 60) * 1000)}ms"  # 60 s: the most that is allowed


def ask_from(port, body, source=None, timeout=60):
    """As Windows does it, from that address: a connection, a bind, a request, an answer. (body or None, HRESULT)."""
    with support.bound(port, timeout=timeout, source=source) as peer:
        stub = kms.request_stub(body)
        peer.sendall(support.pdu(0, struct.pack("<IHH", len(stub), 0, 0) + stub, call=2))
        answer = support.read_pdu(peer)
    if answer[2:3] != b"\2":
        raise AssertionError(f"a fault or nothing: {answer[:32].hex()}")
    return kms.read_answer_stub(answer[24:])


class Askers:
    """Threads that each send one body and wait: what became of each, in the order in which they ended."""

    def __init__(self, port, bodies, timeout=60):
        self.ended = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.ask, args=(port, number, body, timeout), daemon=True)
                        for number, body in enumerate(bodies)]
        for thread in self.threads:
            thread.start()

    def ask(self, port, number, body, timeout):
        try:
            became = ask_once(HOST, port, body, timeout)
        except (Fault, Gone) as error:
            became = error
        with self.lock:
            self.ended.append((number, became))

    def so_far(self):
        with self.lock:
            return list(self.ended)

    def all(self):
        for thread in self.threads:
            thread.join(120 * support.PATIENCE)
            if thread.is_alive():
                raise AssertionError("a request is neither answered nor refused")
        return self.so_far()


class RelayTest(support.DaemonTest):
    def upstream(self, **behaviour):
        upstream = Upstream(**behaviour)
        self.addCleanup(upstream.end)
        return upstream

    def relay(self, *upstreams, words=(), start=True, name="relay", **settings):
        """A relay before these upstreams, the first the primary; settings of [relay] by their names, _ for -."""
        said = list(words)
        for key, value in settings.items():
            said += ["--set", f"relay.{key.replace('_', '-')}={value}"]
        daemon = self.daemon(*said, name=name, serving=support.relay(*(upstream.address for upstream in upstreams)))
        if start:
            daemon.start_ready()
        return daemon

    def relay_by_file(self, upstreams, words=(), name="relay", **settings):
        """The same by a settings file; `upstreams` are objects of relay.upstreams."""
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        file = directory / "muster.toml"
        lines = ["[relay]", f"upstreams = {toml(upstreams)}"]
        lines += [f"{key.replace('_', '-')} = {toml(value)}" for key, value in settings.items()]
        file.write_text("\n".join(lines) + "\n")
        daemon = self.daemon(*words, name=name, serving=("--config", file))
        daemon.start_ready()
        daemon.ctl("mode", "set", "relay", "--yes")
        self.status_when(daemon, lambda status: status["ready"] and status["mode"] == "relay", "the relay in service")
        return daemon

    def status_when(self, daemon, condition, what, seconds=60):
        def look():
            done = daemon.ctl("status", "-o", "json", check=False)
            return done.returncode == 0 and condition(json.loads(done.stdout)) and json.loads(done.stdout)
        return support.wait_for(look, seconds, what)

    def shown(self, daemon):
        """{name: upstream} of `musterctl upstream list`."""
        listed = json.loads(daemon.ctl("upstream", "list", "-o", "json").stdout)
        return {item["name"]: item for item in (listed["items"] if isinstance(listed, dict) else listed)}

    def journal(self, daemon, number):
        """The events of that number that are shown."""
        listed = json.loads(daemon.ctl("event", "list", "-o", "json").stdout)
        return [item for item in (listed["items"] if isinstance(listed, dict) else listed) if item["id"] == number]

    def ask(self, daemon, body, timeout=60):
        return ask_once(HOST, daemon.port, body, timeout * support.PATIENCE)

    def answered(self, daemon):
        """Whether a request is granted now."""
        try:
            return self.ask(daemon, kms.request())[1] == 0
        except (Fault, Gone):
            return False

    def client(self, daemon, timeout=60):
        client = Client(HOST, daemon.port, timeout * support.PATIENCE)
        self.addCleanup(client.close)
        return client

    def assert_fault(self, daemon, body, code=None):
        """The request ends in an RPC fault, with that status if one is named."""
        with self.assertRaises(Fault) as caught:
            self.ask(daemon, body)
        if code is not None:
            self.assertEqual(caught.exception.code, code, caught.exception)

    def assert_answer_of(self, body, asked, *upstreams):
        """The answer is one that an upstream sent to this very request, octet for octet."""
        sent = [call.answer for upstream in upstreams for call in upstream.recorded() if call.request == asked]
        self.assertTrue(body in sent, "the client has an answer that no host sent to its request")
        if asked[2] == 4:
            answer, request = kms.read_answer(body), kms.read_request(asked)
            self.assertEqual((answer.cmid, answer.client_time), (request.cmid, request.client_time))

    def load(self, daemon, *words, requests=2000, connections=16, mode="churn"):
        """bench_load to its end: its report. It checks CMID and time of every answer."""
        return self.loaded(daemon.load("--requests", requests, "--connections", connections, "--mode", mode, "--clients",
                                       5000, "--warmup", 0, "--seconds", 600, "--verify", *words))

    def loaded(self, process):
        out, said = process.communicate(timeout=600 * support.PATIENCE)
        self.assertTrue(out, said)
        return json.loads(out)

    def assert_all_well(self, report, requests):
        self.assertGreaterEqual(report["exchanges"], requests, report)
        self.assertFalse(report["errors"], report)
        self.assertFalse(report["refusals"], report)
