"""AWS's documented errors, provoked one by one: code, HTTP status, bytes, and the class that boto3 raises.

Neighbours: `errors.yaml` is the table; `answered` has the operations. Must not hold: errors that no document lists.
"""

import base64
import pathlib
import string
import time
import unittest

import botocore.exceptions
import yaml

from accounts import Simulated
from answered import SUBNETS, modelled
from exchanges import COMMON, error_code, model
from known import UNLISTED, said_of_answers
from story import KIND, ROLE, completed
from teller import first

TABLE = yaml.safe_load((pathlib.Path(__file__).parent / "errors.yaml").read_text(encoding="utf-8"))
# "Request throttling" of each API: the error of a request that comes too soon, and its status.
TOO_FAST = {
    "ecs": "ThrottlingException",
    "ssm": "ThrottlingException",
    "logs": "ThrottlingException",
    "autoscaling": "Throttling",
    "ec2": "RequestLimitExceeded",
}
IMAGE = "ami-0a1b2c3d4e5f60718"


class Scene:
    """A prepared account: services and hosts in several states, and their names."""

    def __init__(self, account):
        self.account = account
        self.names = {
            "missing-host": "0a1b2c3d4e5f60718a1b2c3d4e5f6071",
            "missing-deployment": "arn:aws:ecs:us-east-1:111122223333:service-deployment/scene/server/0a1b2c3d4e5f60718a1b2",
            "missing-service": "arn:aws:ecs:us-east-1:111122223333:service/scene/missing",
            "managed-provider": managed_provider(),
        }

    def call(self, service, operation, members):
        """A call that is made again while the account says that it was too fast."""
        return patiently(lambda: self.account.call(service, operation, **members))

    def until(self, service, operation, members, holds):
        return self.account.until(lambda: holds(self.call(service, operation, members)) or None, f"{operation} {members}")

    def filled(self, value, more=None):
        """The value with every {name} replaced; a text that is nothing else may become something that is no text."""
        names = self.names | (more or {})
        if isinstance(value, dict):
            return {key: self.filled(inner, more) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner, more) for inner in value]
        if not isinstance(value, str) or "{" not in value:
            return value
        if value[1:-1] in names and value[0] + value[-1] == "{}":
            return names[value[1:-1]]
        return "".join(text + str(names[name] if name else "") for text, name, _, _ in string.Formatter().parse(value))

    def prepare(self):
        """Hosts of a group with a service, a service that is deleted, and clusters that hold one thing each."""
        ecs = lambda operation, **members: self.call("ecs", operation, members)  # noqa: E731
        for name in ("scene", "tasks", "instances", "provided"):
            ecs("CreateCluster", clusterName=name)
        ecs("CreateCapacityProvider", name="managed", cluster="provided", managedInstancesProvider=managed_provider())
        container = {"name": "server", "image": "server:1", "cpu": 256, "memory": 512}
        ecs("RegisterTaskDefinition", family="scene", containerDefinitions=[container])
        self.hosts("hosts", "scene", 2)
        self.hosts("tasks", "tasks", 1)
        self.hosts("instances", "instances", 1)
        self.hosts("empty", "none", 0)
        group = self.call("autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": ["hosts"]})
        self.names["group"] = first(group, "AutoScalingGroups", "AutoScalingGroupARN")
        ecs("CreateCapacityProvider", name="hosts", autoScalingGroupProvider={"autoScalingGroupArn": self.names["group"]})
        self.until(
            "ecs",
            "DescribeCapacityProviders",
            {"capacityProviders": ["hosts"]},
            lambda a: first(a, "capacityProviders", "status") == "ACTIVE",
        )
        ecs("PutClusterCapacityProviders", cluster="scene", capacityProviders=["hosts"], defaultCapacityProviderStrategy=[])
        for cluster in ("scene", "tasks", "instances"):
            count = 2 if cluster == "scene" else 1
            self.until(
                "ecs", "ListContainerInstances", {"cluster": cluster}, lambda a, count=count: len(a["containerInstanceArns"]) == count
            )
        self.services(ecs)
        ecs("RunTask", cluster="tasks", taskDefinition="scene", launchType="EC2")

    def hosts(self, name, cluster, count):
        user_data = base64.b64encode(f"echo ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config".encode()).decode()
        data = {"ImageId": IMAGE, "InstanceType": KIND, "UserData": user_data, "DisableApiTermination": True}
        made = self.call("ec2", "CreateLaunchTemplate", {"LaunchTemplateName": name, "LaunchTemplateData": data})
        self.names["template"] = made["LaunchTemplate"]["LaunchTemplateId"]
        group = {
            "AutoScalingGroupName": name,
            "LaunchTemplate": {"LaunchTemplateName": name},
            "MinSize": 0,
            "MaxSize": 3,
            "DesiredCapacity": count,
            "VPCZoneIdentifier": SUBNETS[0],
        }
        self.call("autoscaling", "CreateAutoScalingGroup", group)

    def services(self, ecs):
        strategy = [{"capacityProvider": "hosts", "weight": 1}]
        for name in ("server", "gone"):
            ecs(
                "CreateService",
                cluster="scene",
                serviceName=name,
                taskDefinition="scene",
                desiredCount=1,
                capacityProviderStrategy=strategy,
            )
            self.until("ecs", "DescribeServices", {"cluster": "scene", "services": [name]}, completed)
        ecs("DeleteService", cluster="scene", service="gone", force=True)
        self.until(
            "ecs", "DescribeServices", {"cluster": "scene", "services": ["gone"]}, lambda a: first(a, "services", "status") == "INACTIVE"
        )
        done = ecs("ListServiceDeployments", cluster="scene", service="server")
        self.names["deployment"] = first(done, "serviceDeployments", "serviceDeploymentArn")
        tasks = ecs("DescribeTasks", cluster="scene", tasks=ecs("ListTasks", cluster="scene", serviceName="server")["taskArns"])
        self.names["host"] = first(tasks, "tasks", "containerInstanceArn")
        hosts = ecs("DescribeContainerInstances", cluster="scene", containerInstances=[self.names["host"]])
        self.names["machine"] = first(hosts, "containerInstances", "ec2InstanceId")
        # A task that no host has room for, so that its first deployment goes on.
        large = {"name": "server", "image": "server:1", "cpu": 4096, "memory": 500_000}
        ecs("RegisterTaskDefinition", family="large", containerDefinitions=[large])
        ecs("CreateService", cluster="scene", serviceName="waits", taskDefinition="large", desiredCount=1, launchType="EC2")
        self.until("ecs", "ListServiceDeployments", {"cluster": "scene", "service": "waits"}, lambda a: a["serviceDeployments"])
        found = ecs("ListServiceDeployments", cluster="scene", service="waits")
        self.names["first-deployment"] = first(found, "serviceDeployments", "serviceDeploymentArn")


