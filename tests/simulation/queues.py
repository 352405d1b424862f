"""Model a queue as SQS keeps it: at least once, in any order, visible again, and laid aside after some tries."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.chance import Chance

VISIBILITY = timedelta(seconds=180)
RECEIVES_MAX = 3
BATCH_MAX = 10


@dataclass
class Message:
    """One message, as often as it was received."""

    number: int
    body: tuple[Any, str, tuple[str, ...]]
    """What it says, what the story calls it, and whom it is about."""
    subject: Hashable
    born_at: datetime
    visible_at: datetime
    receives: int = 0
    gone: bool = False


@dataclass
class Queue:
    """Messages in flight of one kind, and those laid aside."""

    name: str
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    numbers: int = 0

    def put(
        self, body: tuple[Any, str, tuple[str, ...]], subject: Hashable, now: datetime, visible_at: datetime
    ) -> Message:
        """Keep a message until somebody deletes it."""
        self.numbers += 1
        message = Message(self.numbers, body, subject, now, visible_at)
        self.messages.append(message)
        return message

    def visible(self, now: datetime) -> list[Message]:
        """Return what may be received now."""
        return [message for message in self.messages if message.visible_at <= now]

    def receive(self, now: datetime, most: int, chance: Chance) -> list[Message]:
        """Take some messages in any order; they stay hidden for a while, and come again unless deleted."""
        found = self.visible(now)
        if len(found) > 1:
            found = chance.shuffled(found)
        taken = []
        for message in found[:most]:
            self.hide(message, now)
            if not message.gone:
                taken.append(message)
        return taken

    def hide(self, message: Message, now: datetime) -> None:
        """Count one more receipt; beyond the limit the message is laid aside."""
        if message.receives >= RECEIVES_MAX:
            self.delete(message)
            self.dead.append(message)
            return
        message.receives += 1
        message.visible_at = now + VISIBILITY

    def delete(self, message: Message) -> None:
        """Forget a message that was handled."""
        if not message.gone:
            message.gone = True
            self.messages.remove(message)
