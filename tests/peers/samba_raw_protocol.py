#!/usr/bin/python3
"""Runs Samba's own raw DCE/RPC protocol tests against Muster.

Samba's samba.tests.dcerpc.raw_protocol holds what its authors recorded from Windows servers, PDU by PDU. Its tests speak
to an endpoint mapper on port 135; here they speak to our port, and wherever they bind the endpoint mapper's interface
they bind the KMS interface. Tests that log in (NTLM, Kerberos, SPNEGO) do not apply: KMS is anonymous, and they are left
out by name; every other test runs and must pass, but for those in EXPECTED, each with its reason.

    samba_raw_protocol.py HOST PORT [TEST...]
"""
import os
import re
import sys
import tempfile
import unittest

# What needs credentials or an interface that has state (lsa, netlogon): a name that says so.
NOT_APPLICABLE = re.compile(r"spnego|ntlm|krb5|lsa_multi|multiple_auth|assoc_group|invalid_auth_noctx")

# name -> why Muster answers otherwise. Empty: parity.
EXPECTED = {}


def main():
    host, port, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]

    conf = tempfile.NamedTemporaryFile("w", suffix=".conf")
    conf.write("[global]\n")
    conf.flush()
    os.environ.update(SMB_CONF_PATH=conf.name, SERVER=host, TARGET_HOSTNAME=host,
                      IGNORE_RANDOM_PAD="1", DOMAIN="X", REALM="X", USERNAME="x", PASSWORD="x")

    import samba.dcerpc.epmapper
    import samba.dcerpc.misc
    from samba.tests.dcerpc import raw_protocol, raw_testcase

    kms = samba.dcerpc.misc.ndr_syntax_id()
    kms.uuid = samba.dcerpc.misc.GUID("51c82175-844e-4750-b0d8-ec255555bc06")
    kms.if_version = 1
    samba.dcerpc.epmapper.abstract_syntax = lambda: kms

    real_connect = raw_testcase.RawDCERPCTest._connect_tcp

    def connect_to_us(self):
        self.primary_address = str(port)
        self.secondary_address = str(port)
        real_connect(self)

    raw_testcase.RawDCERPCTest._connect_tcp = connect_to_us

    case = raw_protocol.TestDCERPC_BIND
    every = [n for n in unittest.TestLoader().getTestCaseNames(case) if not NOT_APPLICABLE.search(n)]
    chosen = [n for n in every if not names or n in names]
    unknown = set(names) - set(every)
    if unknown or not chosen:
        sys.exit("no such test, or not applicable here: " + ", ".join(sorted(unknown)))

    result = unittest.TextTestRunner(verbosity=1).run(unittest.TestSuite(case(n) for n in chosen))
    failed = {t.id().rsplit(".", 1)[1]: text for t, text in result.failures + result.errors}
    wrong = sorted(set(failed) - set(EXPECTED))
    healed = sorted(n for n in EXPECTED if n in chosen and n not in failed)
    for name in sorted(set(failed) & set(EXPECTED)):
        print("as expected, otherwise than Windows: %s: %s" % (name, EXPECTED[name]))
    for name in wrong:
        print("FAILED", name)
    for name in healed:
        print("passes although EXPECTED says it does not:", name)
    print("%d of %d passed" % (result.testsRun - len(failed), result.testsRun))
    sys.exit(1 if wrong or healed else 0)


main()
