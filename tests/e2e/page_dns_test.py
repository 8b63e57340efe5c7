#!/usr/bin/python3
"""The page and DNS: a real name server, in a network of the test's own, where port 53 is free."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import person  # noqa: E402
import kms_bodies as kms  # noqa: E402
import name_servers as ns  # noqa: E402
import network_lab  # noqa: E402
import publishing  # noqa: E402
import rpc_client  # noqa: E402
import support  # noqa: E402
from upstream import Upstream  # noqa: E402


class Dns(person.PersonTest):
    def setUp(self):
        super().setUp()
        self.server = ns.Bind(self.directory / "bind", "10.53.1.1")
        self.addCleanup(self.server.stop)
        self.server.start()
        network_lab.resolvers(self.server.address)
        network_lab.address("10.53.9.9")
        self.before = self.server.services()

    def facts(self):
        return {"domain": self.server.zone, "server": self.server.address, "key": ns.KEY.name, "secret": ns.KEY.secret,
                "before": self.before}

    def test_published_after_a_plan_and_withdrawn(self):
        port = support.free_port()
        daemon = publishing.Appliance(self.directory)
        daemon.words = ("--web", f"127.0.0.1:{port}")
        self.daemons.append(daemon)
        daemon.start_ready()
        box = person.Box(daemon, port).add_user()
        self.person("dns", box, {"services": self.server.services}, target=f"muster-01.{self.server.zone}", **self.facts())

    def test_the_first_run_into_production_by_keyboard_alone(self):
        host = Upstream("10.53.9.9", 1688, count=50)
        self.addCleanup(host.end)
        file = self.directory / "muster.toml"
        file.write_text("")
        port = support.free_port()
        daemon = self.daemon("--web", f"127.0.0.1:{port}", serving=("--config", file))
        daemon.host, daemon.port = network_lab.address("10.53.9.1"), 1688
        network_lab.hosts("127.0.0.1 localhost", f"10.53.9.1 muster-01.{self.server.zone} muster-01")
        daemon.start()
        support.wait_for(lambda: daemon.ctl("setup-code", check=False).returncode == 0, 30, daemon.log_tail)
        box = person.Box(daemon, port)

        def request():
            rpc_client.ask_once(daemon.host, daemon.port, kms.request())
        self.person("into_production", box, {"services": self.server.services, "request": request, "program": box.program,
                                             "setting": lambda key: self.setting(box, key)},
                    code=daemon.ctl("setup-code").stdout.strip(), silent=f"127.0.0.1:{support.free_port()}",
                    host=f"muster-01.{self.server.zone}", **self.facts())


if __name__ == "__main__":
    network_lab.enter()
    support.main()
