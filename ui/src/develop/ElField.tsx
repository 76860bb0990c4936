import { ActionIcon, Box, Code, Group, Popover, Text, Textarea, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { IconArrowsMaximize } from "@tabler/icons-react";
import { createContext, type KeyboardEvent, type ReactNode, useContext, useId, useRef, useState } from "react";
import { ApiError, get, post } from "../api/http";
import { useSession } from "../api/session";
import type { Job } from "../api/types";
import { useT } from "../i18n";
import { ElHelp } from "../parts/ElHelp";
import { type Completion, completed, completion, isExpression, type Member, type Offer } from "./completion";

/** The job whose parameters expressions see. */
export const ExpressionJob = createContext<Job | null>(null);

export const SIMPLE = ["yyyymmdd", "yyyymmdd-1", "yyyy-mm-dd", "yyyy-mm-dd-1", "yyyymm", "yyyymm-1", "hh24", "hh24-1"];

export function useMembers(): Member[] {
  const { workspace } = useSession();
  const found = useQuery({ queryKey: ["el-members", workspace.id], queryFn: ({ signal }) => get<{ members: Member[] }>("/v1/{p}/el/members", undefined, signal), staleTime: Infinity });
  return found.data?.members ?? [];
}

/** Names that `${…}` can stand for: the job's parameters, the workspace's variables. */
export function useNames(job: Job | null): string[] {
  const { workspace } = useSession();
  const env = useQuery({ queryKey: ["env", workspace.id], queryFn: ({ signal }) => get<{ params: { name: string }[] }>("/v2/{p}/factory/env", undefined, signal) });
  return [...new Set([...(job?.params ?? []).map((each) => each.name), ...(env.data?.params ?? []).map((each) => each.name), ...SIMPLE])].filter(Boolean);
}

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  description?: ReactNode;
  placeholder?: string;
  required?: boolean;
  error?: ReactNode;
  long?: boolean;
  /** Opens the text in a window of its own. */
  onExpand?: () => void;
  plain?: boolean;
  disabled?: boolean;
}

/** A field whose text may hold expressions: completes them while one types, and shows what they are worth. */
export function ElField({ label, value, onChange, description, placeholder, required, error, long, onExpand, plain, disabled }: Props) {
  const t = useT();
  const id = useId();
  const job = useContext(ExpressionJob);
  const members = useMembers();
  const names = useNames(job);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const [offered, setOffered] = useState<Completion | null>(null);
  const [at, setAt] = useState(0);
  const [focused, setFocused] = useState(false);
  const look = (text: string) => {
    setOffered(plain ? null : completion(text, field.current?.selectionStart ?? text.length, members, names));
    setAt(0);
  };
  const take = (offer: Offer) => {
    const cursor = field.current?.selectionStart ?? value.length;
    const next = completed(value, cursor, offered!, offer);
    onChange(next.text);
    setOffered(null);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(next.at, next.at);
    });
  };
  const keyed = (event: KeyboardEvent) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      return look(value);
    }
    if (!offered) return;
    const count = offered.offers.length;
    if (event.key === "ArrowDown") setAt((at + 1) % count);
    else if (event.key === "ArrowUp") setAt((at + count - 1) % count);
    else if (event.key === "Enter" || event.key === "Tab") take(offered.offers[at]!);
    else if (event.key === "Escape") setOffered(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const heading = plain && !onExpand ? label : (
    <Group gap={4} wrap="nowrap" display="inline-flex">
      <span>{label}</span>{required && <Text span c="red" aria-hidden>*</Text>}
      {!plain && <ElHelp onInsert={(text) => onChange(value + text)} />}
      {onExpand && <Tooltip label={t("field.expand")}><ActionIcon size="sm" variant="subtle" aria-label={t("field.expandOf", { name: label })} onClick={onExpand}><IconArrowsMaximize size={14} /></ActionIcon></Tooltip>}
    </Group>
  );
  const common = {
    ref: field,
    label: heading,
    labelProps: { labelElement: "div" as const },
    "aria-label": label,
    "aria-required": required,
    "aria-autocomplete": "list" as const,
    "aria-controls": offered ? `${id}-offers` : undefined,
    "aria-activedescendant": offered ? `${id}-${at}` : undefined,
    description,
    placeholder,
    error,
    disabled,
    value,
    spellCheck: false,
    classNames: { input: plain ? "" : "mono" },
    onChange: (event: { currentTarget: { value: string } }) => {
      onChange(event.currentTarget.value);
      look(event.currentTarget.value);
    },
    onKeyDown: keyed,
    onFocus: () => setFocused(true),
    onBlur: () => {
      setFocused(false);
      setOffered(null);
    },
  };
  return (
    <Box>
      <Popover opened={offered !== null} position="bottom-start" width="target" shadow="md" withinPortal trapFocus={false} returnFocus={false} withRoles={false} offset={2}>
        <Popover.Target>
          <Box>{long ? <Textarea {...common} autosize minRows={3} maxRows={14} /> : <TextInput {...common} />}</Box>
        </Popover.Target>
        <Popover.Dropdown p={4} miw={260}>
          <div role="listbox" id={`${id}-offers`} aria-label={t("el.help")} style={{ maxHeight: 220, overflow: "auto" }}>
            {offered?.offers.map((offer, index) => (
              <div
                key={offer.shown}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === at}
                className="offer"
                ref={index === at ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
                onMouseDown={(event) => { event.preventDefault(); take(offer); }}
              >{offer.shown}</div>
            ))}
          </div>
        </Popover.Dropdown>
      </Popover>
      {!plain && isExpression(value) && <Worth text={value} job={job} asked={focused || !long} />}
    </Box>
  );
}

interface Worth {
  value?: string;
  problem?: string;
}

/** What a text becomes if it ran now, or why that is not known. */
export function Worth({ text, job, asked = true }: { text: string; job: Job | null; asked?: boolean }) {
  const t = useT();
  const { workspace } = useSession();
  const [settled] = useDebouncedValue(text, 350);
  const params = Object.fromEntries((job?.params ?? []).filter((each) => each.name && !each.masked).map((each) => [each.name, each.value]));
  const found = useQuery({
    queryKey: ["worth", workspace.id, settled, params],
    queryFn: async ({ signal: _signal }): Promise<Worth> => {
      try {
        return { value: (await post<{ value: string }>("/v1/{p}/el/evaluate", { text: settled, params })).value };
      } catch (error) {
        if (error instanceof ApiError && error.status < 500) return { problem: error.message };
        throw error;
      }
    },
    enabled: asked && isExpression(settled),
    staleTime: 30_000,
  });
  if (!found.data) return null;
  return (
    <Text size="xs" mt={2} c="dimmed" component="div" aria-live="polite" lineClamp={3}>
      {found.data.problem !== undefined ? <>{t("el.unknown")} {found.data.problem}</> : <>{t("el.now")} <Code fz="xs" style={{ overflowWrap: "anywhere" }}>{found.data.value}</Code></>}
    </Text>
  );
}
