"""impacket as a KMS client that sends any body, on one association for as long as it lives."""
import re
import socket

from impacket import uuid
from impacket.dcerpc.v5 import mgmt, transport
from impacket.dcerpc.v5.rpcrt import DCERPCException, rpc_status_codes

import kms_bodies as kms

KMS = ("51c82175-844e-4750-b0d8-ec255555bc06", "1.0")
MGMT = ("afa8bd80-7d8a-11c9-bef4-08002b102989", "1.0")


class Fault(Exception):
    """An RPC fault, or a bind that was refused; `code` is its status, or None."""

    def __init__(self, error):
        super().__init__(str(error))
        number = re.search("status code: ([0-9a-f]{8})", str(error))
        names = [code for code, name in rpc_status_codes.items() if str(error).endswith(name)]
        self.code = int(number.group(1), 16) if number else names[0] if names else error.get_error_code()


class Gone(Exception):
    """No answer: the connection was refused, ended, or stayed silent for too long."""


def fault_words(work):
    try:
        return work()
    except DCERPCException as error:
        if error.get_error_code() is None and "onnect" in str(error):
            raise Gone(str(error)) from None
        raise Fault(error) from None
    except Exception as error:  # impacket reads what is cut off as it comes, and stumbles in many ways
        raise Gone(repr(error)) from None


class Transport(transport.TCPTransport):
    """impacket reads on for ever where a connection ended."""

    def recv(self, forceRecv=0, count=0):
        octets = b""
        while not octets or len(octets) < count:
            more = self.get_socket().recv(count - len(octets) if count else 8192)
            if not more:
                raise ConnectionError("the connection ended")
            octets += more
        return octets


class Client:
    def __init__(self, host, port, timeout=60, interface=KMS):
        def connect():
            link = Transport(host, port)
            link.set_connect_timeout(timeout)
            dce = link.get_dce_rpc()
            dce.connect()
            link.get_socket().settimeout(timeout)
            link.get_socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                dce.bind(uuid.uuidtup_to_bin(interface))
            except BaseException:
                dce.disconnect()
                raise
            return dce
        self.dce = fault_words(connect)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.dce.disconnect()
        except OSError:
            pass

    def ask(self, body):
        """(body, 0) of an answer or (None, HRESULT) of a refusal. Fault, Gone: neither came."""
        def exchange():
            self.dce.call(0, kms.request_stub(body))
            return kms.read_answer_stub(self.dce.recv())
        return fault_words(exchange)

    def is_listening(self):
        """mgmt; the client must be bound to it."""
        return fault_words(lambda: mgmt.his_server_listening(self.dce)["status"] == 0)


def ask_once(host, port, body, timeout=60):
    with Client(host, port, timeout) as client:
        return client.ask(body)
