/** The HTTP API, with the token that the user typed, which lives in one private field for as long as the page. */

import { ApiError, isAbort } from "./errors.js";
import { readBody, writeBody } from "./json.js";

/**
 * @typedef {import("./bodies.d.ts").CallerResponse} CallerResponse
 * @typedef {import("./bodies.d.ts").ConsumersResponse} ConsumersResponse
 * @typedef {import("./bodies.d.ts").DeadLettersResponse} DeadLettersResponse
 * @typedef {import("./bodies.d.ts").HistogramResponse} HistogramResponse
 * @typedef {import("./bodies.d.ts").JobRequest} JobRequest
 * @typedef {import("./bodies.d.ts").JobResponse} JobResponse
 * @typedef {import("./bodies.d.ts").JobsResponse} JobsResponse
 * @typedef {import("./bodies.d.ts").MessagesResponse} MessagesResponse
 * @typedef {import("./bodies.d.ts").ResendRequest} ResendRequest
 * @typedef {import("./bodies.d.ts").TopicsResponse} TopicsResponse
 */

/**
 * The instance that a request is for.
 * @typedef {{project: string, instance: string}} Where
 */

/**
 * The parameters of a request; one that is undefined, null or "" is not sent, and a list is sent one by one.
 * @typedef {Record<string, string|number|bigint|null|undefined|readonly string[]>} Query
 */

/**
 * Where a copy is; its offset is null where Kafka did not tell.
 * @typedef {{partition: number, offset: bigint|null}} Copy
 */

const RESEND = { action_id: "resend" };

// Relative to the page, so that a proxy may put the service below a path of its own.
const root = () => new URL(".", location.href.split("#")[0]);

/**
 * Percent-encoded, the apostrophe too: such a path may stand in a shell's quotes.
 * @param {string} text
 */
const segment = (text) => encodeURIComponent(text).replaceAll("'", "%27");

export class Api {
  #token;

  /** @param {string} token */
  constructor(token) {
    this.#token = token;
  }

  /**
   * Who the token belongs to, in a project or in the one that the service proposes.
   * @param {string} [project]
   * @param {AbortSignal} [signal]
   * @returns {Promise<CallerResponse>}
   */
  caller(project, signal) {
    return this.#json("v2/caller", { project }, signal);
  }

  /**
   * @param {Where} where
   * @param {Query} query
   * @param {AbortSignal} [signal]
   * @returns {Promise<TopicsResponse>}
   */
  topics(where, query, signal) {
    return this.#json(`${base(where)}/topics`, query, signal);
  }

  /**
   * @param {Where} where
   * @param {Query} query
   * @param {AbortSignal} [signal]
   * @returns {Promise<MessagesResponse>}
   */
  messages(where, query, signal) {
    return this.#json(`${base(where)}/messages`, query, signal);
  }

  /**
   * @param {Where} where
   * @param {Query} query
   * @param {AbortSignal} [signal]
   * @returns {Promise<HistogramResponse>}
   */
  histogram(where, query, signal) {
    return this.#json(`${base(where)}/messages/histogram`, query, signal);
  }

  /**
   * The record at a position, with its content.
   * @param {Where} where
   * @param {string} topic
   * @param {string|number} partition
   * @param {string|bigint} offset
   * @param {AbortSignal} [signal]
   */
  async record(where, topic, partition, offset, signal) {
    const found = await this.messages(where, { topic, partition, message_offset: offset }, signal);
    return found.messages[0];
  }

  /**
   * The bytes of a record's value.
   * @param {Where} where
   * @param {string} topic
   * @param {number} partition
   * @param {bigint} offset
   */
  async download(where, topic, partition, offset) {
    const query = { topic, partition, message_offset: offset, download: "true" };
    const answer = await this.#fetch(`${base(where)}/messages`, query, {});
    return answer.blob();
  }

  /**
   * The consumer groups that have committed something in a topic, of those that the cluster names.
   * @param {Where} where
   * @param {string} topic
   * @param {AbortSignal} [signal]
   * @returns {Promise<ConsumersResponse>}
   */
  consumersOfTopic(where, topic, signal) {
    return this.#json(`${base(where)}/messages/consumers`, { topic }, signal);
  }