def patiently(call):
    for _ in range(100):
        try:
            return call()
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in TOO_FAST.values():
                raise
            time.sleep(0.05)
    raise AssertionError("throttled for ever")


def managed_provider():
    template = {
        "ec2InstanceProfileArn": "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole",
        "networkConfiguration": {"subnets": SUBNETS, "securityGroups": ["sg-0a1b2c3d"]},
    }
    return {"infrastructureRoleArn": ROLE + "ecsInfrastructureRole", "instanceLaunchTemplate": template}


class Table(unittest.TestCase):
    def test_the_table_has_every_error_that_a_model_lists_and_nothing_else(self):
        missing, surplus = [], []
        for service, operation in sorted(modelled()):
            listed = {error_code(shape) for shape in model(service).operation_model(operation).error_shapes}
            provoked = set(TABLE["provoked"].get(service, {}).get(operation, {}))
            never = set(TABLE["never"].get(service, {}))
            missing += [f"{operation} {code}" for code in listed - provoked - never - set(TABLE["everywhere"])]
            if service != "ec2":
                surplus += [f"{operation} {code}" for code in provoked - listed - COMMON[service] if (operation, code) not in UNLISTED]
        unlisted = {(operation, code) for rows in TABLE["provoked"].values() for operation, row in rows.items() for code in row}
        self.assertLessEqual(set(UNLISTED), unlisted)
        self.assertEqual(missing, [], "listed by the model, and not in errors.yaml")
        self.assertEqual(surplus, [], "in errors.yaml, and not listed by the model")

    def test_every_operation_of_the_table_is_modelled_and_every_reason_is_needed(self):
        rows = {(service, operation) for service, operations in TABLE["provoked"].items() for operation in operations}
        self.assertEqual(sorted(rows - modelled()), [])
        for service, reasons in TABLE["never"].items():
            for code in reasons:
                left = [
                    operation
                    for one, operation in modelled()
                    if one == service
                    and code in {error_code(shape) for shape in model(service).operation_model(operation).error_shapes}
                    and code not in TABLE["provoked"].get(service, {}).get(operation, {})
                ]
                self.assertTrue(left, f"{service} {code} is provoked for every operation, or listed for none")

    def test_every_operation_of_ec2_has_a_documented_error(self):
        missing = [operation for service, operation in sorted(modelled()) if service == "ec2" and operation not in TABLE["provoked"]["ec2"]]
        self.assertEqual(missing, [])


