#!/usr/bin/env python3
"""Backup and restore from outside: what was lost comes back, what is damaged is refused, and one comes each day."""
import json
import subprocess
import tarfile

import integration_support as integration
from integration_support import support

PASSWORD = "correct horse battery"


class Backup(integration.DaemonTest):
    def ready(self, *words, **more):
        daemon = super().ready(*words, **more)
        if daemon.lab and not (daemon.state / "lab" / "lab" / "host-keys").exists():
            daemon.install_key()
        return daemon

    def password(self, text=PASSWORD):
        path = self.directory / "password"
        path.write_text(text + "\n")
        return "--password-file", path

    def list(self, daemon):
        return json.loads(daemon.ctl("backup", "list", "-o", "json").stdout)["items"]

    def create(self, daemon, *words):
        return json.loads(daemon.ctl("backup", "create", "-o", "json", *words).stdout)

    def restore(self, daemon, name, *words):
        """Restores and waits for the next life, which says that it has done so."""
        told = daemon.log.read_text(errors="replace").count("were restored from")
        done = json.loads(daemon.ctl("backup", "restore", "--yes", "-o", "json", name, *words).stdout)
        integration.wait_for(lambda: daemon.log.read_text(errors="replace").count("were restored from") > told, 60,
                             "the restore was told")
        integration.wait_for(daemon.is_ready, 60, "ready after the restore")
        return done

    def refused(self, daemon, *words):
        done = daemon.ctl(*words, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def activate(self, daemon, count, *words):
        """So many clients of names of their own; returns the CMIDs that are known then."""
        integration.clients(daemon, "server2008r2", count, *words, check=0)
        integration.wait_for(lambda: len(daemon.cmids()) >= count, 60, "the clients are listed")
        return daemon.cmids()

    def status(self, daemon):
        return json.loads(daemon.status())

    def file(self, daemon, name):
        return daemon.state / "backups" / name

    def test_clients_that_were_lost_come_back(self):
        daemon = self.ready()
        before = self.activate(daemon, 6)
        made = self.create(daemon)
        self.assertTrue(made["verified"] and made["newest"] and not made["encrypted"], made)
        self.assertEqual(made["kind"], "person")
        self.assertIn("lab", made["parts"])
        self.assertEqual({part["part"] for part in made["leftOut"]} & {"accounts", "keys"}, {"accounts", "keys"})
        for cmid in before:
            daemon.ctl("client", "remove", "--yes", cmid)
        integration.wait_for(lambda: not daemon.cmids(), 60, "the clients are gone")
        done = self.restore(daemon, made["name"])
        self.assertEqual(daemon.cmids(), before)
        self.assertTrue((daemon.state / done["aside"] / "lab" / "pool.db").exists())
        # In the audit log: who wanted it, and that it was done; the log itself is the one of this box.
        entries = json.loads(daemon.ctl("audit", "list", "-o", "json").stdout)["items"]
        self.assertEqual(entries[0]["action"], "restore")
        self.assertEqual(entries[0]["what"]["backup"], made["name"])
        wanted = next(entry for entry in entries if entry["action"] == "POST /backups/{name}/restore")
        self.assertEqual(wanted["before"], {"kept": done["aside"]})
        self.assertTrue(json.loads(daemon.ctl("audit", "check", "-o", "json").stdout)["good"])
        self.assertIn("20024", daemon.ctl("event", "list", "-o", "csv").stdout)
        # And undone.
        self.restore(daemon, done["aside"], "--parts", "lab")
        self.assertEqual(daemon.cmids(), set())

    def test_a_damaged_database_is_set_aside_and_the_newest_backup_offered(self):
        daemon = self.ready()
        before = self.activate(daemon, 6)
        older = self.create(daemon)["name"]
        newer = self.create(daemon)["name"]
        self.assertFalse(self.status(daemon)["degraded"])
        daemon.stop()
        database = daemon.state / "lab" / "pool.db"
        database.write_bytes(b"this is no database at all " * 400)
        for intake in (daemon.state / "lab").glob("intake-*.log"):
            intake.unlink()  # what it still held would come back by itself
        daemon.start()
        self.assertEqual(daemon.process.wait(60 * support.PATIENCE), 78)  # a person has to say so
        daemon.start_ready(60, "--degraded")
        self.assertEqual(daemon.cmids(), set())
        status = self.status(daemon)
        self.assertTrue(status["degraded"], status)
        offer = next(line for line in status["trouble"] if "set aside" in line)
        self.assertIn(f"musterctl backup restore {newer}", offer)
        rows = self.list(daemon)
        self.assertEqual([(row["name"], row["newest"]) for row in rows], [(newer, True), (older, False)])
        done = self.restore(daemon, newer)
        self.assertEqual(daemon.cmids(), before)
        self.assertFalse(self.status(daemon)["degraded"])
        evidence = [path for path in (daemon.state / done["aside"] / "lab").iterdir() if ".damaged-" in path.name]
        self.assertEqual(len(evidence), 1, "what was damaged is kept as evidence")

    def test_a_relay_without_a_store_restores_as_well(self):
        daemon = self.ready(serving=support.relay("127.0.0.1:9"))
        daemon.ctl("settings", "set", "listener.idle-timeout", "45s")
        name = self.create(daemon)["name"]
        daemon.stop()
        (daemon.state / "pool.db").unlink()
        (daemon.state / "pool.db").mkdir()
        daemon.start_ready(60, "--degraded")
        self.assertTrue(self.status(daemon)["degraded"])
        self.assertEqual([row["name"] for row in self.list(daemon)], [name])
        self.restore(daemon, name, "--parts", "settings")
        (daemon.state / "pool.db").rmdir()

    def test_an_encrypted_one_holds_all_and_opens_for_its_password_alone(self):
        daemon = self.ready("--web", f"127.0.0.1:{support.free_port()}")
        daemon.ctl("settings", "set", "listener.idle-timeout", "45s")
        daemon.ctl("user", "add", "ada", "admin", *self.password("a quiet harbour of mine"))
        seal = (daemon.state / "lab" / "seal.key").read_bytes()
        certificate = (daemon.state / "webui" / "certificate.pem").read_bytes()
        made = self.create(daemon, *self.password())
        self.assertTrue(made["encrypted"] and made["verified"], made)
        self.assertTrue({"accounts", "keys", "lab", "settings"} <= set(made["parts"]), made)
        self.assertIn("give the password", self.refused(daemon, "backup", "check", made["name"]))
        self.assertIn("the password is not the one",
                      self.refused(daemon, "backup", "check", made["name"], *self.password("another horse battery")))
        daemon.ctl("backup", "check", made["name"], *self.password())
        octets = self.file(daemon, made["name"]).read_bytes()
        for secret in (seal[:32], certificate[100:200], b"PRIVATE KEY", b"argon2id$"):
            self.assertNotIn(secret, octets)
        # On another box.
        daemon.stop()
        other = self.daemon("--web", f"127.0.0.1:{support.free_port()}", name="other")
        other.start_ready()
        brought = json.loads(other.ctl("backup", "put", "-o", "json", self.file(daemon, made["name"])).stdout)
        self.assertEqual((brought["kind"], brought["verified"]), ("uploaded", False))
        self.assertNotEqual((other.state / "webui" / "certificate.pem").read_bytes(), certificate)
        self.restore(other, brought["name"], *self.password())
        self.assertEqual((other.state / "webui" / "certificate.pem").read_bytes(), certificate)
        self.assertEqual((other.state / "lab" / "seal.key").read_bytes(), seal)
        self.assertIn("ada", other.ctl("user", "list").stdout)

    def test_no_password_is_in_the_list_of_processes(self):
        daemon = self.ready()
        self.refused(daemon, "backup", "create", "--password", PASSWORD)
        self.refused(daemon, "backup", "create", f"--password={PASSWORD}")
        self.assertEqual(self.list(daemon), [])

    def test_what_is_damaged_or_no_backup_is_refused_and_changes_nothing(self):
        daemon = self.ready()
        before = self.activate(daemon, 6)
        name = self.create(daemon)["name"]
        path = self.file(daemon, name)
        octets = path.read_bytes()
        path.write_bytes(octets[:-200] + b"x" + octets[-199:])
        self.assertIn("damaged", self.refused(daemon, "backup", "check", name))
        self.assertIn("damaged", self.refused(daemon, "backup", "restore", "--yes", name))
        row = self.list(daemon)[0]
        self.assertFalse(row["verified"] or row["newest"], row)
        self.assertIn("damaged", row["problem"])
        path.write_bytes(b"PK\x03\x04 an archive of somebody else")
        self.assertIn("no backup that Muster made", self.refused(daemon, "backup", "restore", "--yes", name))
        for stranger in ("../mode", "nothing", "muster-20200101-000000.backup"):
            self.refused(daemon, "backup", "restore", "--yes", stranger)
            self.refused(daemon, "backup", "remove", "--yes", stranger)
        bad = self.directory / "bad"
        bad.write_bytes(octets[:-1])
        self.assertIn("cut off", self.refused(daemon, "backup", "put", bad))
        self.assertEqual(len(self.list(daemon)), 1)
        self.assertFalse((daemon.state / "restore").exists())
        self.assertEqual(daemon.cmids(), before)

    def test_parts_are_chosen_when_it_is_made_and_when_it_is_restored(self):
        daemon = self.ready()
        daemon.ctl("settings", "set", "listener.idle-timeout", "45s")
        before = self.activate(daemon, 6)
        name = self.create(daemon, "--parts", "settings", "lab")["name"]
        with tarfile.open(self.file(daemon, name)) as tar:
            names = tar.getnames()
        self.assertEqual(names[0], "manifest.json")
        self.assertIn("lab/pool.db", names)
        self.assertNotIn("audit/audit-1.jsonl", names)
        daemon.ctl("settings", "set", "listener.idle-timeout", "50s")
        daemon.ctl("client", "remove", "--yes", next(iter(before)))
        integration.wait_for(lambda: len(daemon.cmids()) == 5, 60, "one client less")
        self.restore(daemon, name, "--parts", "settings")
        self.assertIn("listener.idle-timeout,45s", daemon.ctl("settings", "show", "-o", "csv").stdout)
        self.assertEqual(len(daemon.cmids()), 5)
        self.assertIn("has no part audit", self.refused(daemon, "backup", "restore", "--yes", name, "--parts", "audit"))

    def test_one_comes_each_day_and_seven_are_kept(self):
        daemon = self.ready()
        kept = json.loads(daemon.ctl("settings", "show", "-o", "json").stdout)
        self.assertIn(("backup.kept", "7"), [(item["key"], str(item.get("value"))) for item in kept["items"]])
        due = daemon.state / "backups" / "next-daily"
        integration.wait_for(due.exists, 60, "the first due time is kept")
        by_hand = self.create(daemon)["name"]
        names = []
        for _ in range(9):
            daemon.stop()
            due.write_text("2020-01-01T00:00:00.000Z")  # as if the box had been off
            daemon.start_ready()
            integration.wait_for(lambda: not due.read_text().startswith("2020"), 60, "the daily backup")
            names += [row["name"] for row in self.list(daemon) if row["kind"] == "daily" and row["name"] not in names]
        integration.wait_for(lambda: len(self.list(daemon)) == 8, 60, "the oldest are gone")
        rows = self.list(daemon)
        self.assertEqual(sorted(row["name"] for row in rows if row["kind"] == "daily"), sorted(names)[-7:])
        self.assertTrue(all(row["verified"] for row in rows), rows)
        self.assertIn(by_hand, [row["name"] for row in rows])

    def test_a_daily_one_with_the_password_of_the_settings_holds_secrets(self):
        daemon = self.ready()
        subprocess.run([support.BIN / "musterctl", "--control", daemon.control, "settings", "set", "backup.password", "-"],
                       input=PASSWORD + "\n", text=True, check=True, capture_output=True)
        self.assertFalse((daemon.state / "muster.toml").exists(), "a secret is in no settings file")
        daemon.stop()
        (daemon.state / "backups" / "next-daily").write_text("2020-01-01T00:00:00.000Z")
        daemon.start_ready()
        integration.wait_for(lambda: self.list(daemon), 60, "the daily backup")
        row = self.list(daemon)[0]
        self.assertTrue(row["encrypted"] and row["verified"] and "keys" in row["parts"], row)
        self.restore(daemon, row["name"])  # opened by the same setting

    def test_a_file_is_fetched_and_brought_back(self):
        daemon = self.ready()
        name = self.create(daemon)["name"]
        copy = self.directory / "copy.backup"
        daemon.ctl("backup", "get", name, "--to", copy)
        self.assertEqual(copy.read_bytes(), self.file(daemon, name).read_bytes())
        daemon.ctl("backup", "remove", "--yes", name)
        self.assertEqual(self.list(daemon), [])
        brought = json.loads(daemon.ctl("backup", "put", "-o", "json", copy).stdout)
        self.assertEqual((brought["kind"], brought["verified"], brought["newest"]), ("uploaded", True, True))
        daemon.ctl("settings", "set", "backup.upload-limit", "1MiB")
        (self.directory / "long").write_bytes(b"x" * (1 << 20) + b"x")
        self.refused(daemon, "backup", "put", self.directory / "long")
        self.assertEqual(len(self.list(daemon)), 1)

    def test_a_kill_while_it_restores_ends_in_the_old_or_the_new_state(self):
        daemon = self.ready()
        before = self.activate(daemon, 6)
        name = self.create(daemon)["name"]
        for cmid in before:
            daemon.ctl("client", "remove", "--yes", cmid)
        integration.wait_for(lambda: not daemon.cmids(), 60, "the clients are gone")
        daemon.ctl("backup", "restore", "--yes", name)
        daemon.kill()  # it lies ready, or is being put in place, or is there already
        daemon.start_ready()
        self.assertEqual(daemon.cmids(), before)
        self.assertFalse((daemon.state / "restore").exists())
        self.assertEqual(list(daemon.integrity()), ["ok"])


if __name__ == "__main__":
    support.main()
