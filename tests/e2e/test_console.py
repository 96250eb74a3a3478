"""The console in a real Chromium, on the real service and a real Kafka."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.support.brokers import Broker
from tests.support.console import PHONE, READER_TOKEN, TOKEN, Console, ServeConsole
from tests.support.plain import Header, PlainClient
from tests.support.rawproduce import produce_raw
from tests.support.topics import MakeTopic
from tests.unit.test_filter import JSON, NOT_JSON

OpenConsole = Callable[..., Console]

NOW_MS = time.time_ns() // 1_000_000


def order(number: int, state: str) -> bytes:
    return json.dumps({"order": number, "state": state, "lines": [{"sku": "MUG-BLUE", "quantity": 2}]}).encode()


def fill(plain: PlainClient, topic: str) -> int:
    """Write six records to partition 0: two of order-7 at offsets 1 and 4, one for billing at 2.

    Returns the current time in milliseconds; the records are ten to five minutes older.
    """
    now_ms = time.time_ns() // 1_000_000
    for number, (key, state, headers) in enumerate(
        [
            (b"order-5", "placed", []),
            (b"order-7", "placed", [("trace", b"one"), ("trace", b"two")]),
            (b"order-5", "paid", [("consumer_key", b"billing")]),
            (None, "recount", []),
            (b"order-7", "paid", []),
            (b"order-9", "placed", []),
        ]
    ):
        given: list[Header] = list(headers)
        plain.produce(topic, order(number, state), key, given, timestamp_ms=now_ms - 600_000 + 60_000 * number)
    return now_ms


def search_key(page: Page) -> Locator:
    """Return the field for the key in the form of the search."""
    return page.locator("#search").get_by_label("Key", exact=True)


def filter_place(**fields: object) -> str:
    """Return the part of an address that has a filter."""
    return f"&filter={quote(json.dumps(fields))}"


def confirm(page: Page) -> None:
    """Press the button of the question whether to resend."""
    page.get_by_role("dialog").get_by_role("button", name="Resend", exact=True).click()


def kept_by_the_browser(page: Page) -> str:
    """Return all that the page left anywhere but in its own memory."""
    left: str = page.evaluate(
        "() => JSON.stringify([location.href, document.cookie, {...localStorage}, {...sessionStorage}, history.state])"
    )
    return left


def test_console_from_sign_in_to_the_copy_seen(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Sign in, find the record, look at it, resend it to one consumer, and open the copy that Kafka has."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    page = console.page
    console.open()
    console.sign_in()
    page.get_by_label("Search topics by name").fill(topic[-12:])
    page.get_by_role("navigation").get_by_role("button", name=topic).click()
    expect(console.row(0, 5)).to_contain_text("order-9")
    expect(console.row(0, 2)).to_contain_text("billing")
    console.open_record(0, 1)
    record = page.locator("#record")
    expect(record).to_contain_text("order-7")
    expect(record.get_by_role("row", name="trace")).to_have_text(["traceone", "tracetwo"])
    expect(record.locator(".json")).to_contain_text("MUG-BLUE")
    expect(record).to_contain_text("everyone")

    page.locator("#record").get_by_label("Deliver to").fill("billing")
    expect(record).to_contain_text("Only consumers with the key billing")
    record.get_by_role("button", name="Resend …").click()
    question = page.get_by_role("dialog")
    for said in [topic, "partition 0, offset 1", "order-7", "billing", "One copy is written at the end of partition 0"]:
        expect(question).to_contain_text(said)
    expect(question).to_contain_text("There is a newer record with this key: partition 0, offset 4")
    assert 6 == plain.high_watermark(topic, 0)
    confirm(page)
    expect(record.locator(".notice.good")).to_contain_text("The copy is at partition 0, offset 6")
    record.get_by_role("link", name="partition 0, offset 6").click()
    console.opened(0, 6)

    expect(record.get_by_role("row", name="consumer_key")).to_contain_text("billing")
    copy = plain.read(topic, 0, 6)
    assert (order(1, "placed"), b"order-7", ("consumer_key", b"billing")) == (copy.value, copy.key, copy.headers[-1])
    assert TOKEN not in kept_by_the_browser(page)
    assert "order-" not in page.url
    page.go_back()
    console.opened(0, 1)


def test_console_visited_sends_nothing_before_a_token_is_typed(console: Console) -> None:
    """The host alone leads to the page, and no visit is a refusal in the service's log."""
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url.removeprefix(console.address)))
    console.page.goto(console.address)
    expect(console.page.get_by_label("Token")).to_be_focused()

    assert "/console" in asked
    assert [] == [path for path in asked if path.startswith("/v2")]


def test_console_wrong_token_is_refused(console: Console) -> None:
    """Signing in with a token that no caller has is refused, with what to check and the API's error code."""
    console.open()
    console.page.get_by_label("Token").fill("nobody's")
    console.page.keyboard.press("Enter")

    expect(console.page.get_by_role("alert")).to_contain_text("RESEND.00403001")
    expect(console.page.get_by_role("alert")).to_contain_text("This token was not accepted. Check for typos or expiry.")
    expect(console.page.get_by_label("Token")).to_be_focused()
    expect(console.page.get_by_label("Project")).to_be_hidden()


