// The same appliance from a telephone: 390 pixels, a finger, no hover.
import { ask, assert, entered, fits, narrow, say, scenario, task, until, url } from './support.mjs';

await scenario(async () => {
    const page = await entered({ viewport: narrow, hasTouch: true, isMobile: true });
    const dialog = page.getByRole('dialog');
    const open = async (name) => {
        await page.getByRole('button', { name: 'Menu' }).tap();
        await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).tap();
        await page.getByRole('heading', { level: 1, name }).waitFor();
        assert.ok(!(await page.getByRole('navigation', { name: 'Main' }).isVisible()), 'the menu goes when it is used');
        await fits(page, name);
    };
    /** What a finger is to hit is 24 pixels at least; buttons and fields 44. */
    const reachable = async (where) => {
        const small = await page.evaluate(() => [...document.querySelectorAll('main button, main a.btn, main input:not([type=checkbox], [type=radio], [type=file]), main select, header.top button, header.top a')]
            .filter((e) => e.checkVisibility() && !e.closest('.vh, p, td, th, li, dd, .guid, .cmd, figcaption') && !e.matches('.linkish, .copy, .vh, .brand, .status'))
            .map((e) => ({ e, box: e.getBoundingClientRect() })).filter(({ box }) => box.height > 0 && box.height < 43.5)
            .map(({ e, box }) => `${e.tagName} ${e.className} "${(e.textContent || e.getAttribute('aria-label') || '').trim().slice(0, 30)}" ${Math.round(box.height)}`));
        assert.deepEqual(small, [], `${where}: too small for a finger`);
    };
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    await fits(page, 'overview');
    await reachable('overview');

    await open('Clients');
    await reachable('clients');
    await page.getByRole('searchbox').fill(task.machine.slice(0, 8));
    await page.locator('table.clients tbody tr').nth(1).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: task.machine }).tap();
    const drawer = page.getByRole('complementary', { name: task.machine });
    await drawer.waitFor();
    const box = await drawer.boundingBox();
    assert.ok(box.width >= 389 && box.y <= 100, `the machine has the whole screen: ${JSON.stringify(box)}`);
    await fits(page, 'a machine');
    await drawer.getByRole('link', { name: 'Close' }).tap();
    await drawer.waitFor({ state: 'detached' });
    say('a machine is found, and has the whole screen');

    await open('Settings');
    await page.goto(`${url}/settings/pool`);
    await page.getByLabel(/retention-age/).fill('60d');
    const bar = page.getByRole('region', { name: 'Changes not applied' });
    const place = await bar.boundingBox();
    assert.ok(place.y + place.height <= 845 && place.y > 500, `the bar stands at the lower edge: ${JSON.stringify(place)}`);
    await reachable('settings');
    await bar.getByRole('button', { name: /^Apply as revision/ }).tap();
    await page.getByText(/Applied as revision/).waitFor();
    await until(async () => (await ask('setting', { key: 'pool.retention-age' })) === '60d', 'the setting');
    await page.getByRole('button', { name: 'Undo' }).tap();
    await until(async () => (await ask('setting', { key: 'pool.retention-age' })) !== '60d', 'the setting as it was');
    say('a setting is changed and undone with a finger');

    await open('Lab');
    await page.getByRole('table').getByRole('button', { name: /^Remove/ }).first().tap();
    await fits(page, 'a question');
    await dialog.getByRole('button', { name: 'Cancel' }).tap();
    await dialog.waitFor({ state: 'detached' });
    for (const name of ['Events', 'Upstreams', 'DNS', 'Plugins', 'System', 'Audit', 'Overview']) {
        await open(name).catch(async (error) => {
            if (name !== 'Overview') throw error;
            await page.getByRole('main').getByRole('heading', { level: 1 }).first().waitFor();
        });
        await reachable(name);
    }
    await page.getByRole('button', { name: 'Go to a page or machine' }).tap();
    await page.getByRole('combobox').fill('Aud');
    await page.getByRole('option', { name: 'Audit' }).tap();
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    say('every page fits, and is reached by the menu or the palette');
});
