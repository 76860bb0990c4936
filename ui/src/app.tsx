import { Center, Loader } from "@mantine/core";
import { lazy, Suspense } from "react";
import { Redirect, Route, Router, Switch } from "wouter";
import { SessionGate } from "./api/session";
import { Login } from "./shell/Login";
import { Shell } from "./shell/Shell";

const page = <T extends string>(load: () => Promise<Record<T, React.ComponentType>>, name: T) =>
  lazy(async () => ({ default: (await load())[name] }));

const Overview = page(() => import("./pages/Overview"), "Overview");
const Jobs = page(() => import("./pages/Jobs"), "Jobs");
const JobPage = page(() => import("./pages/JobPage"), "JobPage");
const Instances = page(() => import("./pages/Instances"), "Instances");
const InstancePage = page(() => import("./pages/InstancePage"), "InstancePage");
const InstanceById = page(() => import("./pages/InstanceById"), "InstanceById");
const PatchData = page(() => import("./pages/PatchData"), "PatchData");
const Scripts = page(() => import("./pages/Scripts"), "Scripts");
const Connections = page(() => import("./pages/Connections"), "Connections");
const Environment = page(() => import("./pages/Environment"), "Environment");
const Playground = page(() => import("./pages/Playground"), "Playground");
const Resources = page(() => import("./pages/Resources"), "Resources");
const Calendars = page(() => import("./pages/Calendars"), "Calendars");
const Settings = page(() => import("./pages/Settings"), "Settings");
const Alerts = page(() => import("./pages/Alerts"), "Alerts");
const Health = page(() => import("./pages/Health"), "Health");
const Import = page(() => import("./pages/Import"), "Import");
const Simulation = page(() => import("./pages/Simulation"), "Simulation");
const Users = page(() => import("./pages/Users"), "Users");
const Workspaces = page(() => import("./pages/Workspaces"), "Workspaces");
const Members = page(() => import("./pages/Members"), "Members");
const Account = page(() => import("./pages/Account"), "Account");
const Hooks = page(() => import("./pages/Hooks"), "Hooks");
const Graph = page(() => import("./pages/Graph"), "Graph");
const Audit = page(() => import("./pages/Audit"), "Audit");

export function App() {
  return (
    <Router base="/console">
      <SessionGate login={<Login />}>
        <Shell>
          <Suspense fallback={<Center h={200}><Loader /></Center>}>
            <Switch>
              <Route path="/"><Redirect to="/overview" /></Route>
              <Route path="/overview" component={Overview} />
              <Route path="/jobs" component={Jobs} />
              <Route path="/jobs/:name" component={JobPage} />
              <Route path="/instances" component={Instances} />
              <Route path="/instances/:job/:id" component={InstancePage} />
              <Route path="/instance/:id" component={InstanceById} />
              <Route path="/patch-data" component={PatchData} />
              <Route path="/scripts" component={Scripts} />
              <Route path="/scripts/:name" component={Scripts} />
              <Route path="/connections" component={Connections} />
              <Route path="/environment" component={Environment} />
              <Route path="/playground" component={Playground} />
              <Route path="/resources" component={Resources} />
              <Route path="/calendars" component={Calendars} />
              <Route path="/import" component={Import} />
              <Route path="/simulation" component={Simulation} />
              <Route path="/alerts" component={Alerts} />
              <Route path="/settings" component={Settings} />
              <Route path="/health" component={Health} />
              <Route path="/users" component={Users} />
              <Route path="/audit" component={Audit} />
              <Route path="/workspaces" component={Workspaces} />
              <Route path="/members" component={Members} />
              <Route path="/account" component={Account} />
              <Route path="/hooks" component={Hooks} />
              <Route path="/graph" component={Graph} />
              <Route><Redirect to="/overview" /></Route>
            </Switch>
          </Suspense>
        </Shell>
      </SessionGate>
    </Router>
  );
}
