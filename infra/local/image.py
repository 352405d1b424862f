"""Keep everything that the embedded AWS holds as one consistent image, in memory or in a file."""

import contextlib
import copy
import importlib
import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

FORMAT = 1

State = dict[str, Any]
Floors = dict[str, int]
Value = TypeVar("Value")


class UnreadableImage(Exception):
    """The file is no image of this format."""


class Holder:
    """Everything that ministack holds, taken and put back between two of its requests."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = dynamodb
        self.app: Any = importlib.import_module("ministack.app")

    def take(self, companion: State, floors: Floors) -> bytes:
        """Return an image; records below a table's floor, which every reader has passed, are left out."""
        with _without_copies():
            services = {key: get_state() for key, get_state in self._getters().items()}
            return pickle.dumps(
                {"format": FORMAT, "services": services, "streams": self._streams(floors), "companion": companion}
            )

    def replace(self, image: bytes) -> State:
        """Replace all state by the image's; return what its taker sent along."""
        self.app._reset_all_state()
        return self.put_back(image)

    def put_back(self, image: bytes) -> State:
        """Fill an empty ministack with the image's state; return what its taker sent along."""
        state = _read(image)
        for key, service in state["services"].items():
            self.app._get_module(self.app._state_map[key]).load_persisted_state(service)
        streams = state["streams"]
        self.dynamodb._stream_records._data.update(streams["records"])
        self.dynamodb._stream_trimmed._data.update(streams["trimmed"])
        self.dynamodb._stream_seq_counter = streams["counter"]
        self._release_messages()
        companion: State = state["companion"]
        return companion

    def _getters(self) -> dict[str, Any]:
        getters: dict[str, Any] = self.app._build_persistence_save_dict()
        return getters

    def _streams(self, floors: Floors) -> State:
        records, trimmed = {}, {}
        for scope, kept in self.dynamodb._stream_records._data.items():
            gone = self.dynamodb._stream_trimmed._data.get(scope, 0)
            floor = max(gone, floors.get(scope[2], gone))
            records[scope], trimmed[scope] = kept[floor - gone :], floor
        return {"records": records, "trimmed": trimmed, "counter": self.dynamodb._stream_seq_counter}

    def _release_messages(self) -> None:
        # Nobody who had received a message before the image is still at work on it.
        sqs = sys.modules.get("ministack.services.sqs")
        for queue in sqs._queues._data.values() if sqs else ():
            for message in queue["messages"]:
                if message["receive_count"]:
                    message["visible_at"] = 0


@contextlib.contextmanager
def _without_copies() -> Iterator[None]:
    # Each service copies its state for a caller who might change it; pickling does not, and copying takes ten times
    # as long as pickling.
    deepcopy = copy.deepcopy
    copy.deepcopy = _as_it_is  # for this block only
    try:
        yield
    finally:
        copy.deepcopy = deepcopy


def _as_it_is(x: Value, memo: dict[int, Any] | None = None, _nil: Any = None) -> Value:
    return x


def _read(image: bytes) -> State:
    try:
        state = pickle.loads(image)
    except Exception as error:
        raise UnreadableImage(str(error)) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise UnreadableImage("written by another version")
    return state


def write_in_background(path: Path, holder: Holder, companion: State, floors: Floors) -> int:
    """Fork a child that writes the image as it is now, and return its process id.

    The pause is that of a fork (a few ms), however large the state: the child has its own view of the memory.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        write(path, holder.take(companion, floors))
        status = 0
    finally:
        os._exit(status)


def write(path: Path, image: bytes) -> None:
    """Replace the file at once: a reader finds the old image or the new one, whole."""
    new = path.with_suffix(".new")
    with open(new, "wb") as file:
        file.write(image)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
