#!/usr/bin/python3
"""What the relay reads from traffic alone, as `musterctl upstream show` says it: each reading with the requests that this
test made as its evidence, and none at a host that gives no cause."""
import json
import sys
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

from integration_support import support, wait_for

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import kms_bodies as kms  # noqa: E402
from relay_support import RelayTest, ask_from  # noqa: E402
from upstream import Behaviour  # noqa: E402

NOT_COVERED = 0xC004F042
WRONG_TIME = 0xC004F06C
SEVEN_PRODUCTS = (kms.WINDOWS_7, kms.SERVER_2008_R2_B)
READS_AS_2008_B = "55041-00152-339-000001-03-1033-6002.0000-0012011"  # the form of one; no key is behind it
HOUR = 3600


class Machine:
    """A Windows machine of this test: what it says of itself, where it stands, when it asked."""

    def __init__(self, number, site=0, counted=kms.WINDOWS_7, virtual=False, policy=25, ahead=0):
        self.cmid = uuid.uuid4()
        self.name = f"PC-{site}-{number:03}"
        self.source = f"127.0.{site}.{number + 1}"
        self.words = {"counted": counted, "virtual": virtual, "policy": policy}
        self.ahead = ahead
        self.asked = []  # (before, after), of this machine's clock

    def ask(self, daemon):
        """(count, HRESULT)."""
        before = datetime.now(timezone.utc)
        body = kms.request(cmid=self.cmid, machine=self.name, at=kms.filetime(before.timestamp() + self.ahead), **self.words)
        answer, hresult = ask_from(daemon.port, body, self.source)
        self.asked.append((before, datetime.now(timezone.utc)))
        return kms.read_answer(answer).count if answer else None, hresult


