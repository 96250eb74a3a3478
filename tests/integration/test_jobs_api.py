"""Jobs over HTTP, run by a worker in the test's process, on a real broker."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog
from msgspec.structs import asdict

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig, JobsConfig
from kafka.jobs.progress import NOT_BEGUN, encode_progress
from kafka.model.policy import ResendPolicy
from kafka.model.records import Header
from service.api.schema.job_response import JobResponse, JobsResponse
from service.app import create_app
from service.auth import grants_by_name, operator_authenticator
from service.settings.http import AuthSettings
from service.settings.model import load_settings
from tests.contract.conftest import callers, serving, toml
from tests.support.brokers import Broker
from tests.support.jobs import RunningWorker, counted
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYTHING: dict[str, object] = {"projects": ["*"], "instances": ["*"], "topics": ["*"], "actions": ["*"]}
JOBS = "/v2/project/mqs/instances/prod/resend-jobs"


def jobs_of(name: str) -> JobsConfig:
    """Return where jobs of a test's own are kept."""
    return JobsConfig(topic=name, group=name, transactional_prefix=name, partitions=3)


@asynccontextmanager
async def applied(
    folder: Path, broker: Broker, store: str, policy: dict[str, object] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application with one instance and a caller of everything, and others of less; yield a client of it."""
    folder.mkdir(exist_ok=True)
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
        "jobs": {"topic": store, "group": store, "transactional_prefix": store, "partitions": 3},
        "instances.prod": {"bootstrap_servers": [broker.bootstrap]},
        "instances.prod.policy": policy or {},
    }
    async with serving(folder, tables) as client:
        client.headers["X-Auth-Token"] = "t"
        yield client


@asynccontextmanager
async def operated(folder: Path, broker: Broker, store: str) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application as the command line opens it for itself, and yield a client of it."""
    tables: dict[str, dict[str, object]] = {
        "auth": {"token_digest": "ab" * 32},
        "jobs": {"topic": store, "group": store, "transactional_prefix": store, "partitions": 3},
        "instances.prod": {"bootstrap_servers": [broker.bootstrap]},
    }
    file = folder / "operator.toml"
    file.write_text(toml(tables), "utf-8")
    app = create_app(load_settings({"RESEND_CONFIG": str(file)}), only=operator_authenticator("own"))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost", headers={"X-Auth-Token": "own"}
        ) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def store(broker: Broker) -> Iterator[str]:
    """Name of a store of these tests' own, with a worker for it."""
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), jobs=jobs_of(name)))
    yield name
    assert worker.stop()
    PlainClient(broker.bootstrap).delete_topic(name)


