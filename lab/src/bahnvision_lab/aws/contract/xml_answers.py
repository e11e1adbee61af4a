"""Answers in XML (protocols query, ec2 and rest-xml), element by element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree

from moto.core.model import ListShape, MapShape, Shape, StructureShape

from bahnvision_lab.aws.contract.scalars import Problem, text_problem

# What stands around the members in every answer; the model does not list it.
ENVELOPE = {"ResponseMetadata", "requestId", "RequestId"}
# EC2 says <return>true</return> where the model has no member for it.
UNLISTED = {"return"}


def problems(shape: StructureShape | None, body: bytes, wrapped: bool) -> Iterator[Problem]:
    """Compare the body with the output shape; `wrapped` answers have their members in <...Result>."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - the lab's own answer
    except ElementTree.ParseError as problem:
        yield Problem("", f"is no XML: {problem}")
        return
    wrapper = shape.serialization.get("resultWrapper") if shape is not None and wrapped else None
    inner = root if wrapper is None else next((node for node in root if _tag(node) == wrapper), None)
    if inner is None:
        yield Problem("", f"has no {wrapper}")
        return
    outside = [node for node in root if wrapper is not None and _tag(node) not in {wrapper, *ENVELOPE}]
    yield from (Problem(_tag(node), "is beside the result") for node in outside)
    if shape is None:
        surplus = [_tag(node) for node in inner if _tag(node) not in ENVELOPE | UNLISTED]
        yield from (Problem(tag, "is not in the model, which has no output") for tag in surplus if list(inner))
    else:
        yield from _structure(shape, inner, "")


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def walk(shape: Shape, nodes: list[ElementTree.Element], path: str) -> Iterator[Problem]:
    """Compare the elements of one member, of which only a flattened list or map may have several."""
    flattened = bool(shape.serialization.get("flattened"))
    if isinstance(shape, (ListShape, MapShape)):
        children = nodes if flattened else [child for node in nodes for child in node]
        yield from (_list if isinstance(shape, ListShape) else _map)(shape, children, path)
    if flattened:
        return
    if len(nodes) > 1:
        yield Problem(path, f"comes {len(nodes)} times")
    if isinstance(shape, StructureShape):
        yield from _structure(shape, nodes[0], path)
    elif not isinstance(shape, (ListShape, MapShape)):
        yield from _scalar(shape, nodes[0], path)


def _scalar(shape: Shape, node: ElementTree.Element, path: str) -> Iterator[Problem]:
    if len(node):
        yield Problem(path, f"has elements inside, but is a {shape.type_name}")
        return
    what = text_problem(shape, node.text or "")
    if what:
        yield Problem(path, what)


def _structure(shape: StructureShape, node: ElementTree.Element, path: str) -> Iterator[Problem]:
    members = {
        _element_name(member, name): (name, member) for name, member in shape.members.items() if _in_body(member)
    }
    groups: dict[str, list[ElementTree.Element]] = {}
    for child in node:
        groups.setdefault(_tag(child), []).append(child)
    for tag, children in groups.items():
        if tag in members:
            yield from walk(members[tag][1], children, _join(path, members[tag][0]))
        elif path or tag not in ENVELOPE | UNLISTED:
            yield Problem(_join(path, tag), "is not in the model")
    attributes = {name.rpartition("}")[2] for name in node.attrib}
    for element, (name, member) in members.items():
        found = element in groups or element.rpartition(":")[2] in attributes
        if name in shape.required_members and not found and not _may_be_empty(member):
            yield Problem(_join(path, name), "is required and missing")


def _in_body(member: Shape) -> bool:
    return "location" not in member.serialization


def _may_be_empty(member: Shape) -> bool:
    """An empty flattened list has no element at all."""
    return bool(member.serialization.get("flattened"))


def _element_name(member: Shape, name: str) -> str:
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        inner = member.member.serialization.get("name")
        if inner is not None:
            return str(inner)
    return str(member.serialization.get("name", name))


def _list(shape: ListShape, children: list[ElementTree.Element], path: str) -> Iterator[Problem]:
    wanted = shape.member.serialization.get("name", "member")
    for number, child in enumerate(children):
        if not shape.serialization.get("flattened") and _tag(child) != wanted:
            yield Problem(f"{path}[{number}]", f"is <{_tag(child)}>, not <{wanted}>")
        else:
            yield from walk(shape.member, [child], f"{path}[]")


def _map(shape: MapShape, children: list[ElementTree.Element], path: str) -> Iterator[Problem]:
    names = {
        shape.key.serialization.get("name", "key"): shape.key,
        shape.value.serialization.get("name", "value"): shape.value,
    }
    for child in children:
        if not shape.serialization.get("flattened") and _tag(child) != "entry":
            yield Problem(path, f"has <{_tag(child)}>, not <entry>")
            continue
        found = Counter(_tag(part) for part in child)
        if found != Counter(names):
            yield Problem(path, f"has an entry of {sorted(found)}, not of {sorted(names)}")
            continue
        for part in child:
            yield from walk(names[_tag(part)], [part], f"{path}{{}}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
