"""Write one line for each unit of work, and name every metric: what operators search, and what alarms look at.

Lambda writes what is given as `extra` as fields of a JSON line, and CloudWatch reads metrics out of such a line (its
embedded metric format). A line names things by ids that open nothing: no name, address, word or token.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

log = logging.getLogger("journal")  # not below "lazo": Chalice quiets the logger of its app's name

NAMESPACE = "Lazo"
METRICS: dict[str, Literal["Count", "Seconds"]] = {
    "Audits": "Count",
    "OverdueSeconds": "Seconds",
    "Swept": "Count",
    "Uncounted": "Count",
}
"""Every metric of our own. Audits: the auditor's heartbeat. OverdueSeconds: for how long what is due first has been
due. Swept: how many due keys a sweep handed on. Uncounted: stream records that the counters could not read."""

NONE: Mapping[str, object] = MappingProxyType({})
Outcome = Literal["done", "refused", "failed"]


def tell(
    unit: str, outcome: Outcome = "done", *, about: Sequence[str] = (), facts: Mapping[str, object] = NONE
) -> None:
    """Write the line of a unit of work; `about` are the ids of invitations, which their cases share."""
    log.info("%s %s", unit, outcome, extra={"unit": unit, "outcome": outcome, "about": list(about), **facts})


def measure(unit: str, stage: str, at: datetime, values: Mapping[str, float]) -> None:
    """Write the line of a unit of work with the metrics that it gives; each is one of METRICS."""
    named = [{"Name": name, "Unit": METRICS[name]} for name in values]
    described = {"Namespace": NAMESPACE, "Dimensions": [["Stage"]], "Metrics": named}
    emf = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [described]}
    tell(unit, facts={"_aws": emf, "Stage": stage, **values})
