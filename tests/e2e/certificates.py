"""A certificate authority of a test's own, made of the openssl program; and what a server shows."""
import hashlib
import ssl
import subprocess
from pathlib import Path


def run(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], input=data, check=True, capture_output=True, text=True).stdout


def fingerprint(pem):
    """SHA-256 of the first certificate, as hexadecimal digits."""
    end = "-----END CERTIFICATE-----"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[:pem.index(end)] + end + "\n")).hexdigest()


def served(port):
    return fingerprint(ssl.get_server_certificate(("127.0.0.1", port)))


class Authority:
    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir()
        self.key, self.certificate = self.directory / "ca.key", self.directory / "ca.pem"
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
            "/CN=An authority of a test", "-keyout", self.key, "-out", self.certificate)

    def issue(self, name):
        """(chain, key) for that name."""
        key = self.directory / f"{name}.key"
        request = run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                      "-addext", f"subjectAltName=DNS:{name}", "-keyout", key)
        return self.sign(request), key.read_text()

    def sign(self, request):
        """The certificate that answers the request, with the names that it asks for, and the authority's own."""
        signed = run("x509", "-req", "-CA", self.certificate, "-CAkey", self.key, "-days", 30, "-copy_extensions", "copyall",
                     data=request)
        return signed + self.certificate.read_text()
