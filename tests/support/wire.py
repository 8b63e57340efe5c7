"""The wire, as far as a client that behaves badly needs it (docs/kms.md)."""
import socket
import struct

import support

NDR32 = bytes.fromhex("045d888aeb1cc9119fe808002b10486002000000")
KMS = bytes.fromhex("7521c8514e845047b0d8ec255555bc0601000000")


def pdu(kind, body, call=1, flags=3):
    return struct.pack("<BBBBIHHI", 5, 0, kind, flags, 0x10, 16 + len(body), 0, call) + body


BIND = pdu(11, struct.pack("<HHIBxxx", 5840, 5840, 0, 1) + struct.pack("<HBx", 0, 1) + KMS + NDR32)
# A whole request that no client would send: it is answered with an HRESULT, which is all that these tests want of it.
MALFORMED_REQUEST = pdu(0, struct.pack("<IHH", 260, 0, 0) + struct.pack("<II", 252, 252) + bytes(252), call=2)


def connect(port, timeout=30, source=None):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout * support.PATIENCE,
                                    source_address=(source, 0) if source else None)


def read_pdu(peer):
    """One whole PDU, or what there was before the end of the connection."""
    octets = b""
    wanted = 16
    while len(octets) < wanted:
        got = peer.recv(wanted - len(octets))
        if not got:
            return octets
        octets += got
        if len(octets) == 16:
            wanted = struct.unpack_from("<H", octets, 8)[0]
    return octets


def bound(port, **more):
    peer = connect(port, **more)
    peer.sendall(BIND)
    answer = read_pdu(peer)
    assert answer[2:3] == b"\x0c", answer
    return peer
