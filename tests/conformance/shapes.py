"""Whether a value is one that botocore's model of the API allows: members, types, enums, patterns, lengths, ranges, moments.

Neighbours: `decode` reads the values off the wire, `exchanges` asks. Must not hold: anything about one operation.
"""

import functools

import regex

from decode import MOMENT, join

# How moments are written, by protocol.
SECONDS, TEXT = "a number of seconds", "a text of ISO 8601"


def check(shape, value, moments):
    """Everything that is wrong with a value, as `path: what`."""
    found = []
    Visit(moments, found).value(shape, value, "")
    return found


class Visit:
    def __init__(self, moments, found):
        self.moments = moments
        self.found = found

    def wrong(self, path, what):
        self.found.append(f"{path or '(root)'}: {what}")

    def value(self, shape, value, path):
        if getattr(shape, "is_document_type", False):
            return
        if value is None:
            self.wrong(path, "null")
            return
        getattr(self, shape.type_name)(shape, value, path)

    def structure(self, shape, value, path):
        if not isinstance(value, dict):
            self.wrong(path, f"{value!r} is no structure")
            return
        for name in shape.required_members:
            if name not in value:
                self.wrong(join(path, name), "missing")
        for name, inner in value.items():
            if name in shape.members:
                self.value(shape.members[name], inner, join(path, name))
            else:
                self.wrong(join(path, name), "unknown")
        if getattr(shape, "is_tagged_union", False) and len(value) != 1:
            self.wrong(path, f"a union with {len(value)} members")

    def list(self, shape, value, path):
        if not isinstance(value, list):
            self.wrong(path, f"{value!r} is no list")
            return
        self.bounds(shape, len(value), path, "items")
        for number, inner in enumerate(value):
            self.value(shape.member, inner, f"{path}[{number}]")

    def map(self, shape, value, path):
        if not isinstance(value, dict):
            self.wrong(path, f"{value!r} is no map")
            return
        self.bounds(shape, len(value), path, "entries")
        for key, inner in value.items():
            self.value(shape.key, key, f"{path} key")
            self.value(shape.value, inner, join(path, key))

    def string(self, shape, value, path):
        if not isinstance(value, str):
            self.wrong(path, f"{value!r} is no string")
            return
        if shape.enum and value not in shape.enum:
            self.wrong(path, f"{value!r} is not one of {', '.join(shape.enum)}")
        self.bounds(shape, len(value), path, "characters")
        pattern = shape.metadata.get("pattern")
        if pattern and not compiled(pattern).fullmatch(value):
            self.wrong(path, f"{value!r} does not match {pattern}")

    def integer(self, shape, value, path):
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(path, f"{value!r} is no {shape.type_name}")
            return
        bits = 31 if shape.type_name == "integer" else 63
        if not -(2**bits) <= value < 2**bits:
            self.wrong(path, f"{value} does not fit {shape.type_name}")
        self.bounds(shape, value, path, "as a value")

    long = integer

    def double(self, shape, value, path):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            self.wrong(path, f"{value!r} is no number")
            return
        self.bounds(shape, value, path, "as a value")

    float = double

    def boolean(self, _shape, value, path):
        if not isinstance(value, bool):
            self.wrong(path, f"{value!r} is no boolean")

    def timestamp(self, shape, value, path):
        seconds = isinstance(value, (int, float)) and not isinstance(value, bool)
        text = isinstance(value, str) and bool(MOMENT.fullmatch(value))
        written = SECONDS if seconds else TEXT if text else None
        if written != self.moments:
            self.wrong(path, f"{value!r} is not {self.moments}")

    def blob(self, _shape, value, path):
        if not isinstance(value, str):
            self.wrong(path, f"{value!r} is no text of base64")

    def bounds(self, shape, size, path, what):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and size < low:
            self.wrong(path, f"{size} {what}, fewer than {low}")
        if high is not None and size > high:
            self.wrong(path, f"{size} {what}, more than {high}")


@functools.cache
def compiled(pattern):
    """A pattern of the model. Coral writes characters beyond the first plane as surrogates."""
    return regex.compile(pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"))
