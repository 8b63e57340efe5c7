// From the code on the console to thirty activated machines in the lab, with a second factor; and out again.
import { accessible, ask, assert, oneTimeCode, open, password, say, scenario, task, url, user } from './support.mjs';

await scenario(async () => {
    const page = await open();
    await page.goto(url);
    await page.getByRole('heading', { name: 'Who looks after this appliance?' }).waitFor();
    await accessible(page, 'first run');
    await page.getByLabel('Code from the console').fill('AAAA-AAAA-AAAA-AAAA');
    await page.getByLabel('User').fill(user);
    await page.getByLabel('Password', { exact: true }).fill('short');
    await page.getByLabel('Password again').fill('short');
    await page.getByRole('button', { name: 'Create administrator' }).click();
    await page.getByText('That is too short').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByLabel('Password again').fill(password);
    await page.getByRole('button', { name: 'Create administrator' }).click();
    await page.getByText('That is not the code').waitFor();
    say('a password that is too short and a wrong code are refused, and nothing typed is lost');
    await page.getByLabel('Code from the console').fill(task.code.toLowerCase());
    await page.getByRole('button', { name: 'Create administrator' }).click();

    await page.getByRole('heading', { name: 'A second factor, too?' }).waitFor();
    say('the code of the console makes an administrator');
    await page.getByRole('button', { name: 'Set up a one-time code' }).click();
    await page.getByRole('img', { name: 'QR code for an authenticator app' }).waitFor();
    await accessible(page, 'second factor');
    const secret = (await page.locator('code.secret').innerText()).replace(/\s/g, '');
    assert.ok((await page.getByRole('link', { name: 'Open it in an app' }).getAttribute('href')).includes(secret));
    await page.getByLabel('Code that the app shows').fill(String((Number(oneTimeCode(secret)) + 1) % 1_000_000).padStart(6, '0'));
    await page.getByRole('button', { name: 'Turn it on' }).click();
    await page.getByText('That code is not right').waitFor();
    const used = oneTimeCode(secret);
    await page.getByLabel('Code that the app shows').fill(used);
    await page.getByRole('button', { name: 'Turn it on' }).click();
    await page.getByText('The second factor is on.').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    say('a second factor is offered and taken, by a code that is right alone');

    await page.getByRole('heading', { name: 'What is this appliance for?' }).waitFor();
    await page.getByRole('radio', { name: 'Lab' }).check();
    await page.getByRole('button', { name: 'Use it as a lab' }).click();
    await page.getByRole('heading', { name: 'Is the appliance itself in order?' }).waitFor();
    await page.getByText('The same as this browser').or(page.getByText('It differs from this browser’s by')).waitFor();
    await page.getByText('7 and 2008 R2').waitFor();
    await page.getByText(task.listens).waitFor();
    await accessible(page, 'check');
    await page.getByRole('button', { name: 'Continue' }).click();
    say('the mode is chosen, nobody is logged out; clock, families and address are in order');
    await page.getByRole('heading', { name: 'Which machines does the lab play for?' }).waitFor();
    await accessible(page, 'lab key');
    await page.getByRole('button', { name: 'Make and install a key' }).click();
    await page.getByText('Waiting for the first request').waitFor();
    await accessible(page, 'first client');
    await ask('machines');
    await page.getByText(/machines? ha(s|ve) asked/).waitFor();
    await page.getByRole('button', { name: 'Open the overview' }).click();
    await page.getByRole('heading', { level: 1, name: 'Everything works.' }).waitFor();
    await page.getByRole('link', { name: 'Clients', exact: true }).first().click();
    await page.getByRole('table').getByText('pc-', { exact: false }).first().waitFor();
    say('thirty machines are activated, and the first of them is in the list');

    const other = await open();
    await other.goto(url);
    await accessible(other, 'log-in');
    await other.getByLabel('User').fill(user);
    await other.getByLabel('Password').fill(password);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByLabel('One-time code').waitFor();
    await accessible(other, 'log-in with a code');
    // A code counts once: the one that confirmed the second factor is spent.
    await other.getByLabel('One-time code').fill(used);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByText('User, password or code is wrong.').waitFor();
    // An appliance takes the code of the next half minute, too: a telephone's clock may be ahead.
    const now = oneTimeCode(secret);
    await other.getByLabel('One-time code').fill(now === used ? oneTimeCode(secret, Date.now() + 30_000) : now);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.locator('header.top .goto').waitFor();
    say('a second browser is asked for a code; the one that was used before is refused');

    await page.goto(`${url}/system`);
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await other.goto(`${url}/clients`);
    await other.getByRole('button', { name: 'Sign in' }).waitFor();
    say('logged out everywhere');
});
