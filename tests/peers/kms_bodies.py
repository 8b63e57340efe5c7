"""KMS bodies as both sides of the tests need them: sizes and offsets of docs/kms.md, seals of random octets."""
import os
import random
import struct
import time
import uuid
from dataclasses import dataclass

WINDOWS = uuid.UUID("55c92734-d682-4d71-983e-d6ec3f16059f")
# Counted IDs, and one edition of each (docs/kms.md, "Products").
VISTA = uuid.UUID("212a64dc-43b1-4d3d-a30c-2fc69d2095c6")
SERVER_2008_B = uuid.UUID("8fe53387-3087-4447-8985-f75132215ac9")
WINDOWS_7 = uuid.UUID("7fde5219-fbfa-484a-82c9-34d1ad53e856")
SERVER_2008_R2_B = uuid.UUID("ca87f5b6-cd46-40c0-b06d-8ecd57a4373f")
WINDOWS_7_ENTERPRISE = uuid.UUID("ae2ee509-1b34-41c0-acb7-6d4650168915")

V4_SIZE = 252
OPAQUE_SIZE = 260
EPOCH = 116444736000000000  # FILETIME of 1970-01-01
EPID = "55041-00168-305-000000-03-1033-7601.0000-0012011"  # the form of one; no key is behind it


def filetime(seconds=None):
    return EPOCH + int((time.time() if seconds is None else seconds) * 10_000_000)


def request(cmid=None, counted=WINDOWS_7, sku=WINDOWS_7_ENTERPRISE, application=WINDOWS, virtual=False, status=2,
            minutes=43200, policy=25, at=None, previous=uuid.UUID(int=0), machine="PC-001", version=(4, 0)):
    """A version 4 request."""
    name = machine.encode("utf-16-le")[:126]
    return (struct.pack("<HHIII", version[1], version[0], int(virtual), status, minutes) + application.bytes_le +
            sku.bytes_le + counted.bytes_le + (cmid or uuid.uuid4()).bytes_le +
            struct.pack("<IQ", policy, filetime() if at is None else at) + previous.bytes_le +
            name.ljust(128, b"\0") + os.urandom(16))


def opaque_request(major):
    """A request of version 5 or 6: its version, then what nobody but the host can read."""
    return struct.pack("<HH", 0, major) + os.urandom(OPAQUE_SIZE - 4)


def random_request(chance=random):
    """A version 4 request whose every field is drawn, with an N-policy that hosts take."""
    return request(cmid=uuid.UUID(int=chance.getrandbits(128)), counted=chance.choice([VISTA, SERVER_2008_B, WINDOWS_7,
                   SERVER_2008_R2_B, uuid.UUID(int=chance.getrandbits(128))]), sku=uuid.UUID(int=chance.getrandbits(128)),
                   virtual=chance.random() < 0.5, status=chance.randrange(7), minutes=chance.randrange(43201),
                   policy=chance.choice([5, 25]), at=filetime() + chance.randrange(-10**9, 10**9),
                   previous=uuid.UUID(int=chance.choice([0, chance.getrandbits(128)])),
                   machine="PC-%06d" % chance.randrange(10**6))


@dataclass
class Request:
    """What a host reads of a body. For versions 5 and 6 the version alone."""
    major: int
    minor: int
    virtual: bool = False
    counted: uuid.UUID = None
    cmid: uuid.UUID = None
    client_time: int = 0
    policy: int = 0


def read_request(body):
    """None where a host answers 0x8007000D: too short, or of a version that nobody has."""
    if len(body) < 4:
        return None
    minor, major = struct.unpack_from("<HH", body)
    if major == 4 and len(body) >= V4_SIZE:
        policy, at = struct.unpack_from("<IQ", body, 80)
        return Request(major, minor, struct.unpack_from("<I", body, 4)[0] != 0, uuid.UUID(bytes_le=body[48:64]),
                       uuid.UUID(bytes_le=body[64:80]), at, policy)
    if major in (5, 6) and len(body) >= OPAQUE_SIZE:
        return Request(major, minor)
    return None


def answer(asked, count, epid=EPID, activation=120, renewal=10080):
    """The answer to a version 4 request. The seal is random."""
    text = epid.encode("utf-16-le") + b"\0\0"
    return (struct.pack("<HHI", asked.minor, asked.major, len(text)) + text + asked.cmid.bytes_le +
            struct.pack("<QIII", asked.client_time, count, activation, renewal) + os.urandom(16))


def opaque_answer(asked, epid=EPID):
    """An answer of version 5 or 6, as long as a host's with that ePID."""
    clear = (92 if asked.major == 5 else 132) + 2 * (len(epid) + 1)
    return struct.pack("<HH", asked.minor, asked.major) + os.urandom(16 + 16 * (clear // 16 + 1))


@dataclass
class Answer:
    major: int
    minor: int
    epid: str = ""
    cmid: uuid.UUID = None
    client_time: int = 0
    count: int = 0
    activation: int = 0
    renewal: int = 0


def read_answer(body):
    """Reads a version 4 answer whole, and the version of others."""
    minor, major = struct.unpack_from("<HH", body)
    if major != 4:
        return Answer(major, minor)
    size = struct.unpack_from("<I", body, 4)[0]
    if len(body) != 60 + size:
        raise ValueError(f"an answer of {len(body)} octets with an ePID of {size}")
    cmid = uuid.UUID(bytes_le=body[8 + size:24 + size])
    return Answer(major, minor, body[8:8 + size].decode("utf-16-le").rstrip("\0"), cmid,
                  *struct.unpack_from("<QIII", body, 24 + size))


def request_stub(body, length=None, maximum=None):
    return struct.pack("<II", len(body) if length is None else length, len(body) if maximum is None else maximum) + body


def answer_stub(body, hresult=0, length=None, maximum=None):
    """The stub of an answer (body) or of a refusal (None). length and maximum: lies, if they are not the body's."""
    if body is None:
        return struct.pack("<III", 0, 0, hresult)
    return (struct.pack("<III", len(body) if length is None else length, 0x00020000,
                        len(body) if maximum is None else maximum) + body + bytes(-len(body) % 4) +
            struct.pack("<I", hresult))


def read_answer_stub(stub):
    """(body, HRESULT); body is None in a refusal. ValueError where it is not NDR."""
    if len(stub) < 12:
        raise ValueError(f"an answer stub of {len(stub)} octets")
    length, referent, third = struct.unpack_from("<III", stub)
    if referent == 0:
        if length or len(stub) != 12:
            raise ValueError("a refusal with a body")
        return None, third
    if third != length or len(stub) != 12 + (length + 3) // 4 * 4 + 4:
        raise ValueError("lengths that disagree")
    return stub[12:12 + length], struct.unpack_from("<I", stub, len(stub) - 4)[0]
