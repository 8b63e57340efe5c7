#!/usr/bin/python3
"""Plays a licensed KMS host: every shape of answer, every fault of a host or of a network, switched while it runs.

It makes nothing that a Windows machine would take: its seals are random octets. In a test:

    with Upstream(count=50) as upstream:
        ... upstream.address ...
        upstream.set(ending="stall")             # from now on
        upstream.next(Behaviour(ending="half"))  # for the next call alone
        upstream.kill(); upstream.start()        # power off, and on again at the same port

As a program it takes the same words as JSON, one object a line, on a Unix socket, and answers each with one line:

    upstream.py --listen 127.0.0.1:16880 --control /run/upstream.sock [--set '{"count": 50}']
    {"set": {"ending": "stall"}}   {"next": [{"ending": "half"}]}   {"kill": true}   {"start": true}
    {"quiesce": true}   {"hole": true}   {"drop": true}   {"statistics": true}   {"flap": [0.5, 0.5]}   {"end": true}
"""
import argparse
import asyncio
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
import uuid
from collections import OrderedDict, deque
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import kms_bodies as kms  # noqa: E402
import rpc_pdus as rpc  # noqa: E402

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
INVALID_DATA = 0x8007000D

ENDINGS = ("answer",  # and go on
           "stall",  # never answer; the connection stays
           "close",  # close instead of answering
           "reset",  # the same, as a reset
           "half",  # half of the answer, then close
           "half-reset",  # half of the answer, then reset
           "half-stall",  # half of the answer, then silence
           "octets",  # the answer octet by octet
           "twice",  # the answer, and the same once more
           "garbage")  # something that is no DCE/RPC
LIES = ("frag-length", "alloc-hint", "stub-length", "max-count", "pid-size", "short", "long", "cmid", "client-time",
        "version", "call-id", "context", "hresult-with-body", "huge")
BINDS = ("accept", "nak", "reject", "stall", "close", "reset", "garbage")


@dataclass
class Behaviour:
    """How a call is answered. The fields that begin with `on_` concern connections."""
    epid: str = kms.EPID
    count: int = None  # None: count CMIDs as a host does
    cap: int = 50
    counts_virtual: bool = True
    activation: int = 120  # minutes
    renewal: int = 10080
    hresult: int = 0  # not 0: refuse everything
    hresults: dict = field(default_factory=dict)  # by counted ID, as text: refuse those
    fault: int = None  # an RPC status instead of an answer
    delay: float = 0.0  # seconds before the ending
    ending: str = "answer"
    lie: str = None
    fragment: int = None  # octets of stub in a fragment
    on_bind: str = "accept"
    on_accept: str = "read"  # or "ignore": accepted, never read; "close": closed at once
    with_mgmt: bool = True
    idle: float = None  # seconds after which a quiet association is dropped

    def __post_init__(self):
        for value, allowed in ((self.ending, ENDINGS), (self.lie, (None, *LIES)), (self.on_bind, BINDS),
                               (self.on_accept, ("read", "ignore", "close"))):
            if value not in allowed:
                raise ValueError(f"{value!r} is none of {', '.join(map(str, allowed))}")
        unknown = set(self.hresults) - {str(uuid.UUID(key)) for key in self.hresults}
        if unknown:
            raise ValueError(f"a counted ID is written in small letters: {unknown}")


@dataclass
class Call:
    """One KMS call that came. Bodies are octets, or their SHA-256 where only digests are kept."""
    connection: int
    call_id: int
    asked: kms.Request
    request: bytes
    answer: bytes = None  # None: nothing whole was sent
    hresult: int = None
    ending: str = "pending"
    lie: str = None


@dataclass
class Statistics:
    connections: int = 0
    open: int = 0
    binds: int = 0
    alters: int = 0
    refused_binds: int = 0
    calls: int = 0  # of the KMS interface
    mgmt_calls: int = 0
    answers: int = 0
    refusals: int = 0
    faults: int = 0
    overlapping: int = 0  # calls that came while another of the same association was unanswered
    malformed: int = 0  # connections closed because what came is no DCE/RPC
    lost: int = 0  # calls whose connection was gone before they could be answered
    idled: int = 0  # associations dropped because nothing came


class Counter:
    """A host's own count: the newest CMIDs, at most `cap` (docs/kms.md, "Counting")."""

    def __init__(self):
        self.seen = OrderedDict()

    def count(self, asked, behaviour):
        if not asked.virtual or behaviour.counts_virtual:
            self.seen.pop(asked.cmid, None)
            self.seen[asked.cmid] = True
            while len(self.seen) > behaviour.cap:
                self.seen.popitem(last=False)
        return len(self.seen)


