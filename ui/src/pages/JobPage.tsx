import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useParams } from "wouter";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { Job, NodeType } from "../api/types";
import { JobEditor } from "../develop/JobEditor";
import { useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { placed } from "./job-model";

const NEW = "~new";

function empty(directory: string): Job {
  return { name: "new_job", nodes: [], schedule: { type: "EXECUTE_ONCE" }, processType: "BATCH", params: [], directory } as Job;
}

/** A job in the editor. It is read anew whenever somebody comes back to the page, so that what others saved is told. */
export function JobPage() {
  const t = useT();
  const name = decodeURIComponent(useParams<{ name: string }>().name);
  const { workspace } = useSession();
  const isNew = name === NEW;
  const job = useQuery({
    queryKey: ["job", workspace.id, name],
    queryFn: ({ signal }) => get<Job>(`/v1/{p}/jobs/${encodeURIComponent(name)}`, undefined, signal).then(placed),
    enabled: !isNew,
    staleTime: 0,
  });
  const types = useQuery({
    queryKey: ["node-types", workspace.id],
    queryFn: ({ signal }) => get<{ nodeTypes: NodeType[] }>("/v1/{p}/node-types", undefined, signal),
    staleTime: Infinity,
  });
  const directory = new URLSearchParams(location.search).get("directory") || "/";
  const start = useMemo(() => (isNew ? empty(directory) : job.data), [isNew, directory, job.data]);
  const error = (start ? null : job.error) ?? types.error;
  if (error) return <Page title={name}><Problem error={error} retry={() => void job.refetch()} /></Page>;
  if (!start || !types.data) return <Page title={isNew ? t("jobs.new") : name}><Waiting /></Page>;
  return <JobEditor key={`${workspace.id} ${name}`} name={isNew ? "" : name} start={start} types={types.data.nodeTypes} refetch={job.refetch} />;
}
