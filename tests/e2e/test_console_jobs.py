"""The console's view of jobs in a real Chromium, on the real service, a real Kafka and a real worker."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from msgspec.structs import asdict
from playwright.sync_api import Locator, Page, Route, expect

from kafka.client.config import ClusterConfig, JobsConfig
from kafka.model.policy import ResendPolicy
from kafka.model.records import Header
from tests.e2e.test_console import assert_accessible, assert_fits, search_key, tab_to
from tests.support.brokers import Broker
from tests.support.console import PHONE, READER_TOKEN, TOKEN, Console, ServeConsole, caller_entry
from tests.support.jobs import RunningWorker, counted, everybody
from tests.support.plain import PlainClient
from tests.support.rawproduce import produce_raw
from tests.support.topics import MakeTopic

OpenConsole = Callable[..., Console]

WRITABLE = ResendPolicy()
SOON_MS = 30_000


@pytest.fixture(scope="module")
def start_instance(
    broker: Broker, start_service: ServeConsole, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
    """A function that starts a service with one instance and a store of its own, and a worker here in the tests.

    One caller may do everything, the other one everything but jobs.
    """
    callers = caller_entry("everyone", TOKEN, ["*"]) + caller_entry("reader", READER_TOKEN, ["read", "resend"])
    with ExitStack() as workers:

        def start(name: str, policy: ResendPolicy = WRITABLE) -> str:
            store = JobsConfig(f"_resend_jobs_{name}", f"{name}-jobs", f"{name}-jobs", partitions=2)
            config = ClusterConfig(name, (broker.bootstrap,), policy=policy, jobs=store)
            worker = RunningWorker(config, everybody)
            workers.callback(worker.stop)
            folder = tmp_path_factory.mktemp("settings")
            (folder / "callers.toml").write_text(callers, encoding="utf-8")
            settings = folder / "resend.toml"
            settings.write_text(
                f"""
                auth.callers_file = "callers.toml"
                jobs.topic = "{store.topic}"
                jobs.group = "{store.group}"
                jobs.transactional_prefix = "{store.transactional_prefix}"
                jobs.partitions = {store.partitions}
                [instances.{name}]
                bootstrap_servers = [{json.dumps(broker.bootstrap)}]
                policy.read_only = {str(policy.read_only).lower()}
                """,
                encoding="utf-8",
            )
            return start_service(["serve", "--no-jobs"], {"RESEND_CONFIG": str(settings)})

        yield start


@pytest.fixture(scope="module")
def service(start_instance: Callable[..., str]) -> str:
    """The address of a service with the instance `default`."""
    return start_instance("default")


def fill(plain: PlainClient, topic: str, count: int = 4) -> None:
    """Write a number of records to each of two partitions, and a copy to the first."""
    for partition in (0, 1):
        plain.produce_many(topic, [f"{partition}-{number}".encode() for number in range(count)], partition=partition)
    plain.produce(topic, b"a copy", b"key", [("consumer_key", b"billing")])


def preview(page: Page) -> Locator:
    """Have the form previewed, and return what it says once the dry run is over."""
    page.get_by_role("button", name="Preview").click()
    found = page.locator("#job-preview")
    expect(found).to_contain_text("would be resent", timeout=SOON_MS)
    return found


def start(page: Page) -> None:
    """Start what was previewed, and wait for the job."""
    page.locator("#job-preview").get_by_role("button", name="Start …").click()
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#job-title")).to_be_visible()


def state(page: Page) -> Locator:
    """Return the word for the state of the job that is open."""
    return page.locator("#job .state")


def numbers(page: Page) -> str:
    return page.locator("#job .numbers").inner_text()


def resent(page: Page) -> int:
    """Return how many copies the open job has written, as the page says it."""
    found = re.search(r"([\d,]+) resent", numbers(page))
    return int(found[1].replace(",", "")) if found else 0


def eventually(page: Page, condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + SOON_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        page.wait_for_timeout(50)


def looked_again(page: Page) -> None:
    """Wait until the page has asked for the open job once more."""
    with page.expect_response(re.compile(r"/resend-jobs/[^/?]+$")) as response:
        pass
    response.value.finished()


def copies(plain: PlainClient, topic: str, partition: int, originals: int) -> list[bytes | None]:
    """Return the values that stand behind the first records, a number of them."""
    return [seen.value for seen in plain.log(topic, partition, "read_committed")][originals:]


def group_of_its_own() -> str:
    """Return an id that is among the first: of a broker with the groups of all tests, a hundred are asked about."""
    return f"-{uuid.uuid4().hex[:8]}"


def commit(plain: PlainClient, group: str, topic: str, offsets: dict[int, int]) -> None:
    """Have a consumer group commit offsets by partition, as its members do."""
    consumer = Consumer({"bootstrap.servers": plain.bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        places = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        consumer.commit(offsets=places, asynchronous=False)
    finally:
        consumer.close()


def ended_job(console: Console, topic: str) -> None:
    """Start a job over all of a topic, and wait for its end."""
    show_jobs(console, topic)
    new_job(console.page, topic)
    preview(console.page)
    start(console.page)
    expect(state(console.page)).to_have_text("succeeded", timeout=SOON_MS)


def new_job(page: Page, topic: str, consumer_key: str = "billing") -> None:
    """Fill the form in the view of jobs."""
    page.get_by_role("button", name="New job …").click()
    page.get_by_label("Topic", exact=True).fill(topic)
    page.locator("#job-form").get_by_label("Deliver to").fill(consumer_key)


def show_jobs(console: Console, topic: str = "") -> None:
    """Sign in and go straight to the jobs."""
    console.open(f"#instance=default&view=jobs{topic and f'&topic={topic}'}")
    console.sign_in()
    expect(console.page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()


def test_job_previewed_and_started_resends_what_the_preview_said(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """From a topic's records to a job that has succeeded; what came after the preview is not resent."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    console.show(topic)
    page = console.page
    page.get_by_role("button", name="Resend all as job …").click()
    expect(page.get_by_label("Topic", exact=True)).to_have_value(topic)
    expect(page.locator("#job-new-title")).to_be_focused()
    page.locator("#job-form").get_by_label("Deliver to").fill("shipping")
    found = preview(page)
    expect(found).to_contain_text("8 records would be resent")
    expect(found.locator(".notice")).to_have_text(
        f"Up to 8 records of topic {topic}, partitions 0, 1, will be written once more, for shipping."
    )
    assert [5, 4] == [plain.high_watermark(topic, partition) for partition in (0, 1)]
    plain.produce(topic, b"after the preview", partition=1)
    found.get_by_role("button", name="Start …").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Up to 8 records")
    expect(question.get_by_role("button", name="Cancel", exact=True)).to_be_focused()
    question.get_by_role("button", name="Start", exact=True).click()

    expect(state(page)).to_have_text("succeeded", timeout=SOON_MS)
    expect(page.locator("#job")).to_contain_text("8 resent")
    expect(page.get_by_role("progressbar", name="Progress of this job")).to_have_attribute("value", "1")
    assert [f"0-{number}".encode() for number in range(4)] == copies(plain, topic, 0, 5)
    assert [f"1-{number}".encode() for number in range(4)] == copies(plain, topic, 1, 5)
    assert ("consumer_key", b"shipping") == plain.log(topic)[-2].headers[-1]
    assert TOKEN not in page.url
    page.get_by_role("link", name="Records", exact=True).click()
    expect(page.locator("#topic-name")).to_have_text(topic)


