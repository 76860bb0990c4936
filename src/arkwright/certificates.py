"""Certificates of an installation's own: an authority, and one for servers and one for workers that it vouches for.

Rules: keys are readable by their owner alone. Each is good for both ends of a connection, since Dask's sides are both.
Only the server's bears names of machines: a program on a worker can read the worker's, and must not pass for the API
with it; Dask looks at the authority alone. A file is written whole or not at all; the authority that is there is used
again, never replaced.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from arkwright.errors import InvalidInput, SettingInvalid

AUTHORITY, AUTHORITY_KEY = "ca.pem", "ca-key.pem"
NO_MACHINE = x509.DNSName("worker.invalid")
_BACKWARDS = datetime.timedelta(minutes=5)
"""For machines whose clock is behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    files: tuple[str, ...]
    new_authority: bool


def make_certificates(folder: Path, names: Sequence[str], *, days: int) -> Made:
    """Raises `InvalidInput` for a name that is none, `SettingInvalid` for a folder that can't be used."""
    hosts = [_host(name) for name in names]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = _authority(folder)
        key, certificate = known or _new_authority(days * 10)
        files = []
        if known is None:
            _write(folder / AUTHORITY_KEY, _key_text(key), private=True)
            _write(folder / AUTHORITY, certificate.public_bytes(serialization.Encoding.PEM))
            files += [AUTHORITY, AUTHORITY_KEY]
        for holder, known_as in (("server", hosts), ("worker", [NO_MACHINE])):
            own_key = ec.generate_private_key(ec.SECP256R1())
            own = _signed(holder, own_key.public_key(), known_as, days, key, certificate)
            _write(folder / f"{holder}-key.pem", _key_text(own_key), private=True)
            _write(folder / f"{holder}.pem", own.public_bytes(serialization.Encoding.PEM))
            files += [f"{holder}.pem", f"{holder}-key.pem"]
    except OSError as error:
        raise SettingInvalid(f"The folder {folder} can't be used: {error.strerror or error}.") from None
    return Made(files=tuple(files), new_authority=known is None)


def check_pair(certificate: Path, key: Path, *, names: tuple[str, str]) -> None:
    """`names`: of the two settings. Raises `SettingInvalid` for files that nobody could prove himself with."""
    try:
        # A password is refused rather than asked for: nobody may be there.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except OSError as error:  # also what ssl says
        raise SettingInvalid(
            f"{names[0]} {certificate} and {names[1]} {key} can't be used: {error.strerror or error}.",
            hint="They must be PEM files: a certificate, and its key without a password. "
            "`arkwright certificates make DIR --name HOST` makes such.",
        ) from None


def check_time(certificate: Path, *, name: str) -> None:
    """`name`: of the setting. Raises `SettingInvalid` for a certificate that nobody accepts any more, or not yet."""
    now = datetime.datetime.now(datetime.UTC)
    own = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    if own.not_valid_after_utc < now:
        raise SettingInvalid(
            f"{name} {certificate} expired on {own.not_valid_after_utc:%Y-%m-%d %H:%M} UTC: nobody accepts it.",
            hint="Get a new one; `arkwright certificates make DIR --name HOST` makes it where your authority is.",
        )
    if own.not_valid_before_utc > now:
        raise SettingInvalid(
            f"{name} {certificate} is good from {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on.",
            hint=f"Here it is {now:%Y-%m-%d %H:%M} UTC: is the clock right?",
        )


def check_authority(file: Path, *, name: str) -> None:
    """`name`: of the setting. Raises `SettingInvalid` for a file that holds no certificate to trust."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:  # also what ssl says
        raise SettingInvalid(
            f"{name} {file} can't be used: {error.strerror or error}.",
            hint="It must be a PEM file with the authority's certificate (ca.pem).",
        ) from None


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    labels = name.removeprefix("*.").split(".")
    if not name.isascii() or len(name) > 253 or not all(part and part.replace("-", "").isalnum() for part in labels):
        raise InvalidInput(f"--name must be the name or the address of a machine, not {name[:80]!r}.", field="name")
    return x509.DNSName(name)


def _authority(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
    there = [(folder / name).exists() for name in (AUTHORITY, AUTHORITY_KEY)]
    if not any(there):
        return None
    if not all(there):
        raise SettingInvalid(
            f"{folder} has one of {AUTHORITY} and {AUTHORITY_KEY} without the other.",
            hint="Put the other one back, or name another folder.",
        )
    try:
        key = serialization.load_pem_private_key((folder / AUTHORITY_KEY).read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
    except ValueError as error:
        raise SettingInvalid(f"{folder} holds an authority that can't be read: {error}.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingInvalid(f"{folder}/{AUTHORITY_KEY} is not a key that this command made.")
    return key, certificate


def _new_authority(days: int) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Arkwright authority")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _signed(
    holder: str,
    public_key: ec.EllipticCurvePublicKey,
    hosts: Sequence[x509.GeneralName],
    days: int,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Arkwright {holder}")])
    both_ends = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        _builder(name, authority.subject, public_key, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(both_ends, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKWARDS)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _key_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, text: bytes, *, private: bool = False) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    fresh.replace(path)
