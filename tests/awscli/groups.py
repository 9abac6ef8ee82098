"""EC2, Auto Scaling and Systems Manager through the stock AWS command line: every operation that Axon uses on them.

Neighbours: `session` asks. Must not hold: what Axon makes of the answers; the scenarios in Rust show that.
"""

import json
import unittest

import session
from session import Session

PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended"
SUBNETS = "subnet-0a1b2c3d,subnet-4e5f6a7b"
KIND = "inf2.xlarge"


class Groups(unittest.TestCase):
    """A launch template, a group and its instance, from nothing and back to nothing."""

    @classmethod
    def setUpClass(cls):
        cls.session = Session()
        cls.addClassCleanup(cls.session.close)
        value = cls.aws("ssm", "get-parameters", "--names", PARAMETER)["Parameters"][0]["Value"]
        cls.recommended = json.loads(value)
        cls.image = cls.recommended["image_id"]
        data = {"ImageId": cls.image, "InstanceType": KIND, "MetadataOptions": {"HttpTokens": "required"}}
        cls.template = cls.aws(
            "ec2", "create-launch-template", "--launch-template-name", "chips", "--launch-template-data", json.dumps(data)
        )["LaunchTemplate"]["LaunchTemplateId"]
        cls.aws(
            "autoscaling", "create-auto-scaling-group", "--auto-scaling-group-name", "chips",
            "--launch-template", f"LaunchTemplateId={cls.template},Version=1", "--min-size", "0", "--max-size", "2",
            "--desired-capacity", "1", "--vpc-zone-identifier", SUBNETS,
        )  # fmt: skip
        cls.session.until(lambda: cls.in_service(), "the group has its instance")

    @classmethod
    def aws(cls, service, operation, *arguments):
        return cls.session.aws(service, operation, *arguments)

    @classmethod
    def group(cls):
        return cls.aws("autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names", "chips")["AutoScalingGroups"][0]

    @classmethod
    def in_service(cls):
        return [one for one in cls.group()["Instances"] if one["LifecycleState"] == "InService"]

    def test_the_recommended_image_exists_and_can_be_launched(self):
        image = self.aws("ec2", "describe-images", "--image-ids", self.image)["Images"][0]
        self.assertEqual((image["State"], image["Architecture"]), ("available", "x86_64"))
        self.assertEqual(image["Name"], self.recommended["image_name"])

    def test_an_unknown_parameter_is_named_and_no_error(self):
        answer = self.aws("ssm", "get-parameters", "--names", PARAMETER, "/no/such")
        self.assertEqual(answer["InvalidParameters"], ["/no/such"])

    def test_neuron_types_say_how_many_devices_they_have(self):
        types = self.aws("ec2", "describe-instance-types", "--filters", "Name=instance-type,Values=inf*,trn*")["InstanceTypes"]
        devices = {one["InstanceType"]: one["NeuronInfo"]["NeuronDevices"][0]["Count"] for one in types if "NeuronInfo" in one}
        expected = {"inf1.6xlarge": 4, "inf2.24xlarge": 6, "inf2.48xlarge": 12, "trn1.32xlarge": 16, "trn1.2xlarge": 1}
        self.assertEqual({name: devices.get(name) for name in expected}, expected)

    def test_the_instance_runs_the_image_of_the_template(self):
        member = self.in_service()[0]
        filters = ["--filters", "Name=tag:aws:autoscaling:groupName,Values=chips", "Name=instance-state-name,Values=running"]
        reservations = self.aws("ec2", "describe-instances", *filters)["Reservations"]
        found = [one for reservation in reservations for one in reservation["Instances"]]
        self.assertIn(member["InstanceId"], [one["InstanceId"] for one in found])
        self.assertEqual({(one["ImageId"], one["InstanceType"]) for one in found}, {(self.image, KIND)})

    def test_versions_of_a_template_stay_as_they_were_made(self):
        data = json.dumps({"ImageId": self.image, "InstanceType": "inf2.8xlarge"})
        arguments = ["--launch-template-id", self.template, "--version-description", "larger", "--launch-template-data", data]
        made = self.aws("ec2", "create-launch-template-version", *arguments)["LaunchTemplateVersion"]
        described = self.aws("ec2", "describe-launch-template-versions", "--launch-template-id", self.template)
        kinds = {one["VersionNumber"]: one["LaunchTemplateData"]["InstanceType"] for one in described["LaunchTemplateVersions"]}
        self.assertEqual((kinds[1], kinds[made["VersionNumber"]]), (KIND, "inf2.8xlarge"))

    def test_tags_of_a_template_come_and_go(self):
        self.aws("ec2", "create-tags", "--resources", self.template, "--tags", "Key=team,Value=nlp")
        named = ["ec2", "describe-launch-templates", "--filters", "Name=tag:team,Values=nlp"]
        self.assertEqual([one["LaunchTemplateId"] for one in self.aws(*named)["LaunchTemplates"]], [self.template])
        self.aws("ec2", "delete-tags", "--resources", self.template, "--tags", "Key=team")
        self.assertEqual(self.aws(*named)["LaunchTemplates"], [])

    def test_tags_and_sizes_of_a_group_can_be_changed(self):
        tag = "ResourceId=chips,ResourceType=auto-scaling-group,Key=team,Value=nlp,PropagateAtLaunch=false"
        self.aws("autoscaling", "create-or-update-tags", "--tags", tag)
        self.aws("autoscaling", "update-auto-scaling-group", "--auto-scaling-group-name", "chips", "--max-size", "3")
        group = self.group()
        self.assertEqual(group["MaxSize"], 3)
        self.assertIn(("team", "nlp"), [(one["Key"], one["Value"]) for one in group["Tags"]])
        self.aws("autoscaling", "delete-tags", "--tags", "ResourceId=chips,ResourceType=auto-scaling-group,Key=team")
        self.assertNotIn("team", [one["Key"] for one in self.group()["Tags"]])

    def test_an_instance_can_be_added_and_taken_out(self):
        self.aws("autoscaling", "set-desired-capacity", "--auto-scaling-group-name", "chips", "--desired-capacity", "2")
        members = self.session.until(lambda: len(self.in_service()) == 2 and self.in_service(), "two instances")
        gone = members[0]["InstanceId"]
        taken = ["terminate-instance-in-auto-scaling-group", "--instance-id", gone, "--should-decrement-desired-capacity"]
        self.aws("autoscaling", *taken)
        self.session.until(lambda: gone not in [one["InstanceId"] for one in self.group()["Instances"]], "it is gone")
        self.assertEqual(self.group()["DesiredCapacity"], 1)
        activities = self.aws("autoscaling", "describe-scaling-activities", "--auto-scaling-group-name", "chips")["Activities"]
        self.assertTrue(any(gone in one["Description"] for one in activities), activities)

    def refreshes(self):
        named = ["describe-instance-refreshes", "--auto-scaling-group-name", "chips"]
        return self.aws("autoscaling", *named)["InstanceRefreshes"]

    def test_somebody_can_refresh_the_instances_and_cancel_or_roll_back(self):
        named = ["--auto-scaling-group-name", "chips"]
        before = {one["InstanceId"] for one in self.in_service()}
        self.assertEqual(self.session.refused("autoscaling", "cancel-instance-refresh", *named), "ActiveInstanceRefreshNotFound")
        self.assertEqual(self.session.refused("autoscaling", "rollback-instance-refresh", *named), "ActiveInstanceRefreshNotFound")
        preferences = ["--preferences", json.dumps({"MinHealthyPercentage": 0, "InstanceWarmup": 0, "BakeTime": 86400})]
        started = self.aws("autoscaling", "start-instance-refresh", *named, *preferences)["InstanceRefreshId"]
        self.assertEqual(self.session.refused("autoscaling", "start-instance-refresh", *named), "InstanceRefreshInProgress")
        self.session.until(lambda: self.refreshes()[0]["Status"] == "Baking", "every instance is replaced")
        self.assertEqual((self.refreshes()[0]["InstanceRefreshId"], self.refreshes()[0]["PercentageComplete"]), (started, 100))
        self.assertTrue(before.isdisjoint(one["InstanceId"] for one in self.in_service()))
        # Without a desired configuration there is nothing to go back to.
        self.assertEqual(self.session.refused("autoscaling", "rollback-instance-refresh", *named), "IrreversibleInstanceRefresh")
        self.aws("autoscaling", "cancel-instance-refresh", *named)
        self.session.until(lambda: self.refreshes()[0]["Status"] == "Cancelled", "it is cancelled")
        data = json.dumps({"KeyName": "somebody"})
        arguments = ["--launch-template-id", self.template, "--source-version", "1", "--launch-template-data", data]
        made = self.aws("ec2", "create-launch-template-version", *arguments)["LaunchTemplateVersion"]["VersionNumber"]
        desired = {"LaunchTemplate": {"LaunchTemplateId": self.template, "Version": str(made)}}
        # It bakes for a day, so that it cannot end before the next command comes.
        baking = json.dumps({"MinHealthyPercentage": 0, "BakeTime": 86400})
        forward = ["--desired-configuration", json.dumps(desired), "--preferences", baking]
        self.aws("autoscaling", "start-instance-refresh", *named, *forward)
        self.aws("autoscaling", "rollback-instance-refresh", *named)
        self.session.until(lambda: self.refreshes()[0]["Status"] == "RollbackSuccessful", "it is rolled back")
        self.assertEqual(self.group()["LaunchTemplate"]["Version"], "1")

    def test_a_subnet_says_in_which_zone_it_is(self):
        subnets = self.aws("ec2", "describe-subnets", "--subnet-ids", *SUBNETS.split(","))["Subnets"]
        zones = {one["SubnetId"]: one["AvailabilityZone"] for one in subnets}
        self.assertEqual(set(zones), set(SUBNETS.split(",")))
        self.assertTrue({one["AvailabilityZone"] for one in self.in_service()} <= set(zones.values()))
        missing = self.session.refused("ec2", "describe-subnets", "--subnet-ids", "subnet-nobody")
        self.assertTrue(missing.startswith("InvalidSubnet"), missing)

    def test_images_are_published_as_documents_with_leaves(self):
        path = PARAMETER.rsplit("/", 1)[0]
        found = self.aws("ssm", "get-parameters-by-path", "--path", path)["Parameters"]
        images = {one["Name"].rsplit("/", 1)[1]: json.loads(one["Value"])["image_id"] for one in found}
        self.assertEqual(images["recommended"], self.image)
        self.assertEqual(images[self.recommended["image_name"]], self.image)
        self.assertGreater(len(set(images.values())), 1, "older images keep their names")
        every = self.aws("ssm", "get-parameters-by-path", "--path", path, "--recursive")["Parameters"]
        leaves = {one["Name"]: one["Value"] for one in every}
        self.assertEqual(leaves[f"{PARAMETER}/image_id"], self.image)
        versions = {number: self.aws("ssm", "get-parameter", "--name", f"{PARAMETER}/image_id:{number}") for number in (1, 2)}
        self.assertEqual(versions[2]["Parameter"]["Value"], self.image)
        self.assertNotEqual(versions[1]["Parameter"]["Value"], self.image)

    def test_a_parameter_of_the_account_is_made_once_under_its_name_and_removed(self):
        given = ["--name", "/lab/records/0.0", "--type", "String", "--value", "first"]
        self.assertEqual(self.aws("ssm", "put-parameter", *given)["Version"], 1)
        self.assertEqual(self.session.refused("ssm", "put-parameter", *given), "ParameterAlreadyExists")
        found = self.aws("ssm", "get-parameters-by-path", "--path", "/lab", "--recursive")["Parameters"]
        self.assertEqual([(one["Name"], one["Value"]) for one in found], [("/lab/records/0.0", "first")])
        gone = self.aws("ssm", "delete-parameters", "--names", "/lab/records/0.0", "/lab/records/none")
        self.assertEqual((gone["DeletedParameters"], gone["InvalidParameters"]), (["/lab/records/0.0"], ["/lab/records/none"]))
        self.assertEqual(self.session.refused("ssm", "get-parameter", "--name", "/lab/records/0.0"), "ParameterNotFound")

    def test_the_history_of_a_public_parameter_is_refused_loudly(self):
        # No document of AWS's says what becomes of such a request, so the simulator does not guess.
        refused = self.session.refused("ssm", "get-parameter-history", "--name", PARAMETER)
        self.assertEqual(refused, "NotModelledBySimulator")

    def test_a_group_and_its_template_can_be_deleted(self):
        data = json.dumps({"ImageId": self.image, "InstanceType": KIND})
        create = ["create-launch-template", "--launch-template-name", "gone", "--launch-template-data", data]
        template = self.aws("ec2", *create)["LaunchTemplate"]["LaunchTemplateId"]
        named = ["--auto-scaling-group-name", "gone"]
        source = ["--launch-template", f"LaunchTemplateId={template}", "--vpc-zone-identifier", SUBNETS]
        self.aws("autoscaling", "create-auto-scaling-group", *named, *source, "--min-size", "0", "--max-size", "1")
        self.aws("autoscaling", "delete-auto-scaling-group", *named, "--force-delete")
        groups = ["autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names", "gone"]
        self.session.until(lambda: not self.aws(*groups)["AutoScalingGroups"], "the group is gone")
        self.aws("ec2", "delete-launch-template", "--launch-template-id", template)


