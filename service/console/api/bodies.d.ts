/** Bodies of the API: made of its OpenAPI document by `python -m tests.support.console_types`. */

/** A stretch of time and how many records have their time in it. */
export interface BucketItem {
  start_time: bigint;
  end_time: bigint;
  count: number;
}

/** An instance that the caller may do something to. */
export interface CallerInstance {
  instance_id: string;
  state: "opening" | "ready" | "away" | "closing";
  /** Why it is away. */
  reason: string | null;
  /** A broker in memory: nothing is kept, and nothing is found by time. */
  embedded: boolean;
  /** The operator has stopped all resends. */
  read_only: boolean;
  /** What the caller may do there. */
  actions: string[];
  /** Dialects of dead letters that jobs may name there, `auto` first. */
  dialects: string[];
}

/** Who the token belongs to, and what they may touch. */
export interface CallerResponse {
  name: string;
  /** A project id that works in the caller's paths. */
  project: string;
  instances: CallerInstance[];
}

/** What is asked of the headers of one name. */
export interface ConditionItem {
  name: string;
  /** Absent: any. */
  value?: string | null;
  /** true, or absent. */
  absent?: boolean;
}

/** How far consumer groups have committed. That they have processed what they are past is not said. */
export interface ConsumersResponse {
  /** When, in Unix milliseconds; nothing is kept of earlier answers. */
  checked_at: number;
  /** How many copies groups are compared with; absent: none are. */
  copies?: number | null;
  /** Of how many of them it is not known in which partition they are; absent: of none. */
  copies_unplaced?: number | null;
  /** Those that were named; or those that the cluster names and that have committed something there. */
  groups: GroupItem[];
  /** Whether these are all that the cluster names, or all that were named. */
  complete: boolean;
  /** Why they are not. */
  reason?: string | null;
}

/** Where the copies in a partition are. */
export interface CopiesItem {
  topic: string;
  partition: number;
  /** How many. */
  copies: number;
  /** No copy lies before it; null where the broker has told no offset. */
  first_offset: bigint | null;
  /** Of the last copy whose offset the broker has told. */
  last_offset: bigint | null;
  /** How many of them the broker has acknowledged without telling the offset; absent: none. */
  unplaced?: number;
}

/** Messages so far. Each one that was scanned is counted once more, up to `matched`. */
export interface CountsItem {
  /** Offsets to read altogether: an upper bound of the messages. */
  selected: number;
  /** Messages of the selection that were read, and named positions that have none. */
  scanned: number;
  /** Their timestamp is not in the range. */
  outside_time_range: number;
  /** They carry a consumer_key, and `filter.include_resent` is not set. */
  already_resent: number;
  /** They do not meet a condition of the filter. */
  not_matched: number;
  /** The filter has a JMESPath expression, and their value is null or not JSON. */
  not_json: number;
  /** The JMESPath expression cannot be evaluated on their value. */
  not_evaluated: number;
  /** They meet all conditions. */
  matched: number;
  /** Their copies are written. */
  resent: number;
  /** They match and cannot be copied, or a named position has no message. */
  failed: number;
  /** Offsets that retention removed before they were read. */
  expired: number;
}

/** Messages of which their headers say the same; the first four fields are those of `filter.dead_letters`. */
export interface DeadLetterGroupItem {
  /** Null: they are no dead letters, or contradict themselves; see problem. */
  dialect: string | null;
  /** Where they came from. */
  topic: string | null;
  /** The consumer group that could not process them; null where none is named, or not clearly. */
  group: string | null;
  /** Class of the exception, up to 500 characters; null where none is named. */
  reason: string | null;
  /** Why there is no dialect. */
  problem: string | null;
  count: number;
  /** How many of them carry a consumer_key, and are left out by jobs. */
  already_resent: number;
  /** The lowest of their timestamps, Unix milliseconds; null without any. */
  first_time: number | null;
  /** The highest of their timestamps. */
  last_time: number | null;
  /** The first one, by partition, then by offset. */
  example: ExamplePositionItem;
}

/** Which dead letters are meant; what is left out is any. A group of GET …/dead-letters has these fields. */
export interface DeadLettersItem {
  /** In which it is said where they came from. */
  dialect?: string | null;
  /** Where they came from. */
  topic?: string | null;
  /** The consumer group that failed; "": none is named. */
  group?: string | null;
  /** Class of the exception; "": none is named. */
  reason?: string | null;
}

