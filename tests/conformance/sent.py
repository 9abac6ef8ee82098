"""Every request that Axon sends, against the shapes of AWS's models: required members, unknown ones, types, enums, patterns, lengths.

Neighbours: `specs/full.yaml` uses every field of the specifications, `accounts` records, `exchanges` judges. Must not hold: what the
requests are for; the scenarios in Rust show that.
"""

import collections
import concurrent.futures
import datetime
import json
import pathlib
import re
import tempfile
import unittest

import yaml

import accounts
import programs
from accounts import Simulated
from known import said_of_answers

FULL = pathlib.Path(__file__).parent / "specs" / "full.yaml"
LIST = programs.ROOT / "crates" / "aws" / "src" / "operations.rs"

# What no specification that is accepted can have, or what is never sent.
UNUSED = {
    "NeuronJob.template": "the template of a service, which has them all",
    "NeuronService.compile": "that of a job; nothing is sent of it but the job and a variable",
    "NeuronJob.networking": "the networking of a service, which has it all",
    "NeuronPool.autoScalingGroup.instanceRequirements.": "Axon picks the types itself; AWS gets their names",
    "NeuronPool.autoScalingGroup.capacityOption=Reserved": "refused: groups have no reservations",
    "NeuronPool.managedInstances.instanceRequirements.acceleratorNames": "the enum of the model has no name of an accelerator that Managed Instances launch",
    "NeuronPool.managedInstances.instanceRequirements.bareMetal=Required": "no Neuron type is bare metal",
    "NeuronPool.managedInstances.instanceRequirements.burstablePerformance=Required": "no Neuron type is burstable",
}


class History:
    """Specifications applied one after the other to one account, and what passed meanwhile."""

    def __init__(self, *flags, speed="60"):
        self.account = Simulated(*flags, speed=speed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="axon-conformance-"))

    def apply(self, what, *sources, flags=()):
        """Applies, and waits until everything is Ready."""
        ended = self.account.axon("apply", "--yes", "--wait", "--timeout", "150s", *flags, *sources)
        if ended.exit != 0:
            raise AssertionError(f"{what}: {without_warnings(ended)}")

    def specify(self, text):
        path = self.folder / "fleet.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def ends(self):
        """What passed; the account is gone afterwards."""
        try:
            return list(self.account.exchanges())
        finally:
            self.account.close()


def without_warnings(ended):
    """What a program said, but for diagnostics of the specification."""
    return re.sub(r"(?s)AX\d{4}\n.*?axon explain AX\d{4}\n", "", str(ended))


def edit(text, *changes):
    for before, after in changes:
        if before not in text:
            raise AssertionError(f"{before!r} is not in the specification")
        text = text.replace(before, after)
    return text


def only(text, *names):
    """The documents that are called so."""
    documents = text.split("\n---\n")
    return "\n---\n".join(one for one in documents if any(f"metadata: {{name: {name}" in one for name in names))


def examples():
    history = History()
    history.apply("the examples", "config/examples")
    return history.ends()


def everything():
    """All that Axon writes: creation, changes in place, replacement, a rollout of an image, edits by others, removal."""
    history = History()
    full = FULL.read_text(encoding="utf-8")
    history.apply("everything", history.specify(full))
    changed = edit(
        full,
        ("containerInsights: Enhanced", "containerInsights: Enabled"),
        ("storageSizeGib: 300", "storageSizeGib: 250"),
        ('tags: {cost-center: "42"}', "tags: {owner: nlp}"),
        ("ignore: [/tags/cost-center]", "ignore: []"),
        ("maxSize: 3", "maxSize: 2"),
        ("sizeGib: 500", "sizeGib: 600"),
        ('image: "server:1"', 'image: "server:2"'),
        ("image: server:1", "image: server:2"),
    )
    history.apply("changes", history.specify(changed))
    image = edit(changed, ("{id: ami-0a1b2c3d4e5f60718}", "{id: ami-0b1b2c3d4e5f60718}"))
    history.apply("another image", history.specify(image))
    edited_by_others(history.account)
    history.apply("edits by others", history.specify(image))
    history.apply("few", history.specify(only(image, "full", "managed")), flags=["--prune"])
    last = edit(only(image, "full"), ("name: full,", "name: other,"), ("target: full-cluster", "target: other-cluster"))
    history.apply("another cluster", history.specify(last), flags=["--prune"])
    return history.ends()


