"""What the integration tests share beside tests/support."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support  # noqa: E402

wait_for = support.wait_for


def clients(daemon, family, count, *words, timeout=120, check=None, seal=None):
    """Runs muster-client to its end; returns what it printed. With `check`, its exit status must be that.

    seal: the seal file of the lab that answers, if that is not the daemon's own.
    """
    limit = timeout * support.PATIENCE
    done = subprocess.run([support.BIN / "muster-client", "--host", f"127.0.0.1:{daemon.port}", "--seal-key-file",
                           seal or daemon.state / "lab" / "seal.key", "--family", family, "--clients", str(count), "--timeout",
                           f"{int(limit)}s", *map(str, words)], capture_output=True, text=True, timeout=limit + 30)
    if check is not None and done.returncode != check:
        raise AssertionError(f"muster-client ended with {done.returncode}, not {check}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def issue_key(daemon, family, group):
    return daemon.ctl("lab", "issue-key", "--family", family, "--group", group).stdout.strip()


class DaemonTest(support.DaemonTest):
    def ready(self, *words, **more):
        daemon = self.daemon(*words, **more)
        daemon.start_ready()
        return daemon
