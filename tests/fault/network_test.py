#!/usr/bin/python3
"""A network that means ill: silence, halves, single octets, who never reads, crowds, resets, no descriptors left."""
import errno
import resource
import select
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support as fault  # noqa: E402

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class NetworkTest(fault.DaemonTest):
    def ready(self, *settings, **popen):
        words = []
        for setting in settings:
            words += ["--set", setting]
        daemon = self.daemon(*words)
        daemon.start_ready(**popen)
        daemon.install_key()
        self.assertTrue(daemon.serves(), daemon.log_tail())
        return daemon

    def until_closed(self, peer, seconds=30):
        """Reads until the other side closes; fails when it does not."""
        peer.settimeout(seconds * fault.PATIENCE)
        try:
            while peer.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def test_who_says_nothing_or_half_is_closed_after_the_idle_time(self):
        daemon = self.ready("listener.idle-timeout=2s")
        silent = fault.connect(daemon.port)
        half_header = fault.connect(daemon.port)
        half_header.sendall(fault.BIND[:9])
        half_bind = fault.connect(daemon.port)
        half_bind.sendall(fault.BIND[:40])
        bound_only = fault.bound(daemon.port)
        half_request = fault.bound(daemon.port)
        half_request.sendall(fault.MALFORMED_REQUEST[:100])
        for peer in (silent, half_header, half_bind, bound_only, half_request):
            self.until_closed(peer)
            peer.close()
        self.assertTrue(daemon.serves())

    def test_a_bind_octet_by_octet_is_answered(self):
        daemon = self.ready()
        with fault.connect(daemon.port) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in fault.BIND:
                peer.sendall(bytes([octet]))
            self.assertEqual(fault.read_pdu(peer)[2], 12)
            for octet in fault.MALFORMED_REQUEST:
                peer.sendall(bytes([octet]))
            self.assertIn(fault.read_pdu(peer)[2], (2, 3))

    def test_who_trickles_for_ever_is_closed_after_the_idle_time(self):
        daemon = self.ready("listener.idle-timeout=2s")
        with fault.connect(daemon.port) as peer:
            # A header that promises 5,840 octets, then one of them now and then: never a whole PDU.
            peer.sendall(fault.BIND[:8] + (5840).to_bytes(2, "little") + fault.BIND[10:16])

            def closed():
                try:
                    peer.sendall(b"\5")
                    return bool(select.select([peer], [], [], 0.2)[0]) and peer.recv(4096) == b""
                except (ConnectionResetError, BrokenPipeError):
                    return True
            fault.wait_for(closed, 30, "the trickling connection closed")

    def test_an_association_that_is_busy_for_ever_is_closed_after_its_total_time(self):
        daemon = self.ready("listener.association-timeout=3s")
        with fault.bound(daemon.port) as peer:
            def closed():
                try:
                    peer.sendall(fault.MALFORMED_REQUEST)
                    return fault.read_pdu(peer) == b""
                except (ConnectionResetError, BrokenPipeError):
                    return True
            fault.wait_for(closed, 30, "the association closed")

    def test_who_never_reads_is_not_read_any_more_and_others_are_served(self):
        daemon = self.ready()
        before = daemon.resident()
        hogs = [fault.bound(daemon.port) for _ in range(20)]
        sent = 0
        for hog in hogs:
            hog.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            hog.setblocking(False)
            request = fault.MALFORMED_REQUEST * 16
            full_since = None
            octets = 0
            # Done when the daemon has taken nothing for a while: it has stopped reading. 64 MiB would be no stop at all.
            while octets < 64 << 20:
                try:
                    octets += hog.send(request)
                    full_since = None
                except BlockingIOError:
                    full_since = full_since or time.monotonic()
                    if time.monotonic() - full_since > 0.5 * fault.PATIENCE:
                        break
                    select.select([], [hog], [], 0.1)
                except (ConnectionResetError, BrokenPipeError):
                    break
            self.assertLess(octets, 64 << 20, "the daemon reads on from who never reads")
            sent += octets
        self.assertTrue(daemon.serves())
        self.assertLess(daemon.resident() - before, (32 << 20) * fault.PATIENCE, f"after {sent} octets")
        for hog in hogs:
            hog.close()
        self.assertTrue(daemon.serves())

    def test_a_thousand_held_connections_do_not_keep_others_from_an_answer(self):
        daemon = self.ready("listener.idle-timeout=10m")
        before = daemon.resident()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        held = []
        for number in range(1000):
            peer = fault.bound(daemon.port) if number % 4 >= 2 else fault.connect(daemon.port)
            if number % 4 == 1:
                peer.sendall(fault.BIND[:9])
            if number % 4 == 3:
                peer.sendall(fault.MALFORMED_REQUEST[:100])
            held.append(peer)
        load = daemon.load("--requests", 500, "--connections", 8, "--verify")
        load.communicate(timeout=60 * fault.PATIENCE)
        self.assertEqual(load.returncode, 0)
        self.assertLess(daemon.resident() - before, (32 << 20) * fault.PATIENCE)
        for peer in held:
            peer.close()
        fault.wait_for(lambda: daemon.descriptors() < 200, 30, "the descriptors of closed connections given back")

    def test_a_storm_of_resets_leaves_nothing_behind(self):
        daemon = self.ready()
        before = daemon.descriptors()
        for number in range(2000):
            peer = fault.connect(daemon.port)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            if number % 3:
                peer.sendall(fault.BIND if number % 3 == 1 else fault.BIND + fault.MALFORMED_REQUEST)
            peer.close()
        self.assertTrue(daemon.serves())
        fault.wait_for(lambda: daemon.descriptors() <= before + 8, 30, "the descriptors of reset connections given back")

    def test_without_descriptors_it_does_not_spin_and_recovers(self):
        few = (64, 64)  # set before it starts: not every sandbox lets one process limit another
        daemon = self.ready("listener.idle-timeout=10m",
                            before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few))
        crowd = []
        for _ in range(200):
            peer = socket.socket()
            peer.setblocking(False)
            code = peer.connect_ex(("127.0.0.1", daemon.port))
            self.assertIn(code, (0, errno.EINPROGRESS))
            crowd.append(peer)
        fault.wait_for(lambda: daemon.descriptors() >= 60, 10, "all descriptors in use")
        used = daemon.cpu_seconds()
        began = time.monotonic()
        time.sleep(2)  # the time over which its CPU is judged
        share = (daemon.cpu_seconds() - used) / (time.monotonic() - began)
        self.assertLess(share, 0.2 * fault.PATIENCE, "it spins at the limit")
        for peer in crowd:
            peer.close()
        fault.wait_for(daemon.serves, 20, "a valid request answered after the crowd left")

    def test_garbage_of_every_kind_ends_its_own_connection_alone(self):
        daemon = self.ready()
        garbage = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"\0" * 64, b"\xff" * 4096,
                   fault.BIND[:8] + b"\0\0" + fault.BIND[10:], fault.BIND[:8] + b"\xff\xff" + fault.BIND[10:] + b"x" * 70000,
                   fault.pdu(0, b""), fault.pdu(255, b"x"), fault.BIND * 3 + b"\5"]
        for octets in garbage:
            with self.subTest(octets[:20]):
                with fault.connect(daemon.port) as peer:
                    try:
                        peer.sendall(octets)
                        peer.shutdown(socket.SHUT_WR)
                    except (ConnectionResetError, BrokenPipeError):
                        pass
                    except OSError as error:
                        self.assertEqual(error.errno, errno.ENOTCONN)
                    self.until_closed(peer)
                self.assertTrue(daemon.serves())


if __name__ == "__main__":
    fault.main()