def test_job_of_the_ticked_records_resends_these_alone(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What was selected in the table is what the form begins with."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    console.show(topic)
    page = console.page
    for offset in (0, 2):
        page.get_by_label(f"Select partition 1 offset {offset}", exact=True).check()
    page.get_by_role("button", name="Resend as job …", exact=True).click()
    expect(page.get_by_label("The 2 selected")).to_be_checked()
    found = preview(page)
    expect(found.locator(".notice")).to_contain_text("Up to 2 records")
    expect(found.locator(".notice")).to_contain_text("partition 1, will be written once more, for everyone, except")
    start(page)

    expect(state(page)).to_have_text("succeeded", timeout=SOON_MS)
    assert [b"1-0", b"1-2"] == copies(plain, topic, 1, 4)
    page.get_by_role("link", name="Records", exact=True).click()
    expect(page.locator("#selected")).to_contain_text("2 selected")


def test_job_form_begins_with_the_time_and_key_of_the_records_view(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A range of time, a partition and a key chosen in the one view stand in the form of the other, and filter."""
    topic = make_topic(partitions=2)
    now_ms = time.time_ns() // 1_000_000
    for minutes in (50, 30, 10):
        plain.produce(topic, f"{minutes}".encode(), b"mine", partition=1, timestamp_ms=now_ms - 60_000 * minutes)
        plain.produce(topic, f"{minutes}".encode(), b"other", partition=1, timestamp_ms=now_ms - 60_000 * minutes)
    console.show(topic, f"&mode=time&partition=1&start={now_ms - 60_000 * 40}&end={now_ms}")
    page = console.page
    search_key(page).fill("mine")
    page.get_by_role("button", name="Resend all as job …").click()
    form = page.locator("#job-form")
    expect(form.get_by_label("Time range")).to_be_checked()
    expect(form.get_by_label("Partitions")).to_have_value("1")
    expect(form.get_by_label("Key", exact=True)).to_have_value("mine")
    expect(page.locator("#job-start-utc")).to_contain_text("UTC")
    preview(page)
    start(page)

    expect(state(page)).to_have_text("succeeded", timeout=SOON_MS)
    assert [b"30", b"10"] == copies(plain, topic, 1, 6)


def test_job_form_filters_by_header_and_expression(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Conditions on headers and on the value as JSON, by offsets; a change takes the preview back."""
    topic = make_topic()
    for number in range(6):
        value = json.dumps({"state": "paid" if number % 2 else "placed"}).encode()
        plain.produce(topic, value, b"k", [("trace", b"old" if number < 4 else b"new")])
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    page.get_by_text("Offsets", exact=True).and_(page.locator("label")).click()
    page.get_by_label("Offsets by partition").fill("0:nonsense")
    page.get_by_role("button", name="Preview").click()
    assert "0:nonsense" in page.locator("#job-offsets").evaluate("field => field.validationMessage")
    page.get_by_label("Offsets by partition").fill("0:1-")
    page.locator("#job-more summary").click()
    page.get_by_role("button", name="Add a header").click()
    page.get_by_label("Name of the header").fill("trace")
    page.get_by_label("Value of the header").fill("old")
    expect(preview(page)).to_contain_text("3 records would be resent")
    page.locator("#job-form").get_by_label("Value matches").fill("state == 'paid'")
    expect(page.locator("#job-preview")).to_be_empty()
    found = preview(page)
    found.get_by_text("All of them").click()

    expect(found.get_by_role("link")).to_have_text(["partition 0, offset 1", "partition 0, offset 3"])
    page.locator("#job-form").get_by_label("Value matches").fill("state ==")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#job-preview").get_by_role("alert")).to_contain_text("JMESPath")


def test_job_form_sends_dead_letters_back_to_where_they_came_from(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The preview says which topics the copies would go to, and the job says so too."""
    dead, topic = make_topic(), make_topic(2)
    headers: list[Header] = [("__connect.errors.topic", topic.encode()), ("__connect.errors.partition", b"1")]
    headers.append(("__connect.errors.connector.name", b"sink"))
    for _ in range(3):
        plain.produce(dead, b"x", b"k", [("h", b"v"), *headers])
    plain.produce(dead, b"no headers", b"k")
    show_jobs(console, dead)
    page = console.page
    new_job(page, dead, "")
    expect(page.get_by_label("Without these headers")).to_be_hidden()
    page.get_by_label("Copies go to").select_option(label="where each record came from, by its own headers")
    expect(page.get_by_label("Without these headers")).to_be_checked()
    page.get_by_label("Each for the consumer group that its headers name").check()
    expect(page.locator("#job-consumer")).to_be_disabled()
    expect(page.locator("#job-who")).to_contain_text("Each copy is for the consumer group")
    found = preview(page)
    expect(found).to_contain_text("3 records would be resent")
    expect(found).to_contain_text(f"They would go to{topic}: 3")
    expect(found).to_contain_text("1 record cannot be resent")
    expect(found).to_contain_text("Where they came from is said by headers of connect: 3.")
    expect(found).to_contain_text("to where each record came from, by its own headers, without these headers, for the")
    start(page)
    expect(state(page)).to_have_text("succeeded", timeout=SOON_MS)

    expect(page.locator("#job .facts").first).to_contain_text("where each record came from, by its own headers")
    seen = [seen.headers for seen in plain.log(topic, 1, "read_committed")]
    # Between what was there and the recipient stands what each is a copy of.
    assert 3 * [(("h", b"v"), ("consumer_key", b"sink"))] == [(headers[0], headers[-1]) for headers in seen]
    assert [f"{dead}/0@{offset}".encode() for offset in range(3)] == [dict(each)["resend.origin"] for each in seen]
    assert {("resend.origin", "resend.count", "resend.job", "resend.at")} == {
        tuple(name for name, _ in headers[1:-1]) for headers in seen
    }


def test_job_that_matches_nothing_is_not_offered_to_start(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A preview that finds no record says so, and there is no button to start."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    show_jobs(console, topic)
    new_job(console.page, topic)
    console.page.locator("#job-form").get_by_label("Key", exact=True).fill("nobody's")

    expect(preview(console.page)).to_contain_text("No record would be resent")
    expect(console.page.get_by_role("button", name="Start …")).to_have_count(0)


def test_job_running_is_shown_as_it_goes_paused_resumed_and_cancelled(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The numbers grow without anybody asking, stand while it pauses, and end where it is cancelled."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 600)
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    page.get_by_label("Maximum records per second").fill("20")
    preview(page).get_by_role("button", name="Start …").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("At 20 a second this takes 30 s at least.")
    question.get_by_role("button", name="Start", exact=True).click()
    job = page.locator("#job")
    expect(state(page)).to_have_text("running", timeout=SOON_MS)
    expect(job.locator(".numbers")).to_contain_text(re.compile(r"/s, about \d+ s left"), timeout=SOON_MS)
    early = resent(page)
    eventually(page, lambda: resent(page) > early)
    entry = page.locator(".job-entry").first
    expect(entry).to_contain_text("running")
    expect(entry.get_by_role("progressbar")).not_to_have_attribute("value", "0")

    job.get_by_role("button", name="Pause").click()
    expect(state(page)).to_have_text("paused")
    expect(job.get_by_role("button", name="Resume")).to_be_visible()
    looked_again(page)
    paused = resent(page)
    looked_again(page)
    assert paused == resent(page)
    job.get_by_role("button", name="Resume").click()
    expect(state(page)).to_have_text("running")
    eventually(page, lambda: resent(page) > paused)

    job.get_by_role("button", name="Cancel the job …").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    expect(state(page)).to_have_text("running")
    job.get_by_role("button", name="Cancel the job …").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the job", exact=True).click()
    expect(state(page)).to_have_text("cancelled", timeout=SOON_MS)
    expect(page.locator("#status")).to_have_text("The job was cancelled.")
    expect(job.get_by_role("button", name="Pause")).to_be_hidden()
    written = resent(page)
    assert paused < written < 600
    assert written == len(copies(plain, topic, 0, 600))


def test_job_with_failures_lists_them_and_what_failed_is_resent_by_a_new_one(
    console: Console, broker: Broker, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Each failure has its reason and a link to its record; a new job takes these records and no others."""
    topic = make_topic()
    plain.produce(topic, b"good")
    bad = produce_raw(broker.bootstrap, topic, 0, b"bad", headers=[(b"\xff", b"v")])
    plain.produce(topic, b"good too")
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    preview(page)
    start(page)
    expect(state(page)).to_have_text("succeeded", timeout=SOON_MS)
    job = page.locator("#job")
    expect(job).to_contain_text("What failed: 1 record")
    expect(job.locator(".places li")).to_contain_text([f"partition 0, offset {bad}: "])
    assert [b"good", b"good too"] == [plain.read(topic, 0, offset).value for offset in (3, 4)]
    end = plain.high_watermark(topic, 0)
    first = page.locator("#job-title").inner_text()
    job.get_by_role("button", name="Resend what failed …").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"1 record of topic {topic} once more, for billing")
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#job-title")).not_to_have_text(first)

    expect(state(page)).to_have_text("succeeded", timeout=SOON_MS)
    expect(job).to_contain_text("1 position in partition 0")
    expect(job).to_contain_text("What failed: 1 record")
    assert end == plain.high_watermark(topic, 0)
    job.get_by_role("link", name=f"partition 0, offset {bad}").click()
    expect(page.locator("#record")).to_contain_text(f"Partition 0, offset {bad}")


def test_job_that_failed_says_why(console: Console, broker: Broker, make_topic: MakeTopic, plain: PlainClient) -> None:
    """The preview tells what cannot be resent; a job that stops at that has its reason in sight."""
    topic = make_topic()
    for _ in range(2):
        produce_raw(broker.bootstrap, topic, 0, b"bad", headers=[(b"\xff", b"v")])
    plain.produce(topic, b"good")
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    page.get_by_label("Stop after N failures").fill("1")
    expect(preview(page)).to_contain_text("2 records cannot be resent")
    start(page)

    expect(state(page)).to_have_text("failed", timeout=SOON_MS)
    expect(page.locator("#job .notice.bad")).to_contain_text("could not be resent")
    expect(page.locator("#status")).to_have_text("The job has failed.")


def test_jobs_lists_the_newest_first_and_filters_by_state(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A dry run is in the list too, opens by its entry with what it found, and closes by Escape."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    preview(page)
    newest = page.locator(".job-entry").first
    expect(newest).to_contain_text(topic, timeout=SOON_MS)
    expect(newest).to_contain_text("dry run")
    expect(newest).to_contain_text("succeeded", timeout=SOON_MS)
    newest.get_by_role("link").click()
    expect(page.locator("#job")).to_contain_text("8 records would be resent")
    expect(page.locator("#job")).to_contain_text("writes nothing")
    page.keyboard.press("Escape")
    expect(page.locator("#job")).to_be_hidden()
    expect(newest.get_by_role("link")).to_be_focused()
    page.get_by_label("Which jobs").select_option("failed")
    expect(page.locator("#jobs-note")).to_contain_text("of this kind")

    expect(page.locator(".job-entry").filter(has_text="succeeded")).to_have_count(0)


def test_job_form_is_used_by_keyboard_alone(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """From the button to the job nothing needs a mouse, and the focus goes to what is new."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    show_jobs(console, topic)
    page = console.page
    tab_to(page, "#job-make")
    page.keyboard.press("Enter")
    expect(page.locator("#job-new-title")).to_be_focused()
    tab_to(page, "#job-consumer")
    page.keyboard.type("billing")
    page.keyboard.press("Enter")
    expect(page.locator("#job-preview h3")).to_be_focused(timeout=SOON_MS)
    tab_to(page, "#job-preview button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Cancel", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#job-title")).to_be_focused()

    expect(state(page)).to_have_text("succeeded", timeout=SOON_MS)


def test_jobs_caller_without_the_action_is_told_why_there_are_none(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Neither link nor buttons are there, a sentence is; an address of the view leads to the records."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    console.open(f"#instance=default&view=jobs&topic={topic}")
    console.sign_in(READER_TOKEN)
    console.listed()
    page = console.page

    expect(page.get_by_role("navigation", name="Views")).to_contain_text("your token lacks the action jobs")
    expect(page.get_by_role("link", name="Jobs", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Resend all as job …")).to_have_count(0)
    expect(page.locator("#jobs")).to_be_hidden()


def test_jobs_embedded_broker_says_what_to_start_instead(
    open_console: OpenConsole, start_service: ServeConsole
) -> None:
    """The broker in memory has no jobs, and the page says so."""
    console = open_console(start_service(["demo"], {}))
    console.open("#view=jobs")

    expect(console.page.locator("#no-jobs")).to_contain_text("Jobs need a real Kafka")
    expect(console.page.locator("#topic-name")).to_have_text("topic-test")
    expect(console.page.get_by_role("link", name="Jobs", exact=True)).to_have_count(0)


def test_jobs_read_only_instance_previews_and_does_not_start(
    open_console: OpenConsole, start_instance: Callable[..., str], make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Where nothing is resent one may still count; the button that starts is dead, with a word about it."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    console = open_console(start_instance("read-only", ResendPolicy(read_only=True)))
    console.open(f"#instance=read-only&view=jobs&job=new&topic={topic}")
    console.sign_in()
    page = console.page

    expect(page.locator("#job-read-only")).to_be_visible()
    expect(preview(page).get_by_role("button", name="Start …")).to_be_disabled()


def test_job_preview_stopped_is_cancelled(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Whoever does not want to wait for a dry run ends it."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile("/resend-jobs/[^/]+$"), hold)
    page.get_by_role("button", name="Preview").click()
    eventually(page, lambda: len(held) == 1)
    with page.expect_request(re.compile("/cancel$")):
        page.get_by_role("button", name="Stop", exact=True).click()

    expect(page.locator("#job-preview")).to_be_empty()
    expect(page.get_by_role("button", name="Preview")).to_be_focused()


def test_job_start_that_got_no_answer_is_told_as_unknown(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """When the connection breaks during the start, the page does not claim that there is no job."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    found = preview(page)
    page.route("**/resend-jobs", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    found.get_by_role("button", name="Start …").click()
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()

    expect(found).to_contain_text("Whether the job was accepted is not known")


HOSTILE = '"><img src=x onerror="document.title=1;alert(1)"><script>alert(2)</script>\u202efdp.exe'
SHOWN = '"><img src=x onerror="document.title=1;alert(1)"><script>alert(2)</script>U+202Efdp.exe'


def hostile_job() -> dict[str, Any]:
    """Return a job all of whose texts are markup."""
    return {
        "job_id": "0-0123456789abcdef01234567",
        "state": "failed",
        "topic": HOSTILE,
        "project_id": HOSTILE,
        "created_by": HOSTILE,
        "created_at": 1_750_000_000_000,
        "started_at": 1_750_000_000_500,
        "updated_at": 1_750_000_001_000,
        "ended_at": 1_750_000_001_000,
        "dry_run": False,
        "consumer_key": HOSTILE,
        "selection": {"spans": [{"partition": 0, "start": 0, "end": 10}]},
        "filter": {
            "key": HOSTILE,
            "headers": [{"name": HOSTILE, "value": HOSTILE}, {"name": HOSTILE, "absent": True}],
            "jmespath": HOSTILE,
            "include_resent": False,
        },
        "records_per_second": None,
        "max_failures": 1,
        "counts": {"selected": 10, **asdict(counted(resent=4, failed=1, expired=2))},
        "progress": [{"partition": 0, "next_offset": 5, "end_offset": 10}],
        "rate": 4.0,
        "scan_rate": 5.0,
        "eta_seconds": None,
        "failures": [{"partition": 0, "message_offset": 4, "reason": HOSTILE}],
        "failures_listed_all": True,
        "reason": HOSTILE,
        "cancel_requested": False,
        "unsupported_reason": HOSTILE,
        "report": None,
    }


def test_jobs_hostile_texts_are_shown_as_text(console: Console) -> None:
    """Topic, maker, consumer_key, filter and reasons are text, and marks that turn text around are seen."""
    job = hostile_job()

    def answer(route: Route) -> None:
        opened = route.request.url.endswith(job["job_id"])
        route.fulfill(json=job if opened else {"jobs": [job], "total": 1, "size": 1})

    page = console.page
    page.route(re.compile("/resend-jobs"), answer)
    show_jobs(console)
    entry = page.locator(".job-entry")
    expect(entry).to_contain_text(SHOWN)
    entry.get_by_role("link").click()
    opened = page.locator("#job")
    expect(opened).to_contain_text("What failed: 1 record")
    text = opened.inner_text()
    # Topic, key, two headers and a value, expression, consumer_key, maker; reason, failure, and what is not understood.
    assert 11 == text.count(SHOWN)
    opened.get_by_role("button", name="Resend what failed …").click()
    expect(page.get_by_role("dialog")).to_contain_text(SHOWN)
    page.get_by_role("button", name="Cancel", exact=True).click()

    inserted = "document.querySelectorAll('body script, [onerror], body img:not([src=\"console/icon.svg\"])').length"
    assert 0 == page.evaluate(inserted)
    assert "kafka-resend console" == page.title()
    # The fixture fails the test for any script that ran, or that the page's policy stopped.


def test_job_follows_consumer_groups_until_they_are_past_its_copies(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Nothing is asked before the button is pressed, once the group is past the copies, or when the job is closed."""
    topic, group = make_topic(partitions=2), group_of_its_own()
    fill(plain, topic)
    page = console.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/consumers" in request.url else None)
    ended_job(console, topic)
    offsets = [
        [seen.offset for seen in plain.log(topic, partition, "read_committed")][originals:]
        for partition, originals in ((0, 5), (1, 4))
    ]
    looked_again(page)
    assert [] == asked

    panel = page.get_by_role("region", name="Consumer groups")
    panel.get_by_label("Group", exact=True).fill(group)
    panel.get_by_role("button", name="Look at the groups").click()
    entry = panel.locator("li")
    expect(entry).to_contain_text(f"{group} has committed nothing where the copies are")
    expect(page.locator("#status")).to_have_text(f"{group} has committed nothing where the copies are.")
    commit(plain, group, topic, {0: offsets[0][2]})
    expect(entry).to_contain_text("has committed past 2 of 8 copies")
    bar = entry.get_by_role("progressbar", name=f"Copies that {group} has committed past")
    expect(bar).to_have_attribute("value", "0.25")
    expect(entry).to_contain_text(re.compile(r"Checked at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\+05:30"))
    commit(plain, group, topic, {0: offsets[0][-1] + 1, 1: offsets[1][-1] + 1})
    expect(entry).to_contain_text("has committed past all 8 copies")
    expect(bar).to_have_attribute("value", "1")
    expect(page.locator("#status")).to_have_text(f"{group} has committed past all 8 copies.")
    assert all(url.endswith(f"/consumers?group={group}") for url in asked)
    asked.clear()
    # The job itself is asked for every five seconds.
    looked_again(page)
    looked_again(page)
    assert [] == asked

    panel.get_by_label("Group", exact=True).fill("")
    panel.get_by_role("button", name="Look at the groups").click()
    expect(entry).to_contain_text([f"{group} has committed past all 8 copies"])
    panel.get_by_label("Group", exact=True).fill(f"{group}-missing")
    page.keyboard.press("Enter")
    expect(entry).to_contain_text(["has committed nothing"])
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#job")).to_be_hidden()
    asked.clear()
    with page.expect_response(re.compile(r"/resend-jobs\?")):
        pass
    with page.expect_response(re.compile(r"/resend-jobs\?")):
        pass
    assert [] == asked


def test_groups_that_read_a_topic_are_told_before_a_copy_for_everyone_is_made(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Of one record, of several, and of a job; asked only when it is unfolded, and not where a recipient is named."""
    topic, group = make_topic(partitions=2), group_of_its_own()
    fill(plain, topic)
    commit(plain, group, topic, {1: 2})
    console.show(topic)
    page = console.page

    def about_this_group(route: Route) -> None:
        # The broker of the tests has those of all of them: to ask about a hundred takes longer than a busy machine has.
        route.continue_(url=f"{route.request.url}&group={group}")

    page.route(re.compile(r"/messages/consumers\?"), about_this_group)
    question = page.get_by_role("dialog")
    fold = question.locator("summary").filter(has_text="Groups that read this topic")
    console.open_record(1, 0)
    page.get_by_role("button", name="Resend …", exact=True).last.click()
    with page.expect_request(re.compile(r"/messages/consumers\?topic=[^&]+$")):
        fold.click()
    expect(question.locator("li")).to_have_text([group])
    assert_accessible(page)
    question.get_by_role("button", name="Cancel", exact=True).click()
    page.locator("#consumer-key").fill("billing")
    page.get_by_role("button", name="Resend …", exact=True).last.click()
    expect(question).to_contain_text("billing")
    expect(fold).to_have_count(0)
    question.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_label("Select partition 1 offset 0", exact=True).check()
    page.locator("#selected-resend").click()
    fold.click()
    expect(question.locator("#several-body li")).to_have_text([group])
    question.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Resend all as job …").click()
    preview(page).get_by_role("button", name="Start …").click()
    fold.click()
    expect(question.locator("li")).to_have_text([group])
    question.get_by_role("button", name="Cancel", exact=True).click()


def consumers_answer() -> dict[str, Any]:
    """Return an answer with a group in each state, texts of others as markup."""
    partial = {"copies_passed": 1200, "passed_relation": "at_least", "copies_deleted": 12}
    states: list[tuple[str, str, dict[str, Any]]] = [
        ("billing", "passed", {"copies_passed": 3000}),
        ("shipping", "passing", partial),
        ("reports", "not_started", {}),
        ("secret", "denied", {"error_code": "RESEND.00503001", "reason": HOSTILE}),
        (HOSTILE, "unknown", {}),
    ]
    groups = [{"group": group, "state": state, "partitions": [], **more} for group, state, more in states]
    fields = {"checked_at": 1_750_000_000_000, "copies": 3000, "copies_unplaced": 2, "complete": False}
    return {**fields, "reason": "2 of 3 brokers did not answer", "groups": groups}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_job_says_of_each_consumer_group_what_is_known(
    open_console: OpenConsole, service: str, make_topic: MakeTopic, plain: PlainClient, scheme: str
) -> None:
    """Groups that cannot be seen, copies that are gone, groups that may be missing; and an error that passes."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    console = open_console(service, viewport=PHONE, color_scheme=scheme)
    page = console.page
    refusal = {"error_code": "RESEND.00503001", "error_msg": "No broker answers."}
    answers: list[dict[str, Any]] = [refusal]

    def answer(route: Route) -> None:
        route.fulfill(json=answers[-1], status=503 if answers[-1] is refusal else 200)

    page.route(re.compile("/consumers"), answer)
    ended_job(console, topic)
    panel = page.get_by_role("region", name="Consumer groups")
    look = panel.get_by_role("button", name="Look at the groups")
    look.click()
    expect(panel.get_by_role("alert")).to_contain_text("No broker answers.")
    answers.append(consumers_answer())
    look.click()
    expect(panel.locator("li")).to_have_count(5)
    expect(panel.get_by_role("alert")).to_have_count(0)
    # It looks again by itself, after an error too.
    answers.append(refusal)
    expect(panel.get_by_role("alert")).to_contain_text("No broker answers.")
    answers.append(consumers_answer())
    expect(panel.get_by_role("alert")).to_have_count(0)
    expect(panel.locator("li")).to_contain_text(
        [
            "billing has committed past all 3,000 copies",
            "shipping has committed past at least 1,200 of 3,000 copies",
            "reports has committed nothing where the copies are",
            "secret cannot be seen by the service",
            f"{SHOWN} has committed past an unknown number of copies",
        ]
    )
    expect(panel.locator("li").nth(1)).to_contain_text("At least 12 copies were deleted before the group")
    expect(panel.locator("li").nth(3)).to_contain_text(SHOWN)
    expect(panel.get_by_role("progressbar")).to_have_count(3)
    expect(panel).to_contain_text("Groups may be missing: 2 of 3 brokers did not answer")
    expect(panel).to_contain_text("Of 2 copies it is not known in which partition they are.")
    assert "kafka-resend console" == page.title()
    assert_fits(page)
    assert_accessible(page)


def test_dry_run_has_no_consumer_groups_to_look_at(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """It has no copies."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    preview(page)
    page.locator(".job-entry").filter(has_text=topic).get_by_role("link").click()
    expect(page.locator("#job")).to_contain_text("8 records would be resent")

    expect(page.get_by_role("button", name="Look at the groups")).to_be_hidden()


def test_job_missing_is_told_in_the_words_of_the_api(console: Console) -> None:
    """An address of a job that is no more says so, beside the list."""
    console.open("#instance=default&view=jobs&job=0-0123456789abcdef01234567")
    console.sign_in()

    expect(console.page.locator("#job").get_by_role("alert")).to_contain_text("RESEND.00404")
    expect(console.page.locator("#jobs-note")).to_contain_text("job")


def test_jobs_phone_never_scrolls_sideways(
    open_console: OpenConsole, service: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """On a phone the list is above, and the form or the job below it."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    console = open_console(service, viewport=PHONE, has_touch=True, is_mobile=True)
    show_jobs(console, topic)
    page = console.page
    assert_fits(page)
    new_job(page, topic, "b" * 300)
    page.locator("#job-more summary").click()
    page.get_by_role("button", name="Add a header").click()
    page.get_by_label("Name of the header").fill("n" * 200)
    page.get_by_label("What of it").select_option("absent")
    page.get_by_text("Time range", exact=True).click()
    assert_fits(page)
    page.get_by_text("All records", exact=True).click()
    preview(page)
    assert_fits(page)
    start(page)
    expect(state(page)).to_have_text("succeeded", timeout=SOON_MS)
    assert_fits(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_jobs_have_nothing_that_axe_finds(
    open_console: OpenConsole, service: str, make_topic: MakeTopic, plain: PlainClient, scheme: str
) -> None:
    """The list, the form with its preview, the question, and a job running and ended pass axe-core in both schemes."""
    topic = make_topic(partitions=2)
    fill(plain, topic, 40)
    console = open_console(service, color_scheme=scheme)
    show_jobs(console, topic)
    page = console.page
    new_job(page, topic)
    page.get_by_text("Time range", exact=True).click()
    page.locator("#job-more summary").click()
    page.get_by_role("button", name="Add a header").click()
    assert_accessible(page)
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("All records", exact=True).click()
    page.get_by_label("Maximum records per second").fill("2")
    found = preview(page)
    for summary in found.locator("summary").all():
        summary.click()
    assert_accessible(page)
    found.get_by_role("button", name="Start …").click()
    assert_accessible(page)
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    expect(state(page)).to_have_text("running", timeout=SOON_MS)
    assert_accessible(page)
    page.get_by_role("button", name="Pause").click()
    expect(state(page)).to_have_text("paused")
    assert_accessible(page)
    page.get_by_role("button", name="Cancel the job …").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the job", exact=True).click()
    expect(state(page)).to_have_text("cancelled", timeout=SOON_MS)
    assert_accessible(page)
    page.route(re.compile("/resend-jobs/0-"), lambda route: route.fulfill(json=hostile_job()))
    console.open("#instance=default&view=jobs&job=0-0123456789abcdef01234567")
    expect(page.locator("#job")).to_contain_text("What failed")
    assert_accessible(page)