/** Groups of the messages that one request has read, the largest first; those of the next pages are to be added. */
export interface DeadLettersResponse {
  groups: DeadLetterGroupItem[];
  /** How many groups are in this answer. */
  size: number;
  /** Send it with the same other parameters for the next page; null: the end. */
  cursor: string | null;
  scan: GroupingScanItem;
}

/** Which dead letters are meant; what is absent is any. */
export interface DeadLettersToldItem {
  dialect?: string | null;
  topic?: string | null;
  /** "": none is named. */
  group?: string | null;
  /** "": none is named. */
  reason?: string | null;
}

/** How many of these messages say in a dialect where they came from. */
export interface DialectWouldResendItem {
  dialect: string;
  would_resend: number;
}

/** What went wrong, and what to do. */
export interface ErrorResponse {
  /** Stable code, listed in docs/errors.md. */
  error_code: string;
  /** What is wrong with which value, and what to do. */
  error_msg: string;
}

/** Where one of the messages is. */
export interface ExamplePositionItem {
  partition: number;
  message_offset: bigint;
}

/** A message that could not be resent, or a position that has none. */
export interface FailureItem {
  partition: number;
  message_offset: bigint;
  reason: string;
  /** As a single resend answers; null where it has no such error. */
  error_code: string | null;
}

/** Which of the selected messages are meant: those that meet all of it. */
export interface FilterItem {
  /** Exactly this key, as UTF-8. */
  key?: string | null;
  /** The key begins with this, as UTF-8. */
  key_prefix?: string | null;
  /** The key contains this, as UTF-8. */
  key_contains?: string | null;
  headers?: HeaderConditionItem[] | null;
  /** An expression that must be true of the value as JSON. */
  jmespath?: string | null;
  /** Also messages that carry a consumer_key already. */
  include_resent?: boolean;
  /** Dead letters of one group; null: any messages. */
  dead_letters?: DeadLettersItem | null;
}

/** Which of the messages that are read are resent. */
export interface FilterToldItem {
  key: string | null;
  /** Absent: any. */
  key_prefix?: string | null;
  /** Absent: any. */
  key_contains?: string | null;
  headers: ConditionItem[];
  jmespath: string | null;
  include_resent: boolean;
  /** Absent: any messages. */
  dead_letters?: DeadLettersToldItem | null;
}

/** How far a consumer group has committed. */
export interface GroupItem {
  group: string;
  /** `not_started`: it has committed nothing there; `passing`: past some of the copies, or none; `passed`: past all of them; `committed`: something, where no copies are asked about; `denied`: Kafka's ACLs do not allow the service to see it; `unknown`. */
  state: "not_started" | "passing" | "passed" | "committed" | "denied" | "unknown";
  /** How many copies it has committed past. */
  copies_passed?: number | null;
  /** Whether that is exact. */
  passed_relation?: "exact" | "at_least" | null;
  /** How many others, at least, were deleted before the group has committed past them. */
  copies_deleted?: number | null;
  partitions: GroupPartitionItem[];
  /** Why it is denied or unknown, where an error says so. */
  error_code?: string | null;
  /** The same in words. */
  reason?: string | null;
}

/** A consumer group in a partition. */
export interface GroupPartitionItem {
  topic: string;
  partition: number;
  /** The offset that the group reads next; null where it has committed nothing. */
  committed_offset: number | null;
  /** How many copies are there. */
  copies?: number | null;
  /** How many of them lie before the committed offset. */
  copies_passed?: number | null;
  /** Whether that is exact. */
  passed_relation?: "exact" | "at_least" | null;
  /** How many others, at least, were deleted before the group has committed past them. */
  copies_deleted?: number | null;
}

/** What was read for an answer. */
export interface GroupingScanItem {
  /** How many records were read. */
  records: number;
  milliseconds: number;
  /** Everything was read and nothing follows. */
  complete: boolean;
  stopped_by: "groups" | "records" | "seconds" | null;
  /** Offsets still to be read: as many records or fewer. */
  left: number;
}

/** What is asked of the headers of one name; with neither value nor absent there must be one. */
export interface HeaderConditionItem {
  name: string;
  /** Of the last header of that name. */
  value?: string | null;
  /** There is none of that name. */
  absent?: boolean;
}

/** A header of a record. */
export interface HeaderItem {
  name: string;
  value: string | null;
  encoding: "utf-8" | "base64";
}

/** The process answers. */
export interface Health {
  status: "ok";
}