@pytest.fixture
def idle_store(broker: Broker) -> Iterator[str]:
    """Name of a store that has no worker: its jobs stay as they are."""
    name = f"idle-{uuid.uuid4().hex[:8]}"
    yield name
    PlainClient(broker.bootstrap).delete_topic(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, store: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application on the session's broker."""
    async with applied(tmp_path_factory.mktemp("jobs"), broker, store) as client:
        yield client


async def ended(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Return the job once it has ended."""

    async def over() -> bool:
        return (await client.get(path)).json()["ended_at"] is not None

    await eventually(over, seconds=40)
    found: dict[str, Any] = (await client.get(path)).json()
    # Nothing that is not documented, and nothing documented that is missing.
    JobResponse.model_validate(found)
    return found


async def made(client: httpx.AsyncClient, body: dict[str, object], to: str = JOBS) -> str:
    """Make a job, whatever others have resent, and return its path."""
    answer = await client.post(to, json={"allow_duplicate": True, **body})
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


async def code(answering: Awaitable[httpx.Response]) -> int:
    """Return status and number of an error as one."""
    answer = await answering
    return int(answer.json()["error_code"].removeprefix("RESEND.00"))


async def listed(client: httpx.AsyncClient, **parameters: str) -> list[str]:
    """Return the ids of the jobs that are listed."""
    found = (await client.get(JOBS, params={"limit": "1000", **parameters})).json()
    JobsResponse.model_validate(found)
    return [job["job_id"] for job in found["jobs"]]


async def test_job_is_accepted_told_and_done(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A 202 has the job and where to look for it; what it says in the end is what is in the topic."""
    topic = make_topic(2)
    for partition in range(2):
        plain.produce_many(topic, [b"x"] * 30, partition=partition)
    answer = await client.post(JOBS, json={"topic": topic, "consumer_key": "keyA", "partitions": [1]})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"{JOBS}/{job['job_id']}"
    assert (job["created_by"], job["project_id"], job["consumer_key"]) == ("all", "project", "keyA")
    behind = await client.post(
        JOBS, json={"topic": topic, "dry_run": True}, headers={"X-Forwarded-Prefix": "/kafka/resend"}
    )
    assert behind.headers["Location"] == f"/kafka/resend{JOBS}/{behind.json()['job_id']}"
    done = await ended(client, answer.headers["Location"])
    counts = {"selected": 30, **asdict(counted(resent=30))}
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
    assert (report["would_resend"], report["partitions"]) == (8, [{"partition": 0, "would_resend": 8}])
    assert report["first"][0] == {"partition": 0, "message_offset": 2}
    assert plain.high_watermark(topic, 0) == 10


async def test_what_failed_is_resent_by_a_job_of_its_own(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Once the reason is fixed, only the listed failures are selected."""
    topic = make_topic(1, {"max.message.bytes": "2000"})
    plain.set_config(topic, {"max.message.bytes": "100000"})
    plain.produce(topic, b"good")
    plain.produce(topic, bytes(range(256)) * 100)
    plain.set_config(topic, {"max.message.bytes": "300"})
    first = await ended(client, (await client.post(JOBS, json={"topic": topic})).headers["Location"])
    assert first["failures_listed_all"] is True
    assert [(failure["partition"], failure["message_offset"]) for failure in first["failures"]] == [(0, 1)]
    plain.set_config(topic, {"max.message.bytes": "100000"})
    again = await client.post(f"{JOBS}/{first['job_id']}/resend-failed")
    assert again.status_code == 202
    done = await ended(client, again.headers["Location"])
    assert (done["counts"]["resent"], done["counts"]["failed"]) == (1, 0)


async def test_dead_letters_go_where_the_grants_of_their_jobs_maker_reach_now(
    tmp_path: Path, broker: Broker, idle_store: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The worker asks the callers file; a new job of what failed keeps the target, and is judged by its own maker."""
    dead, secret = (make_topic(1, name=f"{name}.{uuid.uuid4().hex[:8]}") for name in ("orders", "secret"))
    headers: list[Header] = [("__connect.errors.topic", secret.encode()), ("__connect.errors.partition", b"0")]
    plain.produce(dead, b"x", headers=headers)
    body: dict[str, object] = {"topic": dead, "target": {"dialect": "auto", "remove_headers": True}}
    async with applied(tmp_path, broker, idle_store) as client, operated(tmp_path, broker, idle_store) as own:
        may_resend = grants_by_name(AuthSettings(callers_file=tmp_path / "callers.toml"))
        worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), jobs=jobs_of(idle_store)), may_resend)
        try:
            client.headers["X-Auth-Token"] = "o"
            failed = await ended(client, await made(client, body))
            assert failed["target"] == body["target"]
            assert [failure["reason"] for failure in failed["failures"]] == [
                f"the grants of 'orders', who has made the job, do not reach its target, topic {secret!r}"
            ]
            again = await made(client, {}, f"{JOBS}/{failed['job_id']}/resend-failed")
            assert (await ended(client, again))["counts"]["failed"] == 1
            by_operator = await ended(own, await made(own, {**body, "dry_run": True}))
            assert by_operator["report"]["targets"] == [{"topic": secret, "would_resend": 1}]
            done = await ended(own, await made(own, {}, f"{again}/resend-failed"))
            assert (done["created_by"], done["counts"]["resent"]) == ("operator", 1)
            once_more = await made(own, body)
            await ended(own, once_more)
            plain.set_config(secret, {"max.message.bytes": "50"})
            refused = await ended(own, await made(own, body))
            mine = await ended(client, await made(client, {}, f"{JOBS}/{refused['job_id']}/resend-failed"))
            assert refused["failures"][0]["reason"].endswith(f"; its target is topic {secret!r}")
            assert "the grants of 'orders'" in mine["failures"][0]["reason"]
        finally:
            assert worker.stop()
    names = ["resend.origin", "resend.count", "resend.job", "resend.at"]
    assert [[name for name, _ in seen.headers] for seen in plain.log(secret, 0, "read_committed")] == [names, names]


