import { expect, it } from "vitest";
import { de } from "../i18n/de";
import { en, type Key, type Texts } from "../i18n/en";
import { fill } from "../i18n/index";
import { zh } from "../i18n/zh";

const LANGUAGES: [string, Texts][] = [["de", de], ["zh", zh]];
const NAMES = /(?<![$#])\{(\w+)(?:\|[^{}]*)?\}/g;
/** What is put in; how often a language says it is its own affair. */
const places = (text: string) => [...new Set([...text.matchAll(NAMES)].map((each) => each[1]))].sort();
/** Words that are the same in the other language. */
const SAME = new Set(["app.name", "job.json", "common.name"]);

it("values are put into a text, and what is not given stays", () => {
  expect(fill("{from} to {to}", { from: 1 })).toBe("1 to {to}");
  expect(fill("no place", { a: 1 })).toBe("no place");
});

it("a text says one thing of one, and another of several", () => {
  const text = "{count|1 run is|# runs are} planned, {count|it|they} too";
  expect(fill(text, { count: 1 })).toBe("1 run is planned, it too");
  expect(fill(text, { count: "10,000" })).toBe("10,000 runs are planned, they too");
  expect(fill(text, { count: 0 })).toBe("0 runs are planned, they too");
  expect(fill(text)).toBe(text);
});

it.each([["en", en], ...LANGUAGES])("%s has well-formed choices between one and several", (_, texts) => {
  for (const key of Object.keys(texts) as Key[]) for (const choice of texts[key].match(/\{[^{}]*\|[^{}]*\}/g) ?? []) expect([key, choice.split("|").length]).toEqual([key, 3]);
});

it.each(LANGUAGES)("%s has every text, with the same places for values", (_, texts) => {
  expect(Object.keys(texts).sort()).toEqual(Object.keys(en).sort());
  for (const key of Object.keys(en) as Key[]) {
    expect([key, places(texts[key])]).toEqual([key, places(en[key])]);
    expect(texts[key].trim()).not.toBe("");
  }
});

it.each(LANGUAGES)("%s is no copy of the English texts", (_, texts) => {
  const copied = (Object.keys(en) as Key[]).filter((key) => texts[key] === en[key] && !SAME.has(key) && en[key].split(" ").length > 2);
  expect(copied).toEqual([]);
});
