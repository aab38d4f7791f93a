"""Whom an operator disconnects: everybody, users, a network or single connections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q

from realtime.connection import Connection
from realtime.networks import Network, key_range, read_address, read_network


class TargetKind(StrEnum):
    ALL = "all"
    USERS = "users"
    NETWORK = "network"
    CONNECTIONS = "connections"


@dataclass(frozen=True, slots=True)
class Target:
    """`values`: ids of users or of connections, one network, nothing for everybody. `label` is for people."""

    kind: TargetKind
    values: tuple[str, ...]
    label: str

    @classmethod
    def everybody(cls) -> Target:
        return cls(TargetKind.ALL, (), "everybody")

    @classmethod
    def users(cls, names: Mapping[str, str]) -> Target:
        """`names`: usernames by the users' ids."""
        label = f"user {next(iter(names.values()))}" if len(names) == 1 else f"{len(names)} users"
        return cls(TargetKind.USERS, tuple(names), label)

    @classmethod
    def network(cls, text: str) -> Target:
        """Raises ValueError."""
        network = str(read_network(text))
        return cls(TargetKind.NETWORK, (network,), f"network {network}")

    @classmethod
    def connections(cls, ids: Collection[str]) -> Target:
        """Raises ValueError."""
        try:
            found = tuple(str(UUID(each)) for each in ids)
        except ValueError:
            wrong = ", ".join(ids)[:50]
            raise ValueError(
                f"{wrong!r}: expected the id of a connection, as audit_connections shows it"
            ) from None
        label = f"connection {found[0]}" if len(found) == 1 else f"{len(found)} connections"
        return cls(TargetKind.CONNECTIONS, found, label)

    @classmethod
    def read(cls, stored: Any) -> Target:
        """As an entry of the journal keeps it. Raises LookupError and ValueError where it is another's."""
        return cls(TargetKind(stored["kind"]), tuple(map(str, stored["values"])), str(stored["label"]))

    def stored(self) -> dict[str, Any]:
        return {"kind": self.kind.value, "values": list(self.values), "label": self.label}

    def matcher(self) -> Callable[[Connection], bool]:
        """Tells whether a socket of this process is meant."""
        values = frozenset(self.values)
        match self.kind:
            case TargetKind.ALL:
                return lambda _: True
            case TargetKind.USERS:
                return lambda connection: connection.user_id in values
            case TargetKind.CONNECTIONS:
                return lambda connection: connection.id in values
            case TargetKind.NETWORK:
                network = read_network(self.values[0])
                return lambda connection: _inside(connection.address, network)

    def records(self) -> Q:
        """The same, of the connections in the database."""
        match self.kind:
            case TargetKind.ALL:
                return Q()
            case TargetKind.USERS:
                return Q(user_id__in=self.values)
            case TargetKind.CONNECTIONS:
                return Q(pk__in=self.values)
            case TargetKind.NETWORK:
                return Q(address_key__range=key_range(read_network(self.values[0])))


def _inside(address: str, network: Network) -> bool:
    found = read_address(address)
    return found is not None and found in network
