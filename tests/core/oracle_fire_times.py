"""A second opinion on fire times: walks over days and asks of each whether it is one, naive and slow.

It shares no code with the core and imports nothing of it: a parser of its own for well-formed expressions, `datetime`
and `zoneinfo` for the rest.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NAMES = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)} | {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}


def value(text: str) -> int:
    return NAMES[text] if text in NAMES else int(text)


def matches(field: str, number: int, least: int, most: int) -> bool:
    """Whether a plain field (`, - * /`) takes a number."""
    for part in field.split(","):
        span, _, step = part.partition("/")
        every = int(step or 1)
        if span == "*":
            start, end = least, most
        elif "-" in span:
            start, end = (value(each) for each in span.split("-"))
        else:
            start = value(span)
            end = most if step else start
        walked = start
        for _ in range((end - start) % (most - least + 1) + 1):
            if walked == number and (walked - start) % (most - least + 1) % every == 0:
                return True
            walked = least if walked == most else walked + 1
    return False


def nearest_working_day(day: date) -> date:
    for far in (0, 1, 2):
        for near in (day - timedelta(days=far), day + timedelta(days=far)):
            if near.month == day.month and near.weekday() < 5:
                return near
    raise AssertionError


def is_day(day_field: str, weekday_field: str, day: date) -> bool:
    length = monthrange(day.year, day.month)[1]
    last = date(day.year, day.month, length)
    sunday_is_one = day.isoweekday() % 7 + 1
    if weekday_field == "?":
        for part in day_field.split(","):
            if part.startswith("L"):
                wanted = last - timedelta(days=int(part.strip("LW-") or 0))
                if wanted.month == day.month and day == (nearest_working_day(wanted) if part.endswith("W") else wanted):
                    return True
            elif part.endswith("W"):
                if int(part[:-1]) <= length and day == nearest_working_day(day.replace(day=int(part[:-1]))):
                    return True
            elif matches(part.rstrip("C"), day.day, 1, 31):
                return True
        return False
    for part in weekday_field.split(","):
        if part == "L":
            if sunday_is_one == 7:
                return True
        elif "#" in part:
            weekday, nth = part.split("#")
            if value(weekday) == sunday_is_one and (day.day + 6) // 7 == int(nth):
                return True
        elif part.endswith("L") and part not in NAMES:
            if value(part[:-1]) == sunday_is_one and day.day + 7 > length:
                return True
        elif matches(part if part in NAMES else part.rstrip("C"), sunday_is_one, 1, 7):
            return True
    return False


def fires_of_day(fields: list[str], zone: ZoneInfo, day: date) -> set[datetime]:
    """The instants of one day on the wall, in UTC."""
    second, minute, hour, day_field, month, weekday = fields[:6]
    if not matches(month, day.month, 1, 12) or not is_day(day_field, weekday, day):
        return set()
    if len(fields) > 6 and not matches(fields[6], day.year, 1970, 2299):
        return set()
    minutes = [each for each in range(60) if matches(minute, each, 0, 59)]
    seconds = [each for each in range(60) if matches(second, each, 0, 59)]
    walls = [
        datetime.combine(day, time(h, m, s))
        for h in range(24)
        if matches(hour, h, 0, 23)
        for m in minutes
        for s in seconds
    ]
    elapsed = any(mark in hour + minute for mark in "*/")
    found: set[datetime] = set()
    for wall in walls:
        existing = sorted(each for each in both(wall, zone) if on_wall(each, zone) == wall)
        if existing:
            found.update(existing if elapsed else existing[:1])
        elif not elapsed:
            found.add(after_the_gap(wall, zone))
    if elapsed and not found and walls:
        found.add(after_the_gap(walls[0], zone))
    return found


def both(wall: datetime, zone: ZoneInfo) -> set[datetime]:
    return {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}


def on_wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def after_the_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    instant = min(both(wall, zone)).replace(second=0)
    while on_wall(instant, zone) <= wall:
        instant += timedelta(minutes=1)
    return instant


def fires(expression: str, zone: str, first: datetime, last: datetime) -> list[int]:
    """All fire times in `first <= … < last`, in epoch milliseconds."""
    info = ZoneInfo(zone)
    fields = expression.upper().split()
    found: set[datetime] = set()
    day = first.astimezone(info).date() - timedelta(days=2)
    while day <= last.astimezone(info).date() + timedelta(days=2):
        found |= fires_of_day(fields, info, day)
        day += timedelta(days=1)
    return [int(each.timestamp() * 1000) for each in sorted(found) if first <= each < last]
