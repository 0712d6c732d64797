"""The local certificate authority and the certificate of the services that need TLS.

The authority is made once and kept, so that a process started yesterday still trusts a service started today. Clients
take a bundle: SSL_CERT_FILE and REQUESTS_CA_BUNDLE replace the public authorities rather than add to them, so the
bundle holds the public ones, those that the machine already names, and ours.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localazure.state import write_file

CA_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=397)  # longer ones are refused by some clients
RENEW_BEFORE = timedelta(days=30)
HOST_NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")

_PEM_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class TlsFiles:
    """Where the certificates are; all are PEM files."""

    ca: Path
    certificate: Path
    key: Path
    bundle: Path

    def server_context(self) -> ssl.SSLContext:
        """For a server that shows the local certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def ensure_tls(folder: Path, *, now: datetime, trusted: Iterable[Path] = ()) -> TlsFiles:
    """Make what is missing or about to expire under `folder`; `trusted` are bundles to include in ours."""
    files = TlsFiles(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem", folder / "bundle.pem")
    ca_key = folder / "ca-key.pem"
    if not _is_valid(files.ca, now):
        _make_authority(files.ca, ca_key, now)
        files.certificate.unlink(missing_ok=True)
    if not _is_valid(files.certificate, now):
        _make_leaf(files, ca_key, now)
    _write_bundle(files, [Path(certifi.where()), *trusted])
    return files


def _is_valid(path: Path, now: datetime) -> bool:
    return path.exists() and now < _load(path).not_valid_after_utc - RENEW_BEFORE


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _make_authority(certificate: Path, key_file: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("localazure development CA")
    builder = _builder(name, name, key.public_key(), now, CA_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    _write_key(key_file, key)
    write_file(certificate, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _make_leaf(files: TlsFiles, ca_key: Path, now: datetime) -> None:
    issuer_key = serialization.load_pem_private_key(ca_key.read_bytes(), password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{ca_key} holds no EC key; delete its folder, and a new authority is made")
    key = ec.generate_private_key(ec.SECP256R1())
    names = [*map(x509.DNSName, HOST_NAMES), *(x509.IPAddress(ipaddress.ip_address(text)) for text in ADDRESSES)]
    builder = _builder(_name("localhost"), _load(files.ca).subject, key.public_key(), now, LEAF_LIFETIME)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
    )
    _write_key(files.key, key)
    write_file(files.certificate, builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    """What both certificates have; Python 3.13 refuses chains without key identifiers."""
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + lifetime)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_file(path, pem, mode=0o600)


def _write_bundle(files: TlsFiles, sources: Iterable[Path]) -> None:
    """Each certificate once: a bundle of ours may come back to us by the environment."""
    blocks: dict[str, None] = {}
    for source in (*sources, files.ca):
        if source.is_file():
            blocks.update(dict.fromkeys(_PEM_BLOCK.findall(source.read_text(errors="replace"))))
    write_file(files.bundle, "\n".join([*blocks, ""]).encode())
