#!/usr/bin/python3
"""An update to the next version, by the API, while machines activate: one reconnect at most, and everything is there afterwards."""
import threading

from image_support import BoxTest, main, support


class Held(threading.Thread):
    """A client that keeps its connection and asks all the time; connects anew whenever it is gone."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.over = port, threading.Event()
        self.answers = self.lost = 0
        self.last = "nothing"

    def run(self):
        while not self.over.is_set():
            answered = False
            try:
                with support.bound(self.port, timeout=5) as peer:
                    while not self.over.is_set():
                        peer.sendall(support.MALFORMED_REQUEST)
                        if len(support.read_pdu(peer)) < 24:
                            raise ConnectionError("the connection ended")
                        answered = True
                        self.answers += 1
                        self.over.wait(0.05)
            except (OSError, AssertionError) as error:
                self.last = str(error)
                self.lost += answered
                self.over.wait(0.2)


class Machines(threading.Thread):
    """Thirty machines that activate again and again."""

    def __init__(self, test, box, seal):
        super().__init__(daemon=True)
        self.test, self.box, self.seal, self.over = test, box, seal, threading.Event()
        self.runs = []

    def run(self):
        while not self.over.is_set():
            done = self.test.machines(self.box, self.seal, "--once")
            self.runs.append((done.returncode, done.stdout[-300:] + done.stderr[-300:]))
            self.over.wait(0.5)

    def good(self, since=0):
        return sum(code == 0 for code, _ in self.runs[since:])


class Update(BoxTest):
    def test_to_the_next_version_under_load(self):
        version = self.next_version()
        bundle = self.bundle(version)
        box, code = self.booted()
        browser = self.set_up(box, code)
        seal = self.activate(box, browser)
        self.assertEqual(browser.api("PUT", "/time", {"zone": "Asia/Tokyo"})[0], 200)
        before = self.slots(browser)
        self.assertEqual((before["booted"], before["A"]["health"]), ("A", "good"), before)

        held, machines = Held(box.kms), Machines(self, box, seal)
        held.start()
        machines.start()
        self.wait(box, lambda: held.answers > 0 and machines.good() > 0, 60, "load")
        self.installed(box, browser, bundle)
        # Nobody noticed so far.
        self.assertEqual(held.lost, 0, held.last)
        self.assertEqual([text for code, text in machines.runs if code], [])
        print(f"installed under load: {held.answers} answers, {machines.good()} runs of 30 machines", flush=True)

        self.restart(box, browser)
        box.expect("muster-boot: slot=B try=1 order=B A", 120 * support.PATIENCE)
        box.expect(rf"Muster {version}, slot B", 300 * support.PATIENCE)
        box.expect(r"service +running, mode lab", 300 * support.PATIENCE)
        since, answers = len(machines.runs), held.answers
        self.wait(box, lambda: machines.good(since) > 1 and held.answers > answers, 120, "activations after the update")
        self.assertEqual(held.lost, 1, held.last)

        again = self.browser(box)
        self.wait(box, lambda: again.log_in("ada")[0] == 200, 60, "log-in")
        self.wait(box, lambda: (self.slots(again) or {}).get("B", {}).get("health") == "good", 120, "the blessing of B")
        after = self.slots(again)
        self.assertEqual((after["booted"], after["primary"], after["B"]["version"]), ("B", "boot.1", version), after)
        machines.over.set()
        held.over.set()
        held.join(60)
        machines.join(300)
        self.assertEqual(again.api("GET", "/time")[1]["zone"], "Asia/Tokyo")
        self.assertEqual(len(again.api("GET", "/clients?limit=100")[1]["items"]), 30)
        self.assertEqual([text for code, text in machines.runs[since + 1:] if code], [])
        print(f"after the update: {held.answers - answers} answers, one connection lost", flush=True)

        # Blessed is what starts again: its tries are back.
        self.restart(box, again)
        box.expect("muster-boot: slot=B try=1 order=B A", 120 * support.PATIENCE)


if __name__ == "__main__":
    main()
