"""A broker that speaks TLS and asks for a client certificate, and the certificates for it, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Authority:
    """A certificate authority of a test.

    Args:
        folder: where its files are kept.
        name: of the authority, different for each in a folder.

    Attributes:
        certificate: its own certificate, a PEM file.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = folder / f"{name}.key"
        self.certificate = folder / f"{name}.pem"
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-keyout", self._key, "-out", self.certificate),
        )

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a new certificate for this common name and the address 127.0.0.1, and of its key."""
        key, request, certificate, extensions = (
            self._folder / f"{self.certificate.stem}-{name}.{suffix}" for suffix in ("key", "csr", "pem", "ext")
        )
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        _openssl(*("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request))
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", "2", "-extfile", extensions, "-out", certificate),
        )
        return certificate, key


def broker_with_tls(authority: Authority) -> dict[str, str]:
    """Return the properties of a broker that takes only clients with a certificate of this authority."""
    certificate, key = authority.issue("broker")
    return {
        "listener.security.protocol.map": "PLAINTEXT:SSL,CONTROLLER:PLAINTEXT",
        "ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": _one_line(certificate),
        "ssl.keystore.key": _one_line(key),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": _one_line(authority.certificate),
    }


def client_with_tls(authority: Authority, certificate: Path, key: Path) -> dict[str, str]:
    """Return the client properties of whoever trusts this authority and has this certificate."""
    return {
        "security.protocol": "SSL",
        "ssl.ca.location": str(authority.certificate),
        "ssl.certificate.location": str(certificate),
        "ssl.key.location": str(key),
    }


def _one_line(file: Path) -> str:
    """Return a PEM file as a broker's property takes it: white space of any kind separates its lines."""
    return " ".join(file.read_text().split("\n")).strip()


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