/** How many records there are in each stretch of time. */
export interface HistogramResponse {
  buckets: BucketItem[];
  /** Counted by the brokers' index of times; false: by every record's own time. */
  approximate: boolean;
  total: number;
  /** Partitions left out: their times are out of order, and they are too large to be read. */
  uncounted_partitions: number[];
}

/** Whether one instance's cluster can be used now. */
export interface InstanceReadiness {
  state: "opening" | "ready" | "away" | "closing";
  /** Why it is away. */
  reason?: string | null;
}

/** Which messages to resend, and the recipient; at most one of offsets, the two times, and messages. */
export interface JobRequest {
  /** Topic name. */
  topic: string;
  /** What people are to call the job. */
  name?: string | null;
  /** The only partitions; all without. */
  partitions?: number[] | null;
  /** Ranges of offsets, one a partition. */
  offsets?: OffsetRangeItem[] | null;
  /** First timestamp, Unix milliseconds. */
  start_time?: bigint | null;
  /** First timestamp after the range. */
  end_time?: bigint | null;
  /** Exactly these messages. */
  messages?: MessagePosition[] | null;
  filter?: FilterItem | null;
  /** The key of the application that the copy is for: set as the copy's header consumer_key, in place of earlier ones. At most 1024 bytes of UTF-8 without control characters. Without it, or with null, the headers stay as they are. */
  consumer_key?: string | null;
  /** At most. */
  records_per_second?: number | null;
  /** The job fails at that many failures. */
  max_failures?: number | null;
  /** Count and report, and write nothing. */
  dry_run?: boolean;
  /** Copies have headers that say what they are copies of; null: with a target or max_resends. */
  provenance?: boolean | null;
  /** A message that jobs have resent that often is a failure. */
  max_resends?: number | null;
  /** Accept the job although another one has resent records of the selection for the same recipient. */
  allow_duplicate?: boolean;
  /** Where the copies go; null: to the topic and the partition of the messages. */
  target?: TargetItem | null;
}

/** A job. */
export interface JobResponse {
  job_id: string;
  /** What people call it; absent where it has no name. */
  name?: string | null;
  state: "pending" | "running" | "paused" | "succeeded" | "failed" | "cancelled";
  topic: string;
  project_id: string;
  /** Name of the caller. */
  created_by: string;
  /** Unix milliseconds, as all times here. */
  created_at: number;
  started_at: number | null;
  updated_at: number | null;
  ended_at: number | null;
  dry_run: boolean;
  /** Absent when the copies are for everybody. */
  consumer_key?: string | null;
  /** Absent when the copies go to the topic and the partition of the messages. */
  target?: TargetToldItem | null;
  /** Copies say what they are copies of; absent: they do not. */
  provenance?: boolean;
  /** Absent: as often as the operator allows. */
  max_resends?: number | null;
  /** Id of a job that had resent some of the messages for the same recipient, or was about to, when this one was accepted; absent: none was found. */
  overlaps?: string | null;
  selection: SelectionItem;
  filter: FilterToldItem;
  records_per_second: number | null;
  max_failures: number | null;
  counts: CountsItem;
  progress: ProgressItem[];
  /** Messages resent a second since the start; 0 in a dry run. */
  rate: number;
  /** Messages scanned a second since the start. */
  scan_rate: number;
  /** An estimate; null where there is none. */
  eta_seconds: number | null;
  /** Why it failed. */
  reason: string | null;
  cancel_requested: boolean;
  /** Why workers of this version leave it alone, but for a cancel. What cannot be read is empty or 0. */
  unsupported_reason: string | null;
  /** The first message found on which the JMESPath expression cannot be evaluated. */
  first_not_evaluated?: FailureItem | null;
  /** What may be wrong with a filter that nothing has matched yet; not in lists. */
  hint?: string | null;
  /** What a job that has not ended waits for, such as a worker, one of Kafka's ACLs, or its turn; null where it waits for nothing, or to be resumed. */
  waits_for: string | null;
  /** The first 100, or all of a job over messages; not in lists. */
  failures?: FailureItem[] | null;
  /** Nothing failed beyond these; not in lists. */
  failures_listed_all?: boolean | null;
  /** Of a dry run, once it has begun; not in lists. */
  report?: ReportItem | null;
  /** Where its copies are, as of the last commit: at most 1,000 partitions; not in lists. */
  copies?: CopiesItem[] | null;
}

/** Some of the jobs, the newest first. */
export interface JobsResponse {
  jobs: JobResponse[];
  /** How many there are. */
  total: number;
  /** How many are in this answer. */
  size: number;
}

