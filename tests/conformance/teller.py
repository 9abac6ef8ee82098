"""Telling a story: calls through boto3 one after the other, and what came of each.

Neighbours: `story` says which calls, `accounts` makes them. Must not hold: what is called, or what an answer should be.
"""

import dataclasses
import time

import botocore.exceptions
import botocore.parsers


@dataclasses.dataclass
class Step:
    """One call and what came of it: an answer, or the error's code, HTTP status and class of boto3."""

    name: str
    service: str
    operation: str
    answer: dict | None
    code: str = ""
    status: int = 200
    raised: str = ""


class Teller:
    """Tells the story to an account. `patience` is how many seconds a change may take that happens by itself; an emulator has none."""

    def __init__(self, account, patience):
        self.account = account
        self.patience = patience
        self.steps = []

    def ask(self, name, service, operation, /, **members):
        """One call, and its answer; an error gives an empty answer."""
        step = self.call(name, service, operation, members)
        self.steps.append(step)
        return step.answer or {}

    def until(self, name, service, operation, holds, /, **members):
        """The same call until its answer is as wanted; the last one counts."""
        deadline = time.monotonic() + self.patience
        while True:
            step = self.call(name, service, operation, members)
            if step.answer is not None and holds(step.answer):
                break
            if time.monotonic() > deadline:
                if self.patience:
                    raise AssertionError(f"{name}: not within {self.patience} s, the last answer was {step}")
                break
            time.sleep(0.2)
        self.steps.append(step)
        return step.answer or {}

    def call(self, name, service, operation, members):
        try:
            return Step(name, service, operation, self.account.call(service, operation, **members))
        except botocore.exceptions.ClientError as error:
            about = error.response
            status = about["ResponseMetadata"]["HTTPStatusCode"]
            return Step(name, service, operation, None, about["Error"].get("Code", ""), status, type(error).__name__)
        except (
            botocore.exceptions.BotoCoreError,
            botocore.parsers.ResponseParserError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            # What boto3 cannot read.
            return Step(name, service, operation, None, "Unreadable", 0, type(error).__name__)


def first(answer, *path):
    """The value at a path of names; the first item of a list on the way. None where there is none."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
        if isinstance(answer, list):
            answer = answer[0] if answer else None
    return answer
