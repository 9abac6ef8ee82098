"""What botocore's models say of a request and its answer: which operation it is, its members, and everything that does not fit.

Neighbours: `proxy` keeps exchanges, `decode` and `shapes` read and check them; `sent`, `answered` and `provoked` hold the tests.
Must not hold: expectations of one operation.
"""

import dataclasses
import functools

import botocore.session

import decode
import shapes
from shapes import SECONDS, TEXT

SERVICES = ("ecs", "ec2", "autoscaling", "ssm", "logs", "sts")
# Errors that every operation may answer though the model does not list them: "Common Errors" of each API reference.
COMMON = {
    "ecs": {"ThrottlingException", "SerializationException", "ValidationException", "ExpiredTokenException"},
    "ssm": {"ThrottlingException", "SerializationException", "ValidationException", "ExpiredTokenException"},
    "logs": {"ThrottlingException", "SerializationException", "UnrecognizedClientException", "ExpiredTokenException"},
    "autoscaling": {"Throttling", "ValidationError", "InternalFailure", "ExpiredTokenException"},
    "sts": {"Throttling", "ValidationError", "InternalFailure", "ExpiredTokenException"},
}
# The simulator's own word for what it does not model.
NOT_MODELLED = "NotModelledBySimulator"


@functools.cache
def model(service):
    return _session().get_service_model(service)


@functools.cache
def _session():
    return botocore.session.get_session()


@dataclasses.dataclass(frozen=True)
class Read:
    """An exchange as the model reads it. `code` is that of an error; findings are `path: what`."""

    service: str
    operation: str
    input: dict
    output: dict
    code: str
    message: str
    status: int
    about_request: tuple
    about_answer: tuple


def read(exchange):
    """Reads and judges. An exchange that is of no known operation is a finding too."""
    service, operation = name(exchange)
    if service not in SERVICES or operation not in model(service).operation_names:
        wrong = f"no operation of a known service: {service} {operation}"
        return Read(service, operation, {}, {}, "", "", exchange.status, (wrong,), ())
    found = model(service).operation_model(operation)
    json = model(service).metadata["protocol"] == "json"
    sent, about_request = json_request(found, exchange) if json else form_request(found, exchange)
    if exchange.status == 200:
        output, about_answer = json_answer(found, exchange) if json else xml_answer(found, exchange)
        code = message = ""
    else:
        code, message, about_answer = json_error(exchange) if json else xml_error(found, exchange)
        about_answer += is_listed(found, code, exchange.status)
        output = {}
    about_answer += answer_headers(exchange, "application/x-amz-json-1.1" if json else "text/xml;charset=UTF-8")
    return Read(service, operation, sent, output, code, message, exchange.status, tuple(about_request), tuple(about_answer))


def name(exchange):
    """Service and operation that a request names."""
    target = exchange.asked.get("x-amz-target")
    if target:
        prefix, _, operation = target.partition(".")
        by_prefix = {model(one).metadata.get("targetPrefix"): one for one in SERVICES}
        return by_prefix.get(prefix, prefix), operation
    pairs = dict(decode.read_form(exchange.request, []))
    by_version = {model(one).api_version: one for one in SERVICES}
    return by_version.get(pairs.get("Version"), "?"), pairs.get("Action", "?")


def request_headers(operation, exchange, content_type):
    """What every request has: method, path, type of the body and a signature for the service."""
    found = []
    if (exchange.method, exchange.path) != (operation.http["method"], operation.http["requestUri"]):
        found.append(f"(request): {exchange.method} {exchange.path}")
    if not exchange.asked.get("content-type", "").startswith(content_type):
        found.append(f"(request): content-type {exchange.asked.get('content-type')}")
    metadata = operation.service_model.metadata
    scope = f"/us-east-1/{metadata.get('signingName', metadata['endpointPrefix'])}/aws4_request"
    if scope not in exchange.asked.get("authorization", ""):
        found.append(f"(request): not signed for {scope}: {exchange.asked.get('authorization')}")
    found.extend(f"(request): no {one}" for one in ("x-amz-date", "user-agent") if not exchange.asked.get(one))
    return found


def answer_headers(exchange, content_type):
    found = []
    if exchange.answered.get("content-type") != content_type:
        found.append(f"(answer): content-type {exchange.answered.get('content-type')}")
    if not exchange.answered.get("x-amzn-requestid"):
        found.append("(answer): no x-amzn-requestid")
    return found


def json_request(operation, exchange):
    found = request_headers(operation, exchange, "application/x-amz-json-1.1")
    value = decode.read_json(exchange.request, found)
    return value, found + shapes.check(operation.input_shape, value, SECONDS)


def form_request(operation, exchange):
    found = request_headers(operation, exchange, "application/x-www-form-urlencoded")
    pairs = [pair for pair in decode.read_form(exchange.request, found) if pair[0] not in ("Action", "Version")]
    form = decode.Form(ec2=operation.service_model.metadata["protocol"] == "ec2")
    value = form.request(operation.input_shape, pairs)
    found += form.found
    if operation.input_shape is not None:
        found += shapes.check(operation.input_shape, value, TEXT)
    return value, found


def json_answer(operation, exchange):
    found = []
    value = decode.read_json(exchange.response, found)
    if operation.output_shape is None:
        return value, found + [f"{one}: unknown" for one in value]
    return value, found + shapes.check(operation.output_shape, value, SECONDS)


def xml_answer(operation, exchange):
    reader = decode.Xml(ec2=operation.service_model.metadata["protocol"] == "ec2")
    value = reader.document(operation, exchange.response)
    found = reader.found
    if operation.output_shape is not None:
        found += shapes.check(operation.output_shape, value, TEXT)
    return value, found


def json_error(exchange):
    found = []
    value = decode.read_json(exchange.response, found)
    code = value.get("__type", "")
    if not code:
        found.append("(answer): an error without __type")
    messages = [value[one] for one in ("message", "Message") if one in value]
    if len(messages) != 1:
        found.append(f"(answer): an error with {len(messages)} messages")
    return code, "".join(messages), found


def xml_error(operation, exchange):
    found = []
    ec2 = operation.service_model.metadata["protocol"] == "ec2"
    code, message = decode.read_xml_error(exchange.response, ec2, found)
    return code, message, found


def is_listed(operation, code, status):
    """Whether the model lists the error for the operation, and its status."""
    service = operation.service_model.service_name
    if service == "ec2" or code == NOT_MODELLED:
        # EC2's model has no errors.
        return []
    for shape in operation.error_shapes:
        if code == error_code(shape):
            wanted = shape.metadata.get("error", {}).get("httpStatusCode")
            return [] if wanted in (None, status) else [f"(answer): {code} with status {status}, not {wanted}"]
    return [] if code in COMMON[service] else [f"(answer): {operation.name} has no error {code}"]


def error_code(shape):
    """The code of an error shape on the wire."""
    return shape.metadata.get("error", {}).get("code", shape.name)
