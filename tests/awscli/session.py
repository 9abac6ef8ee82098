"""One simulated AWS, the stock command line that asks it, and the `axon` that works on it.

Neighbours: the tests use it, `suite` sets `SETTINGS`, `programs` starts things. Must not hold: what is expected of an answer.
"""

import atexit
import contextlib
import dataclasses
import functools
import json
import re

import programs
from programs import Background, answers, environment, free_port

OURS = "neuron.ecs/managed-by"
NAME = "neuron.ecs/name"


@dataclasses.dataclass
class Settings:
    """What the command line of the suite says."""

    axon: str
    aws: str
    source: str
    speed: str
    deadline: float


SETTINGS: Settings


# What the command line was asked and answered, as (service, operation).
ANSWERED = set()


class Session:
    """A fresh simulated account; `close` ends everything that was started in it."""

    def __init__(self, *simulate, source=None):
        """Arguments are further flags of `axon simulate`."""
        self.source = source or SETTINGS.source
        self.environment = environment()
        self.stack = contextlib.ExitStack()
        # An interrupted run skips the clean-up of its test class.
        atexit.register(self.close)
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.started = []
        self.simulate = self.start("simulate", "--listen", f"127.0.0.1:{port}", "--speed", SETTINGS.speed, *simulate)
        try:
            self.until(lambda: answers(port), "`axon simulate` accepts connections")
        except BaseException:
            self.close()
            raise

    def start(self, *arguments):
        """Starts `axon` in the background."""
        program = Background([SETTINGS.axon, *arguments], self.environment)
        self.stack.callback(program.stop)
        self.started.append(program)
        return program

    def operate(self):
        """The operator itself, on the specs of the suite."""
        return self.start("run", "--endpoint-url", self.endpoint, "--source", self.source, "--interval", "5s")

    def close(self):
        self.stack.close()

    def finish(self, command):
        return programs.finish(command, self.environment, SETTINGS.deadline)

    def axon(self, *arguments):
        """Runs `axon` to its end against the simulated account."""
        return self.finish([SETTINGS.axon, *arguments, "--endpoint-url", self.endpoint, self.source])

    def aws(self, service, operation, *arguments):
        """What the stock command line answers; any error of it fails the test."""
        command = [SETTINGS.aws, service, operation, *arguments]
        ended = self.finish([*command, "--endpoint-url", self.endpoint, "--output", "json"])
        if ended.exit != 0:
            raise AssertionError(str(ended))
        ANSWERED.add((service, operation))
        return json.loads(ended.stdout) if ended.stdout.strip() else {}

    def refused(self, service, operation, *arguments):
        """The error code with which the stock command line is refused; an answer fails the test."""
        command = [SETTINGS.aws, service, operation, *arguments]
        ended = self.finish([*command, "--endpoint-url", self.endpoint, "--output", "json"])
        found = re.search(r"An error occurred \(([\w.]+)\)", ended.stderr)
        if ended.exit == 0 or not found:
            raise AssertionError(f"not refused: {ended}")
        return found.group(1)

    def ecs(self, operation, *arguments):
        return self.aws("ecs", operation, *arguments)

    def until(self, condition, what):
        """Polls until the condition gives something true, and gives that back; states what it saw last if it never does."""
        return programs.until(condition, what, self.started, SETTINGS.deadline)

    def clusters(self):
        """Every cluster of ours."""
        arns = self.ecs("list-clusters")["clusterArns"]
        if not arns:
            return []
        described = self.ecs("describe-clusters", "--clusters", *arns, "--include", "TAGS", "SETTINGS")
        return [cluster for cluster in described["clusters"] if OURS in tags(cluster)]

    def cluster(self, name):
        return only([cluster for cluster in self.clusters() if tags(cluster).get(NAME) == name], f"cluster {name}")

    def providers(self, *arguments):
        """The capacity providers that these arguments ask for; ten a page, and the command line does not turn the pages."""
        found, token = [], []
        while True:
            page = self.ecs("describe-capacity-providers", *arguments, *token)
            found += page["capacityProviders"]
            if "nextToken" not in page:
                return found
            token = ["--next-token", page["nextToken"]]

    def provider(self, cluster, name):
        names = cluster["capacityProviders"]
        found = self.providers("--cluster", cluster["clusterArn"], "--capacity-providers", *names, "--include", "TAGS")
        return only([one for one in found if tags(one).get(NAME) == name], f"capacity provider {name}")

    def services(self, cluster):
        """Every service in a cluster, whatever page it is on."""
        found = []
        arns = self.ecs("list-services", "--cluster", cluster, "--page-size", "1")["serviceArns"]
        while arns:
            page, arns = arns[:10], arns[10:]
            described = self.ecs("describe-services", "--cluster", cluster, "--services", *page, "--include", "TAGS")
            found += described["services"]
        return found

    def active(self, cluster, name):
        """The services in force that stand for one spec; none while it is being replaced."""
        return [one for one in self.services(cluster) if one["status"] == "ACTIVE" and tags(one).get(NAME) == name]

    def service(self, cluster, name):
        return only(self.active(cluster, name), f"service {name}")

    def tasks(self, cluster, service):
        arns = self.ecs("list-tasks", "--cluster", cluster, "--service-name", service)["taskArns"]
        if not arns:
            return []
        return self.ecs("describe-tasks", "--cluster", cluster, "--tasks", *arns, "--include", "TAGS")["tasks"]


@functools.cache
def converged():
    """One account in which all examples have become ready, for every class that leaves it as it is.

    With it: the plan before and the apply that did it. It is closed when the suite ends.
    """
    session = Session()
    planned = session.axon("plan", "--detailed-exitcode")
    applied = session.axon("apply", "--yes", "--wait")
    if applied.exit != 0:
        raise AssertionError(str(applied))
    return session, planned


def tags(resource):
    return {tag["key"]: tag["value"] for tag in resource.get("tags", [])}


def only(found, what):
    if len(found) != 1:
        raise AssertionError(f"expected exactly one {what}, found {len(found)}: {json.dumps(found, indent=2, default=str)}")
    return found[0]
