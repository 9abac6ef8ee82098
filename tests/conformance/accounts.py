"""Accounts to try things on: a simulated one, with a recording proxy before it, and those of the emulators `moto` and `ministack`.

Neighbours: `proxy` records, `exchanges` judges, every module of tests opens accounts here; `suite` sets `SETTINGS`. Must not hold:
what is expected of an answer.
"""

import atexit
import contextlib
import dataclasses
import os

import boto3
import botocore.config

import exchanges
import programs
from programs import REGION, Background
from proxy import Proxy


@dataclasses.dataclass
class Settings:
    """What the command line of the suite says."""

    axon: str
    moto: str
    ministack: str
    deadline: float


SETTINGS: Settings


class Account:
    """Something that listens on this machine and speaks like AWS. `close` ends everything that was started for it."""

    def __init__(self, arguments, port, environment=None):
        self.environment = programs.environment() | (environment or {})
        self.stack = contextlib.ExitStack()
        # An interrupted run skips the clean-up of its test class.
        atexit.register(self.close)
        self.started = []
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.clients = {}
        try:
            self.start(arguments)
            self.until(lambda: programs.answers(port), f"{arguments[0]} accepts connections")
        except BaseException:
            self.close()
            raise

    def close(self):
        self.stack.close()

    def start(self, arguments):
        program = Background(arguments, self.environment)
        self.stack.callback(program.stop)
        self.started.append(program)
        return program

    def client(self, service):
        """A boto3 client. What it may send is checked by AWS alone: boto3's own checks would keep errors from being provoked."""
        if service not in self.clients:
            session = boto3.session.Session("x", "x", region_name=REGION)
            config = botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1}, proxies={}, read_timeout=120)
            self.clients[service] = session.client(service, endpoint_url=self.endpoint, config=config)
        return self.clients[service]

    def call(self, service, operation, /, **members):
        """What boto3 answers, without its metadata. Errors are raised."""
        client = self.client(service)
        method = next(py for py, name in client.meta.method_to_api_mapping.items() if name == operation)
        answer = getattr(client, method)(**members)
        answer.pop("ResponseMetadata", None)
        return answer

    def until(self, condition, what):
        """Polls until the condition gives something true, and gives that back."""
        return programs.until(condition, what, self.started, SETTINGS.deadline)

    def axon(self, *arguments):
        """Runs `axon` to its end on this account."""
        command = [SETTINGS.axon, *arguments, "--endpoint-url", self.endpoint]
        return programs.finish(command, self.environment, SETTINGS.deadline)


class Simulated(Account):
    """`axon simulate` behind a proxy that keeps what passes. `direct` is the way past the proxy, for other people's calls."""

    def __init__(self, *flags, speed="60"):
        port = programs.free_port()
        super().__init__([SETTINGS.axon, "simulate", "--listen", f"127.0.0.1:{port}", "--speed", speed, *flags], port)
        self.direct = self.endpoint
        self.proxy = Proxy(port)
        self.stack.callback(self.proxy.close)
        self.endpoint = self.proxy.endpoint
        self.read = []

    def past_the_proxy(self, service):
        """A client whose calls nobody records: somebody else's."""
        return boto3.client(service, region_name=REGION, endpoint_url=self.direct, aws_access_key_id="y", aws_secret_access_key="y")

    def exchanges(self):
        """Everything that passed so far, read by the models. Equal pairs are read once."""
        self.read += [exchanges.read(one) for one in self.proxy.taken()]
        return self.read


class Emulated(Account):
    """An emulator. `watched` puts a recording proxy before it; `passed` gives what went through since the last time."""

    def watched(self, mend=None):
        self.proxy = Proxy(self.port, mend)
        self.stack.callback(self.proxy.close)
        self.endpoint = self.proxy.endpoint
        return self

    def passed(self):
        """Operation, HTTP status and body of every exchange."""
        return [(exchanges.name(one)[1], one.status, one.request) for one in self.proxy.taken()]


def moto():
    """A fresh moto. It lets new services run a task at once, which it does not do by itself."""
    port = programs.free_port()
    return Emulated([SETTINGS.moto, "-p", str(port)], port, {"MOTO_ECS_SERVICE_RUNNING": "1"})


def ministack():
    """A fresh ministack, without Docker."""
    port = programs.free_port()
    return Emulated([SETTINGS.ministack], port, {"GATEWAY_PORT": str(port), "DOCKER_HOST": f"unix://{os.devnull}"})
