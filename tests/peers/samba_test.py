#!/usr/bin/python3
"""Samba as a client: its Python bindings as a program would use them, and its raw protocol tests PDU by PDU."""
import subprocess
import sys
from pathlib import Path

from samba import NTSTATUSError
from samba.credentials import Credentials
from samba.dcerpc import ClientConnection, mgmt
from samba.param import LoadParm

from peers_support import KMS, MGMT, PeerTest, check_answer_stub, main, request_stub


class Samba(PeerTest):
    def binding(self, options=""):
        return f"ncacn_ip_tcp:{self.host}[{self.port}{options}]"

    def parameters(self):
        parameters = LoadParm()
        parameters.load_default()
        return parameters

    def anonymous(self):
        credentials = Credentials()
        credentials.set_anonymous()
        return credentials

    def kms(self, options=""):
        return ClientConnection(self.binding(options), (KMS[0], 1), self.parameters())

    def test_gets_an_answer_to_a_request(self):
        check_answer_stub(self, self.kms().request(0, request_stub()))

    def test_gets_an_answer_to_a_request_in_big_endian(self):
        stub = bytes([0, 0, 0, 252]) * 2 + request_stub()[8:]
        check_answer_stub(self, self.kms(",bigendian").request(0, stub))

    def test_gets_an_answer_to_a_request_with_an_object(self):
        check_answer_stub(self, self.kms().request(0, request_stub(), object="51c82175-844e-4750-b0d8-ec255555bc06"))

    def test_asks_again_on_one_association(self):
        connection = self.kms()
        for _ in range(20):
            check_answer_stub(self, connection.request(0, request_stub()))

    def test_is_told_that_an_interface_is_not_served(self):
        with self.assertRaises(NTSTATUSError):
            ClientConnection(self.binding(), ("12345778-1234-abcd-ef00-0123456789ab", 0), self.parameters())

    def test_is_told_that_an_operation_does_not_exist(self):
        connection = self.kms()
        with self.assertRaises(NTSTATUSError):
            connection.request(7, b"")
        check_answer_stub(self, connection.request(0, request_stub()))

    def mgmt(self):
        return mgmt.mgmt(self.binding(), self.parameters(), self.anonymous())

    def test_lists_both_interfaces_through_mgmt(self):
        vector = self.mgmt().inq_if_ids()
        self.assertEqual({str(item.id.uuid) for item in vector.if_id}, {KMS[0], MGMT[0]})

    def test_hears_that_the_server_listens_and_cannot_stop_it(self):
        connection = self.mgmt()
        with self.assertRaises(NTSTATUSError):
            connection.stop_server_listening()
        self.assertEqual(connection.is_server_listening(), (0, 1))

    def test_reads_the_statistics_through_mgmt(self):
        statistics = self.mgmt().inq_stats(4, 0)
        self.assertEqual(statistics.count, 4)
        self.assertGreater(statistics.statistics[0], 0)

    def test_raw_protocol(self):
        done = subprocess.run([sys.executable, Path(__file__).parent / "samba_raw_protocol.py", self.host, str(self.port)],
                              capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-6000:])


main()