def one_host_more():
    """A rollout of an image where no replica may be missing and there is room for another host. Axon keeps real time and
    the simulated AWS a faster one: too fast, and ECS takes the new host away before Axon looks again; ahead of Axon, and
    the new host is watched until real time is there."""
    begins = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=3)
    history = History("--start", begins.strftime("%Y-%m-%dT%H:%M:%SZ"), speed="30")
    text = only(FULL.read_text(encoding="utf-8"), "full", "group-by-parameter", "on-hosts")
    history.apply("a host", history.specify(text))
    older = "{name: al2023-ami-ecs-neuron-hvm-2023.0.20251101-kernel-6.1-x86_64}"
    by_parameter = "{ssmParameter: /aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id}"
    rolled = edit(text, (by_parameter, older), ("rollout: {policy: Report}", "rollout: {policy: Roll, soak: 1s, timeout: 24h}"))
    history.apply("another host", history.specify(rolled))
    return history.ends()


def jobs():
    """A job whose task is started and, when the job leaves the source, stopped; one of several nodes; records of a run that is long
    over."""
    history = History(speed="30")
    ssm = history.account.past_the_proxy("ssm")
    over = {"work": "r1", "result": "Complete", "at": "2024-01-01T00:00:00Z", "succeeded": 1, "attempts": 1, "message": "is complete", "ttl": 0}
    for name, value in (("0.0", "{}"), ("end", json.dumps(over))):
        ssm.put_parameter(Name=f"/axon/axon/jobs/long-over/r1/{name}", Value=value, Type="String")
    full = FULL.read_text(encoding="utf-8")
    pools = ("full", "group}", "nodes}")
    text = edit(only(full, *pools, "job-of-everything", "job-of-nodes"), ("suspend: true", "suspend: false"))
    # They run until somebody stops them, so they are not waited for to their end.
    path = history.specify(text)
    history.account.axon("apply", "--yes", "--wait", "--timeout", "60s", path)
    # What it has written is read as people do: all of it, and the last line.
    for flags in ([], ["--tail", "1", "--since", "1h"]):
        ended = history.account.axon("logs", "NeuronJob/job-of-everything", *flags)
        if ended.exit != 0:
            raise AssertionError(str(ended))
    history.apply("without the jobs", history.specify(only(text, *pools)), flags=["--prune"])
    return history.ends()


def edited_by_others(account):
    """Somebody sets a service back to the revision before; Axon asks whether ECS did it."""
    ecs = account.past_the_proxy("ecs")
    arns = ecs.list_services(cluster="full")["serviceArns"]
    name = next(arn.rsplit("/", 1)[-1] for arn in arns if arn.endswith("/blue-green"))
    family = ecs.describe_services(cluster="full", services=[name])["services"][0]["taskDefinition"].rsplit(":", 1)[0]
    ecs.update_service(cluster="full", service=name, taskDefinition=f"{family.rsplit('/', 1)[-1]}:1")


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            histories = [pool.submit(one) for one in (examples, everything, one_host_more, jobs)]
            cls.reads = [read for history in histories for read in history.result()]

    def test_every_request_fits_its_model(self):
        wrong = collections.Counter(f"{read.service} {read.operation} {what}" for read in self.reads for what in read.about_request)
        self.assertFalse(wrong, counted(wrong))

    def test_no_request_has_an_empty_text_list_or_structure_where_it_means_nothing(self):
        wrong = collections.Counter(
            f"{read.service} {read.operation} {path}"
            for read in self.reads
            for path in empty(read.input)
            if not MEANT_EMPTY.fullmatch(f"{read.operation} {path}")
        )
        self.assertFalse(wrong, counted(wrong))

    def test_every_answer_to_axon_fits_its_model(self):
        wrong = collections.Counter(f"{read.service} {read.operation} {what}" for read in self.reads for what in said_of_answers(read))
        self.assertFalse(wrong, counted(wrong))

    def test_every_operation_that_axon_calls_was_sent(self):
        lines = re.findall(r"^    (\w+) (?:Read|Write) (\w+)(?: as (\w+))?,$", LIST.read_text(encoding="utf-8"), re.MULTILINE)
        called = {(service, spelled or name) for service, name, spelled in lines}
        self.assertGreaterEqual(len(called), 48, f"{LIST} is not read as it is written")
        sent = {(read.service, read.operation) for read in self.reads}
        self.assertEqual(sorted(called - sent), [], "listed and never sent")
        self.assertEqual(sorted(sent - called), [], "sent and not listed")


