// New network settings: wrong ones are said where they stand, tried ones go back by themselves, confirmed ones stay.
import { accessible, ask, assert, entered, fits, narrow, say, scenario, url, until, wide } from './support.mjs';

await scenario(async () => {
    const page = await entered({}, '/box');
    const network = page.getByRole('region', { name: 'Network', exact: true });
    const dialog = page.getByRole('dialog');
    const port = network.getByRole('group', { name: 'eth0' });
    const addresses = port.getByLabel('IPv4 addresses');
    const timer = network.getByRole('timer');
    const attempt = async () => {
        await network.getByRole('button', { name: 'Try these settings' }).click();
        await dialog.getByRole('button', { name: 'Try these settings' }).click();
        await dialog.waitFor({ state: 'detached' });
    };
    await addresses.waitFor();
    assert.equal(await addresses.inputValue(), '10.9.0.7/24');
    assert.ok(await network.getByRole('button', { name: 'Try these settings' }).isDisabled(), 'nothing is changed yet');

    await addresses.fill('10.9.0.9');
    await network.getByLabel('Name servers').fill('10.9.0.53\n300.1.1.1');
    await network.getByRole('button', { name: 'Try these settings' }).click();
    await accessible(page, 'the question before a trial');
    await dialog.getByRole('button', { name: 'Try these settings' }).click();
    await network.getByText('2 fields above are not valid').waitFor();
    assert.equal(await addresses.getAttribute('aria-invalid'), 'true');
    assert.equal(await network.getByLabel('Name servers').getAttribute('aria-invalid'), 'true');
    assert.equal(await port.getByLabel('IPv4 gateway').getAttribute('aria-invalid'), null);
    assert.match(await ask('network'), /Address=10\.9\.0\.7\/24/);
    await accessible(page, 'fields that are wrong');
    say('each field says what is wrong with it, what was typed stays, the network stays');

    await addresses.fill('10.9.0.9/24');
    await network.getByLabel('Name servers').fill('10.9.0.53');
    await attempt();
    await timer.getByText(/^Confirm within \d+ s/).waitFor();
    assert.match(await ask('network'), /Address=10\.9\.0\.9\/24/);
    await page.reload();
    await timer.getByText(/^Confirm within \d+ s/).waitFor();
    assert.equal(await network.getByRole('link').first().getAttribute('href'), `https://10.9.0.9:${new URL(url).port}/box`);
    assert.equal(await addresses.inputValue(), '10.9.0.9/24');
    await network.getByRole('button', { name: 'Go back now' }).click();
    await until(async () => (await addresses.inputValue()) === '10.9.0.7/24', 'the network as it was');
    say('a trial counts down, also after a reload, and says where the page is then');

    await ask('trial', { seconds: 3 });
    await addresses.fill('10.9.0.9/24');
    await attempt();
    await network.getByText('The settings that were tried are not in force').waitFor();
    await until(async () => /Address=10\.9\.0\.7\/24/.test(await ask('network')), 'the network as it was');
    await until(async () => (await addresses.inputValue()) === '10.9.0.7/24', 'the form as it was');
    assert.equal(await timer.count(), 0);
    say('what nobody confirms goes back by itself, and the page says so');

    await ask('trial', { seconds: 600 });
    await addresses.fill('10.9.0.8/24');
    await network.getByLabel('Search domains').fill('corp.example');
    await attempt();
    await timer.waitFor();
    assert.ok(await addresses.isDisabled(), 'what is on trial is not changed meanwhile');
    for (const [viewport, colorScheme] of [[wide, 'light'], [wide, 'dark'], [narrow, 'dark'], [narrow, 'light']]) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await accessible(page, `a trial, ${colorScheme}, ${viewport.width}`);
        await fits(page, `a trial at ${viewport.width}`);
    }
    await page.context().setOffline(true);
    await network.getByText(`The box does not answer at ${new URL(url).host} any more.`).waitFor();
    await network.getByText('Open the page there, sign in and confirm:').waitFor();
    await page.context().setOffline(false);
    await network.getByText('The page is also at:').waitFor();
    say('where the box is not reached any more, the page says where it is');
    await network.getByRole('button', { name: 'Go back now' }).click();
    await network.getByText('The network is as it was before.').waitFor();
    assert.match(await ask('network'), /Address=10\.9\.0\.7\/24/);
    await addresses.fill('10.9.0.8/24');
    await attempt();
    await network.getByRole('button', { name: 'Keep these settings' }).click();
    await page.getByText('The new network settings are kept.').waitFor();
    assert.match(await ask('network'), /Address=10\.9\.0\.8\/24/);

    await page.context().setOffline(true);
    await addresses.fill('10.9.0.6/24');
    await attempt();
    await timer.waitFor();
    await page.context().setOffline(false);
    await network.getByText('The appliance does not answer').waitFor();
    assert.equal(await timer.count(), 0);
    assert.match(await ask('network'), /Address=10\.9\.0\.8\/24/);
    say('what did not arrive is not said to be on trial');

    await page.reload();
    await until(async () => (await addresses.inputValue()) === '10.9.0.8/24', 'the settings that were kept');
    assert.equal(await timer.count(), 0);
    say('what is confirmed stays');

    await port.getByRole('combobox', { name: 'IPv4' }).selectOption({ label: 'Automatic (DHCP)' });
    assert.equal(await addresses.count(), 0);
    await attempt();
    await network.getByRole('button', { name: 'Keep these settings' }).click();
    await until(async () => (await ask('network')) === '', 'the port as the image has it');
    say('and a port goes back to DHCP');
});
