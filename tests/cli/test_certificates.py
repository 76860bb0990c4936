"""`arkwright certificates make`: what it makes is good for both ends of a TLS connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from arkwright.certificates import make_certificates
from arkwright.cli import run
from arkwright.errors import InvalidInput, SettingInvalid


def talk(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bytes:
    """What a client of that server reads."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        # What a client refuses, the client says.
        with contextlib.suppress(ssl.SSLError), ours, server.wrap_socket(ours, server_side=True) as secure:
            secure.sendall(b"hello")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with theirs, client.wrap_socket(theirs, server_hostname=name) as secure:
            return secure.recv(5)
    finally:
        thread.join(10)


def context(folder: Path, holder: str, side: ssl.Purpose) -> ssl.SSLContext:
    made = ssl.create_default_context(side, cafile=str(folder / "ca.pem"))
    made.load_cert_chain(folder / f"{holder}.pem", folder / f"{holder}-key.pem")
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def test_both_sides_trust_each_other_by_name_and_by_address(tmp_path: Path) -> None:
    assert run(["certificates", "make", str(tmp_path), "--name", "db1.example.org", "--name", "10.0.0.5"]) == 0
    server, client = (
        context(tmp_path, "server", ssl.Purpose.CLIENT_AUTH),
        context(tmp_path, "worker", ssl.Purpose.SERVER_AUTH),
    )
    for name in ("db1.example.org", "10.0.0.5"):
        assert talk(server, client, name) == b"hello"
    for key in tmp_path.glob("*-key.pem"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_who_has_the_workers_certificate_passes_for_no_machine(tmp_path: Path) -> None:
    """A program on a worker can read it. Dask, for which it is made, looks at the authority alone."""
    make_certificates(tmp_path, ["api.example.org", "10.0.0.5"], days=1)
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    impostor = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    impostor.load_cert_chain(tmp_path / "worker.pem", tmp_path / "worker-key.pem")
    for name in ("api.example.org", "10.0.0.5"):
        with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
            talk(impostor, client, name)
    client.check_hostname = False
    assert talk(impostor, client, "api.example.org") == b"hello"


def test_the_authority_is_used_again(tmp_path: Path) -> None:
    first = make_certificates(tmp_path, ["a"], days=1)
    authority, old = (tmp_path / "ca.pem").read_bytes(), (tmp_path / "server.pem").read_bytes()
    second = make_certificates(tmp_path, ["b"], days=1)
    assert (first.new_authority, second.new_authority) == (True, False)
    assert (tmp_path / "ca.pem").read_bytes() == authority
    assert (tmp_path / "server.pem").read_bytes() != old


@pytest.mark.parametrize("name", ["", "a b", "ä.example.org", "https://a", "a..b"])
def test_what_is_no_name_of_a_machine_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="--name must be"):
        make_certificates(tmp_path, [name], days=1)
    assert not list(tmp_path.iterdir())


def test_half_an_authority_is_refused(tmp_path: Path) -> None:
    make_certificates(tmp_path, ["a"], days=1)
    (tmp_path / "ca-key.pem").unlink()
    with pytest.raises(SettingInvalid, match="without the other"):
        make_certificates(tmp_path, ["a"], days=1)