/** A record: where it is and what it is like; asked for by position, with its content. */
export interface MessageItem {
  topic: string;
  partition: number;
  message_offset: bigint;
  /** Unix milliseconds; null if the record has none. */
  timestamp: bigint | null;
  timestamp_type: "CreateTime" | "LogAppendTime" | "NoTimestampType";
  key: string | null;
  key_encoding: "utf-8" | "base64";
  /** Bytes of key, value and headers. */
  size: number;
  /** Bytes of the value; null for a null value. */
  value_size: number | null;
  message_id: string;
  app_id: "";
  tag: "";
  /** Its value is too large to be shown; download=true gives it. */
  huge_message: boolean;
  /** Value of its last header consumer_key; null if that value is null, and without such a header. */
  consumer_key: string | null;
  consumer_key_encoding: "utf-8" | "base64";
  /** Whether it has a header consumer_key; null: not known, since a header name is not UTF-8. */
  has_consumer_key: boolean | null;
  /** The beginning of the value as text; only if asked for. */
  preview?: string | null;
  /** Bytes in it are not UTF-8, and are U+FFFD in the preview; only if asked for. */
  preview_lossy?: boolean;
  /** By position, or with values=true; absent when huge. */
  value?: string | null;
  /** As value. */
  value_encoding?: "utf-8" | "base64";
  /** By position, or with values=true: in their order, repeated ones too. */
  headers?: HeaderItem[];
}

/** Where a message is. */
export interface MessagePosition {
  partition: number;
  message_offset: bigint;
}

/** A page of messages. */
export interface MessagesResponse {
  messages: MessageItem[];
  total: number;
  total_relation: "exact" | "upper_bound";
  /** How many are in this answer. */
  size: number;
  /** Send it with the same other parameters for the next page; null: the end. */
  cursor: string | null;
  scan: ScanItem;
}

/** A message on whose value the JMESPath expression cannot be evaluated. */
export interface NotEvaluatedItem {
  partition: number;
  message_offset: bigint;
  reason: string;
}

/** A range of offsets of one partition. */
export interface OffsetRangeItem {
  partition: number;
  start?: bigint;
  /** Not part of it; null: the log's end. */
  end?: bigint | null;
}

/** Where a partition begins and ends; null where the service may not know. */
export interface PartitionBounds {
  partition: number;
  log_start_offset: bigint | null;
  high_watermark: bigint | null;
}

/** How far a partition is. */
export interface ProgressItem {
  partition: number;
  next_offset: bigint;
  end_offset: bigint;
}

/** Whether the service takes requests, and which of its instances it could serve. */
export interface Readiness {
  status: "starting" | "ready" | "stopping";
  instances: Record<string, InstanceReadiness>;
  /** Why grants may be out of date; absent while the callers file can be read. */
  callers?: string | null;
}

/** How many of these messages have their time in a stretch. */
export interface ReportBucketItem {
  start_time: bigint;
  end_time: bigint;
  count: number;
}

/** What a dry run has found. */
export interface ReportItem {
  /** Messages that match and can be copied: `matched` less `failed`. */
  would_resend: number;
  partitions: WouldResendItem[];
  /** Of the keys and values of these messages. */
  size_bytes: number;
  /** The first 100, by partition, then by offset. */
  first: MessagePosition[];
  /** Stretches without any are left out. */
  histogram: ReportBucketItem[];
  /** The first 100 topics; absent where the target is the messages' own. */
  targets?: TargetWouldResendItem[] | null;
  /** Dialects that were recognised; absent where the target is the messages' own. */
  dialects?: DialectWouldResendItem[] | null;
}

/** What may be said about a job of what another one lists as failed; nothing at all is an empty one. */
export interface ResendFailedRequest {
  /** As for a job over these messages. */
  allow_duplicate?: boolean;
}

/** Which message to resend, and the recipient. */
export interface ResendRequest {
  /** Topic name. */
  topic: string;
  /** Partition, from 0. */
  partition: number;
  /** Offset of the message, from 0. 4 and 4.0 are the same; a float must be below 2^53. */
  message_offset: bigint;
  /** The key of the application that the copy is for: set as the copy's header consumer_key, in place of earlier ones. At most 1024 bytes of UTF-8 without control characters. Without it, or with null, the headers stay as they are. */
  consumer_key?: string | null;
}

