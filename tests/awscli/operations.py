"""The stock command line was asked every operation of EC2, Auto Scaling, Systems Manager and CloudWatch Logs that Axon calls.

Neighbours: `session` notes what was answered, `groups` and `logs` ask. It is true of a whole run, so it is the last of all modules and
no use by itself. Must not hold: calls of its own.
"""

import pathlib
import re
import unittest

import programs
import session

LIST = programs.ROOT / "crates" / "aws" / "src" / "operations.rs"
SERVICES = ("ec2", "autoscaling", "ssm", "logs")


class Operations(unittest.TestCase):
    def test_every_operation_that_axon_calls_was_answered(self):
        called = operations(LIST)
        self.assertGreaterEqual(len(called), 18, f"{LIST} is not read as it is written")
        missing = sorted(called - session.ANSWERED)
        if missing:
            self.fail("Axon calls what no test of this suite asks for: " + ", ".join(" ".join(one) for one in missing))


def operations(path):
    """The operations of the list as the command line spells them."""
    lines = re.findall(r"^\s+(\w+) (?:Read|Write) (\w+),$", pathlib.Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return {(service, kebab(name)) for service, name in lines if service in SERVICES}


def kebab(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
