import { ActionIcon, Box, Modal, Paper, ScrollArea, Text, TextInput, Tooltip, UnstyledButton } from "@mantine/core";
import { IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand, IconSearch } from "@tabler/icons-react";
import { type DragEvent, type KeyboardEvent, type Ref, useMemo, useState } from "react";
import type { NodeType } from "../api/types";
import { useT } from "../i18n";
import { DRAGGED } from "./Canvas";
import { found, groupKey, kindOf } from "./kinds";

interface Props {
  types: NodeType[];
  open: boolean;
  onOpen: (open: boolean) => void;
  onAdd: (type: NodeType) => void;
  searchRef: Ref<HTMLInputElement>;
}

/** What can be put onto the canvas: dragged, or with Enter. */
export function Palette({ types, open, onOpen, onAdd, searchRef }: Props) {
  const t = useT();
  const [wanted, setWanted] = useState("");
  const groups = useMemo(() => found(types, wanted), [types, wanted]);
  if (!open) {
    return (
      <Paper withBorder p={4} style={{ flex: "none" }}>
        <Tooltip label={t("palette.open")} position="right"><ActionIcon variant="subtle" color="gray" aria-label={t("palette.open")} aria-expanded={false} onClick={() => onOpen(true)}><IconLayoutSidebarLeftExpand size={18} /></ActionIcon></Tooltip>
      </Paper>
    );
  }
  return (
    <Paper withBorder w={196} component="section" aria-label={t("job.palette")} style={{ display: "flex", flexDirection: "column", flex: "none", minHeight: 0 }}>
      <Box p={6} style={{ display: "flex", gap: 4 }}>
        <TextInput ref={searchRef} size="xs" flex={1} aria-label={t("palette.search")} placeholder={t("palette.search")} leftSection={<IconSearch size={14} />} value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} onKeyDown={(event) => event.key === "Enter" && groups[0] && onAdd(groups[0][1][0]!)} />
        <Tooltip label={t("palette.close")}><ActionIcon variant="subtle" color="gray" aria-label={t("palette.close")} aria-expanded onClick={() => onOpen(false)}><IconLayoutSidebarLeftCollapse size={18} /></ActionIcon></Tooltip>
      </Box>
      <ScrollArea flex={1} type="auto" viewportProps={{ tabIndex: -1 }}>
        {groups.length === 0 && <Text size="xs" c="dimmed" p={8}>{t("palette.none")}</Text>}
        {groups.map(([group, each]) => (
          <Box key={group} role="group" aria-label={t(groupKey(group))}>
            <Text size="xs" fw={600} c="dimmed" px={10} pt={8} pb={2} aria-hidden>{t(groupKey(group))}</Text>
            {each.map((type) => <Entry key={type.name} type={type} onAdd={onAdd} />)}
          </Box>
        ))}
        <Text size="xs" c="dimmed" p={10}>{t("job.paletteHelp")}</Text>
      </ScrollArea>
    </Paper>
  );
}

function Entry({ type, onAdd }: { type: NodeType; onAdd: (type: NodeType) => void }) {
  const { icon: Icon, group } = kindOf(type);
  return (
    <Tooltip label={type.summary} position="right" openDelay={500} multiline maw={320}>
      <UnstyledButton className="palette-entry" draggable onDragStart={(event: DragEvent) => event.dataTransfer.setData(DRAGGED, type.name)} onClick={(event) => event.detail === 0 && onAdd(type)} onDoubleClick={() => onAdd(type)}>
        <Icon size={17} stroke={1.7} aria-hidden data-group={group} className="palette-icon" />{type.title}
      </UnstyledButton>
    </Tooltip>
  );
}

interface Choice {
  value: string;
  label: string;
  help?: string;
  icon?: typeof IconSearch;
}

/** A list over the page that is searched while one types and chosen from with the arrow keys. */
export function Pick({ title, choices, onPick, onClose }: { title: string; choices: Choice[]; onPick: (value: string) => void; onClose: () => void }) {
  const t = useT();
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const shown = choices.filter((each) => wanted.toLowerCase().split(/\s+/).every((word) => `${each.label} ${each.help ?? ""}`.toLowerCase().includes(word))).slice(0, 60);
  const take = (value: string) => {
    onClose();
    onPick(value);
  };
  const keyed = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(shown.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else if (event.key === "Enter" && shown[at]) take(shown[at].value);
    else return;
    event.preventDefault();
  };
  return (
    <Modal opened onClose={onClose} title={title} yOffset="12vh" returnFocus={false}>
      <TextInput role="combobox" aria-expanded aria-controls="pick" aria-activedescendant={shown[at] ? `pick-${at}` : undefined} aria-label={title} placeholder={t("common.search")} leftSection={<IconSearch size={15} />} value={wanted} data-autofocus onKeyDown={keyed} onChange={(event) => { setWanted(event.currentTarget.value); setAt(0); }} />
      <div role="listbox" id="pick" aria-label={title} style={{ maxHeight: 360, overflow: "auto", marginTop: 8 }}>
        {shown.map(({ value, label, help, icon: Icon }, index) => (
          <div key={value} id={`pick-${index}`} role="option" aria-selected={index === at} className="offer" ref={index === at ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined} onMouseEnter={() => setAt(index)} onClick={() => take(value)}>
            {Icon && <Icon size={17} stroke={1.7} aria-hidden style={{ verticalAlign: "-3px", marginRight: 8 }} />}<b>{label}</b>
            {help && <Text size="xs" c="dimmed" lineClamp={1}>{help}</Text>}
          </div>
        ))}
      </div>
      {shown.length === 0 && <Text size="sm" c="dimmed" p={8}>{t("palette.none")}</Text>}
    </Modal>
  );
}
