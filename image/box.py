#!/usr/bin/python3
"""A box of Muster in QEMU: started from an image, watched over its serial console. scripts/image --boot, and the tests.

    image/box.py [--memory MIB] [--keep] FILE       as root; the builder is there (scripts/image makes it)

QEMU is the builder's, without KVM: one CPU, for with more than one an emulated Linux hangs at times. The image itself is never
written: the box works on a copy-on-write overlay.
"""
import argparse
import ctypes
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILDER = TOP / "build" / "image" / "builder" / "root"
ESCAPES = re.compile(r"\x1b\[[0-9;?=!]*[a-zA-Z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>78c]|\r")


class BootError(Exception):
    """The box did not show what was waited for; the message ends with what it showed last."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Box:
    """One virtual machine. Several starts on one overlay are one box that was switched off and on."""

    def __init__(self, image, memory=512, keep=None, log=None, devices=()):
        """keep: the overlay's file, which stays; without it one that goes with close(). devices: more words for QEMU."""
        self.image = Path(image).resolve()
        (TOP / "build" / "image" / "boot").mkdir(parents=True, exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(dir=TOP / "build" / "image" / "boot"))
        self.keep = Path(keep).resolve() if keep else None
        self.memory, self.devices = memory, devices
        self.web, self.kms = free_port(), free_port()
        self.process = None
        self.seen = ""  # all that the console showed since the last start
        self.at = 0  # where expect() goes on
        self.log = open(log or self.directory / "console.log", "a")
        self.began = time.monotonic()
        shutil.copy(BUILDER / "usr/share/OVMF/OVMF_VARS_4M.fd", self.directory / "vars.fd")
        self.overlay = self.keep or self.directory / "disk.qcow2"
        if not self.overlay.exists():
            kind = "qcow2" if self.image.suffix == ".qcow2" else "raw"
            create = self.inside("qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", self.path(self.image),
                                 self.path(self.overlay))
            done = subprocess.run(create, capture_output=True, text=True)
            if done.returncode != 0:
                raise BootError(f"there is no overlay for {self.image}: {done.stderr.strip()}")

    def path(self, file):
        """As the builder sees it: its directory is laid over one of the builder's."""
        file = Path(file)
        if file.is_relative_to(TOP / "build" / "image"):
            return "/image/" + str(file.relative_to(TOP / "build" / "image"))
        if file.parent == self.image.parent:
            return "/out/" + file.name
        raise BootError(f"{file} is neither beside {self.image} nor below build/image")

    def inside(self, *command):
        """That command in the builder, with mounts that are its own and gone with it."""
        mounts = 'mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount --bind "$2" "$1/image" && ' \
                 'mount --bind "$3" "$1/out" && shift 3 && exec "$@"'
        for name in ("image", "out"):
            (BUILDER / name).mkdir(exist_ok=True)
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", mounts, "sh", str(BUILDER),
                str(TOP / "build" / "image"), str(self.image.parent),
                "chroot", str(BUILDER), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
                *map(str, command)]

    def start(self):
        """Switches it on. It ends with this process, however that ends."""
        self.seen, self.at, self.began = "", 0, time.monotonic()
        self.process = subprocess.Popen(self.inside(
            "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=single", "-cpu", "Nehalem", "-smp", "1",
            "-m", str(self.memory), "-display", "none", "-monitor", "none", "-serial", "stdio",
            "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
            "-drive", f"if=pflash,format=raw,unit=1,file={self.path(self.directory / 'vars.fd')}",
            "-drive", f"if=virtio,format=qcow2,cache=writeback,l2-cache-size=16M,refcount-cache-size=8M,file={self.path(self.overlay)}",
            "-device", "virtio-rng-pci", "-device", "i6300esb", "-watchdog-action", "reset",
            "-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{self.web}-:443,hostfwd=tcp:127.0.0.1:{self.kms}-:1688",
            *self.devices),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, start_new_session=True,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))  # PR_SET_PDEATHSIG
        os.set_blocking(self.process.stdout.fileno(), False)
        return self

    def seconds(self):
        return time.monotonic() - self.began

    def pump(self, seconds=0.1):
        """Takes in what the console shows; returns it."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return ""
        text = ESCAPES.sub("", (self.process.stdout.read(65536) or b"").decode("utf-8", "replace"))
        self.seen += text
        self.log.write(text.replace("\n", f"\n[{self.seconds():7.2f}] "))
        self.log.flush()
        return text

    def pump_for(self, seconds):
        """That long, as a person watches."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.pump(min(0.1, max(0, until - time.monotonic())))

    def expect(self, pattern, seconds=120):
        """Waits until the console shows it; returns the match. What came before is not looked at again."""
        until = time.monotonic() + seconds
        while True:
            found = re.compile(pattern).search(self.seen, self.at)
            if found:
                self.at = found.end()
                return found
            if self.process.poll() is not None and not self.pump():
                raise BootError(f"QEMU ended with {self.process.returncode} before {pattern!r}; it ends:\n{self.seen[-2000:]}")
            if time.monotonic() > until:
                raise BootError(f"{pattern!r} was not shown within {seconds:g} s; the console ends:\n{self.seen[-2000:]}")
            self.pump()

    def send(self, text):
        self.process.stdin.write(text.encode())

    def kill(self):
        """As if the plug were pulled."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def close(self):
        self.kill()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("image")
    parser.add_argument("--memory", type=int, default=512)
    parser.add_argument("--keep", action="store_true")
    chosen = parser.parse_args()
    keep = chosen.image + ".overlay" if chosen.keep else None
    box = Box(chosen.image, chosen.memory, keep)

    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        box.start()
        print(f"booting {chosen.image}, without KVM: that takes about half a minute; Ctrl-C ends it", flush=True)
        print(f"page     https://127.0.0.1:{box.web}/", flush=True)
        print(f"KMS      127.0.0.1:{box.kms}", flush=True)
        # With --keep the first run may be over: then there is no code any more.
        found = box.expect(r"setup code +([A-Z0-9-]{19})|service +running, mode (relay|lab)", 300)
        print(f"setup code {found.group(1)}" if found.group(1) else f"it is set up already, mode {found.group(2)}", flush=True)
        print(f"ready after {box.seconds():.0f} s; what its console shows follows", flush=True)
        print(box.seen[box.seen.find("\nMuster "):].strip(), flush=True)
        while box.process.poll() is None:
            print(box.pump(1), end="", flush=True)
        return 0
    except BootError as error:
        print(f"scripts/image: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nended: as if the plug were pulled", flush=True)
        return 0
    finally:
        box.close()


if __name__ == "__main__":
    sys.exit(main())
