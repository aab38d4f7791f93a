"""Where a gateway is: one address for its sockets and for its HTTP."""

from dataclasses import dataclass
from urllib.parse import urlsplit

SCHEMES = {"ws": False, "wss": True, "http": False, "https": True}
EXPECTED = "expected ws://, wss://, http:// or https:// with a host, like ws://localhost:8002"


@dataclass(frozen=True, slots=True)
class Address:
    """`host` without brackets; `path` is where sockets open."""

    host: str
    port: int
    secure: bool = False
    path: str = "/ws"

    @classmethod
    def read(cls, text: str) -> "Address":
        """From what somebody has typed. Raises ValueError, which says what is expected."""
        try:
            parts = urlsplit(text.strip())
            host, port = parts.hostname, parts.port
        except ValueError as wrong:
            raise ValueError(f"{text!r}: {wrong}; {EXPECTED}") from None
        path = parts.path.rstrip("/")
        beyond = parts.query or parts.fragment or parts.username or path not in ("", "/ws")
        if parts.scheme not in SCHEMES or not host or beyond:
            raise ValueError(f"{text!r}: {EXPECTED}")
        secure = SCHEMES[parts.scheme]
        # A bare ws://host/ is where sockets open too; a proxy may pass on the one or the other.
        own = "/" if parts.path == "/" and parts.scheme.startswith("ws") else "/ws"
        return cls(host, port or (443 if secure else 80), secure, path or own)

    @property
    def netloc(self) -> str:
        """Host and port, as the Host header has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def http(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.netloc}"

    @property
    def socket(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://{self.netloc}{self.path}"
