#!/usr/bin/python3
"""From power-on to an activated machine: what stands on the console, the page, the lab, simulated clients."""
import hashlib
import re
import ssl

from image_support import BoxTest, main, support


class Boot(BoxTest):
    def test_from_power_on_to_activated_machines(self):
        box, code = self.booted()
        self.assertIn("muster-boot: slot=A try=1", box.seen)

        # The console shows the certificate that the page has.
        shown = re.search(r"fingerprint +(?:SHA-256 )?([0-9A-Fa-f:]+)", box.seen).group(1)
        certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", box.web)))
        self.assertEqual(shown.replace(":", "").lower(), hashlib.sha256(certificate).hexdigest())

        browser = self.browser(box)
        status, answer, content = browser.ask("GET", "/", raw=True)
        self.assertEqual(status, 200)
        self.assertIn(b"<html", content)
        self.assertTrue(browser.api("GET", "/session")[1]["setup"])

        browser = self.set_up(box, code)
        # Once it is used, the code goes from the console.
        box.expect(r"service +running, mode lab", 60 * support.PATIENCE)

        self.activate(box, browser)
        self.assertEqual(browser.api("GET", "/status")[1]["mode"], "lab")

        # The plug is pulled: what was answered is there again, and the slot was found good meanwhile.
        box.kill()
        box.start()
        box.expect(r"muster-boot: slot=A try=1 ", 120 * support.PATIENCE)
        box.expect(r"service +running, mode lab", 300 * support.PATIENCE)
        self.assertNotIn("ALARM", box.seen)
        again = self.browser(box)
        self.wait(box, lambda: again.log_in("ada")[0] == 200, 60, "log-in")
        self.assertGreaterEqual(len(again.api("GET", "/clients?limit=100")[1]["items"]), 30)


if __name__ == "__main__":
    main()
