#!/usr/bin/env python3
"""musterd under a service manager: what it tells, what it leaves there, what it takes over at the next start."""
import array
import os
import re
import signal
import socket
import subprocess
import sys

import integration_support as integration
from integration_support import support, wait_for

# Runs the daemon as systemd does: descriptors from 3 on, their names, for this process alone.
HAND_OVER = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split(',')]
for number, fd in enumerate(fds):
    os.dup2(fd, 3 + number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class Manager:
    """systemd's end of the notification socket."""

    def __init__(self, directory):
        self.path = str(directory / "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(60 * support.PATIENCE)
        self.kept = {}

    def environment(self, **more):
        return {**os.environ, "NOTIFY_SOCKET": self.path, **more}

    def until(self, pattern):
        """Reads messages until one matches; keeps what is to be kept."""
        while True:
            octets, control, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(64))
            text = octets.decode()
            for level, kind, data in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds = array.array("i")
                    fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
                    self.kept[re.search("FDNAME=(.*)", text).group(1)] = fds[0]
            if "FDSTOREREMOVE=1" in text:
                os.close(self.kept.pop(re.search("FDNAME=(.*)", text).group(1)))
            if re.search(pattern, text):
                return text

    def close(self):
        self.socket.close()
        for fd in self.kept.values():
            os.close(fd)


class Service(integration.DaemonTest):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self.directory)
        self.addCleanup(self.manager.close)

    def start(self, daemon, *words, **environment):
        with open(daemon.log, "ab") as log:
            command = [support.BIN / "musterd", "--lab", "--state", daemon.state, "--listen", f"127.0.0.1:{daemon.port}",
                       "--control", daemon.control, *words]
            kept = list(self.manager.kept.items())
            if kept:
                command = [sys.executable, "-c", HAND_OVER, ",".join(str(fd) for _, fd in kept),
                           ":".join(name for name, _ in kept), *command]
            # Out of the way of the numbers that are handed over.
            daemon.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.manager.environment(**environment),
                                              pass_fds=[fd for _, fd in kept])

    def end(self, daemon):
        daemon.process.send_signal(signal.SIGTERM)
        self.manager.until("STOPPING=1")
        self.assertEqual(daemon.process.wait(30 * support.PATIENCE), 0, daemon.log_tail())

    def test_connections_wait_while_it_restarts(self):
        daemon = self.daemon()
        self.start(daemon)
        self.manager.until("READY=1")
        self.assertEqual(list(self.manager.kept), [f"muster-127.0.0.1_{daemon.port}"])
        self.end(daemon)
        with support.connect(daemon.port) as peer:  # nobody is there but the queue
            peer.sendall(support.BIND)
            self.start(daemon)
            self.manager.until("READY=1")
            self.assertEqual(support.read_pdu(peer)[2], 12)
        self.assertIn("taken over", daemon.log_tail())

    def test_a_socket_that_the_settings_no_longer_name_is_closed(self):
        daemon = self.daemon()
        self.start(daemon)
        self.manager.until("READY=1")
        self.end(daemon)
        before, daemon.port = daemon.port, support.free_port()
        self.start(daemon)
        self.manager.until("READY=1")
        self.assertEqual(list(self.manager.kept), [f"muster-127.0.0.1_{daemon.port}"])
        with self.assertRaises(ConnectionRefusedError):
            support.connect(before).close()

    def test_the_watchdog_is_fed_as_often_as_it_wants(self):
        daemon = self.daemon()
        self.start(daemon, WATCHDOG_USEC="400000")
        self.manager.until("READY=1")
        for _ in range(3):
            self.manager.until("WATCHDOG=1")

    def test_sighup_reads_the_settings_and_looks_for_plugins_again(self):
        daemon = self.daemon()
        self.start(daemon)
        self.manager.until("READY=1")
        (daemon.state / "muster.toml").write_text("[pool]\nnew-clients-per-hour = 77\n")
        daemon.process.send_signal(signal.SIGHUP)
        self.manager.until("RELOADING=1")
        self.manager.until("READY=1")
        self.assertIn("77", daemon.ctl("settings", "show", "-o", "csv").stdout)
        (daemon.state / "muster.toml").write_text("[pool]\nnew-clients-per-hour = 'many'\n")
        daemon.process.send_signal(signal.SIGHUP)
        self.manager.until("RELOADING=1")
        self.manager.until("READY=1")
        self.assertIn("77", daemon.ctl("settings", "show", "-o", "csv").stdout)
        wait_for(lambda: "muster.toml:2" in daemon.log_tail(), 30, "what is wrong with the file is told")


if __name__ == "__main__":
    support.main()
