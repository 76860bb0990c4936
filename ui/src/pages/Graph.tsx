import { Box } from "@mantine/core";
import { IconBinaryTree2 } from "@tabler/icons-react";
import { useT } from "../i18n";
import { JobPicker } from "../parts/JobPicker";
import { Empty, Page } from "../parts/Page";
import { useFilters } from "../parts/useFilters";
import { Dependencies } from "./Dependencies";

/** Which jobs wait for which, outward from one job. */
export function Graph() {
  const t = useT();
  const [filters, change] = useFilters({ job: "" });
  return (
    <Page wide title={t("graph.title")}>
      <Box maw={420}><JobPicker label={t("graph.choose")} value={filters.job} onChange={(job) => change({ job })} clearable /></Box>
      {filters.job ? <Dependencies key={filters.job} name={filters.job} /> : <Empty title={t("graph.empty")} help={t("graph.emptyHelp")}><IconBinaryTree2 aria-hidden /></Empty>}
    </Page>
  );
}
