"""The operator driven by a git repository over HTTPS, on an AWS that has a bad day: nothing but commits controls it.

Neighbours: `repository` serves git, `session` the AWS; the fleet is written here. Must not hold: the stock command line's
view of single resources (`apply`).
"""

import base64
import hashlib
import hmac
import json
import pathlib
import signal
import tempfile
import unittest
import urllib.error
import urllib.request

import programs
import repository
import session
from repository import Repository
from session import Session
from sshd import Sshd

SECRET = "made-up-webhook-secret"
ACCOUNT = "111122223333"

CLUSTER = """apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: gitops}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: chips}
spec:
  cluster: gitops
  managedInstances:
    infrastructureRoleArn: arn:aws:iam::111122223333:role/ecsInfrastructureRole
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron
    subnets: [subnet-0a1b2c3d]
    securityGroups: [sg-0a1b2c3d]
    instanceRequirements: {allowedInstanceTypes: [inf2.8xlarge]}
"""


def service(name, replicas):
    return f"""apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {{name: {name}}}
spec:
  pool: chips
  replicas: {replicas}
  template:
    cpu: 8192
    memory: 16384
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{{name: server, image: "111122223333.dkr.ecr.us-east-1.amazonaws.com/vllm:1"}}]
"""


FLEET = {
    "clusters/prod/cluster.yaml": CLUSTER,
    "clusters/prod/a.yaml": service("a", 1),
    "clusters/prod/b.yaml": service("b", 1),
    "README.md": "not a specification\n",
}


class Operated(unittest.TestCase):
    """A repository, a simulated AWS and an operator between them."""

    INTERVAL = "5s"
    DISTURB = ()
    FLAGS = ()
    FILES = FLEET

    @classmethod
    def setUpClass(cls):
        cls.repository = Repository()
        cls.addClassCleanup(cls.repository.close)
        cls.session = Session(*cls.DISTURB)
        cls.addClassCleanup(cls.session.close)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="axon-operator-"))
        cls.token = cls.folder / "token"
        cls.token.write_text(repository.TOKEN + "\n")
        (cls.folder / "secret").write_text(SECRET + "\n")
        cls.port = programs.free_port()
        cls.server = f"http://127.0.0.1:{cls.port}"
        cls.config = cls.folder / "axon.yaml"
        cls.write_config()
        cls.first = cls.repository.commit(cls.FILES, "the first fleet")
        cls.operator = cls.session.start("run", "--config", str(cls.config), "--log-format", "json", *cls.FLAGS)

    @classmethod
    def write_config(cls, **more):
        """Without a library: JSON is YAML."""
        # Both servers are on this machine.
        git = {"path": "clusters/prod", "interval": cls.INTERVAL, "allowPrivateAddresses": True} | cls.address()
        config = {
            "apiVersion": "neuron.ecs/v1alpha1",
            "kind": "OperatorConfig",
            "dataDirectory": str(cls.folder / "data"),
            "sources": [{"name": "fleet", "git": git, "webhook": {"secretFile": str(cls.folder / "secret")}}],
            "targets": cls.targets(),
            "intervals": {"sweep": "5s", "busy": "1s"},
            "server": {"listen": f"127.0.0.1:{cls.port}"},
        }
        cls.config.write_text(json.dumps(config | more))

    @classmethod
    def address(cls):
        """Where the repository is, and what opens it."""
        certificate = str(cls.repository.server.certificate)
        return {"url": cls.repository.url, "caFile": certificate, "auth": {"tokenFile": str(cls.token)}}

    @classmethod
    def targets(cls):
        return [{"name": "sim", "account": ACCOUNT, "region": programs.REGION, "endpointUrl": cls.session.endpoint}]

    @classmethod
    def status(cls):
        ended = cls.session.finish([session.SETTINGS.axon, "status", "--server", cls.server, "-o", "json"])
        return json.loads(ended.stdout) if ended.stdout.strip() else {"statuses": []}

    @classmethod
    def objects(cls):
        return {f"{one['kind']}/{one['name']}": one for one in cls.status()["statuses"]}

    @classmethod
    def condition(cls, name, kind):
        found = cls.objects().get(name, {"conditions": []})["conditions"]
        return next((one for one in found if one["type"] == kind), None)

    @classmethod
    def source(cls):
        return next(one for one in cls.status()["sources"] if one["name"] == "fleet")

    def plan(self):
        """The plan in force, as text."""
        with urllib.request.urlopen(f"{self.server}/v1/plan", timeout=10) as answer:
            return answer.read().decode()

    def ready_at(self, revision, *names):
        """These objects are Ready under this very revision."""

        def holds():
            objects = self.objects()
            return all(name in objects and objects[name]["observedRevision"] == revision and ready(objects[name]) for name in names)

        self.session.until(holds, f"{names} Ready at {revision}")

    def counts(self):
        """Desired counts of the services on AWS, by name."""
        arns = self.session.ecs("list-clusters")["clusterArns"]
        return {one["serviceName"]: one["desiredCount"] for arn in arns for one in self.session.services(arn)}


