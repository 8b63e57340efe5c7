#!/usr/bin/python3
"""sbom.py LOCK SOURCE VERSION BOARD EPOCH: what is inside the image, as CycloneDX 1.5 JSON on standard output.

Three kinds: Debian's packages by the lock; header-only and static libraries that were compiled into Muster, by the packages of
the builder they came from; packages of npm that are in the page, by the lock of web/. The same input gives the same octets.
"""
import datetime
import json
import subprocess
import sys
import urllib.parse
import uuid
from pathlib import Path

# Compiled in, so that no package of the image has them.
COMPILED_IN = ("libtomlplusplus-dev", "nlohmann-json3-dev", "libcli11-dev", "libexpected-dev", "busybox-static",
               "systemd-boot-efi", "grub-efi-amd64-bin", "grub-common")


def debian(name, version, architecture, digest=None):
    escaped = urllib.parse.quote(version, safe=".-~")
    purl = f"pkg:deb/debian/{urllib.parse.quote(name)}@{escaped}?arch={architecture}&distro=debian-13"
    component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if digest:
        component["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return component


def locked(lock):
    for line in Path(lock).read_text().splitlines():
        name, version, architecture, digest = line.split()[:4]
        yield debian(name, version, architecture, digest)


def compiled_in(known):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture}\n", *COMPILED_IN],
                          capture_output=True, text=True)
    for line in done.stdout.splitlines():
        status, name, version, architecture = line.split()
        if status == "installed" and name not in known:
            yield debian(name, version, architecture)


def page(source):
    """What npm's lock does not call a tool of development: that is in the bundle of the page."""
    lock = json.loads((Path(source) / "web" / "package-lock.json").read_text())
    for path, facts in sorted(lock["packages"].items()):
        if path and not facts.get("dev") and not facts.get("optional"):
            name, version = path.rsplit("node_modules/", 1)[-1], facts["version"]
            purl = f"pkg:npm/{urllib.parse.quote(name, safe='/')}@{version}"
            yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def main():
    lock, source, version, board, epoch = sys.argv[1:]
    packages = list(locked(lock))
    components = packages + list(compiled_in({one["name"] for one in packages})) + list(page(source))
    components.sort(key=lambda one: one["bom-ref"])
    digest = json.dumps([board, version, components], sort_keys=True)
    print(json.dumps({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "firmware", "bom-ref": f"muster@{version}", "name": f"muster-{board}", "version": version,
                          "licenses": [{"license": {"id": "Apache-2.0"}}]},
        },
        "components": components,
    }, indent=1))


main()
