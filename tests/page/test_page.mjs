// The page in a browser, as whoever sits before it meets it.  test_page.py gives what it needs, and acts on what it prints.
//
//     node test_page.mjs CHROMIUM URL COUNT FOLDER      FOLDER: for pictures
import assert from "node:assert/strict";
import readline from "node:readline";
import { chromium } from "playwright-core";

const [path, url, cnt, folder] = process.argv.slice(2);
const input = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const ask = async what => { console.log(what); await input.next(); };
const browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
context.setDefaultTimeout(60000);
const page = await context.newPage();
const faults = [], resumed = [];
page.on("pageerror", e => faults.push(String(e)));
page.on("console", m => { if (m.type() === "error" && !m.text().includes("Failed to load resource") && !m.text().includes("ERR_")) faults.push(m.text()); });
page.on("request", async r => { if (r.url().includes("/events")) resumed.push((await r.allHeaders())["last-event-id"] || ""); });
const rows = () => page.locator("#list .row");
const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
const selected = () => page.locator("#list .row[aria-selected=true]");
const picture = name => page.screenshot({ path: folder + "/" + name + ".png" });
// Not waitForFunction, which the page's own policy forbids, as it should.
const until = async (look, arg) => {
  for (const end = Date.now() + 60000; !await page.evaluate(look, arg);) {
    assert.ok(Date.now() < end, "did not happen: " + look + " " + arg);
    await page.waitForTimeout(20);
  }
};
const stories = text => until(t => document.querySelector("#state").textContent.includes(t), text);

async function all_are_there_and_few_are_drawn() {
  await page.goto(url);
  await rows().first().waitFor();
  const told = await page.locator("#state").textContent();
  assert.ok(parseInt(told) > cnt * 0.5, "stories: " + told); // versions are folded
  assert.ok(await rows().count() < 40 && await nodes() < 400, await nodes() + " nodes for " + told);
  await page.evaluate(() => { document.querySelector("#list").scrollTop = 200000; });
  await until(() => [...document.querySelectorAll("#list .row")].some(r => parseInt(r.style.top) > 190000));
  assert.ok(await rows().count() < 40 && await nodes() < 400, "and no more when it is scrolled");
  await page.evaluate(() => { document.querySelector("#list").scrollTop = 0; });
}

async function keys_go_through_it() {
  await page.locator("#list").focus();
  await page.keyboard.press("j");
  const first = await selected().locator(".h").textContent();
  await page.keyboard.press("j");
  const second = await selected().evaluate(r => r.style.top);
  await page.keyboard.press("k");
  assert.equal(await selected().evaluate(r => r.style.top), "0px");
  assert.notEqual(second, "0px");
  assert.equal(await page.locator("#detail h2").textContent(), first);
  for (let i = 0; i < 30; i++) await page.keyboard.press("j");
  assert.ok(await selected().isVisible(), "it stays in sight");
  await page.keyboard.press("Home");
  await page.keyboard.press("?");
  assert.ok(await page.locator("#help").isVisible());
  await picture("help");
  await page.keyboard.press("j");
  assert.equal(await selected().evaluate(r => r.style.top), "0px", "keys are the help's while it is open");
  await page.keyboard.press("Escape");
  assert.ok(!await page.locator("#help").isVisible());
}

async function it_filters_as_one_types() {
  await page.keyboard.press("/");
  await page.keyboard.type("grain vienna");
  await until(() => {
    const heads = [...document.querySelectorAll("#list .row .h")].map(h => h.textContent);
    return heads.length && heads.every(h => /grain/i.test(h) && /vienna/i.test(h));
  });
  assert.match(await page.locator("#state").textContent(), /^\d+ of \d+ stories$/);
  await page.keyboard.type(" nobodysaysthis");
  await page.locator(".empty").waitFor();
  await page.keyboard.press("Escape");
  await until(() => !document.querySelector("#state").textContent.includes(" of "));
  assert.equal(await page.locator("#q").inputValue(), "");
  await page.keyboard.press("4");
  await stories(" of ");
  assert.equal(await page.locator("#list .row.bulk").count(), 0);
  await page.keyboard.press("4");
}

async function kills_cannot_be_missed() {
  await ask("KILL");
  const killed = page.locator("#list .row.killed").first();
  await killed.waitFor();
  const kill = page.locator("#list .row.kill").first();
  assert.match(await kill.textContent(), /KILL/);
  assert.equal(await kill.locator(".h").evaluate(h => getComputedStyle(h).textDecorationLine), "none", "what says so is to be read");
  assert.match(await killed.textContent(), /KILLED/);
  assert.ok(parseInt(await killed.evaluate(r => r.style.top)) < 300, "at the top");
  const style = await killed.locator(".h").evaluate(h => getComputedStyle(h).textDecorationLine);
  assert.equal(style, "line-through");
  await killed.click();
  assert.match(await page.locator("#detail .banner").textContent(), /not to be published/);
  await picture("desktop");
}

async function versions_are_one_row() {
  await ask("VERSIONS");
  const row = page.locator("#list .row", { hasText: "Third words of it" });
  await row.waitFor();
  assert.match(await row.textContent(), /3 versions/);
  assert.equal(await page.locator("#list .row", { hasText: "First words of it" }).count(), 0);
  await row.click();
  assert.equal(await page.locator("#detail ol li").count(), 3);
}

// What came while nobody was connected is there once, and nothing twice.
async function a_lost_connection_goes_on_where_it_was() {
  const before = parseInt(await page.locator("#state").textContent());
  await ask("RESTART");
  await stories(String(before + 50) + " stories");
  assert.ok(resumed.some(id => /^[0-9a-f]{16}:\d+$/.test(id)), "Last-Event-ID: " + resumed);
  assert.equal(await page.locator("#state").getAttribute("class") || "", "");
}

async function dark_and_on_a_phone() {
  await page.keyboard.press("Escape"); // out of the story
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await picture("dark");
  await page.emulateMedia({ colorScheme: "light" });
  assert.notEqual(dark, await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
  await page.setViewportSize({ width: 390, height: 844 });
  assert.ok(!await page.locator("#detail").isVisible(), "the list alone");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing to scroll sideways");
  await picture("phone");
  await rows().first().click();
  assert.ok(await page.locator("#detail").isVisible());
  await picture("phone-story");
  await page.locator(".back").click();
  assert.ok(!await page.locator("#detail").isVisible());
}

try {
  for (const part of [all_are_there_and_few_are_drawn, keys_go_through_it, it_filters_as_one_types, kills_cannot_be_missed, versions_are_one_row,
    a_lost_connection_goes_on_where_it_was, dark_and_on_a_phone]) {
    await part();
    console.log("fine: " + part.name);
  }
  assert.deepEqual(faults, []);
  console.log("DONE");
} catch (e) {
  await picture("failed").catch(() => 0);
  console.log("FAILED " + e.stack);
} finally {
  await browser.close();
  process.exit();
}
