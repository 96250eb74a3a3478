/** Requests to the API and what is made of its answers, with the network taken away. */

import assert from "node:assert/strict";
import test from "node:test";

import { Api } from "../../service/console/api/api.js";
import { ApiError, isAbort, mayBeWritten } from "../../service/console/api/errors.js";
import { signInError } from "../../service/console/app/sign-in.js";
import { asCurl, resendBody } from "../../service/console/resend/request.js";

const WHERE = { project: "p'1", instance: "a b" };
const PAGE = { href: "https://host.example/kafka/console#topic=t" };

/**
 * Call the API where it gives an answer, and return what was asked.
 * @param {import("node:test").TestContext} context
 * @param {() => Response|Promise<Response>} answer
 */
function answering(context, answer) {
  /** @type {{url: string, options: RequestInit}[]} */
  const asked = [];
  Object.assign(globalThis, { location: PAGE });
  context.mock.method(globalThis, "fetch", async (/** @type {URL} */ url, /** @type {RequestInit} */ options) => {
    asked.push({ url: String(url), options });
    return answer();
  });
  return asked;
}

test("a request goes below the page's own path, with the token and without parameters that are not set", async (context) => {
  const asked = answering(context, () => new Response('{"topics": []}'));
  await new Api("secret").topics(WHERE, { name: "a&b", limit: 5, offset: 0, none: null, empty: "", missing: undefined });
  const [{ url, options }] = asked;
  assert.equal(url, "https://host.example/kafka/v2/p%271/mqs/instances/a%20b/topics?name=a%26b&limit=5&offset=0");
  assert.equal(new Headers(options.headers).get("X-Auth-Token"), "secret");
  assert.deepEqual([options.credentials, options.cache, options.redirect], ["omit", "no-store", "error"]);
});

test("each call has its own path and method, and hands out what the answer says", async (context) => {
  const body = '{"messages": [{"message_offset": 7}], "job_id": "0-1"}';
  const asked = answering(context, () => new Response(body));
  const api = new Api("t");
  const where = { project: "p", instance: "i" };
  const place = "https://host.example/kafka/v2/p/mqs/instances/i";
  const at = { topic: "t", partition: 1, message_offset: 2n };
  /** @type {[() => Promise<unknown>, string, unknown][]} */
  const calls = [
    [async () => (await api.caller("q")).name, "GET https://host.example/kafka/v2/caller?project=q", undefined],
    [async () => (await api.messages(where, at)).messages[0].message_offset,
      `GET ${place}/messages?topic=t&partition=1&message_offset=2`, 7n],
    [async () => (await api.record(where, "t", 1, 2n)).message_offset,
      `GET ${place}/messages?topic=t&partition=1&message_offset=2`, 7n],
    [async () => (await api.download(where, "t", 1, 2n)).size,
      `GET ${place}/messages?topic=t&partition=1&message_offset=2&download=true`, body.length],
    [async () => (await api.histogram(where, { buckets: 60 })).total, `GET ${place}/messages/histogram?buckets=60`, undefined],
    [async () => (await api.consumersOfTopic(where, "a&b")).groups, `GET ${place}/messages/consumers?topic=a%26b`, undefined],
    [async () => (await api.deadLetters(where, { topic: "t", cursor: "c" })).groups,
      `GET ${place}/dead-letters?topic=t&cursor=c`, undefined],
    [async () => (await api.jobs(where, { state: "failed" })).total, `GET ${place}/resend-jobs?state=failed`, undefined],
    [async () => (await api.job(where, "0/1")).job_id, `GET ${place}/resend-jobs/0%2F1`, "0-1"],
    [async () => (await api.consumersOfJob(where, "0/1", [])).groups, `GET ${place}/resend-jobs/0%2F1/consumers`, undefined],
    [async () => (await api.consumersOfJob(where, "0-1", ["a&b", "c"])).groups,
      `GET ${place}/resend-jobs/0-1/consumers?group=a%26b&group=c`, undefined],
    [async () => (await api.makeJob(where, { topic: "t" })).job_id, `POST ${place}/resend-jobs`, "0-1"],
    [async () => (await api.actOnJob(where, "0-1", "resend-failed")).job_id,
      `POST ${place}/resend-jobs/0-1/resend-failed`, "0-1"],
  ];
  for (const [call, request, answer] of calls) {
    assert.deepEqual(await call(), answer, request);
    const { url, options } = asked.splice(0)[0];
    assert.equal(`${options.method ?? "GET"} ${url}`, request);
  }
});

