"""Give the dead letters of a queue another try, after what made them fail was mended.

Every consumer is safe to run again. What was refused with its reason stays: its sender has the whole, and sends it
again. A letter that fails again comes back. Letters of the stream are no messages: `reconcile` and `rebuild` make
them good.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from chalicelib import runtime
from infra.commands import connection
from infra.commands.screen import Screen

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

QUEUES = ("intake", "due", "views", "webhooks", "files")
LETTERS_MAX = 1000
HIDDEN_SECONDS = 120
"""For how long a letter is ours alone: two who redrive at once share the work."""


@dataclass
class Done:
    """What a redrive has come to."""

    moved: int = 0
    refused: int = 0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the queue, how many, and which system."""
    parser.add_argument("queue", choices=QUEUES, help="whose dead letters")
    parser.add_argument("--limit", type=int, default=LETTERS_MAX, help="at most so many (default: %(default)s)")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Move the letters, and say what stays."""
    system = connection.connect(options)
    url = getattr(runtime.settings(), f"{options.queue}_queue_url")
    done = redrive(boto3.client("sqs"), url, limit=options.limit)
    if system.local:
        system.local.ask("/_local/settle", {})
    stays = f"; {done.refused} were refused and stay: let their sender send them again" if done.refused else ""
    screen.say(f"{done.moved} letters of {options.queue} are tried again{stays}.")
    screen.result({"queue": options.queue, "moved": done.moved, "refused": done.refused})
    return 0


def redrive(sqs: "SQSClient", url: str, *, limit: int) -> Done:
    """Move letters back into the queue that they came from.

    Whoever dies between sending and deleting has sent a letter twice, which harms nobody.
    """
    letters, done = dead_letters_of(sqs, url), Done()
    for letter in _received(sqs, letters, limit):
        if "reason" in letter.get("MessageAttributes", {}):
            done.refused += 1
            continue
        sqs.send_message(QueueUrl=url, MessageBody=letter["Body"])
        sqs.delete_message(QueueUrl=letters, ReceiptHandle=letter["ReceiptHandle"])
        done.moved += 1
    return done


def dead_letters_of(sqs: "SQSClient", url: str) -> str:
    """Return the address of a queue's dead-letter queue, as the queue itself names it."""
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    arn: str = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]
    return sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]


def _received(sqs: "SQSClient", url: str, limit: int) -> "Iterator[MessageTypeDef]":
    """Yield letters; each is hidden from others, and from this loop, until it is deleted or comes back by itself."""
    left = limit
    while left > 0:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(10, left),
            VisibilityTimeout=HIDDEN_SECONDS,
            MessageAttributeNames=["All"],
        )
        found = answer.get("Messages", [])
        if not found:
            return
        left -= len(found)
        yield from found
