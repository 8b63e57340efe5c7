// A backup and back: made in the page, fetched, something changed, restored through the page; and a damaged file.
import { readFileSync } from 'node:fs';
import { accessible, ask, assert, entered, password, say, scenario, until, url, user } from './support.mjs';

const secret = 'a lighthouse of paper';

await scenario(async () => {
    const page = await entered({}, '/system');
    const dialog = page.getByRole('dialog');
    const backups = page.getByRole('region', { name: 'Backups', exact: true });
    const rows = backups.locator('tbody tr');
    const names = async () => (await rows.locator('th').allInnerTexts()).map((name) => name.trim());
    const fresh = async (before) => until(async () => (await names()).find((name) => !before.includes(name)), 'the new backup in the list');
    const make = async (typed) => {
        await until(async () => (await backups.getByText('No backup is here yet.').isVisible()) || (await rows.count()) > 0, 'the list of backups');
        const before = await names();
        await backups.getByRole('button', { name: 'Make a backup' }).click();
        if (typed) {
            await dialog.getByLabel('Password', { exact: true }).fill(typed);
            await dialog.getByLabel('Password again').fill(typed);
        }
        await accessible(page, 'make a backup');
        await dialog.getByRole('button', { name: 'Make a backup' }).click();
        await dialog.waitFor({ state: 'detached' });
        return fresh(before);
    };
    const change = async (value) => {
        await page.goto(`${url}/settings/pool`);
        await page.getByLabel(/retention-age/).fill(value);
        await page.getByRole('button', { name: /^Apply as revision/ }).click();
        await page.getByText(/Applied as revision \d+\./).last().waitFor();
        await until(async () => (await ask('setting', { key: 'pool.retention-age' })) === value, `the setting at ${value}`);
        await page.goto(`${url}/system`);
    };
    const shows = async (value) => {
        await page.goto(`${url}/settings/pool`);
        await until(async () => (await page.getByLabel(/retention-age/).inputValue()) === value, `${value} in the form`);
        assert.equal(await ask('setting', { key: 'pool.retention-age' }), value);
        await page.goto(`${url}/system`);
    };
    const restore = async (name, typed) => {
        await backups.getByRole('button', { name: `Restore ${name}` }).click();
        if (typed) await dialog.getByLabel('Password', { exact: true }).fill(typed);
        assert.ok(await dialog.getByRole('button', { name: 'Restore', exact: true }).isDisabled(), 'its name is asked for first');
        await dialog.getByLabel(`Type ${name} to confirm`).fill(name);
        await accessible(page, 'restore a backup');
        await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    };

    await change('45d');
    const first = await make();
    await rows.filter({ hasText: first }).getByText('Read whole, good').waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), backups.getByRole('link', { name: `Fetch ${first}` }).click()]);
    const file = readFileSync(await download.path());
    assert.equal(download.suggestedFilename(), first);
    assert.deepEqual([...file.subarray(0, 2)], [0x1f, 0x8b], 'a packed tar');
    say('a backup is made, read back whole, and fetched');

    await change('46d');
    await ask('machines', { number: 2 });
    await page.goto(`${url}/clients`);
    await page.getByText(/^3 machines/).waitFor();
    await page.goto(`${url}/system`);
    await restore(first);
    await page.getByText(new RegExp(`^${first} is restored. What was there before is kept as before-restore-`)).waitFor();
    await dialog.waitFor({ state: 'detached' });
    const aside = await until(async () => (await names()).find((name) => name.startsWith('before-restore-')), 'what was put aside');
    await shows('45d');
    await page.goto(`${url}/clients`);
    await page.getByText(/^1 machine,/).waitFor();
    await page.goto(`${url}/audit`);
    await page.getByRole('table').getByText(first, { exact: false }).first().waitFor();
    say('restored: setting and clients are the old ones, nobody is logged out, the audit log says so');

    await page.goto(`${url}/system`);
    await restore(aside);
    await page.getByText(new RegExp(`^${aside} is restored.`)).waitFor();
    await shows('46d');
    await page.goto(`${url}/clients`);
    await page.getByText(/^3 machines/).waitFor();
    say('what was put aside is restored likewise: nothing was lost');

    await page.goto(`${url}/system`);
    const sealed = await make(secret);
    await rows.filter({ hasText: sealed }).getByText('encrypted', { exact: true }).waitFor();
    await change('47d');
    await restore(sealed, 'another lighthouse');
    await dialog.getByRole('alert').getByText(/password/i).first().waitFor();
    assert.equal(await ask('setting', { key: 'pool.retention-age' }), '47d');
    await accessible(page, 'a wrong password');
    await dialog.getByLabel('Password', { exact: true }).fill(secret);
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.getByLabel('User').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('header.top .goto').waitFor();
    await shows('46d');
    say('an encrypted one: a wrong password restores nothing; with its accounts all sessions end, and the log-in is the old one');

    const bring = (name, buffer) => backups.getByLabel('Bring a backup from elsewhere').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
    await rows.first().waitFor();
    const before = await names();
    const bent = Buffer.from(file);
    bent[Math.floor(bent.length / 2)] ^= 0x55;
    for (const [what, buffer] of [['cut off', file.subarray(0, file.length - 100)], ['bent', bent], ['something else', Buffer.from('<html>not a backup</html>'.repeat(99))]]) {
        await bring('elsewhere.backup', buffer);
        const said = await backups.getByRole('alert').first().innerText();
        assert.match(said, /damaged|no backup/i, `${what}: ${said}`);
        await accessible(page, `a file that is ${what}`);
        await page.reload();
        await rows.first().waitFor();
        assert.deepEqual(await names(), before, `${what}: nothing of it is kept`);
    }
    await bring('elsewhere.backup', file);
    const brought = await fresh(before);
    await rows.filter({ hasText: brought }).getByText('Read whole, good').waitFor();
    say('damaged files and those of others are refused in words; a good one is taken and read');
});