async def test_paused_job_waits_goes_on_and_is_cancelled(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Each is accepted at once; a job that has ended can neither wait nor continue."""
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


async def test_jobs_of_a_caller_are_those_of_their_topics(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A caller of some topics makes, sees and ends jobs of these, of any creator."""
    topic = make_topic(1, name=f"orders.{uuid.uuid4().hex[:8]}")
    plain.produce(topic, b"x")
    orders = {"X-Auth-Token": "o"}
    path = await made(client, {"topic": topic})
    own = (await client.post(JOBS, json={"topic": topic, "allow_duplicate": True}, headers=orders)).json()
    assert own["created_by"] == "orders"
    found = (await client.get(JOBS, headers=orders)).json()
    assert {job["topic"] for job in found["jobs"]} == {topic}
    assert (found["total"], found["jobs"][0]["job_id"]) == (2, own["job_id"])
    assert (await client.post(f"{path}/cancel", headers=orders)).status_code == 202


async def test_what_one_application_is_told_the_other_knows(
    tmp_path: Path, broker: Broker, idle_store: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Two applications on one cluster have the same jobs: the second finds each at once, and what happens to it."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    async with applied(tmp_path / "a", broker, idle_store) as one, applied(tmp_path / "b", broker, idle_store) as other:
        assert await listed(other) == []
        paths = [await made(one, {"topic": topic}) for _ in range(3)]
        told = [(await other.get(path)).json() for path in paths]
        waiting = ("pending", "a worker: none is there for its partition of the job store")
        assert [(job["state"], job["waits_for"]) for job in told] == [waiting] * 3
        ids = await listed(one)
        assert len(ids) == 3

        async def same() -> bool:
            return await listed(other) == ids

        await eventually(same, seconds=5)
        await other.post(f"{paths[0]}/cancel")

        async def cancelled() -> bool:
            return bool((await one.get(paths[0])).json()["cancel_requested"])

        await eventually(cancelled, seconds=5)
    async with applied(tmp_path / "c", broker, idle_store) as late:
        assert await listed(late) == ids


async def test_what_was_accepted_is_told_from_then_on(
    tmp_path: Path, broker: Broker, idle_store: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """No answer falls behind an earlier one of the same application, although the store is read back only later."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    async with applied(tmp_path, broker, idle_store) as client:
        for _ in range(10):
            path = await made(client, {"topic": topic})
            job_id = path.rpartition("/")[2]
            assert job_id in await listed(client, state="pending")
            for action, state in (("pause", "paused"), ("resume", "pending"), ("pause", "paused")):
                assert (await client.post(f"{path}/{action}")).json()["state"] == state
                assert (await client.get(path)).json()["state"] == state
            assert (await client.post(f"{path}/cancel")).json()["cancel_requested"] is True
            assert (await client.get(path)).json()["cancel_requested"] is True


async def test_jobs_are_listed_by_page_the_newest_first(
    tmp_path: Path, broker: Broker, idle_store: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Pages follow each other without a gap; the total is that of all of them."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    async with applied(tmp_path, broker, idle_store) as client:
        made_ids = [(await made(client, {"topic": topic})).rpartition("/")[2] for _ in range(5)]
        whole = await listed(client)
        pages = [await listed(client, limit="2", offset=offset) for offset in ("0", "2", "4", "6")]
        first = (await client.get(JOBS, params={"limit": "2"})).json()
    times = [job["created_at"] for job in first["jobs"]]
    assert sorted(whole) == sorted(made_ids)
    assert [job_id for page in pages for job_id in page] == whole
    assert (first["total"], first["size"]) == (5, 2)
    assert times == sorted(times, reverse=True)
    assert "failures" not in first["jobs"][0]


async def test_read_only_instance_takes_dry_runs_only(
    tmp_path: Path, broker: Broker, idle_store: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """To count is no resend; a job that writes is refused."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 5)
    policy = ResendPolicy(read_only=True)
    worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), policy=policy, jobs=jobs_of(idle_store)))
    async with applied(tmp_path, broker, idle_store, {"read_only": True}) as client:
        assert await code(client.post(JOBS, json={"topic": topic})) == 400204
        done = await ended(client, await made(client, {"topic": topic, "dry_run": True}))
    assert worker.stop()
    assert (done["state"], done["report"]["would_resend"]) == ("succeeded", 5)
    assert plain.high_watermark(topic, 0) == 5


