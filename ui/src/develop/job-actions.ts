/** What is done to many jobs at once: one after another, each whole or not at all. */

import { call, get, post, put, remove } from "../api/http";
import type { Job } from "../api/types";
import { toSave } from "../pages/job-model";
import type { Version } from "./Versions";

export const pathOf = (name: string) => `/v1/{p}/jobs/${encodeURIComponent(name)}`;

/** Puts a job into another directory. What was submitted stays what runs: a draft stays a draft. */
export async function moveJob(name: string, directory: string): Promise<void> {
  const [job, versions] = await Promise.all([get<Job>(pathOf(name)), get<{ versions: Version[] }>(`${pathOf(name)}/versions`, { limit: 1 })]);
  if ((job.directory || "/") === directory) return;
  const { versionComment: _comment, ...body } = toSave({ ...job, directory }, versions.versions[0]?.submitted ?? true);
  await call("PUT", pathOf(name), { body, ifMatch: job.version });
}

export const renameJob = (name: string, next: string) => put(`/v2/{p}/factory/jobs/${encodeURIComponent(name)}/rename`, { name: next });

/** Another job of the same content; it is a draft of its own, and its schedule is not started. */
export async function copyJob(name: string, next: string): Promise<void> {
  const { versionComment: _comment, ...body } = toSave(await get<Job>(pathOf(name)), false);
  await post("/v1/{p}/jobs", { ...body, name: next });
}

export const startJob = (name: string) => post(`${pathOf(name)}/start`);
export const stopJob = (name: string) => post(`${pathOf(name)}/stop`);
export const deleteJob = (name: string) => remove(pathOf(name));

export interface Outcome {
  done: string[];
  failed: { name: string; why: string }[];
}

/** Each of them; one that is refused does not keep the others from it. */
export async function each(names: string[], act: (name: string) => Promise<unknown>, told: (done: number) => void = () => {}): Promise<Outcome> {
  const found: Outcome = { done: [], failed: [] };
  for (const name of names) {
    try {
      await act(name);
      found.done.push(name);
    } catch (error) {
      found.failed.push({ name, why: error instanceof Error ? error.message : String(error) });
    }
    told(found.done.length + found.failed.length);
  }
  return found;
}
