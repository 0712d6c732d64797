"""Certificates and keys: made once, renewed in time, trusted together with what the machine trusts."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest
from localazure.clock import ManualClock
from localazure.keys import SigningKey, TokenRefusedError, TokenVerifier, identity_header
from localazure.tls import ensure_tls


def make(folder, now=None, **options):
    return ensure_tls(folder, now=now or datetime.now(UTC), **options)


def handshake(files, host="127.0.0.1"):
    """The certificate that a client which trusts the bundle is shown."""
    client = ssl.create_default_context(cafile=files.bundle)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    left, right = socket.socketpair()

    def serve():
        with files.server_context().wrap_socket(right, server_side=True) as server:
            server.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(left, server_hostname=host) as connection:
        shown = connection.getpeercert()
        connection.send(b"x")
    thread.join()
    return shown


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_client_that_trusts_the_bundle_accepts_the_server(tmp_path, host):
    assert handshake(make(tmp_path), host)["subject"] == ((("commonName", "localhost"),),)


def test_bundle_trusts_the_public_authorities_as_well(tmp_path):
    with Path(certifi.where()).open() as public:
        assert public.read().count("BEGIN CERTIFICATE") + 1 == make(tmp_path).bundle.read_text().count(
            "BEGIN CERTIFICATE"
        )


def test_second_start_keeps_authority_and_certificate(tmp_path):
    first = make(tmp_path)
    before = (first.ca.read_bytes(), first.certificate.read_bytes())
    second = make(tmp_path)

    assert (second.ca.read_bytes(), second.certificate.read_bytes()) == before


def test_certificate_is_renewed_before_it_expires_under_the_same_authority(tmp_path):
    first = make(tmp_path)
    authority, certificate = first.ca.read_bytes(), first.certificate.read_bytes()
    second = make(tmp_path, now=datetime.now(UTC) + timedelta(days=380))

    assert second.ca.read_bytes() == authority
    assert second.certificate.read_bytes() != certificate


def test_new_authority_comes_with_a_new_certificate(tmp_path):
    make(tmp_path).ca.unlink()

    assert handshake(make(tmp_path))


def test_bundle_that_the_machine_names_is_included_once(tmp_path):
    company = make(tmp_path / "company")
    first = make(tmp_path / "ours", trusted=[company.ca]).bundle.read_text()
    again = make(tmp_path / "ours", trusted=[company.ca, tmp_path / "ours/bundle.pem", tmp_path / "missing.pem"])
    certificates = again.bundle.read_text().split("-----END CERTIFICATE-----\n")

    assert company.ca.read_text().strip() in first
    assert sorted(certificates) == sorted(first.split("-----END CERTIFICATE-----\n"))


def test_private_keys_are_readable_by_their_owner_alone(tmp_path):
    make(tmp_path / "tls")
    SigningKey.load(tmp_path / "keys", "issuer")
    identity_header(tmp_path / "keys")
    private = [*tmp_path.glob("tls/*key.pem"), *tmp_path.glob("keys/*")]

    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_signing_key_and_identity_header_outlive_a_restart(tmp_path):
    assert SigningKey.load(tmp_path, "issuer").kid == SigningKey.load(tmp_path, "issuer").kid
    assert identity_header(tmp_path) == identity_header(tmp_path)


def test_token_is_accepted_until_it_expires(tmp_path):
    key, clock = SigningKey.load(tmp_path, "k"), ManualClock()
    verifier = TokenVerifier(key.jwks(), "https://vault.azure.net", clock)
    token = key.sign({"aud": "https://vault.azure.net", "exp": int(clock.now().timestamp()) + 600})

    assert verifier.verify(token)["aud"] == "https://vault.azure.net"
    clock.advance(minutes=12)
    with pytest.raises(TokenRefusedError, match="expired"):
        verifier.verify(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_text_that_is_no_signed_token_is_refused(tmp_path, token):
    verifier = TokenVerifier(SigningKey.load(tmp_path, "k").jwks(), "a", ManualClock())

    with pytest.raises(TokenRefusedError):
        verifier.verify(token)
