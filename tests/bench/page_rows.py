"""Rows of scripts/bench for the page: beside nginx, and what ten open pages cost the clients."""
import http.client
import json
import os
import re
import resource
import ssl
import statistics
import subprocess
import time
from pathlib import Path

from servers import GENERATOR_CORE, Lab, Server, die, found, free_port

PASSWORD = "quiet harbour lantern"
CONNECTIONS = 6  # as many as a browser opens to one host
CIPHER = "ECDHE-ECDSA-AES128-GCM-SHA256"  # what both agree on with OpenSSL's clients
HERE = Path(__file__).resolve().parent


PEERS = {"nginx": "nginx-light", "wrk": "wrk", "node": "nodejs", "openssl": "openssl"}


def peer(program):
    return found(program, PEERS[program], "page")


def page_peers():
    """Said before time goes into the other rows."""
    for program in PEERS:
        peer(program)


class Page(Lab):
    """A lab with the page, and somebody who may look at it."""

    def __init__(self, bin_directory, directory, settings=()):
        self.web = free_port()
        super().__init__(bin_directory, directory, settings, ("--web", f"127.0.0.1:{self.web}"))
        subprocess.run([self.bin / "musterctl", "--control", self.control, "user", "add", "ada", "admin"], check=True,
                       input=PASSWORD + "\n", capture_output=True, text=True)
        self.token = json.loads(self.ctl("token", "add", "bench", "viewer", "-o", "json"))["token"]
        self.cpu_pid = self.pid

    def get(self, target, **headers):
        connection = http.client.HTTPSConnection("127.0.0.1", self.web, context=ssl._create_unverified_context())
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            die(f"GET {target} was answered with {answer.status}: {body[:300]}")
        return body, answer.getheaders()


