"""A box of a test's own: musterd-system with programs that write down what they were told."""
import signal
import subprocess

import support

from .daemon import DaemonTest

PROGRAMS = ("networkctl", "systemctl", "timedatectl", "hostnamectl", "nft", "rauc")
# What runs, what is started next and what stands beside are files; a bundle is good if it says so, and slow while `slow` is there.
RAUC = r"""
say() { cat "$here/$1" 2>/dev/null || echo "$2"; }
case "$1 $2" in
"status --detailed")
    booted=$(say booted A) a=inactive b=booted
    [ "$booted" = B ] || { a=booted b=inactive; }
    echo '{"compatible":"muster-test","booted":"'$booted'","boot_primary":"'$(say primary boot.0)'","slots":[
    {"boot.0":{"bootname":"A","state":"'$a'","boot_status":"good","slot_status":{"bundle":{"version":"1.0"}}}},
    {"boot.1":{"bootname":"B","state":"'$b'","boot_status":"'$(say health bad)'","slot_status":{"bundle":{"version":"'$(say other)'"}}}}]}' ;;
"status mark-bad") echo bad >"$here/health"; echo boot.0 >"$here/primary" ;;
"status mark-good") echo good >"$here/health" ;;
"status mark-active") [ "$3" = other ] && echo boot.1 >"$here/primary" || echo boot.0 >"$here/primary" ;;
install\ *)
    echo installing; echo ' 40% Copying image to boot.1'
    while [ -e "$here/slow" ]; do sleep 0.05; done
    version=$(head -n 1 "$2" | sed -n 's/^good \([0-9.]*\)$/\1/p')
    if [ -n "$version" ]; then
        echo "$version" >"$here/other"; echo good >"$here/health"; echo boot.1 >"$here/primary"
        echo '100% Installing done.'
    else
        echo 'LastError: signature verification failed'; exit 1
    fi ;;
esac
"""


class BoxTest(DaemonTest):
    """Its helper is there from begin() on; a daemon knows it by `--system self.socket`."""

    def setUp(self):
        super().setUp()
        self.place = self.directory / "box"
        for name in ("programs", "keep", "run", "update", "zones/Europe"):
            (self.place / name).mkdir(parents=True)
        (self.place / "zones/Europe/Berlin").write_text("TZif")
        for name in PROGRAMS:
            self.program(name, RAUC if name == "rauc" else "")
        self.socket = self.place / "socket"
        self.helper = None
        self.begun = 0
        self.words = ()
        self.addCleanup(self.end)

    def program(self, name, body):
        path = self.place / "programs" / name
        path.write_text(f'#!/bin/sh\nhere={self.place}\necho "{name} $*" >>$here/calls\n{body}\n')
        path.chmod(0o755)

    def calls(self, *programs):
        """What was started since the last time; of these programs only. musterd sets the firewall when it likes."""
        path = self.place / "calls"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        path.unlink(missing_ok=True)
        return "".join(line for line in lines if not programs or line.startswith(programs))

    def begin(self, *words, user="root"):
        self.words = words
        with open(self.place / "log", "ab") as log:
            self.helper = subprocess.Popen(
                [support.BIN / "musterd-system", "--user", user, "--socket", self.socket, "--keep", self.place / "keep",
                 "--run", self.place / "run", "--update", self.place / "update", "--reset-flag", self.place / "reset", "--zones",
                 self.place / "zones", "--programs", self.place / "programs", *words], stdout=log, stderr=log)
        support.wait_for(lambda: self.log().count("ready, for user") > self.begun and self.helper.poll() is None, 30,
                         lambda: f"musterd-system ready; its log: {self.log()}")

    def again(self, *words, how=signal.SIGTERM):
        """The helper is ended and started anew."""
        self.leave(how)
        self.begin(*words)

    def leave(self, how=signal.SIGTERM):
        self.begun = self.log().count("ready, for user")
        self.helper.send_signal(how)
        self.assertEqual(self.helper.wait(30), 0 if how == signal.SIGTERM else -how)

    def restart(self, into):
        """As if the box itself were started anew, into that system: what was installed, was so in another start."""
        self.leave()
        (self.place / "booted").write_text(into)
        kept = self.place / "keep/update"
        kept.write_bytes(b"another\n" + kept.read_bytes().split(b"\n", 1)[1])
        self.begin(*self.words)

    def end(self):
        if self.helper and self.helper.poll() is None:
            self.helper.terminate()
            self.helper.wait(30)

    def log(self):
        path = self.place / "log"
        return path.read_text() if path.exists() else ""

    def network_file(self):
        path = self.place / "run/systemd/network/10-muster-eth0.network"
        return path.read_text() if path.exists() else ""
