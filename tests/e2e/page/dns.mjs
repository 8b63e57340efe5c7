// Into DNS: a key and a domain are named, the plan is a diff, nothing is written before somebody says so; and out again.
import { accessible, ask, assert, entered, fits, narrow, say, scenario, task, until, url, wide } from './support.mjs';

await scenario(async () => {
    const page = await entered({}, '/dns');
    const dialog = page.getByRole('dialog');
    await page.getByText('No domain is named yet.').waitFor();
    await page.getByRole('link', { name: 'TSIG keys' }).click();
    await page.getByRole('button', { name: 'Add TSIG key' }).click();
    await dialog.getByLabel('Name of the key').fill(task.key);
    await dialog.getByLabel('Secret').fill(task.secret);
    await dialog.getByRole('button', { name: 'Add TSIG key' }).click();
    await page.getByRole('rowheader', { name: task.key }).waitFor();
    assert.ok(!(await page.content()).includes(task.secret), 'the secret is never shown again');
    await page.getByRole('link', { name: /^Plan \d+$/ }).click();
    await page.getByRole('link', { name: 'Name a domain' }).click();
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    const domains = page.locator('.field', { hasText: 'dns.domains' });
    await domains.getByRole('button', { name: 'Add' }).click();
    await domains.getByLabel('domain', { exact: true }).fill(task.domain);
    const more = domains.locator('summary');
    if (await more.count()) await more.first().click();
    await domains.getByLabel('key', { exact: true }).fill(task.key);
    await domains.getByLabel('target', { exact: true }).fill(task.target);
    await domains.getByLabel('server', { exact: true }).fill(task.server);
    await page.getByRole('button', { name: /^Apply as revision/ }).click();
    await page.getByText(/Applied as revision/).waitFor();
    say('a key and a domain are named');

    await page.goto(`${url}/dns`);
    const plan = page.getByRole('region', { name: `Changes in ${task.domain}` });
    await plan.locator('li.a', { hasText: task.target }).waitFor();
    assert.equal(await plan.locator('li.d').count(), 0, 'records of others stay');
    await page.getByText(/^1 change\. Nothing is written before you publish\./).waitFor();
    assert.deepEqual(await ask('services'), task.before, 'nothing is written');
    await accessible(page, 'the plan');
    await page.setViewportSize(narrow);
    await fits(page, 'the plan at 390');
    await page.setViewportSize(wide);
    say('the plan is a diff, and nothing is written');

    await page.getByRole('button', { name: 'Publish 1 change' }).click();
    await dialog.getByRole('heading', { name: 'Publish this appliance in DNS?' }).waitFor();
    assert.deepEqual(await ask('services'), task.before, 'nothing is written before the answer');
    await dialog.getByRole('button', { name: 'Publish 1 change' }).click();
    await until(async () => (await ask('services')).some((record) => record.includes(task.target)), 'the record in the zone');
    const row = page.getByRole('row').filter({ hasText: task.domain });
    await row.getByText('Published', { exact: true }).waitFor();
    for (const record of task.before) assert.ok((await ask('services')).includes(record), `${record} stays`);
    await page.reload();
    await page.getByText('Everything in DNS is as it should be.').waitFor();
    await accessible(page, 'published');
    say('published: the record is in the zone, and those of others stay');

    await page.getByRole('link', { name: /^Watch list \d+$/ }).click();
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByRole('row').filter({ hasText: task.target }).getByText('Ours', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Text for your DNS' }).click();
    await page.getByRole('region', { name: 'Text for your DNS' }).getByText(task.key).first().waitFor();
    await page.getByRole('link', { name: /^Plan \d+$/ }).click();
    await page.getByRole('button', { name: 'Withdraw' }).click();
    await dialog.getByRole('button', { name: 'Withdraw' }).click();
    await until(async () => JSON.stringify(await ask('services')) === JSON.stringify(task.before), 'the record out of the zone');
    say('watched, and withdrawn');
});
