"""A file that holds a stage: refused in one sentence when it is none, or not all of one."""

import gzip
import json
from pathlib import Path

import pytest

from infra import stage_file

KNOWN = stage_file.Known("root", {"1": "key"})
ITEMS = [{"pk": {"S": f"CUSTOMER#{number}"}, "sk": {"S": "CUSTOMER"}, "body": {"B": b"\x01"}} for number in range(400)]


def whole(path: Path) -> Path:
    stage_file.write(path, iter(ITEMS), KNOWN)
    return path


def packed(path: Path, *lines: bytes) -> Path:
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    return path


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    file = whole(tmp_path / "stage.jsonl.gz")
    assert stage_file.check(file) == (KNOWN, len(ITEMS))
    assert list(stage_file.read(file)) == ITEMS


def test_only_its_owner_reads_it_also_where_another_file_stood(tmp_path: Path) -> None:
    before = tmp_path / "stage.jsonl.gz"
    before.touch(mode=0o644)
    assert whole(before).stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    file = whole(tmp_path / "stage.jsonl.gz")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(stage_file.NotWhole):
        stage_file.check(file)


def test_a_file_with_a_byte_turned_over_is_refused(tmp_path: Path) -> None:
    file = whole(tmp_path / "stage.jsonl.gz")
    good = file.read_bytes()
    for place in range(64, len(good), 97):  # behind the header, which names the file
        file.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        with pytest.raises(stage_file.NotWhole):
            stage_file.check(file)


@pytest.mark.parametrize(
    "lines",
    [
        [b"[]", b'{"items": 0}'],
        [b'"lazo"', b'{"items": 0}'],
        [b"\xff\xfe"],
        [b'{"lazo": 1, "root": "r", "link_keys": []}', b'{"items": 0}'],
        [b'{"lazo": 1, "root": "r", "link_keys": {}}', b"7", b'{"items": 1}'],
        [b'{"lazo": 1, "root": "r", "link_keys": {}}', b'{"sk": {"S": "x"}}', b'{"items": 1}'],
        [b""],
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, lines: list[bytes]) -> None:
    with pytest.raises(stage_file.NotWhole):
        stage_file.check(packed(tmp_path / "other.gz", *lines))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    plain = tmp_path / "answers.jsonl"
    plain.write_text(json.dumps({"id": "x"}))
    with pytest.raises(stage_file.NotWhole):
        stage_file.check(plain)
