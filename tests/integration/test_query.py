"""Finding records in logs as they really are: with holes, with times out of order, larger than one scan."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from threading import Event

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AclOperation

from kafka.client.config import ClusterConfig, QueryLimits
from kafka.cluster import Cluster
from kafka.filter.conditions import Filter
from kafka.metadata.kafka_metadata import KafkaMetadata
from kafka.model.errors import AccessDenied, Closing, ClusterUnavailable, DeadlineExceeded, TooManyScans
from kafka.model.records import Position
from kafka.search.histogram import Histogram
from kafka.search.scanners import Abandoned
from kafka.search.selection import HistogramQuery, Page, Paging, Selection
from tests.support.acls import Administrator, sasl
from tests.support.brokers import Broker, StartBroker
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import OpenCluster, eventually

NOW_MS = time.time_ns() // 1_000_000
BEGIN_MS = NOW_MS - 3_600_000
SMALL = QueryLimits(max_scan_records=1000)

RARE = Filter(key="rare", include_resent=True)


async def pages(cluster: Cluster, selection: Selection, limit: int = 7, preview_bytes: int = 0) -> AsyncIterator[Page]:
    """Yield all pages of a search."""
    rest = None
    while True:
        page = await cluster.find(selection, Paging(limit, preview_bytes=preview_bytes), rest, Event())
        yield page
        rest = page.rest
        if rest is None:
            return


async def everything(cluster: Cluster, selection: Selection, limit: int = 7) -> list[tuple[int, int]]:
    """Return partition and offset of all that a search gives, in its order."""
    return [(found.partition, found.offset) async for page in pages(cluster, selection, limit) for found in page.found]


def by_partition(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return positions by partition, and within it in the order in which they came."""
    return sorted(found, key=lambda position: position[0])


