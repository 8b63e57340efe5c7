#!/usr/bin/env python3
"""scripts/flash on disks of a test's own: what it writes, and what it refuses to write."""
import hashlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support  # noqa: E402

FLASH = Path(__file__).resolve().parents[2] / "scripts" / "flash"
LABELS = ("esp", "boot-a", "boot-b", "root-a", "root-b", "data")
MIB = 1 << 20


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **more)


def partitioned(path, mebibytes, labels):
    """A disk image with a GPT by sfdisk, and noise in it."""
    path.write_bytes(os.urandom(mebibytes * MIB))
    table = "label: gpt\n" + "".join(f"name={label}, size=1MiB\n" for label in labels)
    done = run("sfdisk", "--quiet", path, input=table)
    assert done.returncode == 0, done.stderr
    return path


class Flash(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0 or run("losetup", "--find").returncode != 0:
            self.skipTest("loop devices need root and a kernel that has them")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.image = partitioned(self.folder / "muster-1.0.0-x86_64.img", 12, LABELS)

    def disk(self, mebibytes=20, *words):
        backing = self.folder / f"disk-{mebibytes}"
        backing.write_bytes(b"\xAA" * (mebibytes * MIB))
        device = run("losetup", "--find", "--show", *words, backing).stdout.strip()
        self.assertTrue(device, "no loop device")
        self.addCleanup(run, "losetup", "--detach", device)
        return device

    def flash(self, image, device, *words, name=None):
        # A loop device has no serial number: its name stands for it.
        return run(FLASH, image, device, "--internal", "--yes", name or Path(device).name, *words)

    def refused(self, done, *said):
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for words in said:
            self.assertIn(words, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def untouched(self, device):
        octets = Path(device).read_bytes()
        self.assertEqual(octets.count(b"\xAA"), len(octets), "something was written")

    def test_an_image_is_on_the_disk_afterwards_and_an_older_tables_copy_is_not(self):
        for suffix, pack in (("", None), (".zst", "zstd"), (".xz", "xz"), (".gz", "gzip")):
            with self.subTest(suffix):
                if pack:
                    self.assertEqual(run(pack, "-k", "-f", *(["-1"] if pack != "zstd" else []), self.image).returncode, 0)
                image = Path(f"{self.image}{suffix}")
                (self.folder / "SHA256SUMS").write_text(f"{hashlib.sha256(image.read_bytes()).hexdigest()}  {image.name}\n")
                device = self.disk()
                done = self.flash(image, device)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                for words in ("as SHA256SUMS says", "writing 100 %", "reading 100 %", "is written and was read back"):
                    self.assertIn(words, done.stdout)
                octets = Path(device).read_bytes()
                self.assertEqual(octets[:12 * MIB], self.image.read_bytes())
                self.assertFalse(any(octets[-MIB:]))
                self.assertEqual(octets[12 * MIB:-MIB].count(b"\xAA"), 7 * MIB)

    def test_what_is_no_image_is_refused(self):
        device = self.disk()
        text = self.folder / "notes.img"
        text.write_text("hello")
        other = partitioned(self.folder / "other.img", 12, ("boot", "root"))
        damaged = self.folder / "damaged.img"
        octets = bytearray(self.image.read_bytes())
        octets[512 + 48] ^= 1
        damaged.write_bytes(octets)
        for image, said in ((text, "no disk image"), (other, "its partitions are boot, root"), (damaged, "is damaged"),
                            (self.folder / "none.img", "is no file")):
            self.refused(self.flash(image, device), said)
        self.untouched(device)

    def test_what_is_not_as_its_sum_says_is_refused(self):
        (self.folder / "SHA256SUMS").write_text(f"{'0' * 64}  {self.image.name}\n")
        device = self.disk()
        self.refused(self.flash(self.image, device), "is not what SHA256SUMS says")
        self.untouched(device)

    def test_an_image_that_is_cut_off_is_told(self):
        cut = self.folder / "cut.img"
        cut.write_bytes(self.image.read_bytes()[:5 * MIB])
        self.refused(self.flash(cut, self.disk()), "ends after", "The disk is not usable")
        run("zstd", "-q", "-f", self.image)
        packed = Path(f"{self.image}.zst")
        packed.write_bytes(packed.read_bytes()[:3 * MIB])
        self.refused(self.flash(packed, self.disk(21)), "cannot be unpacked to its end")

    def test_a_disk_that_is_in_use_is_refused(self):
        device = self.disk()
        self.assertEqual(run("mkfs.ext4", "-q", device).returncode, 0)
        place = self.folder / "place"
        place.mkdir()
        if run("mount", device, place).returncode != 0:
            self.skipTest("nothing can be mounted here")
        try:
            (place / "kept").write_text("here")
            self.refused(self.flash(self.image, device), f"{device} is mounted at {place}", f"umount {device}")
            self.assertEqual((place / "kept").read_text(), "here")
        finally:
            run("umount", place)

    def test_a_disk_of_which_another_program_has_hold_is_refused(self):
        device = self.disk()
        hold = os.open(device, os.O_RDONLY | os.O_EXCL)
        try:
            self.refused(self.flash(self.image, device), "cannot be opened for us alone", "another program")
        finally:
            os.close(hold)
        self.untouched(device)

    def test_what_is_no_fitting_disk_is_refused(self):
        small, locked, usual = self.disk(8), self.disk(20, "--read-only"), self.disk(22)
        self.refused(self.flash(self.image, small), "has 8 MB, and the image needs 13 MB")
        self.refused(self.flash(self.image, locked), "it is read-only")
        self.refused(run(FLASH, self.image, usual, "--yes", Path(usual).name), "built into this machine", "--internal")
        self.refused(self.flash(self.image, self.folder / "a-file"), "is not there")
        self.refused(self.flash(self.image, self.image), "is no disk")
        for device in (small, locked, usual):
            self.untouched(device)

    def test_a_part_of_a_disk_is_refused(self):
        device = self.disk(20, "--partscan")
        run("sfdisk", "--quiet", device, input="label: gpt\nname=one, size=4MiB\n")
        part = Path(f"{device}p1")
        if not part.exists():
            self.skipTest("no device of a partition comes up here")
        self.refused(self.flash(self.image, part), f"is a part of the disk {device}")

    def test_nothing_is_written_without_the_disks_name(self):
        device = self.disk()
        self.refused(self.flash(self.image, device, name="sdz"), '"sdz" is not', "nothing was written")
        self.refused(run(FLASH, self.image, device, "--internal", stdin=subprocess.DEVNULL), "nobody is there to ask", "--yes")
        self.untouched(device)

    def test_the_list_says_which_may_be_written(self):
        device = self.disk()
        said = run(FLASH, "--list", "--internal").stdout
        self.assertRegex(said, rf"{device}: .*\n    may be written")
        self.assertIn("built into this machine", run(FLASH, "--list").stdout)

    def test_used_wrongly_it_says_how(self):
        done = run(FLASH, self.image)
        self.assertEqual(done.returncode, 2)
        self.assertIn("scripts/flash --list", done.stderr)


if __name__ == "__main__":
    support.main()
