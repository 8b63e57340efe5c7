// One machine among a hundred thousand: found by its name, its CMID and from the palette, with its history; and the list itself.
import { readFileSync } from 'node:fs';
import { accessible, assert, entered, fits, say, scenario, task, until, url } from './support.mjs';

await scenario(async () => {
    const page = await entered();
    await page.getByRole('link', { name: 'Clients', exact: true }).first().click();
    await page.getByText(/^100,00\d machines, 100,00\d CMIDs$/).waitFor();
    const rows = page.locator('table.clients tbody tr');
    const first = rows.first().locator('th a');
    await page.getByText(/^1 to 50 of 100,00\d$/).waitFor();
    assert.equal(await rows.count(), 50);
    say('a hundred thousand machines, fifty of them on the page');

    const search = page.getByRole('searchbox', { name: 'Name, CMID or address' });
    await search.fill(task.machine.toLowerCase().slice(0, 9));
    await rows.nth(1).waitFor({ state: 'detached' });
    assert.equal(await first.innerText(), task.machine);
    assert.equal(new URL(page.url()).searchParams.get('q'), task.machine.toLowerCase().slice(0, 9));
    await first.click();
    const drawer = page.getByRole('complementary', { name: task.machine });
    await drawer.getByRole('heading', { name: 'Licensed' }).or(drawer.getByText('Answered', { exact: true })).first().waitFor();
    assert.equal(await drawer.locator('ol.tl li').count(), task.requests, 'requests in its history');
    await drawer.locator('ol.tl li', { hasText: 'count 50' }).first().waitFor();
    await drawer.getByText(task.cmid).first().waitFor();
    await drawer.getByRole('button', { name: `Copy command: slmgr.vbs /ato` }).waitFor();
    await accessible(page, 'a machine beside the list');
    await page.reload();
    await drawer.locator('ol.tl li').nth(task.requests - 1).waitFor();
    say('it is found by the beginning of its name; its history has an address of its own');

    await drawer.getByRole('link', { name: 'All events of this machine' }).click();
    await page.getByRole('row').filter({ hasText: task.machine }).first().waitFor();
    await page.goBack();
    await drawer.waitFor();
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
    await search.fill(task.cmid.slice(0, 13));
    await rows.nth(1).waitFor({ state: 'detached' });
    assert.equal(await first.innerText(), task.machine);
    await page.keyboard.press('Control+k');
    await page.keyboard.type(task.machine.slice(0, 8));
    await page.getByRole('option', { name: new RegExp(`^${task.machine}`) }).click();
    await drawer.waitFor();
    say('by its CMID, and from the palette');

    await page.goto(`${url}/clients`);
    await page.getByText(/^1 to 50 of 100,00\d$/).waitFor();
    // While the sorted list is on its way the old one stands there, and its next page is none of the new one's.
    let letGo;
    const held = new Promise((resolve) => { letGo = resolve; });
    await page.route(/\/api\/v1\/clients\?.*sort=name/, async (route) => { await held; await route.continue(); }, { times: 1 });
    await page.getByRole('button', { name: 'Machine', exact: true }).click();
    await page.waitForURL(/sort=name/);
    assert.ok(await page.getByRole('button', { name: 'Next' }).isDisabled());
    letGo();
    await page.getByRole('link', { name: 'pc-0000000000', exact: false }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('sort'), 'name');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText(/^51 to 100 of/).waitFor();
    assert.match(await first.innerText(), /^pc-00000000(49|50)/);
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByText(/^1 to 50 of/).waitFor();
    await page.getByText('Filter', { exact: true }).click();
    await page.getByRole('combobox', { name: /^Kind/ }).selectOption('true');
    await page.getByText('No client fits these filters.').waitFor();
    await page.goto(`${url}/clients?sort=name&virtual=true`);
    await page.getByRole('link', { name: 'Clear all filters' }).click();
    await page.getByText(/^1 to 50 of 100,00\d$/).waitFor();
    // Two of them share their CMID: the tab counts them, and shows them alone.
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Shared CMID 2' }).click();
    await rows.nth(1).waitFor();
    await until(async () => (await rows.count()) === 2, 'the two clones alone');
    assert.deepEqual(await rows.locator('th a').allInnerTexts(), ['vdi-a', 'vdi-b']);
    await page.getByRole('button', { name: 'Remove filter: Shared CMID' }).click();
    await page.getByText(/^1 to 50 of 100,00\d$/).waitFor();
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: /^All 100,00\d$/ }).waitFor();
    say('sorted, paged and filtered, all of it in the address; who shares a CMID has a view');

    await page.goto(`${url}/clients?q=${task.machine.slice(0, 4)}`);
    await rows.first().waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export CSV' }).click()]);
    const file = readFileSync(await download.path(), 'utf8').trim().split('\r\n');
    assert.equal(file.length, 2, file.join('\n'));
    assert.ok(file[1].includes(task.machine) && file[1].includes(task.cmid), file[1]);
    say('what the filters leave is exported');

    await page.setViewportSize({ width: 390, height: 844 });
    await fits(page, 'clients at 390');
});
