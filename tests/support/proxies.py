"""nginx and HAProxy in front of a gateway, each from a configuration that the test writes.

In a text `@PORT@` stands for the free port that was found (`@PORT2@` for another, should one be needed) and
`@FOLDER@` for a folder of its own. `with` waits until it listens, and ends it:

    Nginx(f"server {{ listen 127.0.0.1:@PORT@; location / {{ proxy_pass {gateway.http_url}; }} }}", tmp_path)
    HAProxy(f"listen web\n  bind 127.0.0.1:@PORT@\n  server one 127.0.0.1:{gateway.port}\n", tmp_path)
"""

import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.processes import Server, free_port

NGINX = """
daemon off;
master_process off;
pid @FOLDER@/nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path @FOLDER@/body;
    proxy_temp_path @FOLDER@/proxy;
    fastcgi_temp_path @FOLDER@/fastcgi;
    uwsgi_temp_path @FOLDER@/uwsgi;
    scgi_temp_path @FOLDER@/scgi;
    map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
@TEXT@
}
"""
HAPROXY = """
global
    maxconn 512
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 60s
@TEXT@
"""


class Proxy(Server):
    """A proxy that listens on `port`, and on `second_port` where the text says `@PORT2@`.

    `http_url` and `ws_url` are those of `port`; a test of TLS makes its own.
    """

    program: str
    around: str
    arguments: Sequence[str]

    def __init__(self, text: str, folder: Path) -> None:
        self.port, self.second_port = free_port(), free_port()
        self.http_url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/"
        ports = [self.port, *([self.second_port] if "@PORT2@" in text else [])]
        own = folder / f"{self.program}-{self.port}"
        own.mkdir()
        configuration = own / f"{self.program}.conf"
        configuration.write_text(self._filled(text, own))
        command = [_found(self.program), *self.arguments, str(configuration)]
        log = own / f"{self.program}-{self.port}.log"
        super().__init__(command, log, ready=lambda: all(map(_listens, ports)))

    def _filled(self, text: str, own: Path) -> str:
        filled = self.around.replace("@TEXT@", text).replace("@FOLDER@", str(own))
        return filled.replace("@PORT@", str(self.port)).replace("@PORT2@", str(self.second_port))


class Nginx(Proxy):
    """The text is what stands inside `http { … }`; `$connection_upgrade` is there for WebSocket."""

    program = "nginx"
    around = NGINX
    arguments = ("-e", "stderr", "-c")


class HAProxy(Proxy):
    """The text is what stands behind `defaults`: frontends and backends."""

    program = "haproxy"
    around = HAPROXY
    arguments = ("-db", "-f")


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A self-signed certificate for these host names, and its key."""
    crt, key = folder / "tls.crt", folder / "tls.key"
    subjects = ",".join(f"DNS:{name}" for name in names)
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-days", "2", "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={subjects}"]
    subprocess.run([*command, "-out", str(crt), "-keyout", str(key)], check=True, capture_output=True)
    return crt, key


def _found(program: str) -> str:
    """Its path: both live where only root looks."""
    places = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/usr/local/sbin"]
    return next((str(path) for path in (Path(place) / program for place in places) if path.exists()), program)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
