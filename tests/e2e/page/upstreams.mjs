// An upstream that does not answer is added, says why, is repaired and tested; one that rests is put back.
import { accessible, ask, assert, entered, say, scenario, task, url } from './support.mjs';

await scenario(async () => {
    const page = await entered();
    await page.getByRole('heading', { level: 1, name: /no licensed KMS host is known/ }).waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Add upstream' }).first().click();
    const dialog = page.getByRole('dialog');
    await accessible(page, 'add an upstream');
    await dialog.getByLabel('Address').fill('no such host at all');
    await dialog.getByRole('button', { name: 'Add and test' }).click();
    await dialog.getByRole('alert').first().waitFor();
    say('an address that is none is refused, beside its field');
    await dialog.getByLabel('Address').fill(task.upstream);
    await dialog.getByLabel('Name', { exact: true }).fill('kms-a');
    await dialog.getByRole('button', { name: 'Add and test' }).click();
    await dialog.waitFor({ state: 'detached' });

    const host = page.getByRole('article', { name: 'kms-a' });
    await host.getByRole('button', { name: 'Test kms-a' }).click();
    await host.getByText('Silent', { exact: true }).waitFor();
    await host.getByText(/refused/i).first().waitFor();
    await host.getByText(`${task.upstream} is open from here`).waitFor();
    await accessible(page, 'an upstream that is silent');
    await page.goto(url);
    await page.getByRole('heading', { level: 1, name: 'kms-a does not answer.' }).waitFor();
    say('it does not answer: its page and the overview say why, and what to look at');

    await ask('repair');
    await page.goto(`${url}/upstreams`);
    await host.getByRole('button', { name: 'Test kms-a' }).click();
    await host.getByText('Answers', { exact: true }).waitFor();
    assert.equal(await host.getByText('Silent', { exact: true }).count(), 0);
    await ask('request');
    await page.goto(url);
    await page.getByRole('heading', { level: 1, name: 'Everything works.' }).waitFor();
    say('repaired, it answers, a client is answered by it, and the overview says that everything works');

    await page.goto(`${url}/upstreams`);
    await host.getByRole('button', { name: 'Drain kms-a' }).click();
    await host.getByText('Draining', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await host.getByText('Answers', { exact: true }).waitFor();
    await host.getByRole('button', { name: 'Edit kms-a' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('kms-berlin');
    await dialog.getByRole('button', { name: 'Save kms-a' }).click();
    const renamed = page.getByRole('article', { name: 'kms-berlin' });
    await renamed.waitFor();
    await renamed.getByRole('button', { name: 'Remove kms-berlin' }).click();
    await dialog.getByRole('button', { name: 'Remove kms-berlin' }).click();
    await renamed.waitFor({ state: 'detached' });
    await page.getByRole('status').getByRole('button', { name: 'Undo' }).click();
    await renamed.waitFor();
    say('drained and put back, renamed, removed and brought back');
});
