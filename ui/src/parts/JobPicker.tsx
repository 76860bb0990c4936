import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { JobItem } from "../api/types";

interface Props {
  label: string;
  value: string;
  onChange: (name: string) => void;
  clearable?: boolean;
  description?: string;
}

/** Chooses a job; what is typed is searched on the server, so that it finds one of thousands. */
export function JobPicker({ value, onChange, ...more }: Props) {
  const { workspace } = useSession();
  const [typed, setTyped] = useState("");
  const [wanted] = useDebouncedValue(typed === value ? "" : typed, 200);
  const jobs = useQuery({
    queryKey: ["jobs", workspace.id, "picker", wanted],
    queryFn: ({ signal }) => get<{ jobs: JobItem[] }>("/v1/{p}/jobs", { jobName: wanted, limit: 50 }, signal),
    placeholderData: keepPreviousData,
  });
  const names = (jobs.data?.jobs ?? []).map((each) => each.name);
  return <Select {...more} searchable value={value || null} data={value && !names.includes(value) ? [value, ...names] : names} searchValue={typed} onSearchChange={setTyped} onChange={(next) => onChange(next ?? "")} filter={({ options }) => options} />;
}
