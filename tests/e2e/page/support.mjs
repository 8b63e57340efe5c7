// What every scenario shares: a browser, a person's hands, and the console behind. A scenario is called as
//     node first_run.mjs '{"url": "https://127.0.0.1:18443", …}'
// says what it did, a line each, and ends with 1 at the first thing that is not as a person would expect it.
import { createRequire } from 'node:module';
import { createHmac } from 'node:crypto';
import { createInterface } from 'node:readline';
import { strict as assert } from 'node:assert';

const require = createRequire(new URL('../../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axe = require('axe-core').source;

export { assert };
export const task = JSON.parse(process.argv[2]);
export const url = task.url;
export const user = 'ada';
export const password = task.password;
export const patience = Number(process.env.MUSTER_PATIENCE ?? '1') * 30_000;
export const wide = { width: 1440, height: 900 };
export const narrow = { width: 390, height: 844 };

const outside = [];
const complaints = [];
const lines = createInterface({ input: process.stdin });
const answers = lines[Symbol.asyncIterator]();
let browser;

export const say = (text) => console.log(`page: ${text}`);

/** Has the console, a machine or a program do something, and returns what it answers. */
export async function ask(what, facts = {}) {
    console.log(`ASK ${JSON.stringify({ what, facts })}`);
    const { value, done } = await answers.next();
    if (done) throw new Error(`nobody answers ${what}`);
    return JSON.parse(value);
}

export async function open(options = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', reducedMotion: 'reduce', viewport: wide, ...options });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    page.on('request', (request) => {
        if (!request.url().startsWith(url) && !request.url().startsWith('blob:')) outside.push(request.url());
    });
    page.on('console', (message) => {
        if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
    return page;
}

export async function logIn(page, at = '/') {
    await page.goto(url + at);
    await page.getByLabel('User').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('header.top .goto').waitFor();
}

/** A page on which somebody is logged in. */
export async function entered(options = {}, at = '/') {
    const page = await open(options);
    await logIn(page, at);
    return page;
}

/**
 * WCAG 2.2 AA as far as a program sees it. axe comes once for each document.
 * @param only rules to which it is held: those that a theme can break, where all others were looked at already
 */
export async function accessible(page, where, only) {
    if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
    const found = await page.evaluate(async (rules) => {
        const runOnly = rules ? { type: 'rule', values: rules } : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
        const { violations } = await globalThis.axe.run(document, { runOnly, resultTypes: ['violations'] });
        return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join('\n    ')}`);
    }, only);
    assert.deepEqual(found, [], where);
}

export const colours = ['color-contrast', 'link-in-text-block'];

/** Nothing sticks out at the side. */
export async function fits(page, where) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${where}: ${over} px wider than the window`);
}

/** Waits until the condition, asked in this process, is true. */
export async function until(condition, what) {
    const end = Date.now() + patience;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) throw new Error(`it did not come: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/** What an authenticator app shows now (RFC 6238). */
export function oneTimeCode(secret, at = Date.now()) {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
    let bits = '';
    for (const c of secret.replace(/\s|=/g, '')) bits += alphabet.indexOf(c).toString(2).padStart(5, '0');
    const key = Buffer.from(bits.match(/.{8}/g).map((octet) => Number.parseInt(octet, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
    const mac = createHmac('sha1', key).update(counter).digest();
    const offset = mac[mac.length - 1] & 15;
    return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** A person without a mouse. Each place where the focus stands must show it, and must be seen. */
export function keyboard(page) {
    const press = (key) => page.keyboard.press(key);
    const type = (text) => page.keyboard.type(text);
    const focused = () => page.evaluate(() => {
        const at = document.activeElement;
        if (!at || at === document.body) return { name: '', tag: 'BODY', seen: true, ring: true };
        const labels = [...(at.labels ?? [])].map((l) => l.innerText).join(' ');
        const by = (at.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
        const name = (at.getAttribute('aria-label') || by || labels || at.innerText || at.textContent || at.getAttribute('placeholder') || '').replace(/\s+/g, ' ').trim();
        const style = getComputedStyle(at);
        const box = at.getBoundingClientRect();
        const middle = document.elementFromPoint(Math.min(innerWidth - 2, Math.max(1, box.left + box.width / 2)), Math.min(innerHeight - 2, Math.max(1, box.top + Math.min(box.height / 2, 16))));
        return {
            name, tag: at.tagName, type: at.getAttribute('type') ?? '', value: at.value ?? '', checked: at.checked === true,
            ring: !at.matches(':focus-visible') || style.outlineStyle !== 'none',
            by: `${middle?.outerHTML.slice(0, 160)} at ${Math.round(box.top)}..${Math.round(box.bottom)}`,
            // What was pushed out of sight by what came later is not covered; the next key brings it back.
            seen: box.top < 0 || box.bottom > innerHeight || (middle !== null && (at.contains(middle) || middle.contains(at) || (at.labels ?? [])[0]?.contains(middle) === true)),
        };
    });
    async function step(key = 'Tab') {
        await press(key);
        const at = await focused();
        assert.ok(at.ring, `the focus is on "${at.name}" (${at.tag}) and does not show`);
        assert.ok(at.seen, `the focus is on "${at.name}" (${at.tag}), and before it stands ${at.by}`);
        return at;
    }
    /** Goes on with Tab until the focus is on what bears that name. */
    async function reach(name, key = 'Tab') {
        const passed = [];
        for (let i = 0; i < 200; ++i) {
            const at = await step(key);
            if (name instanceof RegExp ? name.test(at.name) : at.name === name) return at;
            passed.push(at.name);
        }
        throw new Error(`Tab does not lead to ${name}; it leads to ${[...new Set(passed)].join(' | ')}`);
    }
    return { press, type, focused, step, reach };
}

export async function scenario(run) {
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
            '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    try {
        await run();
        assert.deepEqual(outside, [], 'requests that leave the box');
        assert.deepEqual(complaints, [], 'what the browser complains of');
        say('no request left the box, the browser complains of nothing');
    } catch (error) {
        console.error(error);
        for (const context of browser.contexts())
            for (const page of context.pages()) {
                console.error(`page: it was at ${page.url()}: ${(await page.locator('body').innerText().catch(() => '')).slice(0, 3000)}`);
                if (process.env.MUSTER_PICTURES) await page.screenshot({ path: `${process.env.MUSTER_PICTURES}/failed.png` }).catch(() => undefined);
            }
        process.exitCode = 1;
    } finally {
        await browser.close();
        lines.close();
    }
}
