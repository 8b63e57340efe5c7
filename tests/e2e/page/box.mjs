// Name, time, firmware and power of a box.
import { accessible, ask, assert, entered, open, password, say, scenario, until, url } from './support.mjs';

await scenario(async () => {
    const page = await entered({}, '/box');
    const section = (name) => page.getByRole('region', { name, exact: true });
    const dialog = page.getByRole('dialog');

    const name = section('Name');
    await name.getByLabel('Host name').fill('KMS_7');
    await name.getByRole('button', { name: 'Rename' }).click();
    await name.getByText('labels of a to z').waitFor();
    await name.getByLabel('Host name').fill('kms-7');
    await name.getByRole('button', { name: 'Rename' }).click();
    await page.getByText('The box is called kms-7 now.').waitFor();
    assert.match(await ask('calls', { programs: ['hostnamectl'] }), /hostname kms-7\n$/);
    say('a name that is none is refused, another is taken');

    const time = section('Time');
    assert.ok(await time.getByRole('button', { name: 'Set the clock from this browser' }).isDisabled());
    await time.getByLabel('Time zone').fill('Europe/Atlantis');
    await time.getByRole('button', { name: 'Save time settings' }).click();
    await time.getByText('not on this box').first().waitFor();
    await time.getByLabel('Time zone').fill('Europe/Berlin');
    await time.getByLabel('Time servers', { exact: true }).fill('ntp.corp.example');
    await time.getByRole('button', { name: 'Save time settings' }).click();
    await page.getByText('The time settings are saved.').waitFor();
    await time.getByLabel('Time servers set the clock').uncheck();
    await time.getByRole('button', { name: 'Save time settings' }).click();
    await until(() => time.getByRole('button', { name: 'Set the clock from this browser' }).isEnabled(), 'a clock that is set by hand');
    await ask('calls', { programs: ['timedatectl'] });
    await time.getByRole('button', { name: 'Set the clock from this browser' }).click();
    await page.getByText('The clock is set.').waitFor();
    const set = Number(/set-time @(\d+)/.exec(await ask('calls', { programs: ['timedatectl'] }))?.[1]);
    assert.ok(Math.abs(set - Date.now() / 1000) < 600, `the clock was set to ${set}`);
    say('zone and time servers are set, and the clock from the browser where no server does');

    const firmware = section('Firmware');
    const bring = async (content) => {
        await firmware.getByLabel('Update bundle').setInputFiles({ name: 'muster.raucb', mimeType: 'application/octet-stream', buffer: Buffer.from(content) });
        await firmware.getByRole('button', { name: 'Upload and install' }).click();
    };
    await firmware.getByText('No update was installed').waitFor();
    await bring('evil');
    await firmware.getByText('The last update was not installed').waitFor();
    await firmware.getByText('Signature verification failed.').waitFor();
    await accessible(page, 'an update that was refused');
    say('a bundle that is not good is refused, and why');

    await ask('slow');
    await bring(`good 1.1\n${'x'.repeat(3_000_000)}`);
    const bar = firmware.getByRole('progressbar', { name: 'The update is being installed' });
    await until(async () => (await bar.count()) === 1 && (await bar.getAttribute('value')) === '40', 'how far the installation is');
    await firmware.getByText('Copying image to boot.1').waitFor();
    await accessible(page, 'an installation');
    await page.reload();
    await bar.waitFor();
    await ask('go');
    await firmware.getByText('Version 1.1 is installed and waits for a restart').waitFor();
    await firmware.getByRole('listitem').filter({ hasText: 'B stands by' }).filter({ hasText: 'Version 1.1' }).getByText('Started next').waitFor();
    say('a good one is installed, its progress is shown, also after a reload');

    await firmware.getByRole('button', { name: 'Restart into B' }).click();
    await ask('calls', { programs: ['systemctl'] });
    await dialog.getByRole('button', { name: 'Restart kms-7' }).click();
    await section('Power').getByText('The box restarts').waitFor();
    assert.equal(await ask('calls', { programs: ['systemctl'] }), 'systemctl --no-block reboot\n');
    await ask('reboot', { into: 'B' });
    await page.getByText('The box is back.').waitFor();
    await firmware.getByText('Version 1.1 runs since the last update').waitFor();
    say('the box restarts into it, and the page goes on when it is back');

    await ask('reboot', { into: 'A' });
    await page.reload();
    await firmware.getByText('Version 1.1 failed, and the box went back').waitFor();
    await firmware.getByText('It was started and not found good').waitFor();
    await firmware.getByRole('listitem').filter({ hasText: 'A runs now' }).filter({ hasText: 'Version 1.0' }).waitFor();
    await accessible(page, 'an update that did not hold');
    await firmware.getByRole('button', { name: 'Mark bad B' }).click();
    await dialog.getByRole('button', { name: 'Mark B bad' }).click();
    await firmware.getByRole('listitem').filter({ hasText: 'B stands by' }).getByText('Not startable').waitFor();
    say('a version that did not hold is said, and can be locked out');

    const viewer = await open();
    await viewer.goto(`${url}/box`);
    await viewer.getByLabel('User').fill('eve');
    await viewer.getByLabel('Password').fill(password);
    await viewer.getByRole('button', { name: 'Sign in' }).click();
    await viewer.getByText('Version 1.1 failed, and the box went back').waitFor();
    await viewer.getByRole('group', { name: 'eth0' }).getByLabel('IPv4 addresses').waitFor();
    assert.ok(await viewer.getByRole('group', { name: 'eth0' }).getByLabel('IPv4 addresses').isDisabled());
    for (const act of ['Try these settings', 'Rename', 'Upload and install', 'Restart the box', 'Erase everything']) assert.equal(await viewer.getByRole('button', { name: act }).count(), 0, act);
    await accessible(viewer, 'the box as a viewer sees it');
    say('a viewer sees all of it and changes nothing');

    const power = section('Power');
    await power.getByRole('button', { name: 'Erase everything' }).click();
    const erase = dialog.getByRole('button', { name: 'Erase kms-7' });
    assert.ok(await erase.isDisabled());
    await accessible(page, 'the question before a reset');
    await dialog.getByLabel('Type kms-7 to confirm').fill('kms-1');
    assert.ok(await erase.isDisabled());
    assert.equal(await ask('reset'), false);
    await dialog.getByLabel('Type kms-7 to confirm').fill('kms-7');
    await erase.click();
    await power.getByText('The box erases itself').waitFor();
    assert.equal(await ask('reset'), true);
    say('a reset wants the name of the box, and then begins');
});
