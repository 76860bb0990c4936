import { Button, Group, NumberInput, Select, Text, TextInput, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { get, put, remove } from "../api/http";
import { useSession } from "../api/session";
import { type Key, useT } from "../i18n";
import { dayOf } from "../parts/days";
import { FormDialog } from "../parts/FormDialog";
import { Months } from "../parts/Months";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Records } from "../parts/Records";
import { tellError } from "../parts/tell";

interface Calendar {
  name: string;
  default: "MON_TO_FRI" | "MON_TO_SUN";
  changed: Record<string, boolean>;
}

interface TaskGroup {
  name: string;
  limit: number;
}

/** Whether jobs with this calendar work on that day. */
export function works(calendar: Pick<Calendar, "default" | "changed">, day: string): boolean {
  const said = calendar.changed[day];
  if (said !== undefined) return said;
  return calendar.default === "MON_TO_SUN" || ![0, 6].includes(new Date(`${day}T00:00:00Z`).getUTCDay());
}

/** The calendar with one day turned; a day that is as usual again is not kept. */
export function turned(calendar: Calendar, day: string): Calendar {
  const { [day]: _said, ...others } = calendar.changed;
  const wanted = !works(calendar, day);
  return { ...calendar, changed: works({ ...calendar, changed: others }, day) === wanted ? others : { ...others, [day]: wanted } };
}

const year = (of: string) => Array.from({ length: 12 }, (_, at) => `${of}-${String(at + 1).padStart(2, "0")}`);

export function Calendars() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [edited, setEdited] = useState<{ calendar: Calendar; isNew: boolean } | null>(null);
  const [group, setGroup] = useState<{ group: TaskGroup; isNew: boolean } | null>(null);
  const [shownYear, setYear] = useState(Number(dayOf(Date.now(), workspace.timeZone).slice(0, 4)));
  const calendars = useQuery({ queryKey: ["calendars", workspace.id], queryFn: ({ signal }) => get<{ calendars: Calendar[] }>("/v1/{p}/calendars", undefined, signal) });
  const groups = useQuery({ queryKey: ["task-groups", workspace.id], queryFn: ({ signal }) => get<{ task_groups: TaskGroup[] }>("/v1/{p}/task-groups", undefined, signal) });
  const refresh = (what: string) => client.invalidateQueries({ queryKey: [what] });
  const makeCalendar = () => setEdited({ isNew: true, calendar: { name: "", default: "MON_TO_FRI", changed: {} } });
  const makeGroup = () => setGroup({ isNew: true, group: { name: "", limit: 1 } });
  return (
    <Page title={t("calendars.title")} right={<Button leftSection={<IconPlus size={16} />} onClick={makeCalendar}>{t("calendars.new")}</Button>}>
      {calendars.error ? <Problem error={calendars.error} /> : calendars.isPending ? <Waiting /> : calendars.data.calendars.length === 0 ? <Empty title={t("calendars.empty")} help={t("calendars.emptyHelp")}><Button mt="xs" variant="light" onClick={makeCalendar}>{t("calendars.new")}</Button></Empty> : (
        <Records
          rows={calendars.data.calendars}
          name={(each) => each.name}
          heads={[t("calendars.usual"), t("calendars.changed")]}
          cells={(each) => [t(`calendars.${each.default}` as Key), Object.keys(each.changed).length]}
          onEdit={(calendar) => setEdited({ calendar, isNew: false })}
          onDelete={(each) => remove(`/v1/{p}/calendars/${encodeURIComponent(each.name)}`).then(() => refresh("calendars"), tellError)}
        />
      )}
      <Group justify="space-between" mt="lg">
        <Title order={2} size="h4">{t("groups.title")}</Title>
        <Button variant="light" leftSection={<IconPlus size={16} />} onClick={makeGroup}>{t("groups.new")}</Button>
      </Group>
      {groups.error ? <Problem error={groups.error} /> : groups.isPending ? <Waiting /> : groups.data.task_groups.length === 0 ? <Empty title={t("groups.empty")} help={t("groups.teach")}><Button mt="xs" variant="light" onClick={makeGroup}>{t("groups.new")}</Button></Empty> : (
        <Records
          rows={groups.data.task_groups}
          name={(each) => each.name}
          heads={[t("groups.limit")]}
          cells={(each) => [each.limit]}
          onEdit={(each) => setGroup({ group: each, isNew: false })}
          onDelete={(each) => remove(`/v1/{p}/task-groups/${encodeURIComponent(each.name)}`).then(() => refresh("task-groups"), tellError)}
        />
      )}
      {edited && (
        <FormDialog
          size="70rem"
          title={edited.isNew ? t("calendars.new") : edited.calendar.name}
          ready={edited.calendar.name !== ""}
          save={() => put(`/v1/{p}/calendars/${encodeURIComponent(edited.calendar.name)}`, { default: edited.calendar.default, changed: edited.calendar.changed })}
          onClose={() => setEdited(null)}
          onSaved={() => { setEdited(null); void refresh("calendars"); }}
        >
          {(error) => (<>
          <TextInput label={t("common.name")} error={error("name")} disabled={!edited.isNew} value={edited.calendar.name} onChange={(event) => setEdited({ ...edited, calendar: { ...edited.calendar, name: event.currentTarget.value } })} data-autofocus />
          <Select label={t("calendars.usual")} allowDeselect={false} value={edited.calendar.default} data={["MON_TO_FRI", "MON_TO_SUN"].map((each) => ({ value: each, label: t(`calendars.${each}` as Key) }))} onChange={(next) => setEdited({ ...edited, calendar: { ...edited.calendar, default: (next ?? "MON_TO_FRI") as Calendar["default"] } })} />
          <NumberInput label={t("calendars.year")} min={1970} max={2200} value={shownYear} onChange={(next) => setYear(Number(next) || shownYear)} />
          <Text size="sm" c="dimmed">{t("calendars.help")}</Text>
          <Months
            months={year(String(shownYear))}
            onDay={(day) => setEdited({ ...edited, calendar: turned(edited.calendar, day) })}
            look={(day) => {
              const open = works(edited.calendar, day);
              return { color: open ? "var(--state-success)" : undefined, pressed: open, text: t(open ? "calendars.working" : "calendars.free") };
            }}
          />
          </>)}
        </FormDialog>
      )}
      {group && (
        <FormDialog
          title={group.isNew ? t("groups.new") : group.group.name}
          ready={group.group.name !== ""}
          save={() => put(`/v1/{p}/task-groups/${encodeURIComponent(group.group.name)}`, { limit: group.group.limit })}
          onClose={() => setGroup(null)}
          onSaved={() => { setGroup(null); void refresh("task-groups"); }}
        >
          {(error) => (<>
          <TextInput label={t("common.name")} error={error("name")} disabled={!group.isNew} value={group.group.name} onChange={(event) => setGroup({ ...group, group: { ...group.group, name: event.currentTarget.value } })} data-autofocus />
          <NumberInput label={t("groups.limit")} error={error("limit")} description={t("groups.limitHelp")} min={1} max={1000} value={group.group.limit} onChange={(next) => setGroup({ ...group, group: { ...group.group, limit: Number(next) || 1 } })} />
          </>)}
        </FormDialog>
      )}
    </Page>
  );
}
