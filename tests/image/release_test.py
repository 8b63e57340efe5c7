#!/usr/bin/python3
"""A release: the commands of docs/release.md, done as they stand there, and what a box of a release then takes.

Needs root, and what scripts/image needs; made of build/release, without compiling. Leaves the root of a release in build/image.
"""
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
BUILDER = TOP / "build/image/builder/root"
GUIDE = (TOP / "docs/release.md").read_text()
VERSION = "9.8.7"


def block(word):
    """The block of commands in the guide in which that word stands first; keys without a password, as nobody types here."""
    found = next(text for text in re.findall(r"```sh\n(.*?)```", GUIDE, re.S) if word in text)
    return re.sub(r"^ {3}", "", found, flags=re.M).replace(" | openssl ec -aes256 -out ", " -out ")


class Release(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Inside of the builder, where RAUC is, and outside it is the same folder.
        cls.place = Path(tempfile.mkdtemp(prefix="release.", dir=BUILDER / "tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.place)
        cls.sh(block("-name secp384r1"))
        cls.sh("cp ca.cert.pem keyring.pem")
        cls.image("keyring.pem")

    @classmethod
    def sh(cls, commands, check=True):
        done = subprocess.run(["bash", "-euc", commands], cwd=cls.place, capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(f"{commands}\n{done.stdout}{done.stderr}")
        return done

    @classmethod
    def image(cls, keyring):
        done = subprocess.run([TOP / "scripts/image", "--board", "x86_64", "--out", cls.place, "--version", VERSION, "--muster",
                               TOP / "build/release", "--quick", "--release", cls.place / keyring], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)

    def inside(self, commands, check=True):
        """In the builder: RAUC wants /proc."""
        shutil.copy(TOP / "image/keys/dev/ca.cert.pem", self.place / "development.pem")
        where = "/" + str(self.place.relative_to(BUILDER))
        return self.sh(f"""unshare --mount --propagation private -- bash -euc '
            mount -t proc proc {BUILDER}/proc
            chroot {BUILDER} bash -euc "cd {where}; {commands}"'""", check)

    def signed(self, signer):
        commands = block("rauc resign").split("mv signed")[0].replace("1.0.0", VERSION).replace("\\\n", " ")
        commands = commands.replace("image/keys/dev/ca.cert.pem", "development.pem").replace("signer.", f"{signer}.").strip()
        (self.place / "signed.raucb").unlink(missing_ok=True)
        self.inside(commands)

    def test_1_only_the_releases_authority_is_in_it(self):
        root = TOP / "build/image/x86_64/root/etc/rauc"
        self.assertEqual((root / "keyring.pem").read_text(), (self.place / "ca.cert.pem").read_text())
        settings = (root / "system.conf").read_text()
        self.assertIn("compatible=muster-x86_64\n", settings)
        self.assertIn("check-crl=false\n", settings)
        self.assertFalse((self.place / "SHA256SUMS.sig").exists(), "signed by a key that is public")

    def test_2_the_development_signature_is_none_and_the_release_s_is(self):
        bundle = f"muster-{VERSION}-x86_64.raucb"
        self.assertNotEqual(self.inside(f"rauc info --keyring ca.cert.pem {bundle}", check=False).returncode, 0)
        self.signed("signer")
        said = self.inside("rauc info --keyring ca.cert.pem signed.raucb")
        self.assertIn("muster-x86_64'", said.stdout)
        self.assertNotEqual(self.inside("rauc info --keyring development.pem signed.raucb", check=False).returncode, 0)

    def test_3_a_private_key_is_no_keyring(self):
        done = subprocess.run([TOP / "scripts/image", "--board", "x86_64", "--out", self.place, "--release",
                               self.place / "ca.key.pem"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("certificate", done.stderr)

    def test_4_a_signer_that_is_revoked_signs_nothing_more(self):
        made = block("-name prime256v1")
        self.sh("cp signer.ext next.ext; " + made[made.index("openssl ecparam -name prime256v1"):made.index("openssl verify")]
                .replace("signer.", "next.").replace("signer 2026", "signer 2027"))
        self.sh(block("default_crl_days"))
        self.sh("cat ca.cert.pem crl.pem >keyring.pem")
        self.image("keyring.pem")
        settings = (TOP / "build/image/x86_64/root/etc/rauc/system.conf").read_text()
        self.assertIn("check-crl=true\n", settings)
        self.assertIn("use-bundle-signing-time=true\n", settings)
        (self.place / "box.conf").write_text(settings.replace("/etc/rauc/keyring.pem", "keyring.pem")
                                             .replace("data-directory=/data/rauc\n", "data-directory=data\n"))
        for signer, good in (("signer", False), ("next", True)):
            self.signed(signer)
            said = self.inside("rauc --conf=box.conf info signed.raucb", check=False)
            self.assertEqual(said.returncode == 0, good, f"{signer}: {said.stdout}{said.stderr}")
            if not good:
                self.assertIn("revoked", said.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)  # the words that other tests of an image take say nothing here
