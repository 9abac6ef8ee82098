"""Axon on an AWS that is not ours: what of the path over Auto Scaling groups converges on moto and on ministack, and what Axon
says where they have no answer. Nothing in Axon knows of them.

Neighbours: `accounts` starts them, `differing` has what they answer. Must not hold: what the simulator can show.
"""

import json
import pathlib
import re
import tempfile
import unittest

import accounts
from teller import first

SUFFIX = re.compile(r"-[0-9a-f]{8}$")
TAG = "neuron.ecs/managed-by"
READS = ("Describe", "List", "Get")


class Abroad(unittest.TestCase):
    """An emulator, its subnets, and specifications for it."""

    EMULATOR: str
    AMI: str
    DRIFT = "{}"

    @classmethod
    def mend(cls):
        return None

    def setUp(self):
        self.account = getattr(accounts, self.EMULATOR)().watched(self.mend())
        self.addCleanup(self.account.close)
        self.subnets = [one["SubnetId"] for one in self.account.call("ec2", "DescribeSubnets")["Subnets"]][:2]
        self.account.passed()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="axon-abroad-"))

    def cluster(self):
        return "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: abroad}\nspec: {containerInsights: Enhanced}\n"

    def pool(self):
        return f"""---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {{name: hosts}}
spec:
  cluster: abroad
  autoScalingGroup:
    instanceTypes: [inf2.xlarge]
    ami: {self.AMI}
    instanceProfileArn: arn:aws:iam::123456789012:instance-profile/ecsInstanceRole
    subnets: [{", ".join(self.subnets)}]
    securityGroups: [sg-0a1b2c3d]
    maxSize: 2
"""

    def service(self):
        return f"""---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {{name: server}}
spec:
  pool: hosts
  replicas: 1
  drift: {self.DRIFT}
  template:
    cpu: 2048
    memory: 8192
    executionRoleArn: arn:aws:iam::123456789012:role/ecsTaskExecutionRole
    containers: [{{name: server, image: "server:1", ports: [{{containerPort: 8080}}]}}]
"""

    def axon(self, command, *specs, flags=()):
        path = self.folder / "fleet.yaml"
        path.write_text("".join(specs), encoding="utf-8")
        return self.account.axon(command, *flags, str(path))

    def apply(self, *specs, timeout="60s", flags=()):
        return self.axon("apply", *specs, flags=["--yes", "--wait", "--timeout", timeout, *flags])

    def writes(self):
        """What was written since the last time, in order."""
        return [operation for operation, _, _ in self.account.passed() if not operation.startswith(READS)]

    def check_capacity(self, image):
        """One template, one group, one provider, and the cluster that has it, each with what the specification says."""
        [template] = self.account.call("ec2", "DescribeLaunchTemplates")["LaunchTemplates"]
        versions = self.account.call("ec2", "DescribeLaunchTemplateVersions", LaunchTemplateId=template["LaunchTemplateId"], Versions=["1"])
        data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        self.assertEqual((data["ImageId"], data["InstanceType"]), (image, "inf2.xlarge"))
        self.assertEqual(data["MetadataOptions"]["HttpTokens"], "required")
        self.assertEqual(data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"], 200)
        [group] = self.account.call("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"]
        self.assertEqual(group["AutoScalingGroupName"], template["LaunchTemplateName"])
        self.assertEqual((group["MinSize"], group["MaxSize"], group["DesiredCapacity"]), (0, 2, 0))
        self.assertEqual(group["VPCZoneIdentifier"].split(","), self.subnets)
        self.assertEqual(group["LaunchTemplate"]["LaunchTemplateId"], template["LaunchTemplateId"])
        self.assertIn(TAG, [tag["Key"] for tag in group["Tags"]])
        [cluster] = self.account.call("ecs", "DescribeClusters", clusters=["abroad"])["clusters"]
        [name] = [one for one in cluster["capacityProviders"] if not one.startswith("FARGATE")]
        self.assertEqual(SUFFIX.sub("", name), "hosts")
        [provider] = self.account.call("ecs", "DescribeCapacityProviders", capacityProviders=[name])["capacityProviders"]
        behind = provider["autoScalingGroupProvider"]
        self.assertEqual(behind["autoScalingGroupArn"], group["AutoScalingGroupARN"])
        self.assertEqual(behind["managedScaling"]["status"], "ENABLED")

    def check_service(self):
        arns = self.account.call("ecs", "ListServices", cluster="abroad")["serviceArns"]
        self.assertEqual(len(arns), 1, arns)
        service = first(self.account.call("ecs", "DescribeServices", cluster="abroad", services=arns), "services")
        self.assertEqual((service["serviceName"], service["desiredCount"], service["status"]), ("server", 1, "ACTIVE"))
        revisions = self.account.call("ecs", "ListTaskDefinitions")["taskDefinitionArns"]
        self.assertEqual(revisions, [service["taskDefinition"]])
        found = self.account.call("ecs", "DescribeTaskDefinition", taskDefinition=revisions[0])["taskDefinition"]
        [container] = found["containerDefinitions"]
        self.assertEqual(container["image"], "server:1")
        devices = [one["hostPath"] for one in container["linuxParameters"]["devices"]]
        self.assertEqual(devices, ["/dev/neuron0"])

    CAPACITY = [
        "CreateCluster",
        "CreateLaunchTemplate",
        "CreateAutoScalingGroup",
        "CreateCapacityProvider",
        "PutClusterCapacityProviders",
    ]


def names_of_providers():
    """moto fails on DescribeCapacityProviders without names (AWS: "If this isn't specified, all are described"): it gets the names
    of those that were created."""
    created = []

    def mend(asked, body):
        target = asked.get("x-amz-target", "")
        if target.endswith(".CreateCapacityProvider"):
            created.append(json.loads(body)["name"])
        if target.endswith(".DescribeCapacityProviders"):
            members = json.loads(body)
            if "capacityProviders" not in members:
                return json.dumps(members | {"capacityProviders": created}).encode()
        return body

    return mend


class UnmendedMoto(Abroad):
    EMULATOR = "moto"
    AMI = "{ssmParameter: /aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id}"

    def test_what_cannot_be_read_is_named_and_nothing_is_written(self):
        for command, flags in (("plan", []), ("apply", ["--yes", "--wait", "--timeout", "60s"])):
            ended = self.axon(command, self.cluster(), self.pool(), flags=flags)
            self.assertEqual(ended.exit, 1, ended)
            self.assertIn("AWS could not be read completely", ended.stderr, ended)
            self.assertIn("DescribeCapacityProviders", ended.stderr, ended)
            self.assertIn("--endpoint-url", ended.stderr, ended)
        self.assertEqual(self.writes(), [])


class Moto(Abroad):
    EMULATOR = "moto"
    AMI = "{ssmParameter: /aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id}"

    @classmethod
    def mend(cls):
        return names_of_providers()

    def test_a_pool_converges_stays_quiet_and_goes_again(self):
        applied = self.apply(self.cluster(), self.pool())
        self.assertEqual(applied.exit, 0, applied)
        self.assertEqual(self.writes(), self.CAPACITY)
        name = self.AMI.split(": ")[1].rstrip("}")
        self.check_capacity(self.account.call("ssm", "GetParameter", Name=name)["Parameter"]["Value"])
        self.account.passed()
        planned = self.axon("plan", self.cluster(), self.pool(), flags=["--detailed-exitcode"])
        self.assertEqual(planned.exit, 0, planned)
        again = self.apply(self.cluster(), self.pool())
        self.assertEqual((again.exit, self.writes()), (0, []), again)

    def test_a_service_is_created_once_and_what_moto_cannot_answer_is_named(self):
        applied = self.apply(self.cluster(), self.pool(), self.service(), timeout="15s")
        # moto drops members of the service, so Axon asks whether ECS has rolled it back, and moto has no such operation.
        self.assertEqual(applied.exit, 124, applied)
        self.assertIn("ListServiceDeployments answered Unparsable", applied.stderr, applied)
        self.assertEqual(sorted(self.writes()), sorted([*self.CAPACITY, "RegisterTaskDefinition", "CreateService"]))
        self.check_service()
        self.account.passed()
        again = self.apply(self.cluster(), self.pool(), self.service(), timeout="15s")
        self.assertEqual((again.exit, self.writes()), (1, []), again)
        self.assertIn("ListServiceDeployments answered Unparsable", again.stderr, again)
        self.check_service()


class Ministack(Abroad):
    EMULATOR = "ministack"
    # It has no public parameters, and images of its own.
    AMI = "{id: ami-0abcdef1234567890}"
    # It drops the placement strategy of a service.
    DRIFT = "{ignore: [/placementStrategy]}"

    def test_everything_converges_and_stays_quiet(self):
        applied = self.apply(self.cluster(), self.pool(), self.service())
        self.assertEqual(applied.exit, 0, applied)
        writes = self.writes()
        created = [one for one in writes if one.startswith(("Create", "Register", "Put"))]
        self.assertEqual(sorted(created), sorted([*self.CAPACITY, "RegisterTaskDefinition", "CreateService"]))
        # ministack does not keep all of the provider and of the service that was created, but what an update brings.
        self.assertLessEqual(len(writes) - len(created), 2, writes)
        self.check_capacity("ami-0abcdef1234567890")
        self.check_service()
        self.account.passed()
        planned = self.axon("plan", self.cluster(), self.pool(), self.service(), flags=["--detailed-exitcode"])
        self.assertEqual(planned.exit, 0, planned)
        again = self.apply(self.cluster(), self.pool(), self.service())
        self.assertEqual((again.exit, self.writes()), (0, []), again)

    def test_a_member_that_is_dropped_is_written_once_and_then_waited_for(self):
        self.DRIFT = "{}"
        applied = self.apply(self.cluster(), self.pool(), self.service(), timeout="20s")
        self.assertEqual(applied.exit, 124, applied)
        self.assertIn("UpdateService was sent", applied.stdout, applied)
        self.assertEqual(self.writes().count("UpdateService"), 1)
        planned = self.axon("plan", self.cluster(), self.pool(), self.service())
        self.assertIn("placementStrategy", planned.stdout, planned)

    def test_a_parameter_that_is_missing_is_named_and_the_rest_is_done(self):
        self.AMI = "{ssmParameter: /aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id}"
        applied = self.apply(self.cluster(), self.pool())
        self.assertEqual(applied.exit, 1, applied)
        self.assertIn("/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id", applied.stdout, applied)
        self.assertEqual(self.writes(), ["CreateCluster"])

    def test_what_leaves_the_source_goes(self):
        applied = self.apply(self.cluster(), self.pool(), self.service())
        self.assertEqual(applied.exit, 0, applied)
        gone = self.apply(self.cluster(), flags=["--prune"])
        self.assertEqual(gone.exit, 0, gone)
        self.assertEqual(self.account.call("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"], [])
        self.assertEqual(self.account.call("ec2", "DescribeLaunchTemplates")["LaunchTemplates"], [])
        self.assertEqual(self.account.call("ecs", "ListServices", cluster="abroad")["serviceArns"], [])
