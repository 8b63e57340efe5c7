"""What the tests with foreign clients share: a daemon in lab mode, and a recorder between it and them."""
import socket
import struct
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import support  # noqa: E402

ADDRESS = None  # of a server that runs already


def main():
    """Reads --bin (where the programs are) or --address (of a server that runs already), then runs the script's tests."""
    global ADDRESS
    parser = support.options()
    parser.add_argument("--address")
    chosen, rest = parser.parse_known_args()
    if not chosen.bin and not chosen.address:
        parser.error("say --bin DIRECTORY or --address HOST:PORT")
    support.take(chosen)
    ADDRESS = chosen.address
    unittest.main(module="__main__", argv=sys.argv[:1] + rest, verbosity=2)


class Recorder:
    """A port that passes everything on to the server, and keeps who said what when."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.lock = threading.Lock()
        self.pieces = []  # connection, True for the server's, octets; in the order in which they came
        self.connections = 0
        self.closing = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start(self.accept)

    def start(self, work, *arguments):
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.closing:
                client.close()
                return
            try:
                server = socket.create_connection(self.target, timeout=30)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self.lock:
                self.connections += 1
                number = self.connections
            for peer in (client, server):
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.start(self.relay, number, client, server)

    def relay(self, number, client, server):
        with client, server:
            back = threading.Thread(target=self.carry, args=(number, server, client, True), daemon=True)
            back.start()
            self.carry(number, client, server, False)
            back.join()

    def carry(self, number, source, target, from_server):
        while True:
            try:
                octets = source.recv(65536)
            except OSError:
                octets = b""
            try:
                if not octets:
                    target.shutdown(socket.SHUT_WR)
                    return
                with self.lock:
                    self.pieces.append((number, from_server, octets))
                target.sendall(octets)
            except OSError:
                return

    def close(self):
        self.closing = True
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            pass
        self.listener.close()

    def server_pdus(self):
        """How many PDUs the server sent, counted by their own lengths."""
        streams = {}
        for number, from_server, octets in self.pieces:
            if from_server:
                streams[number] = streams.get(number, b"") + octets
        count = 0
        for stream in streams.values():
            while stream:
                length = struct.unpack_from("<H", stream, 8)[0]
                assert 16 <= length <= len(stream), "the server sent a PDU that is longer than its stream"
                stream = stream[length:]
                count += 1
        return count

    def write_pcap(self, path, server_port=1688):
        """The recorded octets as TCP over IPv4, one connection per client port."""
        state = {}
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))  # raw IP
            clock = 0

            def segment(number, from_server, flags, octets=b""):
                nonlocal clock
                clock += 1
                sent = state[number]
                ports = (server_port, 20000 + number) if from_server else (20000 + number, server_port)
                addresses = (b"\x0a\0\0\1", b"\x0a\0\0\2") if from_server else (b"\x0a\0\0\2", b"\x0a\0\0\1")
                tcp = struct.pack(">HHIIBBHHH", *ports, sent[from_server], sent[not from_server], 0x50, flags, 65535, 0, 0)
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(octets), clock & 0xFFFF, 0, 64, 6, 0, *addresses)
                packet = ip + tcp + octets
                file.write(struct.pack("<IIII", clock // 1000, clock % 1000 * 1000, len(packet), len(packet)) + packet)
                sent[from_server] += len(octets) + (1 if flags & 2 else 0)

            for number, from_server, octets in self.pieces:
                if number not in state:
                    state[number] = {False: 1000, True: 5000}
                    segment(number, False, 0x02)
                    segment(number, True, 0x12)
                    segment(number, False, 0x10)
                for at in range(0, len(octets), 16000):
                    segment(number, from_server, 0x18, octets[at:at + 16000])


class PeerTest(unittest.TestCase):
    """One daemon for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        if ADDRESS:
            cls.host, _, port = ADDRESS.rpartition(":")
            cls.port = int(port)
            return
        directory = tempfile.TemporaryDirectory(prefix="muster-peers.")
        cls.addClassCleanup(directory.cleanup)
        daemon = support.Daemon(directory.name)
        cls.addClassCleanup(cls.end, daemon)
        daemon.start_ready()
        cls.host, cls.port = "127.0.0.1", daemon.port

    @classmethod
    def end(cls, daemon):
        code = daemon.stop()
        words = daemon.log_tail()
        assert code == 0, f"musterd ended with {code}:\n{words}"
        assert "Sanitizer" not in words and "runtime error:" not in words, words


# -- what a KMS client sends, for clients that bring no KMS of their own (docs/kms.md)

KMS = ("51c82175-844e-4750-b0d8-ec255555bc06", "1.0")
MGMT = ("afa8bd80-7d8a-11c9-bef4-08002b102989", "1.0")


def request_stub(body=bytes([0, 0, 4, 0]) + bytes(248)):
    return struct.pack("<II", len(body), len(body)) + body


def check_answer_stub(test, stub):
    """An answer or a refusal of the KMS operation, whole and in NDR."""
    length, referent = struct.unpack_from("<II", stub)
    if referent == 0:
        test.assertEqual((length, len(stub)), (0, 12))
        test.assertNotEqual(struct.unpack_from("<I", stub, 8)[0], 0)
        return
    test.assertEqual(struct.unpack_from("<I", stub, 8)[0], length)
    test.assertEqual(len(stub), 12 + (length + 3) // 4 * 4 + 4)
    test.assertEqual(struct.unpack_from("<I", stub, len(stub) - 4)[0], 0)
