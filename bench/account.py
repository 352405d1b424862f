"""Turn what was counted and timed into quantities of what is priced, for one survey, one answer, one case."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.world import World
from infra.local.prepare import PROJECT

MINUTES_PER_HOUR = 60
MEMORY_MB = json.loads((PROJECT / ".chalice" / "config.json").read_text())["lambda_memory_size"]
"""Of functions of which the overlay says nothing else."""

OUR_SERVICES = {"sqs": "sqs_requests", "s3": "s3_puts", "events": "eventbridge_events", "sns": "sns_publishes"}
"""Services priced by the call; DynamoDB is by units, carriers by messages, secrets are among the fixed costs."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """Two runs of the same scenario: one counted, one timed (the meter takes time of its own)."""

    counted: World
    timed: World
    given: Mapping[str, Any]

    def each(self, paths: Sequence[str], things: int) -> dict[str, float]:
        """Return what some paths took for each of so many things, by the name of its price."""
        total: dict[str, float] = {}
        for path in self._paths(paths):
            for price, quantity in self._of(path).items():
                total[price] = total.get(price, 0.0) + quantity
        return {price: quantity / things for price, quantity in sorted(total.items()) if quantity}

    def _paths(self, starts: Sequence[str]) -> list[str]:
        return [path for path in self.counted.used if path.startswith(tuple(starts))]

    def _of(self, path: str) -> dict[str, float]:
        used, tally = self.counted.used[path], self.counted.meter.tally
        assumed = self.given["assumptions"]
        invocations = used.invocations()
        log_bytes = used.log_bytes + invocations * self._platform_log_bytes()
        log_bytes += used.beside["api_requests"] * assumed["access_log_bytes"]
        quantities: dict[str, float] = {
            "lambda_requests": invocations,
            "lambda_gb_seconds": self.duration_ms(path) / 1000 * self._memory_gb(path),
            "dynamodb_write_units": tally.write_units(path),
            "dynamodb_read_units": tally.read_units(path),
            "log_gb": log_bytes / 1e9,
            **used.beside,
        }
        for call, count in tally.calls_of(path).items():
            price = OUR_SERVICES.get(call.partition(".")[0])
            if price:
                quantities[price] = quantities.get(price, 0.0) + count
        return quantities

    def duration_ms(self, path: str) -> float:
        """Return how long a path's invocations would last on Lambda, all together."""
        assumed = self.given["assumptions"]
        waited = self.counted.meter.tally.waits_of(path).items()
        waits = sum(count * assumed["latency_ms"].get(service, 0.0) for service, count in waited)
        return float(self.cpu_ms(path) * assumed["lambda_cpu_factor_of_a_gb"] / self._memory_gb(path) + waits)

    def _memory_gb(self, path: str) -> float:
        """Return the memory of a path's functions, as the stack gives it; of several the mean."""
        samples = self.counted.used[path].samples
        total = sum(map(len, samples.values()))
        return sum(self._megabytes(name) * len(each) for name, each in samples.items()) / 1024 / total if total else 0.5

    def _megabytes(self, function: str) -> float:
        logical = {"web": "APIHandler", "pages": "PublicPages"}.get(function, function.title())
        given = self.counted.overlay["Resources"].get(logical, {}).get("Properties", {})
        return float(given.get("MemorySize", MEMORY_MB))

    def _platform_log_bytes(self) -> float:
        said = self.counted.overlay["Globals"]["Function"].get("LoggingConfig", {})
        left_out = said.get("SystemLogLevel") == "WARN"
        return 0.0 if left_out else float(self.given["assumptions"]["platform_log_bytes"])

    def cpu_ms(self, path: str) -> float:
        """Return the processor time of a path's invocations, as it was without the meter."""
        used, timed = self.counted.used[path], self.timed.used.get(path)
        if timed is None or not timed.invocations():
            return used.cpu_ms
        return timed.cpu_ms / timed.invocations() * used.invocations()


def fixed(account: Account, overlay: Json) -> dict[str, float]:
    """Return what a month costs before the first survey: secrets, alarms, empty polls, the sweep each minute."""
    assumed = account.given["assumptions"]
    hours = assumed["hours_per_month"]
    minutes = hours * MINUTES_PER_HOUR
    polls = assumed["pollers"] * _polled(account.counted) * hours * 3600 / assumed["poll_seconds"]
    sweep = account.each(["sweep"], 1)
    resources = overlay["Resources"].values()
    reads = assumed["environments"] * minutes / assumed["secrets_fresh_minutes"]
    return {
        "secret_months": sum(each.get("Type") == "AWS::SecretsManager::Secret" for each in resources),
        "secret_calls": reads * 2,
        "alarm_metric_months": sum(map(_watched, resources)),
        "kms_requests": assumed["environments"] * minutes / 5,  # the table's key is kept for five minutes
        "sqs_requests": polls + sweep.get("sqs_requests", 0.0) * minutes,
        **{name: sweep[name] * minutes for name in sweep if name != "sqs_requests"},
    }


def _polled(world: World) -> int:
    """Return how many queues Lambda polls; the one that stands in for a topic is of this machine only."""
    return sum(not pump.queue.startswith("local-") for pump in world.queues.values())


def _watched(resource: Json) -> int:
    if resource.get("Type") != "AWS::CloudWatch::Alarm":
        return 0
    metrics = resource["Properties"].get("Metrics", [{"MetricStat": {}}])
    return sum("MetricStat" in each for each in metrics)


def kept(world: World, surveys: int) -> dict[str, float]:
    """Return what one survey leaves to be kept for a month, in GB-months: table, its recovery, and logs."""
    stored = world.meter.stored_bytes() / surveys / 1e9
    return {"dynamodb_gb_months": stored, "dynamodb_pitr_gb_months": stored}
