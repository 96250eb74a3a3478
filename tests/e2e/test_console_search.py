"""Searches by content in the console: in a real Chromium, on the real service and a real Kafka."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from kafka.filter.expression import parse_expression
from tests.e2e.test_console import assert_accessible, filter_place, search_key
from tests.support.brokers import Broker
from tests.support.console import TOKEN, Console, ServeConsole, caller_entry
from tests.support.plain import Header, PlainClient
from tests.support.topics import MakeTopic

ORDERS = 2000
FAILED = 300
ONE_PAGE = 1000
SOON_MS = 30_000


@pytest.fixture(scope="module")
def service(broker: Broker, start_service: ServeConsole, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a service that reads at most 1,000 records for one request, with a worker beside it."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / "callers.toml").write_text(caller_entry("everyone", TOKEN, ["*"]), encoding="utf-8")
    settings = folder / "resend.toml"
    settings.write_text(
        f"""
        auth.callers_file = "callers.toml"
        query.max_scan_records = {ONE_PAGE}
        jobs.topic = "_resend_jobs_search"
        jobs.group = "search-jobs"
        jobs.transactional_prefix = "search-jobs"
        [instances.default]
        bootstrap_servers = [{json.dumps(broker.bootstrap)}]
        """,
        encoding="utf-8",
    )
    return start_service(["serve"], {"RESEND_CONFIG": str(settings)})


def write_orders(plain: PlainClient, topic: str) -> None:
    """Write 2,000 orders; of each 20, the first three have a payment that failed."""
    values = [
        {"order": number, "payment": {"status": "FAILED" if number % 20 < 3 else "PAID", "cents": number}}
        for number in range(ORDERS)
    ]
    plain.produce_many(topic, [json.dumps(value).encode() for value in values])


def form(page: Page) -> Locator:
    return page.locator("#search")


def add_field(page: Page, path: str, operator: str, value: str | None) -> None:
    """Fill one more row in the form of the search."""
    form(page).get_by_role("button", name="Add a field").click()
    form(page).get_by_label("Field of the value").last.fill(path)
    form(page).get_by_label("How it is compared").last.select_option(label=operator)
    if value is not None:
        form(page).get_by_label("Value of the field").last.fill(value)


def search(page: Page) -> None:
    page.get_by_role("button", name="Search", exact=True).click()


def expression(page: Page) -> Locator:
    return form(page).get_by_label("Value matches")


def unfold(page: Page) -> None:
    page.locator("#more-conditions summary").click()


def test_search_by_rows_finds_what_a_job_then_resends(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Rows write the expression, the count accounts for every record, a link repeats it, the job's preview agrees."""
    topic = make_topic()
    write_orders(plain, topic)
    plain.produce(topic, b"no JSON")
    plain.produce(topic, b'{"payment": {"status": "FAILED"}}', None, [("consumer_key", b"billing")])
    console.show(topic)
    page = console.page
    page.get_by_label("Rows per page").select_option("500")
    unfold(page)
    add_field(page, "payment.status", "=", "FAILED")
    add_field(page, "payment.cents", "exists", None)
    expect(expression(page)).to_have_value("payment.status == 'FAILED' && payment.cents != `null`")
    expect(page.get_by_role("button", name="Resend all as job …")).to_be_visible()
    search(page)
    counted = "300 of 2,002 records match (1 already resent, 1,700 not matched, 1 not JSON)."
    expect(page.locator("#count")).to_have_text(counted)
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "301")
    expect(page.locator("#filter-problems")).to_be_empty()
    expect(page.locator("#more")).to_be_hidden()
    page.reload()
    console.sign_in()

    expect(page.locator("#count")).to_contain_text("records match")
    expect(page.locator("#more-conditions summary")).to_contain_text("payment.status == 'FAILED' && payment.cents")
    unfold(page)
    expect(form(page).get_by_label("Field of the value").first).to_have_value("payment.status")
    page.get_by_label("Rows per page").select_option("500")
    search(page)
    expect(page.locator("#count")).to_have_text(counted)
    page.get_by_role("button", name="Resend these 300 as job …").click()
    job = page.locator("#job-form")
    expect(job.get_by_label("Value matches")).to_have_value("payment.status == 'FAILED' && payment.cents != `null`")
    expect(job.get_by_label("Field of the value").first).to_have_value("payment.status")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#job-preview")).to_contain_text("300 records would be resent", timeout=SOON_MS)


