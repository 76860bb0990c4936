"""Hosts on one machine: each a network namespace with an address of its own, joined by a bridge.

What a program says in its namespace can be dropped, wholly or in part, in one direction or both, per pair of hosts;
nothing is told about it to either side, as when a cable is cut. Slow lines are a token bucket on the host's interface.

Needs root, `ip` and `tc` (iproute2) and `nft` (nftables); `missing()` says what is not there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

RULES = """
table inet chaos {
  set gone_in { type ipv4_addr; }
  set gone_out { type ipv4_addr; }
  set lossy { type ipv4_addr; }
  chain incoming {
    type filter hook input priority 0;
    ip saddr @gone_in drop
    ip saddr @lossy numgen random mod 100 < 15 drop
  }
  chain outgoing {
    type filter hook output priority 0;
    ip daddr @gone_out drop
  }
}
"""
SLOW = ("rate", "400kbit", "burst", "16kb", "latency", "300ms")


def missing() -> str:
    """Why there can be no hosts here; empty if there can."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [name for name in ("ip", "tc", "nft") if not shutil.which(name, path=path)]
    if absent:
        return f"{', '.join(absent)} not found (on Debian: apt-get install iproute2 nftables)"
    if os.geteuid() != 0:
        return "network namespaces are made by root only"
    name = f"ark-try-{secrets.token_hex(3)}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"this machine makes no network namespaces: {tried.stderr.strip()}"
    try:
        _run("ip", "netns", "exec", name, "nft", "-f", "-", given=RULES)
    except AssertionError as error:
        return f"this machine's kernel can't drop packets as asked: {error}"
    finally:
        _run("ip", "netns", "del", name)
    return ""


def _run(*command: str, given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout


@dataclass(frozen=True)
class Host:
    name: str
    """Its short name: db, api1, …"""
    namespace: str
    address: str

    def command(self, *command: str) -> list[str]:
        """The command, run on this host: same process id, this host's network and host name."""
        named = f'hostname {self.name} && exec "$@"'
        return ["ip", "netns", "exec", self.namespace, "unshare", "--uts", "sh", "-c", named, "sh", *command]

    def pids(self) -> list[int]:
        """Everything that runs on it."""
        return [int(pid) for pid in _run("ip", "netns", "pids", self.namespace).split()]

    def rules(self, text: str) -> None:
        _run("ip", "netns", "exec", self.namespace, "nft", "-f", "-", given=text)


@dataclass
class Network:
    """The hosts by name; the machine itself is at `gateway`."""

    bridge: str
    subnet: str
    hosts: dict[str, Host] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        return f"{self.subnet}.1"

    def add(self, name: str) -> Host:
        number = len(self.hosts) + 2
        host = Host(name, f"{self.bridge}-{name}", f"{self.subnet}.{number}")
        inside, outside = f"{self.bridge}i{number}", f"{self.bridge}o{number}"
        _run("ip", "netns", "add", host.namespace)
        self.hosts[name] = host
        _run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside)
        _run("ip", "link", "set", outside, "master", self.bridge, "up")
        _run("ip", "link", "set", inside, "netns", host.namespace)
        within = ("ip", "-n", host.namespace)
        _run(*within, "link", "set", inside, "name", "eth0")
        _run(*within, "addr", "add", f"{host.address}/24", "dev", "eth0")
        _run(*within, "link", "set", "eth0", "up")
        _run(*within, "link", "set", "lo", "up")
        host.rules(RULES)
        return host

    # -- what can happen between two hosts
    def cut(self, one: Host, other: Host, *, back: bool = True) -> None:
        """What `one` says no longer reaches `other`; nor the other way round, unless not `back`."""
        one.rules(f"add element inet chaos gone_out {{ {other.address} }}")
        if back:
            one.rules(f"add element inet chaos gone_in {{ {other.address} }}")

    def lose(self, one: Host, other: Host) -> None:
        """A part of what they say to each other is lost."""
        one.rules(f"add element inet chaos lossy {{ {other.address} }}")
        other.rules(f"add element inet chaos lossy {{ {one.address} }}")

    def slow(self, host: Host) -> None:
        _run("tc", "-n", host.namespace, "qdisc", "replace", "dev", "eth0", "root", "tbf", *SLOW)

    def fast(self, host: Host) -> None:
        with contextlib.suppress(AssertionError):  # it was never slow
            _run("tc", "-n", host.namespace, "qdisc", "del", "dev", "eth0", "root")

    def heal(self, hosts: Sequence[Host] = ()) -> None:
        for host in hosts or list(self.hosts.values()):
            host.rules("".join(f"flush set inet chaos {name}\n" for name in ("gone_in", "gone_out", "lossy")))

    def close(self) -> None:
        for host in self.hosts.values():
            for pid in host.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            _run("ip", "netns", "del", host.namespace)
        _run("ip", "link", "del", self.bridge)


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """An empty network. All that runs on its hosts ends with it."""
    made = Network(f"ak{secrets.token_hex(3)}", f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(256)}")
    _run("ip", "link", "add", made.bridge, "type", "bridge")
    try:
        _run("ip", "addr", "add", f"{made.gateway}/24", "dev", made.bridge)
        _run("ip", "link", "set", made.bridge, "up")
        yield made
    finally:
        made.close()
