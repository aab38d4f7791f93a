"""How each switch and limit stands: what each side says, and what is in force where."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from realtime import journal, leases, policy
from realtime.eventlog import rfc3339
from realtime.models import GatewayProcess, PolicySetting
from realtime.policy import SETTINGS, Setting, shown


@dataclass(frozen=True, slots=True)
class OnGateway:
    """`in_force` there, by its own environment; `followed`: it knows what operators have set last."""

    instance: str
    in_force: Any
    followed: bool

    @property
    def words(self) -> str:
        return shown(self.in_force)


@dataclass(frozen=True, slots=True)
class Standing:
    """One setting. `environment` is this process's; None where a side says nothing."""

    setting: Setting
    environment: Any
    operators: Any
    in_force: Any
    set_at: datetime | None
    set_by: str | None
    gateways: list[OnGateway]

    @property
    def name(self) -> str:
        return self.setting.name

    @property
    def label(self) -> str:
        return self.setting.label

    @property
    def variable(self) -> str:
        return self.setting.variable or "no variable"

    @property
    def words(self) -> str:
        """What is in force, for people."""
        return shown(self.in_force, self.setting)

    @property
    def since(self) -> str:
        """Since when and by whom operators have it so; empty where they have set nothing."""
        if self.set_at is None:
            return ""
        return f", since {self.set_at:%Y-%m-%d %H:%M:%S} UTC by {self.set_by}"

    @property
    def differing(self) -> list[OnGateway]:
        """The gateways on which something else is in force than here."""
        return [one for one in self.gateways if one.in_force != self.in_force]

    @property
    def everywhere(self) -> Any:
        """What is in force on the gateways that live, here where there is none; None: on each another."""
        values = [one.in_force for one in self.gateways] or [self.in_force]
        return values[0] if all(value == values[0] for value in values) else None

    @property
    def by_strict(self) -> bool:
        """Whether it is on because strict mode brings it, and for no other reason."""
        own = self.setting.in_force(self.environment, self.operators)
        return self.name in policy.BROUGHT_BY_STRICT and bool(self.in_force) and not own

    @property
    def behind(self) -> list[OnGateway]:
        return [one for one in self.gateways if not one.followed]

    def as_json(self) -> dict[str, Any]:
        return {
            "setting": self.name,
            "inForce": self.in_force,
            "environment": self.environment,
            "operators": self.operators,
            "since": self.set_at and rfc3339(self.set_at),
            "by": self.set_by,
            "gateways": [
                {"instance": one.instance, "inForce": one.in_force, "followed": one.followed}
                for one in self.gateways
            ],
        }


def of_all() -> list[Standing]:
    """Every setting, in the order of the catalogue."""
    head = journal.head()
    rows = {row.name: row for row in PolicySetting.objects.all()}
    own = policy.environment()
    operators, _ = policy.understood((name, row.value) for name, row in rows.items())
    here = policy.values_in_force(own, operators)
    there = [
        (one.instance, policy.values_in_force({**own, **one.environment}, operators), one.rules_seq >= head)
        for one in GatewayProcess.objects.filter(leases.live())
    ]
    return [
        _standing(
            setting,
            own[setting.name],
            here[setting.name],
            rows.get(setting.name),
            [OnGateway(instance, values[setting.name], followed) for instance, values, followed in there],
        )
        for setting in SETTINGS.values()
    ]


def of(name: str) -> Standing:
    """One setting, by its name."""
    return next(standing for standing in of_all() if standing.name == name)


def _standing(
    setting: Setting, environment: Any, in_force: Any, row: PolicySetting | None, gateways: list[OnGateway]
) -> Standing:
    return Standing(
        setting=setting,
        environment=environment,
        operators=row.value if row else None,
        in_force=in_force,
        set_at=row.set_at if row else None,
        set_by=row.set_by if row else None,
        gateways=gateways,
    )
