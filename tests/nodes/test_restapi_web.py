"""A real HTTP server for the tests of RESTAPI, with answers of many kinds."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.executors.test_resident_kit import LIMIT_SECONDS

MEGABYTE = b"x" * 1024 * 1024


class Web:
    """An HTTP server in threads; `hits` are its requests."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.hits: list[tuple[str, str, dict[str, str], bytes]] = []
        self.slow = threading.Semaphore(0)
        """Released once for each request of `/slow` that has come."""
        self.go_on = threading.Event()
        self.left = threading.Semaphore(0)
        """Released when a client of `/slow` or `/big` has gone."""
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                headers = {name.lower(): value for name, value in self.headers.items()}
                web.hits.append((self.command, self.path, headers, self.rfile.read(length)))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.answer(self.path)

            do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET

            def reply(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def answer(self, path: str) -> None:
                what, _, rest = path.removeprefix("/").partition("/")
                match what:
                    case "status":
                        self.reply(int(rest), b"because")
                    case "to":
                        status, _, place = rest.partition("/")
                        self.reply(int(status), b"", Location=place)
                    case "size":
                        self.reply(200, b"y" * int(rest))
                    case "gzip":
                        self.reply(200, gzip.compress(b"small"), Content_Encoding="gzip")
                    case "latin":
                        self.reply(200, "é".encode("latin-1"), Content_Type="text/plain; charset=iso-8859-1")
                    case "charset":
                        self.reply(200, "é".encode(), Content_Type=f"text/plain; charset={rest}")
                    case "marked":
                        self.reply(200, b'\xef\xbb\xbf{"a": 1}', Content_Type="application/json; charset=utf-8")
                    case "short":
                        self.short()
                    case "rubbish":
                        self.reply(200, b"not packed at all", Content_Encoding="gzip")
                    case "big" | "bomb":
                        self.big(what == "bomb")
                    case "slow":
                        self.slow_one()
                    case _:
                        self.reply(200, b'{"ok": true}')

            def big(self, packed: bool) -> None:
                if packed:
                    self.reply(200, gzip.compress(MEGABYTE * 64, 1), Content_Encoding="gzip")
                    return
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    for _ in range(1000):
                        self.wfile.write(MEGABYTE)
                except OSError:
                    web.left.release()

            def short(self) -> None:
                """It goes in the middle of its answer."""
                self.send_response(200)
                self.send_header("Content-Length", "10")
                self.end_headers()
                self.wfile.write(b"sho")
                self.close_connection = True

            def slow_one(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"sl")
                self.wfile.flush()
                web.slow.release()
                if web.go_on.wait(0):
                    self.wfile.write(b"ow")
                elif not self.connection.recv(1):
                    web.left.release()

            def log_message(self, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    async def wait(self, semaphore: threading.Semaphore) -> None:
        assert await asyncio.to_thread(semaphore.acquire, timeout=LIMIT_SECONDS)


def certificate_for(name: str, folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