class Specifications(unittest.TestCase):
    def test_the_full_specification_has_every_field_and_every_word_of_every_list(self):
        schema = schema_of_axon()
        known = set()
        for kind in schema["oneOf"]:
            kind = resolve(schema, kind)
            name = resolve(schema, kind["properties"]["kind"])["oneOf"][0]["const"]
            collect(schema, kind["properties"]["spec"], name, known, ())
        used = set()
        for document in yaml.safe_load_all(FULL.read_text(encoding="utf-8")):
            fields(document["spec"], document["kind"], used)
        missing = sorted(one for one in known - used if not any(one.startswith(prefix) for prefix in UNUSED))
        self.assertEqual(missing, [], "fields and words that `specs/full.yaml` does not use")


def schema_of_axon():
    ended = programs.finish([accounts.SETTINGS.axon, "schema"], programs.environment(), 60)
    return json.loads(ended.stdout)


def resolve(schema, node):
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node


def collect(schema, node, path, known, above):
    """Every field below a node of the schema, and `field=word` for every word of a list."""
    node = resolve(schema, node)
    if id(node) in above:
        return
    above = (*above, id(node))
    for name, inner in node.get("properties", {}).items():
        known.add(f"{path}.{name}")
        collect(schema, inner, f"{path}.{name}", known, above)
    if isinstance(node.get("items"), dict):
        collect(schema, node["items"], path, known, above)
    for way in ("oneOf", "anyOf", "allOf"):
        for inner in node.get(way, []):
            if "const" in inner:
                known.add(f"{path}={inner['const']}")
            else:
                collect(schema, inner, path, known, above)
    known.update(f"{path}={word}" for word in node.get("enum", []) if isinstance(word, str))


def fields(value, path, used):
    if isinstance(value, dict):
        for name, inner in value.items():
            used.add(f"{path}.{name}")
            fields(inner, f"{path}.{name}", used)
    elif isinstance(value, list):
        for inner in value:
            fields(inner, path, used)
    else:
        used.add(f"{path}={value}")


# Where an empty value says something to AWS: a tag or variable without a value, the association of no provider, a list of a service
# that takes away what is there (API reference, UpdateService), an operation without input.
MEANT_EMPTY = re.compile(
    r"(\S+ .*[tT]ags\[\d+\]\.[vV]alue|RegisterTaskDefinition .*environment\[\d+\]\.value"
    r"|PutClusterCapacityProviders (capacityProviders|defaultCapacityProviderStrategy)"
    r"|UpdateService (loadBalancers|serviceRegistries|vpcLatticeConfigurations)|GetCallerIdentity \(root\))"
)


def empty(value, path=""):
    """Paths of empty texts, lists and structures."""
    if value in ("", [], {}):
        yield path or "(root)"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from empty(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from empty(inner, f"{path}[{number}]")


def counted(wrong):
    return "\n" + "\n".join(f"{count} x {what}" for what, count in sorted(wrong.items()))
