/** The HTTP API, with the token that the user typed, which lives in one private field for as long as the page. */

import { readBody, writeBody } from "./json.js";

/** An error in the API's own words; code is its error_code, null where the API said nothing. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = null, requestId = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }
}

const OUTCOME_UNKNOWN = "RESEND.00504002";
const UNEXPECTED = "RESEND.00500001";

/** Whether a resend that failed so may yet have written its copy, or a job been accepted. */
export const mayBeWritten = (error) => error.status === 0 || [OUTCOME_UNKNOWN, UNEXPECTED].includes(error.code);

// Relative to the page, so that a proxy may put the service below a path of its own.
const root = () => new URL(".", location.href.split("#")[0]);

/** Percent-encoded, the apostrophe too: such a path may stand in a shell's quotes. */
const segment = (text) => encodeURIComponent(text).replaceAll("'", "%27");

export class Api {
  #token;

  constructor(token) {
    this.#token = token;
  }

  /** Who the token belongs to, in a project or in the one that the service proposes. */
  caller(project, signal) {
    return this.#json("v2/caller", { project }, signal);
  }

  topics(where, query, signal) {
    return this.#json(`${base(where)}/topics`, query, signal);
  }

  messages(where, query, signal) {
    return this.#json(`${base(where)}/messages`, query, signal);
  }

  histogram(where, query, signal) {
    return this.#json(`${base(where)}/messages/histogram`, query, signal);
  }

  /** The record at a position, with its content. */
  async record(where, topic, partition, offset, signal) {
    const found = await this.messages(where, { topic, partition, message_offset: offset }, signal);
    return found.messages[0];
  }

  /** The bytes of a record's value. */
  async download(where, topic, partition, offset) {
    const query = { topic, partition, message_offset: offset, download: "true" };
    const answer = await this.#fetch(`${base(where)}/messages`, query, {});
    return answer.blob();
  }

  /** Resend one record. Returns where the copy is; its offset is null where Kafka did not tell. */
  async resend(where, body) {
    const answer = await this.#post(resendPath(where), body, { action_id: "resend" });
    const offset = answer.headers.get("X-Resend-Offset");
    return {
      partition: Number(answer.headers.get("X-Resend-Partition")),
      offset: offset === null ? null : BigInt(offset),
      timestamp: answer.headers.get("X-Resend-Timestamp"),
    };
  }

  /** The jobs of an instance, newest first. */
  jobs(where, query, signal) {
    return this.#json(jobsPath(where), query, signal);
  }

  job(where, id, signal) {
    return this.#json(`${jobsPath(where)}/${segment(id)}`, undefined, signal);
  }

  /** Make a job; a dry run counts and writes nothing. */
  async makeJob(where, body) {
    const answer = await this.#post(jobsPath(where), body);
    return readBody(await answer.text());
  }

  /**
   * Have something done to a job.
   * @param {"cancel"|"pause"|"resume"|"resend-failed"} action the last one answers with the new job
   */
  async actOnJob(where, id, action) {
    const answer = await this.#post(`${jobsPath(where)}/${segment(id)}/${action}`, {});
    return readBody(await answer.text());
  }

  #post(path, body, query) {
    const headers = { "Content-Type": "application/json" };
    return this.#fetch(path, query, { method: "POST", headers, body: writeBody(body) });
  }

  async #json(path, query, signal) {
    const answer = await this.#fetch(path, query, { signal });
    return readBody(await answer.text());
  }

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
      if (error.name === "AbortError") throw error;
      throw new ApiError("The service gave no answer: it may have ended, or the network between here and there.");
    }
    if (answer.ok) return answer;
    const requestId = answer.headers.get("X-Request-Id");
    const said = await answer.json().catch(() => ({}));
    const message = said.error_msg ?? `The answer was ${answer.status} without words of the service.`;
    throw new ApiError(message, { status: answer.status, code: said.error_code ?? null, requestId });
  }
}

const base = ({ project, instance }) => `v2/${segment(project)}/mqs/instances/${segment(instance)}`;

const resendPath = (where) => `${base(where)}/messages/action`;

const jobsPath = (where) => `${base(where)}/resend-jobs`;

function address(path, query) {
  const url = new URL(path, root());
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

/** The body of a resend: no consumer_key where none was typed. */
export function resendBody(topic, partition, offset, consumerKey) {
  const body = { topic, partition, message_offset: offset };
  if (consumerKey !== "") body.consumer_key = consumerKey;
  return body;
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// A terminal would act on some of these when the command is pasted.
const unseen = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );

/** The very same request as a command for a shell, with $TOKEN for the token. */
export function asCurl(where, body) {
  const url = address(resendPath(where), { action_id: "resend" });
  return [
    `curl -i -X POST ${quote(url.href)} \\`,
    `  -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' \\`,
    `  -d ${quote(unseen(writeBody(body)))}`,
  ].join("\n");
}
