"""Read what the deployment says, once, and fail at the start when something is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Settings:
    """The environment of a function: each field is the variable of the same name in capitals.

    Fields have defaults for tests only: the environment must name them all.
    """

    stage: str
    public_url: str
    table_name: str
    intake_queue_url: str
    intake_dlq_url: str
    due_queue_url: str
    views_queue_url: str
    link_keys_id: str
    secrets_id: str
    configuration_set: str
    sms_identity: str
    bus_name: str = ""
    webhooks_queue_url: str = ""
    webhooks_dlq_url: str = ""
    day_files_bucket: str = ""
    files_queue_url: str = ""
    parquet_layer: str = ""
    """Not empty where somebody merges day files, and so wants to know which days have changed."""
    receipts_dlq_url: str = ""

    @property
    def is_https(self) -> bool:
        """Whether people reach the system by https: cookies are marked so."""
        return self.public_url.startswith("https://")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings; raises KeyError naming every variable that is missing."""
    names = {field.name: field.name.upper() for field in fields(Settings)}
    missing = [variable for variable in names.values() if variable not in environment]
    if missing:
        raise KeyError(f"missing in the environment: {', '.join(missing)}")
    return Settings(**{name: environment[variable] for name, variable in names.items()})