async def test_store_that_would_lose_jobs_is_told_with_the_command_that_mends_it(
    tmp_path: Path, broker: Broker, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Nothing is accepted that could be forgotten; once it is fixed, jobs are."""
    topic, unfit = make_topic(1), make_topic(1, {"cleanup.policy": "delete"})
    plain.produce(topic, b"x")
    async with applied(tmp_path, broker, unfit) as client:
        assert await listed(client) == []
        answer = await client.post(JOBS, json={"topic": topic})
        assert answer.json()["error_code"] == "RESEND.00503005"
        assert "Retry-After" in answer.headers
        assert f"--entity-name {unfit} --add-config cleanup.policy=compact" in answer.json()["error_msg"]
        plain.set_config(unfit, {"cleanup.policy": "compact"})
        await made(client, {"topic": topic})


async def test_what_failed_in_a_topic_that_was_made_again_is_not_resent(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Its offsets mean other records now."""
    topic = make_topic(1, {"max.message.bytes": "100000"})
    plain.produce(topic, bytes(range(256)) * 100)
    plain.set_config(topic, {"max.message.bytes": "300"})
    path = await made(client, {"topic": topic})
    assert len((await ended(client, path))["failures"]) == 1
    plain.delete_topic(topic)
    make_topic(1, name=topic)
    plain.produce(topic, b"another")
    assert await code(client.post(f"{path}/resend-failed")) == 400109
    assert plain.high_watermark(topic, 0) == 1


async def test_nothing_failed_is_nothing_to_resend(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A job of no records is none, and the answer speaks of that job."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    path = await made(client, {"topic": topic})
    await ended(client, path)
    refused = await client.post(f"{path}/resend-failed")
    assert refused.json()["error_code"] == "RESEND.00400607"
    assert refused.json()["error_msg"].startswith(f"job '{path.rpartition('/')[2]}' has no failures to resend; ")


async def test_cancelled_while_paused_stays_paused_until_it_has_ended(
    tmp_path: Path, broker: Broker, idle_store: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A job that waits does not seem to run again because its end was asked for."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 100)
    worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), jobs=jobs_of(idle_store)))
    async with applied(tmp_path, broker, idle_store) as client:
        path = await made(client, {"topic": topic, "records_per_second": 1})

        async def running() -> bool:
            return bool((await client.get(path)).json()["state"] == "running")

        await eventually(running, seconds=30)
        await client.post(f"{path}/pause")
        assert worker.stop()
        answer = (await client.post(f"{path}/cancel")).json()
        assert (answer["state"], answer["cancel_requested"]) == ("paused", True)
        worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), jobs=jobs_of(idle_store)))
        assert (await ended(client, path))["state"] == "cancelled"
    assert worker.stop()


