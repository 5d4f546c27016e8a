"""A flow in which every call of the corpus is one task: ``corpus_flow.py FOLDER NAME…``; FOLDER holds a folder a call.

A call that raises is a failed task; which did, and how, is written to FOLDER/errors.json.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import calls_arrays  # noqa: F401
import calls_blind  # noqa: F401
import calls_daily  # noqa: F401
import calls_frames  # noqa: F401
import calls_fresh  # noqa: F401
import calls_models  # noqa: F401
import calls_people  # noqa: F401
import calls_second  # noqa: F401
import calls_stdlib  # noqa: F401
import calls_tables  # noqa: F401
from corpus_truth import CALLS
from prefect import flow, task


@flow(name="corpus")
def corpus(folder: str, names: list[str]) -> dict[str, str]:
    errors = {}
    for name in names:
        call = CALLS[name]

        def body(place: str, function=call.function) -> None:  # type: ignore[no-untyped-def]
            function(Path(place))

        try:
            task(body, name=name)(f"{folder}/{name}")
        except Exception as error:  # noqa: BLE001 - the other calls are made all the same
            errors[name] = repr(error)
    return errors


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    place, *wanted = sys.argv[1:]
    failed = corpus(place, wanted)
    print(json.dumps(failed))
