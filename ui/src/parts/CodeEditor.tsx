import { Skeleton } from "@mantine/core";
import { type ComponentProps, lazy, Suspense } from "react";

const Editor = lazy(() => import("./Editor"));

/** The editor, loaded when the first one is shown. */
export function CodeEditor(props: ComponentProps<typeof Editor>) {
  return <Suspense fallback={<Skeleton h={props.height ?? 360} />}><Editor {...props} /></Suspense>;
}
