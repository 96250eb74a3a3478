"""Jobs over HTTP, run by a worker in the test's process, on a real broker."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from kafka.config import ClusterConfig, JobsConfig
from service.app import create_app
from service.settings import demo_settings
from tests.contract.conftest import callers, serving
from tests.support.brokers import Broker
from tests.support.jobs import RunningWorker
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYTHING: dict[str, object] = {"projects": ["*"], "instances": ["*"], "topics": ["*"], "actions": ["*"]}
JOBS = "/v2/project/mqs/instances/prod/resend-jobs"


@pytest.fixture(scope="session")
def store(broker: Broker) -> Iterator[str]:
    """Name of a store of these tests' own, with a worker for it."""
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    jobs = JobsConfig(topic=name, group=name, transactional_prefix=name, partitions=3)
    worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), jobs=jobs))
    yield name
    assert worker.stop()
    PlainClient(broker.bootstrap).delete_topic(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, store: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application on the session's broker, with a caller of everything, and others of less."""
    folder = tmp_path_factory.mktemp("jobs")
    file = folder / "callers.toml"
    file.write_text(
        callers(
            {"name": "all", "token": "t", **EVERYTHING},
            {"name": "orders", "token": "o", **EVERYTHING, "topics": ["orders.*"]},
            {"name": "no-jobs", "token": "n", **EVERYTHING, "actions": ["resend", "read"]},
        ),
        "utf-8",
    )
    tables: dict[str, dict[str, object]] = {
        "auth": {"callers_file": str(file)},
        "jobs": {"topic": store, "group": store, "transactional_prefix": store},
        "instances.prod": {"bootstrap_servers": [broker.bootstrap]},
        "instances.frozen": {"bootstrap_servers": [broker.bootstrap]},
        "instances.frozen.policy": {"frozen": True},
    }
    async with serving(folder, tables) as client:
        client.headers["X-Auth-Token"] = "t"
        yield client


async def ended(client: httpx.AsyncClient, path: str) -> dict[str, object]:
    """Return the job once it has ended."""

    async def over() -> bool:
        return (await client.get(path)).json()["ended_at"] is not None

    await eventually(over, seconds=40)
    found: dict[str, object] = (await client.get(path)).json()
    return found


async def test_job_is_accepted_told_and_done(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A 202 has the job and where to look for it; what it says in the end is what stands in the topic."""
    topic = make_topic(2)
    for partition in range(2):
        plain.produce_many(topic, [b"x"] * 30, partition=partition)
    answer = await client.post(JOBS, json={"topic": topic, "consumer_key": "keyA", "partitions": [1]})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"{JOBS}/{job['job_id']}"
    assert (job["made_by"], job["project_id"], job["consumer_key"]) == ("all", "project", "keyA")
    done = await ended(client, answer.headers["Location"])
    counts = {"selected": 30, "read": 30, "resent": 30, "skipped": 0, "failed": 0, "expired": 0}
    assert (done["state"], done["counts"], done["failures"]) == ("succeeded", counts, [])
    assert done["progress"] == [{"partition": 1, "next_offset": 30, "end_offset": 30}]
    assert [header for seen in plain.log(topic, 1)[30:] for header in seen.headers] == 30 * [("consumer_key", b"keyA")]
    listed = (await client.get(JOBS, params={"state": "succeeded", "limit": "1000"})).json()
    assert job["job_id"] in [entry["job_id"] for entry in listed["jobs"]]
    assert listed["total"] == listed["size"]


async def test_dry_run_reports_and_writes_nothing(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The report has counts by partition and by time, the first positions, and the size."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 10)
    body = {"topic": topic, "dry_run": True, "offsets": [{"partition": 0, "start": 2, "end": None}]}
    answer = await client.post(JOBS, json=body)
    report = (await ended(client, answer.headers["Location"]))["report"]
    assert isinstance(report, dict)
    assert (report["matching"], report["partitions"]) == (8, [{"partition": 0, "matching": 8}])
    assert report["first"][0] == {"partition": 0, "message_offset": 2}
    assert plain.high_watermark(topic, 0) == 10


async def test_what_failed_is_resent_by_a_job_of_its_own(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Once the reason is mended, only the listed failures are selected."""
    topic = make_topic(1, {"max.message.bytes": "2000"})
    plain.set_config(topic, {"max.message.bytes": "100000"})
    plain.produce(topic, b"good")
    plain.produce(topic, bytes(range(256)) * 100)
    plain.set_config(topic, {"max.message.bytes": "300"})
    first = await ended(client, (await client.post(JOBS, json={"topic": topic})).headers["Location"])
    assert first["failures_listed_all"] is True
    assert [(failure["partition"], failure["message_offset"]) for failure in first["failures"]] == [(0, 1)]  # type: ignore[attr-defined]
    plain.set_config(topic, {"max.message.bytes": "100000"})
    again = await client.post(f"{JOBS}/{first['job_id']}/resend-failed")
    assert again.status_code == 202
    done = await ended(client, again.headers["Location"])
    assert (done["counts"]["resent"], done["counts"]["failed"]) == (1, 0)  # type: ignore[index]


async def test_paused_job_waits_goes_on_and_is_cancelled(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Each is accepted at once; a job that has ended can neither wait nor go on."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 2000)
    answer = await client.post(JOBS, json={"topic": topic, "records_per_second": 50})
    path = answer.headers["Location"]

    async def state(wanted: str) -> bool:
        return bool((await client.get(path)).json()["state"] == wanted)

    await eventually(lambda: state("running"), seconds=30)
    assert (await client.post(f"{path}/pause")).status_code == 202
    await eventually(lambda: state("paused"), seconds=5)
    assert (await client.post(f"{path}/resume")).status_code == 202
    await eventually(lambda: state("running"), seconds=5)
    assert (await client.post(f"{path}/cancel")).status_code == 202
    assert (await ended(client, path))["state"] == "cancelled"
    assert (await client.post(f"{path}/cancel")).status_code == 202
    refused = await client.post(f"{path}/pause")
    assert (refused.status_code, refused.json()["error_code"]) == (400, "RESEND.00400605")


async def test_job_beyond_the_grants_does_not_exist(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Topic, project and action decide; what a caller may not see is a 404 like any unknown id, and in no list."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    path = (await client.post(JOBS, json={"topic": topic})).headers["Location"]
    job_id = path.rpartition("/")[2]
    orders = {"X-Auth-Token": "o"}
    assert (await client.get(path, headers=orders)).json()["error_code"] == "RESEND.00404002"
    assert job_id not in str((await client.get(JOBS, headers=orders)).json())
    assert (await client.post(f"{path}/cancel", headers=orders)).status_code == 404
    assert (await client.post(JOBS, json={"topic": topic}, headers=orders)).status_code == 403
    assert (await client.get(path.replace("/project/", "/other/"))).status_code == 404
    assert (await client.get(path, headers={"X-Auth-Token": "n"})).status_code == 403
    assert (await client.get(f"{JOBS}/not-an-id")).status_code == 404
    assert (await client.get(f"{JOBS}/0-{'0' * 24}")).status_code == 404


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"topics": "x"}, "00400042"),
        ({"start_time": 5}, "00400042"),
        ({"start_time": 5, "end_time": 5}, "00400042"),
        ({"start_time": 5, "end_time": 9, "messages": [{"partition": 0, "message_offset": 0}]}, "00400042"),
        ({"messages": [{"partition": 0, "message_offset": 0}] * 10_001}, "00400042"),
        ({"offsets": [{"partition": 0, "start": 3, "end": 3}]}, "00400042"),
        ({"offsets": [{"partition": 7, "start": 0}]}, "00400102"),
        ({"offsets": [{"partition": 0, "start": 100}]}, "00400602"),
        ({"filter": {"jmespath": "total >"}}, "00400604"),
        ({"filter": {"headers": [{"value": "x"}]}}, "00400042"),
        ({"records_per_second": 0}, "00400042"),
        ({"consumer_key": ""}, "00400021"),
        ({"dry_run": "yes"}, "00400042"),
    ],
)
async def test_request_that_cannot_become_a_job_is_refused_at_once(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, more: dict[str, object], code: str
) -> None:
    """Everything is checked before the 202, and nothing is left behind."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    before = (await client.get(JOBS)).json()["total"]
    answer = await client.post(JOBS, json={"topic": topic, **more})
    assert (answer.status_code, answer.json()["error_code"]) == (400, f"RESEND.{code}")
    assert (await client.get(JOBS)).json()["total"] == before


async def test_compacted_missing_and_internal_topics_and_frozen_instances_are_refused(
    client: httpx.AsyncClient, make_topic: MakeTopic, store: str
) -> None:
    """What a single resend would refuse, a job refuses too."""
    compacted = make_topic(1, {"cleanup.policy": "compact"})
    codes = [
        (await client.post(JOBS, json={"topic": topic})).json()["error_code"]
        for topic in (compacted, make_topic.unused_name(), store)
    ]
    assert codes == ["RESEND.00400202", "RESEND.00400101", "RESEND.00400201"]
    frozen = await client.post(JOBS.replace("prod", "frozen"), json={"topic": make_topic(1)})
    assert frozen.json()["error_code"] == "RESEND.00400204"


async def test_embedded_broker_has_no_jobs() -> None:
    """It has no transactions; the answer says what to start instead."""
    from kafka.embedded import EmbeddedBroker  # noqa: PLC0415 starts a broker of its own

    with EmbeddedBroker() as broker:
        app = create_app(demo_settings(broker.start(), "demo", 0))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            client.headers["X-Auth-Token"] = "any"
            answer = await client.post(JOBS.replace("prod", "demo"), json={"topic": "topic-test"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "RESEND.00400601")
