#!/usr/bin/python3
"""A new version that does not work: the box goes back by itself, and says so."""
from image_support import MIB, TOP, BoxTest, main, support


class Fallback(BoxTest):
    def goes_back(self, box, version):
        """From its restart on: B is tried three times, A serves again, and both its console and its API tell."""
        for attempt in (1, 2, 3):
            box.expect(f"muster-boot: slot=B try={attempt} order=B A", 600 * support.PATIENCE)
        box.expect("muster-boot: slot=A try=1 order=B A", 600 * support.PATIENCE)
        box.expect(r"Muster \S+, slot A", 300 * support.PATIENCE)
        box.expect(r"service +running, mode ", 300 * support.PATIENCE)
        browser = self.browser(box)
        self.wait(box, lambda: browser.log_in("ada")[0] == 200, 60, "log-in")
        self.wait(box, lambda: (self.slots(browser) or {}).get("primary") == "boot.0", 120, "slot A to be the first again")
        slots = self.slots(browser)
        self.assertEqual((slots["booted"], slots["A"]["health"], slots["B"]["health"]), ("A", "good", "bad"), slots)
        self.assertEqual(slots["B"]["version"], version)
        return browser, self.answers(browser, "/update")

    def test_a_version_whose_service_does_not_start(self):
        version = self.next_version()
        over = self.folder() / "over"
        dropin = over / "usr/lib/systemd/system/muster.service.d/broken.conf"
        dropin.parent.mkdir(parents=True)
        dropin.write_text("[Service]\nExecStart=\nExecStart=/bin/false\n")
        bundle = self.bundle(version, over)
        box, code = self.booted()
        browser = self.set_up(box, code)
        self.installed(box, browser, bundle)
        self.restart(box, browser)
        browser, state = self.goes_back(box, version)
        self.assertEqual(state["phase"], "went-back", state)
        # The second where the emulator is too slow for systemd to give up.
        self.assertRegex(state["words"], f"Muster {version} in slot B did not start: its service "
                                         "(fails again and again|did not answer for 90 seconds)")
        self.assertIn("went back to slot A", state["words"])
        # It stays there.
        self.restart(box, browser)
        box.expect("muster-boot: slot=A try=1 order=A B", 120 * support.PATIENCE)
        box.expect(r"service +running, mode lab", 300 * support.PATIENCE)

    def test_a_version_that_answers_and_fails_its_self_test(self):
        version = self.next_version()
        over = self.folder() / "over"
        root = TOP / "build/image/x86_64/root"
        plugin = over / next(root.glob("usr/**/muster/plugins/listener.so")).relative_to(root).with_name("broken.so")
        plugin.parent.mkdir(parents=True)
        plugin.write_bytes(b"no library")
        bundle = self.bundle(version, over)
        box, code = self.booted()
        browser = self.set_up(box, code)
        self.installed(box, browser, bundle)
        self.restart(box, browser)
        _, state = self.goes_back(box, version)
        self.assertEqual(state["phase"], "went-back", state)
        self.assertIn("self-test", state["words"])
        self.assertIn("broken", state["words"])

    def test_a_root_that_is_damaged_on_the_disk(self):
        version = self.next_version()
        bundle = self.bundle(version)
        box, code = self.booted()
        browser = self.set_up(box, code)
        self.installed(box, browser, bundle)
        box.kill()
        # Each 64th block of root-b, as a disk does that dies.
        where, size = (1 + 16 + 2 * 64 + 256) * MIB, 40 * MIB
        commands = "".join(f"write -P 0xEE {offset} 4096\n" for offset in range(where, where + size, 64 * 4096))
        self.run_inside(box, "qemu-io", "-f", "qcow2", box.path(box.overlay), input=commands)
        box.start()
        _, state = self.goes_back(box, version)
        self.assertEqual(state["phase"], "went-back", state)
        self.assertIn("The system in slot B did not start", state["words"])

    def test_upstreams_that_are_away_make_no_version_bad(self):
        version = self.next_version()
        bundle = self.bundle(version)
        box, code = self.booted()
        browser = self.set_up(box, code, "relay")
        status, answer = browser.api("POST", "/upstreams", {"name": "gone", "address": "192.0.2.1:1688"})
        self.assertEqual(status, 201, answer)
        self.installed(box, browser, bundle)
        self.restart(box, browser)
        box.expect("muster-boot: slot=B try=1 order=B A", 300 * support.PATIENCE)
        box.expect(rf"Muster {version}, slot B", 300 * support.PATIENCE)
        again = self.browser(box)
        self.wait(box, lambda: self.answers(again, "/session") and again.log_in("ada")[0] == 200, 300, "log-in")
        self.wait(box, lambda: (self.slots(again) or {}).get("B", {}).get("health") == "good", 120, "the blessing of B")
        self.assertEqual(self.answers(again, "/update")["phase"], "running")


if __name__ == "__main__":
    main()