def when(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Readings(RelayTest):
    """Each site is a network of its own with a host of its own: what the other site's machines do is no concern of it."""

    def sites(self, *upstreams, **words_of):
        names = list(words_of)
        daemon = self.relay_by_file([{"name": name, "address": upstream.address, "networks": [f"127.0.{number}.0/24"],
                                      **words_of[name]} for number, (name, upstream) in enumerate(zip(names, upstreams))])
        wait_for(lambda: all(item["condition"] == "up" for item in self.shown(daemon).values()), 60, "the hosts up")
        return daemon

    def show(self, daemon, name):
        return json.loads(daemon.ctl("upstream", "show", name, "-o", "json").stdout)

    def readings(self, daemon, name, code):
        return [reading for reading in self.show(daemon, name)["readings"] if reading["code"] == code]

    def codes(self, daemon, name):
        return {reading["code"] for reading in self.show(daemon, name)["readings"]}

    def reading(self, daemon, name, code):
        """The one reading of that code; people who ask for text read its sentence as well."""
        found = self.readings(daemon, name, code)
        self.assertEqual(len(found), 1, self.show(daemon, name)["readings"])
        shown = daemon.ctl("upstream", "show", name).stdout
        self.assertIn("".join(found[0]["text"].split()), "".join(shown.split()), "the text form hides the reading")
        return found[0]

    def texts(self, reading):
        return [item["text"] for item in reading["evidence"]]

    def assert_examples(self, reading, machines, result):
        """The examples are requests of these machines, one of each, as they were made."""
        examples = [item for item in reading["evidence"] if "cmid" in item]
        self.assertEqual({item["cmid"] for item in examples}, {str(machine.cmid) for machine in machines})
        self.assertEqual(len(examples), len(machines))
        for item in examples:
            machine = next(one for one in machines if str(one.cmid) == item["cmid"])
            self.assertEqual((item["machine"], item["address"], item["result"]),
                             (machine.name, machine.source, f"0x{result:08X}"))
            self.assert_when(item["time"], *machine.asked[-1])
            self.assertLessEqual(abs(item["clockAhead"] - machine.ahead), 60 * support.PATIENCE)
            self.assertIn(machine.name, item["text"])

    def assert_when(self, text, before, after):
        grain = timedelta(milliseconds=2)
        self.assertLessEqual(before - grain, when(text))
        self.assertLessEqual(when(text), after + grain)

    def product(self, daemon, name, counted):
        found = [item for item in self.show(daemon, name)["learned"]["products"] if item.get("countedId") == str(counted)]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_a_key_that_does_not_cover_a_product(self):
        partial = self.upstream(hresults={str(kms.WINDOWS_7): NOT_COVERED}, epid=READS_AS_2008_B)
        whole = self.upstream()
        daemon = self.sites(partial, whole, partial={}, whole={})
        servers = [Machine(number, counted=kms.SERVER_2008_B, policy=5) for number in range(2)]
        clients = [Machine(10 + number) for number in range(3)]
        elsewhere = [Machine(number, site=1) for number in range(3)]
        for machine in servers + elsewhere:
            self.assertEqual(machine.ask(daemon)[1], 0)
        self.assertEqual(clients[0].ask(daemon), (None, NOT_COVERED))
        self.assertNotIn("key-does-not-cover", self.codes(daemon, "partial"), "concluded from a single refusal")
        for machine in clients[1:] + clients[:1]:
            self.assertEqual(machine.ask(daemon), (None, NOT_COVERED))

        reading = self.reading(daemon, "partial", "key-does-not-cover")
        self.assertEqual((reading["severity"], reading["certainty"]), ("warning", "certain"))
        self.assertIn("does not cover Windows 7: 4 requests got 0xC004F042 and none an answer, while other products",
                      reading["text"])
        self.assert_examples(reading, clients, NOT_COVERED)
        self.assert_when(reading["since"], *clients[0].asked[0])
        self.assertTrue(any("Windows Server 2008 B" in text and "does not cover it" in text for text in self.texts(reading)), reading)
        self.assertIn("whole", reading["remedy"], "the host that does cover it is not named")
        product = self.product(daemon, "partial", kms.WINDOWS_7)
        self.assertEqual((product["answered"], product["refused"]), (0, 4))
        self.assertEqual([(item["result"], item["requests"]) for item in product["results"]], [("0xC004F042", 4)])
        self.assertEqual(self.product(daemon, "partial", kms.SERVER_2008_B)["answered"], 2)
        self.assertIn("does not cover Windows 7", self.shown(daemon)["partial"]["reading"])

        self.assertFalse(self.codes(daemon, "whole") & {"key-does-not-cover", "update-missing", "refuses-all"})
        self.assertEqual(self.product(daemon, "whole", kms.WINDOWS_7)["answered"], 3)

        self.assertEqual(daemon.stop(), 0)
        daemon.start_ready()
        self.assertEqual(self.reading(daemon, "partial", "key-does-not-cover"), reading, "a restart changed it")

        partial.set(hresults={})
        self.assertEqual(clients[0].ask(daemon)[1], 0)
        self.assertNotIn("key-does-not-cover", self.codes(daemon, "partial"), "said of a host that covers it by now")

    def test_an_update_that_a_host_lacks(self):
        lacking = self.upstream(hresults={str(product): WRONG_TIME for product in SEVEN_PRODUCTS}, epid=READS_AS_2008_B)
        updated = self.upstream()
        daemon = self.sites(lacking, updated, lacking={}, updated={})
        old = [Machine(number, counted=kms.VISTA) for number in range(2)]
        late = Machine(9, ahead=-5 * HOUR)
        clients = [Machine(10), Machine(11, counted=kms.SERVER_2008_R2_B, policy=5, ahead=-2 * HOUR), Machine(12)]
        for machine in old:
            self.assertEqual(machine.ask(daemon)[1], 0)
        for _ in range(3):
            self.assertEqual(late.ask(daemon), (None, WRONG_TIME))
        self.assertNotIn("update-missing", self.codes(daemon, "lacking"), "concluded from a client whose clock is wrong")
        for machine in clients:
            self.assertEqual(machine.ask(daemon), (None, WRONG_TIME))

        # At the other host: a client whose clock is off is refused, those whose clocks are right are answered.
        off = Machine(1, site=1, ahead=5 * HOUR)
        for _ in range(3):
            updated.next(Behaviour(hresult=WRONG_TIME))
            self.assertEqual(off.ask(daemon), (None, WRONG_TIME))
        right = [Machine(10 + number, site=1) for number in range(3)]
        for machine in right:
            self.assertEqual(machine.ask(daemon)[1], 0)

        reading = self.reading(daemon, "lacking", "update-missing")
        self.assertEqual((reading["severity"], reading["certainty"]), ("warning", "likely"))
        self.assertIn("lacks the update for Windows 7 and Windows Server 2008 R2: every request of theirs (3) got 0xC004F06C",
                      reading["text"])
        self.assertIn("KB968912", reading["remedy"])
        self.assert_examples(reading, clients, WRONG_TIME)
        self.assert_when(reading["since"], *clients[0].asked[0])
        self.assertTrue(any("2 h 0 min behind" in text or "1 h 59 min behind" in text for text in self.texts(reading)), reading)
        self.assertNotIn("host-clock", self.codes(daemon, "lacking"))
        self.assertEqual(self.product(daemon, "lacking", kms.WINDOWS_7)["refused"], 5)
        self.assertEqual(self.product(daemon, "lacking", kms.VISTA)["answered"], 2)

        self.assertNotIn("update-missing", self.codes(daemon, "updated"))
        clocks = self.reading(daemon, "updated", "client-clocks")
        self.assert_examples(clocks, [off], WRONG_TIME)

        lacking.set(hresults={})
        for machine in clients:
            self.assertEqual(machine.ask(daemon)[1], 0)
        self.assertNotIn("update-missing", self.codes(daemon, "lacking"), "said of a host that has it by now")

    def test_a_host_that_counts_no_virtual_machines(self):
        physical_only, both = self.upstream(counts_virtual=False), self.upstream()
        daemon = self.sites(physical_only, both, old={"counts-virtual": "yes"}, new={})
        for site in (0, 1):
            for number in range(18):
                # Six of eighteen are physical, spread among the others.
                machine = Machine(number, site=site, counted=kms.VISTA, virtual=number % 3 != 0)
                count, hresult = machine.ask(daemon)
                self.assertEqual((count, hresult), (number // 3 + 1 if site == 0 else number + 1, 0))

        reading = self.reading(daemon, "old", "counts-no-virtual")
        self.assertEqual((reading["severity"], reading["certainty"]), ("warning", "likely"))
        self.assertIn("count 6; 18 clients were answered in 30 days, 12 of them virtual", reading["text"])
        self.assertIn("Count 6; 18 clients were answered in 30 days, 12 of them virtual.", self.texts(reading))
        # Of the very first answer nobody can say whether it raised the count.
        self.assertIn("Of 5 new physical clients, 5 raised the count.", self.texts(reading))
        self.assertIn("Of 12 new virtual clients, 0 raised the count.", self.texts(reading))
        self.assertIn("Windows 7, Server 2008 R2", reading["remedy"])
        told = self.reading(daemon, "old", "counts-virtual-contradicted")
        self.assertIn("counts-virtual says yes, the answers say no", told["text"])
        tally = self.show(daemon, "old")["learned"]["counts"][0]
        self.assertEqual((tally["count"], tally["physical"], tally["virtual"], tally["newVirtualRaised"]), (6, 6, 12, 0))

        self.assertFalse(self.codes(daemon, "new") & {"counts-no-virtual", "counts-virtual-contradicted"})
        other = self.reading(daemon, "new", "counts-virtual")
        self.assertIn("Count 18; 18 clients were answered in 30 days, 12 of them virtual.", self.texts(other))
        self.assertIn("Of 12 new virtual clients, 12 raised the count.", self.texts(other))

    def test_a_count_that_is_split_over_two_hosts(self):
        east, west = self.upstream(), self.upstream(epid=READS_AS_2008_B)
        daemon = self.sites(east, west, east={}, west={})
        machines = [[Machine(number, site=site) for number in range(20)] for site in (0, 1)]
        for number in range(12):
            self.assertEqual(machines[0][number].ask(daemon), (number + 1, 0))
            if number < 11:
                self.assertEqual(machines[1][number].ask(daemon), (number + 1, 0))
        for name in ("east", "west"):  # together they have 23, which nobody needs: clients want 25
            self.assertNotIn("count-split", self.codes(daemon, name))
        for number in (12, 13):
            self.assertEqual(machines[0][number].ask(daemon), (number + 1, 0))
        for number in (11, 12):
            self.assertEqual(machines[1][number].ask(daemon), (number + 1, 0))

        for name in ("east", "west"):
            reading = self.reading(daemon, name, "count-split")
            self.assertEqual((reading["severity"], reading["certainty"]), ("warning", "certain"))
            self.assertIn("The count is split: east 14 and west 13. None reaches the 25 that clients need; together they would.",
                          reading["text"])
            self.assertEqual(self.texts(reading), ["Count 14 at east.", "Count 13 at west.",
                                                   "27 clients seen at all of them in 30 days."])
            self.assertIn("primary", reading["remedy"])
            self.assertIn("count-below-need", self.codes(daemon, name))
        self.assertTrue(self.shown(daemon)["west"]["reading"], "the list shows no warning")

        for number in range(14, 20):
            machines[0][number].ask(daemon)
        for name in ("east", "west"):  # 20 and 13: split as before, and the figures follow
            self.assertIn("east 20 and west 13", self.reading(daemon, name, "count-split")["text"])
        east.set(count=25)
        self.assertEqual(machines[0][0].ask(daemon), (25, 0))
        for name in ("east", "west"):
            self.assertNotIn("count-split", self.codes(daemon, name), "said although a host reaches what clients need")

    def test_one_host_under_two_names_is_no_split(self):
        host = self.upstream()
        daemon = self.sites(host, host, here={}, there={})
        for number in range(26):
            machine = Machine(number, site=number % 2)
            self.assertEqual(machine.ask(daemon), (number + 1, 0))
            if number in (13, 19):  # 14 seen, then 20, by a count that says so at either name
                for name in ("here", "there"):
                    self.assertNotIn("count-split", self.codes(daemon, name))


if __name__ == "__main__":
    support.main()
