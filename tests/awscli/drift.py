"""Edits behind the back of a running operator, made and watched through the stock AWS command line.

Neighbours: `session` asks, `expected` says what the specs want. Must not hold: what one `axon apply` does (`apply`).
"""

import unittest

from expected import CLUSTER, REPLICAS, SERVICE, SOURCE
from session import Session, tags

FINGERPRINT = "neuron.ecs/fingerprint"


class Drift(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.session = Session(source=SOURCE)
        cls.addClassCleanup(cls.session.close)
        applied = cls.session.axon("apply", "--yes", "--wait")
        if applied.exit != 0:
            raise AssertionError(str(applied))
        cls.operator = cls.session.operate()
        cls.arn = cls.session.cluster(CLUSTER)["clusterArn"]

    def setUp(self):
        self.service = self.settled("the service is whole before the edit")

    def settled(self, what):
        """The service once it runs what the spec asks for, on one finished deployment."""

        def whole():
            found = self.session.active(self.arn, SERVICE)
            return found[0] if len(found) == 1 and is_whole(found[0]) else None

        return self.session.until(whole, what)

    def edit(self, operation, *arguments):
        return self.session.ecs(operation, "--cluster", self.arn, "--service", self.service["serviceName"], *arguments)

    def test_a_changed_count_is_set_back(self):
        edited = self.edit("update-service", "--desired-count", str(REPLICAS + 3))
        self.assertEqual(edited["service"]["desiredCount"], REPLICAS + 3)
        self.settled(f"desiredCount is {REPLICAS} again")

    def test_a_deleted_service_is_created_again(self):
        self.edit("delete-service", "--force")
        before = {one["id"] for one in self.service["deployments"]}

        def anew():
            return [one for one in self.session.active(self.arn, SERVICE) if before.isdisjoint(deployments(one))]

        self.session.until(anew, "a new service stands in the place of the deleted one")
        self.settled("the new service is whole")

    def test_a_deregistered_task_definition_is_registered_again(self):
        gone = self.service["taskDefinition"]
        self.session.ecs("deregister-task-definition", "--task-definition", gone)
        self.assertEqual(self.definition(gone)["status"], "INACTIVE")

        def on_an_active_one():
            found = self.session.active(self.arn, SERVICE)
            return found and all(self.definition(one["taskDefinition"])["status"] == "ACTIVE" for one in found)

        self.session.until(on_an_active_one, "the service is on an ACTIVE task definition")
        after = self.settled("the service is whole")
        self.assertNotEqual(after["taskDefinition"], gone)

    def test_a_changed_tag_of_ours_is_set_back_and_a_foreign_tag_stays(self):
        before = tags(self.service)[FINGERPRINT]
        changed = before[:-1] + ("0" if before[-1] != "0" else "1")
        arn = self.service["serviceArn"]
        edit = [f"key={FINGERPRINT},value={changed}", "key=cost-center,value=42"]
        self.session.ecs("tag-resource", "--resource-arn", arn, "--tags", *edit)
        self.session.until(lambda: self.tags(arn).get(FINGERPRINT) == before, f"the tag {FINGERPRINT} has its value again")
        self.assertEqual(self.tags(arn).get("cost-center"), "42")

    def test_a_removed_tag_of_ours_comes_back(self):
        before = tags(self.service)[FINGERPRINT]
        arn = self.service["serviceArn"]
        self.session.ecs("untag-resource", "--resource-arn", arn, "--tag-keys", FINGERPRINT)
        self.session.until(lambda: self.tags(arn).get(FINGERPRINT) == before, f"the tag {FINGERPRINT} is there again")

    # Its name puts it after the tests that bring another revision: Axon repeats the very same update after a minute only.
    def test_replicas_edited_to_zero_come_back(self):
        self.edit("update-service", "--desired-count", "0")
        self.settled(f"desiredCount is {REPLICAS} again")

    def tags(self, arn):
        return tags(self.session.ecs("list-tags-for-resource", "--resource-arn", arn))

    def definition(self, arn):
        return self.session.ecs("describe-task-definition", "--task-definition", arn)["taskDefinition"]


class Shutdown(unittest.TestCase):
    def test_the_operator_ends_well_on_sigterm(self):
        session = Session(source=SOURCE)
        self.addCleanup(session.close)
        operator = session.operate()
        session.until(session.clusters, "the operator creates the cluster by itself")
        operator.process.terminate()
        self.assertEqual(operator.process.wait(timeout=60), 0, operator.tail())


def is_whole(service):
    counts = (service["desiredCount"], service["runningCount"], service["pendingCount"])
    finished = [one.get("rolloutState") for one in service["deployments"]] == ["COMPLETED"]
    return finished and counts == (REPLICAS, REPLICAS, 0)


def deployments(service):
    return {one["id"] for one in service["deployments"]}