class Provoked(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.accounts = {}
        cls.scene = cls.opened("prepared", speed="120")
        cls.scene.prepare()

    @classmethod
    def opened(cls, name, *flags, speed):
        account = Simulated(*flags, speed=speed)
        cls.addClassCleanup(account.close)
        cls.accounts[name] = Scene(account)
        return cls.accounts[name]

    def at(self, name):
        if name in self.accounts:
            return self.accounts[name]
        return self.opened(name, *([] if name == "slow" else ["--quirk", name]), speed="1")

    def test_each_error_is_provoked(self):
        for service, operations in TABLE["provoked"].items():
            for operation, errors in operations.items():
                for code, row in errors.items():
                    if "never" not in row:
                        with self.subTest(f"{operation} {code}"):
                            self.provoke(service, operation, code, row)

    def provoke(self, service, operation, code, row):
        scene = self.at(row.get("at", "prepared"))
        for one in row.get("first", []):
            scene.call(one[0], one[1], scene.filled(one[2]))
        if "times" in row:
            count, *one = row["times"]
            for number in range(count):
                scene.call(one[0], one[1], scene.filled(one[2], {"n": str(number)}))
        if "until" in row:
            *one, word = row["until"]
            scene.until(*one, lambda answer: word in str(answer))
        call = row["call"] if {"call", "first", "times"} & set(row) else row
        self.refused(scene.account, service, operation, code, scene.filled(call))

    def refused(self, account, service, operation, code, members, status=None):
        listed = {error_code(shape): shape for shape in model(service).error_shapes}
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            patiently(lambda: account.call(service, operation, **members))
        answer = caught.exception.response
        self.assertEqual(answer["Error"]["Code"], code, answer)
        raised = type(caught.exception).__name__
        self.assertEqual(raised, listed[code].name if code in listed else "ClientError")
        wanted = (
            status or (listed[code].metadata.get("error", {}).get("httpStatusCode") if code in listed else None) or STATUS.get(code, 400)
        )
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], wanted, answer)
        self.assertEqual(said_of_answers(account.exchanges()[-1]), [])

    def test_errors_that_come_of_something_else_than_the_request_are_as_the_models_say(self):
        for code, row in TABLE["everywhere"].items():
            account = Simulated("--disturb", row["disturb"])
            self.addCleanup(account.close)
            for service, operation in sorted(modelled()):
                if code in {error_code(shape) for shape in model(service).operation_model(operation).error_shapes}:
                    with self.subTest(f"{operation} {code}"):
                        self.disturbed(account, service, operation, code, row["status"])

    def test_requests_that_come_too_soon_are_refused_as_each_service_says_it(self):
        account = Simulated("--disturb", "throttled=100")
        self.addCleanup(account.close)
        calls = {
            "ecs": "ListClusters",
            "ssm": "GetParameter",
            "logs": "DescribeLogGroups",
            "autoscaling": "DescribeTags",
            "ec2": "DescribeImages",
        }
        for service, operation in calls.items():
            with self.subTest(service), self.assertRaises(botocore.exceptions.ClientError) as caught:
                account.call(service, operation)
            answer = caught.exception.response
            said = (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])
            self.assertEqual(said, (TOO_FAST[service], STATUS.get(TOO_FAST[service], 400)))

    def disturbed(self, account, service, operation, code, status):
        """Every other failure comes after the request was looked at, and a request without members has errors of its own."""
        for _ in range(40):
            try:
                self.refused(account, service, operation, code, {}, status)
                return
            except AssertionError as error:
                last = error
        raise last


# What EC2 says with another status than 400.
STATUS = {"DryRunOperation": 412, "RequestLimitExceeded": 503}