def test_console_caller_who_may_only_read_is_told_so(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A record is shown to those who may read, with a word in the place of the form that resends."""
    topic = make_topic()
    fill(plain, topic)
    console.open(f"#topic={topic}&record=0-1")
    console.sign_in(READER_TOKEN)
    console.opened(0, 1)

    expect(console.page.locator(".record-foot")).to_contain_text("not resend them")
    expect(console.page.locator("#record").get_by_label("Deliver to")).to_have_count(0)


def test_console_read_only_instance_shows_its_records_and_says_why_none_is_resent(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Choosing a read-only instance brings a banner; its records are there, without the form that resends."""
    topic = make_topic()
    fill(plain, topic)
    page = console.page
    console.show(topic)
    expect(page.locator("#banners")).to_be_empty()
    page.get_by_label("Instance").select_option("read-only")
    expect(page.locator("#banners")).to_contain_text("read-only")
    page.get_by_role("navigation").get_by_role("button", name=topic).click()
    expect(page.locator("#topic-refusal")).to_contain_text("RESEND.00400204")
    console.open_record(0, 1)

    expect(page.locator(".record-foot")).to_contain_text("read-only")
    expect(page.locator("#record").get_by_label("Deliver to")).to_have_count(0)


def test_console_consumer_key_left_empty_names_the_one_of_the_record(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A record that carries a consumer_key keeps it, and the page says so before and in the question."""
    topic = make_topic()
    fill(plain, topic)
    console.show(topic, "&record=0-2")
    console.opened(0, 2)
    page = console.page

    expect(page.locator(".record-foot .notice").first).to_contain_text("so the copy is for billing")
    page.get_by_role("button", name="Resend …").click()
    expect(page.get_by_role("dialog")).to_contain_text("Forbilling")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Resend …")).to_be_focused()
    page.keyboard.press("Escape")
    expect(console.opener(0, 2)).to_be_focused()
    assert 6 == plain.high_watermark(topic, 0)


def test_console_refused_resend_is_told_in_the_words_of_the_api(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A record that is gone when it is to be resent: the API's sentence and code stand where the result would."""
    topic = make_topic()
    fill(plain, topic)
    console.show(topic, "&record=0-1")
    console.opened(0, 1)
    plain.delete_records(topic, 0, 3)
    console.page.get_by_role("button", name="Resend …").click()
    confirm(console.page)

    expect(console.page.locator(".said")).to_contain_text("RESEND.00400103")
    assert 6 == plain.high_watermark(topic, 0)


def test_console_several_ticked_are_resent_each_with_its_result(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Several records go one after the other in the log's order; one that is refused does not hold up the others."""
    topic = make_topic()
    fill(plain, topic)
    console.show(topic)
    page = console.page
    for offset in (4, 0, 1):
        page.get_by_label(f"Select partition 0 offset {offset}", exact=True).check()
    expect(page.locator("#selected")).to_contain_text("3 selected")
    page.locator("#selected-resend").click()
    several = page.get_by_role("dialog")
    several.get_by_label("Deliver to").fill("shipping")
    plain.delete_records(topic, 0, 1)
    several.get_by_role("button", name="Resend", exact=True).click()

    expect(several.get_by_role("status")).to_have_text("2 copies written, 1 refused.")
    expect(several.locator("tbody tr")).to_contain_text(["RESEND.00400103", "offset 6", "offset 7"])
    copies = plain.log(topic)[-2:]
    assert [order(1, "placed"), order(4, "paid")] == [copy.value for copy in copies]
    assert [b"shipping"] * 2 == [dict(copy.headers)["consumer_key"] for copy in copies]
    several.get_by_role("button", name="Close").click()
    expect(page.get_by_label("Select partition 0 offset 0", exact=True)).to_be_checked()
    expect(page.get_by_label("Select partition 0 offset 1", exact=True)).not_to_be_checked()


def test_console_says_whom_each_copy_is_for_when_the_field_stays_empty(
    console: Console, make_topic: MakeTopic, plain: PlainClient, broker: Broker
) -> None:
    """No consumer_key, a null one, an empty one, one that is not UTF-8 and one not known: each has its own words.

    They are the same in the table, in the question before several are resent, for a single record, and in a job's form.
    """
    topic = make_topic()
    for headers in (
        [],
        [("consumer_key", None)],
        [("consumer_key", b"\xff\xfe")],
        [("consumer_key", b"billing"), ("consumer_key", None)],
        [("consumer_key", b"")],
        [("consumer_key", b"null")],
    ):
        plain.produce(topic, b"v", b"\xff", list(headers))
    produce_raw(broker.bootstrap, topic, 0, b"v", headers=[(b"\xff", b"1")])
    console.show(topic)
    page = console.page
    # The fourth has the last of its headers; the last but one is a text.
    told = ["", "copy fornobody", "copy forbase64//4=", "copy fornobody", "copy forempty", "copy fornull", "not known"]
    for offset, text in enumerate(told):
        expect(console.row(0, offset).locator("td.consumer")).to_have_text(text)
    expect(console.row(0, 1).locator("td.consumer")).to_have_class(re.compile("none"))
    expect(console.row(0, 5).locator("td.consumer")).to_have_class(re.compile("data"))
    page.get_by_label("Select all records shown").check()
    page.locator("#selected-resend").click()
    several = page.get_by_role("dialog")
    nobody = "nobody: its consumer_key is null"
    expect(several.locator("tbody td:nth-child(4)")).to_have_text(
        ["everyone", nobody, "base64 //4=", nobody, "empty", "null", "not known: the name of a header is not UTF-8"]
    )
    expect(several.locator("tbody td:nth-child(3)").first).to_have_text("base64 /w==")
    summary = (
        "Left empty: 1 copy for everyone, 3 copies keep their existing consumer_key, 2 copies for nobody, since the "
        "consumer_key is null, 1 copy for a recipient that is not known, since the name of a header is not UTF-8."
    )
    expect(several.locator("#several-who")).to_have_text(summary)
    several.get_by_role("button", name="Cancel", exact=True).click()
    for offset, words in enumerate(["everyone", nobody, "base64 //4=", nobody, "empty", "null"]):
        console.open_record(0, offset)
        expect(page.locator("#consumer-key-who strong, #consumer-key-who .strong").first).to_have_text(words)
    page.locator("#selected-job").click()
    expect(page.locator("#job-who")).to_have_text(summary)


def test_console_several_stopped_sends_no_more(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """After Stop the one under way is finished, and those after it are not sent."""
    topic = make_topic()
    fill(plain, topic)
    console.show(topic)
    page = console.page
    page.get_by_label("Select all records shown").check()
    page.locator("#selected-resend").click()
    several = page.get_by_role("dialog")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/messages/action*", hold)
    several.get_by_role("button", name="Resend", exact=True).click()
    expect(several.locator("tbody tr").first).to_contain_text("…")
    several.get_by_role("button", name="Stop").click()
    held[0].continue_()

    expect(several.get_by_role("status")).to_have_text("1 copy written, 5 not sent, still selected.")
    assert (1, 7) == (len(held), plain.high_watermark(topic, 0))


def test_console_answer_that_never_came_is_told_as_unknown(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """When the connection breaks during a resend, the page does not claim that nothing was written."""
    topic = make_topic()
    fill(plain, topic)
    console.show(topic, "&record=0-1")
    console.opened(0, 1)
    console.page.route("**/messages/action*", lambda route: route.abort())
    console.page.get_by_role("button", name="Resend …").click()
    confirm(console.page)

    expect(console.page.locator(".said")).to_contain_text("Whether a copy was written is not known")


def test_console_curl_command_is_the_same_request(
    console: Console, make_topic: MakeTopic, plain: PlainClient, service: str
) -> None:
    """The copied command, run by a shell as it is, writes the copy that the button would have written."""
    topic = make_topic()
    fill(plain, topic)
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.show(topic, "&record=0-1")
    console.opened(0, 1)
    consumer = 'it\'s "$HOME" `id` \\ ü'
    console.page.locator("#record").get_by_label("Deliver to").fill(consumer)
    console.page.get_by_role("button", name="Copy as curl").click()
    expect(console.page.locator("#status")).to_have_text("Copied.")
    command = console.page.evaluate("() => navigator.clipboard.readText()")
    assert service in command
    assert TOKEN not in command
    ran = subprocess.run(
        ["sh", "-c", f"{command} --silent --show-error"],
        env={**os.environ, "TOKEN": TOKEN},
        capture_output=True,
        text=True,
        check=True,
    )

    assert " 200 OK" in ran.stdout, ran.stdout
    assert consumer.encode() == dict(plain.read(topic, 0, 6).headers)["consumer_key"]


HOSTILE = '"><img src=x onerror="document.title=1;alert(1)"><script>alert(2)</script>'
OVERRIDE = "\u202efdp.exe\u2066"


def test_console_hostile_record_is_shown_as_text(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Markup in key, value and headers stays text, nothing of it runs, and marks that turn text around are seen."""
    topic = make_topic()
    hostile = (HOSTILE + OVERRIDE).encode()
    plain.produce(
        topic,
        b'{"<b>' + HOSTILE.replace('"', "'").encode() + b'": "' + OVERRIDE.encode() + b'"}',
        hostile,
        [(HOSTILE + OVERRIDE, hostile), ("consumer_key", hostile), ("javascript:alert(3)", b"\xff\xfe")],
    )
    plain.produce(topic, hostile, hostile)
    console.show(topic)
    page = console.page
    for offset in (0, 1):
        expect(console.row(0, offset).locator("td.key")).to_contain_text(HOSTILE)
        expect(console.row(0, offset).locator("td.key")).to_contain_text("U+202Efdp.exeU+2066")
    console.open_record(0, 0)
    record = page.locator("#record")
    expect(record.locator("th").first).to_contain_text(HOSTILE)
    expect(record.locator("td").first).to_contain_text(HOSTILE)
    expect(record.locator(".json")).to_contain_text("<b>")
    for view in ("Text", "Hex"):
        record.get_by_text(view, exact=True).click()
    expect(record.locator(".value")).to_contain_text("3c 62 3e")
    page.locator("#record").get_by_label("Deliver to").fill(HOSTILE)
    record.get_by_role("button", name="Resend …").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"For{HOSTILE}")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_label("Select all records shown").check()
    page.locator("#selected-resend").click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)

    inserted = "document.querySelectorAll('body script, [onerror], body img:not([src=\"console/icon.svg\"])').length"
    assert 0 == page.evaluate(inserted)
    assert "kafka-resend console" == page.title()
    # The fixture fails the test for any script that ran, or that the page's policy stopped.


def test_console_hostile_address_is_only_text(console: Console) -> None:
    """What an address says of a topic is shown, not run."""
    console.open(f"#instance=default&topic={HOSTILE}&record=javascript:alert(1)")
    console.sign_in()

    expect(console.page.locator("#topic-name")).to_have_text(HOSTILE)
    expect(console.page.locator("#records-problem")).to_contain_text("RESEND.00400")


def test_console_address_leads_to_a_record_and_says_what_is_not_open(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """An address typed while the page is open leads to its record; an instance that is not there is named."""
    topic = make_topic()
    fill(plain, topic)
    console.open()
    console.sign_in()
    console.open(f"#topic={topic}&record=0-2")
    console.opened(0, 2)
    console.open(f"#instance=nowhere&topic={topic}")

    expect(console.page.locator("#banners")).to_contain_text("This instance is not available to you: nowhere")
    expect(console.page.get_by_label("Instance")).to_have_value("default")


def test_console_chart_dragged_shows_the_records_of_that_time(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Dragging over the bars chooses the range of time between, and lists what lies in it."""
    topic = make_topic()
    now_ms = fill(plain, topic)
    console.show(topic)
    page = console.page
    plot = page.get_by_role("slider")
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 30, steps=4)
    page.mouse.up()

    expect(page.get_by_label("By time")).to_be_checked()
    expect(page.locator("#count")).to_have_text("2 records (complete)")
    expect(page.locator("#rows button")).to_have_text(["3", "4"])
    chosen = parse_qs(urlsplit(page.url).fragment)
    start, end = int(chosen["start"][0]), int(chosen["end"][0])
    assert now_ms - 460_000 < start < now_ms - 420_000 < now_ms - 360_000 < end < now_ms - 300_000
    expect(page.locator("#start-utc")).to_contain_text("UTC")


def test_console_chart_is_used_by_keyboard_as_well(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Arrow keys move over the bars, with Shift they choose, and Enter shows what was chosen."""
    topic = make_topic()
    fill(plain, topic)
    console.show(topic)
    plot = console.page.get_by_role("slider")
    plot.press("Home")
    expect(plot).to_have_attribute("aria-valuenow", "0")
    for _ in range(15):
        plot.press("Shift+ArrowRight")
    plot.press("Enter")

    expect(console.page.get_by_label("By time")).to_be_checked()
    expect(console.page.locator("#rows button")).to_have_text(["0", "1"])


def test_console_by_time_and_by_position_list_what_is_asked(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The two other ways to ask: the last minutes, and from an offset of a partition on, filtered by key."""
    topic = make_topic(partitions=2)
    fill(plain, topic)
    plain.produce(topic, b"late", b"k", partition=1)
    console.show(topic)
    page = console.page
    page.get_by_text("By time", exact=True).click()
    page.get_by_role("button", name="15 min").click()
    expect(page.locator("#rows button")).to_have_text(["0", "1", "2", "3", "4", "5", "0"])
    page.get_by_text("By position", exact=True).click()
    page.get_by_label("Partition", exact=True).select_option("0")
    page.get_by_label("From offset").fill("1")
    search_key(page).fill("order-7")
    page.get_by_role("button", name="Search", exact=True).click()

    expect(page.locator("#rows button")).to_have_text(["1", "4"])


LAST_MS = 2**63 - 1
COUNTS_OF_TWO = dict.fromkeys(("outside_time_range", "already_resent", "not_matched", "not_json", "not_evaluated"), 0)
SCAN_OF_TWO = {
    "records": 2,
    "bytes": 4,
    "milliseconds": 1,
    "reached_time": None,
    "left": 0,
    "complete": True,
    "stopped_by": None,
    "counts": {"scanned": 2, "matched": 2, **COUNTS_OF_TWO},
    "first_not_evaluated": None,
    "hint": None,
}


def test_console_time_far_in_the_future_is_exact_and_does_not_take_the_chart_away(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The chart is that of the other records, and says so; table and record have every digit of the time."""
    topic = make_topic(config={"message.timestamp.after.max.ms": str(LAST_MS)})
    plain.produce(topic, b"last", timestamp_ms=LAST_MS - 1)
    plain.produce(topic, b"in microseconds", timestamp_ms=1000 * NOW_MS)
    fill(plain, topic)
    console.show(topic)
    page = console.page

    expect(page.get_by_role("slider")).to_be_visible()
    expect(page.locator("#chart")).to_contain_text("Not in the chart: 2 listed records with a time after tomorrow.")
    expect(console.row(0, 0).locator("td.time")).to_have_text(str(LAST_MS - 1))
    console.open_record(0, 0)
    expect(page.locator("#record")).to_contain_text(str(LAST_MS - 1))


def test_console_offsets_beyond_what_a_double_holds_are_exact(console: Console, make_topic: MakeTopic) -> None:
    """Offsets above 2**53, each written with all its digits: in the table, in the requests, and in the answers.

    No Kafka writes that many records in a test: the answers that hold such offsets are written here.
    """
    topic = make_topic()
    first = 2**53 + 1
    answers = ",".join(
        f"""{{"partition": 0, "message_offset": {offset}, "timestamp": {LAST_MS}, "timestamp_type": "CreateTime",
        "key": "k", "key_encoding": "utf-8", "size": 1, "value_size": 1, "has_consumer_key": false,
        "consumer_key": null, "consumer_key_encoding": "utf-8", "preview": "x", "huge_message": false,
        "value": "x", "value_encoding": "utf-8", "headers": []}}"""
        for offset in (first, first + 1)
    )
    asked: list[Request] = []

    def answer(route: Route) -> None:
        asked.append(route.request)
        if route.request.method == "POST":
            route.fulfill(json={}, headers={"X-Resend-Partition": "0", "X-Resend-Offset": str(first + 2)})
            return
        scan = json.dumps(SCAN_OF_TWO)
        body = (
            f'{{"messages": [{answers}], "total": {first}, "total_relation": "exact", "cursor": null, "scan": {scan}}}'
        )
        route.fulfill(body=body, content_type="application/json")

    def refuse(route: Route) -> None:
        asked.append(route.request)
        route.abort()

    page = console.page
    page.route(re.compile(r"/messages(\?|/action)"), answer)
    page.route(re.compile(r"/resend-jobs"), refuse)
    console.show(topic)
    expect(page.locator("#rows button")).to_have_text([str(first), str(first + 1)])
    console.open_record(0, first)
    page.get_by_role("button", name="Resend …").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"offset {first}")
    confirm(page)
    expect(page.locator(".notice.good")).to_contain_text(f"offset {first + 2}")
    page.get_by_label(f"Select partition 0 offset {first}", exact=True).check()
    page.locator("#selected-job").click()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#job-preview").get_by_role("alert")).to_be_visible()

    bodies = [request.post_data for request in asked if request.method == "POST"]
    assert f'{{"topic":"{topic}","partition":0,"message_offset":{first}}}' == bodies[0]
    assert f'"messages":[{{"partition":0,"message_offset":{first}}}]' in (bodies[1] or "")
    queries = [parse_qs(urlsplit(request.url).query) for request in asked]
    assert [[str(first)]] == [query["message_offset"] for query in queries if "message_offset" in query]
    assert [[str(first + 1)]] == [query["start_offset"] for query in queries if "start_offset" in query]


def test_console_range_of_time_that_ends_before_it_begins_is_refused_at_its_field(
    console: Console, make_topic: MakeTopic
) -> None:
    """The field says so, nothing is asked for, and a change of either end takes it back."""
    topic = make_topic()
    console.show(topic)
    page = console.page
    page.get_by_text("By time", exact=True).click()
    page.locator("#start").fill("2026-01-02T00:00")
    page.locator("#end").fill("2026-01-01T00:00")
    page.get_by_role("button", name="Search", exact=True).click()
    assert "“From” must be before “To”." == page.locator("#end").evaluate("field => field.validationMessage")
    page.locator("#start").fill("2025-12-31T00:00")
    page.get_by_role("button", name="Search", exact=True).click()

    expect(page.locator("#count")).to_have_text("No records.")
    assert "mode=time" in page.url


def test_console_copy_just_made_is_among_the_newest_records(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A copy keeps the old time of its record, and is on the first page all the same, beside other partitions."""
    topic = make_topic(partitions=3)
    for partition in range(3):
        for number in range(150):
            timestamp_ms = NOW_MS - 3_600_000 + 1000 * number
            plain.produce(topic, b"%d" % number, partition=partition, timestamp_ms=timestamp_ms)
    console.show(topic, "&record=0-0")
    console.opened(0, 0)
    page = console.page
    page.get_by_role("button", name="Resend …").click()
    confirm(page)
    expect(page.locator("#record .notice.good")).to_contain_text("offset 150")
    with page.expect_response(re.compile(r"/messages\?")) as answer:
        page.get_by_role("button", name="Search", exact=True).click()
    listed = [message["message_id"] for message in answer.value.json()["messages"]]

    assert 100 == len(listed)
    assert "0-150" in listed
    assert {"0", "1", "2"} == {name.partition("-")[0] for name in listed}
    expect(page.locator("#count")).to_contain_text("100 of")


def test_console_keyboard_alone_leads_from_sign_in_to_the_copy(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Nothing on the way needs a mouse, and the focus is never lost."""
    topic = make_topic()
    fill(plain, topic)
    page = console.page
    keyboard = page.keyboard
    console.open()
    expect(page.get_by_label("Token")).to_be_focused()
    keyboard.type(TOKEN)
    keyboard.press("Enter")
    tab_to(page, "#topic-search")
    keyboard.type(topic)
    item = page.get_by_role("navigation").get_by_role("button", name=topic)
    expect(page.locator("#topic-list li")).to_have_count(1)
    keyboard.press("Tab")
    expect(item).to_be_focused()
    keyboard.press("Enter")
    console.listed()
    tab_to(page, "#rows input")
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    keyboard.press("Space")
    expect(page.locator("#selected")).to_contain_text("1 selected")
    keyboard.press("Space")
    keyboard.press("Tab")
    expect(console.opener(0, 3)).to_be_focused()
    keyboard.press("ArrowUp")
    keyboard.press("Enter")
    console.opened(0, 4)
    expect(page.locator("#record-title")).to_be_focused()
    keyboard.press("Escape")
    expect(console.opener(0, 4)).to_be_focused()
    keyboard.press("Enter")
    console.opened(0, 4)
    tab_to(page, "#consumer-key")
    keyboard.type("billing")
    keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(page.locator(".notice.good")).to_contain_text("offset 6")
    tab_to(page, ".notice.good a")
    keyboard.press("Enter")
    console.opened(0, 6)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"Tab does not lead to {selector}")


def test_console_thousands_of_records_keep_the_page_small(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Page after page is loaded, and only the rows in sight stand in the document."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 2500)
    console.show(topic)
    page = console.page
    page.get_by_label("Rows per page").select_option("1000")
    page.get_by_role("button", name="Search", exact=True).click()
    for shown in ("1,000 of", "2,000 of", "2,500 records (complete)"):
        expect(page.locator("#count")).to_contain_text(shown)
        if "complete" not in shown:
            page.locator("#more").click()
    expect(page.locator("#more")).to_be_hidden()
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "2501")
    console.opener(0, 2499).press("End")

    expect(console.opener(0, 0)).to_be_focused()
    assert page.locator("#rows tr").count() < 100


def test_console_huge_value_is_offered_as_a_download(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A value too large to be shown is saved as it is, byte for byte."""
    topic = make_topic()
    content = bytes(range(256)) * 1024
    plain.produce(topic, content)
    console.show(topic, "&record=0-0")
    console.opened(0, 0)
    with console.page.expect_download() as download:
        console.page.get_by_role("button", name="Download", exact=True).click()

    assert f"{topic}-0-0.bin" == download.value.suggested_filename
    assert content == download.value.path().read_bytes()


def test_console_null_and_empty_are_told_apart(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """A missing key or value says null, one of no bytes says empty, in the table and in the record."""
    topic = make_topic()
    plain.produce(topic, None, None, [("missing", None), ("empty", b"")])
    plain.produce(topic, b"", b"")
    console.show(topic)
    for offset, word in enumerate(["null", "empty"]):
        for cell in ("key", "preview"):
            expect(console.row(0, offset).locator(f"td.{cell}")).to_have_text(word)
    console.open_record(0, 0)

    record = console.page.locator("#record")
    expect(record.get_by_role("row")).to_have_text(["missingnull", "emptyempty"])
    expect(record).to_contain_text("a tombstone")


def test_console_calls_json_what_filters_of_jobs_call_json(console: Console) -> None:
    """A value that a filter counts as not JSON is not shown as JSON, and the other way round."""
    texts = {
        value.decode(): is_json
        for values, is_json in ((JSON, True), (NOT_JSON, False))
        for value in values
        if is_text(value)
    }
    console.open()
    imported = "const { parseJson } = await import('/console/api/json.js')"
    parse = f"async texts => {{ {imported}; return texts.map((text) => parseJson(text) !== null); }}"
    assert list(texts.values()) == console.page.evaluate(parse, list(texts))


def is_text(value: bytes) -> bool:
    """Whether the API gives a value as text; others come in base64, and are never JSON."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_console_json_is_shown_as_it_was_written(console: Console, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Digits beyond what JavaScript counts with, repeated names and their order are not lost."""
    topic = make_topic()
    plain.produce(topic, b'{"id": 12345678901234567890, "2": 1.50, "1": [], "id": {"deep": [null, "a\\"b"]}}')
    console.show(topic, "&record=0-0")
    console.opened(0, 0)

    lines = console.page.locator(".json .leaf")
    expect(lines.nth(0)).to_have_text("id: 12345678901234567890")
    expect(lines.nth(1)).to_have_text("2: 1.50")
    expect(lines.nth(2)).to_have_text("1: []")
    expect(lines.last).to_have_text('1: "a\\"b"')


def test_console_phone_never_scrolls_sideways(
    open_console: OpenConsole, service: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """On a phone everything is in one column, however long its words are."""
    # With another one beside it, so that the page does not choose by itself.
    topic, _ = make_topic(), make_topic()
    plain.produce(topic, b"v" * 5000, b"k" * 500, [("h" * 300, b"w" * 3000)])
    plain.produce(topic, b'{"' + b"n" * 400 + b'": "' + b"s" * 4000 + b'"}', b"\xff" * 300)
    plain.produce(topic, bytes(range(256)))
    console = open_console(service, viewport=PHONE, has_touch=True, is_mobile=True)
    page = console.page
    console.open()
    assert_fits(page)
    console.sign_in()
    page.get_by_label("Search topics by name").fill(topic)
    page.get_by_role("navigation").get_by_role("button", name=topic).click()
    console.listed()
    assert_fits(page)
    page.get_by_text("More conditions", exact=True).first.click()
    page.get_by_role("button", name="Add a header").click()
    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("Field of the value").fill("f" * 300)
    assert_fits(page)
    page.locator("#more-conditions summary").click()
    assert_fits(page)
    page.locator("#more-conditions summary").click()
    for _ in range(2):
        page.get_by_role("button", name="Remove").first.click()
    page.get_by_text("By time", exact=True).click()
    assert_fits(page)
    for offset in (0, 1, 2):
        console.open_record(0, offset)
        assert_fits(page)
        page.get_by_role("button", name="Close").click()
    console.open_record(0, 2)
    page.get_by_role("button", name="Resend …").click()
    assert_fits(page)


def test_console_phone_shows_what_was_opened_and_goes_back_to_where_one_was(
    open_console: OpenConsole, service: str, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Sign-in begins at the top of the topics; a record covers the list, which stands where it stood afterwards."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 100)
    console = open_console(service, viewport=PHONE, has_touch=True, is_mobile=True)
    page = console.page
    page.route("**/topics?*", many_topics)
    console.open()
    console.sign_in()
    expect(page.locator("#topic-list li")).to_have_count(67)
    expect(page.locator("#topics-title")).to_be_focused()
    assert 0 == page.evaluate("scrollY")
    page.goto(f"{service}/console#topic={topic}")
    console.listed()
    # It comes after the records, and what is below it moves.
    expect(page.get_by_role("slider")).to_be_visible()
    opener = console.opener(0, 80)
    opener.scroll_into_view_if_needed()
    above = opener.bounding_box()
    opener.click()
    console.opened(0, 80)
    for locator in (page.locator("#record-title"), page.locator('[data-record="0-80"]')):
        expect(locator).to_be_in_viewport()
    expect(page.get_by_label("Project")).not_to_be_visible()
    expect(page.locator("#topic-name")).not_to_be_visible()
    page.get_by_role("button", name="Close").click()

    expect(opener).to_be_focused()
    assert above == opener.bounding_box()


def many_topics(route: Route) -> None:
    """Answer with 67 topics, all like the first of those that there are."""
    answer = route.fetch()
    body = answer.json()
    body["topics"] = [body["topics"][0] | {"name": f"topic-{number}"} for number in range(67)]
    body["total"] = 67
    route.fulfill(response=answer, json=body)


def test_console_list_of_topics_is_one_tab_stop(console: Console, make_topic: MakeTopic) -> None:
    """Tab goes to one topic and on from there; the arrow keys, Home and End go from one to another."""
    make_topic()
    page = console.page
    page.route("**/topics?*", many_topics)
    console.open()
    console.sign_in()
    expect(page.locator("#topic-list li")).to_have_count(67)
    topics = page.locator("#topic-list button")
    page.locator("#topic-search").focus()
    for key, index in [("Tab", 0), ("ArrowDown", 1), ("End", 66), ("ArrowDown", 66), ("ArrowUp", 65), ("Home", 0)]:
        page.keyboard.press(key)
        expect(topics.nth(index)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.matches('#topic-list button')")
    page.keyboard.press("Shift+Tab")

    expect(topics.nth(1)).to_be_focused()
    assert 1 == page.locator('#topic-list button[tabindex="0"]').count()


def test_console_long_key_and_many_partitions_push_nothing_away(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Of a key of 3,000 characters the beginning is shown until asked for more; 50 partitions scroll in a box."""
    topic = make_topic(partitions=50)
    for _ in range(2):
        plain.produce(topic, b"v", b"k" * 3000, [("consumer_key", b"c" * 3000)])
    console.show(topic)
    page = console.page
    page.locator("#topic-facts summary").click()
    for locator in (console.row(0, 1), page.locator("#count")):
        expect(locator).to_be_in_viewport(ratio=0.9)
    console.open_record(0, 1)
    record = page.locator("#record")
    expect(page.get_by_role("button", name="Resend …").first).to_be_in_viewport(ratio=0.9)
    expect(record.locator(".value")).to_be_in_viewport()
    key = record.locator("dd").first
    key.get_by_role("button", name="Show all 3,000 characters").click()
    expect(key.locator(".data")).to_have_text("k" * 3000)
    key.get_by_role("button", name="Show less").click()
    expect(key.locator(".data")).to_have_text("k" * 200 + "…")
    page.get_by_label("Select all records shown").check()
    page.locator("#selected-resend").click()
    several = page.get_by_role("dialog")
    expect(several.locator("tbody tr").nth(1)).to_be_in_viewport(ratio=0.9)

    expect(several.get_by_role("button", name="Resend", exact=True)).to_be_in_viewport(ratio=0.9)


def test_console_other_topic_begins_with_nothing_of_the_one_before(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A range of time, a partition and a key that one topic was searched by do not hide the records of the next."""
    before, topic = make_topic(partitions=2), make_topic()
    fill(plain, before)
    fill(plain, topic)
    console.show(before, f"&mode=time&partition=1&start={NOW_MS - 1000}&end={NOW_MS}{filter_place(key='order-1')}")
    page = console.page
    expect(search_key(page)).to_have_value("order-1")
    page.get_by_label("Search topics by name").fill(topic)
    page.get_by_role("navigation").get_by_role("button", name=topic).click()

    expect(page.locator("#count")).to_have_text("6 records (complete)")
    expect(page.get_by_label("Newest")).to_be_checked()
    expect(search_key(page)).to_have_value("")
    page.get_by_text("By time", exact=True).click()
    hour = page.evaluate("(Date.now() - new Date(document.getElementById('start').value)) / 3600000")
    assert 0.9 < hour < 1.1


def test_console_reload_keeps_the_place_and_the_filter_and_not_the_token(
    console: Console, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """After a reload the token is asked for again, and leads to the same records, filtered by the same key."""
    topic = make_topic()
    fill(plain, topic)
    console.show(topic)
    page = console.page
    search_key(page).fill("order-7")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#rows button")).to_have_text(["4", "1"])
    console.open_record(0, 1)
    assert TOKEN not in kept_by_the_browser(page)
    page.reload()
    console.sign_in()
    console.opened(0, 1)

    expect(page.locator("#rows button")).to_have_text(["4", "1"])
    expect(search_key(page)).to_have_value("order-7")
    assert TOKEN not in kept_by_the_browser(page)


def test_console_stays_signed_in_over_a_reload_only_where_asked_to(console: Console) -> None:
    """The tab keeps the token if the box is checked, until one signs out, or the service no longer takes it."""
    page = console.page
    console.open()
    expect(page.get_by_label("Stay signed in")).not_to_be_checked()
    page.get_by_label("Stay signed in").check()
    console.sign_in()
    page.reload()
    expect(page.get_by_label("Project")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    assert TOKEN not in kept_by_the_browser(page)
    page.reload()
    expect(page.get_by_label("Token")).to_be_visible()
    page.get_by_label("Stay signed in").check()
    console.sign_in()
    page.evaluate("for (const name of Object.keys(sessionStorage)) sessionStorage.setItem(name, 'no longer valid')")
    page.reload()

    expect(page.locator("#sign-in-problem")).to_contain_text("RESEND.00403001")
    assert "no longer valid" not in kept_by_the_browser(page)


def assert_fits(page: Page) -> None:
    assert PHONE["width"] == page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_console_has_nothing_that_axe_finds(
    open_console: OpenConsole, service: str, make_topic: MakeTopic, plain: PlainClient, scheme: str
) -> None:
    """Sign-in, table, open record and both dialogs pass axe-core, contrast included, in both colour schemes."""
    topic = make_topic()
    fill(plain, topic)
    console = open_console(service, color_scheme=scheme)
    page = console.page
    console.open()
    expect(page.get_by_label("Token")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("RESEND")
    assert_accessible(page)
    console.show(topic)
    expect(page.get_by_role("slider")).to_be_visible()
    assert_accessible(page)
    page.get_by_text("More conditions", exact=True).first.click()
    page.get_by_role("button", name="Add a header").click()
    page.get_by_role("button", name="Add a field").click()
    assert_accessible(page)
    for _ in range(2):
        page.get_by_role("button", name="Remove").first.click()
    page.locator("#search").get_by_label("Value matches").fill("state > `1`")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#count")).to_contain_text("0 of 6 records match")
    expect(page.locator("#filter-problems")).to_contain_text("cannot be evaluated on")
    assert_accessible(page)
    page.locator("#search").get_by_label("Value matches").fill("")
    page.get_by_role("button", name="Search", exact=True).click()
    console.opener(0, 2).wait_for()
    console.open_record(0, 2)
    page.get_by_text("By time", exact=True).click()
    assert_accessible(page)
    page.get_by_role("button", name="Resend …").click()
    expect(page.get_by_role("dialog")).to_contain_text("No newer record")
    assert_accessible(page)
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_label("Select all records shown").check()
    page.locator("#selected-resend").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("see 2 lines of 6")
    assert_accessible(page)


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_console_demo_needs_no_typing_and_says_that_nothing_is_kept(
    open_console: OpenConsole, start_service: ServeConsole
) -> None:
    """Open access signs in by itself, the only topic is there, and its sample record can be resent."""
    console = open_console(start_service(["demo"], {}))
    page = console.page
    console.open()
    expect(page.locator("#banners")).to_contain_text("nothing is kept")
    expect(page.locator("#topic-name")).to_have_text("topic-test")
    expect(page.locator("#chart")).to_contain_text("No chart")
    console.open_record(0, 4)
    page.locator("#record").get_by_label("Deliver to").fill("keyA")
    page.get_by_role("button", name="Resend …").click()
    expect(page.get_by_role("dialog")).to_contain_text("There is a newer record with this key")
    confirm(page)
    page.get_by_role("link", name="partition 0, offset 12").click()
    console.opened(0, 12)

    expect(page.locator("#record").get_by_role("row", name="consumer_key")).to_contain_text("keyA")
    page.get_by_text("By time", exact=True).click()
    page.get_by_role("button", name="1 h", exact=True).click()
    expect(page.locator("#records-problem")).to_contain_text("RESEND.00400")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_console_screenshots_for_the_readme(
    open_console: OpenConsole, service: str, make_topic: MakeTopic, plain: PlainClient, tmp_path: Path, scheme: str
) -> None:
    """The pictures in docs/images are what a browser shows; `make screenshots` makes them with this test."""
    folder = Path(os.environ.get("CONSOLE_SCREENSHOTS") or tmp_path)
    topic = make_topic(partitions=3, name="shop.orders")
    write_orders(plain, topic)
    make_topic(partitions=2, name="shop.payments")
    make_topic(name="shop.customers", config={"cleanup.policy": "compact"})
    console = open_console(service, color_scheme=scheme, timezone_id="Europe/Berlin")
    page = console.page
    console.show(topic)
    # The broker may have topics of others.
    page.get_by_label("Search topics by name").fill("shop.")
    expect(page.locator("#topic-list li")).to_have_count(3)
    expect(page.get_by_role("slider")).to_be_visible()
    page.locator("#rows button").nth(5).click()
    page.locator("#record").get_by_label("Deliver to").fill("billing")
    if scheme == "dark":
        page.get_by_role("button", name="Resend …").click()
        expect(page.get_by_role("dialog")).to_contain_text("newer record")
    picture = folder / f"console-{scheme}.png"
    page.screenshot(path=picture, animations="disabled", caret="hide")

    assert picture.stat().st_size > 10_000


def write_orders(plain: PlainClient, topic: str) -> None:
    """Write what a shop may have written within an hour."""
    states = ["placed", "paid", "packed", "shipped"]
    for number in range(90):
        customer = 1000 + number // 4
        value = {
            "order": customer,
            "state": states[number % 4],
            "customer": f"c-{customer % 37}",
            "lines": [{"sku": "TEA-GREEN-250", "quantity": 2, "cents": 890}],
            "total_cents": 1780,
        }
        headers: list[Header] = [("content-type", b"application/json"), ("trace", f"checkout-{customer:x}".encode())]
        if number % 23 == 22:
            headers.append(("consumer_key", b"billing"))
        age_ms = 3_600_000 - 36_000 * number - (number % 7) * 4000 - (300_000 if number > 60 else 0)
        plain.produce(
            topic,
            json.dumps(value).encode(),
            f"order-{customer}".encode(),
            headers,
            partition=customer % 3,
            timestamp_ms=NOW_MS - age_ms,
        )