def test_search_tells_how_far_it_is_is_stopped_and_continued(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """While the second page is on its way the first is listed; Stop ends there, and Continue reads the rest."""
    topic = make_topic()
    write_orders(plain, topic)
    console.show(topic)
    page = console.page
    page.get_by_label("Rows per page").select_option("500")
    unfold(page)
    held: list[Route] = []
    second = re.compile(r"/messages\?.*cursor=")

    def hold(route: Route) -> None:
        held.append(route)

    page.route(second, hold)
    expression(page).fill("payment.status == 'FAILED'")
    search(page)
    words = page.locator("#scanning .numbers")
    expect(words).to_have_text(re.compile(r"\d+ found, [\d,]+ scanned, at most [\d,]+ left, at \d{4}-.* KiB read"))
    found, scanned, left = (int(text.replace(",", "")) for text in re.findall(r"[\d,]+\d|\d", words.inner_text())[:3])
    assert (ORDERS, True) == (scanned + left, 0 < found < FAILED)
    bar = page.get_by_role("progressbar", name="Progress of the search")
    expect(bar).to_have_attribute("value", str(scanned / ORDERS))
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", str(found + 1))
    assert [["1"]] == [parse_qs(urlsplit(route.request.url).query)["seconds"] for route in held]
    page.get_by_role("button", name="Stop", exact=True).click()
    so_far = f"{found} of {scanned:,} records match ({scanned - found:,} not matched) so far"
    expect(page.locator("#count")).to_have_text(f"{so_far}, at most {left:,} left to search.")
    expect(page.locator("#scanning")).to_be_hidden()
    expect(page.get_by_role("button", name="Resend all that match as job …")).to_be_visible()
    expect(page.get_by_role("button", name="Continue the search")).to_be_focused()
    page.unroute(second)
    page.keyboard.press("Enter")

    expect(page.locator("#count")).to_have_text("300 of 2,000 records match (1,700 not matched).")
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "301")
    expect(page.get_by_role("button", name="Resend these 300 as job …")).to_be_visible()


def letter(number: int, topic: str) -> list[Header]:
    """Return the headers of a dead letter of Kafka Connect, of two connectors by turns; of each tenth record none."""
    if number % 10 == 0:
        return []
    connector = b"sink" if number % 2 else b"mirror"
    return [
        ("__connect.errors.topic", topic.encode()),
        ("__connect.errors.partition", b"0"),
        ("__connect.errors.offset", str(number).encode()),
        ("__connect.errors.connector.name", connector),
        ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
    ]