class Association(asyncio.Protocol):
    """One connection: puts PDUs together, fragments to calls, and lets the host answer them."""

    def __init__(self, host, number):
        self.host = host
        self.number = number
        self.buffer = b""
        self.contexts = {}
        self.fragments = {}
        self.pending = 0
        self.transport = None
        self.idle = None
        self.tasks = set()

    def connection_made(self, transport):
        self.transport = transport
        self.host.associations.add(self)
        self.host.statistics.open += 1
        on_accept = self.host.behaviour.on_accept
        if on_accept == "ignore":
            self.host.loop.call_soon(transport.pause_reading)  # asyncio begins to read after this
        elif on_accept == "close":
            transport.close()
        self.rest()

    def connection_lost(self, _):
        self.host.associations.discard(self)
        self.host.statistics.open -= 1
        if self.idle:
            self.idle.cancel()

    def rest(self):
        """Begins the time after which a quiet association is dropped."""
        if self.idle:
            self.idle.cancel()
            self.idle = None
        if self.host.behaviour.idle is not None:
            self.idle = self.host.loop.call_later(self.host.behaviour.idle, self.too_quiet)

    def too_quiet(self):
        self.idle = None
        if self.pending == 0:
            self.host.statistics.idled += 1
            self.transport.close()

    def data_received(self, octets):
        self.rest()
        self.buffer += octets
        while len(self.buffer) >= rpc.HEADER and not self.transport.is_closing():
            length = rpc.frag_length(self.buffer)
            if self.buffer[0] != 5 or length < rpc.HEADER:
                return self.malformed()
            if len(self.buffer) < length:
                return None
            octets, self.buffer = self.buffer[:length], self.buffer[length:]
            try:
                self.take(rpc.read(octets))
            except (RuntimeError, KeyError, ValueError):
                return self.malformed()

    def malformed(self):
        self.host.statistics.malformed += 1
        self.transport.close()

    def reset(self):
        """Ends it with a reset instead of an orderly close."""
        peer = self.transport.get_extra_info("socket")
        if peer and peer.fileno() >= 0:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.transport.abort()

    def send(self, octets):
        if not self.transport.is_closing():
            self.transport.write(octets)

    def take(self, packet):
        kind = packet.ptype
        if kind in (rpc.dcerpc.DCERPC_PKT_BIND, rpc.dcerpc.DCERPC_PKT_ALTER):
            self.bind(packet)
        elif kind == rpc.dcerpc.DCERPC_PKT_REQUEST:
            self.request(packet)
        # What a client may send beside: cancel and orphaned mean calls that are answered anyway.
        elif kind not in (rpc.dcerpc.DCERPC_PKT_CO_CANCEL, rpc.dcerpc.DCERPC_PKT_ORPHANED):
            self.malformed()

    def bind(self, packet):
        host, behaviour = self.host, self.host.behaviour
        if packet.ptype == rpc.dcerpc.DCERPC_PKT_ALTER:
            host.statistics.alters += 1
        else:
            host.statistics.binds += 1
        if behaviour.on_bind not in ("accept", "reject"):
            host.statistics.refused_binds += 1
            if behaviour.on_bind == "nak":
                self.send(rpc.bind_nak(packet))
            elif behaviour.on_bind == "garbage":
                self.send(b"220 this is another service\r\n" * 3)
            elif behaviour.on_bind == "close":
                self.transport.close()
            elif behaviour.on_bind == "reset":
                self.reset()
            return
        results, accepted = rpc.judge_contexts(packet.u, behaviour.on_bind == "reject", behaviour.with_mgmt)
        if not accepted:
            host.statistics.refused_binds += 1
        self.contexts.update(accepted)
        self.send(rpc.bind_ack(packet, results, host.port, packet.u.assoc_group_id or self.number))

    def request(self, packet):
        first = packet.pfc_flags & rpc.dcerpc.DCERPC_PFC_FLAG_FIRST
        if first:
            self.fragments[packet.call_id] = b""
        stub = self.fragments[packet.call_id] + bytes(packet.u.stub_and_verifier)
        if len(stub) > rpc.LARGEST_CALL or len(self.fragments) > 16:
            return self.malformed()
        self.fragments[packet.call_id] = stub
        if packet.pfc_flags & rpc.dcerpc.DCERPC_PFC_FLAG_LAST:
            self.call(packet.call_id, packet.u.context_id, packet.u.opnum, self.fragments.pop(packet.call_id))
        return None

    def call(self, call_id, context, opnum, stub):
        host = self.host
        interface = self.contexts.get(context)
        if interface is None:
            host.statistics.faults += 1
            return self.send(rpc.fault(call_id, context, rpc.dcerpc.DCERPC_NCA_S_UNKNOWN_IF))
        if interface == rpc.MGMT:
            host.statistics.mgmt_calls += 1
            answer = rpc.answer_mgmt(opnum, host.statistics.calls)
            if answer is None:
                return self.send(rpc.fault(call_id, context, rpc.dcerpc.DCERPC_FAULT_ACCESS_DENIED))
            return self.send(rpc.responses(call_id, context, answer))
        if opnum != 0:
            host.statistics.faults += 1
            return self.send(rpc.fault(call_id, context, rpc.dcerpc.DCERPC_NCA_S_OP_RNG_ERROR))
        if len(stub) < 8 or struct.unpack_from("<II", stub) != (len(stub) - 8,) * 2:
            host.statistics.faults += 1
            return self.send(rpc.fault(call_id, context, rpc.dcerpc.DCERPC_FAULT_BAD_STUB_DATA))
        host.statistics.calls += 1
        if self.pending:
            host.statistics.overlapping += 1
        self.pending += 1
        behaviour = host.behaviour_of_next_call()
        call = Call(self.number, call_id, kms.read_request(stub[8:]), stub[8:])
        host.remember(call)
        if behaviour.delay == 0 and behaviour.ending != "octets":
            self.finish(call, context, behaviour)
        else:
            task = host.loop.create_task(self.finish_slowly(call, context, behaviour))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return None

    async def finish_slowly(self, call, context, behaviour):
        await asyncio.sleep(behaviour.delay)
        if behaviour.ending != "octets":
            self.finish(call, context, behaviour)
            return
        octets = self.host.compose(call, context, behaviour)
        for octet in octets:
            self.send(bytes([octet]))
            await asyncio.sleep(0)
        self.done(call, "answered")

    def done(self, call, ending):
        """Writes down what became of a call. Only a whole answer counts as one."""
        if self.transport.is_closing() and ending == "answered":
            ending = "lost"
        call.ending = ending
        statistics = self.host.statistics
        if ending == "lost":
            statistics.lost += 1
        elif ending == "answered":
            statistics.answers += call.hresult == 0
            statistics.refusals += call.hresult != 0
        elif ending == "fault":
            statistics.faults += 1
        if ending not in ("answered", "fault"):
            call.answer = None
        if ending != "stall" and ending != "half-stall":
            self.pending -= 1
        self.host.keep(call)

    def finish(self, call, context, behaviour):
        ending = behaviour.ending
        if self.transport.is_closing():
            self.done(call, "lost")
        elif ending in ("stall", "close", "reset"):
            self.done(call, ending)
            if ending == "close":
                self.transport.close()
            elif ending == "reset":
                self.reset()
        elif behaviour.fault is not None:
            self.send(rpc.fault(call.call_id, context, behaviour.fault))
            self.done(call, "fault")
        elif ending == "garbage":
            self.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            self.done(call, ending)
        else:
            octets = self.host.compose(call, context, behaviour)
            if ending.startswith("half"):
                self.send(octets[:len(octets) // 2])
                self.done(call, ending)
                if ending == "half":
                    self.transport.close()
                elif ending == "half-reset":
                    # A reset throws away what is not read yet: the half has to be there first.
                    self.host.loop.call_later(0.05, self.reset)
                return
            self.send(octets * 2 if ending == "twice" else octets)
            self.done(call, "answered")


class Upstream:
    """The host: listens, counts, remembers. All methods may be called from any thread."""

    def __init__(self, address="127.0.0.1", port=0, keep="whole", **behaviour):
        """keep: "whole" bodies of each call, "digest" their SHA-256, or "none"; then only statistics grow."""
        self.behaviour = Behaviour(**behaviour)
        self.keeping = keep
        self.statistics = Statistics()
        self.calls = []
        self.associations = set()
        self.planned = deque()
        self.counter = Counter()
        self.listener = None
        self.fillers = []
        self.numbers = 0
        self.flapping = None
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        # Bound and never listening: the port stays ours while nobody is there.
        self.reserved = self.bound_socket(family, address, port)
        self.host, self.port = self.reserved.getsockname()[:2]
        self.family = family
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="upstream", daemon=True)
        self.thread.start()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @staticmethod
    def bound_socket(family, address, port):
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((address, port))
        return made

    def within(self, work):
        """Runs work() on the loop's thread and returns what it returns."""
        async def run():
            return work()
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(60)

    # -- what it does ----------------------------------------------------------------------------------------------

    def set(self, **changes):
        """Changes the behaviour from now on."""
        def apply():
            self.behaviour = replace(self.behaviour, **changes)
            for association in self.associations:
                association.rest()
        self.within(apply)

    def next(self, *behaviours):
        """How the next calls are answered, one after the other; then the standing behaviour holds again."""
        self.within(lambda: self.planned.extend(behaviours))

    def start(self):
        """Listens, also after kill(), quiesce() or hole()."""
        def listen():
            self.close_listener()
            self.listener = self.bound_socket(self.family, self.host, self.port)
            self.listener.setblocking(False)
            self.listener.listen(1024)
            self.loop.add_reader(self.listener, self.accept)
        self.within(listen)

    def kill(self):
        """As when the power goes, but noticed: nobody listens, every association is reset."""
        def stop():
            self.close_listener()
            for association in list(self.associations):
                association.reset()
        self.within(stop)

    def quiesce(self):
        """As when the service is stopped: nobody listens, every association is closed in order."""
        def stop():
            self.close_listener()
            for association in list(self.associations):
                association.transport.close()
        self.within(stop)

    def refuse(self):
        """Takes no new connection; those that are there go on."""
        self.within(self.close_listener)

    def hole(self):
        """As behind a filter that drops packets: connecting ends in nothing at all, what is open falls silent."""
        def dig():
            self.close_listener()
            for association in list(self.associations):
                association.transport.pause_reading()
            self.listener = self.bound_socket(self.family, self.host, self.port)
            self.listener.listen(0)
            for _ in range(4):  # the queue of who is not accepted is full then, and the kernel drops what comes
                filler = socket.socket(self.family, socket.SOCK_STREAM)
                filler.setblocking(False)
                filler.connect_ex((self.host, self.port))
                self.fillers.append(filler)
        self.within(dig)

    def drop(self):
        """Closes every association that is open; goes on listening."""
        self.within(lambda: [association.transport.close() for association in list(self.associations)])

    def flap(self, up=0.5, down=0.5):
        """Comes and goes until start(), kill() or end()."""
        async def swing():
            while True:
                await asyncio.sleep(up)
                self.close_listener(keep_flapping=True)
                for association in list(self.associations):
                    association.reset()
                await asyncio.sleep(down)
                self.listener = self.bound_socket(self.family, self.host, self.port)
                self.listener.setblocking(False)
                self.listener.listen(1024)
                self.loop.add_reader(self.listener, self.accept)

        def begin():
            self.flapping = self.loop.create_task(swing())
        self.within(begin)

    def end(self):
        if self.loop.is_closed():
            return
        self.kill()

        def cancel():
            for task in asyncio.all_tasks(self.loop):
                if task is not asyncio.current_task(self.loop):
                    task.cancel()
        self.within(cancel)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
        self.loop.close()
        self.reserved.close()

    # -- what it knows ---------------------------------------------------------------------------------------------

    def counted(self):
        """The statistics of this moment, a copy."""
        return self.within(lambda: replace(self.statistics))

    def recorded(self):
        """The calls so far, in the order in which they came."""
        return self.within(lambda: list(self.calls))

    def forget(self):
        """Begins statistics and records anew; what is open stays counted as open."""
        def clear():
            self.statistics = Statistics(open=len(self.associations))
            self.calls = []
        self.within(clear)

    # -- on the loop's thread --------------------------------------------------------------------------------------

    def close_listener(self, keep_flapping=False):
        if self.flapping and not keep_flapping:
            self.flapping.cancel()
            self.flapping = None
        for filler in self.fillers:
            filler.close()
        self.fillers = []
        if self.listener:
            self.loop.remove_reader(self.listener)
            self.listener.close()
            self.listener = None

    def accept(self):
        for _ in range(64):
            try:
                peer, _ = self.listener.accept()
            except (BlockingIOError, ConnectionError):
                return
            peer.setblocking(False)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.numbers += 1
            self.statistics.connections += 1
            number = self.numbers
            self.loop.create_task(self.loop.connect_accepted_socket(lambda number=number: Association(self, number), peer))

    def behaviour_of_next_call(self):
        return self.planned.popleft() if self.planned else self.behaviour

    def remember(self, call):
        if self.keeping != "none":
            self.calls.append(call)

    def keep(self, call):
        if self.keeping == "digest":
            call.request = hashlib.sha256(call.request).digest()
            call.answer = hashlib.sha256(call.answer).digest() if call.answer is not None else None

    def compose(self, call, context, behaviour):
        """The octets of an answer or a refusal, with the lie that is asked for."""
        lie = call.lie = behaviour.lie
        body, hresult = self.decide(call.asked, behaviour)
        length = maximum = hint = None
        more = 0
        call_id = call.call_id
        if body is not None and lie:
            body, length, maximum = tell(lie, body)
        if lie == "alloc-hint":
            hint = 0xFFFFFFFF
        elif lie == "frag-length":
            more = 64
        elif lie == "call-id":
            call_id += 1
        elif lie == "context":
            context += 7
        call.answer = body
        call.hresult = hresult
        stub = kms.answer_stub(body, hresult, length, maximum)
        if lie == "hresult-with-body":
            stub = stub[:-4] + struct.pack("<I", 0x80004005)
        return rpc.responses(call_id, context, stub, 4000 if lie == "huge" else behaviour.fragment, hint, more)

    def decide(self, asked, behaviour):
        """The body of the answer and 0, or None and an HRESULT."""
        if asked is None:
            return None, INVALID_DATA
        if behaviour.hresult:
            return None, behaviour.hresult
        if asked.counted and str(asked.counted) in behaviour.hresults:
            return None, behaviour.hresults[str(asked.counted)]
        if asked.major != 4:
            return kms.opaque_answer(asked, behaviour.epid), 0
        own = self.counter.count(asked, behaviour)
        return kms.answer(asked, own if behaviour.count is None else behaviour.count, behaviour.epid,
                          behaviour.activation, behaviour.renewal), 0


def tell(lie, body):
    """The body with a lie in it, and what the stub says of its length and maximum (None: the truth)."""
    if lie == "stub-length":
        return body, len(body) + 8, len(body)
    if lie == "max-count":
        return body, len(body), len(body) + 4096
    if lie == "short":
        return body[:-20], None, None
    if lie == "long":
        return body + bytes(40), None, None
    if lie == "huge":
        return body + bytes(300_000), None, None
    if lie == "version":
        return body[:2] + b"\x09" + body[3:], None, None
    size = struct.unpack_from("<I", body, 4)[0]
    if lie == "pid-size":
        return body[:4] + struct.pack("<I", size + 1000) + body[8:], None, None
    at = {"cmid": 8 + size, "client-time": 24 + size}.get(lie)
    if at is not None:
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:], None, None
    return body, None, None


