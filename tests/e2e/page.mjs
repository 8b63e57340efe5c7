// The page in a real browser: node page.mjs URL CODE NAME. Prints what it did, a line each; exits 1 at the first thing
// that is not as a person would expect it.
import { createRequire } from 'node:module';
import { strict as assert } from 'node:assert';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const { AxeBuilder } = require('@axe-core/playwright');

const [url, code, machine] = process.argv.slice(2);
const password = 'quiet harbour lantern';
const patience = Number(process.env.MUSTER_PATIENCE ?? '1') * 30_000;

const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const say = (text) => console.log(`page: ${text}`);
const outside = [];
const complaints = [];

async function open(options = {}) {
    const context = await browser.newContext({
        ignoreHTTPSErrors: true, locale: 'en-GB', reducedMotion: 'reduce', viewport: { width: 1440, height: 900 }, ...options });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    page.on('request', (request) => {
        if (!request.url().startsWith(url) && !request.url().startsWith('data:')) outside.push(request.url());
    });
    page.on('console', (message) => {
        if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    return page;
}

async function accessible(page, where) {
    const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0]?.html}`), [], where);
}

async function logIn(page) {
    await page.getByLabel('User').fill('ada');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1 }).first().waitFor();
}

try {
    const page = await open();
    await page.goto(url);
    await page.getByRole('heading', { name: 'Who looks after this appliance?' }).waitFor();
    await accessible(page, 'first run');
    await page.getByLabel('Code from the console').fill('AAAA-AAAA-AAAA-AAAA');
    await page.getByLabel('User').fill('ada');
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByLabel('Password again').fill(password);
    await page.getByRole('button', { name: 'Create administrator' }).click();
    await page.getByText('That is not the code').waitFor();
    say('a wrong code is refused');
    // From here on by keyboard alone.
    await page.getByLabel('Code from the console').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(code.toLowerCase());
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What is this appliance for?' }).waitFor();
    say('the code of the console makes an administrator');
    await page.getByRole('radio', { name: 'Lab' }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Which machines does the lab play for?' }).waitFor();
    say('the mode is chosen, nobody is logged out');
    await accessible(page, 'lab key');
    await page.getByRole('combobox').focus();
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: /key/i }).last().focus();
    await page.keyboard.press('Enter');
    await page.getByText('muster-client').first().waitFor();
    console.log('page: NEEDS-CLIENT');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    await page.goto(`${url}/clients`);
    await page.getByRole('table').getByText('pc-', { exact: false }).first().waitFor();
    say('the first client is in the list');

    for (const colorScheme of ['light', 'dark'])
        for (const width of [1440, 390]) {
            await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
            await page.setViewportSize({ width, height: 900 });
            for (const path of ['/', '/clients', '/events', '/upstreams', '/dns', '/lab', '/plugins', '/settings', '/system', '/audit']) {
                await page.goto(url + path);
                await page.getByRole('heading', { level: 1 }).first().waitFor();
                await page.waitForLoadState('load');
                const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                assert.ok(wide <= 0, `${path} at ${width}: ${wide} px too wide`);
                if (width === 1440 || path === '/') await accessible(page, `${path} ${colorScheme} ${width}`);
            }
        }
    say('ten pages, both themes, two widths: no violation of WCAG 2.2 AA, nothing too wide');

    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${url}/events`);
    await page.getByText(machine.slice(0, 8)).first().waitFor();
    assert.equal(await page.locator('main img[src="x"]').count(), 0);
    assert.equal(await page.evaluate(() => globalThis.muster_was_here), undefined);
    say('a machine with markup for a name does no harm');

    const other = await open({ viewport: { width: 390, height: 844 } });
    await other.goto(url);
    await accessible(other, 'log-in');
    await logIn(other);
    say('a second browser, 390 pixels wide, logs in');
    await page.goto(`${url}/system`);
    await page.getByRole('button', { name: /everywhere/i }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await other.goto(`${url}/clients`);
    await other.getByRole('button', { name: 'Sign in' }).waitFor();
    say('logged out everywhere');

    assert.deepEqual(outside, [], 'requests that leave the box');
    assert.deepEqual(complaints, [], 'what the browser complains of');
    say('no request left the box, the browser complains of nothing');
} catch (error) {
    console.error(error);
    process.exitCode = 1;
} finally {
    await browser.close();
    process.stdin.destroy();
}
