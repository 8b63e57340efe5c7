#!/usr/bin/python3
"""impacket as a client: it knows nothing of Muster, and Muster nothing of it."""
import struct

from impacket import uuid
from impacket.dcerpc.v5 import mgmt, transport
from impacket.dcerpc.v5.rpcrt import DCERPCException

from peers_support import KMS, MGMT, PeerTest, check_answer_stub, main, request_stub

NDR64 = ("71710533-BEBA-4937-8319-B5DBEF9CCC36", "1.0")


class Impacket(PeerTest):
    def connect(self):
        link = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:{self.host}[{self.port}]")
        link.set_connect_timeout(30)
        dce = link.get_dce_rpc()
        dce.connect()
        self.addCleanup(dce.disconnect)
        return dce

    def bound(self, interface=KMS, **more):
        dce = self.connect()
        dce.bind(uuid.uuidtup_to_bin(interface), **more)
        return dce

    def call(self, dce, opnum=0, stub=None):
        dce.call(opnum, request_stub() if stub is None else stub)
        return dce.recv()

    def assert_fault(self, words, work):
        with self.assertRaises(DCERPCException) as caught:
            work()
        self.assertIn(words, str(caught.exception))

    def test_gets_an_answer_to_a_request(self):
        check_answer_stub(self, self.call(self.bound()))

    def test_asks_again_on_one_association(self):
        dce = self.bound()
        for _ in range(20):
            check_answer_stub(self, self.call(dce))

    def test_is_answered_when_its_request_comes_in_fragments(self):
        for size in (1, 8, 100, 252):
            dce = self.bound()
            dce.set_max_fragment_size(size)
            check_answer_stub(self, self.call(dce))

    def test_binds_among_contexts_that_nobody_serves(self):
        dce = self.connect()
        dce.bind(uuid.uuidtup_to_bin(KMS), bogus_binds=5)
        check_answer_stub(self, self.call(dce))

    def test_is_told_that_an_interface_is_not_served(self):
        self.assert_fault("abstract_syntax_not_supported",
                          lambda: self.bound(("e1af8308-5d1f-11c9-91a4-08002b14a0fa", "3.0")))

    def test_is_told_that_ndr64_is_not_spoken(self):
        self.assert_fault("proposed_transfer_syntaxes_not_supported", lambda: self.bound(transfer_syntax=NDR64))

    def test_is_told_that_an_operation_does_not_exist(self):
        dce = self.bound()
        self.assert_fault("nca_s_op_rng_error", lambda: self.call(dce, 1))
        check_answer_stub(self, self.call(dce))

    def test_is_told_that_its_stub_is_bad(self):
        dce = self.bound()
        self.assert_fault("rpc_x_bad_stub_data", lambda: self.call(dce, 0, struct.pack("<II", 252, 4) + bytes(252)))
        check_answer_stub(self, self.call(dce))

    def test_adds_mgmt_by_alter_context(self):
        dce = self.bound()
        other = dce.alter_ctx(uuid.uuidtup_to_bin(MGMT))
        self.assertEqual(mgmt.hinq_if_ids(other)["if_id_vector"]["count"], 2)

    def test_lists_both_interfaces_through_mgmt(self):
        answer = mgmt.hinq_if_ids(self.bound(MGMT))
        served = {uuid.bin_to_string(item["Data"]["Uuid"]).lower() for item in answer["if_id_vector"]["if_id"]}
        self.assertEqual(served, {KMS[0], MGMT[0]})

    def test_reads_the_statistics_through_mgmt(self):
        answer = mgmt.hinq_stats(self.bound(MGMT), 4)
        self.assertEqual(answer["count"], 4)
        self.assertGreater(answer["statistics"][0], 0)

    def test_hears_that_the_server_listens_and_cannot_stop_it(self):
        dce = self.bound(MGMT)
        self.assertEqual(mgmt.his_server_listening(dce)["status"], 0)
        self.assert_fault("access_denied", lambda: mgmt.hstop_server_listening(dce))
        self.assertEqual(mgmt.his_server_listening(dce)["status"], 0)

    def test_hears_that_there_is_no_principal(self):
        with self.assertRaises(DCERPCException):
            mgmt.hinq_princ_name(self.bound(MGMT), 0, 1)


main()
