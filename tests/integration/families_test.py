#!/usr/bin/env python3
"""Families as files: taken away and brought back under load; whether virtual machines raise the count."""
import json
import shutil
import subprocess
import threading

import integration_support as integration
from integration_support import support

WIN7 = "family-win7-2008r2.so"
INVALID_KEY = "0xC004F050"


class VistaLoad(threading.Thread):
    """Vista machines of a group that is long above its threshold, one after the other, until told to end."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.target = daemon
        self.ending = threading.Event()
        self.rounds = 0
        self.failures = []

    def run(self):
        while not self.ending.is_set():
            done = subprocess.run([support.BIN / "muster-client", "--host", f"127.0.0.1:{self.target.port}",
                                   "--seal-key-file", self.target.state / "lab" / "seal.key", "--family", "vista",
                                   "--clients", "30", "--cmid-seed", "1", "--once"], capture_output=True, text=True)
            self.rounds += 1
            if done.returncode != 0:
                self.failures.append(done.stdout + done.stderr)


class TakenAway(integration.DaemonTest):
    def test_without_its_family_a_key_is_invalid_and_back_again_it_is_accepted_unchanged(self):
        plugins = self.directory / "plugins"
        shutil.copytree(support.BIN.parent / "plugins", plugins)
        daemon = self.ready("--plugins", plugins)
        daemon.install_key()  # win7-2008r2, group C: covers Vista as well
        vista_key = integration.issue_key(daemon, "vista-2008", "client")
        daemon.ctl("key", "add", vista_key)
        integration.clients(daemon, "win7", 30, check=0)
        integration.clients(daemon, "vista", 30, "--cmid-seed", 1, check=0)
        spare_key = integration.issue_key(daemon, "win7-2008r2", "A")

        load = VistaLoad(daemon)
        load.start()
        try:
            self.pass_of(load)
            aside = self.directory / WIN7
            shutil.move(plugins / WIN7, aside)
            self.assertIn("family-win7-2008r2", daemon.ctl("plugin", "rescan").stdout)
            refused = daemon.ctl("key", "add", spare_key, check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(INVALID_KEY, refused.stdout + refused.stderr)
            self.assertIn("the product key is invalid", refused.stdout + refused.stderr)
            said = integration.clients(daemon, "win7", 5, "--once", check=1)
            self.assertNotIn("activated (count", said)
            self.pass_of(load)

            shutil.copy(aside, plugins / WIN7)
            daemon.ctl("plugin", "rescan")
            daemon.ctl("key", "add", spare_key)
            integration.clients(daemon, "win7", 5, check=0)
            self.pass_of(load)
        finally:
            load.ending.set()
            load.join(120 * support.PATIENCE)
        self.assertEqual(load.failures, [], "Vista clients were disturbed")

    def pass_of(self, load):
        """One whole round of the load begins and ends."""
        seen = load.rounds
        integration.wait_for(lambda: load.rounds >= seen + 2, 120, "Vista clients go on")


class VirtualMachines(integration.DaemonTest):
    def count(self, daemon):
        lines = daemon.ctl("dli").stdout.splitlines()
        return int(next(line for line in lines if line.startswith("    Current count: ")).split(": ")[1])

    def test_those_of_vista_do_not_raise_the_count(self):
        daemon = self.ready()
        daemon.ctl("key", "add", integration.issue_key(daemon, "vista-2008", "client"))
        integration.clients(daemon, "vista", 24, "--once", "--cmid-seed", 1)
        said = integration.clients(daemon, "vista", 10, "--virtual", 10, "--once", "--cmid-seed", 2, check=1)
        self.assertNotIn("activated (count", said)
        self.assertEqual(self.count(daemon), 24)
        integration.clients(daemon, "vista", 1, "--once", "--cmid-seed", 3, check=0)  # the twenty-fifth physical one
        integration.clients(daemon, "vista", 10, "--virtual", 10, "--once", "--cmid-seed", 2, check=0)
        self.assertEqual(self.count(daemon), 25)

    def test_those_of_windows_7_do(self):
        daemon = self.ready()
        daemon.install_key()
        integration.clients(daemon, "win7", 30, "--virtual", 30, check=0)
        self.assertEqual(self.count(daemon), 30)

    def test_a_setting_overrules_the_generation(self):
        daemon = self.ready("--set", "family-vista-2008.count-virtual-machines=yes")
        daemon.ctl("key", "add", integration.issue_key(daemon, "vista-2008", "client"))
        integration.clients(daemon, "vista", 30, "--virtual", 30, check=0)
        self.assertEqual(self.count(daemon), 30)


if __name__ == "__main__":
    support.main()
