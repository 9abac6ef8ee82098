"""`axon apply`, seen through the stock AWS command line.

Neighbours: `session` asks, `expected` says what the specs want. Must not hold: repairs of a running operator (`drift`).
"""

import unittest

import session
from expected import CLUSTER, CONTAINER, POOL, REPLICAS, SERVICE, SOURCE
from session import OURS, Session, tags


class Examples(unittest.TestCase):
    """All examples at once, on the account that `converged` makes."""

    @classmethod
    def setUpClass(cls):
        cls.session, cls.first_plan = session.converged()

    def test_a_plan_on_an_empty_account_has_changes(self):
        self.assertEqual(self.first_plan.exit, 2, self.first_plan)

    def test_a_plan_after_apply_has_no_changes(self):
        planned = self.session.axon("plan", "--detailed-exitcode")
        self.assertEqual(planned.exit, 0, planned)
        self.assertIn("no changes", planned.stdout.lower(), planned)


class Apply(unittest.TestCase):
    """One example, looked at closely."""

    @classmethod
    def setUpClass(cls):
        cls.session = Session(source=SOURCE)
        cls.addClassCleanup(cls.session.close)
        applied = cls.session.axon("apply", "--yes", "--wait")
        if applied.exit != 0:
            raise AssertionError(str(applied))
        cls.cluster = cls.session.cluster(CLUSTER)
        cls.arn = cls.cluster["clusterArn"]

    def test_a_second_apply_changes_nothing(self):
        before = self.session.service(self.arn, SERVICE)
        again = self.session.axon("apply", "--yes", "--wait")
        self.assertEqual(again.exit, 0, again)
        after = self.session.service(self.arn, SERVICE)
        self.assertEqual(after["taskDefinition"], before["taskDefinition"])
        self.assertEqual([one["id"] for one in after["deployments"]], [one["id"] for one in before["deployments"]])

    def test_the_cluster(self):
        self.assertEqual(self.cluster["status"], "ACTIVE")
        self.assertIn({"name": "containerInsights", "value": "enhanced"}, self.cluster["settings"])

    def test_the_capacity_provider(self):
        provider = self.session.provider(self.cluster, POOL)
        self.assertEqual(provider["status"], "ACTIVE")
        self.assertIn("managedInstancesProvider", provider)
        self.assertIn(OURS, tags(provider))

    def test_the_service(self):
        service = self.session.service(self.arn, SERVICE)
        self.session.ecs("wait", "services-stable", "--cluster", self.arn, "--services", service["serviceArn"])
        service = self.session.service(self.arn, SERVICE)
        provider = self.session.provider(self.cluster, POOL)
        self.assertEqual((service["desiredCount"], service["runningCount"]), (REPLICAS, REPLICAS))
        self.assertEqual([one["rolloutState"] for one in service["deployments"]], ["COMPLETED"])
        strategy = [one["capacityProvider"] for one in service["capacityProviderStrategy"]]
        self.assertEqual(strategy, [provider["name"]])
        self.assertIn(OURS, tags(service))

    def test_the_task_definition_asks_for_every_neuron_device(self):
        arn = self.session.service(self.arn, SERVICE)["taskDefinition"]
        described = self.session.ecs("describe-task-definition", "--task-definition", arn, "--include", "TAGS")
        definition = described["taskDefinition"]
        self.assertEqual(definition["status"], "ACTIVE")
        self.assertEqual(definition["requiresCompatibilities"], ["MANAGED_INSTANCES"])
        container = session.only([one for one in definition["containerDefinitions"] if one["name"] == CONTAINER], CONTAINER)
        self.assertEqual(container["resourceRequirements"], [{"type": "NeuronDevice", "value": "ALL"}])
        self.assertIn(OURS, tags(described))

    def test_each_task_has_its_neuron_devices(self):
        service = self.session.service(self.arn, SERVICE)
        tasks = self.session.tasks(self.arn, service["serviceName"])
        self.assertEqual([task["lastStatus"] for task in tasks], ["RUNNING"] * REPLICAS)
        instances = {task["containerInstanceArn"] for task in tasks}
        self.assertEqual(len(instances), REPLICAS, "a task with every device has its instance to itself")
        for task in tasks:
            container = session.only([one for one in task["containers"] if one["name"] == CONTAINER], CONTAINER)
            self.assertTrue(container["neuronDeviceIds"], task)

    def test_what_is_not_ours_is_left_alone(self):
        self.session.ecs("create-cluster", "--cluster-name", "somebody-elses")
        planned = self.session.axon("plan", "--detailed-exitcode")
        self.assertEqual(planned.exit, 0, planned)
        again = self.session.axon("apply", "--yes", "--wait")
        self.assertEqual(again.exit, 0, again)
        described = self.session.ecs("describe-clusters", "--clusters", "somebody-elses", "--include", "TAGS")
        foreign = session.only(described["clusters"], "foreign cluster")
        self.assertEqual((foreign["status"], tags(foreign)), ("ACTIVE", {}))