def ready(status):
    return any(one["type"] == "Ready" and one["status"] == "True" for one in status["conditions"])


class Commits(Operated):
    """One story after the other on one operator; each begins and ends with the first fleet."""

    ALL = ("NeuronCluster/gitops", "NeuronPool/chips", "NeuronService/a", "NeuronService/b")

    def setUp(self):
        self.revision = self.repository.commit(FLEET, "the first fleet again")
        self.ready_at(self.revision, *self.ALL)

    def test_a_commit_converges_and_its_revert_converges_back(self):
        changed = self.repository.commit({"clusters/prod/a.yaml": service("a", 3)}, "more of a")
        self.ready_at(changed, *self.ALL)
        self.assertEqual(self.counts(), {"a": 3, "b": 1})
        self.ready_at(self.repository.revert(), *self.ALL)
        self.assertEqual(self.counts(), {"a": 1, "b": 1})

    def test_a_broken_object_stays_as_it_was_and_does_not_hold_the_others(self):
        broken = service("a", 2).replace("replicas: 2", "replicas: many")
        changed = self.repository.commit({"clusters/prod/a.yaml": broken, "clusters/prod/b.yaml": service("b", 2)}, "half good")
        self.ready_at(changed, "NeuronService/b")
        self.assertEqual(self.counts(), {"a": 1, "b": 2})
        valid = self.condition("NeuronService/a", "SpecValid")
        self.assertEqual(valid["status"], "False", valid)
        self.assertIn("a.yaml", valid["message"])
        self.ready_at(self.repository.revert(), *self.ALL)

    def test_a_service_that_left_the_repository_is_removed(self):
        changed = self.repository.commit({"clusters/prod/b.yaml": None}, "no b")
        self.ready_at(changed, "NeuronService/a")
        self.session.until(lambda: self.counts() == {"a": 1}, "the service is gone")
        self.ready_at(self.repository.revert(), *self.ALL)

    def test_a_commit_without_any_object_removes_nothing(self):
        gone = {path: None for path in FLEET if path.endswith(".yaml")}
        self.repository.commit(gone | {"clusters/prod/none.yaml": "# nothing\n"}, "oops")
        self.session.until(lambda: "the source declares nothing at all" in self.plan(), "it says why nothing is removed")
        self.assertEqual(self.counts(), {"a": 1, "b": 1})
        self.ready_at(self.repository.revert(), *self.ALL)

    def test_a_commit_without_any_file_is_not_taken(self):
        self.repository.commit({path: None for path in FLEET if path.endswith(".yaml")}, "oops")
        self.session.until(lambda: self.source()["condition"]["reason"] == "PathNotFound", "PathNotFound")
        self.assertEqual(self.counts(), {"a": 1, "b": 1})
        self.ready_at(self.repository.revert(), *self.ALL)

    def test_a_rewritten_branch_is_refused_until_it_continues_what_is_in_force(self):
        kept = self.repository.commit({"clusters/prod/a.yaml": service("a", 2)}, "two of a")
        self.ready_at(kept, *self.ALL)
        self.repository.rewrite({"clusters/prod/a.yaml": service("a", 4)}, "somebody else's history")
        self.session.until(lambda: self.source()["condition"]["reason"] == "ForcePushRefused", "ForcePushRefused")
        self.assertEqual(self.counts(), {"a": 2, "b": 1})
        self.assertEqual(self.source()["revision"], kept)
        self.repository.restore(kept)
        self.session.until(lambda: self.source()["condition"]["status"] == "True", "the source is ready again")
        self.ready_at(self.repository.revert(), *self.ALL)

    def test_a_token_that_is_refused_is_said_and_what_was_read_stays(self):
        self.token.write_text("revoked\n")
        self.session.until(lambda: self.source()["condition"]["reason"] == "AuthenticationFailed", "AuthenticationFailed")
        self.assertEqual(self.counts(), {"a": 1, "b": 1})
        self.token.write_text(repository.TOKEN + "\n")
        self.session.until(lambda: self.source()["condition"]["status"] == "True", "the source is ready again")

    def test_an_invalid_configuration_keeps_the_old_one_and_a_valid_one_is_taken(self):
        self.config.write_text("apiVersion: nonsense\n")
        self.operator.process.send_signal(signal.SIGHUP)
        self.session.until(lambda: "the configuration in force stays" in self.operator.everything(), "the refusal is logged")
        # Its form is right, and it names a secret that is not there.
        (self.folder / "secret").rename(self.folder / "away")
        self.write_config(readOnly=True)
        self.operator.process.send_signal(signal.SIGHUP)
        self.session.until(lambda: "the secret of its webhook" in self.operator.everything(), "this refusal is logged as well")
        (self.folder / "away").rename(self.folder / "secret")
        self.write_config(readOnly=True)
        self.operator.process.send_signal(signal.SIGHUP)
        self.session.until(lambda: "the configuration was read again" in self.operator.everything(), "the reload is logged")
        changed = self.repository.commit({"clusters/prod/a.yaml": service("a", 2)}, "nobody may write this")
        self.session.until(lambda: self.source()["revision"] == changed, "the commit is read")
        self.session.until(lambda: reason(self.condition("NeuronService/a", "Ready")) == "ReadOnly", "it would be written")
        self.assertEqual(self.counts(), {"a": 1, "b": 1})
        self.write_config()
        self.operator.process.send_signal(signal.SIGHUP)
        self.ready_at(changed, *self.ALL)
        self.ready_at(self.repository.revert(), *self.ALL)


