"""What is deployed: the generated template and the zip."""

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from jinja2 import ModuleLoader

from chalicelib.adapters import clients
from chalicelib.domain.response import CONFIRM_AFTER
from chalicelib.domain.timer import IDS_MAX
from chalicelib.settings import Settings
from infra.aws import archive, template
from infra.aws.package import PROJECT, CannotPackage, generate, parameters, write_templates
from tests.infra import small_app

Template = dict[str, Any]
SECONDS_OF_A_SLOW_SEND = 0.5
FUNCTIONS = {
    "APIHandler",
    "PublicPages",
    "Intake",
    "Due",
    "Views",
    "Project",
    "Publish",
    "Webhooks",
    "Files",
    "Parquet",
    "Sweep",
    "Audit",
    "Receipts",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_app.make(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def sam(project: Path) -> Template:
    return generate(project, project / "source", project / "out", "dev")


def functions(sam: Template) -> Template:
    kind = "AWS::Serverless::Function"
    return {name: one["Properties"] for name, one in sam["Resources"].items() if one["Type"] == kind}


def statements(role: Template) -> list[dict[str, Any]]:
    return [one for policy in role["Properties"]["Policies"] for one in policy["PolicyDocument"]["Statement"]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# ---- the template


def test_both_templates_pass_the_lint(project: Path, sam: Template) -> None:
    paths = write_templates(sam, project / "out", parameters(project, "dev"))
    assert [path.name for path in paths] == ["template.json", "translated.json"]


def test_the_translated_template_shows_a_circle_that_the_sam_template_hides(sam: Template, tmp_path: Path) -> None:
    circular = json.loads(json.dumps(sam))
    circular["Globals"]["Function"]["Environment"]["Variables"]["URL"] = {"Fn::Sub": "https://${RestAPI}"}
    translated = template.translate(circular, {"Stage": "dev", "PublicUrl": "https://lazo.example.com"})
    (tmp_path / "translated.json").write_text(json.dumps(translated))
    with pytest.raises(template.BadTemplate, match="Circular"):
        template.lint(tmp_path / "translated.json")


def test_what_cannot_be_translated_says_why(sam: Template) -> None:
    wrong = json.loads(json.dumps(sam))
    (source,) = wrong["Resources"]["Receipts"]["Properties"]["Events"].values()
    source["Properties"]["Topic"] = ["a", "list"]
    with pytest.raises(template.BadTemplate, match="'Topic' should be a string"):
        template.translate(wrong, {"Stage": "dev", "PublicUrl": "https://lazo.example.com"})


def test_all_functions_run_the_same_code_on_the_same_machine(sam: Template) -> None:
    found = functions(sam)
    assert set(found) == FUNCTIONS
    assert {one["CodeUri"] for one in found.values()} == {"./deployment.zip"}
    assert {one["Runtime"] for one in found.values()} == {f"python3.{sys.version_info.minor}"}
    assert {tuple(one["Architectures"]) for one in found.values()} == {("arm64",)}


def test_each_function_has_a_role_and_a_log_group_of_its_own(sam: Template) -> None:
    found = functions(sam).values()
    assert len({json.dumps(one["Role"]) for one in found}) == len(FUNCTIONS)
    logs = {one["LoggingConfig"]["LogGroup"]["Ref"] for one in found}
    assert len(logs) == len(FUNCTIONS)
    assert all(sam["Resources"][log]["Properties"]["RetentionInDays"] for log in logs)


def test_no_policy_says_everything(sam: Template) -> None:
    roles = [
        one for one in sam["Resources"].values() if one["Type"] == "AWS::IAM::Role" and "Policies" in one["Properties"]
    ]
    granted = [one for role in roles for one in statements(role)]
    assert len(roles) == len(FUNCTIONS)
    assert all(one["Effect"] == "Allow" and "*" not in listed(one["Resource"]) for one in granted)
    assert not any("*" in action for one in granted for action in listed(one["Action"]))


def test_the_function_behind_public_gets_cannot_write_to_the_table_nor_read_other_secrets(sam: Template) -> None:
    role = statements(sam["Resources"]["PublicPagesRole"])
    allowed = {action: listed(one["Resource"]) for one in role for action in listed(one["Action"])}
    assert {action for action in allowed if action.startswith("dynamodb:")} == {
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
    }
    assert allowed["sqs:SendMessage"] == [{"Fn::GetAtt": ["ViewsQueue", "Arn"]}]
    assert allowed["secretsmanager:GetSecretValue"] == [{"Ref": "LinkKeys"}]


PAGES = ("/s/{token}", "/u/{token}", "/privacy/{token}", "/q/{token}/{nonce}")


def test_get_and_head_of_customers_pages_go_to_the_function_that_cannot_write_and_post_does_not(sam: Template) -> None:
    paths = sam["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    served = {
        (path, method): "PublicPages" in json.dumps(operation["x-amazon-apigateway-integration"]["uri"])
        for path in (*PAGES, "/s/{token}/{rating}", "/q/{token}")
        for method, operation in paths[path].items()
    }
    assert {place for place, is_readers in served.items() if not is_readers} == {(page, "post") for page in PAGES}
    assert sum(served.values()) == 12


@pytest.mark.parametrize(
    ("function", "queue"), [("Intake", "IntakeQueue"), ("Due", "DueQueue"), ("Views", "ViewsQueue")]
)
def test_a_queue_hands_over_with_partial_failures_and_ends_in_its_dead_letter_queue(
    sam: Template, function: str, queue: str
) -> None:
    (source,) = functions(sam)[function]["Events"].values()
    assert source["Properties"]["Queue"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    settings = sam["Resources"][queue]["Properties"]
    assert settings["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [f"{function}Dlq", "Arn"]}
    assert settings["VisibilityTimeout"] >= 6 * functions(sam)[function]["Timeout"]


def test_the_stream_is_counted_in_windows_that_name_their_shard(sam: Template) -> None:
    (source,) = functions(sam)["Project"]["Events"].values()
    wiring = source["Properties"]
    assert wiring["Stream"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert (wiring["TumblingWindowInSeconds"], wiring["ParallelizationFactor"]) == (60, 1)
    assert wiring["StartingPosition"] == "TRIM_HORIZON"
    assert wiring["BisectBatchOnFunctionError"] is True
    assert wiring["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["StreamDlq", "Arn"]}
    (only,) = wiring["FilterCriteria"]["Filters"]
    assert json.loads(only["Pattern"]) == {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "INVITATION#"}]}}}}


def test_the_same_stream_tells_other_programs_of_answers_cases_and_opt_outs(sam: Template) -> None:
    (source,) = functions(sam)["Publish"]["Events"].values()
    wiring = source["Properties"]
    assert wiring["Stream"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert wiring["StartingPosition"] == "TRIM_HORIZON"
    assert wiring["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["StreamDlq", "Arn"]}
    patterns = [json.loads(each["Pattern"]) for each in wiring["FilterCriteria"]["Filters"]]
    assert [each["dynamodb"]["Keys"]["sk"]["S"] for each in patterns] == [["INVITATION"], ["CASE"], ["CUSTOMER"]]


def test_no_stream_has_more_readers_than_its_shards_bear(sam: Template) -> None:
    sources = [source for one in functions(sam).values() for source in one.get("Events", {}).values()]
    assert sum(source["Type"] == "DynamoDB" for source in sources) <= 2


def test_webhooks_are_posted_one_at_a_time_and_those_given_up_end_in_the_dead_letter_queue(sam: Template) -> None:
    (source,) = functions(sam)["Webhooks"]["Events"].values()
    assert source["Properties"]["Queue"] == {"Fn::GetAtt": ["WebhooksQueue", "Arn"]}
    assert source["Properties"]["BatchSize"] == 1
    settings = sam["Resources"]["WebhooksQueue"]["Properties"]
    assert settings["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["WebhooksDlq", "Arn"]}
    assert settings["VisibilityTimeout"] >= 6 * functions(sam)["Webhooks"]["Timeout"]


def test_the_function_that_speaks_to_strangers_can_write_nothing_to_the_table_nor_read_link_keys(sam: Template) -> None:
    role = statements(sam["Resources"]["WebhooksRole"])
    allowed = {action: listed(one["Resource"]) for one in role for action in listed(one["Action"])}
    assert {action for action in allowed if action.startswith("dynamodb:")} == {
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
    }
    assert allowed["secretsmanager:GetSecretValue"] == [{"Ref": "Secrets"}]


def test_day_files_are_written_by_the_hundred_and_what_is_given_up_ends_in_the_dead_letter_queue(sam: Template) -> None:
    (source,) = functions(sam)["Files"]["Events"].values()
    assert source["Properties"]["Queue"] == {"Fn::GetAtt": ["FilesQueue", "Arn"]}
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    waits = source["Properties"]["MaximumBatchingWindowInSeconds"]
    assert (source["Properties"]["BatchSize"], waits) == (1000, 300)
    settings = sam["Resources"]["FilesQueue"]["Properties"]
    assert settings["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["FilesDlq", "Arn"]}
    assert settings["VisibilityTimeout"] >= 6 * functions(sam)["Files"]["Timeout"] + waits


def test_what_is_due_is_sent_within_the_time_out_even_where_no_carrier_answers(sam: Template) -> None:
    (source,) = functions(sam)["Due"]["Events"].values()
    messages, timeout = source["Properties"]["BatchSize"], functions(sam)["Due"]["Timeout"]
    assert messages * (clients.CONNECT_SECONDS_MAX + clients.CARRIER_READ_SECONDS_MAX) < timeout
    assert messages * IDS_MAX * SECONDS_OF_A_SLOW_SEND < timeout
    settings = sam["Resources"]["DueQueue"]["Properties"]
    assert settings["VisibilityTimeout"] >= 6 * timeout
    # A message that is forgotten leaves what it took saying `sent`.
    assert settings["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_events_wait_for_each_other_and_nobody_is_alarmed_by_that(sam: Template) -> None:
    (source,) = functions(sam)["Intake"]["Events"].values()
    waits = source["Properties"]["MaximumBatchingWindowInSeconds"]
    settings, timeout = sam["Resources"]["IntakeQueue"]["Properties"], functions(sam)["Intake"]["Timeout"]
    assert settings["VisibilityTimeout"] >= 6 * timeout + waits
    (oldest, *_) = sam["Resources"]["WaitingAlarm"]["Properties"]["Metrics"]
    assert f"intake - {waits}," in oldest["Expression"]


def test_views_wait_for_each_other_and_are_tried_again_while_they_may_still_speak_against_an_answer(
    sam: Template,
) -> None:
    (source,) = functions(sam)["Views"]["Events"].values()
    waits = source["Properties"]["MaximumBatchingWindowInSeconds"]
    assert (source["Properties"]["BatchSize"], waits) == (100, 20)
    settings, timeout = sam["Resources"]["ViewsQueue"]["Properties"], functions(sam)["Views"]["Timeout"]
    assert settings["VisibilityTimeout"] >= 6 * timeout + waits
    assert settings["VisibilityTimeout"] + waits + timeout < CONFIRM_AFTER.total_seconds()


def test_one_function_writes_day_files_three_read_them_and_none_deletes(sam: Template) -> None:
    roles = {name: one for name, one in sam["Resources"].items() if one["Type"] == "AWS::IAM::Role"}
    allowed = {
        (name, action)
        for name, role in roles.items()
        if "Policies" in role["Properties"]
        for one in statements(role)
        for action in listed(one["Action"])
        if action.startswith("s3:")
    }
    assert allowed == {
        ("FilesRole", "s3:PutObject"),
        ("ParquetRole", "s3:ListBucket"),
        ("ParquetRole", "s3:GetObject"),
        ("ParquetRole", "s3:PutObject"),
        ("ParquetRole", "s3:DeleteObject"),
        ("ApiHandlerRole", "s3:ListBucket"),
        ("ApiHandlerRole", "s3:GetObject"),
        ("DueRole", "s3:ListBucket"),
        ("DueRole", "s3:GetObject"),
    }
    assert not any(
        action.startswith("dynamodb:")
        for name in ("FilesRole", "ParquetRole")
        for one in statements(roles[name])
        for action in listed(one["Action"])
    )
    of_parquet = {
        action: one["Resource"] for one in statements(roles["ParquetRole"]) for action in listed(one["Action"])
    }
    assert of_parquet["s3:DeleteObject"] == {"Fn::Sub": "${DayFiles.Arn}/changed/*"}
    assert [each["Fn::Sub"] for each in of_parquet["s3:PutObject"]] == [
        "${DayFiles.Arn}/parquet/*",
        "${DayFiles.Arn}/changed/*",
    ]


LAYER = "arn:aws:lambda:eu-south-2:123456789012:layer:AWSSDKPandas-Python311-Arm64:7"


def test_one_function_has_pyarrow_by_a_layer_and_is_not_there_without_one(sam: Template, tmp_path: Path) -> None:
    layered = {name for name, one in functions(sam).items() if "Layers" in one}
    assert layered == {"Parquet"}
    assert functions(sam)["Parquet"]["Layers"] == [{"Ref": "ParquetLayer"}]
    assert sam["Parameters"]["ParquetLayer"]["Default"] == ""
    given = {**parameters(PROJECT, "dev"), "ParquetLayer": LAYER}
    _, translated = write_templates(sam, tmp_path, given)
    made = json.loads(translated.read_text())["Resources"]
    conditional = {name for name, one in made.items() if one.get("Condition") == "HasParquetLayer"}
    kinds = {made[name]["Type"] for name in conditional}
    assert kinds == {
        "AWS::Lambda::Function",
        "AWS::IAM::Role",
        "AWS::Events::Rule",
        "AWS::Lambda::Permission",
        "AWS::Lambda::EventInvokeConfig",
    }
    assert re.fullmatch(sam["Parameters"]["ParquetLayer"]["AllowedPattern"], LAYER)
    assert re.fullmatch(sam["Parameters"]["ParquetLayer"]["AllowedPattern"], "")


def test_the_bucket_of_day_files_is_kept_and_closed_to_the_public(sam: Template) -> None:
    bucket = sam["Resources"]["DayFiles"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_the_table_is_kept_streams_and_forgets_by_ttl(sam: Template) -> None:
    table = sam["Resources"]["Table"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    settings = table["Properties"]
    assert settings["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert settings["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert settings["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert {one["IndexName"] for one in settings["GlobalSecondaryIndexes"]} == {"due", "department"}


@pytest.mark.parametrize("name", ["LinkKeys", "Secrets"])
def test_a_first_deployment_that_fails_leaves_no_secret_whose_name_is_then_taken(sam: Template, name: str) -> None:
    secret = sam["Resources"][name]
    assert (secret["DeletionPolicy"], secret["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_production_protects_its_table_and_a_stage_does_so_unless_told_otherwise(sam: Template) -> None:
    assert sam["Parameters"]["DeletionProtection"]["Default"] == "true"
    assert parameters(PROJECT, "prod")["DeletionProtection"] == "true"


def test_access_logs_name_the_resource_and_never_the_path(sam: Template) -> None:
    log = sam["Resources"]["RestAPI"]["Properties"]["AccessLogSetting"]["Format"]
    assert "$context.resourcePath" in log
    assert "$context.path" not in log


def test_what_we_say_on_the_bus_never_comes_back_in(sam: Template) -> None:
    rule = sam["Resources"]["IntakeRule"]["Properties"]
    assert rule["EventPattern"] == {"source": [{"anything-but": ["lazo"]}]}


def test_functions_are_given_every_setting_that_the_code_reads(sam: Template) -> None:
    given = sam["Globals"]["Function"]["Environment"]["Variables"]
    assert {field.name.upper() for field in fields(Settings)} <= set(given)


def test_each_function_of_the_api_is_told_what_it_serves(sam: Template) -> None:
    told = {name: functions(sam)[name]["Environment"]["Variables"]["SERVES"] for name in ("APIHandler", "PublicPages")}
    assert told == {"APIHandler": "web", "PublicPages": "pages"}


def test_a_function_of_the_api_starts_with_what_customers_wait_for() -> None:
    for serves in ("pages", "web"):
        paths, modules = started(serves)
        assert {"/s/{token}", "/u/{token}"} <= paths
        assert not {"/cases", "/events", "/trends"} & paths
        assert not {"chalicelib.entrypoints.consumers", "chalicelib.domain.trend"} & modules


def test_what_others_ask_for_is_there_when_they_ask_for_it() -> None:
    everything, _ = started("")
    paths, modules = started("web", *sorted(everything))
    assert paths == everything
    assert "chalicelib.entrypoints.consumers" not in modules
    assert "chalicelib.domain.trend" not in started("web", "/events", "/cases")[1]
    assert started("web", "/nowhere")[0] == everything
    assert "/cases" not in started("pages", "/cases")[0]


def started(serves: str, *asked: str) -> tuple[set[str], set[str]]:
    """Return the routes and the modules of a fresh process, once it has been asked for some paths."""
    code = "import app, sys; [app.app.reach(path) for path in sys.argv[1:]]; print(*app.app.routes, '|', *sys.modules)"
    environment = {**os.environ, "SERVES": serves}
    command = [sys.executable, "-c", code, *asked]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    paths, _, modules = done.stdout.partition("|")
    return set(paths.split()), set(modules.split())


# ---- mistakes in the overlay


@pytest.mark.parametrize(
    ("place", "patch", "complaint"),
    [
        (("Resources",), {"Intak": {"Properties": {"Timeout": 9}}}, "Resources.Intak"),
        (("Resources", "Due", "Properties", "Events"), {"DueSqs": {"Properties": {}}}, "Resources.Due.Events.DueSqs"),
    ],
)
def test_a_patch_that_patches_nothing_stops_packaging(
    sam: Template, place: tuple[str, ...], patch: Template, complaint: str
) -> None:
    merged = json.loads(json.dumps(sam))
    at = merged
    for key in place:
        at = at[key]
    at.update(patch)
    with pytest.raises(template.BadTemplate, match=complaint):
        template.check(merged)


def test_two_intrinsics_merged_into_one_stop_packaging(sam: Template) -> None:
    merged = json.loads(json.dumps(sam))
    (source,) = merged["Resources"]["Receipts"]["Properties"]["Events"].values()
    source["Properties"]["Topic"] = {"Fn::Sub": "arn:aws:sns:us-east-1:0:t", "Ref": "ReceiptsTopic"}
    with pytest.raises(template.BadTemplate, match=r"Topic: the overlay's Ref was merged into Chalice's Fn::Sub"):
        template.check(merged)


@pytest.mark.parametrize(("path", "method"), [("/s/{tokn}", "get"), ("/s/{token}", "delete")])
def test_a_route_that_the_app_does_not_have_stops_packaging(sam: Template, path: str, method: str) -> None:
    merged = json.loads(json.dumps(sam))
    paths = merged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    paths.setdefault(path, {})[method] = {"x-amazon-apigateway-integration": {"uri": "somewhere"}}
    with pytest.raises(template.BadTemplate, match=f"{method.upper()} "):
        template.check(merged)


def test_a_function_without_a_policy_of_its_own_stops_packaging(sam: Template) -> None:
    merged = json.loads(json.dumps(sam))
    default = json.loads((PROJECT / ".chalice/policy.json").read_text())
    merged["Resources"]["DueRole"]["Properties"]["Policies"] = [{"PolicyName": "p", "PolicyDocument": default}]
    with pytest.raises(template.BadTemplate, match="DueRole"):
        template.check(merged)


def test_an_app_that_does_not_import_stops_packaging(tmp_path: Path) -> None:
    project = small_app.make(tmp_path)
    (project / "app.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(CannotPackage, match="nowhere_to_be_found"):
        generate(project, project / "source", project / "out", "dev")


def test_a_stage_that_does_not_exist_is_refused_with_those_that_do(project: Path) -> None:
    with pytest.raises(CannotPackage, match=r"no stage 'qa'.*\['dev', 'prod'\]"):
        parameters(project, "qa")


# ---- the zip

# Jinja names the module of a template by the hash of its name.
MAIL_MODULE = ModuleLoader.get_module_filename("mail.html")


@pytest.fixture(scope="module")
def contents(project: Path, sam: Template) -> dict[str, bytes]:
    packages = project / "packages"
    for name in (
        "jinja2/__init__.py",
        "jinja2/py.typed",
        "jinja2-3.dist-info/METADATA",
        "bin/tool",
        "pydantic/v1/main.py",
    ):
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    return archive.collect(project / "out/deployment.zip", packages)


def test_the_zip_holds_app_chalice_and_packages_without_sources_and_metadata(contents: dict[str, bytes]) -> None:
    assert set(contents) == {
        "app.py",
        "chalice/__init__.py",
        "chalice/app.py",
        "chalicelib/__init__.py",
        "chalicelib/triggers.py",
        f"chalicelib/templates/compiled/{MAIL_MODULE}",
        "jinja2/__init__.py",
        "jinja2/py.typed",
    }


def test_equal_contents_make_equal_bytes(contents: dict[str, bytes], tmp_path: Path) -> None:
    archive.write(contents, tmp_path / "one.zip", bytes_max=archive.BYTES_MAX)
    archive.write(dict(reversed(contents.items())), tmp_path / "two.zip", bytes_max=archive.BYTES_MAX)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_bytecode_is_shipped_on_demand_and_the_same_every_time(contents: dict[str, bytes]) -> None:
    compiled = archive.with_bytecode(contents)
    assert f"chalicelib/__pycache__/triggers.cpython-3{sys.version_info.minor}.pyc" in compiled
    assert set(contents) <= set(compiled)
    assert compiled == archive.with_bytecode(contents)


def test_a_zip_of_exactly_the_limit_passes_and_one_byte_more_does_not(tmp_path: Path) -> None:
    size = archive.write({"a": b"a"}, tmp_path / "a.zip", bytes_max=1_000)
    assert archive.write({"a": b"a"}, tmp_path / "a.zip", bytes_max=size) == size
    with pytest.raises(archive.TooBig, match="more than"):
        archive.write({"a": b"a"}, tmp_path / "a.zip", bytes_max=size - 1)


def test_lambda_can_import_the_handlers_from_the_zip(contents: dict[str, bytes], tmp_path: Path) -> None:
    archive.write(contents, tmp_path / "a.zip", bytes_max=archive.BYTES_MAX)
    with zipfile.ZipFile(tmp_path / "a.zip") as zipped:
        zipped.extractall(tmp_path / "task")
    code = "import app, chalicelib.triggers; print(len(app.app.routes), callable(chalicelib.triggers.intake))"
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "task", env=environment, capture_output=True, text=True
    )
    assert said.stdout.split() == ["6", "True"], said.stderr
