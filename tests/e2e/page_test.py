#!/usr/bin/python3
"""The page in Debian's Chromium, nothing mocked behind it: page.mjs plays the person, this the console and the machines."""
import os
import subprocess
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import support  # noqa: E402

HERE = Path(__file__).resolve().parent
HOSTILE = "<img src=x onerror=muster_was_here=1>"


class Page(support.DaemonTest):
    def test_from_the_first_run_to_the_log_out(self):
        port = support.free_port()
        daemon = self.daemon("--web", f"127.0.0.1:{port}", serving=())
        daemon.start()
        support.wait_for(lambda: daemon.ctl("setup-code", check=False).returncode == 0, 30, daemon.log_tail)
        code = daemon.ctl("setup-code").stdout.strip()
        person = subprocess.Popen(["node", HERE / "page.mjs", f"https://127.0.0.1:{port}", code, HOSTILE],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env=os.environ | {"MUSTER_PATIENCE": str(support.PATIENCE)})
        self.addCleanup(person.kill)
        said = []
        for line in person.stdout:
            said.append(line)
            print(line, end="")
            if "NEEDS-CLIENT" in line:
                self.machines(daemon)
                person.stdin.write("\n")
                person.stdin.flush()
        self.assertEqual(person.wait(60), 0, "".join(said) + daemon.log_tail())

    def machines(self, daemon):
        """Thirty that behave, and one whose name is no name."""
        import kms_bodies as kms
        import rpc_client
        daemon.lab = True
        done = subprocess.run([support.BIN / "muster-client", "--host", f"127.0.0.1:{daemon.port}", "--seal-key-file",
                               daemon.state / "lab" / "seal.key", "--family", "win7", "--clients", "30"],
                              capture_output=True, text=True, timeout=120 * support.PATIENCE)
        self.assertIn("activated", done.stdout, done.stdout + done.stderr)
        client = rpc_client.Client("127.0.0.1", daemon.port)
        self.addCleanup(client.close)
        client.ask(kms.request(cmid=uuid.UUID(int=7), machine=HOSTILE))


if __name__ == "__main__":
    support.main()
