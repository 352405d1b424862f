"""Take what carriers report: an address that does not exist, or complains, is left in peace."""

from datetime import datetime
from functools import partial
from typing import Literal

from chalicelib.domain.customer import Address
from chalicelib.domain.receipt import Receipt, reported
from chalicelib.flows import amend
from chalicelib.ports import Ports


def take(ports: Ports, receipt: Receipt, now: datetime) -> None:
    """Note a carrier's report; the same report again changes nothing."""
    if receipt.kind in ("bounce", "complaint"):
        why: Literal["bounce", "complaint"] = "bounce" if receipt.kind == "bounce" else "complaint"
        for address in receipt.addresses:
            key = ports.names.address(receipt.channel, address)
            amend.address(ports.customers, key, partial(_suppressed, why=why, now=now))
    if receipt.invitation:
        amend.invitation(
            ports.invitations, receipt.invitation, lambda found: reported(found, receipt.kind, receipt.about)
        )


def _suppressed(address: Address, *, why: Literal["bounce", "complaint"], now: datetime) -> Address | None:
    if address.suppressed:
        return None
    return address.model_copy(update={"suppressed": why, "suppressed_at": now})