class Nginx(Server):
    """Serves the same octets under the same headers, one worker, as a file that it keeps open."""

    configuration = """
{user}worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 100000000;
    open_file_cache max=16;
    client_body_temp_path {directory}/t1;
    proxy_temp_path {directory}/t2;
    fastcgi_temp_path {directory}/t3;
    uwsgi_temp_path {directory}/t4;
    scgi_temp_path {directory}/t5;
    types {{ }}
    default_type "{type}";
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {directory}/certificate.pem;
        ssl_certificate_key {directory}/key.pem;
        ssl_protocols TLSv1.2;
        ssl_ciphers {cipher};
        root {directory}/www;
        etag off;
        {headers}
    }}
}}
"""
    own = {"date", "connection", "content-length", "content-type", "server", "transfer-encoding"}

    def __init__(self, directory, target, body, headers):
        directory.mkdir()
        self.web = free_port()
        subprocess.run([peer("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", directory / "key.pem", "-out",
                        directory / "certificate.pem", "-days", "30", "-subj", "/CN=bench"], check=True, capture_output=True)
        file = directory / "www" / target.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(body)
        for made in (directory, directory / "www", *(p for p in (directory / "www").rglob("*"))):
            made.chmod(0o755 if made.is_dir() else 0o644)
        said = dict(headers)
        added = "\n        ".join(f"add_header {name} {json.dumps(value)} always;" for name, value in headers
                                 if name.lower() not in self.own)
        (directory / "nginx.conf").write_text(self.configuration.format(
            user="user root;\n" if os.geteuid() == 0 else "", directory=directory, port=self.web, cipher=CIPHER, type=said["Content-Type"], headers=added))
        self.log = open(directory / "nginx.log", "ab")
        super().__init__([peer("nginx"), "-e", directory / "error.log", "-p", directory, "-c",
                          directory / "nginx.conf"], stdout=self.log, stderr=self.log)
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            if workers:
                self.cpu_pid = int(workers[0])
                return
            time.sleep(0.02)
        self.process.kill()
        die("nginx did not start: " + (directory / "error.log").read_text(errors="replace")[-2000:])


def cpu_of(pid):
    """Seconds of CPU, all threads, those that ended too."""
    return time.clock_gettime((~pid << 3) | 2)


def cpu_of_listener(pid):
    """Seconds of CPU of the threads that serve clients."""
    ran = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            if (task / "comm").read_text().startswith("reactor-"):
                ran += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue  # a thread of the page has ended
    return ran / 1e9


class OpenPages:
    """Overview pages in Chromium, open and live."""

    def __init__(self, page, count):
        self.process = subprocess.Popen(
            [peer("node"), HERE / "open_pages.mjs", f"https://127.0.0.1:{page.web}", "ada", PASSWORD, str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {GENERATOR_CORE}))
        self.asked = self.answer("open")

    def answer(self, word):
        line = self.process.stdout.readline()
        if not line.startswith(word + " "):
            die(f"the open pages said {line!r} instead of \"{word}\"")
        return json.loads(line[len(word):])

    def seen(self):
        """How many events each page was sent until now."""
        self.process.stdin.write("seen\n")
        self.process.stdin.flush()
        return self.answer("seen")

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


class PageRows:
    """Mixed into Bench."""

    def wrk(self, server, target, headers):
        before = cpu_of(server.cpu_pid)
        command = ["taskset", "-c", str(GENERATOR_CORE), peer("wrk"), "-t1", f"-c{CONNECTIONS}",
                   f"-d{max(1, round(self.options.seconds))}s", "--latency",
                   *(word for header in headers for word in ("-H", header)), f"https://127.0.0.1:{server.web}{target}"]
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        text = subprocess.run(command, capture_output=True, text=True).stdout
        seconds = time.monotonic() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        count = re.search(r"(\d+) requests in", text)
        if not count or int(count[1]) == 0 or "Non-2xx" in text or "Socket errors" in text:
            die(f"{' '.join(map(str, command))} met errors:\n{text}")
        spent = cpu_of(server.cpu_pid) - before
        sample = {"server": type(server).__name__, "target": target, "requests": int(count[1]),
                  "cpu_us_per_exchange": spent / int(count[1]) * 1e6, "rate": int(count[1]) / seconds,
                  "foreign_cores": 0, "server_cores": 0,
                  "generator_cores": (used.ru_utime + used.ru_stime - children.ru_utime - children.ru_stime) / seconds}
        self.report["samples"].append(sample)
        return sample

    def beside_nginx(self, row, target_of, headers):
        muster = Page(self.bin, self.work / row)
        servers = {"m": muster}
        try:
            target, sent = target_of(muster), headers(muster)
            body, said = muster.get(target, **dict(header.split(": ", 1) for header in sent))
            for name in ("n", "c"):
                servers[name] = Nginx(self.work / f"{row}-nginx-{name}", target, body, said)
            for server in servers.values():
                self.wrk(server, target, sent)
            rounds = []
            for turn in range(self.options.rounds):
                order = ("n", "m", "c")[:: 1 if turn % 2 == 0 else -1]
                rounds.append({name: self.wrk(servers[name], target, sent) for name in order})
        finally:
            for server in servers.values():
                server.stop()

        def ratios(of):
            return [r[of]["cpu_us_per_exchange"] / r["n"]["cpu_us_per_exchange"] for r in rounds]

        def median(name, what="cpu_us_per_exchange"):
            return statistics.median(r[name][what] for r in rounds)
        cpu, control = ratios("m"), ratios("c")
        value = statistics.median(cpu)
        self.verdict(row, value, 2.0, f"CPU {value:.2f} x nginx [{min(cpu):.2f}-{max(cpu):.2f}], at most 2.0; "
                     f"{median('m'):.1f} against {median('n'):.1f} us (control {statistics.median(control):.2f} "
                     f"[{min(control):.2f}-{max(control):.2f}])", cpu=cpu, control=control)
        self.note(f"      {'':<22} {len(body):,} octets of {target} over {CONNECTIONS} connections; {median('m', 'rate'):,.0f}/s "
                  f"against {median('n', 'rate'):,.0f}/s")

    @staticmethod
    def first_view(muster):
        """Scripts and style of the first view, by what they weigh packed."""
        assets = re.findall(r'(?:src|href)="(/assets/[^"]+\.(?:js|css))"', muster.get("/")[0].decode())
        return sorted(assets, key=lambda each: len(muster.get(each, **{"Accept-Encoding": "gzip"})[0]))

    def row_page_static(self):
        """A file of the page's first view, packed, the one of middle size, over TLS keep-alive, beside nginx."""
        self.beside_nginx("page-static", lambda muster: (files := self.first_view(muster))[len(files) // 2],
                          lambda muster: ["Accept-Encoding: gzip"])

    def row_page_largest(self):
        """The same, the largest one: what mbedTLS's AES-GCM makes of it."""
        self.beside_nginx("page-largest", lambda muster: self.first_view(muster)[-1], lambda muster: ["Accept-Encoding: gzip"])

    def row_page_api(self):
        """GET /api/v1/status with a token over TLS keep-alive, beside nginx with the same octets as a file."""
        self.beside_nginx("page-api", lambda muster: "/api/v1/status",
                          lambda muster: [f"Authorization: Bearer {muster.token}"])

    def row_pages_open(self):
        """Ten open overview pages on 100,000 clients: the listener's CPU, and the median of an overview's own requests."""
        many, pages = (5_000, 2) if self.options.quick else (100_000, 10)
        words = ("--rate", 1000, "--mode", "churn", "--connections", 32, "--clients", many, "--warmup", 0.5, "--seconds",
                 max(self.options.seconds, 4))
        servers = {name: Page(self.bin, self.work / f"pages-{name}") for name in ("a", "m", "b")}
        open_pages = None
        try:
            for server in servers.values():
                self.load(server, "--mode", "keepalive", "--connections", 64, "--sequential", "--clients", many, "--requests",
                          many, "--settle", 120)
            open_pages = OpenPages(servers["m"], pages)
            asked = sorted(set(open_pages.asked))
            times = {target: self.times(servers["m"], target) for target in asked}
            rounds = []
            for turn in range(self.options.rounds):
                sample = {}
                for name in ("a", "m", "b")[:: 1 if turn % 2 == 0 else -1]:
                    before = cpu_of_listener(servers[name].pid)
                    sample[name] = self.load(servers[name], *words)
                    sample[name]["listener_us"] = (cpu_of_listener(servers[name].pid) - before) / sample[name]["exchanges"] * 1e6
                rounds.append(sample)
            live = open_pages.seen()
        finally:
            if open_pages:
                open_pages.close()
            for server in servers.values():
                server.stop()
        if len(live) != pages or min(live) == 0:
            die(f"pages-open: a page was sent nothing while clients came: {live}")

        def ratios(of, what):
            return [r[of][what] / r["a"][what] for r in rounds]

        def median(name, what):
            return statistics.median(r[name][what] for r in rounds)
        cpu, control = ratios("m", "listener_us"), ratios("b", "listener_us")
        value = statistics.median(cpu)
        whole = statistics.median(ratios("m", "busy_cpu_us_per_exchange"))
        self.verdict("pages-open", value, 1.10, f"the listener's CPU {value:.2f} x without pages [{min(cpu):.2f}-{max(cpu):.2f}], "
                     f"at most 1.10; {median('m', 'listener_us'):.1f} against {median('a', 'listener_us'):.1f} us (control "
                     f"{statistics.median(control):.2f} [{min(control):.2f}-{max(control):.2f}])", cpu=cpu, control=control)
        self.note(f"      {'':<22} {pages} pages, {many:,} clients, 1,000 requests a second; the whole process, the pages' own "
                  f"answers included: {whole:.2f} x")
        slowest = max(times, key=times.get)
        self.verdict("overview-request", times[slowest], 30, f"{times[slowest]:.1f} ms, the median of the slowest of an overview's "
                     f"{len(times)} requests ({slowest}), at most 30", times=times)
        for target, milliseconds in sorted(times.items(), key=lambda pair: -pair[1])[1:]:
            self.note(f"      {'':<22} {milliseconds:.1f} ms  {target}")

    def times(self, server, target):
        """Milliseconds, the median of one request after the other over one connection."""
        connection = http.client.HTTPSConnection("127.0.0.1", server.web, context=ssl._create_unverified_context())
        taken = []
        for _ in range(10 if self.options.quick else 50):
            began = time.monotonic()
            connection.request("GET", target, headers={"Authorization": f"Bearer {server.token}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                die(f"GET {target} was answered with {answer.status}")
            taken.append((time.monotonic() - began) * 1e3)
        connection.close()
        return statistics.median(taken)
