"""What a task has written, through the stock AWS command line and through `axon logs`: both read the same.

Neighbours: `session` starts programs and asks them. Must not hold: how lines are merged, followed and chosen; tests in Rust show that.
"""

import json
import pathlib
import signal
import tempfile
import unittest

import session
from programs import Background
from session import Session

SPEC = """
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: inf2}
spec:
  cluster: ml
  managedInstances:
    infrastructureRoleArn: arn:aws:iam::111122223333:role/ecsInfrastructureRole
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron
    subnets: [subnet-0a1b2c3d]
    securityGroups: [sg-0a1b2c3d]
    instanceRequirements: {allowedInstanceTypes: [inf2.8xlarge]}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronJob
metadata: {name: train}
spec:
  pool: inf2
  template:
    cpu: 8192
    memory: 16384
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: train, image: "train:1"}]
"""
GROUP = ["--log-group-name", "/axon/ml/train"]


class Logs(unittest.TestCase):
    """One attempt of a job, which runs until it is stopped."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        (pathlib.Path(folder.name) / "train.yaml").write_text(SPEC, encoding="utf-8")
        cls.session = Session(source=folder.name)
        cls.addClassCleanup(cls.session.close)
        cls.session.operate()
        cls.stream = cls.session.until(cls.written, "the task has written something")

    @classmethod
    def written(cls):
        """The stream of the task, once there is an event in it."""
        groups = cls.session.aws("logs", "describe-log-groups")["logGroups"]
        if not groups:
            return None
        found = cls.session.aws("logs", "describe-log-streams", *GROUP)["logStreams"]
        return found[0]["logStreamName"] if found and "lastEventTimestamp" in found[0] else None

    def axon(self, *arguments):
        return self.session.finish([session.SETTINGS.axon, "logs", *arguments, "--endpoint-url", self.session.endpoint])

    def test_axon_prints_what_the_stock_command_line_prints(self):
        events = self.session.aws("logs", "get-log-events", *GROUP, "--log-stream-name", self.stream)["events"]
        self.assertEqual([event["message"].split(":")[0] for event in events], ["starting train", "told at its start"])
        filtered = self.session.aws("logs", "filter-log-events", *GROUP, "--log-stream-names", self.stream)["events"]
        self.assertEqual([event["message"] for event in filtered], [event["message"] for event in events])
        ended = self.axon("NeuronJob/train", "-o", "json")
        self.assertEqual(ended.exit, 0, str(ended))
        lines = [json.loads(line) for line in ended.stdout.splitlines()]
        self.assertEqual([line["message"] for line in lines], [event["message"] for event in events])
        self.assertEqual({(line["attempt"], line["container"]) for line in lines}, {("0.0", "train")})
        self.assertEqual(self.stream, f"train/train/{lines[0]['task']}")

    def test_whoever_has_seen_enough_ends_it_with_an_interrupt(self):
        command = [session.SETTINGS.axon, "logs", "NeuronJob/train", "--follow", "--endpoint-url", self.session.endpoint]
        program = Background(command, self.session.environment)
        self.addCleanup(program.stop)
        self.session.until(lambda: "0.0 train | starting train:1" in program.everything(), "the first line is printed")
        program.process.send_signal(signal.SIGINT)
        self.assertEqual(program.process.wait(timeout=30), 0)

    def test_what_is_not_there_is_said(self):
        ended = self.axon("NeuronJob/other")
        self.assertEqual((ended.exit, ended.stdout), (1, ""), str(ended))
        self.assertIn("no run of NeuronJob/other is on record", ended.stderr)
        ended = self.axon("NeuronPool/inf2")
        self.assertEqual(ended.exit, 2, str(ended))
        self.assertEqual(self.session.refused("logs", "get-log-events", *GROUP, "--log-stream-name", "none"), "ResourceNotFoundException")