test("a resend tells where the copy is, with an offset above 2^53, or none where Kafka did not tell", async (context) => {
  const headers = { "X-Resend-Partition": "3", "X-Resend-Offset": "9007199254740993" };
  const answers = [new Response("{}", { headers }), new Response("{}", { headers: { "X-Resend-Partition": "3" } })];
  const asked = answering(context, () => answers.shift() ?? Response.error());
  const api = new Api("secret");
  const body = resendBody("orders", { partition: 3, message_offset: 2n ** 63n - 1n }, "");
  assert.deepEqual(await api.resend(WHERE, body), { partition: 3, offset: 9007199254740993n });
  assert.equal((await api.resend(WHERE, body)).offset, null);
  assert.equal(asked[0].options.body, '{"topic":"orders","partition":3,"message_offset":9223372036854775807}');
});

test("an error has the API's words and code, and the request's id", async (context) => {
  const body = JSON.stringify({ error_code: "RESEND.00400103", error_msg: "It is gone." });
  answering(context, () => new Response(body, { status: 400, headers: { "X-Request-Id": "r1" } }));
  await assert.rejects(new Api("t").caller(), { message: "It is gone.", code: "RESEND.00400103", status: 400, requestId: "r1" });
});

test("an answer of something else on the way has no code", async (context) => {
  answering(context, () => new Response("<html>", { status: 502 }));
  await assert.rejects(new Api("t").caller(), { message: "The answer was 502 without words of the service.", code: null });
});

test("no answer is an error, a request that nobody waits for is none to show", async (context) => {
  answering(context, () => Promise.reject(new TypeError("failed to fetch")));
  await assert.rejects(new Api("t").caller(), { name: "Error", status: 0, message: /gave no answer/ });
  answering(context, () => Promise.reject(new DOMException("aborted", "AbortError")));
  await assert.rejects(new Api("t").caller(), isAbort);
});

test("a copy may be written where there was no answer or its outcome is not known, and else not", () => {
  const doubtful = [{ status: 0 }, { status: 504, code: "RESEND.00504002" }, { status: 500, code: "RESEND.00500001" }];
  for (const facts of doubtful) assert.equal(mayBeWritten(new ApiError("", facts)), true);
  assert.equal(mayBeWritten(new ApiError("", { status: 400, code: "RESEND.00400103" })), false);
  assert.equal(mayBeWritten(new TypeError()), false);
});

test("a body has a consumer_key only where one was typed", () => {
  const record = { partition: 1, message_offset: 2n };
  assert.deepEqual(resendBody("t", record, ""), { topic: "t", partition: 1, message_offset: 2n });
  assert.deepEqual(resendBody("t", record, "null"), { topic: "t", partition: 1, message_offset: 2n, consumer_key: "null" });
});

test("a command for a shell quotes what could end its quotes, and hides no character", () => {
  Object.assign(globalThis, { location: PAGE });
  const body = resendBody("t", { partition: 0, message_offset: 1n }, "it's \u202e\u{e0001}");
  const lines = asCurl(WHERE, body).split("\n");
  assert.match(lines[0], /^curl -i -X POST 'https:\/\/host\.example\/kafka\/v2\/p%271\/[^']*action_id=resend' \\$/);
  assert.match(lines[1], /\$TOKEN/);
  assert.ok(lines[2].endsWith(`"consumer_key":"it'\\''s \\u202e\\udb40\\udc01"}'`), lines[2]);
});

test("a token that was not accepted is told as such, another error in its own words", () => {
  assert.match(signInError(new ApiError("no", { status: 403 })).message, /token was not accepted/);
  assert.equal(signInError(new ApiError("away", { status: 503 })).message, "away");
});
