"""What stands on the wire, as values named as in botocore's models: JSON bodies, forms, XML documents. What does not follow the
protocol is a finding.

Neighbours: `shapes` judges the values, `exchanges` says which shape a message has. Must not hold: rules of a shape's content.
"""

import json
import re
import urllib.parse
import xml.etree.ElementTree as tree

ABSENT = object()
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def read_json(body, found):
    """A JSON 1.1 body. A member that is null is none that AWS sends."""

    def unique(pairs):
        names = [name for name, _ in pairs]
        found.extend(f"{name}: twice in one object" for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    try:
        value = json.loads(body or b"{}", object_pairs_hook=unique)
    except ValueError as error:
        found.append(f"not JSON: {error}")
        return {}
    if not isinstance(value, dict):
        found.append(f"not an object: {value!r}")
        return {}
    return value


def scalar(shape, text, path, found):
    """The value that a text of XML or of a form stands for."""
    kind = shape.type_name
    if kind in ("string", "character"):
        return text
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in ("integer", "long") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind in ("float", "double") and re.fullmatch(r"-?\d+(\.\d+)?([eE]-?\d+)?", text):
        return float(text)
    if kind in ("timestamp", "blob"):
        return text
    found.append(f"{path}: {text!r} is no {kind}")
    return ABSENT


class Xml:
    """Reads documents of the protocols `query` and `ec2`."""

    def __init__(self, ec2):
        self.ec2 = ec2
        self.found = []

    def document(self, operation, body):
        """The members of an answer, out of its envelope."""
        try:
            root = tree.fromstring(body)
        except tree.ParseError as error:
            self.found.append(f"not XML: {error}")
            return {}
        if bare(root) != f"{operation.name}Response":
            self.found.append(f"the root element is {bare(root)}")
        namespace = operation.service_model.metadata["xmlNamespace"].rstrip("/")
        if not root.tag.startswith("{" + namespace):
            self.found.append(f"the namespace is {root.tag.split('}')[0]}")
        children = list(root)
        if self.ec2:
            if not any(bare(one) == "requestId" for one in children):
                self.found.append("no requestId")
            children = [one for one in children if bare(one) != "requestId"]
            if operation.output_shape is None:
                # "Is true if the request succeeds, and an error otherwise."
                if [(bare(one), one.text) for one in children] != [("return", "true")]:
                    self.found.append(f"an answer without members says {[bare(one) for one in children]}")
                return {}
            return self.members(operation.output_shape, children, "")
        results = [one for one in children if bare(one) == f"{operation.name}Result"]
        others = sorted(bare(one) for one in children if one not in results)
        if others != ["ResponseMetadata"]:
            self.found.append(f"beside the result: {others}")
        if operation.output_shape is None:
            return {}
        if len(results) != 1:
            self.found.append(f"{len(results)} results")
            return {}
        return self.members(operation.output_shape, list(results[0]), "")

    def members(self, shape, children, path):
        by_name = {}
        for name, member in shape.members.items():
            by_name[element(member, name)] = (name, member)
        value = {}
        for child in children:
            if bare(child) not in by_name:
                self.found.append(f"{join(path, bare(child))}: unknown")
                continue
            name, member = by_name[bare(child)]
            here = join(path, name)
            if member.type_name == "list" and member.serialization.get("flattened"):
                value.setdefault(name, []).append(self.value(member.member, child, here))
            elif name in value:
                self.found.append(f"{here}: twice")
            else:
                value[name] = self.value(member, child, here)
        return {name: one for name, one in value.items() if one is not ABSENT}

    def value(self, shape, node, path):
        kind = shape.type_name
        if kind == "structure":
            return self.members(shape, list(node), path)
        if kind == "list":
            return self.items(shape, node, path)
        if kind == "map":
            self.found.append(f"{path}: maps are not read here")
            return ABSENT
        if len(node):
            self.found.append(f"{path}: elements where a {kind} belongs")
            return ABSENT
        return scalar(shape, node.text or "", path, self.found)

    def items(self, shape, node, path):
        wanted = shape.member.serialization.get("name") or ("item" if self.ec2 else "member")
        if node.text and node.text.strip():
            self.found.append(f"{path}: text where a list belongs")
        items = []
        for number, child in enumerate(node):
            if bare(child) != wanted:
                self.found.append(f"{path}[{number}]: an element {bare(child)}, not {wanted}")
                continue
            items.append(self.value(shape.member, child, f"{path}[{number}]"))
        return [one for one in items if one is not ABSENT]


def read_xml_error(body, ec2, found):
    """Code and message of an error."""
    try:
        root = tree.fromstring(body)
    except tree.ParseError as error:
        found.append(f"not XML: {error}")
        return "", ""
    path = ["Response", "Errors", "Error"] if ec2 else ["ErrorResponse", "Error"]
    node = root if bare(root) == path[0] else None
    for name in path[1:]:
        node = next((one for one in ([] if node is None else node) if bare(one) == name), None)
    texts = {bare(one): one.text or "" for one in ([] if node is None else node)}
    if not {"Code", "Message"} <= set(texts):
        found.append("no Code and Message where the protocol has them")
    if not ec2 and texts.get("Type") not in ("Sender", "Receiver"):
        found.append(f"the fault is of {texts.get('Type')}")
    wanted = "RequestID" if ec2 else "RequestId"
    if not any(bare(one) == wanted for one in root):
        found.append(f"no {wanted}")
    return texts.get("Code", ""), texts.get("Message", "")


class Form:
    """Reads requests of the protocols `query` and `ec2`."""

    def __init__(self, ec2):
        self.ec2 = ec2
        self.found = []

    def request(self, shape, pairs):
        """The members of a request; `pairs` without Action and Version."""
        root = {}
        for key, text in pairs:
            node = root
            *ways, last = key.split(".")
            for way in ways:
                node = node.setdefault(way, {})
                if not isinstance(node, dict):
                    self.found.append(f"{key}: both a value and more")
                    return {}
            if last in node:
                self.found.append(f"{key}: twice")
            node[last] = text
        if shape is None:
            self.found.extend(f"{key}: unknown" for key in root)
            return {}
        return self.members(shape, root, "")

    def key(self, shape, name):
        """The key of a member in a form."""
        if not self.ec2:
            return shape.serialization.get("name", name)
        if "queryName" in shape.serialization:
            return shape.serialization["queryName"]
        spelled = shape.serialization.get("name", name)
        return spelled[0].upper() + spelled[1:]

    def members(self, shape, node, path):
        if not isinstance(node, dict):
            self.found.append(f"{path}: {node!r} where members belong")
            return ABSENT
        by_key = {self.key(member, name): (name, member) for name, member in shape.members.items()}
        value = {}
        for key, inner in node.items():
            if key not in by_key:
                self.found.append(f"{join(path, key)}: unknown")
                continue
            name, member = by_key[key]
            value[name] = self.value(member, inner, join(path, name))
        return {name: one for name, one in value.items() if one is not ABSENT}

    def value(self, shape, node, path):
        kind = shape.type_name
        if kind == "structure":
            return self.members(shape, node, path)
        if kind == "list":
            return self.items(shape, node, path)
        if kind == "map" or not isinstance(node, str):
            self.found.append(f"{path}: {node!r} where a {kind} belongs")
            return ABSENT
        return scalar(shape, node, path, self.found)

    def items(self, shape, node, path):
        if node == "":
            return []
        if not self.ec2 and isinstance(node, dict) and not shape.serialization.get("flattened"):
            wanted = shape.member.serialization.get("name", "member")
            if list(node) != [wanted]:
                self.found.append(f"{path}: {sorted(node)}, not {wanted}")
                return []
            node = node[wanted]
        if not isinstance(node, dict) or not all(key.isdigit() for key in node):
            self.found.append(f"{path}: {node!r} where a list belongs")
            return []
        numbers = sorted(int(key) for key in node)
        if numbers != list(range(1, len(numbers) + 1)):
            self.found.append(f"{path}: items are numbered {numbers}")
        items = [self.value(shape.member, node[str(number)], f"{path}[{number - 1}]") for number in numbers if str(number) in node]
        return [one for one in items if one is not ABSENT]


def read_form(body, found):
    """The pairs of a form, in its order."""
    try:
        return urllib.parse.parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        found.append(f"not a form: {error}")
        return []


def element(shape, name):
    """The name of a member's element. A flattened list is named by its items where they have a name."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return shape.member.serialization.get("name") or shape.serialization.get("name", name)
    return shape.serialization.get("name", name)


def bare(node):
    return node.tag.rsplit("}", 1)[-1]


def join(path, name):
    return f"{path}.{name}" if path else name
