// A database was lost: the overview and the palette say so, and lead to the newest backup.
import { accessible, assert, entered, say, scenario, task, until, url } from './support.mjs';

await scenario(async () => {
    const page = await entered();
    const options = page.locator('#palette-list').getByRole('option');
    const dialog = page.getByRole('dialog', { name: `Restore ${task.newest}` });
    await page.getByRole('heading', { level: 1, name: 'A database was set aside or cannot be opened' }).waitFor();
    await page.getByText(`The newest verified backup is ${task.newest}.`, { exact: false }).first().waitFor();
    await accessible(page, 'the overview after a degraded start');
    assert.equal(await page.getByRole('complementary', { name: 'Needs attention' }).getByText('set aside').count(), 1, 'it is said once');
    await page.getByRole('link', { name: 'Restore the newest backup' }).click();
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).search, '', 'whoever closes it is not asked again by the address');
    say('the overview says it first, and its one act leads to the newest backup');

    await page.goto(`${url}/clients`);
    await page.getByText('No client has asked yet').first().waitFor();
    await page.keyboard.press('Control+k');
    await options.first().getByText('A database was set aside or cannot be opened').waitFor();
    await accessible(page, 'the palette after a degraded start');
    await page.keyboard.type('newest');
    await until(async () => (await options.first().innerText()).includes('Restore the newest backup'), 'the offer, by its words');
    await page.keyboard.press('Enter');
    await dialog.getByLabel(`Type ${task.newest} to confirm`).fill(task.newest);
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByText(`${task.newest} is restored.`, { exact: false }).waitFor();
    say('so does the palette; it is restored');

    await page.goto(url);
    await page.getByRole('heading', { level: 1, name: 'set aside' }).waitFor({ state: 'detached' });
    await page.goto(`${url}/clients`);
    await page.getByRole('rowheader').getByText('kept', { exact: true }).waitFor();
    await page.keyboard.press('Control+k');
    await options.first().waitFor();
    assert.equal(await options.filter({ hasText: 'set aside' }).count(), 0);
    say('its clients are back, and nothing is offered any more');
});