  /**
   * What is in a dead-letter topic, page by page.
   * @param {Where} where
   * @param {Query} query
   * @param {AbortSignal} [signal]
   * @returns {Promise<DeadLettersResponse>}
   */
  deadLetters(where, query, signal) {
    return this.#json(`${base(where)}/dead-letters`, query, signal);
  }

  /**
   * Resend one record.
   * @param {Where} where
   * @param {ResendRequest} body
   * @returns {Promise<Copy>}
   */
  async resend(where, body) {
    const answer = await this.#post(resendPath(where), body, RESEND);
    const offset = answer.headers.get("X-Resend-Offset");
    return {
      partition: Number(answer.headers.get("X-Resend-Partition")),
      offset: offset === null ? null : BigInt(offset),
    };
  }

  /**
   * The jobs of an instance, newest first.
   * @param {Where} where
   * @param {Query} query
   * @param {AbortSignal} [signal]
   * @returns {Promise<JobsResponse>}
   */
  jobs(where, query, signal) {
    return this.#json(jobsPath(where), query, signal);
  }

  /**
   * @param {Where} where
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<JobResponse>}
   */
  job(where, id, signal) {
    return this.#json(`${jobsPath(where)}/${segment(id)}`, undefined, signal);
  }

  /**
   * How many of a job's copies consumer groups have committed past.
   * @param {Where} where
   * @param {string} id
   * @param {readonly string[]} groups none for those that the cluster names
   * @param {AbortSignal} [signal]
   * @returns {Promise<ConsumersResponse>}
   */
  consumersOfJob(where, id, groups, signal) {
    return this.#json(`${jobsPath(where)}/${segment(id)}/consumers`, { group: groups }, signal);
  }

  /**
   * Make a job; a dry run counts and writes nothing.
   * @param {Where} where
   * @param {JobRequest} body
   * @returns {Promise<JobResponse>}
   */
  async makeJob(where, body) {
    const answer = await this.#post(jobsPath(where), body);
    return readBody(await answer.text());
  }

  /**
   * Have something done to a job.
   * @param {Where} where
   * @param {string} id
   * @param {"cancel"|"pause"|"resume"|"resend-failed"} action the last one answers with the new job
   * @returns {Promise<JobResponse>}
   */
  async actOnJob(where, id, action) {
    const answer = await this.#post(`${jobsPath(where)}/${segment(id)}/${action}`, {});
    return readBody(await answer.text());
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {Query} [query]
   */
  #post(path, body, query) {
    const headers = { "Content-Type": "application/json" };
    return this.#fetch(path, query, { method: "POST", headers, body: writeBody(body) });
  }

  /**
   * @param {string} path
   * @param {Query} [query]
   * @param {AbortSignal} [signal]
   */
  async #json(path, query, signal) {
    const answer = await this.#fetch(path, query, { signal });
    return readBody(await answer.text());
  }

  /**
   * @param {string} path
   * @param {Query|undefined} query
   * @param {RequestInit & {headers?: Record<string, string>}} options
   */
  async #fetch(path, query, options) {
    const url = address(path, query);
    let answer;
    try {
      answer = await fetch(url, {
        ...options,
        headers: { ...options.headers, "X-Auth-Token": this.#token },
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
      });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ApiError("The service gave no answer: it may have ended, or the network between here and there.");
    }
    if (answer.ok) return answer;
    const requestId = answer.headers.get("X-Request-Id");
    const said = await answer.json().catch(() => ({}));
    const message = said.error_msg ?? `The answer was ${answer.status} without words of the service.`;
    throw new ApiError(message, { status: answer.status, code: said.error_code ?? null, requestId });
  }
}

/** @param {Where} where */
const base = ({ project, instance }) => `v2/${segment(project)}/mqs/instances/${segment(instance)}`;

/** @param {Where} where */
const resendPath = (where) => `${base(where)}/messages/action`;

/**
 * Where a request to resend one record is sent.
 * @param {Where} where
 */
export const resendAddress = (where) => address(resendPath(where), RESEND);

/** @param {Where} where */
const jobsPath = (where) => `${base(where)}/resend-jobs`;

/**
 * @param {string} path
 * @param {Query} query
 */
function address(path, query = {}) {
  const url = new URL(path, root());
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const each of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(each));
  }
  return url;
}
