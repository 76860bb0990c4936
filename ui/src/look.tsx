import { Badge, createTheme, type CSSVariablesResolver, MantineProvider, Modal, Notification } from "@mantine/core";
import { type ReactNode, useMemo } from "react";
import { useT } from "./i18n";

/** Grey texts with the contrast that WCAG AA asks for, on pages and on what is hovered. */
const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: { "--mantine-color-dimmed": "#5c6470", "--mantine-color-placeholder": "#6b7280", "--mantine-color-error": "#c92a2a" },
  dark: { "--mantine-color-dimmed": "#a6a7ab", "--mantine-color-placeholder": "#999ba1", "--mantine-color-error": "#ff8787" },
});

export function Look({ children }: { children: ReactNode }) {
  const t = useT();
  const theme = useMemo(
    () =>
      createTheme({
        primaryColor: "cyan",
        primaryShade: 9,
        autoContrast: true,
        defaultRadius: "sm",
        cursorType: "pointer",
        fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans SC', sans-serif",
        fontFamilyMonospace: "ui-monospace, 'SF Mono', 'JetBrains Mono', Menlo, Consolas, monospace",
        components: {
          Badge: Badge.extend({ defaultProps: { tt: "none" } }),
          Notification: Notification.extend({ defaultProps: { closeButtonProps: { "aria-label": t("common.close") } } }),
          Modal: Modal.extend({ defaultProps: { closeButtonProps: { "aria-label": t("common.close") } } }),
        },
      }),
    [t],
  );
  return <MantineProvider theme={theme} defaultColorScheme="auto" cssVariablesResolver={variables}>{children}</MantineProvider>;
}