async def test_job_whose_records_cannot_be_read_is_listed_with_the_reason_and_cancelled(
    tmp_path: Path, broker: Broker, idle_store: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What no field can hold, in the plan or in the progress, hides neither that job nor any other."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 10)
    async with applied(tmp_path, broker, idle_store) as client:
        first = await made(client, {"topic": topic})
        job_id = first.rpartition("/")[2]
        plan = json.loads(next(seen.value for seen in plain.log(idle_store, int(job_id[0])) if seen.value) or b"")
        ids = [f"{partition}-{number:024x}" for number, partition in enumerate((0, 1, 2, 0))]
        odd = [
            json.dumps({**plan, "job_id": ids[0], "records_per_second": 0.0}).encode(),
            json.dumps({**plan, "job_id": ids[1], "spans": [[0, 0, 10**400]], "topic": [topic]}).encode(),
            b"\xff",
        ]
        for other, content in zip(ids, odd, strict=False):
            plain.produce(idle_store, content, f"{other}/request".encode(), partition=int(other[0]))
        understood = json.dumps({**plan, "job_id": ids[3]}).encode()
        progress = json.loads(encode_progress(NOT_BEGUN)) | {"next_offsets": {"0": 1e400}}
        plain.produce(idle_store, understood, f"{ids[3]}/request".encode(), partition=0)
        plain.produce(idle_store, json.dumps(progress).encode(), f"{ids[3]}/state".encode(), partition=0)

        async def all_read() -> bool:
            if set(await listed(client)) != {job_id, *ids}:
                return False
            # Of the last one the state was written after the request.
            return bool((await client.get(f"{JOBS}/{ids[3]}")).json()["unsupported_reason"])

        await eventually(all_read, seconds=10)
        assert not set(ids) & set((await client.get(JOBS, headers={"X-Auth-Token": "o"})).json()["jobs"])
        for other in ids:
            job = (await client.get(f"{JOBS}/{other}")).json()
            assert (job["state"], bool(job["unsupported_reason"])) == ("pending", True)
        # Its plan can be read, but has no failures; of the others nothing can be made.
        refused = [await code(client.post(f"{JOBS}/{other}/resend-failed")) for other in ids]
        assert refused == [400608, 400608, 400608, 400607]
        for other in ids:
            assert (await client.post(f"{JOBS}/{other}/cancel")).status_code == 202
        worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), jobs=jobs_of(idle_store)))
        assert (await ended(client, first))["state"] == "succeeded"
        done = [await ended(client, f"{JOBS}/{other}") for other in ids]
    assert worker.stop()
    assert [job["state"] for job in done] == ["cancelled"] * 4
    assert [job["reason"] for job in done[:3]] == [None] * 3
    assert done[3]["reason"].startswith("how far it was is not known: it is not a progress: JSON is malformed")
    assert plain.high_watermark(topic, 0) == 21


