#!/usr/bin/python3
"""What only a box can do, through the page: the real musterd and musterd-system, with programs that write down what they were told."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import person  # noqa: E402
import support  # noqa: E402

PORTS = json.dumps([{"name": "eth0", "ipv4": "fixed", "addresses": ["10.9.0.7/24"], "gateway4": "10.9.0.1"}])


class BoxPage(support.BoxTest, person.PersonTest):
    def appliance(self, *words):
        """One on a box called kms-1 whose port eth0 has a fixed address; this machine need not have such a port."""
        self.begin(*words)
        box = self.box("--system", self.socket).add_user()
        for command in (("network", "set", "--ports", PORTS), ("network", "confirm"), ("hostname", "set", "kms-1")):
            box.daemon.ctl("--yes", *command)
        self.calls()
        return box

    def test_a_network_is_tried_goes_back_and_is_kept(self):
        box = self.appliance("--trial", "600")
        self.person("box_network", box, {"network": self.network_file,
                                         "trial": lambda seconds: self.again("--trial", str(seconds))})

    def test_name_time_firmware_and_power(self):
        box = self.appliance()

        def reboot(into):
            box.daemon.stop()
            self.restart(into)
            box.daemon.start_ready()
        box.daemon.ctl("user", "add", "eve", "viewer", input=person.PASSWORD + "\n")
        slow = self.place / "slow"
        self.person("box", box, {"calls": lambda programs: self.calls(*programs), "reboot": reboot, "slow": slow.touch,
                                 "go": slow.unlink, "reset": (self.place / "reset").exists})

    def test_it_is_accessible(self):
        box = self.appliance()
        box.daemon.ctl("--yes", "network", "set", "--domains", "corp.example")
        bundle = self.directory / "bundle"
        bundle.write_text("evil\n")
        box.daemon.ctl("--yes", "update", "add", str(bundle))
        self.person("look", box, mode="box", pages=["/box"])


if __name__ == "__main__":
    support.main()
