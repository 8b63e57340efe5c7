// Many tabs in one browser, which opens six connections to one host for all of them together.
import { entered, say, scenario, url } from './support.mjs';

const many = 9;

/** Headless, every tab counts as seen. */
const show = (page, seen) => page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
}, !seen);

await scenario(async () => {
    const first = await entered();
    await show(first, false);
    const tabs = [];
    while (tabs.length < many) {
        // As by a click with Ctrl: nobody has looked at it yet, and nothing tells it so.
        const tab = await first.context().newPage();
        await tab.addInitScript(() => {
            Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        });
        await tab.goto(url + '/');
        await tab.locator('main h1').first().waitFor();
        tabs.push(tab);
    }
    say(`${many} tabs are open behind the first, and the last one shows its page`);
    const asked = first.waitForRequest((request) => request.url().includes('/api/v1/status'));
    const stream = first.waitForRequest((request) => request.url().includes('/api/v1/events/watch'));
    await show(first, true);
    await Promise.all([asked, stream]);
    say('the first one is asked for again, is live again and reads anew');
});
