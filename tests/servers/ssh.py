"""A real OpenSSH server on a free port of the loopback, whose one user is the one who runs the tests."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.servers.process import free_ports, running

START_SECONDS = 30.0


@dataclass(frozen=True)
class SshServer:
    port: int
    user: str
    private_key: str
    host_key: str
    """Its public key."""


def _make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
    if sshd is None or shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's server is not installed (on Debian: apt-get install openssh-server)")
    folder = tmp_path_factory.mktemp("sshd")
    _make_key(folder / "host")
    _make_key(folder / "user")
    (port,) = free_ports(1)
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
        f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nUsePAM no\nMaxStartups 100\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = [sshd, "-D", "-e", "-f", str(folder / "config")]
    with running(command, folder / "log", port=port, seconds=START_SECONDS):
        yield SshServer(
            port=port,
            user=getpass.getuser(),
            private_key=(folder / "user").read_text(),
            host_key=(folder / "host.pub").read_text(),
        )
