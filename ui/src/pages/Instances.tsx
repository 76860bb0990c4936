import { useT } from "../i18n";
import { Page } from "../parts/Page";
import { InstanceTable } from "./InstanceTable";

export function Instances() {
  const t = useT();
  return <Page title={t("instances.title")} wide><InstanceTable /></Page>;
}
