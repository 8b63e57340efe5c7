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
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press('Control+k');
    await page.keyboard.type('=cmd');
    await page.getByRole('option').filter({ hasText: '=cmd|' }).first().waitFor();
    await harmless('palette');
    await page.keyboard.press('Escape');
    await page.goto(`${url}/audit`);
    await page.getByRole('table').waitFor();
    await harmless('audit');
    say('on no page does any of these names do anything');

    await page.goto(`${url}/clients`);
    await page.getByRole('rowheader').first().waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export CSV' }).click()]);
    const text = readFileSync(await download.path(), 'utf8');
    for (const name of task.names) assert.ok(text.replaceAll('""', '"').includes(name), `${name} is in the export`);
    const cells = text.split(/\r?\n/).flatMap((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)).map((cell) => cell.replace(/^"/, ''));
    assert.deepEqual(cells.filter((cell) => /^[=+@\t\r]/.test(cell) || /^-[^\d]/.test(cell)), [], 'cells that a spreadsheet would compute');
    say('in the export none of them is a formula');
});
