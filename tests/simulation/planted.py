"""The bugs that are planted: each a small change of the text that a tired engineer might make."""

# ruff: noqa: E501 - a patch quotes lines of the code as they stand, joined where there are several

from dataclasses import dataclass


@dataclass(frozen=True)
class Patch:
    """One change of one file under chalicelib."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One bug, by what is wrong with it."""

    name: str
    patches: tuple[Patch, ...]


def bug(name: str, *texts: str) -> Mutant:
    """Return a bug from its name and, three by three: file, old text, new text."""
    return Mutant(name, tuple(Patch(*texts[place : place + 3]) for place in range(0, len(texts), 3)))


INVITE, NEWS, DELIVER, COLLECT, RECOVER = (
    "flows/invite.py",
    "flows/news.py",
    "flows/deliver.py",
    "flows/collect.py",
    "flows/recover.py",
)
INVITATION, RESPONSE, CASE, CUSTOMER = (
    "domain/invitation.py",
    "domain/response.py",
    "domain/case.py",
    "domain/customer.py",
)
MEMORY, PROJECT, POLICY, WORK = "adapters/memory.py", "flows/project.py", "domain/policy.py", "flows/work.py"

MUTANTS = (
    # Once by its key
    bug(
        "an invitation is written without its condition",
        MEMORY,
        "if before is None or before.version != invitation.version - 1:",
        "if before is None:",
    ),
    bug(
        "a case is written without its condition",
        MEMORY,
        "if (before.revision if before else 0) != case.revision - 1:\n            raise Conflict(case.id)\n        if entry and entry.version in self.entries.get(case.id, {}):",
        "if entry and not before and case.revision > 1:",
    ),
    bug(
        "a decision overwrites the first one",
        MEMORY,
        "if invitation.id in self.memory.invitations:\n            return False",
        "if not invitation.id:\n            return False",
    ),
    bug(
        "a customer's rest is written without its condition",
        MEMORY,
        "before = self.memory.customers.get(customer.key)\n        if (before.version if before else 0) != customer.version - 1:",
        "before = self.memory.customers.get(customer.key)\n        if not customer.key:",
    ),
    bug(
        "an address's rest is written without its condition",
        MEMORY,
        "before = self.memory.addresses.get(address.key)\n        if (before.version if before else 0) != address.version - 1:",
        "before = self.memory.addresses.get(address.key)\n        if not address.key:",
    ),
    bug(
        "the invitation is written before its rest",
        INVITE,
        "    rested = _let_rest(ports, made)\n    _create(ports, rested, now)\n",
        "    _create(ports, made, now)\n    rested = _let_rest(ports, made)\n",
    ),
    bug(
        "an event that nobody is asked about leaves no record",
        INVITE,
        "    _create(ports, rested, now)\n",
        "    _create(ports, [each for each in rested if each.record.state != 'skipped'], now)\n",
    ),
    bug(
        "a program published later asks about earlier events",
        INVITE,
        "if not frozen or each.target.program in frozen]",
        "if True]",
    ),
    bug(
        "accepted events are answered before they are kept",
        INVITE,
        "    ports.inbox.accept(taken)",
        "    ports.inbox.accept(taken[1:])",
    ),
    bug(
        "who shares a customer is decided together",
        INVITE,
        "        number = max(after.get(name, 0) for name in closed.names)\n",
        "        number = after.get(closed.closing.ref.key, 0)\n",
    ),
    bug(
        "of a batch whose rests were lost to others all are asked",
        INVITE,
        "    kept = [each for each in made if each.customer is None or each.customer.key not in lost]\n",
        "    kept = list(made)\n",
    ),
    bug(
        "two records of one event carry its promises", INVITE, "primary = place == 0 and not counted", "primary = True"
    ),
    # Asking
    bug(
        "a message is handed over before it is claimed",
        DELIVER,
        "    lost = _lost(round_, claims, done)\n    for claim",
        "    for claim in claims:\n        if claim.message:\n            round_.ports.carrier.begin(claim.message)\n"
        "    claims = [replace(claim, message=None) for claim in claims]\n"
        "    lost = _lost(round_, claims, done)\n    for claim",
    ),
    bug(
        "who loses the claim sends as well",
        DELIVER,
        "taken = [claim for claim in claims if claim.after.id not in lost]",
        "taken = claims",
    ),
    bug(
        "a send without a reply is tried again at once",
        DELIVER,
        "    except Exception as error:  # perhaps it was sent, so it is not sent again\n",
        "    except Exception as error:\n        round_.ports.carrier.begin(claim.message)\n",
    ),
    bug(
        "a message of unknown fate counts as sent",
        DELIVER,
        "        return _settled(round_, claim, Invitation.moved if round_.by else None, done) or False\n",
        "        return False\n",
    ),
    bug(
        "who comes upon what it took before believes that it was sent",
        WORK,
        "if due.name and each.taken_by == due.name:\n            # This",
        "if False:\n            # This",
    ),
    bug(
        "a claim that was lost to itself counts as sent",
        DELIVER,
        "        # Somebody else wrote first; or this did, and was tried again after a lost reply.\n        _doubt(round_, id_)",
        "        pass",
    ),
    bug(
        "what was not handed over is not given back",
        DELIVER,
        "            _give_back(round_, claims[first + AT_ONCE :], done)\n",
        "            return\n",
    ),
    bug(
        "a reminder's fate settles the invitation's",
        INVITATION,
        'return "instead" if invitation.instead else "reminder" if invitation.reminder else "state"',
        'return "instead" if invitation.instead else "state"',
    ),
    bug(
        "a shared timer goes while somebody waits for it",
        WORK,
        "left = [id_ for id_ in due.ids if _waits(id_, known, due.timer)]",
        "left: list[str] = []",
    ),
    bug(
        "a shared timer is kept after whoever waits for it is written",
        DELIVER,
        "    if timers:\n        round_.ports.timers.arm(timers)\n    return found",
        "    return found",
    ),
    bug(
        "a shared timer forgets who waits for a confirmation first",
        INVITATION,
        "return self.due_at == self.timer_for or (self.confirm_at is not None and self.remind_at == self.timer_for)",
        "return self.due_at == self.timer_for",
    ),
    bug(
        "a text takes a mail's place once more with the mail's late receipt",
        "flows/receive.py",
        "found.instead is None and not",
        "not",
        "domain/receipt.py",
        "return hard and not invitation.bounced and receipt.channel == invitation.channel",
        "return hard",
    ),
    bug(
        "a reminder's receipt settles the invitation's",
        "domain/receipt.py",
        'if about == "invitation" and invitation.state',
        "if invitation.state",
    ),
    bug(
        "the address of the event is asked after, not the one written to",
        DELIVER,
        "if _present_address(round_.ports, each, customer) != each.address:",
        "if False:",
    ),
    bug(
        "who opted out in between is asked all the same",
        INVITATION,
        "if customer.opted_out_at or (address and address.opted_out_at):",
        "if customer.erased_at:",
    ),
    bug(
        "a suppressed address is written to",
        INVITATION,
        "if address and address.suppressed:",
        "if address and address.suppressed and not address.key:",
    ),
    bug(
        "the allowed hours are not looked at when sending",
        INVITATION,
        "    open_at = next_open(now, hours)\n    if open_at > now:\n        return Step(invitation.moved(send_at=open_at))",
        "",
    ),
    bug(
        "the recipient's hours are those of the company's zone",
        POLICY,
        "    zone = zone or organisation.zone\n",
        "    zone = organisation.zone\n",
    ),
    bug(
        "a cancellation of what is being sent is forgotten",
        NEWS,
        "    return invitation.moved(cancelled=True, remind_at=None)",
        "    return None",
    ),
    bug(
        "a cancellation that came first is overlooked",
        INVITE,
        "job.cancelled = any(news.covers(early, job.closing) for early in waiting[job.closing.ref.key])",
        "job.cancelled = False",
        NEWS,
        "        if early.cancelled_at:\n",
        "        if early.cancelled_at and early.fulfilments:\n",
    ),
    bug(
        "a skipped invitation leaves its rest behind",
        INVITE,
        "rested = (released(told, record.id) or told).spared(record.id)",
        "rested = told.spared(record.id)",
    ),
    bug(
        "what is given up is done with before its rest is",
        INVITATION,
        'gone if gone.erased or reason == "erased" else gone.model_copy(update={"send_at": invitation.send_at})',
        "gone",
    ),
    bug(
        "a rest covers the one before it",
        CUSTOMER,
        "    if not runs or before is None:\n",
        "    if before is None or before.by:\n",
    ),
    bug(
        "what is delivered is forgotten when it comes first",
        NEWS,
        "        if early.fulfilments:\n",
        "        if early.fulfilments and early.cancelled_at:\n",
    ),
    bug(
        "what leaves hours later never looks for news",
        DELIVER,
        "        done.now |= news.hear(ports, invitations, customers)\n",
        "",
    ),
    bug(
        "a cancelled reference is told to nobody who sends later",
        NEWS,
        "        amend.customer(ports.customers, key, _called_off)\n",
        "",
    ),
    bug(
        "whoever opts out leaves what waits to who reads of it late",
        NEWS,
        '        if each.state == "scheduled":\n            keep_deliveries',
        "        if each.cancelled:\n            keep_deliveries",
    ),
    bug(
        "what is called off forgets what was delivered before it came",
        NEWS,
        "        keep_deliveries(ports, found)\n",
        "        pass\n",
    ),
    bug(
        "the index alone decides what is due",
        INVITATION,
        "if invitation.due_at is None or now < invitation.due_at:",
        "if invitation.due_at is None:",
    ),
    bug(
        "a reminder leaves with the next sweep",
        INVITATION,
        "remind_at = next_open(now + remind_after, hours) if remind_after else None",
        "remind_at = next_open(now, hours) if remind_after else None",
    ),
    bug(
        "a reminder leaves after the answer",
        INVITATION,
        "return bool(self.confirmed or (self.provisional and not self.unconfirmed) or self.confirm_at)",
        "return bool(self.confirm_at)",
        RESPONSE,
        "        remind_at=None,\n        has_case",
        "        has_case",
    ),
    # Timers
    bug(
        "the sweep looks back one minute only",
        MEMORY,
        "[key for _, key in self.memory.armed(now, limit)]",
        "[key for at, key in self.memory.armed(now, limit) if (now - at).total_seconds() <= 60]",
    ),
    bug("the sweep forgets to hand on what it found", WORK, "    ports.timers.nudge(found)\n    if", "    if"),
    bug("what failed is never tried again", INVITATION, "HOLD = timedelta(hours=1)", "HOLD = timedelta(days=40)"),
    # Answering
    bug(
        "opening a page stores what was opened",
        COLLECT,
        "    ports.views.note(View(id_, rating, now))",
        "    see(ports, View(id_, rating, now))",
    ),
    bug("an answer that nobody vouched for counts at once", RESPONSE, "    if vouched:\n", "    if True:\n"),
    bug(
        "an answer waits twelve seconds",
        RESPONSE,
        "CONFIRM_AFTER = timedelta(seconds=120)",
        "CONFIRM_AFTER = timedelta(seconds=12)",
    ),
    bug("a scanner's answer is confirmed", RESPONSE, "    if invitation.is_scanned:\n", "    if invitation.trial:\n"),
    bug(
        "an answer is taken after the window",
        INVITATION,
        "return asked and (self.closes_at is None or now < self.closes_at)",
        "return asked",
    ),
    bug(
        "a provisional answer replaces the confirmed one",
        RESPONSE,
        "invitation.moved(provisional=answer, confirm_at=now + CONFIRM_AFTER, unconfirmed=False)",
        "invitation.moved(provisional=answer, confirmed=None, confirm_at=now + CONFIRM_AFTER, unconfirmed=False)",
    ),
    # Mending
    bug(
        "a low answer is written without its case",
        "flows/record.py",
        "    ports.invitations.save_with_case(recorded.next, moved.case, moved.entry)\n",
        "    ports.invitations.save(recorded.next)\n    ports.cases.save(moved.case, moved.entry)\n",
    ),
    bug(
        "every answer opens a case",
        RESPONSE,
        "    opens = low and not invitation.has_case",
        "    opens = not invitation.has_case",
    ),
    bug(
        "a correction upwards closes the case",
        CASE,
        '            "rating": answer.rating,\n            "notices"',
        '            "rating": answer.rating,\n            "state": "acknowledged",\n            "notices"',
    ),
    bug(
        "an alert is struck off before it is sent",
        CASE,
        '            "notices": notices,\n            "lease_until"',
        '            "notices": (),\n            "lease_until"',
    ),
    bug(
        "an alert is claimed without a lease",
        CASE,
        '"lease_until": now + LEASE if notices or case.to_count else None,',
        '"lease_until": None,',
    ),
    bug("a refused alert counts as told", "flows/alert.py", "        return refusal.permanent", "        return True"),
    bug(
        "a hand-off resets the customer's clock",
        CASE,
        '            "lead_since": now,\n            "spent": case.department_clocks(now),',
        '            "lead_since": now,\n            "spent": {},',
    ),
    bug(
        "promises run by the clock on the wall",
        CASE,
        "at = due(case.resolve_from, left, organisation.calendar) if left > timedelta(0) else case.resolve_from",
        "at = case.resolve_from + max(left, timedelta(0))",
    ),
    bug(
        "waiting does not stop the promise to resolve",
        CASE,
        'return _paused(case, organisation, now).model_copy(update={"state": "waiting"})',
        'return case.model_copy(update={"state": "waiting"})',
    ),
    bug(
        "what was used of a promise is forgotten when it waits again",
        CASE,
        "        used += open_time(",
        "        used = open_time(",
    ),
    bug(
        "acknowledging leaves its rungs armed",
        CASE,
        'return _without_rungs(case, "acknowledge").model_copy(',
        "return case.model_copy(",
    ),
    bug(
        "a rung is climbed again by the same lead",
        CASE,
        "    done = {fired.name for fired in case.fired}\n",
        "    done: set[str] = set()\n",
    ),
    bug("a new lead is not told what was overdue", CASE, "    if passed:\n", "    if passed and not case.handoffs:\n"),
    bug(
        "a move is written without its version",
        CASE,
        '    news = {"version": case.version + 1, "revision"',
        '    news = {"version": case.version, "revision"',
    ),
    bug(
        "a clock that is behind turns a case's clock back",
        CASE,
        '    now = max(_whole(now), case.moved_at or case.opened_at)\n    if wanted.verb == "done":\n',
        '    if wanted.verb == "done":\n',
    ),
    bug(
        "the customer is asked twice whether it was mended",
        CASE,
        '            "ask_mended": False,\n            "mended": "asked"',
        '            "ask_mended": case.ask_mended and not case.fired,\n            "mended": "asked"',
    ),
    # Counting
    bug(
        "the checkpoint does not filter the batch",
        PROJECT,
        "new = sorted((change for change in changes if _place(change) > last), key=_place)",
        "new = sorted(changes, key=_place)",
    ),
    bug(
        "counters are added whatever the checkpoint says",
        MEMORY,
        "        if self.checkpoint(shard) != last:\n            raise Conflict(shard)\n",
        "",
    ),
    bug(
        "counters are added without moving the checkpoint",
        MEMORY,
        "        self.memory.checkpoints[shard] = end\n",
        "        self.memory.checkpoints[shard] = end if len(rows) % 7 else last\n",
    ),
    bug(
        "what an old image gave is not taken away",
        PROJECT,
        "surveys, (1, -1), strict=True)",
        "surveys, (1, 0), strict=True)",
    ),
    bug(
        "a record that met a slow table is given up",
        PROJECT,
        "        except SurveyMissing as missing:\n            return missing",
        "        except Exception:\n            return SurveyMissing()",
    ),
    # Privacy
    bug(
        "the words of an erased person stay",
        "flows/protect.py",
        'return answer.model_copy(update={"texts": {}}) if answer else None',
        "return answer",
    ),
    bug(
        "the address of an erased person stays",
        "flows/protect.py",
        "Customer(key=customer.key, version=customer.version + 1, erased_at=now)",
        "Customer(key=customer.key, version=customer.version + 1, erased_at=now, email=customer.email)",
    ),
    bug(
        "an erased person may be asked",
        INVITATION,
        "if customer is None or customer.erased_at or invitation.erased:",
        "if customer is None:",
        INVITE,
        "decide(job.closing, job.whom.target, each, organisation=organisation, now=now)",
        "decide(job.closing, job.whom.target, replace(each, customer=None), organisation=organisation, now=now)",
    ),
    bug(
        "the token of a link is kept with the invitation",
        DELIVER,
        "after = entrusted(step.next, round_.by) if message and round_.by else step.next",
        'after = step.next.model_copy(update={"carrier_id": message.text.split()[0]}) if message else step.next',
    ),
    bug(
        "who opens a link is noted as a customer",
        COLLECT,
        "    ports.views.note(View(id_, rating, now))",
        '    found = ports.invitations.get(id_)\n    known = ports.customers.get(found.customer) if found else None\n    if known:\n        ports.customers.save(known.model_copy(update={"version": known.version + 1}))\n    ports.views.note(View(id_, rating, now))',
    ),
    bug(
        "a day file holds the words of an answer",
        "flows/file.py",
        "        ports.day_files.hand_over(last)",
        "        ports.day_files.hand_over([*last, *(Line('cases', '', 'x', 1, str(each.new)) for each in changes)])",
    ),
    # The file changes, and alerts that go together
    bug(
        "a removed department keeps its cases",
        CASE,
        "    if organisation.department(case.department):\n        verb,",
        "    if True:\n        verb,",
    ),
    bug(
        "a weekly mail is sent without being claimed",
        "flows/weekly.py",
        "        ports.cases.save_weekly(weekly)\n    except Conflict:\n        return False",
        "        assert weekly\n    except Conflict:\n        return False",
    ),
    bug(
        "a weekly mail leaves once and never again",
        "domain/weekly.py",
        "    due = None if person_of(weekly.id) else next_due(now, organisation)\n",
        "    due = None\n",
    ),
    bug(
        "a digest tells what was settled meanwhile",
        "flows/alert.py",
        "if (case := found[line.case]) and stands(line, case)]",
        "if (case := found[line.case])]",
    ),
    bug(
        "a case is struck off before its driver was noted",
        "flows/burst.py",
        "return tuple(driver for driver in case.to_count if _count(",
        "return tuple(driver for driver in case.to_count if case.is_repeat or _count(",
    ),
    bug(
        "whoever helps is asked again for what is done",
        CASE,
        '            "notices": _without_help(case, wanted.department),\n',
        "",
    ),
    bug("a task is in nobody's list", "flows/recover.py", "    _note_tasks(ports, step)\n", ""),
    bug(
        "a department that only helps makes the lead's moves",
        "flows/recover.py",
        "if helps and wanted.verb not in HELPERS_MOVES:",
        "if False:",
    ),
    bug("an incident takes one case more", "domain/incident.py", "rule.answers_min - 1 :]", "rule.answers_min :]"),
)
