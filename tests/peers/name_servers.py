"""Name servers that nobody here wrote, as tests start them: BIND, Knot, PowerDNS and a Samba domain controller.

All have the same face: start(), stop(), kill(), records(), and `zone`, which the key or account of the test may change,
and `locked`, which is served too, but which it may not. They want port 53: see network_lab.py.
"""
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import network_lab  # noqa: E402
import support  # noqa: E402
from support.daemon import die_with_the_test  # noqa: E402



class Key:
    """A TSIG key; the secrets of tests are no secrets."""

    def __init__(self, name, algorithm, secret):
        self.name, self.algorithm, self.secret = name, algorithm, secret

    def nsupdate(self):
        return ["-y", f"{self.algorithm}:{self.name}:{self.secret}"]


KEY = Key("muster-update", "hmac-sha256", "bXVzdGVyJ3MgdGVzdHM6IGtleSBvbmUgb2YgdGhyZWU=")
KEY_512 = Key("muster-512", "hmac-sha512", "bXVzdGVyJ3MgdGVzdHM6IGtleSB0d28gb2YgdGhyZWUsIHdoaWNoIGlzIGZvciBTSEEtNTEyISEh")
#: The servers know it, but it may change nothing.
GUEST = Key("guest", "hmac-sha256", "bXVzdGVyJ3MgdGVzdHM6IGtleSB0aHJlZSBvZiB0aHJlZQ==")
#: The name of a key that the servers know, with another secret.
FORGED = Key("muster-update", "hmac-sha256", "bm90IHRoYXQgc2VjcmV0LCBidXQgb25lIG9mIGl0cyBzaXplLg==")
#: A name that no server knows.
STRANGER = Key("stranger", "hmac-sha256", "bm8gc2VydmVyIGtub3dzIHRoaXMgb25lLCBub3QgYXQgYWxs")
KEYS = (KEY, KEY_512, GUEST)

ZONE = """$TTL 3600
$ORIGIN {zone}.
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
{servers}
kms1 IN A 10.53.9.9
_vlmcs._tcp IN SRV 0 0 1688 kms1
muster-01 IN A 10.53.9.1
muster-02 IN A 10.53.9.2
{more}
"""


def zone_text(zone, servers, more=""):
    """@param servers  the addresses of ns1, ns2 …"""
    lines = []
    for number, address in enumerate(servers, 1):
        lines += [f"@ IN NS ns{number}", f"ns{number} IN A {address}"]
    return ZONE.format(zone=zone, servers="\n".join(lines), more=more)


