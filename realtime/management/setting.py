"""How one setting stands, in the words of the commands that show and set it."""

from typing import Any

from realtime import policy, standing
from realtime.policy import Kind, shown
from realtime.standing import Standing


def in_force(stands: Standing) -> str:
    """What is in force on the gateways that live: `on`, or where they differ `on, but off on vm-1`."""
    usual = _usual(stands)
    others: dict[str, list[str]] = {}
    for one in stands.gateways:
        if one.in_force != usual:
            others.setdefault(shown(one.in_force, stands.setting), []).append(one.instance)
    words = shown(usual, stands.setting)
    if not others:
        return words
    differing = " and ".join(f"{value} on {', '.join(there)}" for value, there in others.items())
    return f"{words}, but {differing}"


def _usual(stands: Standing) -> Any:
    """What most of them have, of a draw the laxer; where no gateway lives what this process has."""
    values = [one.in_force for one in stands.gateways] or [stands.in_force]
    return max(values, key=lambda value: (values.count(value), value is not stands.setting.strict))


def headline(stands: Standing) -> str:
    if stands.setting.kind is Kind.SWITCH:
        return f"{stands.label} is {in_force(stands)}."
    return f"{stands.label}: {in_force(stands)}"


def already(stands: Standing) -> str:
    """The same of a value that was asked for and is there."""
    if stands.setting.kind is Kind.SWITCH:
        return f"{stands.label} is {in_force(stands)} already."
    return f"{stands.label}: {in_force(stands)}, already."


def sides(stands: Standing) -> list[str]:
    """A line for what each side says, and for each gateway."""
    lines = [f"  environment  {in_environment(stands)}"] if stands.setting.variable else []
    lines.append(f"  operators    {shown(stands.operators, stands.setting)}{stands.since}")
    lines += [
        f"  gateway      {one.instance}: {shown(one.in_force, stands.setting)}"
        + ("" if one.followed else ", has not followed yet")
        for one in stands.gateways
    ]
    return lines if stands.gateways else [*lines, "  no gateway is running"]


def in_environment(stands: Standing) -> str:
    """`STRICT_MODE=false`: what the environment of this process says."""
    return _assigned(stands.variable, stands.environment)


def _assigned(variable: str, value: Any) -> str:
    return f"{variable}={str(value).lower() if isinstance(value, bool) else value}"


def of_shell_alone(stands: Standing) -> list[str]:
    """A line where what the environment of this shell brings about holds for no gateway."""
    if not stands.setting.variable or any(one.in_force == stands.in_force for one in stands.gateways):
        return []
    cause = in_environment(stands)
    if stands.by_strict:
        cause = in_environment(standing.of("strict"))
    return [f"This shell's {cause} holds for no gateway."] if stands.gateways else []


def against(stands: Standing, wanted: Any, written: Any) -> str | None:
    """Why it is not in force everywhere as an operator wants it; None where it is.

    written: what this operator has set for it, None to leave it to the environment
    """
    word = shown(wanted, stands.setting)
    if not stands.gateways:
        if stands.in_force == wanted:
            return None
        where, whose = "here", "this"
    else:
        there = [one.instance for one in stands.gateways if one.in_force != wanted]
        if not there:
            return None
        where, whose = f"on {', '.join(there)}", "its" if len(there) == 1 else "their"
    if stands.operators != written:
        return f"not {word} {where}: set otherwise meanwhile by {stands.set_by or 'another operator'}"
    if _brought_by_strict(stands, wanted):
        return f"not {word} {where}: strict mode is on there, and brings it. Turn that off first"
    return (
        f"not {word} {where}: {stands.variable} of {whose} environment is the stricter. "
        f"Set it to {word} there and restart"
    )


def _brought_by_strict(stands: Standing, wanted: Any) -> bool:
    """Whether strict mode has to do with it, where it is not as wanted."""
    if stands.name not in policy.BROUGHT_BY_STRICT:
        return False
    strict = standing.of("strict")
    if not strict.gateways:
        return bool(strict.in_force)
    under_it = {one.instance for one in strict.gateways if one.in_force}
    return any(one.in_force != wanted and one.instance in under_it for one in stands.gateways)


def read(setting: policy.Setting, text: str) -> Any:
    """What an operator has typed, None for `unset`. Raises ValueError, which says what is allowed."""
    try:
        return None if text == "unset" else setting.parse(text)
    except ValueError as wrong:
        raise ValueError(f"{wrong}, or unset") from None