def test_dead_letters_are_grouped_page_by_page_and_a_group_is_redriven_as_a_job(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Stop ends after the first page, Continue reads the rest; the job's form begins with the one group."""
    topic, origin = make_topic(), make_topic()
    plain.produce_many(topic, [b"x"] * ORDERS, headers_of=lambda number: letter(number, origin))
    console.show(topic)
    page = console.page
    second = re.compile(r"/dead-letters\?.*cursor=")

    def hold(route: Route) -> None:
        """Leave the request without an answer."""

    page.route(second, hold)
    part = page.locator("#dead-letters")
    part.locator("summary").click()
    expect(part.locator(".numbers")).to_have_text("3 groups, 1,000 records scanned, at most 1,000 left")
    expect(part.get_by_role("progressbar", name="Progress of the grouping")).to_have_attribute("value", "0.5")
    part.get_by_role("button", name="Stop").click()
    expect(part.get_by_role("button", name="Continue")).to_be_focused()
    page.unroute(second)
    page.keyboard.press("Enter")
    expect(part.locator(".numbers")).to_have_text("3 groups, 2,000 records scanned")
    expect(part.get_by_role("button", name="Read again")).to_be_focused()
    expect(part.locator("li p:first-child")).to_have_text(
        [
            f"1,000 records of topic {origin}, group sink",
            f"800 records of topic {origin}, group mirror",
            re.compile(r"^200 records, no dead letters: "),
        ]
    )
    expect(part.locator("li").first).to_contain_text("Reason: org.apache.kafka.connect.errors.DataException")
    expect(part.locator("li").first.get_by_role("link")).to_have_text("partition 0, offset 1")
    expect(part.get_by_role("button", name="Redrive as job …")).to_have_count(2)
    assert_accessible(page)
    part.get_by_role("button", name="Redrive as job …").nth(1).click()
    job = page.locator("#job-form")
    expect(job.get_by_label("Topic", exact=True)).to_have_value(topic)
    expect(job.get_by_label("Copies go to")).to_have_value("auto")
    with page.expect_request(re.compile(r"/resend-jobs$")) as request:
        page.get_by_role("button", name="Preview").click()
    named = {"dialect": "connect", "topic": origin, "group": "mirror"}
    reason = "org.apache.kafka.connect.errors.DataException"
    assert json.loads(request.value.post_data or "")["filter"] == {"dead_letters": {**named, "reason": reason}}
    expect(page.locator("#job-preview")).to_contain_text("800 records would be resent", timeout=SOON_MS)
    expect(page.locator("#job-preview")).to_contain_text(f"{origin}: 800")


def test_search_stops_at_the_rows_of_a_page_and_loads_more(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A hundred matches are enough; then the next hundred are asked for, and each is listed once."""
    topic = make_topic(partitions=1)
    write_orders(plain, topic)
    console.show(topic, filter_place(jmespath="payment.status == 'FAILED'"))
    page = console.page
    for shown in (100, 200, 300):
        expect(page.locator("#count")).to_contain_text(f"{shown} of ")
        expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", str(shown + 1))
        if shown < FAILED:
            page.get_by_role("button", name="Load 100 more").click()

    offsets = {offset for offset in range(ORDERS) if offset % 20 < 3}
    expect(console.opener(0, max(offsets))).to_be_visible()
    console.opener(0, max(offsets)).press("End")
    expect(console.opener(0, min(offsets))).to_be_focused()


def test_search_takes_every_condition_of_a_job_and_hands_it_on(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Key, headers, expression and copies, within a time: the job form begins with all of it."""
    topic = make_topic()
    for number, (key, trace, consumer) in enumerate(
        [(b"order-1", b"a", None), (b"order-2", b"a", b"billing"), (b"order-3", b"b", None), (b"other", b"a", None)]
    ):
        headers = [("trace", trace), *([("consumer_key", consumer)] if consumer else [])]
        plain.produce(topic, b'{"n": %d}' % number, key, headers)
    console.show(topic)
    page = console.page
    search_key(page).fill("order-")
    form(page).get_by_label("How the key is compared").select_option(label="starts with")
    unfold(page)
    form(page).get_by_role("button", name="Add a header").click()
    form(page).get_by_label("Name of the header").fill("trace")
    form(page).get_by_label("Value of the header").fill("a")
    add_field(page, "n", "<", "9")
    search(page)
    expect(page.locator("#count")).to_have_text("1 of 4 records matches (1 already resent, 2 not matched).")
    form(page).get_by_label("Copies too").check()
    search(page)
    expect(page.locator("#count")).to_have_text("2 of 4 records match (2 not matched).")
    expect(page.locator("#rows button")).to_have_text(["1", "0"])
    expect(console.row(0, 1).locator("td.consumer .copy")).to_have_text("copy for")
    page.get_by_text("By time", exact=True).click()
    page.get_by_role("button", name="15 min").click()
    expect(page.locator("#rows button")).to_have_text(["0", "1"])
    asked = parse_qs(urlsplit(page.url).fragment)
    page.get_by_role("button", name="Resend these 2 as job …").click()
    job = page.locator("#job-form")

    expect(job.get_by_label("Time range")).to_be_checked()
    expect(job.get_by_label("Key", exact=True)).to_have_value("order-")
    expect(job.get_by_label("How the key is compared")).to_have_value("key_prefix")
    expect(job.get_by_label("Value of the header")).to_have_value("a")
    expect(job.get_by_label("Copies too")).to_be_checked()
    with page.expect_request(re.compile(r"/resend-jobs$")) as request:
        page.get_by_role("button", name="Preview").click()
    body = json.loads(request.value.post_data or "")
    assert json.loads(asked["filter"][0]) == body["filter"]
    assert [int(asked[end][0]) for end in ("start", "end")] == [body["start_time"], body["end_time"]]
    expect(page.locator("#job-preview")).to_contain_text("2 records would be resent", timeout=SOON_MS)


def test_search_explains_an_expression_that_cannot_match(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Double quotes name a field: the corrected expression is shown; one that cannot be evaluated names the record."""
    topic = make_topic()
    for cents in ("5", '"5"', "7"):
        plain.produce(topic, b'{"status": "FAILED", "cents": %b}' % cents.encode())
    plain.produce(topic, b"no JSON")
    console.show(topic, filter_place(jmespath='status == "FAILED"'))
    page = console.page
    expect(page.locator("#count")).to_have_text("0 of 4 records match (3 not matched, 1 not JSON).")
    expect(page.locator("#filter-problems")).to_contain_text("1 record without a JSON value cannot match")
    expect(page.locator("#filter-problems")).to_contain_text("status == 'FAILED'")
    unfold(page)
    expect(form(page).get_by_text("More than rows can show")).to_be_visible()
    expression(page).fill("cents > `4`")
    search(page)
    expect(page.locator("#count")).to_have_text("2 of 4 records match (1 not JSON, 1 not evaluated).")
    expect(page.locator("#filter-problems")).to_contain_text("cannot be evaluated on 1 record.")
    page.locator("#filter-problems").get_by_role("link", name="partition 0, offset 1").click()
    console.opened(0, 1)
    expression(page).fill("cents >")
    search(page)

    expect(page.locator("#records-problem")).to_contain_text("RESEND.00400604")
    expect(page.locator("#more")).to_be_hidden()


def test_search_rows_and_expression_are_two_ways_into_one_field(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What is typed becomes rows where rows can say it; else rows that are added narrow it. A wrong path is refused."""
    topic = make_topic()
    plain.produce(topic, b'{"a": 1, "b": "x"}')
    console.show(topic)
    page = console.page
    unfold(page)
    expression(page).fill("a == `1` && contains(b || '', 'x')")
    search(page)
    expect(form(page).get_by_label("Field of the value")).to_have_count(2)
    expect(form(page).get_by_label("How it is compared").last).to_have_value("contains")
    form(page).get_by_role("button", name="Remove").first.click()
    expect(expression(page)).to_have_value("contains(b || '', 'x')")
    add_field(page, "a", "≠", "2")
    expect(expression(page)).to_have_value("contains(b || '', 'x') && a != `2`")
    expression(page).fill("a == `1` || a == `2`")
    expect(form(page).get_by_label("Field of the value")).to_have_count(0)
    add_field(page, "b..c", "=", "x")
    expect(expression(page)).to_have_value("a == `1` || a == `2`")
    search(page)
    problem = form(page).get_by_label("Field of the value").evaluate("field => field.validationMessage")
    assert "payment.status" in problem
    form(page).get_by_label("Field of the value").fill("b")
    expect(expression(page)).to_have_value("(a == `1` || a == `2`) && b == 'x'")
    search(page)

    expect(page.locator("#count")).to_have_text("1 of 1 records matches.")
    expect(form(page).get_by_label("Field of the value")).to_have_value("b")


TEXTS = ["FAILED", "it's", "\\", "\\'", "`", "a\\`'b", '"', "' && '", "größe", "0x1", "007"]
NAMES = ["status", "order-id", "a.b", 'a"b', "größe", "2nd", "@", "\\"]


def test_search_rows_write_what_a_filter_takes(console: Console) -> None:
    """Whatever field and text: the expression of a row is true of the value that has them, and of no other."""
    console.open()
    imported = "const { writeRow } = await import('/console/filter/expression.js')"
    write = f"async rows => {{ {imported}; return rows.map(writeRow); }}"
    rows = [
        {"path": json.dumps(name, ensure_ascii=False), "operator": operator, "value": text}
        for name in NAMES
        for text in TEXTS
        for operator in ("eq", "ne", "contains")
    ]
    written = console.page.evaluate(write, rows)
    for row, text in zip(rows, written, strict=True):
        same, other = ({json.loads(row["path"]): value} for value in (row["value"], "z"))
        found = [parse_expression(text).is_true_of(json.dumps(value).encode()) for value in (same, other, {})]
        assert {"eq": [True, False, False], "ne": [False, True, True]}.get(
            row["operator"], [True, False, False]
        ) == found


def test_search_finds_the_dead_letters_of_a_group(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """A row for what dead letters say of themselves is part of the filter, and goes along to the job."""
    topic = make_topic()
    for group in (b"sink", b"other"):
        headers: list[Header] = [("__connect.errors.topic", topic.encode()), ("__connect.errors.partition", b"0")]
        plain.produce(topic, b"x", b"k", [*headers, ("__connect.errors.connector.name", group)])
    plain.produce(topic, b"no dead letter", b"k")
    console.show(topic)
    page = console.page
    unfold(page)
    form(page).get_by_role("button", name="Add what a dead letter says").click()
    form(page).get_by_label("Value of that part").fill("sink")
    search(page)
    expect(page.locator("#count")).to_have_text("1 of 3 records matches (2 not matched).")
    expect(page.locator("#rows button")).to_have_text(["0"])
    page.get_by_role("button", name="Resend this one as job …").click()

    expect(page.locator("#job-form").get_by_label("Which part of the dead letter")).to_have_value("group")
    expect(page.locator("#job-form").get_by_label("Value of that part")).to_have_value("sink")
