"""Writes man/org.heald.Helper1.5 from the contract: `PYTHONPATH=helper python tests/helper_man.py`."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import operations_table
from heald_helper import contract

FILE = Path(__file__).resolve().parents[1] / "man/org.heald.Helper1.5"
ITEM = re.compile(r"(?P<name>\S+)(?: +(?P<type>[a-z])  )? *(?P<text>.*)")
MEMBER = re.compile(r"<!--(?P<words>(?:(?!-->).)*)-->\s*<(?:method|signal|property) name=\"(?P<name>\w+)\"", re.DOTALL)
BEFORE = 8              # columns before the words of a member's comment: its own indentation, and <!--
HEAD = r"""
.\" Made by tests/helper_man.py from dbus/org.heald.Helper1.xml.
.Dd November 26, 2026
.Dt ORG.HEALD.HELPER1 5
.Os heald
.nh
.Sh NAME
.Nm org.heald.Helper1
.Nd the D-Bus interface of heald's root helper
.Sh SYNOPSIS
.Bl -item -compact
.It
service
.Ql org.heald.Helper1
on the system bus
.It
object
.Ql /org/heald/Helper1
.It
interface
.Ql org.heald.Helper1
.El
""".lstrip()
TAIL = r"""
.Sh FILES
.Bl -tag -width 4n
.It Pa /usr/share/dbus\-1/interfaces/org.heald.Helper1.xml
The contract itself, which the helper serves as it stands.
.It Pa /etc/heald/helper.toml
What root allows:
.Xr heald-helper.toml 5 .
.El
.Sh EXAMPLES
What this machine supports:
.Bd -literal -offset 2n
busctl get\-property org.heald.Helper1 /org/heald/Helper1 \e
    org.heald.Helper1 Operations
.Ed
.Pp
Have a failed unit started:
.Bd -literal -offset 2n
busctl call \-\-timeout=30 org.heald.Helper1 /org/heald/Helper1 \e
    org.heald.Helper1 HealService \(aqssa{sv}\(aq start shop.service 0
.Ed
.Sh SEE ALSO
.Xr busctl 1 ,
.Xr healctl 1 ,
.Xr heald 8 ,
.Xr polkit 8
""".lstrip()


def made() -> str:
    """The page."""
    xml = contract.introspection(contract.PATH) or ""
    tree = ET.fromstring(xml[xml.index("<node"):])
    said = {found["name"]: " " * BEFORE + found["words"] for found in MEMBER.finditer(xml)}
    lines = [HEAD.rstrip(), ".Sh DESCRIPTION", *_prose(xml.partition("<!--")[2].partition("-->")[0])]
    lines.append(".Sh METHODS")
    for method in tree.iter("method"):
        lines += _method(method, said[method.attrib["name"]])
    lines.append(".Sh SIGNALS")
    for signal in tree.iter("signal"):
        lines += [f".Ss {signal.attrib['name']} ( {_arguments(signal, '')} )", *_prose(said[signal.attrib["name"]])]
    lines.append(".Sh PROPERTIES")
    for one in tree.iter("property"):
        lines += [f".Ss {one.attrib['name']} ( {one.attrib['type']} )", *_prose(said[one.attrib["name"]])]
    return "\n".join([*lines, TAIL])


def _method(method: ET.Element, words: str) -> Iterator[str]:
    """Its arguments, then what it is for, then each of its operations."""
    name = method.attrib["name"]
    operations = method.find("annotation[@name='org.heald.Operations']")
    assert operations is not None
    names = operations.attrib["value"].split()
    yield f".Ss {name} ( {_arguments(method, 'in')} ) \\(-> {_arguments(method, 'out')}"
    yield from _prose(re.split(rf"\n +(?:{'|'.join(names)}) ", words)[0])
    yield ".Bl -tag -width 4n"
    for (_, operation), about in operations_table.described().items():
        if operation in names:
            yield from (f".It Ic {_escape(operation)}", _sentence(about))
    yield ".El"


def _arguments(member: ET.Element, direction: str) -> str:
    """As the standard writes them: type, then name."""
    return ", ".join(f"{arg.attrib['type']} {arg.attrib['name']}" for arg in member.iter("arg")
                     if not direction or arg.attrib.get("direction") == direction)


def _prose(comment: str) -> Iterator[str]:
    """Paragraphs; what is indented further is a list, and in it what is further still."""
    lines = [line.rstrip() for line in comment.strip("\n").splitlines()]
    base = min((_indent(line) for line in lines if line and line.startswith(" ")), default=0)
    first = True
    for blank, block in groupby(lines, key=lambda line: not line):
        if blank:
            continue
        rows = list(block)
        flat = [row.strip() for row in rows if _indent(row) <= base]
        if flat:
            yield from ([] if first else [".Pp"])
            yield _sentence(" ".join(flat))
        first = False
        if deeper := [row for row in rows if _indent(row) > base]:
            yield from _list(deeper)


def _list(rows: list[str]) -> Iterator[str]:
    base = _indent(rows[0])
    yield ".Bl -tag -width 4n"
    at = 0
    while at < len(rows):
        end = at + 1
        while end < len(rows) and _indent(rows[end]) > base:
            end += 1
        item = ITEM.fullmatch(rows[at].strip())
        assert item is not None
        yield f".It Ic {_escape(item['name'])}" + (f" No ({item['type']})" if item["type"] else "")
        further = rows[at + 1:end]
        if item["text"].endswith(":"):
            yield _sentence(item["text"])
            yield from _list(further)
        else:
            yield _sentence(" ".join([item["text"], *(row.strip() for row in further)]).strip())
        at = end
    yield ".El"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _sentence(text: str) -> str:
    """Each sentence on a line of its own, as mdoc(7) wants it."""
    return "\n".join(_escape(one) for one in re.split(r"(?<=[a-z)]\.) (?=[A-Z])", text))


def _escape(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    FILE.write_text(made())
