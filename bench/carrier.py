"""Take messages in a process of its own, so that the carrier's work is not counted as ours.

`python -m bench.carrier FOLDER` prints its address and ends with its standard input.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from infra.local.carrier import Carrier, CarrierServer
from infra.local.mailbox import Mailbox


def main(folder: Path) -> None:
    """Serve until the parent closes our standard input."""
    server = CarrierServer(Carrier(Mailbox(folder / "mailbox.jsonl", lambda: datetime.now(UTC))))
    server.start()
    print(server.endpoint, flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
