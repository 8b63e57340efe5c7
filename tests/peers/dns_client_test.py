#!/usr/bin/python3
"""The whole way: a lab publishes itself through a real named, and simulated clients that know no host activate by it."""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import name_servers as ns  # noqa: E402
import network_lab  # noqa: E402
import publishing  # noqa: E402
import support  # noqa: E402


class Client(publishing.PublishTest):
    def test_clients_find_the_lab_and_activate(self):
        server = ns.Bind(self.directory / "named", "10.53.1.1")
        self.addCleanup(server.stop)
        server.start()
        zone = server.zone
        # Clients and appliance know this name server and this suffix alone; the other host of the set answers nobody.
        network_lab.resolvers(server.address, search=[zone])
        network_lab.address("10.53.9.9")
        daemon = self.appliance(keys=[ns.KEY])
        for family in ("win7-2008r2", "vista-2008"):
            key = daemon.ctl("lab", "issue-key", "--family", family, "--group", "C").stdout.strip()
            daemon.ctl("key", "add", key)
        daemon.set(domains=[{"domain": zone, "target": f"muster-01.{zone}", "key": ns.KEY.name}], publish=True)
        daemon.when(zone, "published")
        for family, machines in (("win7", 30), ("vista", 30)):
            with self.subTest(family):
                done = subprocess.run(
                    [support.BIN / "muster-client", "--domain", zone, "--clients", str(machines), "--family", family,
                     "--seal-key-file", daemon.home / "seal.key", "--minute", "1ms", "--cmid-seed", str(len(family)), "--verbose"],
                    capture_output=True, text=True, timeout=240 * support.PATIENCE)
                words = done.stdout + done.stderr
                self.assertEqual(done.returncode, 0, words[-3000:])
                self.assertRegex(words, rf"muster-01\.{re.escape(zone)}:1688", words[-3000:])
        self.assertGreaterEqual(len(daemon.cmids()), 60)


if __name__ == "__main__":
    network_lab.enter()
    support.main()