# -- the program -------------------------------------------------------------------------------------------------------

def obey(upstream, words):
    """One object of the control socket."""
    known = {item.name for item in fields(Behaviour)}
    for word, value in words.items():
        if word == "set":
            if set(value) - known:
                raise ValueError(f"no such behaviour: {', '.join(sorted(set(value) - known))}")
            upstream.set(**value)
        elif word == "next":
            upstream.next(*(replace(upstream.behaviour, **one) for one in value))
        elif word == "flap":
            upstream.flap(*value)
        elif word in ("start", "kill", "quiesce", "refuse", "hole", "drop", "forget"):
            getattr(upstream, word)()
        elif word != "statistics":
            raise ValueError(f"no such word: {word}")
    return {**asdict(upstream.counted()), "address": upstream.address}


def serve_control(upstream, path):
    """Takes one client after the other until it is told to end."""
    with socket.socket(socket.AF_UNIX) as listener:
        if os.path.exists(path):
            os.unlink(path)
        listener.bind(str(path))
        os.chmod(path, 0o600)
        listener.listen(8)
        while True:
            peer, _ = listener.accept()
            with peer, peer.makefile("rw") as lines:
                try:
                    for line in lines:
                        words = json.loads(line)
                        if words.pop("end", False):
                            print("{}", file=lines, flush=True)
                            return
                        try:
                            said = obey(upstream, words)
                        except (ValueError, TypeError) as error:
                            said = {"error": str(error)}
                        print(json.dumps(said), file=lines, flush=True)
                except (ValueError, OSError):
                    continue


def main():
    parser = argparse.ArgumentParser(description="Plays a licensed KMS host for tests. Its seals are random octets.")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT")
    parser.add_argument("--control", type=Path, metavar="PATH", help="Unix socket that takes JSON, one object a line")
    parser.add_argument("--set", default="{}", metavar="JSON", help="behaviour at the start")
    options = parser.parse_args()
    address, _, port = options.listen.rpartition(":")
    upstream = Upstream(address.strip("[]"), int(port), keep="none", **json.loads(options.set))
    print(json.dumps({"address": upstream.address}), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if options.control:
            serve_control(upstream, options.control)
        else:
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        pass
    finally:
        upstream.end()
        if options.control and options.control.exists():
            options.control.unlink()


if __name__ == "__main__":
    main()
