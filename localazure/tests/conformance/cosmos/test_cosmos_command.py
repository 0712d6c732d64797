"""`localazure cosmos` against a running emulator, as if a system ran on a state folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from azure.cosmos import PartitionKey
from click.testing import CliRunner
from localazure.cli import main
from localazure.state import StateFolder

DEADLINE_S = 60


@pytest.fixture
def folder(server, tmp_path):
    """The state folder of a system whose only part is the emulator."""
    folder = StateFolder(tmp_path / "state")
    with folder.locked():
        folder.write_endpoints({"cosmos": f"{server.url}/"})
        yield folder


@pytest.fixture
def run(folder):
    """Run `localazure cosmos ...` and return its exit code and output; problems follow the output."""

    def invoke(*arguments):
        result = CliRunner().invoke(main, ["cosmos", *arguments, "--state", str(folder.path)])
        return result.exit_code, result.output

    return invoke


def lines_of(output):
    return [json.loads(line) for line in output.splitlines()]


def test_containers_are_listed_with_the_number_and_size_of_their_items(run, database, filled):
    database.create_container("big", PartitionKey(["/tenant", "/order"], kind="MultiHash"))
    filled.create_item({"id": "large", "pk": "p0", "text": "x" * 10_000})
    code, output = run()
    assert code == 0
    assert [line.split() for line in output.splitlines()] == [
        ["database", "container", "partition_key", "items", "kib"],
        ["shop", "orders", "/pk", "11", "11"],
        ["shop", "big", "/tenant,", "/order", "0", "0"],
    ]
    facts = {"database": "shop", "container": "orders", "partition_key": "/pk", "items": 11, "kib": 11}
    assert lines_of(run("--json")[1])[0] == facts
    assert run("list", "--json") == run("--json")


def test_a_query_prints_its_rows_as_json_lines(run, filled):
    assert run("query", "orders", "SELECT VALUE c.id FROM c WHERE c.n > 7") == (0, '"8"\n"9"\n')
    (row,) = lines_of(run("query", "shop/orders", "SELECT * FROM c WHERE c.id = '3'")[1])
    assert row == filled.read_item("3", "p1")


def test_a_query_prints_a_table_on_request(run, filled):
    code, output = run("query", "orders", "SELECT c.id, c.n, c.tags FROM c WHERE c.n IN (8, 9)", "--table")
    assert code == 0
    assert output == "id  n  tags\n8   8  [8, 108]\n9   9  [9, 109]\n"
    assert run("query", "orders", "SELECT VALUE COUNT(1) FROM c", "--table")[1].split() == ["value", "10"]
    wide = run("query", "orders", "SELECT * FROM c WHERE c.id = '1'", "--table")[1].splitlines()[0]
    assert wide.split() == ["id", "pk", "n", "tags"]


def test_a_query_stays_within_a_partition_key(run, filled, database):
    inside = run("query", "orders", "SELECT VALUE c.n FROM c", "--partition-key", "p1")
    assert inside == (0, "1\n3\n5\n7\n9\n")
    levels = database.create_container("levels", PartitionKey(["/t", "/u"], kind="MultiHash"))
    for number in range(3):
        levels.create_item({"id": str(number), "t": "a", "u": number})
    keys = ["--partition-key", "a"]
    assert run("query", "levels", "SELECT VALUE c.id FROM c", *keys)[1].split() == ['"0"', '"1"', '"2"']
    assert run("query", "levels", "SELECT VALUE c.id FROM c", *keys, "--partition-key", "2")[1] == '"2"\n'
    assert run("query", "levels", "SELECT VALUE c.id FROM c", *keys, "--partition-key", '"2"')[1] == ""


def test_an_unknown_container_is_answered_with_those_that_there_are(run, client, database, container):
    database.create_container("stock", PartitionKey("/pk"))
    code, output = run("query", "order", "SELECT * FROM c")
    assert code == 1
    assert output == "localazure: 'order' names no container; there are: shop/orders, shop/stock.\n"
    client.create_database("other").create_container("orders", PartitionKey("/pk"))
    assert "names several containers; there are: shop/orders, other/orders." in run("tail", "orders")[1]
    assert run("query", "other/orders", "SELECT * FROM c") == (0, "")


def test_a_bad_query_is_answered_with_its_error_alone(run, container):
    refusal = "localazure: Cosmos DB refuses: 'SELECT *' is not valid if FROM clause is omitted.\n"
    assert run("query", "orders", "SELECT * FRM c") == (1, refusal)


def test_colours_are_for_terminals_that_want_them(folder, filled):
    command = ["cosmos", "--state", str(folder.path)]
    assert "\x1b[1mdatabase" in CliRunner().invoke(main, command, color=True).output
    assert "\x1b" not in CliRunner().invoke(main, command, color=True, env={"NO_COLOR": "1"}).output


def test_charges_are_summed_up_per_container_and_operation(run, server, filled):
    filled.read_item("1", "p1")
    filled.read_item("2", "p0")
    filled.delete_item("2", "p0")
    list(filled.query_items("SELECT * FROM c", enable_cross_partition_query=True))
    counted = {line["operation"]: line for line in lines_of(run("charges", "--json")[1])}
    assert {name: line["requests"] for name, line in counted.items()} == {
        "Create": 10,
        "Delete": 1,
        "Query": 1,
        "Read": 2,
    }
    assert counted["Read"]["charge"] == 2.0
    assert counted["Read"]["highest"] == 1.0
    assert counted["Create"]["charge"] == pytest.approx(10 * (4.95 + 0.2 * 5), abs=0.01)
    code, output = run("charges", "--reset")
    assert code == 0
    assert ["shop", "orders", "Read", "2", "2.0", "1.0", "1.0"] in [line.split() for line in output.splitlines()]
    assert "request units since" in output
    assert run("charges", "--json") == (0, "")


def test_refused_requests_are_counted_too(run, container, status_of):
    assert status_of(container.read_item, "none", "a")[0] == 404
    (line,) = lines_of(run("charges", "--json")[1])
    assert (line["operation"], line["requests"], line["charge"]) == ("Read", 1, 1.0)


def test_over_tls_the_certificate_is_checked_against_the_bundle(run, folder, start_server, certificate):
    folder.write_endpoints({"cosmos": f"{start_server(tls=certificate).url}/"})
    folder.tls.mkdir()
    (folder.tls / "bundle.pem").write_bytes(certificate[0].read_bytes())
    assert run("charges", "--json") == (0, "")
    assert run()[0] == 0


@pytest.mark.parametrize("command", [[], ["query", "orders", "SELECT 1"], ["tail", "orders"], ["charges"]])
def test_a_command_says_when_nothing_runs(tmp_path, command):
    result = CliRunner().invoke(main, ["cosmos", *command, "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output == f"localazure: Nothing runs on {tmp_path}; use `localazure start`.\n"


@pytest.mark.parametrize("command", [[], ["charges"]])
def test_a_command_says_when_the_emulator_does_not_answer(run, folder, command):
    folder.write_endpoints({"cosmos": "http://127.0.0.1:9/"})
    code, output = run(*command)
    assert code == 1
    assert output.startswith("localazure: Cosmos DB does not answer: ")


@contextmanager
def tailing(folder, *options):
    """The command as a process. One that neither ends nor prints is killed."""
    command = [sys.executable, "-m", "localazure", "cosmos", "tail", "orders", *options, "--state", str(folder.path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(DEADLINE_S, process.kill)
    watchdog.start()
    with process:
        yield process
    watchdog.cancel()


@pytest.mark.usefixtures("interruptible")
def test_tail_follows_the_change_feed_until_it_is_interrupted(folder, filled):
    with tailing(folder, "--from-beginning") as process:
        seen = [process.stdout.readline() for _ in range(10)]
        filled.upsert_item({"id": "3", "pk": "p1", "n": "anew"})
        seen.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert rest == ""
    assert [line.split(" lsn ")[1].split(" ", 1)[0] for line in seen] == [str(lsn) for lsn in range(1, 12)]
    assert json.loads(seen[-1].split(" ", 3)[3]) == {"id": "3", "pk": "p1", "n": "anew"}


@pytest.mark.usefixtures("interruptible")
def test_tail_in_json_prints_items_as_the_feed_has_them(folder, server, container, eventually):
    with tailing(folder, "--json") as process:
        eventually(lambda: server.admin.requests(method="GET", ending="/docs"))
        container.create_item({"id": "1", "pk": "a"})
        item = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert item == {**container.read_item("1", "a"), "_lsn": 1}