async def test_pages_to_the_end_give_every_committed_record_once_in_a_log_with_holes(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Aborted records, markers and what was deleted are left out, whichever way the log is read."""
    topic = make_topic(partitions=3)
    for partition in range(3):
        plain.produce_many(topic, [b"plain"] * 5, partition=partition)
        plain.transaction(topic, partition, [b"aborted"] * 4, "abort")
        plain.transaction(topic, partition, [b"committed"] * 6, "commit")
        plain.transaction(topic, partition, [b"aborted"] * 40, "abort")
    plain.delete_records(topic, 1, 3)
    expected = [(p, seen.offset) for p in range(3) for seen in plain.log(topic, p, "read_committed")]
    times = (0, NOW_MS + 3_600_000)
    forwards = [Selection(topic), Selection(topic, times_ms=times)]
    backwards = [Selection(topic, ascending=False), Selection(topic, times_ms=times, ascending=False)]

    assert 8 + 11 + 11 == len(expected)
    for limit in (1, 7, 1000):
        for selection in forwards:
            assert expected == by_partition(await everything(cluster, selection, limit))
        for selection in backwards:
            assert expected == by_partition((await everything(cluster, selection, limit))[::-1])
    assert expected[11:19] == await everything(cluster, Selection(topic, 1, offsets=(0, None)))


async def test_compacted_log_is_listed_without_its_holes(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What compaction took is not there, and nothing waits for it."""
    topic = make_topic(config=plain.compacting)
    hole = plain.compact(topic, 0)
    found = await everything(cluster, Selection(topic, 0, offsets=(0, hole + 2)))
    single = await everything(cluster, Selection(topic, 0, offsets=(hole, hole + 1)))

    assert (0, hole) not in found
    assert (0, hole + 1) in found
    assert [] == single


async def test_range_of_offsets_is_half_open_and_cut_to_the_log(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What is deleted or not written yet is no error in a list, and other partitions are left out."""
    topic = make_topic(partitions=2)
    for partition in range(2):
        plain.produce_many(topic, [b"v"] * 10, partition=partition)
    plain.delete_records(topic, 1, 2)
    asked = {(0, 4): [2, 3], (5, 7): [5, 6], (8, None): [8, 9], (8, 99): [8, 9], (10, None): [], (50, 60): []}
    got = {
        offsets: [offset for _, offset in await everything(cluster, Selection(topic, 1, offsets=offsets))]
        for offsets in asked
    }

    assert asked == got
    assert [(1, 6), (1, 5)] == await everything(cluster, Selection(topic, 1, offsets=(5, 7), ascending=False))


async def test_search_by_time_merges_partitions_and_finds_copies_after_the_others(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A copy with its original's time is at the end of the log, far beyond the index entry of the range's end."""
    topic = make_topic(partitions=3)
    for number in range(30):
        plain.produce(topic, b"v", partition=number % 3, timestamp_ms=BEGIN_MS + 1000 * number)
    # Copies of what is at 0@2 and 1@3, and one of a record before the range.
    for partition, number in ((0, 6), (1, 10), (1, 1)):
        plain.produce(topic, b"copy", partition=partition, timestamp_ms=BEGIN_MS + 1000 * number)
    times = (BEGIN_MS + 6000, BEGIN_MS + 12_000)
    ordinary = [(number % 3, number // 3) for number in range(6, 12)]

    assert [*ordinary, (0, 10), (1, 10)] == await everything(cluster, Selection(topic, times_ms=times), 2)
    assert [*ordinary[::-1], (1, 10), (0, 10)] == await everything(
        cluster, Selection(topic, times_ms=times, ascending=False), 2
    )
    assert [(1, 2), (1, 3), (1, 10)] == await everything(cluster, Selection(topic, 1, times_ms=times))
    assert [] == await everything(cluster, Selection(topic, times_ms=(1, 2)))
    assert [] == await everything(cluster, Selection(topic, times_ms=(NOW_MS + 10**9, NOW_MS + 10**9 + 1)))


def write_in_turn(plain: PlainClient, topic: str) -> None:
    """Write 300 records to each of three partitions, a second apart from each other, in turn."""
    for partition in range(3):
        times = [BEGIN_MS + 1000 * (3 * number + partition) for number in range(300)]
        plain.produce_many(topic, [b"v"] * 300, partition=partition, timestamps_ms=times)


async def test_resent_record_is_among_the_newest_and_hides_none(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A copy keeps its original's time and is the last of its partition: it is seen, and so is what it is behind."""
    topic = make_topic(partitions=3)
    write_in_turn(plain, topic)
    await cluster.resend(Position(topic, 0, 0), "billing")
    for limit in (100, 500):
        page = await cluster.find(Selection(topic, ascending=False), Paging(limit), None, Event())
        share = Counter(found.partition for found in page.found)

        assert limit == len(page.found)
        assert all(abs(share[partition] - limit // 3) <= 5 for partition in range(3)), share
        assert (0, 300) in [(found.partition, found.offset) for found in page.found]


async def test_record_of_the_future_does_not_keep_its_partition_from_the_oldest(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Microseconds written as milliseconds: from the beginning on and by time, others of its partition are there."""
    topic = make_topic(partitions=3, config={"message.timestamp.after.max.ms": str(2**62)})
    plain.produce(topic, b"future", partition=0, timestamp_ms=NOW_MS * 1000)
    write_in_turn(plain, topic)
    times = (BEGIN_MS, NOW_MS * 2000)
    hour = (BEGIN_MS, BEGIN_MS + 600_000)
    for selection in (Selection(topic), Selection(topic, times_ms=times), Selection(topic, times_ms=hour)):
        page = await cluster.find(selection, Paging(99), None, Event())
        share = Counter(found.partition for found in page.found)

        assert all(abs(share[partition] - 33) <= 5 for partition in range(3)), share
        assert (selection.times_ms != hour) == ((0, 0) in [(found.partition, found.offset) for found in page.found])


async def counted(cluster: Cluster, topic: str, times_ms: tuple[int, int], buckets: int = 4) -> Histogram:
    """Return how many records of a topic there are by time."""
    return await cluster.histogram(HistogramQuery(topic, None, times_ms, buckets), Event())


def numbers(histogram: Histogram) -> list[int]:
    """Return the counts of a histogram."""
    return [bucket.count for bucket in histogram.buckets]


async def test_histogram_counts_what_the_list_shows_beside_a_record_of_the_future(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The broker's index knows only the future record from there on: 300 records were counted as none."""
    topic = make_topic(partitions=3, config={"message.timestamp.after.max.ms": str(2**62)})
    future = NOW_MS * 1000
    plain.produce(topic, b"future", partition=0, timestamp_ms=future)
    write_in_turn(plain, topic)
    plain.produce(topic, b"copy", partition=1, timestamp_ms=BEGIN_MS + 1000)
    hour = (BEGIN_MS, BEGIN_MS + 900_000)
    for partition, expected in ((0, 75), (1, 75), (2, 75)):
        asked = HistogramQuery(topic, partition, hour, 4)
        got = await cluster.histogram(asked, Event())
        extra = 1 if partition == 1 else 0

        assert [expected + extra, expected, expected, expected] == numbers(got)
        assert got.exact
    everything_ever = await counted(cluster, topic, (0, 2**63 - 1), 2)
    far = Selection(topic, times_ms=(NOW_MS, 2**63 - 1))

    assert [902, 0] == numbers(everything_ever)
    assert [(0, 0)] == await everything(cluster, far)
    assert [0, 1] == numbers(await counted(cluster, topic, (NOW_MS, future + (future - NOW_MS)), 2))


async def test_histogram_of_much_goes_by_the_index_unless_the_log_contradicts_it(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A partition whose index tells nothing is read as far as a search may, and else named instead of counted as 0."""
    topic = make_topic(partitions=2, config={"message.timestamp.after.max.ms": str(2**62)})
    plain.produce(topic, b"future", partition=0, timestamp_ms=NOW_MS * 1000)
    for partition in range(2):
        times = range(BEGIN_MS, BEGIN_MS + 2400)
        plain.produce_many(topic, [b"v"] * 2400, partition=partition, timestamps_ms=times)
    hour = (BEGIN_MS, BEGIN_MS + 2400)
    read = await open_cluster(query=QueryLimits(max_scan_records=3000))
    left_out = await open_cluster(query=QueryLimits(max_scan_records=1000))
    exact = await open_cluster()

    assert ([1200] * 4, True, ()) == told(await counted(exact, topic, hour))
    assert ([1200] * 4, False, ()) == told(await counted(read, topic, hour))
    assert ([600] * 4, False, (0,)) == told(await counted(left_out, topic, hour))


def told(histogram: Histogram) -> tuple[list[int], bool, tuple[int, ...]]:
    """Return all that a histogram says."""
    return numbers(histogram), histogram.exact, histogram.uncounted


async def test_newest_records_come_merged_by_time_with_an_upper_bound_of_all(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """However unevenly they are spread, all partitions are there, sorted by time, and only what is needed is read."""
    topic = make_topic(partitions=3)
    for number in range(300):
        partition = 0 if number < 290 else 1 + number % 2
        if number % 10 == 0:
            plain.produce(topic, b"v", partition=partition, timestamp_ms=BEGIN_MS + number)
    plain.produce_many(topic, [b"v"] * 2000, partition=2)
    first = await cluster.find(Selection(topic, ascending=False), Paging(100, preview_bytes=1), None, Event())
    got = [(found.partition, found.offset) for found in first.found]
    share = Counter(partition for partition, _ in got)

    assert [(2, offset) for offset in range(1999, 1999 - share[2], -1)] == got[: share[2]]
    assert [(1, 0), *((0, offset) for offset in range(28, 28 - share[0], -1))] == got[share[2] :]
    assert 50 <= share[2] < 100
    assert [b"v"] * 100 == [found.preview for found in first.found]
    assert not first.exact
    assert 2030 == first.total
    assert first.scanned.read < 500


async def test_scan_stops_at_its_bound_and_goes_on_where_it_stopped(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """No request reads more records than it may; pages may be empty, and yet the last record is found once."""
    cluster = await open_cluster(query=SMALL)
    topic = make_topic(partitions=2)
    for partition in range(2):
        plain.produce_many(topic, [b"v"] * 2500, partition=partition)
    plain.produce(topic, b"v", b"rare", partition=1)
    plain.produce_many(topic, [b"v"] * 2500, partition=1)
    for selection in (
        Selection(topic, filter=RARE),
        Selection(topic, filter=RARE, ascending=False),
        Selection(topic, times_ms=(0, NOW_MS + 10**9), filter=RARE),
    ):
        got = [page async for page in pages(cluster, selection)]

        assert [(1, 2500)] == [(found.partition, found.offset) for page in got for found in page.found]
        assert all(page.scanned.read <= 1000 for page in got)
        assert {"records"} == {page.scanned.stopped_by for page in got[:-1]}
        assert (None, True, 1) == (got[-1].scanned.stopped_by, got[-1].exact, got[-1].total)
        assert all(before.total >= after.total for before, after in itertools.pairwise(got))
        assert len(got) >= 7501 // 1000


async def test_skip_leaves_out_as_many_however_the_scan_is_cut(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Records that are left out count once, also when they fill more than one scan."""
    cluster = await open_cluster(query=SMALL)
    topic = make_topic()
    plain.produce_many(topic, [b"v"] * 3000)
    rest, got = None, []
    while True:
        page = await cluster.find(Selection(topic), Paging(10, skip=2500), rest, Event())
        got += [found.offset for found in page.found]
        rest = page.rest
        if got or rest is None:
            break

    assert list(range(2500, 2510)) == got


async def test_list_ends_before_an_open_transaction(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What is not committed yet is not listed, nor what is behind it; nothing waits for its end."""
    topic = make_topic()
    plain.produce_many(topic, [b"v"] * 3)
    transaction = plain.transaction(topic, 0, [b"open"], "open")
    try:
        plain.produce(topic, b"behind")
        started = time.monotonic()
        found = await everything(cluster, Selection(topic, ascending=False))
        took = time.monotonic() - started
    finally:
        transaction.commit()

    assert [(0, 2), (0, 1), (0, 0)] == found
    assert took < 3
    assert [(0, number) for number in range(5)] == await everything(cluster, Selection(topic))


async def test_start_that_is_deleted_between_two_pages_is_passed_over(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Retention does not end a search: it continues at the new log start."""
    topic = make_topic()
    plain.produce_many(topic, [b"v"] * 20)
    for ascending, expected in ((True, [8, 9, 10]), (False, [14, 13, 12])):
        start = 3 if ascending else 0
        first = await cluster.find(
            Selection(topic, 0, offsets=(start, 18), ascending=ascending), Paging(3), None, Event()
        )
        plain.delete_records(topic, 0, 8)
        second = await cluster.find(
            Selection(topic, 0, offsets=(start, 18), ascending=ascending), Paging(3), first.rest, Event()
        )

        assert expected == [found.offset for found in second.found]


async def test_search_that_nobody_waits_for_ends_and_frees_its_place(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Whoever goes away ends their scan; others then find the place free."""
    cluster = await open_cluster(query=QueryLimits(max_concurrent_scans=1))
    topic = make_topic()
    plain.produce_many(topic, [b"v"] * 100)
    gone = Event()
    gone.set()
    with pytest.raises(Abandoned):
        await cluster.find(Selection(topic), Paging(1), None, gone)
    searching = asyncio.create_task(cluster.find(Selection(topic, filter=Filter(key="none")), Paging(1), None, Event()))
    await asyncio.sleep(0)
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching

    assert 100 == len(await everything(cluster, Selection(topic), 1000))


async def test_search_beside_as_many_as_may_be_waits_and_then_is_refused(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """One more than allowed at once waits for its turn; when none comes in time, it is told how many there are."""
    cluster = await open_cluster(query=QueryLimits(max_concurrent_scans=1, max_scan_seconds=2))
    topic = make_topic()
    plain.produce_many(topic, [b"v"] * 100)
    side_by_side = await asyncio.gather(*(everything(cluster, Selection(topic), 1000) for _ in range(5)))
    async with cluster._watch.clients.query._places.place("another"):
        with pytest.raises(TooManyScans):
            await cluster.find(Selection(topic), Paging(1), None, Event())

    assert [100] * 5 == [len(found) for found in side_by_side]


async def test_broker_that_hangs_ends_a_search_at_its_deadline(
    open_cluster: OpenCluster, controlled_broker: StartBroker
) -> None:
    """No record at all is an error, not an empty page to continue from forever; a broker that is back serves."""
    broker = controlled_broker()
    plain = PlainClient(broker.bootstrap)
    plain.create_topic("orders", 1)
    plain.produce_many("orders", [b"v"] * 100)
    cluster = await open_cluster(bootstrap=broker.bootstrap, query=QueryLimits(max_scan_seconds=2))
    first = await cluster.find(Selection("orders"), Paging(10), None, Event())
    broker.pause()
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await cluster.find(Selection("orders"), Paging(10), first.rest, Event())
    took = time.monotonic() - started
    broker.resume()

    async def served() -> bool:
        try:
            page = await cluster.find(Selection("orders"), Paging(10), first.rest, Event())
        except (ClusterUnavailable, DeadlineExceeded):
            return False
        return list(range(10, 20)) == [found.offset for found in page.found]

    assert took < 4
    await eventually(served, seconds=30)


async def test_closed_cluster_refuses_searches(broker: Broker, make_topic: MakeTopic) -> None:
    """Closing ends the threads of searches as well."""
    topic = make_topic()
    cluster = Cluster(ClusterConfig("closed", (broker.bootstrap,)))
    await cluster.open()
    await everything(cluster, Selection(topic))
    await cluster.close()
    with pytest.raises(Closing):
        await cluster.find(Selection(topic), Paging(1), None, Event())
    with pytest.raises(Closing):
        await cluster.topics(lambda _: True, 0, 1)


async def test_search_needs_read_but_not_the_topics_configuration(
    open_cluster: OpenCluster, with_acls: tuple[str, Administrator]
) -> None:
    """Read is enough to find and read records, and named where it is missing; the list tells what it can."""
    bootstrap, administrator = with_acls
    administrator.create("to-look-at")
    administrator.produce("to-look-at", b"value")
    administrator.allow("looker", "to-look-at", AclOperation.READ)
    administrator.allow("describer", "to-look-at", AclOperation.DESCRIBE)
    looker = await open_cluster(bootstrap=bootstrap, properties=sasl("looker"))
    describer = await open_cluster(bootstrap=bootstrap, properties=sasl("describer"))
    _, record = await looker.read(Position("to-look-at", 0, 0))
    (listed,) = (await looker.topics(lambda _: True, 0, 10))[1]
    with pytest.raises(AccessDenied) as denied:
        await describer.find(Selection("to-look-at"), Paging(1), None, Event())

    assert [(0, 0)] == await everything(looker, Selection("to-look-at"))
    assert b"value" == record.value
    assert ("to-look-at", False, 0, 1) == (
        listed.summary.name,
        listed.configured,
        listed.bounds[0].log_start_offset,
        listed.bounds[0].high_watermark,
    )
    assert isinstance(listed.problem, AccessDenied)
    assert "DescribeConfigs" == listed.problem.operation
    assert "Read" == denied.value.operation


async def test_broker_that_hangs_tells_no_end_of_a_partition(controlled_broker: StartBroker) -> None:
    """Where its log ends is not known; an offset that the library makes up would hide all that is there."""
    broker = controlled_broker()
    plain = PlainClient(broker.bootstrap)
    plain.create_topic("orders", 1)
    plain.produce_many("orders", [b"v"] * 100)
    metadata = KafkaMetadata(ClusterConfig("hangs", (broker.bootstrap,)))
    assert {("orders", 0): 100} == await metadata.ends([("orders", 0)], committed=True)
    broker.pause()
    answer = (await metadata.ends([("orders", 0)], committed=True))[("orders", 0)]
    broker.resume()
    assert isinstance(answer, KafkaException), answer
