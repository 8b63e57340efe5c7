// Machines whose names are no names: markup, characters that turn text round, 63 letters, a spreadsheet's formula.
import { readFileSync } from 'node:fs';
import { assert, entered, fits, say, scenario, task, url } from './support.mjs';

await scenario(async () => {
    const page = await entered();
    const harmless = async (where) => {
        assert.equal(await page.locator('main img, main script, main b[onclick], main iframe').count(), 0, where);
        assert.equal(await page.evaluate(() => globalThis.muster_was_here), undefined, where);
        // What turns the direction of text round does so inside of its own element alone.
        const loose = await page.evaluate(() => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const found = [];
            while (walker.nextNode()) if (/[\u202a-\u202e\u2066-\u2069]/.test(walker.currentNode.data) && !walker.currentNode.parentElement.closest('bdi, option, [title]')) found.push(walker.currentNode.parentElement.outerHTML.slice(0, 200));
            return found;
        });
        assert.deepEqual(loose, [], where);
        await fits(page, where);
    };
    const shown = task.names.map((name) => name.replace(/\s+/g, ' ').trim());
    for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
        await page.setViewportSize(viewport);
        await page.goto(`${url}/clients`);
        for (const name of shown) await page.getByRole('rowheader').getByText(name, { exact: true }).first().waitFor();
        await harmless(`clients ${viewport.width}`);
        for (const [i, cmid] of task.cmids.entries()) {
            await page.goto(`${url}/clients/${cmid}`);
            await page.getByRole('complementary').getByRole('heading', { level: 2 }).getByText(shown[i], { exact: true }).waitFor();
            await harmless(`${cmid} ${viewport.width}`);
        }
        await page.goto(`${url}/events`);
        for (const name of shown) await page.getByRole('table').getByText(name, { exact: true }).first().waitFor();
        await harmless(`events ${viewport.width}`);
        await page.goto(url);
        await page.getByRole('main').getByRole('heading', { level: 1 }).first().waitFor();
        await page.getByRole('heading', { name: 'Changed lately' }).waitFor();
        await harmless(`overview ${viewport.width}`);
        for (const path of ['/upstreams', '/dns', '/dns?view=watch', '/dns?view=snippets', '/plugins', '/settings', '/settings/relay', '/system', '/audit', '/setup']) {
            await page.goto(url + path);
            await page.getByRole('heading', { level: 1 }).first().waitFor();
            await page.waitForLoadState('networkidle');
            await harmless(`${path} ${viewport.width}`);
        }
        await page.goto(`${url}/upstreams`);
        await page.locator('main a[href^="/upstreams/"]').first().click();
        await page.getByRole('complementary').getByRole('heading', { level: 2 }).first().waitFor();
        await page.waitForLoadState('networkidle');
        await harmless(`an upstream ${viewport.width}`);
    }
    // As what somebody typed, or sent as a link.
    for (const name of task.names) {
        await page.goto(`${url}/clients?q=${encodeURIComponent(name)}&upstream=${encodeURIComponent(name)}&sort=name`);
        await page.getByRole('searchbox').waitFor();
        await page.getByText('No client fits these filters.').or(page.getByRole('alert')).first().waitFor();
        await harmless(`asked for ${name}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press('Control+k');
    await page.keyboard.type('=cmd');
    await page.getByRole('option').filter({ hasText: '=cmd|' }).first().waitFor();
    await harmless('palette');
    await page.keyboard.press('Escape');
    // Whoever forgets one of them leaves a line in the audit log, and in what is sent to somebody who helps.
    const last = task.cmids.length - 1;
    await page.goto(`${url}/clients/${task.cmids[last]}`);
    await page.getByRole('button', { name: 'Forget 1 machine' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget 1 machine' }).click();
    await page.getByText(`${shown[last]} is forgotten`, { exact: false }).waitFor();
    await harmless('forgotten');
    await page.goto(`${url}/audit`);
    await page.getByRole('table').getByText(task.cmids[last], { exact: false }).first().waitFor();
    await harmless('audit');
    await page.goto(`${url}/system`);
    await page.getByRole('button', { name: 'Look at it' }).click();
    await page.getByRole('dialog').locator('pre.bundle').getByText(task.cmids[0], { exact: false }).waitFor();
    await harmless('the support bundle');
    await page.keyboard.press('Escape');
    say('on no page does any of these names do anything');

    await page.goto(`${url}/clients`);
    await page.getByRole('rowheader').first().waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export CSV' }).click()]);
    const text = readFileSync(await download.path(), 'utf8');
    const left = task.names.slice(0, -1);
    for (const name of left) assert.ok(text.replaceAll('""', '"').includes(name), `${name} is in the export`);
    const cells = text.split(/\r?\n/).flatMap((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)).map((cell) => cell.replace(/^"/, ''));
    assert.deepEqual(cells.filter((cell) => /^[=+@\t\r]/.test(cell) || /^-[^\d]/.test(cell)), [], 'cells that a spreadsheet would compute');
    const [lines] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'JSON' }).click()]);
    const machines = readFileSync(await lines.path(), 'utf8').trim().split('\n').map((line) => JSON.parse(line).machine);
    for (const name of left) assert.ok(machines.includes(name), `${name} is in the lines of JSON as it is`);
    say('in the export none of them is a formula; as JSON each is what the machine said');
});
