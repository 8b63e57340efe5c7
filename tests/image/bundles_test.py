#!/usr/bin/python3
"""Bundles that are not what they should be: each is refused with a reason, and the box serves on. Prints a table."""
import os
import shutil

from image_support import TOP, BoxTest, main

KEYS = TOP / "image" / "keys" / "dev"


class Bundles(BoxTest):
    def packed(self, box, name, version, key=KEYS / "signer.key.pem", certificate=KEYS / "signer.cert.pem", compatible=None):
        """A bundle whose images are small: what takes it would notice at once."""
        content = box.directory / name
        content.mkdir()
        for image in ("boot.img", "root.img"):
            (content / image).write_bytes(os.urandom(65536))
        (content / "manifest.raucm").write_text(
            f"[update]\ncompatible={compatible or self.compatible}\nversion={version}\n\n[bundle]\nformat=verity\n\n"
            "[image.boot]\nfilename=boot.img\n\n[image.rootfs]\nfilename=root.img\n")
        for file in (key, certificate):
            if file.parent != box.directory:
                shutil.copy(file, box.directory)
        self.run_inside(box, "rauc", "bundle", "--key", box.path(box.directory / key.name), "--cert",
                        box.path(box.directory / certificate.name), box.path(content), box.path(box.directory / f"{name}.raucb"))
        return (box.directory / f"{name}.raucb").read_bytes()

    def stranger(self, box):
        """Key and certificate of somebody else, whose authority has the same name as ours."""
        key, certificate = box.directory / "stranger.key.pem", box.directory / "stranger.cert.pem"
        self.run_inside(box, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "30", "-subj", "/CN=Muster development CA", "-keyout", box.path(key), "-out", box.path(certificate))
        return {"key": key, "certificate": certificate}

    def test_none_is_taken(self):
        good = self.bundle(self.next_version()).read_bytes()
        middle = len(good) // 2
        tampered = good[:middle] + bytes(octet ^ 0xFF for octet in good[middle:middle + 4]) + good[middle + 4:]
        signature = good[:-600] + bytes([good[-600] ^ 1]) + good[-599:]
        box, code = self.booted()
        browser = self.set_up(box, code)
        self.compatible = self.slots(browser)["compatible"]
        newer, older = self.next_version(), "0.0.9"
        cases = (("no bundle at all", os.urandom(100_000), "signature|magic|bundle"),
                 ("truncated", good[:middle], "signature|truncated|size|bundle"),
                 ("its signature changed", signature, "signature|verif|CMS"),
                 ("tampered", tampered, "corrupt|verif|read|Input/output|checksum"),
                 ("signed by a stranger", self.packed(box, "stranger", newer, **self.stranger(box)), "signature|verif"),
                 ("of another product", self.packed(box, "product", newer, compatible="toaster-x86_64"), "Compatible mismatch"),
                 ("older than what runs", self.packed(box, "older", older), "Version mismatch"))
        for name, octets, reason in cases:
            with self.subTest(name):
                state = self.install(box, browser, octets)
                print(f"  {name:24} {state['phase']:10} {state['words']}", flush=True)
                self.assertEqual(state["phase"], "failed", state)
                self.assertRegex(state["words"], reason)
                slots = self.slots(browser)
                self.assertEqual((slots["booted"], slots["primary"], slots["A"]["health"]), ("A", "boot.0", "good"), slots)
                self.assertEqual(browser.api("GET", "/status")[1]["mode"], "lab")
        # None of them is in the way of a good one.
        self.installed(box, browser, good)
        self.assertEqual(self.slots(browser)["primary"], "boot.1")


if __name__ == "__main__":
    main()
