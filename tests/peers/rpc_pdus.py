"""DCE/RPC PDUs by Samba's bindings: its IDL lays them out, so nothing of ours can agree with itself by mistake."""
import struct

from samba.dcerpc import dcerpc, mgmt, misc
from samba.ndr import ndr_pack, ndr_pack_out, ndr_unpack

KMS = ("51c82175-844e-4750-b0d8-ec255555bc06", 1)
MGMT = ("afa8bd80-7d8a-11c9-bef4-08002b102989", 1)
NDR32 = ("8a885d04-1ceb-11c9-9fe8-08002b104860", 2)
BIND_TIME_FEATURES = "6cb71c2c-9812-4540"  # how such a transfer syntax begins; the rest are flags

FIRST_AND_LAST = dcerpc.DCERPC_PFC_FLAG_FIRST | dcerpc.DCERPC_PFC_FLAG_LAST
HEADER = 16
LARGEST_CALL = 65536  # a KMS call has 284 octets


def frag_length(header):
    """How long the PDU is that begins so."""
    return struct.unpack_from("<H" if header[4] & 0x10 else ">H", header, 8)[0]


def read(octets):
    return ndr_unpack(dcerpc.ncacn_packet, octets)


def write(ptype, call_id, payload, flags=FIRST_AND_LAST, frag_length_as=None):
    packet = dcerpc.ncacn_packet()
    packet.rpc_vers = 5
    packet.rpc_vers_minor = 0
    packet.ptype = ptype
    packet.pfc_flags = flags
    packet.drep = [dcerpc.DCERPC_DREP_LE, 0, 0, 0]
    packet.auth_length = 0
    packet.call_id = call_id
    packet.u = payload
    octets = ndr_pack(packet)
    length = len(octets) if frag_length_as is None else frag_length_as & 0xFFFF
    return octets[:8] + struct.pack("<H", length) + octets[10:]


def syntax(identity, version):
    made = misc.ndr_syntax_id()
    made.uuid = misc.GUID(identity)
    made.if_version = version
    return made


def _name(of):
    return str(of.uuid), of.if_version


def judge_contexts(bind, refuse_kms=False, with_mgmt=True):
    """The results for a bind's contexts, and {context id: interface} of those that are accepted.

    As hosts of the 2008 generation do: NDR 2.0 or nothing, and an answer to the negotiation of bind-time features.
    """
    results, accepted = [], {}
    served = ([] if refuse_kms else [KMS]) + ([MGMT] if with_mgmt else [])
    for context in bind.ctx_list:
        result = dcerpc.ack_ctx()
        result.syntax = syntax("00000000-0000-0000-0000-000000000000", 0)
        offered = [_name(one) for one in context.transfer_syntaxes]
        result.result = dcerpc.DCERPC_BIND_ACK_RESULT_PROVIDER_REJECTION
        if any(identity.startswith(BIND_TIME_FEATURES) for identity, _ in offered):
            result.result = dcerpc.DCERPC_BIND_ACK_RESULT_NEGOTIATE_ACK
            result.reason = 0
        elif _name(context.abstract_syntax) not in served:
            result.reason = dcerpc.DCERPC_BIND_ACK_REASON_ABSTRACT_SYNTAX_NOT_SUPPORTED
        elif NDR32 not in offered:
            result.reason = dcerpc.DCERPC_BIND_ACK_REASON_TRANSFER_SYNTAXES_NOT_SUPPORTED
        else:
            result.result = dcerpc.DCERPC_BIND_ACK_RESULT_ACCEPTANCE
            result.reason = dcerpc.DCERPC_BIND_ACK_REASON_NOT_SPECIFIED
            result.syntax = syntax(*NDR32)
            accepted[context.context_id] = _name(context.abstract_syntax)
        results.append(result)
    return results, accepted


def bind_ack(packet, results, port, group):
    """The answer to a bind, or to an alter-context, which names no port."""
    altered = packet.ptype == dcerpc.DCERPC_PKT_ALTER
    ack = dcerpc.bind_ack()
    ack.max_xmit_frag = ack.max_recv_frag = min(packet.u.max_xmit_frag, packet.u.max_recv_frag, 5840)
    ack.assoc_group_id = group
    ack.secondary_address = "" if altered else str(port)
    ack.secondary_address_size = 0 if altered else len(ack.secondary_address) + 1
    ack._pad1 = bytes(-(2 + ack.secondary_address_size) % 4)
    ack.num_results = len(results)
    ack.ctx_list = results
    ack.auth_info = b""
    return write(dcerpc.DCERPC_PKT_ALTER_RESP if altered else dcerpc.DCERPC_PKT_BIND_ACK, packet.call_id, ack)


def bind_nak(packet):
    nak = dcerpc.bind_nak()
    nak.reject_reason = dcerpc.DCERPC_BIND_NAK_REASON_LOCAL_LIMIT_EXCEEDED
    version = dcerpc.bind_nak_version()
    version.rpc_vers, version.rpc_vers_minor = 5, 0
    nak.num_versions = 1
    nak.versions = [version]
    nak._pad = b"\0\0\0"
    return write(dcerpc.DCERPC_PKT_BIND_NAK, packet.call_id, nak)


def fault(call_id, context, status):
    made = dcerpc.fault()
    made.alloc_hint = 32
    made.context_id = context
    made.cancel_count = 0
    made.flags = 0
    made.status = status
    made.reserved = 0
    made.error_and_verifier = b""
    return write(dcerpc.DCERPC_PKT_FAULT, call_id, made)


def responses(call_id, context, stub, largest=None, alloc_hint=None, frag_length_more=0):
    """A response in as many fragments of at most `largest` octets of stub as it takes."""
    pieces = [stub[at:at + largest] for at in range(0, len(stub), largest)] if largest else [stub]
    octets = b""
    for number, piece in enumerate(pieces):
        made = dcerpc.response()
        made.alloc_hint = len(stub) - (largest or 0) * number if alloc_hint is None else alloc_hint
        made.context_id = context
        made.cancel_count = 0
        made.reserved = 0
        made.stub_and_verifier = piece
        flags = ((dcerpc.DCERPC_PFC_FLAG_FIRST if number == 0 else 0) |
                 (dcerpc.DCERPC_PFC_FLAG_LAST if number == len(pieces) - 1 else 0))
        octets += write(dcerpc.DCERPC_PKT_RESPONSE, call_id, made, flags,
                        24 + len(piece) + frag_length_more if frag_length_more else None)
    return octets


def answer_mgmt(opnum, calls):
    """The stub of an answer of mgmt, or None: no such operation here."""
    if opnum == 0:
        call = mgmt.inq_if_ids()
        identifiers = []
        for served in (KMS, MGMT):
            pointer = mgmt.ndr_syntax_id_p()
            pointer.id = syntax(*served)
            identifiers.append(pointer)
        vector = mgmt.rpc_if_id_vector_t()
        vector.count = len(identifiers)
        vector.if_id = identifiers
        call.out_if_id_vector = vector
        call.result = 0
    elif opnum == 1:
        call = mgmt.inq_stats()
        statistics = mgmt.statistics()
        statistics.count = 4
        statistics.statistics = [calls, 0, calls, calls]
        call.out_statistics = statistics
        call.result = 0
    elif opnum == 2:
        call = mgmt.is_server_listening()
        call.out_status = 0
        call.result = 1
    else:
        return None
    return ndr_pack_out(call)
