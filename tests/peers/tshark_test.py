#!/usr/bin/python3
"""Wireshark's dissector on every PDU that we send while the foreign clients run: none may be marked."""
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from peers_support import PeerTest, Recorder, main

HERE = Path(__file__).parent
PORT = 1688  # in the file that is written
PDU_TYPES = {"response": 2, "fault": 3, "bind_ack": 12, "bind_nak": 13, "alter_context_resp": 15}


class Tshark(PeerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        recorder = Recorder(cls.host, cls.port)
        address = ["--address", f"127.0.0.1:{recorder.port}"]
        cls.clients = [subprocess.run([sys.executable, HERE / script, *address], capture_output=True, text=True, timeout=600,
                                      env={**os.environ, "MUSTER_SERVED_PORT": str(cls.port)})
                       for script in ("impacket_test.py", "samba_test.py")]
        recorder.close()
        cls.recorder = recorder
        cls.file = tempfile.NamedTemporaryFile(prefix="muster-peers.", suffix=".pcap")
        cls.addClassCleanup(cls.file.close)
        recorder.write_pcap(cls.file.name, PORT)

    def fields(self, filter_, *names):
        """One line per frame; a field that is there several times in a frame has its values joined by commas."""
        words = ["tshark", "-n", "-r", self.file.name, "-d", f"tcp.port=={PORT},dcerpc", "-Y", filter_, "-T", "fields"]
        for name in names:
            words += ["-e", name]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def test_nothing_that_we_send_is_marked(self):
        ours = f"tcp.srcport == {PORT}"
        for mark in ("_ws.malformed", "_ws.short", "_ws.unreassembled", "_ws.expert.severity == 8388608",
                     "_ws.expert.severity == 6291456 && dcerpc && !(dcerpc.pkt_type == 3 || dcerpc.pkt_type == 13)"):
            marked = self.fields(f"{ours} && ({mark})", "frame.number", "dcerpc.pkt_type", "_ws.expert.message", "tcp.payload")
            self.assertEqual(marked, [], mark)

    def test_every_pdu_that_we_send_is_decoded(self):
        kinds = Counter()
        for (types,) in self.fields(f"tcp.srcport == {PORT} && dcerpc", "dcerpc.pkt_type"):
            kinds.update(int(kind) for kind in types.split(","))
        self.assertEqual(sum(kinds.values()), self.recorder.server_pdus())
        for name, kind in PDU_TYPES.items():
            self.assertGreater(kinds[kind], 0, f"no {name} was recorded")

    def test_the_clients_were_served_through_the_recorder(self):
        for client in self.clients:
            self.assertEqual(client.returncode, 0, client.stdout[-2000:] + client.stderr[-4000:])


main()
