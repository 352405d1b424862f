"""A company as small as a file can describe it, for tests to break."""

SMALL = """\
name: La Tuerca
country: CO
zone: America/Bogota
language: es
contact: Llámenos al 555 0100.
sender: {name: La Tuerca, sms_to: ["+57"], email: encuestas@example.com}
leadership: carla@example.com
calendar:
  hours: {mon-fri: 08:00-17:00}
  holidays: {country: CO}
departments:
  - id: logistics
    name: Despachos
    alert_to: despachos@example.com
    head: {id: u-1, name: Bruno}
    sla: {acknowledge: 2h, resolve: 18h}
  - id: sales
    name: Ventas
    alert_to: [ventas@example.com]
    head: {id: u-2, name: Marta}
    calendar:
      hours: {mon-sat: "08:00-12:00, 14:00-18:00", sun: closed}
programs:
  - id: sale
    name: La compra
    on: sale.closed
    survey: purchase
    delay: 2h
    window: 14d
surveys:
  - id: purchase
    metric: csat
    title: Su compra
    rating: ¿Qué tal?
    lowest: Mal
    highest: Bien
    thanks: Gracias
    questions:
      - id: failed
        kind: drivers
        text: ¿Qué falló?
        options:
          - {id: late, text: Tarde, department: logistics}
causes:
  - {id: carrier, text: El transportador}
routing:
  arbiter: sales
"""


def with_line(number: int, *lines: str) -> str:
    """Return the small company with a line (counted from 1) replaced by others."""
    kept = SMALL.splitlines()
    return "\n".join([*kept[: number - 1], *lines, *kept[number:]]) + "\n"
