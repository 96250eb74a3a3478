/** How the console is built: which module has which part of the page, and what a view needs. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

import { VIEWS } from "../../service/console/app/address.js";

const FOLDER = new URL("../../service/console/", import.meta.url);
const read = (/** @type {string} */ name) => readFileSync(new URL(name, FOLDER), "utf8");
const MODULES = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
const PAGE = read("console.html");

/** @param {string} module */
const importsOf = (module) =>
  [...read(module).matchAll(/^import .* from "(\.[\w./-]+\.js)";$/gm)].map(([, name]) =>
    new URL(name, new URL(module, FOLDER)).href.slice(FOLDER.href.length),
  );

test("every view has a link, a place in the page and a module, and is given to the router", () => {
  for (const view of VIEWS) {
    assert.match(PAGE, new RegExp(`<a id="view-${view}"`), view);
    assert.match(PAGE, new RegExp(`<main id="${view}"`), view);
    assert.match(read(`${view}/${view}.js`), /@implements \{View\}/, view);
    assert.match(read("console.js"), new RegExp(`new Router\\(store, \\{[^}]*\\b${view}\\b`), view);
  }
});

test("the views of the page are those that an address can name", () => {
  const links = [...PAGE.matchAll(/<a id="view-(\w+)"/g)].map(([, view]) => view);
  assert.deepEqual(links, VIEWS);
});

test("each element of the page belongs to one module", () => {
  /** @type {Map<string, string[]>} */
  const owners = new Map();
  for (const module of MODULES) {
    const text = read(module);
    const ids = [...text.matchAll(/byId\("([\w-]+)"/g)].map(([, id]) => id);
    const fields = [...text.matchAll(/\bfield\("([\w-]+)"/g)].map(([, name]) => `job-${name}`);
    for (const id of new Set([...ids, ...fields])) owners.set(id, [...(owners.get(id) ?? []), module]);
  }
  assert.ok(owners.size > 80, `only ${owners.size} ids were found`);
  assert.deepEqual([...owners].filter(([, modules]) => modules.length > 1), []);
});

test("every module is reached from the one that the page loads", () => {
  const reached = new Set(["console.js"]);
  for (const module of reached) {
    for (const name of importsOf(module)) reached.add(name);
  }
  assert.deepEqual([...reached].sort(), MODULES.sort());
});

test("the modules can be read from the ground up: none imports one that needs it", () => {
  /** @type {Map<string, string[]>} */
  const needs = new Map(MODULES.map((module) => [module, importsOf(module)]));
  for (let size = -1; size !== needs.size; ) {
    size = needs.size;
    for (const [module, needed] of needs) if (!needed.some((each) => needs.has(each))) needs.delete(module);
  }
  assert.deepEqual([...needs.keys()], []);
});

test("what is typed as any, or not checked, says why", () => {
  const told = /@returns \{any\} what the caller knows the shape of/;
  for (const module of MODULES) {
    const text = read(module).replace(told, "");
    assert.doesNotMatch(text, /\{any\}|@ts-(ignore|nocheck|expect-error)/, module);
  }
});
