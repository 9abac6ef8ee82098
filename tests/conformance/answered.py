"""Every operation that the simulator answers, called through boto3: the bytes and what boto3 makes of them, against the model's output.

Neighbours: `story` makes the calls, `exchanges` judges the bytes, `known` has AWS's own exceptions; errors are in `provoked`.
Must not hold: what an answer means.
"""

import collections
import functools
import http.client
import re
import unittest

import botocore.validate

import known
from accounts import Simulated
from exchanges import NOT_MODELLED, SERVICES, model
from known import said_of_answers
from story import tell
from teller import Teller

SUBNETS = ["subnet-0a1b2c3d", "subnet-4e5f6a7b"]
# What a service says of an operation that it does not have.
UNKNOWN = {"UnknownOperationException", "InvalidAction"}
# Modelled so far that they are refused with a reason of their own.
REFUSED = {("ssm", "GetParameterHistory")}


class Story(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        account = Simulated(speed="120")
        cls.addClassCleanup(account.close)
        teller = Teller(account, patience=60)
        tell(teller, SUBNETS)
        cls.steps = teller.steps
        cls.reads = list(account.exchanges())

    def test_every_answer_fits_its_model_byte_by_byte(self):
        wrong = collections.Counter(f"{read.service} {read.operation} {what}" for read in self.reads for what in said_of_answers(read))
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def test_what_boto3_reads_fits_the_model(self):
        wrong = []
        for step in self.steps:
            shape = model(step.service).operation_model(step.operation).output_shape
            if step.answer and shape is not None:
                report = botocore.validate.ParamValidator().validate(step.answer, shape)
                wrong += [f"{step.name}: {report.generate_report()}"] if report.has_errors() else []
        self.assertEqual(wrong, [])

    def test_every_request_of_boto3_passes_the_checks_that_axons_must_pass(self):
        wrong = {f"{read.service} {read.operation} {what}" for read in self.reads for what in read.about_request}
        self.assertEqual(wrong, set())

    def test_every_operation_that_the_simulator_answers_is_called(self):
        answered = {(read.service, read.operation) for read in self.reads if read.status == 200}
        self.assertEqual(sorted(modelled() - answered - REFUSED), [], "modelled, and not answered in the story")
        self.assertEqual(sorted(answered - modelled()), [], "answered, and not found by asking for every operation")


class Exceptions(unittest.TestCase):
    def test_what_aws_answers_against_its_model_still_happens(self):
        account = Simulated()
        self.addCleanup(account.close)
        account.call("ssm", "GetParameters", Names=["/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended"])
        happened = {(read.operation, what) for read in account.exchanges() for what in read.about_answer}
        errors = {(operation, what) for operation, what in known.AGAINST_THE_MODEL if what.startswith("(answer)")}
        self.assertEqual(set(known.AGAINST_THE_MODEL) - errors, happened)


class Operations(unittest.TestCase):
    def test_the_simulator_knows_every_operation_of_the_services_that_it_has(self):
        unknown = [f"{service} {name}: {code}" for service, name, code in asked() if code in UNKNOWN]
        self.assertEqual(unknown, [], "the tables of the simulator are older than botocore")


@functools.cache
def asked():
    """Every operation of every service, asked without any members: what the simulator says. Past boto3, which has operations
    that it does not send without certain members."""
    account = Simulated()
    try:
        return [(service, name, code_of(account, service, name)) for service in SERVICES for name in model(service).operation_names]
    finally:
        account.close()


def code_of(account, service, name):
    """The code of the error, nothing for an answer."""
    metadata = model(service).metadata
    connection = http.client.HTTPConnection("127.0.0.1", account.port, timeout=30)
    scope = {"authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, Signature=x"}
    if metadata["protocol"] == "json":
        target = {"x-amz-target": f"{metadata['targetPrefix']}.{name}", "content-type": "application/x-amz-json-1.1"}
        connection.request("POST", "/", b"{}", scope | target)
    else:
        connection.request("POST", "/", f"Action={name}&Version={metadata['apiVersion']}".encode(), scope)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    if answer.status == 200:
        return ""
    return re.search(r'"__type":\s*"([^"]+)"|<Code>([^<]+)</Code>', body).group(1) or re.search("<Code>([^<]+)", body).group(1)


@functools.cache
def modelled():
    """The operations that the simulator answers, by its own word."""
    return {(service, name) for service, name, code in asked() if code != NOT_MODELLED and code not in UNKNOWN}
