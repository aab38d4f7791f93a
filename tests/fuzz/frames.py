"""Frames of our sockets and packets of Socket.IO, valid, odd and broken, as hypothesis strategies."""

import json

from hypothesis import strategies as st

from tests.fuzz.values import IDS, TOKENS, broken, json_objects, json_values, texts

COMMANDS = ("auth", "ping", "status", "project:join", "project:leave", "presence:update")
SERVERS_OWN = ("ack", "error", "hello", "heartbeat", "system:polling", "task:created", "member:removed", "")
FIELDS = ("projectId", "since", "token", "state", "id", "event", "data", "type")
SINCE = (
    "0",
    "1",
    "2",
    "null",
    "41.0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "1e400",
    "true",
    '"1"',
)
STATES = ('"x"', "null", '{"a":[1]}', "1e400")

ids = st.sampled_from(("", "1", '"a"', "1.0", "null", "-1", '""', "{}", "9007199254740993", '"x"'))
plain_data = st.one_of(
    st.builds('{{"projectId":"{}"}}'.format, st.sampled_from(IDS)),
    st.builds('{{"projectId":"{}","since":{}}}'.format, st.sampled_from(IDS), st.sampled_from(SINCE)),
    st.builds('{{"projectId":"{}","state":{}}}'.format, st.sampled_from(IDS), st.sampled_from(STATES)),
    st.builds('{{"token":"{}"}}'.format, st.sampled_from(TOKENS)),
    st.just("{}"),
)
odd_data = json_objects(FIELDS, json_values) | json_values


def _frame(event: str, data: str, frame_id: str) -> str:
    return (
        "{" + (f'"id":{frame_id},' if frame_id else "") + f'"event":{json.dumps(event)},"data":{data}' + "}"
    )


commands = st.builds(_frame, st.sampled_from(COMMANDS), plain_data, ids)
odd_frames = st.one_of(
    st.builds(_frame, st.sampled_from(COMMANDS), odd_data, ids),
    st.builds(_frame, st.sampled_from(SERVERS_OWN) | texts, odd_data, ids),
    json_objects(FIELDS, json_values),
    json_values,
)
frames = commands | odd_frames | broken(commands) | texts

# --- Socket.IO ------------------------------------------------------------------------------------

kinds = st.sampled_from(
    ("40", "41", "42", "43", "44", "45", "46", "451-", "459-", "45999-", "461-", "47", "4")
)
namespaces = st.sampled_from(("", "/,", "/admin,", "/?a=b,", "/no comma"))
packet_ids = st.sampled_from(("", "0", "1", "12", "9007199254740993", "9" * 30))
events = st.builds(
    "[{},{}]".format, st.sampled_from(COMMANDS).map(json.dumps) | json_values, plain_data | odd_data
)
connect_data = st.builds('{{"token":"{}"}}'.format, st.sampled_from(TOKENS)) | json_values

commands_of_socketio = st.builds("42{}{}".format, packet_ids, events)
odd_packets = st.one_of(
    st.builds("".join, st.tuples(kinds, namespaces, packet_ids, events | connect_data)),
    st.sampled_from(("0", "1", "2", "2probe", "3", "3probe", "5", "6", "7", "b", "bAAAA", "b!", "4", "")),
    texts,
)
packets = commands_of_socketio | odd_packets | broken(commands_of_socketio)
