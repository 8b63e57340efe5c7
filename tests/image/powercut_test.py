#!/usr/bin/python3
"""Power cuts at random moments: in service, during an update, while a slot is blessed, during a factory reset. The box always
starts again, and nothing that it acknowledged is lost.

QEMU is killed. Its disk is a copy-on-write overlay whose tables reach the file only when the guest flushes: what the guest did not
flush is gone, as with a real disk. Five cuts; with MUSTER_LONG=1 twenty.
"""
import os
import random
import re
import threading
from urllib.parse import quote

from image_support import PASSWORD, BoxTest, main, support

SEED = int(os.environ.get("MUSTER_SEED", random.randrange(1 << 31)))
SHORT = ("service", "update", "service", "blessing", "reset")
LONG = ("service", "update", "service", "blessing", "service") * 3 + ("service", "update", "reset", "service", "reset")


class Asking(threading.Thread):
    """Machines with names of their own that activate, ten at a time; `activated` are those that were told so."""

    def __init__(self, test, box, seal, name):
        super().__init__(daemon=True)
        self.test, self.box, self.seal, self.name_of = test, box, seal, name
        self.over, self.activated, self.batch = threading.Event(), [], 0

    def run(self):
        while not self.over.is_set():
            self.batch += 1
            done = self.test.machines(self.box, self.seal, "--once", "--clients", "10", "--name-pattern",
                                      f"{self.name_of}-{self.batch}-{{n}}", "--cmid-seed",
                                      str(random.Random(f"{self.name_of} {self.batch}").randrange(1 << 31)))
            self.activated += re.findall(rf"^({self.name_of}-\S+) .*  ?activated", done.stdout, re.MULTILINE)


class PowerCut(BoxTest):
    def serving(self, box):
        """Started again, whichever slot it is; it is not to have lost its data."""
        box.start()
        box.expect(r"muster-boot: slot=[AB] try=[123] ", 300 * support.PATIENCE)
        box.expect(r"service +running, mode ", 600 * support.PATIENCE)
        self.assertNotIn("ALARM", box.seen)
        browser = self.browser(box)
        self.wait(box, lambda: self.answers(browser, "/session"), 60, "an answer")
        return browser

    def names(self, browser, name):
        found, cursor = set(), ""
        while True:
            page = browser.api("GET", f"/clients?limit=1000&machine={name}{cursor}")[1]
            found |= {client["machine"] for client in page["items"]}
            if not page.get("next"):
                return found
            cursor = f"&cursor={quote(page['next'])}"

    def cut(self, box, what):
        print(f"  cut {what}, {box.seconds():.1f} s after power-on", flush=True)
        box.kill()

    def pass_by(self, box, most):
        """Any moment from now on will do: that is what is tried."""
        box.pump_for(self.random.uniform(0, most))

    def in_service(self, box, browser, seal, number):
        asking = Asking(self, box, seal, f"cut{number}")
        asking.start()
        wanted = self.random.randrange(1, 60)
        self.wait(box, lambda: len(asking.activated) >= wanted, 300, f"{wanted} activations")
        self.cut(box, f"in service after {len(asking.activated)} activations")
        asking.over.set()
        asking.join(300)
        return asking

    def start_update(self, box, browser):
        status, answer = browser.api("POST", "/update", self.update, headers={"Content-Type": "application/octet-stream"})
        self.assertEqual(status, 202, answer)

    def during_update(self, box, browser):
        self.start_update(box, browser)
        wanted = self.random.randrange(0, 100)
        state = {}

        def far_enough():
            state.update(self.answers(browser, "/update") or {})
            return state.get("phase") != "installing" or state["percent"] >= wanted
        self.wait(box, far_enough, 300, f"{wanted} % of the installation")
        self.pass_by(box, 3)
        self.cut(box, f"during an update: {state}")

    def during_blessing(self, box, browser):
        self.installed(box, browser, self.update)
        self.restart(box, browser)
        box.expect(r"muster-boot: slot=[AB] try=1 ", 300 * support.PATIENCE)
        box.expect(r"service +running, mode lab", 600 * support.PATIENCE)
        self.pass_by(box, 10)
        self.cut(box, "while the slot is blessed")

    def during_reset(self, box, browser):
        box.at = len(box.seen)
        self.assertEqual(browser.api("POST", "/reset")[0], 200)
        box.expect("factory reset: all that", 300 * support.PATIENCE)
        self.pass_by(box, 4)
        self.cut(box, "during a factory reset")

    def new_box(self, box, code):
        browser = self.set_up(box, code)
        return browser, self.activate(box, browser)

    def test_it_always_starts_again_and_nothing_acknowledged_is_lost(self):
        rounds = LONG if support.LONG else SHORT
        self.random = random.Random(SEED)
        print(f"\nseed {SEED}: {len(rounds)} cuts", flush=True)
        self.update = self.bundle(self.next_version()).read_bytes()
        box, code = self.booted()
        browser, seal = self.new_box(box, code)
        kept = []  # of all rounds since the last reset
        for number, kind in enumerate(rounds, 1):
            with self.subTest(number=number, kind=kind, seed=SEED):
                if kind == "reset":
                    self.during_reset(box, browser)
                    box.start()
                    found = box.expect(r"factory reset: done|setup code +[A-Z0-9-]{19}", 600 * support.PATIENCE).group(0)
                    if "done" in found:
                        found = box.expect(r"setup code +[A-Z0-9-]{19}", 600 * support.PATIENCE).group(0)
                    kept = []
                    browser, seal = self.new_box(box, found.split()[-1])
                    self.assertEqual(self.names(browser, "cut"), set())
                    continue
                if kind == "service":
                    kept.append(self.in_service(box, browser, seal, number))
                elif kind == "update":
                    self.during_update(box, browser)
                else:
                    self.during_blessing(box, browser)
                browser = self.serving(box)
                self.wait(box, lambda: browser.log_in("ada", PASSWORD)[0] == 200, 60, "log-in")
                for asking in kept:
                    self.assertEqual(set(asking.activated) - self.names(browser, f"{asking.name_of}-"), set(), asking.name_of)
                if kind == "service":
                    print(f"  {len(kept[-1].activated)} acknowledged, all there", flush=True)


if __name__ == "__main__":
    main()
