// A morning's work without a mouse: nothing here clicks, and wherever the focus is, it shows and is seen.
import { ask, assert, keyboard, open, password, say, scenario, task, until, url, user } from './support.mjs';

await scenario(async () => {
    const page = await open();
    const { press, type, focused, step, reach } = keyboard(page);
    const main = page.getByRole('main');
    const dialog = page.getByRole('dialog');
    const stands = () => page.waitForFunction(() => !document.querySelector('main .waiting'));
    /** g, then the letter of a page. The two belong together for a second and a half: on a busy machine a person repeats it. */
    async function turnTo(letter, heading) {
        await dialog.waitFor({ state: 'detached' });
        await until(async () => {
            await press('g');
            await press(letter);
            return page.getByRole('heading', { level: 1, name: heading }).waitFor({ timeout: 3000 }).then(() => true, () => false);
        }, `${heading} by g ${letter}`);
        // What comes later pushes what has the focus out of sight; a person, too, waits until a page stands.
        await stands();
    }

    await page.goto(url);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await until(async () => (await focused()).name === 'User', 'the focus in the field for the user');
    await type(user);
    await press('Tab');
    await type(password);
    await press('Enter');
    await page.locator('header.top .goto').waitFor();
    assert.equal((await step()).name, 'Skip to content');
    await press('Enter');
    await until(() => page.evaluate(() => document.activeElement?.id === 'main'), 'the focus on what the page is about');
    say('signed in; the first Tab leads past the navigation');

    await press('?');
    await dialog.getByText('Next and previous row').waitFor();
    await press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await turnTo('c', 'Clients');
    await page.locator('table.clients tbody tr').nth(3).waitFor();
    await press('j');
    await press('j');
    const second = (await focused()).name;
    await press('k');
    const first = (await focused()).name;
    assert.notEqual(first, second);
    await press('Enter');
    await page.getByRole('complementary', { name: first }).waitFor();
    await press('Escape');
    await page.getByRole('complementary', { name: first }).waitFor({ state: 'detached' });
    assert.equal((await focused()).name, first, 'Esc gives the focus back');
    say('rows by j and k, one opened and closed, the focus is where it was');

    await press('/');
    await type(task.machine);
    const found = page.getByRole('option', { name: new RegExp(`^${task.machine}`) });
    await found.waitFor();
    for (let i = 0; i < 20 && (await found.getAttribute('aria-selected')) !== 'true'; ++i) await press('ArrowDown');
    await press('Enter');
    await page.getByRole('complementary', { name: task.machine }).waitFor();
    await reach('Forget 1 machine');
    await press('Enter');
    await dialog.getByRole('heading', { name: `Forget ${task.machine}?` }).waitFor();
    await reach('Forget 1 machine');
    await press('Enter');
    await page.getByText(`${task.machine} is forgotten.`).waitFor();
    await until(async () => !(await ask('clients')).includes(task.machine), 'the machine out of the pool');
    say('a machine is found from anywhere by /, and forgotten after a question');

    await turnTo('s', 'Settings');
    await reach('Find a setting');
    await type('retention-age');
    await until(async () => (await page.locator('.field').count()) === 1, 'the one setting');
    await reach(/retention-age/);
    await press('Control+A');
    await type('50d');
    await reach('Compare');
    await press('Enter');
    await dialog.waitFor();
    await reach(/^Apply as revision/);
    await press('Enter');
    await page.getByText(/Applied as revision/).waitFor();
    assert.equal(await ask('setting', { key: 'pool.retention-age' }), '50d');
    await press('u');
    await until(async () => (await ask('setting', { key: 'pool.retention-age' })) !== '50d', 'the setting as it was');
    say('a setting is found, changed, compared, applied, and undone');

    await turnTo('y', 'System');
    await reach('Make token');
    await press('Enter');
    await dialog.waitFor();
    await until(async () => (await focused()).name.startsWith('What is it for?') || (await step()).name.startsWith('What is it for?'), 'the focus in the field');
    await type('night shift');
    await press('Enter');
    await main.getByText('This token is shown once').waitFor();
    await reach('I have kept it');
    await press('Enter');
    await page.getByRole('button', { name: 'Revoke night shift' }).waitFor();
    await reach('Revoke night shift');
    await press('Enter');
    await dialog.waitFor();
    await reach('Revoke night shift');
    await press('Space');
    await dialog.waitFor({ state: 'detached' });
    await until(async () => (await ask('tokens')).every((one) => one.revoked !== ''), 'the token revoked');
    say('a token is made, kept and revoked');

    await turnTo('e', 'Events');
    await reach('Pause');
    await press('Space');
    await page.getByText('Paused', { exact: true }).waitFor();
    await press('Space');
    await page.getByText('Paused', { exact: true }).waitFor({ state: 'detached' });
    for (const path of ['/', '/lab', '/plugins', '/dns', '/system', '/settings/listener', '/clients']) {
        await page.goto(url + path);
        await main.getByRole('heading', { level: 1 }).first().waitFor();
        await stands();
        const seen = new Set();
        // Round once: every stop shows the focus (step asserts it), and none of them is a trap.
        for (let i = 0; i < 400; ++i) {
            const at = await step();
            if (at.tag === 'BODY' || (at.name === 'Skip to content' && seen.size > 5)) break;
            seen.add(`${at.tag} ${at.name}`);
            assert.ok(i < 399, `${path}: Tab never comes round`);
        }
        assert.ok(seen.size > 10, `${path}: ${[...seen].join(' | ')}`);
    }
    say('Tab goes round every page and is caught nowhere');

    await reach(user);
    await press('Enter');
    await reach('Sign out');
    await press('Enter');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    say('signed out');
});