/** The request's fields, once the copy is acknowledged by all in-sync replicas. */
export interface ResendResponse {
  /** Topic name. */
  topic: string;
  /** Partition. */
  partition: number;
  /** Offset of the message that was resent, not of its copy. */
  message_offset: bigint;
  /** Application key that the copy carries; absent when none was asked for. */
  consumer_key?: string | null;
}

/** What became of the messages that were scanned; the counts of all pages of a search add up, as those of a job do. */
export interface ScanCountsItem {
  /** Messages that were read, and will not be read again for the next page. */
  scanned: number;
  /** Their timestamp is not in the range. */
  outside_time_range: number;
  /** They carry a consumer_key, and the filter leaves such messages out. */
  already_resent: number;
  /** They do not meet a condition of the filter. */
  not_matched: number;
  /** The filter has a JMESPath expression, and their value is null or not JSON. */
  not_json: number;
  /** The JMESPath expression cannot be evaluated on their value. */
  not_evaluated: number;
  /** They are in this answer, or left out by offset. */
  matched: number;
}

/** What was read for an answer. */
export interface ScanItem {
  /** How many messages were read, those too that the next page reads again. */
  records: number;
  /** Of their keys, values and headers. */
  bytes: number;
  milliseconds: number;
  /** Timestamp of the message that was read last; null: none has one. */
  reached_time: number | null;
  /** Offsets that are still to be read: at most as many messages. */
  left: number;
  /** Everything was read and nothing follows. */
  complete: boolean;
  stopped_by: "limit" | "records" | "seconds" | "bytes" | null;
  counts: ScanCountsItem;
  /** The first of those counted as such. */
  first_not_evaluated: NotEvaluatedItem | null;
  /** What may be wrong with a filter that nothing in this answer meets. */
  hint: string | null;
}

/** A range of offsets that is read. */
export interface SelectedRangeItem {
  partition: number;
  start: bigint;
  /** Not part of it; fixed when the job was accepted. */
  end: bigint;
}

/** What is read, as it was fixed when the job was accepted. */
export interface SelectionItem {
  spans: SelectedRangeItem[];
  /** How many messages alone are meant; absent: all. */
  positions?: number | null;
  /** First timestamp; absent: any. */
  start_time?: bigint | null;
  /** First timestamp after the range; absent: any. */
  end_time?: bigint | null;
}

/** That the copies of dead-letter messages go to the topic and the partition that these came from. */
export interface TargetItem {
  /** Whose headers tell them: one of those that GET /v2/caller lists for the instance; `auto`: all that are there. */
  dialect: string;
  /** The copies lack these headers, and all others that the dialect has left, such as the stack trace. */
  remove_headers?: boolean;
  /** The consumer_key of each copy is the consumer group that its dead letter names. */
  group_as_recipient?: boolean;
}

/** That the copies go to where the messages came from. */
export interface TargetToldItem {
  dialect: string;
  remove_headers: boolean;
  /** true, or absent. */
  group_as_recipient?: boolean;
}

/** How many of these messages would go to a topic. */
export interface TargetWouldResendItem {
  topic: string;
  would_resend: number;
}

/** A topic. Where the service may not see its configuration, what that would tell is null. */
export interface TopicItem {
  name: string;
  /** How many partitions it has. */
  partition: number;
  replication: number;
  /** Hours, rounded up; null: unlimited, or not known where compacted is null as well. */
  retention_time: number | null;
  topic_type: "NORMAL";
  /** What the caller may do with it. */
  permissions: string[];
  topic_id: string | null;
  /** Null: the service may not see the topic's configuration. */
  compacted: boolean | null;
  internal: boolean;
  timestamp_type: "CreateTime" | "LogAppendTime" | "NoTimestampType" | null;
  partitions: PartitionBounds[];
  /** Offsets between the bounds: as many records or fewer. */
  record_count: number | null;
  record_count_is_upper_bound: true;
  resend_allowed: boolean;
  /** What a resend of its records would be answered with. */
  resend_refusal: ErrorResponse | null;
}

/** The topics that the caller's grants reach. */
export interface TopicsResponse {
  /** How many match. */
  total: number;
  /** How many are in this answer. */
  size: number;
  /** What the caller may do on this instance. */
  permissions: string[];
  topics: TopicItem[];
  /** Always 0: Kafka has no such limit. */
  remain_partitions: 0;
  /** Always 0: Kafka has no such limit. */
  max_partitions: 0;
}

/** How many messages of a partition would be resent. */
export interface WouldResendItem {
  partition: number;
  would_resend: number;
}
