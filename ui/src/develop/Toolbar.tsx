import { ActionIcon, Divider, Group, Tooltip } from "@mantine/core";
import { IconAdjustments, IconArrowBackUp, IconArrowForwardUp, IconArrowRightCircle, IconCopy, IconKeyboard, IconLayoutDistributeHorizontal, IconMaximize, IconPlus } from "@tabler/icons-react";
import { type Key, useT } from "../i18n";

interface Props {
  back: boolean;
  forth: boolean;
  one: boolean;
  any: boolean;
  panel: boolean;
  onUndo: () => void;
  onRedo: () => void;
  onLayout: () => void;
  onFit: () => void;
  onAdd: () => void;
  onConnect: () => void;
  onDuplicate: () => void;
  onHelp: () => void;
  onPanel: () => void;
}

/** What can be done on the canvas, with the key that does it too. */
export function Toolbar(props: Props) {
  const t = useT();
  const button = (text: Key, key: string, Icon: typeof IconPlus, act: () => void, disabled = false, pressed?: boolean) => (
    <Tooltip label={key ? `${t(text)} (${key})` : t(text)}>
      <ActionIcon variant={pressed ? "light" : "subtle"} color="gray" size="md" disabled={disabled} onClick={act} aria-label={t(text)} aria-pressed={pressed}><Icon size={17} /></ActionIcon>
    </Tooltip>
  );
  return (
    <Group gap={4} className="edit-toolbar" role="toolbar" aria-label={t("toolbar.title")}>
      {button("job.undo", "Ctrl+Z", IconArrowBackUp, props.onUndo, !props.back)}
      {button("job.redo", "Ctrl+Shift+Z", IconArrowForwardUp, props.onRedo, !props.forth)}
      <Divider orientation="vertical" />
      {button("keys.add", "N", IconPlus, props.onAdd)}
      {button("keys.connect", "C", IconArrowRightCircle, props.onConnect, !props.one)}
      {button("panel.duplicate", "Ctrl+D", IconCopy, props.onDuplicate, !props.any)}
      <Divider orientation="vertical" />
      {button("job.layout", "L", IconLayoutDistributeHorizontal, props.onLayout)}
      {button("keys.fit", "F", IconMaximize, props.onFit)}
      <span style={{ flex: 1 }} />
      {button("keys.title", "?", IconKeyboard, props.onHelp)}
      {button("panel.open", "", IconAdjustments, props.onPanel, false, props.panel)}
    </Group>
  );
}
