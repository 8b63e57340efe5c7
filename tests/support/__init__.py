"""What tests of the whole daemon share: the daemon as a process, clients as plain sockets, waiting for a condition.

A script puts the folder above this one into sys.path and imports `support`. support.main() reads --bin and --patience
and runs the script's tests.
"""
import argparse
import os
import socket
import sys
import time
import unittest
from pathlib import Path

BIN = None  # where the programs are
PATIENCE = 1  # times the usual limits: more for a sanitized build
LONG = os.environ.get("MUSTER_LONG") == "1"


def options():
    """The parser of what every such script understands."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--bin", type=Path)
    parser.add_argument("--patience", type=float, default=1)
    return parser


def take(chosen):
    """Makes what options() parsed valid for all modules."""
    global BIN, PATIENCE
    BIN, PATIENCE = chosen.bin, chosen.patience


def main():
    """Reads --bin and --patience, then runs the unittest of the calling script."""
    parser = options()
    chosen, rest = parser.parse_known_args()
    if not chosen.bin:
        parser.error("say --bin DIRECTORY: where the programs are")
    take(chosen)
    unittest.main(module="__main__", argv=sys.argv[:1] + rest, verbosity=2, warnings="ignore")


def wait_for(condition, seconds, what):
    """Returns the first true value of condition(); fails when there was none in time.

    what: what was waited for, or a function that says it when it did not come.
    """
    until = time.monotonic() + seconds * PATIENCE
    while True:
        began = time.monotonic()
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds * PATIENCE:g} s: {what() if callable(what) else what}")
        # A condition that runs a program has the machine to itself for a third of the time: others wait beside it.
        time.sleep(min(max(0.01, 2 * (time.monotonic() - began)), 1))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


from .box import BoxTest  # noqa: E402,F401
from .daemon import LAB, Daemon, DaemonTest, die_with_the_test, is_database, relay  # noqa: E402,F401
from .disks import Disk, FailingDisk, enter_namespace, needs_mounts, small_disk  # noqa: E402,F401
from .wire import BIND, KMS, MALFORMED_REQUEST, NDR32, bound, connect, pdu, read_pdu  # noqa: E402,F401
