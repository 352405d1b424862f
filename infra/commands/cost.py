"""Say what so many surveys a month cost on AWS, line by line, at list prices and without any free tier.

What one survey, answer and case take was counted on the real code by `make bench`; infra/aws/prices.json has the
prices, their date and their source.
"""

import argparse
from typing import Any

from infra.aws import bill
from infra.commands.screen import Failed, Screen

COLUMNS = ("part", "of what", "how much", "$")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a company does in a month."""
    parser.add_argument("--surveys", type=_count, required=True, metavar="N", help="surveys sent in a month")
    parser.add_argument("--response", type=_share, default=0.20, metavar="R", help="share answered (default: 0.2)")
    parser.add_argument(
        "--cases", type=_share, default=0.02, metavar="C", help="share that opens a case (default: 0.02)"
    )
    parser.add_argument("--channel", choices=("email", "sms"), default="email", help="how they are sent")
    parser.add_argument(
        "--reminders", type=_share, default=0.0, metavar="R", help="reminders for each survey (default: 0)"
    )
    parser.add_argument(
        "--views", type=_share, default=0.0, metavar="V", help="links opened by machines, for each survey"
    )
    parser.add_argument("--plan", help="plan of the messages' price, as in prices.json")


def _count(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1e12:
        raise ValueError(text)
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Show the bill of a month."""
    if options.cases > options.response:
        raise Failed("A case needs an answer: --cases cannot be more than --response.")
    use = _use(options)
    counted, given = _read(bill.figures), bill.prices()
    try:
        parts = {
            "with the surveys": bill.running(use, counted, given),
            "apart": bill.apart(use, counted, given),
            "every month": bill.fixed(counted, given),
            "messages": bill.messages(use, given),
        }
    except bill.UnknownPlan as error:
        raise Failed(str(error)) from None
    for title, lines in parts.items():
        screen.show(title, COLUMNS, [_row(line) for line in lines])
    totals = {title: round(bill.total(lines), 2) for title, lines in parts.items()}
    screen.show("A month", ("part", "$"), [*totals.items(), ("together", round(sum(totals.values()), 2))])
    screen.say(f"Prices of {given['date']}, {given['region']}; counted on {counted['measured_at'][:10]}.")
    screen.result(_result(parts, totals, counted, given))
    return 0


def _use(options: argparse.Namespace) -> bill.Use:
    shares = options.response, options.cases, options.channel, options.reminders, options.views
    return bill.Use(options.surveys, *shares, options.plan)


def _read(figures: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = figures()
    except FileNotFoundError:
        raise Failed("Nothing has been counted yet: `python -m bench --keep` does it.") from None
    return found


def _row(line: bill.Line) -> tuple[str, str, str, float]:
    return line.part, line.what, f"{line.quantity:,.2f} {line.unit}", round(line.usd, 2)


def _result(
    parts: dict[str, list[bill.Line]], totals: dict[str, float], counted: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    lines = {title: [vars(line) for line in each] for title, each in parts.items()}
    facts = {"prices": given["date"], "region": given["region"], "counted": counted["measured_at"]}
    return {"usd": round(sum(totals.values()), 2), "parts": totals, "lines": lines, **facts}
