"""A booted box, and what is asked of it from outside: over its console, its API, and its disk when it is off."""
import mmap
import os
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "integration"), str(HERE.parent.parent / "image")]
import support  # noqa: E402
from box import BootError, Box  # noqa: E402
from web_support import PASSWORD, Browser  # noqa: E402

IMAGE = None
MIB = 1 << 20
DATA = 657 * MIB  # where data begins: 1, esp 16, boot 2 * 64, root 2 * 256


def main():
    """As support.main(), with --image FILE."""
    parser = support.options()
    parser.add_argument("--image", type=Path, required=True)
    chosen, rest = parser.parse_known_args()
    if not chosen.bin:
        parser.error("say --bin DIRECTORY: where muster-client is")
    if os.getuid() != 0:
        parser.error("root is needed: QEMU runs in the builder's chroot")
    support.take(chosen)
    global IMAGE
    IMAGE = chosen.image.resolve()
    unittest.main(module="__main__", argv=sys.argv[:1] + rest, verbosity=2, warnings="ignore")


class BoxTest(unittest.TestCase):
    retried = 0

    def booted(self, **more):
        """A box whose console shows the setup code; (box, code). A boot that hangs is tried once more."""
        for attempt in (1, 2):
            box = Box(IMAGE, **more)
            self.addCleanup(box.close)
            try:
                box.start()
                code = box.expect(r"setup code +([A-Z0-9-]{19})", 300 * support.PATIENCE).group(1)
                print(f"\nready after {box.seconds():.1f} s", flush=True)
                return box, code
            except BootError as error:
                box.kill()
                BoxTest.retried += 1
                print(f"\nboot {attempt} failed, {BoxTest.retried} in all: {error}", flush=True)
                if attempt == 2:
                    raise
        return None

    def browser(self, box):
        browser = Browser(box.web)
        self.addCleanup(browser.connection.close)
        return browser

    def set_up(self, box, code, mode="lab"):
        """The first administrator, logged in, and the mode chosen."""
        browser = self.browser(box)
        status, answer = browser.api("POST", "/setup", {"code": code, "name": "ada", "password": PASSWORD})
        self.assertEqual((status, answer["role"]), (200, "admin"), answer)
        status, answer = browser.api("POST", "/mode", {"mode": mode})
        self.assertEqual(status, 200, answer)

        def serves():
            try:
                return browser.api("GET", "/status")[1]["mode"] == mode
            except (OSError, ValueError, KeyError, TypeError):
                return False
        self.wait(box, serves, 60, f"mode {mode}")
        return browser

    def wait(self, box, condition, seconds, what):
        """As support.wait_for(), while the console is read."""
        until = time.monotonic() + seconds * support.PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), until, f"not within {seconds} s: {what}; the console ends:\n{box.seen[-2000:]}")
            box.pump(0.5)

    def run_inside(self, box, *words, good=(0,)):
        done = subprocess.run(box.inside(*words), capture_output=True, text=True)
        self.assertIn(done.returncode, good, done.stderr + done.stdout)

    def raw_data(self, box):
        """The data partition as a file, as it would be if the plug were pulled now."""
        copy, whole = box.directory / "data.raw", box.directory / "whole.raw"
        self.run_inside(box, "qemu-img", "convert", "-U", "-O", "raw", box.path(box.overlay), box.path(whole))
        with open(whole, "rb") as all_of_it, open(copy, "wb") as data:
            all_of_it.seek(DATA)
            shutil.copyfileobj(all_of_it, data, MIB)
        whole.unlink()
        return copy

    @staticmethod
    def holds(file, text):
        """Whether its octets have that text, as UTF-8 or UTF-16."""
        with open(file, "rb") as data, mmap.mmap(data.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            return any(octets.find(text.encode(form)) >= 0 for form in ("utf-8", "utf-16-le"))

    def from_data(self, box, path):
        """The octets of a file of the data partition, as they would be there if the plug were pulled now."""
        copy, found = self.raw_data(box), box.directory / "found"

        def run(*words, good=(0,)):
            self.run_inside(box, *words, good=good)
        run("e2fsck", "-fy", box.path(copy), good=(0, 1))
        run("debugfs", "-R", f"dump {path} {box.path(found)}", box.path(copy))
        copy.unlink()
        return found.read_bytes()