async def test_selection_and_filter_are_told_as_they_were_asked_for(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The answer has every end that was fixed, and the conditions; only what meets them is resent."""
    topic = make_topic(2)
    # A copy of an old one would be refused.
    now_ms = time.time_ns() // 1_000_000 - 60_000
    for number in range(10):
        kind = "order" if number % 2 else "invoice"
        value = b'{"total": %d}' % (number * 100)
        plain.produce(topic, value, partition=1, headers=[("kind", kind.encode())], timestamp_ms=now_ms + number)
    asked = {
        "headers": [{"name": "kind", "value": "order"}, {"name": "trace", "absent": True}, {"name": "kind"}],
        "jmespath": "total > `300`",
    }
    body = {"topic": topic, "start_time": now_ms + 2, "end_time": now_ms + 8, "filter": asked, "dry_run": True}
    job = await ended(client, await made(client, body))
    assert job["filter"] == {"key": None, "include_resent": False, **asked}
    assert job["selection"] == {
        "spans": [{"partition": 1, "start": 2, "end": 10}],
        "start_time": now_ms + 2,
        "end_time": now_ms + 8,
    }
    # Of 2 to 7, those that are odd and above 3.
    assert [place["message_offset"] for place in job["report"]["first"]] == [5, 7]
    assert sum(bucket["count"] for bucket in job["report"]["histogram"]) == 2


async def test_ten_thousand_messages_are_a_job_and_one_more_is_none(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Their list is longer than the body of a single resend may be."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 20)
    messages = [{"partition": 0, "message_offset": offset} for offset in range(0, 20_000, 2)]
    path = await made(client, {"topic": topic, "messages": messages})
    job = await ended(client, path)
    assert (job["selection"]["positions"], job["counts"]["resent"], job["counts"]["failed"]) == (10_000, 10, 9_990)
    # Each of them is answered for: those that are not there are listed, however many.
    missing = [(failure["message_offset"], failure["error_code"]) for failure in job["failures"]]
    assert missing == [(20, "RESEND.00400104"), *((offset, "RESEND.00400105") for offset in range(22, 20_000, 2))]
    assert job["failures_listed_all"] is True
    more = [*messages, {"partition": 0, "message_offset": 1}]
    assert await code(client.post(JOBS, json={"topic": topic, "messages": more})) == 400042


async def test_named_position_without_a_record_fails_as_a_single_resend_of_it_does(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Below the log start, aborted, a marker, at the end, beyond it: each with the code and the words of a single."""
    topic = make_topic(2)
    plain.produce_many(topic, [b"x"] * 20)
    plain.transaction(topic, 0, [b"no"], "abort")
    plain.produce_many(topic, [b"x"] * 5)
    plain.delete_records(topic, 0, 5)
    end = plain.high_watermark(topic, 0)
    positions = [(0, 2), (0, 10), (0, 20), (0, 21), (0, end), (0, 99), (1, 0)]
    single = JOBS.replace("resend-jobs", "messages/action?action_id=resend")
    expected = {}
    for partition, offset in positions:
        if offset != 10:
            body = {"topic": topic, "partition": partition, "message_offset": offset}
            expected[partition, offset] = (await client.post(single, json=body)).json()
    assert [error["error_code"][-6:] for error in expected.values()] == [
        *("400103", "400106", "400106", "400104", "400105", "400104")
    ]
    messages = [{"partition": partition, "message_offset": offset} for partition, offset in positions]
    jobs = [
        await ended(client, await made(client, {"topic": topic, "messages": messages, "dry_run": dry_run}))
        for dry_run in (True, False)
    ]
    for job in jobs:
        assert (job["state"], job["counts"]["failed"], job["failures_listed_all"]) == ("succeeded", 6, True)
        failures = {(failure["partition"], failure["message_offset"]): failure for failure in job["failures"]}
        assert failures.keys() == expected.keys()
        for position, error in expected.items():
            assert failures[position]["error_code"] == error["error_code"]
            assert error["error_msg"].startswith(f"{failures[position]['reason']}; ")
    assert [job["counts"]["resent"] for job in jobs] == [0, 1]
    assert plain.high_watermark(topic, 0) - end == 2  # The copy, and the marker of its transaction.
    none_there = [message for message in messages if message["message_offset"] in {2, 21, 99}]
    job = await ended(client, await made(client, {"topic": topic, "messages": none_there}))
    assert (job["state"], job["counts"]["resent"], job["counts"]["failed"]) == ("succeeded", 0, 3)
    path = await made(client, {"topic": topic, "messages": none_there, "max_failures": 2})
    assert (await ended(client, path))["state"] == "failed"
    again = await ended(client, await made(client, {}, f"{path}/resend-failed"))
    assert [failure["error_code"][-6:] for failure in again["failures"]] == ["400103", "400105", "400106"]


async def test_named_copy_is_resent(client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Whoever names a record means it, although it carries a consumer_key; a range leaves it out unless asked."""
    topic = make_topic(1)
    plain.produce(topic, b"copy", headers=[("consumer_key", b"billing")])
    named = await ended(
        client, await made(client, {"topic": topic, "messages": [{"partition": 0, "message_offset": 0}]})
    )
    assert (named["counts"]["resent"], named["filter"]["include_resent"]) == (1, True)
    ranged = await ended(
        client, await made(client, {"topic": topic, "offsets": [{"partition": 0, "start": 0, "end": 1}]})
    )
    assert (ranged["counts"]["resent"], ranged["filter"]["include_resent"]) == (0, False)
    assert plain.log(topic, 0, "read_committed")[1].headers == (("consumer_key", b"billing"),)


async def test_request_that_cannot_become_a_job_is_refused_at_once(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What only the cluster can tell is checked before the 202 too, and nothing is left behind."""
    topic, empty = make_topic(1), make_topic(1)
    plain.produce(topic, b"x")
    before = await listed(client)
    refused: list[tuple[dict[str, object], int]] = [
        ({"topic": empty}, 400602),
        ({"topic": topic, "offsets": [{"partition": 7, "start": 0}]}, 400102),
        ({"topic": topic, "partitions": [7]}, 400102),
        ({"topic": topic, "messages": [{"partition": 7, "message_offset": 0}]}, 400102),
        ({"topic": topic, "offsets": [{"partition": 0, "start": 100}]}, 400602),
        ({"topic": topic, "start_time": 4_000_000_000_000, "end_time": 4_000_000_000_001}, 400602),
        ({"topic": topic, "filter": {"jmespath": "total >"}}, 400604),
    ]
    for body, number in refused:
        assert await code(client.post(JOBS, json=body)) == number, body
    assert await listed(client) == before


async def test_compacted_missing_and_internal_topics_are_refused(
    client: httpx.AsyncClient, make_topic: MakeTopic, store: str
) -> None:
    """What a single resend would refuse, a job refuses too, and so it does the store, whatever it is called."""
    compacted = make_topic(1, {"cleanup.policy": "compact"})
    topics = (compacted, make_topic.unused_name(), store)
    codes = [await code(client.post(JOBS, json={"topic": topic})) for topic in topics]
    assert codes == [400202, 400101, 400201]
    single = {"topic": store, "partition": 0, "message_offset": 0}
    action = JOBS.replace("resend-jobs", "messages/action?action_id=resend")
    assert await code(client.post(action, json=single)) == 400201


async def test_line_in_the_log_names_the_new_job(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Who made which job, and what became of the request."""
    topic = make_topic(1)
    plain.produce(topic, b"secret")
    with structlog.testing.capture_logs() as lines:
        path = await made(client, {"topic": topic, "consumer_key": "hidden-key", "filter": {"key": "hidden-key"}})
    [line] = [line for line in lines if line.get("action") == "make"]
    told = (line["caller"], line["job"], line["outcome"], line["status"])
    assert told == ("all", path.rpartition("/")[2], "accepted", 202)
    assert "hidden-key" not in str(lines)


async def test_job_of_another_project_is_looked_for_as_one_that_is_not_there(
    tmp_path: Path,
    broker: Broker,
    idle_store: str,
    make_topic: MakeTopic,
    plain: PlainClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused in the same way after the same questions to the cluster: the time does not tell which ids there are."""
    topic = make_topic()
    plain.produce(topic, b"v")
    asked: list[str] = []
    list_offsets = Admin.list_offsets

    def noted(self: Admin, partitions: dict[Any, Any], **more: Any) -> Any:
        asked.extend(partition.topic for partition in partitions if partition.topic == idle_store)
        return list_offsets(self, partitions, **more)

    refusals: list[list[tuple[int, bool]]] = []
    async with applied(tmp_path / "one", broker, idle_store) as client:
        job = (await made(client, {"topic": topic})).rpartition("/")[2]
        monkeypatch.setattr(Admin, "list_offsets", noted)
        for path in (f"{JOBS.replace('project', 'other')}/{job}", f"{JOBS}/{job[:-4]}0000"):
            refusals.append([])
            for method, what in (("GET", ""), ("POST", "/cancel"), ("POST", "/pause"), ("POST", "/resend-failed")):
                asked.clear()
                refusals[-1].append((await code(client.request(method, path + what)), bool(asked)))

    # How often, a slow cluster decides.
    assert [[(404002, True)] * 4] * 2 == refusals


async def test_job_that_would_resend_the_same_again_is_refused_unless_it_is_allowed(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """With the first one's id; a dry run tells of it, and one that is allowed keeps it."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 5)
    body = {"topic": topic, "consumer_key": "billing", "name": "after the outage"}
    first = (await client.post(JOBS, json=body)).json()
    refused = await client.post(JOBS, json={**body, "name": "again"})
    dry = (await client.post(JOBS, json={**body, "dry_run": True})).json()
    allowed = (await client.post(JOBS, json={**body, "allow_duplicate": True})).json()
    other = await client.post(JOBS, json={**body, "consumer_key": "shipping"})

    assert (409, "RESEND.00409001") == (refused.status_code, refused.json()["error_code"])
    assert f"job '{first['job_id']}' (" in refused.json()["error_msg"]
    assert (first["name"], dry["overlaps"], allowed["overlaps"]) == (
        "after the outage",
        first["job_id"],
        first["job_id"],
    )
    assert "overlaps" not in first
    assert other.status_code == 202
    assert [] == [job for job in (await client.get(JOBS)).json()["jobs"] if job.get("name") == "again"]
    writing, counting = await listed(client, dry_run="false"), await listed(client, dry_run="true")
    assert first["job_id"] in writing
    assert dry["job_id"] in counting
    assert set() == {*writing} & {*counting}
