#!/usr/bin/python3
"""A factory reset, asked for over the API: nothing of before is in the data partition, and the box is new."""
import subprocess
import uuid

from image_support import BoxTest, main, support

PLANTED = [f"Planted-{uuid.uuid4().hex}" for _ in range(50)]


class Reset(BoxTest):
    def test_nothing_of_before_is_left(self):
        box, code = self.booted()
        browser = self.set_up(box, code)
        fingerprint = browser.api("GET", "/certificate")[1]["fingerprint"]
        # In the pool's database and its intake, in the settings' history and the audit log.
        for number, text in enumerate(PLANTED):
            if number < 40:
                done = subprocess.run([support.BIN / "muster-client", "--host", f"127.0.0.1:{box.kms}", "--family", "win7",
                                       "--clients", "1", "--once", "--name-pattern", text], capture_output=True, text=True)
                self.assertNotEqual(done.returncode, 64, done.stderr)
            else:
                self.assertIn(browser.api("POST", "/users", {"name": text.lower()[:31], "role": "viewer",
                                                             "password": f"{text} and more"})[0], (200, 201))
        raw = self.raw_data(box)
        self.assertTrue(any(self.holds(raw, text) for text in PLANTED), "nothing was planted: the search finds nothing at all")

        self.assertIn(browser.api("POST", "/reset", {})[0], (200, 202, 204))
        box.expect("factory reset: done", 120 * support.PATIENCE)
        again = box.expect(r"setup code +([A-Z0-9-]{19})", 300 * support.PATIENCE).group(1)
        self.assertNotEqual(again, code)
        raw = self.raw_data(box)
        self.assertEqual([text for text in PLANTED if self.holds(raw, text)], [])
        new = self.browser(box)
        self.assertTrue(new.api("GET", "/session")[1]["setup"])
        self.set_up(box, again)
        self.assertNotEqual(new.api("GET", "/certificate")[1].get("fingerprint"), fingerprint)


if __name__ == "__main__":
    main()
