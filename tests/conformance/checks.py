"""The checks of this suite find what they are for: real exchanges with one thing broken in them.

Neighbours: `exchanges`, `decode` and `shapes` are what is tested. Must not hold: what the simulator or Axon does.
"""

import dataclasses
import unittest

import exchanges
from accounts import Simulated

GROUP = {
    "AutoScalingGroupName": "hosts",
    "MinSize": 0,
    "MaxSize": 1,
    "VPCZoneIdentifier": "subnet-0a1b2c3d",
    "LaunchTemplate": {"LaunchTemplateName": "hosts", "Version": "1"},
    "Tags": [
        {"ResourceId": "hosts", "Key": "a", "Value": "1", "PropagateAtLaunch": True},
        {"ResourceId": "hosts", "Key": "b", "Value": "2", "PropagateAtLaunch": True},
    ],
}


class Checks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        account = Simulated()
        cls.addClassCleanup(account.close)
        data = {"ImageId": "ami-0a1b2c3d4e5f60718", "InstanceType": "inf2.xlarge"}
        account.call("ec2", "CreateLaunchTemplate", LaunchTemplateName="hosts", LaunchTemplateData=data)
        account.call("autoscaling", "CreateAutoScalingGroup", **GROUP)
        account.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=["hosts"])
        account.call("ecs", "CreateCluster", clusterName="a", tags=[{"key": "team", "value": "nlp"}])
        account.call("ecs", "RegisterTaskDefinition", family="f", containerDefinitions=[{"name": "c", "image": "i", "memory": 64}])
        try:
            account.call("ecs", "DescribeServices", cluster="missing", services=["a"])
        except account.client("ecs").exceptions.ClusterNotFoundException:
            pass
        kept = {exchanges.name(one)[1]: one for one in account.proxy.taken()}
        cls.template, cls.create, cls.groups = (
            kept["CreateLaunchTemplate"],
            kept["CreateAutoScalingGroup"],
            kept["DescribeAutoScalingGroups"],
        )
        cls.cluster, cls.task, cls.refused = kept["CreateCluster"], kept["RegisterTaskDefinition"], kept["DescribeServices"]

    def test_real_exchanges_are_clean(self):
        for one in (self.template, self.create, self.groups, self.cluster, self.task, self.refused):
            read = exchanges.read(one)
            self.assertEqual((read.about_request, read.about_answer), ((), ()), read.operation)

    def broken(self, exchange, side, before, after, *wanted):
        """The one finding that a change of the bytes brings."""
        content = getattr(exchange, side)
        self.assertIn(before.encode(), content)
        read = exchanges.read(dataclasses.replace(exchange, **{side: content.replace(before.encode(), after.encode(), 1)}))
        found = read.about_request if side == "request" else read.about_answer
        self.assertEqual(len(found), len(wanted), found)
        for one, want in zip(found, wanted, strict=True):
            self.assertIn(want, one)

    def test_json_requests(self):
        broken = lambda before, after, *wanted: self.broken(self.task, "request", before, after, *wanted)  # noqa: E731
        broken('"family": "f"', '"familie": "f"', "family: missing", "familie: unknown")
        broken('"memory": 64', '"memory": "64"', "'64' is no integer")
        broken('"memory": 64', '"memory": 99999999999', "does not fit integer")
        broken('"memory": 64', '"memory": 64, "memory": 65', "memory: twice")
        broken('"image": "i"', '"image": null', "image: null")
        broken('"family": "f"', '"family": "f", "networkMode": "moon"', "'moon' is not one of")
        self.broken(self.cluster, "request", '"nlp"', '"nl!p"', "does not match")
        self.broken(self.cluster, "request", '"team"', f'"{"t" * 200}"', "more than 128")
        self.broken(self.cluster, "request", '"tags"', '"tags": [], "more"', "more: unknown")

    def test_json_answers(self):
        broken = lambda before, after, *wanted: self.broken(self.task, "response", before, after, *wanted)  # noqa: E731
        broken('"status":"ACTIVE"', '"status":"AWAKE"', "'AWAKE' is not one of")
        broken(
            '"registeredAt":',
            '"registeredAt":"2026-01-01T00:00:00Z","deregisteredAt":',
            "registeredAt: '2026-01-01T00:00:00Z' is not a number",
        )
        broken('"revision":1', '"revision":1.5', "1.5 is no integer")
        broken('"family"', '"colour":1,"family"', "colour: unknown")

    def test_forms(self):
        broken = lambda before, after, *wanted: self.broken(self.create, "request", before, after, *wanted)  # noqa: E731
        broken("MinSize=0", "MinSize=none", "'none' is no integer", "MinSize: missing")
        broken("MaxSize=1", "MaxSize=1&Colour=red", "Colour: unknown")
        broken("LaunchTemplate.Version=1", "LaunchTemplate.Edition=1", "LaunchTemplate.Edition: unknown")
        read = exchanges.read(dataclasses.replace(self.create, request=self.create.request.replace(b"Tags.member.2.", b"Tags.member.3.")))
        self.assertTrue(any("numbered" in one for one in read.about_request), read.about_request)
        self.broken(self.template, "request", "InstanceType=inf2.xlarge", "InstanceType=inf9.huge", "is not one of")

    def test_documents(self):
        broken = lambda before, after, *wanted: self.broken(self.groups, "response", before, after, *wanted)  # noqa: E731
        broken("<MinSize>0</MinSize>", "<MinSize>none</MinSize>", "'none' is no integer", "MinSize: missing")
        broken("<MinSize>0</MinSize>", "<Colour>red</Colour><MinSize>0</MinSize>", "Colour: unknown")
        broken("<MinSize>0</MinSize>", "<MinSize>0</MinSize><MinSize>0</MinSize>", "MinSize: twice")
        broken("<PropagateAtLaunch>true<", "<PropagateAtLaunch>yes<", "'yes' is no boolean")
        read = exchanges.read(dataclasses.replace(self.groups, response=self.groups.response.replace(b"member>", b"item>")))
        self.assertTrue(any("an element item, not member" in one for one in read.about_answer), read.about_answer)
        read = exchanges.read(dataclasses.replace(self.template, response=self.template.response.replace(b"requestId>", b"id>")))
        self.assertTrue(any("no requestId" in one for one in read.about_answer), read.about_answer)

    def test_what_is_around_a_message(self):
        def said(exchange, **changes):
            read = exchanges.read(dataclasses.replace(exchange, **changes))
            return " ".join(read.about_request + read.about_answer)

        self.assertIn("not signed", said(self.cluster, asked=self.cluster.asked | {"authorization": "none"}))
        self.assertIn("content-type", said(self.cluster, asked=self.cluster.asked | {"content-type": "text/plain"}))
        self.assertIn("no x-amzn-requestid", said(self.cluster, answered={**self.cluster.answered, "x-amzn-requestid": ""}))
        self.assertIn("has no error", said(self.refused, response=self.refused.response.replace(b"ClusterNotFound", b"Colour")))
        self.assertIn("no operation", said(self.cluster, asked=self.cluster.asked | {"x-amz-target": "Moon.Land"}))
