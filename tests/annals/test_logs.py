"""What the logs of the roles leave out."""

import json
import logging
import logging.config
import subprocess
import sys

from annals.logs import REPEAT_S, Repeats, logging_config


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(message: str, *values: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("aiokafka", level, "f.py", 1, message, values, None)


def test_the_same_warning_is_said_once_a_minute() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    said = []
    for second in range(150):
        clock.now = float(second)
        if repeats.filter(record("cannot reach node %d", 1)):
            said.append(second)
    assert said == [0, int(REPEAT_S), 2 * int(REPEAT_S)]


def test_other_warnings_are_not_held_back_and_neither_is_what_is_no_warning() -> None:
    repeats = Repeats(Clock())
    assert all(repeats.filter(record("cannot reach node %d", node)) for node in range(5000))
    assert all(repeats.filter(record("published", level=logging.INFO)) for _ in range(3))


def test_a_role_logs_in_one_format_to_stderr() -> None:
    program = (
        "import json, logging, logging.config, sys\n"
        "logging.config.dictConfig(json.loads(sys.argv[1]) | {'filters': {}})\n"
        "logging.getLogger('annals').info('here'); logging.getLogger('faust').warning('chatter')\n"
    )
    config = logging_config("INFO") | {"filters": {}}
    config["handlers"]["stderr"].pop("filters")
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(config)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.endswith(" INFO annals: here")
