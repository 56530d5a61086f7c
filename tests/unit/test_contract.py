"""The contract is one: XML, root's table, polkit's actions and rules, units and what the controller may ask agree."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from heald import model
from heald_helper import bounds, contract, guard, operations, scene

ROOT = Path(__file__).resolve().parents[2]
XML = ROOT / "dbus/org.heald.Helper1.xml"
NAMES = "org.heald.Operations"
PERSONS = {("system", "verify-store"), ("system", "optimise-store"), ("system", "trim")}
OWN_UNITS = {f"heald-{operation}.service" for (_, operation), row in operations.TABLE.items()
             if row.target is scene.Target.NOTHING}


def interface() -> ET.Element:
    found = ET.parse(XML).getroot().find("interface")
    assert found is not None
    return found


def annotated() -> set[tuple[str, str]]:
    """(category, operation) as the annotations of the XML's methods name them."""
    return {(contract.METHODS[method.attrib["name"]], operation) for method in interface().iter("method")
            for note in method.findall("annotation") if note.attrib["name"] == NAMES
            for operation in note.attrib["value"].split()}


def action_of(category: str, operation: str) -> str:
    return operations.TABLE[category, operation].action or f"org.heald.helper.{category}"


def test_there_are_three_methods_all_alike() -> None:
    methods = {method.attrib["name"]: method for method in interface().iter("method")}
    assert methods.keys() == contract.METHODS.keys()
    assert sorted(contract.METHODS.values()) == sorted(model.Category)
    for method in methods.values():
        assert [arg.attrib["type"] for arg in method.iter("arg")] == ["s", "s", "a{sv}", "a{sv}"]


def test_the_table_of_root_is_what_the_xml_says() -> None:
    assert annotated() == operations.TABLE.keys()


def test_the_controller_knows_what_root_can_do() -> None:
    assert {(category, operation) for category, all_ in model.OPERATIONS.items() for operation in all_} == annotated()


def test_polkit_has_an_action_for_each_row_and_no_other() -> None:
    actions = {action.attrib["id"]: action for action in ET.parse(ROOT / "polkit/org.heald.policy").iter("action")}
    assert actions.keys() == {action_of(*row) for row in operations.TABLE}
    for action in actions.values():
        defaults = action.find("defaults")
        assert defaults is not None
        assert [default.text for default in defaults] == ["auth_admin"] * 3     # kept ones would ignore the details


def test_the_rules_let_the_controller_do_each_row_by_its_name() -> None:
    text = (ROOT / "polkit/50-heald.rules").read_text()
    granted = {(action, operation)
               for action, block in re.findall(r'action\.id === "([^"]+)"\) \{\n(.*?\n)    \}\n', text, re.DOTALL)
               for operation in re.findall(r'operation === "([^"]+)"', block)}
    assert granted == {(action_of(*row), row[1]) for row in operations.TABLE.keys() - PERSONS}
    assert text.count("polkit.Result.YES") == len({action for action, _ in granted})


@pytest.mark.parametrize(("name", "list_"), [
    ("HEALD_NEVER", guard.NEVER), ("HEALD_BUT", guard.BUT), ("HEALD_OWN", OWN_UNITS),
])
def test_the_rules_for_a_helper_without_root_say_the_same_as_its_guard(name: str, list_: tuple[str, ...]) -> None:
    text = (ROOT / "polkit/60-heald-helper.rules").read_text()
    [said] = re.findall(rf"var {name} = \[(.*?)\];", text, re.DOTALL)
    assert set(re.findall(r'"([^"]+)"', said)) == set(list_)


@pytest.mark.parametrize("name", bounds.NAMES)
def test_a_limit_that_root_sets_can_be_lifted_in_either_mode(name: str) -> None:
    unit = bounds.UNLIMIT.format(name, 2 ** 64 - 1, "many@a.service")
    instance = unit.removeprefix("heald-unlimit@").removesuffix(".service")
    for file, lead, asked in (("systemd/libexec/unlimit", 'LIMIT = re.compile(r"', instance),
                              ("polkit/60-heald-helper.rules", "var HEALD_UNLIMIT = /", unit)):
        line = next(line for line in (ROOT / file).read_text().splitlines() if line.startswith(lead))
        assert re.fullmatch(line.removeprefix(lead).split('"')[0].removesuffix("/;").strip("^$"), asked)
    assert (ROOT / "systemd/heald-unlimit@.service").exists()


def test_each_operation_that_has_a_unit_ships_it_and_the_helper_keeps_it_loaded() -> None:
    units = {path.name for path in (ROOT / "systemd").glob("heald-*.service") if "@" not in path.name}
    assert units - {"heald-helper.service", "heald-known-good.service", "heald-session.service"} == OWN_UNITS
    assert (ROOT / "systemd/heald-rollback@.service").exists()
    before = re.findall(r"^Before=(.*)$", (ROOT / "systemd/heald-helper.service").read_text(), re.MULTILINE)
    assert set(" ".join(before).split()) == OWN_UNITS


@pytest.mark.parametrize("unit", sorted(OWN_UNITS))
def test_a_unit_of_ours_looks_for_itself_and_may_always_be_started(unit: str) -> None:
    text = (ROOT / "systemd" / unit).read_text()
    person = unit in {f"heald-{operation}.service" for _, operation in PERSONS}
    assert ("\nExecCondition=/usr/lib/heald/libexec/ill " in text) is not person
    assert ("\nConditionACPower=true\n" in text) is person        # long, and nothing is ill
    assert "\nStartLimitIntervalSec=0\n" in text
    assert "\nTimeoutStartSec=" in text
    assert "\nType=oneshot\n" in text


@pytest.mark.parametrize("copy", ["controller/heald/bus/org.heald.Controller1.xml",
                                  "helper/heald_helper/org.heald.Helper1.xml"])
def test_the_xml_is_there_once(copy: str) -> None:
    path = ROOT / copy
    assert path.is_symlink()
    assert path.resolve() == ROOT / "dbus" / path.name


def test_every_error_name_of_the_helper_is_in_the_xml() -> None:
    used = set(re.findall(r'RefusedError\("(\w+)"', "".join(path.read_text() for path in (
        ROOT / "helper/heald_helper").glob("*.py"))))
    standard = {"UnknownObject", "UnknownMethod", "UnknownProperty", "PropertyReadOnly"}      # of any object
    told = {name.rpartition(".")[2] for name in re.findall(r"org\.[a-zA-Z.]+Error\.\w+", XML.read_text())}
    assert used - standard == told
