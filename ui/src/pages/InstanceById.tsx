import { useQuery } from "@tanstack/react-query";
import { Redirect, useParams } from "wouter";
import { get } from "../api/http";
import type { Waiting as Why } from "../api/types";
import { useT } from "../i18n";
import { instancePath } from "../monitor/Batch";
import { Page, Problem, Waiting } from "../parts/Page";

/** Where only an instance's number is known: finds its job, and goes on to its page. */
export function InstanceById() {
  const t = useT();
  const { id } = useParams<{ id: string }>();
  const found = useQuery({ queryKey: ["why", "of", id], queryFn: ({ signal }) => get<Why>(`/v1/{p}/jobs/instances/${id}/why`, undefined, signal) });
  if (found.data) return <Redirect to={instancePath(found.data)} replace />;
  return <Page title={t("instance.title", { id })}>{found.error ? <Problem error={found.error} /> : <Waiting />}</Page>;
}
