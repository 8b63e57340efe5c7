#!/usr/bin/python3
"""Name servers that die, hang and lag: the publisher recovers by itself, and nothing else waits for it."""
import sys

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import name_servers as ns  # noqa: E402
import network_lab  # noqa: E402
import publishing  # noqa: E402
import support  # noqa: E402


class Recovery(publishing.PublishTest):
    def setUp(self):
        super().setUp()
        self.primary = ns.Bind(self.directory / "primary", "10.53.1.1")
        self.secondary = ns.Bind(self.directory / "secondary", "10.53.1.2").follow(self.primary)
        self.zone = self.primary.zone
        for server in (self.primary, self.secondary):
            self.addCleanup(server.stop)
            server.start()
        network_lab.address("10.53.9.9")
        network_lab.resolvers(self.secondary.address)
        self.both = sorted([f"0 0 1688 kms1.{self.zone}.", f"0 0 1688 muster-01.{self.zone}."])

    def found(self, daemon):
        """The domain without a server: the primary is found by SOA."""
        return {"domain": self.zone, "target": f"muster-01.{self.zone}", "weight": 0, "key": ns.KEY.name}

    def test_the_primary_dies_and_comes_back(self):
        daemon = self.appliance(keys=[ns.KEY])
        daemon.set(domains=[self.found(daemon)], publish=True)
        daemon.when(self.zone, "published")
        self.assertEqual(self.secondary.services(), self.both)

        self.primary.kill()
        daemon.set(domains=[{**self.found(daemon), "port": 1690}])
        shown = daemon.when(self.zone, "failed")
        self.assertTrue(shown["nextAttempt"], shown)
        self.assertEqual(len(daemon.events(12293, self.zone)), 1)
        before = shown["attempts"]
        support.wait_for(lambda: daemon.shown(self.zone)["attempts"] > before + 1, 60, "more attempts")
        self.assertEqual(len(daemon.events(12293, self.zone)), 1, "the same trouble is told once")
        self.assertIn("dns: ", daemon.ctl("status", check=False).stdout)
        self.assertEqual(self.secondary.services(), self.both)

        self.primary.start()
        daemon.when(self.zone, "published")  # nobody asked for it
        now = [self.both[0], f"0 0 1690 muster-01.{self.zone}."]
        for server in (self.primary, self.secondary):
            support.wait_for(lambda server=server: server.services() == now, 60, lambda: f"{server}: {server.services()}")
        self.assertEqual(len(daemon.events(12294, self.zone)), 2)

    def test_a_secondary_that_lags_is_waited_for(self):
        daemon = self.appliance(keys=[ns.KEY])
        self.secondary.pause()
        network_lab.resolvers(self.primary.address)
        daemon.set(domains=[self.found(daemon)], publish=True)
        shown = daemon.when(self.zone, "lagging")
        self.assertEqual(self.primary.services(), self.both)
        self.assertRegex(shown["why"], self.secondary.address.replace(".", r"\."))
        views = {view["server"]: view for view in shown["servers"]}
        self.assertEqual([view["agrees"] for view in views.values() if view["primary"]], [True], shown)
        self.assertEqual([view["agrees"] for view in views.values() if not view["primary"]], [False], shown)
        self.secondary.go_on()
        daemon.when(self.zone, "published", 120)
        self.assertEqual(self.secondary.services(), self.both)
        self.assertEqual(daemon.events(12293, self.zone), [])

    def test_one_that_says_nothing_holds_up_no_other_and_no_client(self):
        hanging = ns.Bind(self.directory / "hanging", "10.53.1.3")
        self.addCleanup(hanging.stop)
        hanging.start()
        daemon = self.appliance(keys=[ns.KEY])
        daemon.install_key()
        hanging.pause()
        silent = [{"domain": f"d{number}.{self.zone}", "target": f"muster-01.{self.zone}", "zone": self.zone,
                   "server": hanging.address, "key": ns.KEY.name} for number in range(3)]
        daemon.set(domains=[*silent, self.found(daemon)], publish=True)
        daemon.when(self.zone, "published")
        self.assertTrue(daemon.serves())
        for wish in silent:
            shown = daemon.when(wish["domain"], "failed")
            self.assertEqual(shown["hresult"], "0x800705B4", shown)
            self.assertRegex(shown["why"], "does not answer")
        # Its end does not wait for them either.
        self.assertEqual(daemon.stop(), 0)
        hanging.go_on()


if __name__ == "__main__":
    network_lab.enter()
    support.main()
