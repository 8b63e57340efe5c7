#!/usr/bin/env python3
"""A clock that is years ahead, as one box sets it and the next time server corrects it: nothing is lost by it."""
import json
import os

import integration_support as integration
from integration_support import support

YEARS = 3 * 365 * 24 * 3600
DOUBTED = 20510


class Clock(integration.DaemonTest):
    def doubts(self, daemon):
        return json.loads(daemon.ctl("event", "list", "--id", str(DOUBTED), "-o", "json").stdout)["items"]

    def test_one_that_went_ahead_empties_no_pool(self):
        daemon = self.daemon().start()
        support.wait_for(daemon.is_ready, 30, "musterd ready")
        daemon.install_key()
        integration.clients(daemon, "win7", 30, "--once")
        kept = daemon.cmids()
        self.assertEqual(len(kept), 30)
        daemon.stop()
        daemon.start_ready(env=os.environ | {
            "LD_PRELOAD": str(support.BIN.parent / "lib" / "libmuster_test_wrong_clock.so"), "MUSTER_TEST_CLOCK": str(YEARS)})
        # Said in the round that would have dropped them.
        support.wait_for(lambda: self.doubts(daemon), 60, lambda: f"the doubt in the journal; {len(daemon.cmids())} are left")
        self.assertEqual(daemon.cmids(), kept)
        self.assertIn("1095 days", self.doubts(daemon)[0]["message"])


if __name__ == "__main__":
    support.main()