class Chips(unittest.TestCase):
    """What `axon apply` makes of a pool whose services share instances."""

    @classmethod
    def setUpClass(cls):
        cls.session, _plan = session.converged()
        cls.cluster = cls.session.cluster("ml-prod")["clusterArn"]

    def definition(self, service):
        arn = service["taskDefinition"]
        return self.session.ecs("describe-task-definition", "--task-definition", arn)["taskDefinition"]

    def test_every_set_of_devices_is_a_service_of_its_own(self):
        services = [one for one in self.session.services(self.cluster) if one["serviceName"].split("-n")[0] in ("large", "medium", "small")]
        paths = {}
        for service in services:
            devices = self.definition(service)["containerDefinitions"][0]["linuxParameters"]["devices"]
            paths[service["serviceName"]] = sorted(int(one["hostPath"].removeprefix("/dev/neuron")) for one in devices)
        self.assertEqual(sorted(len(ids) for ids in paths.values()), sorted([7, 4] + [1] * (len(paths) - 2)))
        for ids in paths.values():
            self.assertEqual(ids, list(range(ids[0], ids[0] + len(ids))), "neighbours")

    def test_a_chip_is_reserved_as_a_host_port(self):
        service = next(one for one in self.session.services(self.cluster) if one["serviceName"].startswith("medium-n"))
        container = self.definition(service)["containerDefinitions"][0]
        chips = [int(one["hostPath"].removeprefix("/dev/neuron")) for one in container["linuxParameters"]["devices"]]
        ports = [one["hostPort"] for one in container["portMappings"] if one.get("hostPort", 0) >= 20000]
        self.assertEqual(ports, [20000 + chip for chip in chips])
        instances = self.session.ecs("list-container-instances", "--cluster", self.cluster)["containerInstanceArns"]
        described = self.session.ecs("describe-container-instances", "--cluster", self.cluster, "--container-instances", *instances)
        taken = [
            one["stringSetValue"]
            for instance in described["containerInstances"]
            for one in instance["registeredResources"]
            if one["name"] == "PORTS"
        ]
        self.assertTrue(taken, "instances say which ports are taken")

    def test_an_instance_can_be_drained_and_taken_back(self):
        instance = self.session.ecs("list-container-instances", "--cluster", self.cluster)["containerInstanceArns"][0]
        change = ["update-container-instances-state", "--cluster", self.cluster, "--container-instances", instance]
        drained = self.session.ecs(*change, "--status", "DRAINING")["containerInstances"][0]
        self.assertEqual(drained["status"], "DRAINING")
        self.assertEqual(self.session.ecs(*change, "--status", "ACTIVE")["containerInstances"][0]["status"], "ACTIVE")

    def test_the_list_of_the_cluster_can_be_replaced_by_itself(self):
        cluster = self.session.cluster("ml-prod")
        groups = {one["name"] for one in self.session.providers() if "autoScalingGroupProvider" in one}
        names = [name for name in cluster["capacityProviders"] if name in groups]
        self.assertEqual(len(names), 13, "one for each example")
        put = ["put-cluster-capacity-providers", "--cluster", self.cluster, "--capacity-providers", *names]
        answered = self.session.ecs(*put, "--default-capacity-provider-strategy", "[]")["cluster"]
        self.assertTrue(set(names) <= set(answered["capacityProviders"]))
