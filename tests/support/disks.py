"""Disks of a test's own: small, full, read-only, failing. They are mounted in a mount namespace that dies with the test:
as root, or, but for those that need a device, through a user namespace where those are allowed."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

INSIDE = "MUSTER_FAULT_NAMESPACE"  # set in the environment of the script that runs inside


def enter_namespace():
    """Runs this script again in a mount namespace of its own, if that is possible here. Call it before support.main()."""
    if os.environ.get(INSIDE):
        return
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    if subprocess.run(unshare + ["true"], capture_output=True, check=False).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp(unshare[0], unshare + [sys.executable] + sys.argv)


needs_mounts = unittest.skipUnless(os.environ.get(INSIDE), "no mount namespace can be made here")


class Disk:
    """What is mounted at a path. Unmounted, whoever uses it still, when the test is over."""

    def __init__(self, test, path):
        self.test = test
        self.path = Path(path)
        self.path.mkdir(exist_ok=True)

    def __truediv__(self, name):
        return self.path / name

    def mount(self, *words):
        subprocess.run(["mount", *map(str, words), self.path], check=True)
        self.test.addCleanup(subprocess.run, ["umount", "-l", self.path], check=False, capture_output=True)
        return self

    def remount(self, how, check=True):
        """how: "ro" or "rw". True if the kernel did it."""
        return subprocess.run(["mount", "-o", f"remount,{how}", self.path], check=check,
                              capture_output=not check).returncode == 0

    def fill(self):
        """Writes until nothing more fits; the file that is to be removed to make room."""
        ballast = self.path / "ballast"
        with open(ballast, "ab", buffering=0) as file:
            for block in (65536, 4096):
                try:
                    while True:
                        file.write(b"m" * block)
                except OSError:
                    pass
        return ballast


class FailingDisk(Disk):
    """An ext4 that turns read-only when it meets an error, as Debian mounts it."""

    def __init__(self, test, path, mebibytes):
        super().__init__(test, path)
        image = self.path.with_suffix(".image")
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True, capture_output=True)
        if subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, self.path], check=False,
                          capture_output=True).returncode != 0:
            test.skipTest("no loop device can be mounted here")
        test.addCleanup(subprocess.run, ["umount", "-l", self.path], check=False, capture_output=True)
        device = subprocess.run(["findmnt", "-n", "-o", "SOURCE", self.path], check=True, capture_output=True, text=True)
        self.trigger = Path("/sys/fs/ext4") / Path(device.stdout.strip()).name / "trigger_fs_error"

    def fail(self):
        """As a bad block in the file system's own data does: from now on every write ends in EROFS, open files included.
        The kernel never takes that back; only another mount does."""
        self.trigger.write_text("1")
        try:
            (self.path / "probe").touch()
        except OSError:
            return
        raise AssertionError("the file system can still be written")

    def freeze(self):
        """Every write waits from now on, and whoever writes cannot even be killed."""
        self.test.addCleanup(self.thaw)
        subprocess.run(["fsfreeze", "--freeze", self.path], check=True)

    def thaw(self):
        subprocess.run(["fsfreeze", "--unfreeze", self.path], check=False, capture_output=True)


def small_disk(test, mebibytes):
    """A memory disk of that size in the test's directory."""
    return Disk(test, test.directory / "disk").mount("-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs")
