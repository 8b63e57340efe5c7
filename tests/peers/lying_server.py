"""Name servers made of lies, on dnspython: what an honest one never sends, for tests that see what becomes of it."""
import socket
import struct
import threading
import time

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring
import dns.update


def free_port():
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(("127.0.0.1", udp.getsockname()[1]))
            except OSError:
                continue
            return udp.getsockname()[1]


class Liar:
    """A name server whose answers are whatever `lie` makes of the query: messages or octets, for UDP or TCP."""

    def __init__(self, lie, address="127.0.0.1", port=None, keyring=None):
        self.lie = lie
        self.asked = []
        self.closing = False
        self.keyring = keyring
        self.port = port or free_port()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # another port: not the server
        self.other.bind((address, 0))
        self.tcp = socket.create_server((address, self.port))
        self.workers = [threading.Thread(target=work, daemon=True) for work in (self.datagrams, self.connections)]
        for worker in self.workers:
            worker.start()

    def __enter__(self):
        return self.port

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closing = True
        for each in (self.udp, self.tcp):
            try:
                each.shutdown(socket.SHUT_RDWR)  # wakes up who waits in it
            except OSError:
                pass  # of a datagram socket: not connected
        for worker in self.workers:
            worker.join(60)
        for each in (self.udp, self.tcp, self.other):
            each.close()

    def answers(self, wire, tcp):
        query = dns.message.from_wire(wire, keyring=self.keyring)
        self.asked.append((query, tcp))
        for each in self.lie(query, tcp):
            yield each if isinstance(each, (bytes, tuple)) else each.to_wire(max_size=65535)

    def datagrams(self):
        while True:
            try:
                wire, client = self.udp.recvfrom(4096)
                if self.closing:
                    return
                for each in self.answers(wire, False):
                    if isinstance(each, tuple):
                        self.other.sendto(each[0], client)
                    else:
                        self.udp.sendto(each, client)
            except OSError:
                return

    def connections(self):
        while True:
            try:
                client, _ = self.tcp.accept()
            except OSError:
                return
            with client:
                prefix = client.recv(2, socket.MSG_WAITALL)
                query = client.recv(int.from_bytes(prefix, "big"), socket.MSG_WAITALL) if len(prefix) == 2 else b""
                for each in self.answers(query, True) if query else ():
                    if each == b"HANG":
                        client.recv(1)
                    else:
                        client.sendall(each if each.startswith(b"RAW") else struct.pack(">H", len(each)) + each)


def reply(query, *records, flags=0):
    message = dns.message.make_response(query, recursion_available=True)
    message.use_edns(False)  # so that records can be put behind the others
    message.flags |= flags
    message.answer = [dns.rrset.from_text(*record) for record in records]
    return message


def truncated(query):
    return reply(query, flags=dns.flags.TC)


class LyingPrimary(Liar):
    """The primary of one zone, honest in all but what `answer` makes of an update.

    answer(update, honest, tcp): the answers to send; honest(apply=True) carries the update out and is the true one.
    """

    def __init__(self, address, zone, key, answer):
        self.zone, self.address, self.answer = zone, address, answer
        self.lock = threading.Lock()
        self.services = {f"0 0 1688 kms1.{zone}."}
        self.updates = []
        super().__init__(self.serve, address, 53, dns.tsigkeyring.from_text({key.name: (key.algorithm, key.secret)}))

    def serve(self, query, tcp):
        if query.opcode() == dns.opcode.UPDATE:
            with self.lock:
                self.updates.append(query)
            return self.answer(query, lambda apply=True: self.honest(query, apply), tcp)
        asked = query.question[0]
        name, kind = asked.name.to_text().lower(), dns.rdatatype.to_text(asked.rdtype)
        soa = [(f"{self.zone}.", 60, "IN", "SOA", f"ns1.{self.zone}. hostmaster.{self.zone}. 1 3600 600 86400 60")]
        records = []
        if (name, kind) == (f"{self.zone}.", "SOA"):
            records = soa
        elif (name, kind) == (f"{self.zone}.", "NS"):
            records = [(name, 60, "IN", "NS", f"ns1.{self.zone}.")]
        elif (name, kind) == (f"ns1.{self.zone}.", "A"):
            records = [(name, 60, "IN", "A", self.address)]
        elif (name, kind) == (f"_vlmcs._tcp.{self.zone}.", "SRV"):
            with self.lock:
                records = [(name, 3600, "IN", "SRV", *sorted(self.services))] if self.services else []
        message = dns.message.make_response(query)
        message.flags |= dns.flags.AA
        message.answer = [dns.rrset.from_text(*record) for record in records]
        if not records:
            message.authority = [dns.rrset.from_text(*record) for record in soa]
            names = (f"{self.zone}.", f"ns1.{self.zone}.", f"_vlmcs._tcp.{self.zone}.", f"_tcp.{self.zone}.")
            if name not in names:
                message.set_rcode(dns.rcode.NXDOMAIN)
        return [message]

    def honest(self, update, apply):
        if apply:
            with self.lock:
                for rrset in update.update:
                    for rdata in rrset:
                        if rrset.rdtype != dns.rdatatype.SRV:
                            continue
                        text = rdata.to_text().lower()
                        if rrset.deleting == dns.rdataclass.NONE:
                            self.services.discard(text)
                        elif rrset.deleting is None:
                            self.services.add(text)
                        else:
                            raise AssertionError(f"a whole set was to be deleted: {rrset}")
        return dns.message.make_response(update)

    def now(self):
        with self.lock:
            return sorted(self.services)


def resigned(message, update, keyring=None, name=None, shift=0):
    """The answer's octets, signed by another key, or by a clock that is off."""
    ring = keyring or update.keyring
    message.use_tsig(ring, name or update.keyname, algorithm=update.keyalgorithm)
    message.request_mac = update.mac
    was, time.time = time.time, lambda: was() + shift
    try:
        return message.to_wire(max_size=65535)
    finally:
        time.time = was
