"""A booted box, and what is asked of it from outside: over its console, its API, and its disk when it is off."""
import http.client
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "integration"), str(HERE.parent.parent / "image")]
import support  # noqa: E402
from box import TOP, BootError, Box  # noqa: E402
from web_support import PASSWORD, Browser  # noqa: E402

IMAGE = BOARD = VERSION = None
BUNDLES = TOP / "build" / "image" / "bundles"
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
    global IMAGE, BOARD, VERSION
    IMAGE = chosen.image.resolve()
    found = re.fullmatch(r"muster-([0-9]+\.[0-9]+\.[0-9]+)-(.+)\.img", IMAGE.name)
    if not found:
        parser.error(f"{IMAGE.name} is not called as scripts/image calls an image")
    VERSION, BOARD = found.groups()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is large goes with the test, however it ends
    unittest.main(module="__main__", argv=sys.argv[:1] + rest, verbosity=2, warnings="ignore")


class BoxTest(unittest.TestCase):
    retried = 0

    def booted(self, **more):
        """A box whose console shows the setup code and an address; (box, code). A boot that hangs is tried once more."""
        for attempt in (1, 2):
            box = Box(IMAGE, **more)
            self.addCleanup(box.close)
            try:
                box.start()
                code = box.expect(r"setup code +([A-Z0-9-]{19})", 300 * support.PATIENCE).group(1)
                if not re.search(r"page +https://", box.seen):  # the network may come later than the service
                    box.expect(r"page +https://", 120 * support.PATIENCE)
                print(f"\nready after {box.seconds():.1f} s", flush=True)
                return box, code
            except BootError as error:
                box.kill()
                BoxTest.retried += 1
                print(f"\nboot {attempt} failed, {BoxTest.retried} in all: {error}", flush=True)
                if attempt == 2:
                    raise
        return None

    @staticmethod
    def next_version(steps=1):
        major, minor, patch = map(int, VERSION.split("."))
        return f"{major}.{minor}.{patch + steps}"

    def bundle(self, version, over=None):
        """An update bundle of the image's own root under another version, made by scripts/image; over: a folder laid over it."""
        BUNDLES.mkdir(parents=True, exist_ok=True)
        out = Path(tempfile.mkdtemp(dir=BUNDLES))  # two tests may run at the same time
        self.addCleanup(shutil.rmtree, out, True)
        words = [TOP / "scripts/image", "--board", BOARD, "--out", out, "--again", "--version", version, "--quick"]
        done = subprocess.run(words + (["--over", over] if over else []), capture_output=True, text=True, cwd=TOP)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return out / f"muster-{version}-{BOARD}.raucb"

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

    def activate(self, box, browser):
        """A key of its own for the lab, and thirty machines that activate with it; the file with its seal."""
        status, key = browser.api("POST", "/lab/keys", {"family": "win7-2008r2", "group": "C"})
        self.assertEqual(status, 200, key)
        key = (key if isinstance(key, (str, bytes)) else key.get("key", key.get("text")))
        key = key.decode() if isinstance(key, bytes) else key
        self.assertEqual(browser.api("POST", "/keys", {"key": key.strip()})[0], 201)
        seal = box.directory / "seal.key"
        seal.touch(0o600)
        status, key = browser.api("GET", "/lab/seal-key")
        self.assertEqual(status, 200, key)
        seal.write_bytes(key if isinstance(key, bytes) else key.encode())
        done = self.machines(box, seal)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("30 of 30 machines activated", done.stdout + done.stderr)
        return seal

    @staticmethod
    def machines(box, seal, *words):
        """Thirty simulated machines, always the same; ends when all are activated."""
        return subprocess.run([support.BIN / "muster-client", "--host", f"127.0.0.1:{box.kms}", "--seal-key-file", seal,
                               "--family", "win7", "--clients", "30", "--cmid-seed", "7", *words],
                              capture_output=True, text=True, timeout=300 * support.PATIENCE)

    @staticmethod
    def answers(browser, path):
        """What GET path gives, or nothing while the box does not answer."""
        try:
            status, answer = browser.api("GET", path)
            return answer if status == 200 else None
        except (OSError, ValueError, http.client.HTTPException):
            browser.connection.close()
            return None

    def install(self, box, browser, bundle):
        """Uploads it; what GET /update says when the box is through with it. bundle: a file, or octets."""
        octets = bundle if isinstance(bundle, bytes) else Path(bundle).read_bytes()
        status, answer = browser.api("POST", "/update", octets, headers={"Content-Type": "application/octet-stream"})
        self.assertEqual(status, 202, answer)
        state = {}

        def ended():
            state.update(self.answers(browser, "/update") or {})
            return state.get("phase") not in (None, "installing")
        self.wait(box, ended, 300, "the installation's end")
        return state

    def installed(self, box, browser, bundle):
        state = self.install(box, browser, bundle)
        self.assertEqual((state["phase"], state["percent"]), ("installed", 100), f"{state}; the console ends:\n{box.seen[-1000:]}")

    def restart(self, box, browser):
        """Asked for over the API; what is on the console from here on is of the next start."""
        box.at = len(box.seen)
        status, answer = browser.api("POST", "/system/restart")
        # 504: systemd of an emulator that others starve took longer to say yes than musterd-system waits.
        self.assertIn(status, (200, 504), answer)
        browser.connection.close()
        box.expect("reboot: Restarting system", 300 * support.PATIENCE)

    def slots(self, browser):
        """{"A": ..., "B": ...} of GET /slots, beside what it says of all; nothing while it does not answer."""
        answer = self.answers(browser, "/slots")
        return answer and answer | {slot["boot"]: slot for slot in answer["slots"] if slot.get("boot")}

    def wait(self, box, condition, seconds, what):
        """As support.wait_for(), while the console is read."""
        until = time.monotonic() + seconds * support.PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), until, f"not within {seconds} s: {what}; the console ends:\n{box.seen[-2000:]}")
            box.pump(0.5)

    def folder(self):
        """A directory of the test's own, gone with it."""
        found = tempfile.TemporaryDirectory()
        self.addCleanup(found.cleanup)
        return Path(found.name)

    def run_inside(self, box, *words, good=(0,), **more):
        done = subprocess.run(box.inside(*words), capture_output=True, text=True, **more)
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
