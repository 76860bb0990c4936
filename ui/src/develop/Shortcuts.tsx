import { Kbd, Modal, Table, Text } from "@mantine/core";
import { type Key, useT } from "../i18n";

const MOD = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

/** All keys of the editor; the dialog and the documentation show this list. */
export const SHORTCUTS: [Key, [string, Key][]][] = [
  ["keys.canvas", [
    ["Tab", "keys.walk"],
    ["Enter", "keys.choose"],
    ["N", "keys.add"],
    ["C", "keys.connect"],
    ["E", "keys.form"],
    ["Esc", "keys.back"],
    ["← → ↑ ↓", "keys.move"],
    ["Alt + ← → ↑ ↓", "keys.follow"],
    ["Delete", "keys.delete"],
    ["L", "keys.layout"],
    ["F", "keys.fit"],
    ["/", "keys.search"],
  ]],
  ["keys.edit", [
    ["mod + A", "keys.all"],
    ["mod + C / X / V", "keys.copy"],
    ["mod + D", "keys.duplicate"],
    ["mod + Z", "job.undo"],
    ["mod + Shift + Z", "job.redo"],
  ]],
  ["keys.job", [
    ["mod + S", "job.saveOnly"],
    ["mod + Enter", "job.submit"],
    ["?", "keys.help"],
    ["Ctrl + Space", "keys.complete"],
  ]],
];

export function Shortcuts({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const t = useT();
  return (
    <Modal opened={opened} onClose={onClose} title={t("keys.title")} size="lg">
      {SHORTCUTS.map(([title, keys]) => (
        <section key={title}>
          <Text fw={600} size="sm" mt="sm">{t(title)}</Text>
          <Table verticalSpacing={4} aria-label={t(title)}>
            <Table.Tbody>
              {keys.map(([key, what]) => (
                <Table.Tr key={key}>
                  <Table.Td w={190}>{key.split(" + ").map((each, at) => <span key={each}>{at ? " + " : ""}<Kbd>{each === "mod" ? MOD : each}</Kbd></span>)}</Table.Td>
                  <Table.Td>{t(what)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
      ))}
    </Modal>
  );
}