class NameServer:
    """One server on port 53 of an address of its own. Tests that want another zone give `more` lines for it."""

    program = None
    zone = "corp.example"
    locked = "locked.example"  #: KEY may not change it; GUEST may not change anything

    def __init__(self, directory, address, more=""):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.address = network_lab.address(address)
        self.more = more
        self.addresses = [address]  # of the zone's NS records
        self.skew = None
        self.process = None
        self.log = self.directory / "log"
        self.prepared = False

    # -- what each kind fills in
    def prepare(self):
        """Writes configuration and zones; once."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    # -- the face
    def start(self):
        if not self.prepared:
            self.prepare()
            self.prepared = True
        environment = {}
        if self.skew is not None:
            environment = {"LD_PRELOAD": str(wrong_clock()), "MUSTER_TEST_CLOCK": str(self.skew)}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=log, stderr=log,
                                            cwd=self.directory, preexec_fn=die_with_the_test,
                                            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment})
        support.wait_for(self.serves, 60, lambda: f"{self} answers:\n{self.log_tail()}")
        return self

    def set_clock(self, seconds):
        """Its clock is off by that from now on; it begins anew, with what is in its zones."""
        self.stop()
        self.skew = seconds or None
        self.start()

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def pause(self):
        """From now on it is there, and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self, how):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            try:
                self.process.wait(20 * support.PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdin.close()
        self.process = None

    def serves(self):
        assert self.process.poll() is None, f"{self} ended with {self.process.returncode}:\n{self.log_tail()}"
        try:
            return self.ask(self.zone, "SOA", timeout=1).answer
        except (dns.exception.DNSException, OSError):
            return None

    def ask(self, name, kind, timeout=20):
        """The answer of this server, without recursion, by TCP where it does not fit."""
        query = dns.message.make_query(name, kind)
        query.flags = 0
        return dns.query.udp_with_fallback(query, self.address, timeout=timeout)[0]

    def records(self, name, kind="SRV"):
        """The records as dig shows them, sorted; names absolute, lower case."""
        name = name if name.endswith(".") else f"{name}."
        wanted = dns.rdatatype.from_text(kind)
        return sorted(rdata.to_text().lower() for rrset in self.ask(name, kind).answer if rrset.rdtype == wanted
                      and rrset.name.to_text().lower() == name.lower() for rdata in rrset)

    def services(self, zone=None):
        return self.records(f"_vlmcs._tcp.{zone or self.zone}")

    def ttl(self, name, kind="SRV"):
        return self.ask(name, kind).answer[0].ttl

    def log_tail(self, octets=3000):
        return self.log.read_text(errors="replace")[-octets:] if self.log.exists() else ""

    def __str__(self):
        return f"{type(self).__name__} on {self.address}"

    def own_copy(self):
        """A copy of the program: a profile of AppArmor for the installed path knows nothing of this directory."""
        copy = self.directory / Path(self.program).name
        if not copy.exists():
            shutil.copy(self.program, copy)
        return copy


class Bind(NameServer):
    """named with update-policy: KEY and KEY_512 may change the SRV set and the addresses of muster-*."""

    program = "/usr/sbin/named"
    secondary_of = None
    more_zones = ""  #: statements for its configuration

    def follow(self, primary):
        """It becomes a secondary of that server. Before both are started."""
        self.secondary_of = primary
        primary.addresses.append(self.address)
        primary.secondaries = getattr(primary, "secondaries", []) + [self.address]
        return self

    def prepare(self):
        keys = "".join(f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};\n' for key in KEYS)
        zones = ""
        for zone in (self.zone, self.locked):
            file = self.directory / zone
            if self.secondary_of:
                zones += f'zone "{zone}" {{ type secondary; file "{file}"; primaries {{ {self.secondary_of.address}; }}; }};\n'
                continue
            file.write_text(zone_text(zone, self.addresses, self.more))
            policy = 'grant nobody name nothing.invalid. A;' if zone == self.locked else "".join(
                f"grant {key.name} name _vlmcs._tcp.{zone}. SRV; grant {key.name} wildcard *.{zone}. A AAAA; "
                for key in (KEY, KEY_512))
            others = getattr(self, "secondaries", [])
            zones += (f'zone "{zone}" {{ type primary; file "{file}"; update-policy {{ {policy} }}; notify explicit; '
                      f'also-notify {{ {" ".join(f"{one};" for one in others)} }}; }};\n')
        self.directory.joinpath("named.conf").write_text(f"""{keys}
options {{
    directory "{self.directory}";
    pid-file none;
    session-keyfile none;
    listen-on {{ {self.address}; }};
    listen-on-v6 {{ none; }};
    query-source address {self.address};
    transfer-source {self.address};
    notify-source {self.address};
    notify-delay 0;
    serial-query-rate 100;
    recursion no;
    dnssec-validation no;
    allow-transfer {{ any; }};
}};
controls {{ }};
{zones}{self.more_zones}""")

    def command(self):
        return [self.own_copy(), "-4", "-g", "-n", "1", "-c", self.directory / "named.conf"]


class Knot(NameServer):
    """knotd with an acl of update-owner-name and update-type."""

    program = "/usr/sbin/knotd"

    def prepare(self):
        keys = "".join(f"  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}\n" for key in KEYS)
        zones = ""
        for zone in (self.zone, self.locked):
            self.directory.joinpath(f"{zone}.zone").write_text(zone_text(zone, self.addresses, self.more))
            zones += f"  - domain: {zone}\n    file: {self.directory}/{zone}.zone\n    zonefile-sync: -1\n" + (
                "    acl: [transfer]\n" if zone == self.locked else "    acl: [services, addresses, transfer]\n")
        self.directory.joinpath("knot.conf").write_text(f"""server:
    listen: {self.address}@53
    rundir: {self.directory}
    pidfile: {self.directory}/knot.pid
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {self.directory}
    journal-db-max-size: 16M
log:
  - target: stderr
    any: info
key:
{keys}
acl:
  - id: services
    key: [{KEY.name}, {KEY_512.name}]
    action: update
    update-type: SRV
    update-owner: name
    update-owner-match: equal
    update-owner-name: [_vlmcs._tcp, _vlmcs._tcp.a]
  - id: addresses
    key: [{KEY.name}, {KEY_512.name}]
    action: update
    update-type: [A, AAAA]
    update-owner: zone
    update-owner-match: sub
  - id: transfer
    address: 10.53.0.0/16
    action: transfer
zone:
{zones}""")

    def command(self):
        return [self.own_copy(), "-c", self.directory / "knot.conf"]


class PowerDns(NameServer):
    """pdns_server on SQLite, TSIG-ALLOW-DNSUPDATE: a key may change a whole zone or nothing of it."""

    program = "/usr/sbin/pdns_server"

    def prepare(self):
        database = self.directory / "pdns.sqlite3"
        self.directory.joinpath("pdns.conf").write_text(f"""launch=gsqlite3
gsqlite3-database={database}
local-address={self.address}
query-local-address={self.address}
socket-dir={self.directory}
config-dir={self.directory}
receiver-threads=1
distributor-threads=1
dnsupdate=yes
allow-dnsupdate-from=10.53.0.0/16,127.0.0.0/8
allow-axfr-ips=10.53.0.0/16,127.0.0.0/8
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
loglevel=6
""")
        with open("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql", encoding="utf-8") as schema:
            network_lab.run("sqlite3", database, stdin=schema)
        for key in KEYS:
            self.util("import-tsig-key", key.name, key.algorithm, key.secret)
        for zone in (self.zone, self.locked):
            file = self.directory / zone
            file.write_text(zone_text(zone, self.addresses, self.more))
            self.util("load-zone", zone, file)
            self.util("set-meta", zone, "TSIG-ALLOW-DNSUPDATE",
                      *([GUEST.name] if zone == self.locked else [KEY.name, KEY_512.name]))
            self.util("set-meta", zone, "SOA-EDIT-DNSUPDATE", "INCREASE")

    def util(self, *words):
        network_lab.run("pdnsutil", f"--config-dir={self.directory}", *words)

    def command(self):
        return [self.own_copy(), f"--config-dir={self.directory}", "--daemon=no", "--guardian=no", "--disable-syslog",
                "--write-pid=no"]


class ActiveDirectory(NameServer):
    """A Samba domain controller with its internal DNS: KDC, LDAP and secure updates alone (GSS-TSIG).

    `keytab` has the key of `account`, which makes records of its own; `outsiders_keytab` that of one that may change
    none of them: in Active Directory a record is its maker's.
    """

    program = "/usr/sbin/samba"
    zone = "lab.example"
    locked = None
    realm = "LAB.EXAMPLE"
    account, outsider = "muster-01", "outsider"

    def prepare(self):
        self.config = self.directory / "ad" / "etc" / "smb.conf"
        network_lab.run(
            "samba-tool", "domain", "provision", f"--targetdir={self.directory}/ad", f"--realm={self.realm}",
            "--domain=LAB", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL", f"--host-ip={self.address}",
            "--host-name=dc1", "--adminpass=Secret-1234", f"--option=interfaces={self.address}",
            "--option=bind interfaces only=yes", "--option=server services=rpc, kdc, ldap, cldap, dns",
            "--option=dns forwarder=", f"--option=log file={self.directory}/samba.log",
            f"--option=pid directory={self.directory}", timeout=600)
        for account in (self.account, self.outsider):
            self.tool("user", "create", account, "Secret-5678")
            self.tool("domain", "exportkeytab", self.directory / f"{account}.keytab",
                      f"--principal={account}@{self.realm}")
        self.addresses = [self.address]

    def tool(self, *words):
        return network_lab.run("samba-tool", *words, "-s", self.config, timeout=600)

    @property
    def keytab(self):
        return self.directory / f"{self.account}.keytab"

    @property
    def outsiders_keytab(self):
        return self.directory / f"{self.outsider}.keytab"

    def command(self):
        return [self.program, "-i", "-M", "single", "-s", self.config, "--debug-stdout"]

    def nsupdate(self, lines, keytab=None):
        """As nsupdate() below, under an account of the domain."""
        return nsupdate(self, f"realm {self.realm}\n{lines}", "-g", environment={
            "KRB5_CLIENT_KTNAME": f"FILE:{keytab or self.keytab}", "KRB5CCNAME": "MEMORY:"})


def nsupdate(server, script, *words, environment=None):
    """Debian's own client, as an oracle: ((rcode, TSIG error, "signed" or "unsigned"), all its words).

    The TSIG error is None where the answer has no such record. Without an answer the rcode is None.
    """
    text = f"server {server.address}\n{script}send\nanswer\n"
    done = subprocess.run(["nsupdate", "-t", "20", *words], input=text, capture_output=True, text=True,
                          timeout=60 * support.PATIENCE, env={"PATH": "/usr/bin:/bin", **(environment or {})})
    said = done.stdout + done.stderr
    answer = said[said.rfind("Answer:"):] if "Answer:" in said else ""
    rcode = re.search(r"opcode: UPDATE, status: (\w+)", answer)
    tsig = re.search(r"\sTSIG\s+\S+ \d+ \d+ (\d+) (?:\S+ )*?\d+ (\w+) \d+", answer)
    signed = tsig is not None and int(tsig.group(1)) > 0
    return (rcode and rcode.group(1), tsig and tsig.group(2), "signed" if signed else "unsigned"), said


def wrong_clock():
    """The library that puts a program's clock wrong: see wrong_clock.c."""
    library = support.BIN.parent / "lib" / "libmuster_test_wrong_clock.so"
    assert library.exists(), f"{library} is not built (target muster_test_wrong_clock)"
    return library.resolve()


def stand_ins(directory, kinds=(Bind, Knot, PowerDns)):
    """One of each kind, on addresses of their own, in that order."""
    return [kind(Path(directory) / kind.__name__, f"10.53.{number}.1") for number, kind in enumerate(kinds, 1)]
