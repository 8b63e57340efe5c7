"""A network of the test's own: it starts itself again in fresh namespaces, where port 53 is free and nobody listens.

The new process is the first of a process namespace: when it ends, or is killed, nothing that it started lives on.
"""
import os
import socket
import subprocess
import sys
from pathlib import Path

_INSIDE = "MUSTER_TEST_NAMESPACE"


def enter():
    """First of all in a script: returns inside of the namespaces. Needs root, or a kernel that lets users have them."""
    if os.environ.get(_INSIDE) == "yes":
        _furnish()
        return
    command = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    probe = subprocess.run([*command, "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        sys.exit(f"{sys.argv[0]}: no namespaces of its own ({probe.stderr.strip()}); run it as root, or allow users "
                 "namespaces (sysctl kernel.unprivileged_userns_clone=1)")
    os.execvpe(command[0], [*command, sys.executable, *sys.argv], {**os.environ, _INSIDE: "yes"})


def _furnish():
    run("mount", "--make-rprivate", "/")
    # What servers leave in /run goes with the test; and what a test writes to /etc is seen by nobody else.
    for directory in ("/run", "/mnt"):
        run("mount", "-t", "tmpfs", "none", directory)
    run("cp", "-a", "/etc", "/mnt/etc")
    run("mount", "--bind", "/mnt/etc", "/etc")
    for file in ("resolv.conf", "hosts", "krb5.conf"):  # some of them are mounts or links of their own
        subprocess.run(["umount", f"/etc/{file}"], stderr=subprocess.DEVNULL)
        Path("/etc", file).unlink(missing_ok=True)
    hosts("127.0.0.1 localhost")
    resolvers()
    run("ip", "link", "set", "lo", "up")
    socket.sethostname("muster-01")


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def address(text):
    """Gives this machine one more address, and returns it."""
    run("ip", "address", "replace", f"{text}/32" if "." in text else f"{text}/128", "dev", "lo")
    return text


def resolvers(*addresses, search=()):
    """What this machine asks for names: its /etc/resolv.conf."""
    lines = [f"nameserver {one}" for one in addresses] + ([f"search {' '.join(search)}"] if search else [])
    Path("/etc/resolv.conf").write_text("".join(line + "\n" for line in [*lines, "options timeout:1 attempts:2"]))


def hosts(*lines):
    Path("/etc/hosts").write_text("".join(line + "\n" for line in lines))
