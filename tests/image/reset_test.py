#!/usr/bin/python3
"""A factory reset, asked for over the API: nothing of before is in the data partition, and the box is new."""
import subprocess
import uuid

from image_support import BoxTest, main, support

PLANTED = [f"planted-{uuid.uuid4().hex[:20]}" for _ in range(50)]  # as long as a name of an account may be


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
                status, answer = browser.api("POST", "/users", {"name": text, "role": "viewer", "password": f"{text} and more"})
                self.assertIn(status, (200, 201), answer)
        raw = self.raw_data(box)
        # Each is there to be found, so that finding none afterwards says something.
        self.assertEqual([text for text in PLANTED if not self.holds(raw, text)], [])

        status, answer = browser.api("POST", "/reset")
        self.assertEqual((status, answer), (200, {"begun": True}))
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