def reason(condition):
    return condition["reason"] if condition else None


class Webhook(Operated):
    """A source that is polled once an hour, and told when there is something new."""

    INTERVAL = "1h"

    def call(self, body, signature):
        request = urllib.request.Request(f"{self.server}/v1/hooks/fleet", data=body, method="POST")
        request.add_header("X-Hub-Signature-256", signature)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def test_a_push_is_picked_up_at_once_if_it_is_signed(self):
        self.ready_at(self.first, "NeuronService/a")
        changed = self.repository.commit({"clusters/prod/a.yaml": service("a", 2)}, "two of a")
        body = json.dumps({"ref": "refs/heads/main"}).encode()
        self.assertEqual(self.call(body, "sha256=" + "0" * 64), 401)
        self.assertEqual(self.source()["revision"], self.first)
        good = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        self.assertEqual(self.call(body, f"sha256={good}"), 202)
        self.ready_at(changed, "NeuronService/a")


class Secrets(Operated):
    """Nothing secret shows, however much is logged and whoever asks: not where all is well, and not in what goes wrong."""

    call = Webhook.call
    FLAGS = ("--log-level", "trace")
    PAGES = ("/", "/healthz", "/readyz", "/metrics", "/v1/status", "/v1/events", "/v1/plan", "/v1/status/NeuronService/a")

    def told(self):
        """Everything that the operator says to anybody."""
        pages = []
        for page in self.PAGES:
            with urllib.request.urlopen(self.server + page, timeout=10) as answer:
                pages.append(answer.read().decode())
        arguments = [session.SETTINGS.axon, "run", "--config", str(self.config), "--print-config"]
        printed = programs.finish(arguments, self.session.environment, session.SETTINGS.deadline)
        self.assertEqual(printed.exit, 0, printed.stderr)
        return "\n".join([self.operator.everything(), printed.stdout, printed.stderr, json.dumps(self.status()), *pages])

    def test_no_secret_shows_anywhere_at_any_level(self):
        self.ready_at(self.first, "NeuronService/a")
        self.call(b"{}", "sha256=" + "0" * 64)
        self.call(b"{}", "sha256=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest())
        login = base64.b64encode(f"x-access-token:{repository.TOKEN}".encode()).decode()
        # A token that is refused, so that the errors are told as well.
        self.token.write_text("canary-of-a-refused-token\n")
        self.session.until(lambda: self.source()["condition"]["reason"] == "AuthenticationFailed", "AuthenticationFailed")
        secrets = {
            "the token": repository.TOKEN,
            "the refused token": "canary-of-a-refused-token",
            "the login": login,
            "the secret of the webhook": SECRET,
            "the secret access key": self.session.environment["AWS_SECRET_ACCESS_KEY"],
            "the session token": self.session.environment["AWS_SESSION_TOKEN"],
        }
        told = self.told()
        self.assertGreater(told.count('"level":"TRACE"') + told.count('"level":"DEBUG"'), 50, "much is logged")
        self.assertIn(self.repository.url, told)
        for what, secret in secrets.items():
            self.assertGreater(len(secret), 12, what)
            self.assertEqual(told.count(secret), 0, f"{what} shows")


class OverSsh(Operated):
    """The same by SSH, from an OpenSSH server."""

    @classmethod
    def address(cls):
        cls.sshd = Sshd(programs.free_port())
        cls.addClassCleanup(cls.sshd.close)
        auth = {"sshKeyFile": str(cls.sshd.key), "knownHostsFile": str(cls.sshd.known_hosts)}
        return {"url": cls.sshd.url(cls.repository.bare), "auth": auth}

    def test_commits_arrive_by_ssh_until_another_host_answers(self):
        self.ready_at(self.first, *Commits.ALL)
        changed = self.repository.commit({"clusters/prod/a.yaml": service("a", 2)}, "two of a")
        self.ready_at(changed, "NeuronService/a")
        self.assertEqual(self.counts(), {"a": 2, "b": 1})

        # A fetch that is under way may still trust the host and see the next commit.
        self.sshd.distrust()
        self.session.until(lambda: self.source()["condition"]["status"] == "False", "the source is not ready")
        before = self.sshd.turned_away()
        self.repository.commit({"clusters/prod/a.yaml": service("a", 3)}, "three of a, from a host that nobody knows")
        self.session.until(lambda: self.sshd.turned_away() > before, "the source is asked again")
        self.assertIn("key", self.source()["condition"]["message"].lower())
        self.assertEqual(self.counts(), {"a": 2, "b": 1})


def in_target(name):
    """The first fleet with names of its own, for one target."""
    fleet = CLUSTER + "---\n" + service("server", 1)
    for word in ("gitops", "chips", "server"):
        fleet = fleet.replace(word, f"{word}-{name}")
    return fleet.replace("spec: {}", f"spec: {{target: {name}}}").replace("- {name: server-", "- {name: ")


class Targets(Operated):
    """Two Regions and an account that the credentials do not lead to, from one repository and by one process."""

    WEST = "us-west-2"
    FILES = {f"clusters/prod/{name}.yaml": in_target(name) for name in ("east", "west", "lost")}

    @classmethod
    def targets(cls):
        cls.west = Session("--region", cls.WEST)
        cls.addClassCleanup(cls.west.close)
        target = {"account": ACCOUNT, "region": programs.REGION, "endpointUrl": cls.session.endpoint}
        return [
            target | {"name": "east"},
            target | {"name": "west", "region": cls.WEST, "endpointUrl": cls.west.endpoint},
            target | {"name": "lost", "account": "999999999999"},
        ]

    def test_a_target_that_is_refused_or_dies_does_not_disturb_the_others(self):
        kinds = ("NeuronCluster/gitops", "NeuronPool/chips", "NeuronService/server")
        self.ready_at(self.first, *(f"{kind}-{name}" for kind in kinds for name in ("east", "west")))
        self.assertIn("999999999999", self.operator.everything())
        clusters = self.session.ecs("list-clusters")["clusterArns"]
        self.assertEqual([arn.rsplit("/")[-1] for arn in clusters], ["gitops-east"])

        self.west.simulate.stop()
        changed = in_target("east").replace("replicas: 1", "replicas: 2")
        revision = self.repository.commit({"clusters/prod/east.yaml": changed}, "two in the east")
        self.ready_at(revision, *(f"{kind}-east" for kind in kinds))
        self.assertEqual(self.counts(), {"server-east": 2})
        log = self.operator.everything()
        self.assertNotIn("panic", log)


class BadDay(Operated):
    """An AWS that throttles every tenth call, fails every twentieth, and lets credentials expire for a minute in ten."""

    DISTURB = ("--disturb", "throttled=10,failed=5,expired=60")

    def test_the_operator_converges_and_its_log_has_no_panic(self):
        self.ready_at(self.first, *Commits.ALL)
        changed = self.repository.commit({"clusters/prod/a.yaml": service("a", 3)}, "three of a")
        # The stock command line has the same bad day, so the operator is asked.
        self.ready_at(changed, *Commits.ALL)
        self.assertGreater(self.throttles(), 10)
        self.assertNotIn("panic", self.operator.everything())

    def throttles(self):
        """Calls that AWS has refused as too fast, as the operator counts them."""
        with urllib.request.urlopen(f"{self.server}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("axon_aws_throttles_total{"))
