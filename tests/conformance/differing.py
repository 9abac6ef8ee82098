"""The same script on the simulator, on moto and on ministack: what they answer differently, member by member.

Neighbours: `story` is the script; `differences.yaml` has what is known, who is right, and by which document. Must not hold: repairs of
an emulator.
"""

import collections
import datetime
import pathlib
import re
import unittest

import yaml

import accounts
from accounts import Simulated
from answered import SUBNETS
from exchanges import model
from story import tell
from teller import Teller

KNOWN = yaml.safe_load((pathlib.Path(__file__).parent / "differences.yaml").read_text(encoding="utf-8"))
EMULATORS = ("moto", "ministack")
# How an emulator says that it has no such operation: an error of its web server, or a word of its own.
ABSENT = {"500", "404", "Unreadable", "InvalidAction", "NotImplemented", "UnknownOperationException"}
# Texts for people; no document gives their words.
PROSE = {
    "message",
    "Message",
    "reason",
    "StatusMessage",
    "Description",
    "Cause",
    "StatusReason",
    "updateStatusReason",
    "stoppedReason",
    "statusReason",
    "rolloutStateReason",
    "Details",
    "InstanceRefreshStatusReason",
}
# What every account makes up in a form of its own.
MADE_UP = {"SessionToken", "SecretAccessKey", "AccessKeyId", "NextToken", "nextToken", "PrivateIpAddress", "PrivateDnsName", "runtimeId"}
# Moments that are numbers in the model.
MILLISECONDS = {"creationTime"}
# What moves while the script runs, faster or slower as the machine is busy.
MOVING = {"InstancesToUpdate", "PercentageComplete", "Progress"}
RIGHT = {"simulator", "both", "unconfirmed"}


def told_by_simulator():
    account = Simulated(speed="60")
    try:
        teller = Teller(account, patience=60)
        tell(teller, SUBNETS)
        return teller.steps
    finally:
        account.close()


def told_by(emulator):
    """The story on an emulator, in the subnets that it has."""
    account = getattr(accounts, emulator)()
    try:
        subnets = [one["SubnetId"] for one in account.call("ec2", "DescribeSubnets")["Subnets"]][:2]
        teller = Teller(account, patience=0)
        tell(teller, subnets)
        return teller.steps
    finally:
        account.close()


NAMES = ("key", "Key", "name", "Name", "InstanceType", "Location")
IDS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b(i|lt|subnet|ami|vpc|eni|sg|r|ltp|acl|snap|vol|usgw|ecs-svc|az)-[0-9a-zA-Z]+"
    r"|\b\d{12}\b|\b[0-9a-f]{16,64}\b|(?<=ecs-svc/)\d+|\b(AKIA|ASIA|AROA|AIPA)\w+"
)


def alike(value, name):
    """A value without what each account makes up: ids, moments, account numbers, prose."""
    if isinstance(value, datetime.datetime):
        return "(moment)"
    if name in MADE_UP | MOVING | MILLISECONDS:
        return "(made up)"
    if isinstance(value, str):
        return "(prose)" if name in PROSE else IDS.sub("(id)", value)
    return value


def compared(ours, theirs):
    """Every difference between two tellings, as a key with an example: refusals by step, members by the shape that has them."""
    found = collections.defaultdict(set)
    for mine, other in zip(ours, theirs, strict=True):
        if other.code in ABSENT and mine.code not in ABSENT:
            found["operation", other.operation].add("")
        elif mine.code != other.code:
            found["refusal", f"{mine.name}: {mine.code or 'answered'}, {other.code or 'answered'}"].add("")
        elif mine.answer is not None:
            shape = model(mine.service).operation_model(mine.operation).output_shape
            if shape is not None:
                members(shape, mine.answer, other.answer, found)
    return found


def members(shape, mine, other, found):
    for name in {**mine, **other}:
        inner = shape.members.get(name)
        key = f"{shape.name}.{name}"
        if inner is None:
            found["member", f"{key}: not in the model"].add(name)
        elif name not in other:
            found["member", f"{key}: not there"].add(short(mine[name], name))
        elif name not in mine:
            found["member", f"{key}: not here"].add(short(other[name], name))
        else:
            values(inner, key, mine[name], other[name], found)


def values(shape, key, mine, other, found):
    if shape.type_name == "structure" and isinstance(other, dict):
        members(shape, mine, other, found)
    elif shape.type_name == "list" and isinstance(other, list):
        if len(mine) != len(other):
            found["member", f"{key}: another number of items"].add(f"{len(mine)}, {len(other)}")
            return
        for one, two in zip(ordered(mine), ordered(other), strict=True):
            values(shape.member, key, one, two, found)
    else:
        name = key.rsplit(".", 1)[-1]
        if alike(mine, name) != alike(other, name):
            found["member", f"{key}: another value"].add(f"{short(mine, name)}, {short(other, name)}")


def ordered(items):
    """Items that have a name have no order; where they are as many, but have other names, the names differ."""
    for name in NAMES:
        if items and all(isinstance(one, dict) and name in one for one in items):
            return sorted(items, key=lambda one: str(one[name]))
    return items


def short(value, name):
    return repr(alike(value, name))[:80]


class Differences(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        ours = told_by_simulator()
        cls.found = {emulator: compared(ours, told_by(emulator)) for emulator in EMULATORS}

    def check(self, emulator):
        found = {f"{kind} {what}" for kind, what in self.found[emulator]}
        known = {f"{row['kind']} {what}" for row in KNOWN if emulator in row["of"] for what in row["what"]}
        new = [
            f"{kind} {what}   e.g. {sorted(examples)[:2]}"
            for (kind, what), examples in self.found[emulator].items()
            if f"{kind} {what}" not in known
        ]
        self.assertEqual("\n".join(sorted(new)), "", "differences that differences.yaml does not have")
        self.assertEqual("\n".join(sorted(known - found)), "", "differences of differences.yaml that there are no more")

    def test_moto_differs_as_the_list_says(self):
        self.check("moto")

    def test_ministack_differs_as_the_list_says(self):
        self.check("ministack")

    def test_the_list_says_of_every_difference_who_is_right_and_by_which_document(self):
        for row in KNOWN:
            with self.subTest(row["what"][0]):
                self.assertIn(row["right"], RIGHT, "where an emulator is right the simulator is to be changed")
                self.assertTrue(row["by"].strip())
                self.assertTrue(set(row["of"]) <= set(EMULATORS) and row["of"])
