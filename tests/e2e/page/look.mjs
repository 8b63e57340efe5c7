// Every page as a program for accessibility sees it: two themes, two widths; and what opens above them.
import { accessible, assert, colours, entered, fits, narrow, open, say, scenario, task, url, wide } from './support.mjs';

await scenario(async () => {
    const page = await entered();
    const dialog = page.getByRole('dialog');
    const pages = task.pages;
    // By the history, as a link of the page goes: axe stays where it is. That addresses can be typed is seen elsewhere.
    const turn = async (to, path) => {
        await to.evaluate((next) => {
            history.pushState(null, '', next);
            dispatchEvent(new PopStateEvent('popstate'));
        }, path);
        await to.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('main .waiting'));
    };
    const looks = [[wide, 'light'], [wide, 'dark'], [narrow, 'dark'], [narrow, 'light']];
    for (const path of pages) {
        await page.setViewportSize(wide);
        await turn(page, path);
        for (const [viewport, colorScheme] of looks) {
            await page.setViewportSize(viewport);
            await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
            await fits(page, `${path} at ${viewport.width}`);
            await accessible(page, `${path} ${colorScheme} ${viewport.width}`, colorScheme === 'dark' ? colours : undefined);
        }
    }
    say(`${pages.length} pages, two themes, two widths: no violation of WCAG 2.2 AA, nothing too wide`);

    if (task.mode === 'lab') return;
    await page.setViewportSize(wide);
    const opened = task.mode === 'box' ? [
        ['/box', () => page.getByRole('button', { name: 'Erase everything' }).click()], ['/box', () => page.getByRole('button', { name: /^Mark good/ }).click()],
    ] : [
        ['/upstreams?add=1', async () => undefined], ['/system', () => page.getByRole('button', { name: 'Set up a one-time code' }).click()],
        ['/system', () => page.getByRole('button', { name: 'Upload certificate' }).click()], ['/system', () => page.getByRole('button', { name: 'Add user' }).click()],
        ['/audit', () => page.getByRole('button', { name: /^Details/ }).first().click()], ['/clients', () => page.keyboard.press('Control+k')],
    ];
    for (const [path, act] of opened) {
        await page.goto(url + path);
        await page.getByRole('main').getByRole('heading', { level: 1 }).first().waitFor();
        await page.waitForFunction(() => !document.querySelector('main .waiting'));
        await act();
        await dialog.waitFor();
        for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
            await accessible(page, `${path} and what it opens, ${colorScheme}`, colorScheme === 'dark' ? colours : undefined);
        }
    }
    say('and so are the dialogs');

    {
        const german = await open({ locale: 'de-DE', viewport: narrow });
        await german.goto(url);
        await german.getByRole('button', { name: 'Anmelden' }).waitFor();
        await accessible(german, 'log-in in German');
        await german.getByLabel('Benutzer').fill('ada');
        await german.getByLabel('Passwort').fill(task.password);
        await german.getByRole('button', { name: 'Anmelden' }).click();
        await german.locator('header.top .goto').waitFor();
        for (const path of pages) {
            await turn(german, path);
            await fits(german, `${path} in German at 390`);
        }
        assert.equal(await german.evaluate(() => document.documentElement.lang), 'de');
    }
    say('in German, too, nothing is too wide for a telephone');
});
