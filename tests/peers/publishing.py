"""What tests of the publisher share: appliances in lab mode on addresses of their own, and what they say of their DNS."""
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import dns.query
import dns.zone

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import network_lab  # noqa: E402
import support  # noqa: E402


def toml(value):
    """A value as TOML has it; JSON's forms but for objects."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


class Appliance(support.Daemon):
    """musterd in the lab, on port 1688 of an address of its own, which it publishes where it is told to."""

    def __init__(self, directory, address="10.53.9.1", name="muster-01", **settings):
        self.file = Path(directory) / "muster.toml"
        super().__init__(directory, serving=("--config", self.file))
        self.lab = True
        self.state.mkdir(mode=0o700, exist_ok=True)
        (self.state / "mode").write_text("lab\n")  # as "musterctl mode set lab" leaves it
        self.host, self.port, self.name = network_lab.address(address), 1688, name
        self.settings = {"publish-lab": True, **settings}
        self.write()

    def write(self):
        lines = ["[dns]"] + [f"{key} = {toml(value)}" for key, value in self.settings.items()]
        self.file.write_text("\n".join(lines) + "\n")

    def set(self, **settings):
        """Changes settings of [dns] while it runs; _ stands for -."""
        for key, value in settings.items():
            self.ctl("settings", "set", f"dns.{key.replace('_', '-')}", value if isinstance(value, str) else toml(value))

    def wish(self, server, domain=None, **more):
        """One of dns.domains: the domain (the server's zone without one) on that server."""
        domain = domain or server.zone
        return {"domain": domain, "target": f"{self.name}.{server.zone}", "server": server.address, "weight": 0, **more}

    def add_key(self, key):
        file = self.directory / "key"
        file.write_text(key.secret + "\n")
        self.ctl("dns", "add-key", key.name, str(file), "--algorithm", key.algorithm)
        file.unlink()

    def shown(self, domain):
        return json.loads(self.ctl("dns", "show", domain, "-o", "json").stdout)

    def when(self, domain, state, seconds=60):
        """Waits until the domain is in that state: what is shown then."""
        last = {}

        def look():
            last.update(self.shown(domain))
            return last["state"] == state and not last["busy"] and last
        return support.wait_for(look, seconds, lambda: f"{domain} in state {state}; it is {json.dumps(last, indent=1)}\n"
                                                       f"{self.log_tail()}")

    def events(self, number, domain=None):
        """Events of that number, for that domain, the first one first."""
        listed = json.loads(self.ctl("event", "list", "--id", str(number), "-o", "json").stdout)
        items = listed["items"] if isinstance(listed, dict) else listed
        return [item for item in reversed(items) if domain in (None, item["fields"].get("domain"))]

    def event(self, number, domain, seconds=30, **fields):
        """Waits for such an event whose fields have those values."""
        return support.wait_for(
            lambda: next((item for item in self.events(number, domain)
                          if all(item["fields"].get(key) == value for key, value in fields.items())), None),
            seconds, lambda: f"event {number} for {domain} with {fields}; there are {self.events(number)}")


class PublishTest(support.DaemonTest):
    def appliance(self, name="muster-01", address="10.53.9.1", keys=(), start=True, **settings):
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        daemon = Appliance(directory, address, name, **settings)
        self.daemons.append(daemon)
        if start:
            daemon.start_ready()
            for key in keys:
                daemon.add_key(key)
        return daemon

    def assert_words(self, text, *patterns):
        for pattern in patterns:
            self.assertRegex(text, re.compile(pattern, re.IGNORECASE))


def zone_of(server, zone=None):
    """All of a zone but its SOA, as lines: what an update may not have touched can be compared."""
    got = dns.zone.from_xfr(dns.query.xfr(server.address, zone or server.zone, lifetime=30, relativize=False),
                            relativize=False)
    return sorted(f"{name.to_text()} {rdata.to_text()}".lower() for name, ttl, rdata in got.iterate_rdatas()
                  if rdata.rdtype.name != "SOA")


def directory_for(test_class, prefix="muster-dns."):
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    test_class.addClassCleanup(shutil.rmtree, directory, True)
    return directory
