"""Of a reply with many properties only those are decoded that are wanted, and those are what they would be anyway."""

import io
from pathlib import Path
from typing import Any

import pytest
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant
from hypothesis import given
from hypothesis import strategies as st

from heald.bus.reader import Reader
from heald.bus.unit import WANTED, as_unit

ANY = {
    "Byte": Variant("y", 7), "Flag": Variant("b", True), "Short": Variant("n", -3), "Word": Variant("q", 3),
    "Int": Variant("i", -5), "Count": Variant("u", 5), "Long": Variant("x", -(1 << 40)), "Stamp": Variant("t", 1 << 40),
    "Part": Variant("d", 0.5), "Text": Variant("s", "text"), "Empty": Variant("s", ""), "Path": Variant("o", "/a/b"),
    "Kind": Variant("g", "a{sv}"), "Names": Variant("as", ["a", "bcd", ""]), "None": Variant("as", []),
    "Stamps": Variant("at", [1, 2]), "NoStamps": Variant("at", []), "Bytes": Variant("ay", b"12345"),
    "Pairs": Variant("a(sb)", [["x", True], ["longer", False]]), "NoPairs": Variant("a(sb)", []),
    "Map": Variant("a{sv}", {"k": Variant("v", Variant("s", "deep"))}), "Numbers": Variant("an", [1, 2, 3]),
    "Job": Variant("(uo)", [1, "/job"]), "Status": Variant("(aiai)", [[1, 2], []]),
    "Any": Variant("v", Variant("y", 1)), "Lists": Variant("aas", [["a"], [], ["b", "c"]]),
}


def reply(found: dict[str, Variant], serial: int = 9) -> bytes:
    message = Message(message_type=MessageType.METHOD_RETURN, reply_serial=serial, destination=":1.1", sender=":1.0",
                      signature="a{sv}", body=[found], serial=2)
    return bytes(message._marshall())       # type: ignore[no-untyped-call]


def read(data: bytes, *keys: str, serial: int = 9) -> tuple[Any, str]:
    """The body, and why it was refused."""
    reader = Reader(io.BytesIO(data), {serial: frozenset(key.encode() for key in keys)})
    message = reader.unmarshall()       # type: ignore[no-untyped-call]
    return message and message.body, reader.refused


@given(st.lists(st.sampled_from(sorted(ANY)), unique=True), st.sets(st.sampled_from(sorted(ANY))))
def test_what_is_wanted_is_as_if_all_were_decoded(there: list[str], wanted: set[str]) -> None:
    data = reply({key: ANY[key] for key in there})
    [whole], _ = read(data, serial=1)
    [some], refused = read(data, *wanted)
    assert (some, refused) == ({key: value for key, value in whole.items() if key in wanted}, "")


@given(st.data())
def test_no_byte_that_is_wrong_ends_the_connection(data: st.DataObject) -> None:
    right = reply(ANY)
    wrong = bytearray(right)
    body = len(right) - int.from_bytes(right[4:8], "little")
    for at in data.draw(st.sets(st.integers(body, len(right) - 1), min_size=1, max_size=4)):
        wrong[at] = data.draw(st.integers(0, 255))
    body_read, refused = read(bytes(wrong), "Text", "Job", "Lists")
    assert bool(refused) is (body_read == [])


@pytest.mark.parametrize("change", [1, -1, 8, 1000])
def test_a_dictionary_that_does_not_end_where_it_says_is_refused(change: int) -> None:
    data = bytearray(reply(ANY))
    at = len(data) - int.from_bytes(data[4:8], "little")
    data[at:at + 4] = (int.from_bytes(data[at:at + 4], "little") + change).to_bytes(4, "little")
    assert read(bytes(data), "Text")[1].startswith("the message cannot be decoded")


def test_a_message_that_claims_more_than_it_has_takes_nothing_of_the_next() -> None:
    right, wrong = reply(ANY), bytearray(reply(ANY))
    at = len(wrong) - int.from_bytes(wrong[4:8], "little")
    wrong[at:at + 4] = (int.from_bytes(wrong[at:at + 4], "little") + 500).to_bytes(4, "little")
    stream = io.BytesIO(bytes(wrong) + right)
    readers = [Reader(stream, {}) for _ in range(2)]
    assert [len(reader.unmarshall().body) for reader in readers] == [0, 1]     # type: ignore[no-untyped-call]
    assert [reader.refused for reader in readers] == ["the message cannot be decoded (EOFError)", ""]


class Asked(dict[str, Any]):
    """Notes what it is asked for."""

    def __init__(self, has: dict[str, Any]) -> None:
        super().__init__(has)
        self.keys_asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.keys_asked.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("has", [{}, {"ActiveState": "active", "FailureAction": "reboot", "ExecMainStatus": 1}])
def test_what_a_unit_is_made_of_is_wanted(has: dict[str, Any]) -> None:
    found = Asked(has)
    as_unit("a.service", found, needed=False)
    assert {key.encode() for key in found.keys_asked} <= WANTED


def test_a_file_that_a_generator_writes_anew_at_each_reload_was_changed_when_its_source_was(tmp_path: Path) -> None:
    (fstab := tmp_path / "fstab").touch()
    found = {"FragmentPath": "/run/systemd/generator/srv.mount", "SourcePath": str(fstab), "DropInPaths": ()}
    assert as_unit("srv.mount", found, needed=False).files == fstab.stat().st_ctime
    assert as_unit("srv.mount", found | {"SourcePath": ""}, needed=False).files == 0
