#!/usr/bin/python3
"""The page in Debian's Chromium, nothing mocked behind it: page/*.mjs play the person, this the console and the machines."""
import json
import subprocess
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import person  # noqa: E402
import certificates  # noqa: E402
import kms_bodies as kms  # noqa: E402
import support  # noqa: E402
from upstream import Upstream  # noqa: E402

NAMES = ["<img src=x onerror=muster_was_here=1>", "\u202egpj.exe \u2066abc", "W" * 63, "=cmd|' /C calc'!A0", "@SUM(1+1)*cmd",
         "\"><script>muster_was_here=1</script>", "  two  spaces  ", "{n}", "__proto__", "\u0645\u0643\u062a\u0628"]


class Tasks(person.PersonTest):
    """What a person comes for, from the first run on."""

    def test_from_the_first_run_to_the_log_out(self):
        box = self.box(ready=False, serving=())
        support.wait_for(lambda: box.daemon.ctl("setup-code", check=False).returncode == 0, 30, box.daemon.log_tail)

        def backups():
            newest = next(one for one in self.listed(box, "backup", "list") if one["newest"])
            return {"kept": self.setting(box, "backup.kept"), "newest": newest["name"], "encrypted": newest["encrypted"]}
        self.person("first_run", box, {"machines": lambda: self.fleet(box), "backups": backups},
                    code=box.daemon.ctl("setup-code").stdout.strip(), listens=f"127.0.0.1:{box.daemon.port}")

    def test_one_machine_is_found_among_a_hundred_thousand(self):
        # The records go in where the daemon's own go in, by the store itself.
        home = self.directory / "state"
        home.mkdir(mode=0o700)
        subprocess.run([support.BIN / "bench_store", "--directory", home, "--records", "100000", "--clients", "100000",
                        "--sequential"], check=True, capture_output=True, timeout=120 * support.PATIENCE)
        box = self.box(serving=support.relay(self.host().address)).add_user()
        cmid, machine = uuid.UUID("7c0ffee0-4b1d-4000-8000-00000000beef"), "FIN-LAPTOP-0815.corp.example"
        self.ask(box, *[kms.request(cmid=cmid, machine=machine)] * 3)
        self.ask(box, *[kms.request(cmid=uuid.UUID(int=77), machine=name) for name in ("vdi-a", "vdi-b")])
        self.person("clients", box, machine=machine, cmid=str(cmid), requests=3)

    def test_an_upstream_is_added_repaired_and_moved(self):
        port = support.free_port()
        box = self.chosen("relay")
        self.person("upstreams", box, {"repair": lambda: self.host("127.0.0.1", port) and None,
                                       "request": lambda: self.ask(box, kms.request()) and None},
                    upstream=f"127.0.0.1:{port}")

    def test_certificates_tokens_settings_and_users(self):
        box = self.chosen("lab")
        authority = certificates.Authority(self.directory / "ca")
        chain, key = authority.issue("muster.example.org")

        def sign(request):
            signed = authority.sign(request)
            return {"chain": signed, "fingerprint": certificates.fingerprint(signed)}
        self.person("system", box, {"fingerprint": lambda: certificates.served(box.port), "program": box.program, "sign": sign,
                                    "setting": lambda key: self.setting(box, key)},
                    chain=chain, key=key, wrongKey=authority.issue("other.example.org")[1],
                    fingerprint=certificates.fingerprint(chain))

    def test_a_backup_and_back(self):
        box = self.chosen("relay")
        box.daemon.ctl("upstream", "add", self.host().address)
        self.ask(box, kms.request(machine="kept"))

        def machines(number):
            self.ask(box, *[kms.request(cmid=uuid.uuid4(), machine=f"late-{n}") for n in range(number)])
        self.person("restore", box, {"setting": lambda key: self.setting(box, key), "machines": machines})

    def test_after_a_degraded_start_the_page_leads_to_the_newest_backup(self):
        box = self.box(serving=support.relay(self.host().address)).add_user()
        self.ask(box, kms.request(machine="kept"))
        newest = json.loads(box.daemon.ctl("backup", "create", "-o", "json").stdout)["name"]
        box.daemon.stop()
        (box.daemon.state / "pool.db").write_bytes(b"this is no database at all " * 400)
        for intake in box.daemon.state.glob("intake-*.log"):
            intake.unlink()  # what it still held would come back by itself
        box.daemon.start_ready(60, "--degraded")
        self.person("degraded", box, newest=newest)


class Hands(person.PersonTest):
    """The same without a mouse, and without room."""

    def test_a_mornings_work_by_keyboard_alone(self):
        box = self.lab()
        self.person("keyboard", box, {
            "setting": lambda key: self.setting(box, key),
            "clients": lambda: [one["machine"] for one in self.listed(box, "client", "list")],
            "tokens": lambda: self.listed(box, "token", "list"),
        }, machine=self.listed(box, "client", "list")[3]["machine"])

    def test_with_a_finger_on_390_pixels(self):
        box = self.lab()
        self.person("phone", box, {"setting": lambda key: self.setting(box, key)},
                    machine=self.listed(box, "client", "list")[3]["machine"])

    def test_with_nine_tabs_open(self):
        self.person("tabs", self.lab())


class Looks(person.PersonTest):
    """What every page must be, whatever is on it."""

    def relay(self):
        """A relay before two hosts, one of which is away, with machines of every kind of name."""
        box = self.box(serving=support.relay(self.host().address, f"127.0.0.1:{support.free_port()}")).add_user()
        self.ask(box, *[kms.request(cmid=uuid.UUID(int=number), machine=name) for number, name in enumerate(NAMES, 1)])
        self.ask(box, *[kms.request(cmid=uuid.UUID(int=77), machine=f"vdi-{number}") for number in range(3)])
        return box

    def test_names_that_are_no_names_do_no_harm(self):
        self.person("names", self.relay(), names=NAMES, cmids=[str(uuid.UUID(int=n)) for n in range(1, len(NAMES) + 1)])

    def test_every_page_is_accessible_in_production(self):
        self.person("look", self.relay(), mode="relay", pages=[
            "/", "/clients", f"/clients/{uuid.UUID(int=77)}", "/events", "/upstreams", "/dns", "/dns?view=keys", "/plugins",
            "/settings/relay", "/settings/listener", "/system", "/box", "/audit", "/setup", "/no-such-page"])

    def test_every_page_is_accessible_in_the_lab(self):
        self.person("look", self.lab(), mode="lab", pages=["/", "/lab"])


if __name__ == "__main__":
    support.main()
