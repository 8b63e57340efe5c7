#!/usr/bin/python3
"""All TCP ports of the booted box, asked from its own network: open are exactly those that the settings open."""
import os
import selectors
import socket
import subprocess
import sys

from image_support import BoxTest, main

TAP, ADDRESS = "box0", "fe80::5054:ff:fe4d:5553"  # what a kernel makes of the card's own address
CARD = "52:54:00:4d:55:53"
WAVE = 400  # below what a tap device queues: none is lost


def connected(ports, last):
    """Those of the ports that take a connection. `last` is one that does, asked at the end: the network keeps the order, so that
    when it has answered all others have."""
    found, waiting = set(), selectors.DefaultSelector()
    scope = socket.if_nametoindex(TAP)
    for port in [*ports, last]:
        probe = socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        probe.connect_ex((ADDRESS, port, 0, scope))
        waiting.register(probe, selectors.EVENT_WRITE, port)
    while last not in found:
        ready = waiting.select(60)
        assert ready, f"port {last} does not answer"
        for key, _ in ready:
            if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.add(key.data)
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    for key in list(waiting.get_map().values()):
        key.fileobj.close()
    return found


class Ports(BoxTest):
    def scan(self, box):
        self.wait(box, lambda: self.reached(), 120, "the box on its second card")
        found = set()
        for first in range(1, 65536, WAVE):
            found |= connected([port for port in range(first, min(first + WAVE, 65536)) if port != 443], 443)
            box.pump(0)
        return found

    @staticmethod
    def reached():
        try:
            with socket.create_connection((f"{ADDRESS}%{TAP}", 443), timeout=5):
                return True
        except OSError:
            return False

    def test_open_is_what_the_settings_open(self):
        box, code = self.booted(devices=("-netdev", f"tap,id=scan,ifname={TAP},script=no,downscript=no",
                                         "-device", f"virtio-net-pci,netdev=scan,mac={CARD}"))
        browser = self.set_up(box, code)
        self.assertEqual(self.answers(browser, "/firewall")["tcp"], [443, 1688])
        found = self.scan(box)
        print(f"  open: {sorted(found)}", flush=True)
        self.assertEqual(found, {443, 1688})
        status, answer = browser.api("PUT", "/settings/listener.addresses", {"value": "0.0.0.0:1699,[::]:1699"})
        self.assertEqual(status, 200, answer)
        self.wait(box, lambda: (self.answers(browser, "/firewall") or {}).get("tcp") == [443, 1699], 60, "the ruleset")
        self.assertEqual(self.scan(box), {443, 1699})


if __name__ == "__main__":
    if os.environ.get("MUSTER_PORTS_NETWORK") != str(os.getppid()) and os.getuid() == 0:
        # A network of this test's own, gone with it.
        sys.exit(subprocess.run(["unshare", "--net", "--", "sh", "-euc",
                                 f'ip link set lo up; ip tuntap add dev {TAP} mode tap; ip link set {TAP} up; exec "$@"', "sh",
                                 sys.executable, *sys.argv],
                                env=os.environ | {"MUSTER_PORTS_NETWORK": str(os.getpid())}, check=False).returncode)
    main()
