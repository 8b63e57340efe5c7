#!/usr/bin/python3
"""A primary that lies about updates: what the publisher believes, and what it does to the zone. It is on dnspython."""
import sys

from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.tsigkeyring

sys.path.insert(0, str(Path(__file__).resolve().parent))
import lying_server as lying  # noqa: E402
import name_servers as ns  # noqa: E402
import network_lab  # noqa: E402
import publishing  # noqa: E402
import support  # noqa: E402

ZONE = "lies.example"
ADDRESS = "10.53.4.1"
OTHER = f"0 0 1688 kms1.{ZONE}."
OURS = f"0 0 1688 muster-01.{ZONE}."
FORGER = dns.tsigkeyring.from_text({ns.FORGED.name: (ns.FORGED.algorithm, ns.FORGED.secret)})


class Lies(publishing.PublishTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        network_lab.address(ADDRESS)
        network_lab.resolvers(ADDRESS)

    def published(self, answer, state="published", name="muster-01"):
        """What a publisher makes of a primary that answers updates so, when it has come to rest in that state."""
        primary = lying.LyingPrimary(ADDRESS, ZONE, ns.KEY, answer)
        self.addCleanup(primary.close)
        daemon = self.appliance(name, keys=[ns.KEY])
        wish = {"domain": ZONE, "target": f"muster-01.{ZONE}", "server": ADDRESS, "weight": 0, "key": ns.KEY.name}
        daemon.set(domains=[wish], publish=True)
        shown = daemon.when(ZONE, state)
        self.assertIn(OTHER, primary.now())
        if state == "published":  # it may only say so where it is so
            self.assertIn(OURS, primary.now())
        else:
            self.assertEqual(daemon.events(12294, ZONE), [])
        return primary, daemon, shown

    def test_an_honest_one(self):
        primary, _, shown = self.published(lambda update, honest, tcp: [honest()])
        self.assertEqual((shown["code"], len(primary.updates)), ("applied", 1), shown)

    def test_strangers_datagrams_are_passed_over(self):
        def answer(update, honest, tcp):
            true = honest()
            wrong_id = dns.message.make_response(update)
            wrong_id.set_rcode(dns.rcode.REFUSED)
            wrong_id.id ^= 0x5555
            other_zone = dns.message.make_response(dns.update.Update("other.example"))
            other_zone.id = update.id
            query = dns.message.make_query(ZONE, "SOA")
            query.id = update.id
            from_elsewhere = dns.message.make_response(update)
            from_elsewhere.set_rcode(dns.rcode.REFUSED)
            return [wrong_id, other_zone, dns.message.make_response(query), (from_elsewhere.to_wire(),), b"", b"\0" * 12, true]
        primary, _, shown = self.published(answer)
        self.assertEqual((shown["code"], len(primary.updates)), ("applied", 1), shown)

    def test_a_truncated_answer_is_asked_for_by_tcp(self):
        def answer(update, honest, tcp):
            message = honest()
            if not tcp:
                message.flags |= dns.flags.TC
            return [message]
        _, _, shown = self.published(answer)
        self.assertEqual(shown["code"], "applied", shown)

    def test_done_without_a_signature_is_nobodys_word(self):
        def answer(update, honest, tcp):
            bare = dns.message.make_response(update)
            bare.tsig = None
            return [bare.to_wire()]
        primary, _, shown = self.published(answer, "failed")
        self.assertEqual(primary.now(), [OTHER])
        self.assertNotEqual(shown["code"], "applied")

    def test_done_by_another_key_is_not_believed(self):
        def answer(update, honest, tcp):
            return [lying.resigned(honest(apply=False), update, FORGER)]
        primary, _, shown = self.published(answer, "failed")
        self.assertEqual(primary.now(), [OTHER])
        self.assertNotEqual(shown["code"], "applied")

    def test_an_answer_to_an_earlier_update_is_not_believed(self):
        kept = []

        def answer(update, honest, tcp):
            if not kept:  # an answer that is good for this update, and is never sent for it
                kept.append(honest(apply=False).to_wire())
                return []
            replayed = bytearray(kept[0])
            replayed[0:2] = update.id.to_bytes(2, "big")  # its signature holds: it is over the original id
            return [bytes(replayed)]
        primary, _, shown = self.published(answer, "failed")
        support.wait_for(lambda: len(primary.updates) > 1, 60, "another attempt")
        self.assertEqual(primary.now(), [OTHER])

    def test_an_answer_of_another_time_is_not_believed_and_the_zone_is(self):
        def answer(update, honest, tcp):
            return [lying.resigned(honest(), update, shift=3600)]
        primary, _, shown = self.published(answer)
        self.assertEqual(len(primary.updates), 1, "what is done is not done again")

    def test_silence_about_what_was_done_is_read_back(self):
        def answer(update, honest, tcp):
            honest()
            return []
        primary, _, _ = self.published(answer)
        self.assertEqual(primary.now(), [OTHER, OURS])

    def test_a_forged_refusal_of_what_was_done_leaves_nothing_behind(self):
        lies = True

        def answer(update, honest, tcp):
            true = honest()
            if not lies:
                return [true]
            refusal = dns.message.make_response(update)
            refusal.tsig = None
            refusal.set_rcode(dns.rcode.REFUSED)
            return [refusal.to_wire()]
        # It was refused, says somebody: that is what is told; whether it was done is another matter.
        primary, daemon, shown = self.published(answer, "failed")
        self.assertEqual((shown["code"], primary.now()), ("refused-unsigned", [OTHER, OURS]))
        lies = False
        daemon.ctl("dns", "withdraw", "--yes")
        daemon.when(ZONE, "withdrawn")
        self.assertEqual(primary.now(), [OTHER])

    def test_garbage_by_tcp_ends(self):
        def truncated(update):
            message = dns.message.make_response(update)
            message.tsig = None
            message.flags |= dns.flags.TC
            return message.to_wire()
        for number, garbage in enumerate(([], [b""], [b"\0" * 11], [b"RAW"], [b"\xff" * 65535])):
            with self.subTest(garbage and garbage[0][:4]):
                primary, daemon, _ = self.published(
                    lambda update, honest, tcp, lie=garbage: lie if tcp else [truncated(update)], "failed",
                    name=f"garbage-{number}")
                daemon.stop()
                primary.close()

    def test_every_octet_of_an_honest_answer_turned(self):
        turns = iter(range(10 ** 6))

        def answer(update, honest, tcp):
            wire = bytearray(honest(apply=False).to_wire())
            position = next(turns) * 7 % len(wire)
            if position < 2:
                position = 2  # another id is a stranger's
            wire[position] ^= 0xFF
            return [bytes(wire)]
        primary, daemon, _ = self.published(answer, "failed")
        for _ in range(100 if support.LONG else 12):
            done = daemon.ctl("dns", "publish", check=False)
            self.assertIn(done.returncode, range(0, 10), done.stderr)
            self.assertNotEqual(daemon.shown(ZONE)["state"], "published")
        self.assertEqual(primary.now(), [OTHER])
        self.assertGreater(len(primary.updates), 10)


if __name__ == "__main__":
    network_lab.enter()
    support.main()
