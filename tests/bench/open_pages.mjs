// Opens overview pages and keeps them open until its standard input ends.
//     node open_pages.mjs URL USER PASSWORD COUNT
// Prints "open [TARGET…]", what one of them asked the API for, once all of them show live data; for each line that comes in,
// "seen [NUMBER…]": the octets of live events that each page was sent.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const [url, user, password, count] = process.argv.slice(2);

const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run', '--disable-sync'],
});
try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1440, height: 900 } });
    context.setDefaultTimeout(120_000);
    const first = await context.newPage();
    await first.goto(url + '/');
    await first.getByLabel('User').fill(user);
    await first.getByLabel('Password').fill(password);
    await first.getByRole('button', { name: 'Sign in' }).click();
    await first.locator('header.top .goto').waitFor();
    await first.close();
    const asked = [];
    const seen = [];
    for (let number = 0; number < Number(count); ++number) {
        // Each in a window of its own: in one, a browser opens six connections for all of its tabs, and hidden ones rest.
        const own = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1440, height: 900 }, storageState: await context.storageState() });
        own.setDefaultTimeout(120_000);
        const page = await own.newPage();
        const protocol = await own.newCDPSession(page);
        await protocol.send('Network.enable');
        const streams = new Set();
        seen.push(0);
        protocol.on('Network.requestWillBeSent', ({ requestId, request }) => {
            const target = request.url.slice(url.length);
            if (target.startsWith('/api/v1/events/watch')) streams.add(requestId);
            else if (number === 0 && target.startsWith('/api/v1/') && request.method === 'GET') asked.push(target);
        });
        protocol.on('Network.dataReceived', ({ requestId, dataLength }) => {
            if (streams.has(requestId)) seen[number] += dataLength;
        });
        await page.goto(url + '/');
        await page.locator('.pools .pool').first().waitFor();
    }
    console.log('open ' + JSON.stringify(asked));
    for await (const line of createInterface({ input: process.stdin }))
        if (line) console.log('seen ' + JSON.stringify(seen));
} finally {
    await browser.close();
}
