import { Box, Group, Text, UnstyledButton } from "@mantine/core";
import { useWords } from "../i18n";
import { weeksOf } from "./days";

export interface DayLook {
  color?: string;
  text: string;
  pressed?: boolean;
}

interface Props {
  months: string[];
  look: (day: string) => DayLook | null;
  onDay?: (day: string) => void;
}

/** Months as calendars whose days are coloured; with `onDay` each day is a button. A colour never says it alone. */
export function Months({ months, look, onDay }: Props) {
  const { language } = useWords();
  const name = new Intl.DateTimeFormat(language, { month: "long", year: "numeric", timeZone: "UTC" });
  const weekday = new Intl.DateTimeFormat(language, { weekday: "narrow", timeZone: "UTC" });
  const heads = Array.from({ length: 7 }, (_, at) => weekday.format(Date.UTC(2026, 0, 5 + at)));
  return (
    <Group align="flex-start" gap="xl">
      {months.map((month) => (
        <Box key={month}>
          <Text size="sm" fw={600} mb={4}>{name.format(new Date(`${month}-01T00:00:00Z`))}</Text>
          <div className="month" role="group" aria-label={name.format(new Date(`${month}-01T00:00:00Z`))}>
            {heads.map((each, at) => <span key={at} className="month-head" aria-hidden>{each}</span>)}
            {weeksOf(month).flat().map((day, at) => {
              if (!day) return <span key={at} />;
              const shown = look(day);
              const style = shown?.color ? { background: `color-mix(in srgb, ${shown.color} 45%, var(--mantine-color-body))` } : undefined;
              const label = shown?.text ? `${day}: ${shown.text}` : day;
              return onDay ? (
                <UnstyledButton key={day} className="month-day" style={style} data-pressed={shown?.pressed || undefined} aria-pressed={shown?.pressed ?? false} aria-label={label} title={label} onClick={() => onDay(day)}>{Number(day.slice(8))}</UnstyledButton>
              ) : (
                <span key={day} className="month-day" style={style} role="img" aria-label={label} title={label}>{Number(day.slice(8))}</span>
              );
            })}
          </div>
        </Box>
      ))}
    </Group>
  );
}
