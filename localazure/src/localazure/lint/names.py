"""The names that break replay, by rule."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping


def _rules(names: Mapping[str, str]) -> dict[str, str]:
    return {name: rule for rule, listed in names.items() for name in listed.split()}


def _members(owner: str, names: str) -> str:
    return " ".join(f"{owner}.{name}" for name in names.split())


READ = _rules(
    {
        "clock": """
            datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today
            time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns
            time.process_time time.process_time_ns time.thread_time time.thread_time_ns arrow.now arrow.utcnow
            pendulum.now pendulum.today pandas.Timestamp.now pandas.Timestamp.today django.utils.timezone.now
        """,
        "random": """
            uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7 uuid.getnode os.urandom os.getrandom builtins.hash builtins.id
        """,
        "environment": """
            os.environ os.environb os.getenv os.getcwd os.getpid os.uname os.cpu_count os.getlogin sys.argv
            sys.platform getpass.getuser socket.gethostname socket.getfqdn time.tzname time.timezone
        """,
        "io": " ".join(
            [
                "builtins.open builtins.input io.open codecs.open sys.stdin pathlib.Path.cwd pathlib.Path.home",
                _members(
                    "os", "chdir chmod chown close fsync link listdir lstat makedirs mkdir open popen read readlink"
                ),
                _members(
                    "os", "remove removedirs rename replace rmdir scandir stat symlink system truncate unlink utime"
                ),
                _members("os", "walk write"),
                _members("os.path", "exists isfile isdir islink getsize getmtime realpath"),
                _members(
                    "pathlib.Path()", "chmod cwd exists glob home is_dir is_file is_symlink iterdir lstat mkdir open"
                ),
                _members("pathlib.Path()", "read_bytes read_text readlink rename replace resolve rglob rmdir samefile"),
                _members("pathlib.Path()", "stat symlink_to touch unlink walk write_bytes write_text"),
            ]
        ),
        "sleep": "time.sleep asyncio.sleep gevent.sleep",
    }
)
"""Names that may not even be mentioned: to pass `uuid4` on is to have it called."""

NEEDS_MOMENT = {"localtime": 1, "gmtime": 1, "ctime": 1, "asctime": 1, "strftime": 2}
"""Functions of `time` that read the clock when they are given fewer arguments."""

CALLED = _rules(
    {
        "random": "random secrets numpy.random",
        "environment": "platform locale",
        "threads": "threading concurrent.futures multiprocessing asyncio queue trio anyio _thread gevent signal",
        "io": """
            requests httpx aiohttp urllib.request urllib3 http.client websockets grpc socket ssl subprocess shutil
            tempfile glob fileinput aiofiles smtplib aiosmtplib ftplib imaplib poplib paramiko sqlite3 psycopg psycopg2
            asyncpg pyodbc pymysql mysql pymongo redis sqlalchemy.create_engine boto3 stripe openai anthropic twilio
            sendgrid
        """,
    }
)
"""Modules whose functions, classes and instances may not be called."""

INSTEAD = {
    "uuid.uuid1": "context.new_uuid()",
    "uuid.uuid4": "context.new_uuid()",
    "builtins.hash": "hashlib, which gives the same in every process",
    "builtins.id": "compare values; object ids differ from process to process",
}

_HARMLESS = re.compile(r"(Error|Exception|Timeout|Warning|Expired|Options|Retry|Settings)$")
_AZURE_CLIENT = re.compile(r"(?:Client|Credential)(?:\(\)|\.|$)")
_AZURE_SDK = ("azure.durable_functions", "azure.functions")
_LOGGERS = ("logging.", "loguru.logger.", "structlog.")
_LOG_METHODS = {
    "debug",
    "info",
    "warning",
    "warn",
    "error",
    "exception",
    "critical",
    "fatal",
    "log",
    "trace",
    "success",
}
_PRINTS = {"builtins.print", "sys.stdout.write", "sys.stderr.write", "pprint.pprint"}


def rule_of_name(path: str) -> str | None:
    """The rule against a name that is read."""
    return READ.get(path)


def rule_of_call(path: str, call: ast.Call) -> str | None:
    """The rule against a call of what `path` stands for, unless its name itself is against one."""
    if path in READ or _HARMLESS.search(path):
        return None
    module, _, name = path.rpartition(".")
    if module == "time":
        return "clock" if len(call.args) < NEEDS_MOMENT.get(name, 0) else None
    if path.startswith("random.Random") and (call.args or path != "random.Random"):
        return None  # with a seed it gives the same numbers; without one, making it is what is found
    if path.startswith("azure.") and not path.startswith(_AZURE_SDK):
        return "io" if _AZURE_CLIENT.search(path) else None
    parts = path.replace("()", "").split(".")
    prefixes = (".".join(parts[:size]) for size in (1, 2))
    return next((CALLED[prefix] for prefix in prefixes if prefix in CALLED), None)


def is_log_call(path: str) -> bool:
    """Whether calling `path` writes a log line, or prints."""
    return path in _PRINTS or (path.startswith(_LOGGERS) and path.rpartition(".")[2] in _LOG_METHODS)
