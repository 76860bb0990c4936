/* Written by `make ui-types` from the API's OpenAPI document; changed there, never here. */
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AlarmRecord
         * @description A notice that was sent; further fields as it was recorded.
         */
        AlarmRecord: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            alarm_time: number;
            job_id?: number | string;
            job_name?: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            plan_time?: number;
            remind_type?: number;
            schedule_type?: number | string;
            send_msg?: string;
            /** @description 0 sent, 1 not sent. */
            send_status?: number | string;
        };
        /** AlarmRecords */
        AlarmRecords: {
            alarm_info: components["schemas"]["AlarmRecord"][];
            total: number;
        };
        /** AlarmRule */
        AlarmRule: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            create_time: number;
            create_user: string;
            id: number | string;
            name?: string;
            remind_type?: number;
            rule_name?: string;
        };
        /**
         * AlarmRules
         * @description Rules of the page, and how many rules there are of each type of notice.
         */
        AlarmRules: {
            alarm_rules_items_details: components["schemas"]["AlarmRule"][];
            assurance_mission_commitment_time_not_completed_count: number;
            assurance_mission_failed_count: number;
            assurance_mission_warning_time_not_completed_count: number;
            baseline_error_count: number;
            cancel_jobs_count: number;
            exception_count: number;
            modify_count: number;
            multi_period_unfinished_count: number;
            overload_count: number;
            recover_jobs_count: number;
            success_count: number;
            total: number;
            total_all: number;
            unfinished_count: number;
        };
        /**
         * AlertSettings
         * @description `days`: nothing is told of instances made longer ago (7). `ignoredFailure`: what a success with ignored failures
         *         is told as. `eachRetry`: whether each failed attempt of a node is told, not only the last one.
         */
        AlertSettings: {
            days?: number;
            eachRetry?: boolean;
            /** @enum {unknown} */
            ignoredFailure?: "failure" | "success";
        };
        Answers: {
            addWorkSpaceUsers: components["schemas"]["Outcome"];
            arriveWorker: components["schemas"]["Welcome"];
            assessFile: components["schemas"]["Assessed"];
            batchDeleteWorkspaces: components["schemas"]["Outcome"];
            claimAttempt: components["schemas"]["ClaimShown"];
            createAlertRule: components["schemas"]["RuleAnswer"];
            createAlertTopic: components["schemas"]["TopicAnswer"];
            createConnections: components["schemas"]["MadeDataConnections"];
            createFactoryEnv: components["schemas"]["Done"];
            createFactoryPendingItemsPackage: components["schemas"]["MadePackage"];
            createHook: components["schemas"]["Hook"];
            createManagerWorkSpace: components["schemas"]["Workspace"];
            createResource: components["schemas"]["ResourceId"];
            createSession: components["schemas"]["Session"];
            createToken: components["schemas"]["TokenReply"];
            createUser: components["schemas"]["CreatedUser"];
            createWorkerToken: components["schemas"]["TokenItem"];
            debugDataconnection: components["schemas"]["Outcome"];
            deleteWorkspaceusers: components["schemas"]["Outcome"];
            deliverHook: components["schemas"]["Delivered"];
            deployFactoryPackages: components["schemas"]["DeployedPackages"];
            evaluateExpression: components["schemas"]["Preview"];
            executeScript: components["schemas"]["Execution"];
            importConnections: components["schemas"]["TaskId"];
            importJob: components["schemas"]["TaskId"];
            keystoneListAuthDomains: components["schemas"]["Domains"];
            keystoneListAuthProjects: components["schemas"]["Projects"];
            keystoneListProjects: components["schemas"]["Projects"];
            keystoneShowCatalog: components["schemas"]["Catalog"];
            keystoneShowUserDetail: components["schemas"]["UserDetail"];
            listAlertRules: components["schemas"]["Rules"];
            listAlerts: components["schemas"]["Notices"];
            listAlertTopics: components["schemas"]["Topics"];
            listAudit: components["schemas"]["AuditPage"];
            listCalendars: components["schemas"]["Calendars"];
            listColumns: components["schemas"]["Columns"];
            listConnections: components["schemas"]["ConnectionList"];
            listDataArtsStudioInstances: components["schemas"]["Orders"];
            listDatabases: components["schemas"]["Databases"];
            listDataconnections: components["schemas"]["DataConnectionList"];
            listDataTables: components["schemas"]["Tables"];
            listExpressionMembers: components["schemas"]["ExpressionMembers"];
            listFactoryAlarmInfo: components["schemas"]["AlarmRecords"];
            listFactoryAlarmRules: components["schemas"]["AlarmRules"];
            listFactoryJobInstancesByName: components["schemas"]["V2InstanceList"];
            listFactoryJobs: components["schemas"]["V2JobList"];
            listFactoryPendingItems: components["schemas"]["PendingItems"];
            listFactoryReleasePackages: components["schemas"]["PackageList"];
            listFactoryScripts: components["schemas"]["V2ScriptList"];
            listFactorySearchBaselineInstances: components["schemas"]["BaselineInstances"];
            listFactoryTaskCompletion: components["schemas"]["Completion"];
            listFactoryTaskOverview: components["schemas"]["Overview"];
            listFactoryWorkspacesApproval: components["schemas"]["Approvals"];
            listHooks: components["schemas"]["HookList"];
            listInstanceAttempts: components["schemas"]["AttemptList"];
            listInstanceChildren: components["schemas"]["InstanceList"];
            listJobInstances: components["schemas"]["InstanceList"];
            listJobs: components["schemas"]["JobList"];
            listJobTriggers: components["schemas"]["JobTriggers"];
            listJobVersions: components["schemas"]["VersionList"];
            listManagerWorkSpaces: components["schemas"]["Workspaces"];
            listNodeTypes: components["schemas"]["NodeTypeList"];
            listObjects: components["schemas"]["ObjectList"];
            listResources: components["schemas"]["ResourceList"];
            listSchemas: components["schemas"]["Schemas"];
            listScriptResults: components["schemas"]["ScriptResults"];
            listScriptRuns: components["schemas"]["ScriptRuns"];
            listScripts: components["schemas"]["ScriptList"];
            listScriptVersions: components["schemas"]["VersionList"];
            listSearchFactoryBaselines: components["schemas"]["Baselines"];
            listSearchFactoryEvents: components["schemas"]["BaselineEvents"];
            listServers: components["schemas"]["ServerList"];
            listSystemTasks: components["schemas"]["SystemTask"];
            listSystemTasksOtherSpelling: components["schemas"]["SystemTask"];
            listTaskGroups: components["schemas"]["TaskGroups"];
            listTaskTableReferenceDetail: components["schemas"]["TableReferences"];
            listUsers: components["schemas"]["UserList"];
            listUserTokens: components["schemas"]["OwnTokens"];
            listWorkers: components["schemas"]["WorkerList"];
            listWorkerTokens: components["schemas"]["TokenList"];
            listWorkspaceRoles: components["schemas"]["RoleItem"][];
            listWorkspaces: components["schemas"]["WorkspaceList"];
            listWorkspacesForUser: components["schemas"]["Workspaces"];
            listWorkspaceusers: components["schemas"]["Members"];
            previewDependencies: components["schemas"]["DependencyPreview"];
            previewSchedule: components["schemas"]["SchedulePreview"];
            renewAttempts: components["schemas"]["Renewed"];
            resetPassword: components["schemas"]["Password"];
            rotateAccessKey: components["schemas"]["NewAccessKey"];
            rotateHook: components["schemas"]["NewSecret"];
            rotateSecretsKey: components["schemas"]["RotationAnswer"];
            runFactoryJob: components["schemas"]["RunAnswer"];
            runOnce: components["schemas"]["RunAnswer"];
            showAlertRule: components["schemas"]["RuleAnswer"];
            showAlertTopic: components["schemas"]["TopicAnswer"];
            showAttemptLogEnd: components["schemas"]["LogEnd"];
            showAttemptsToStop: components["schemas"]["Cancels"];
            showCalendar: components["schemas"]["Calendar"];
            showConnection: components["schemas"]["Connection"];
            showDataconnection: components["schemas"]["DataConnectionDetail"];
            showDirectoryTree: components["schemas"]["DirectoryTree"];
            showFactoryDependInstances: components["schemas"]["RelatedInstances"];
            showFactoryEnv: components["schemas"]["Environment"];
            showFactoryFullText: components["schemas"]["Hits"];
            showFactoryJobDependInstances: components["schemas"]["RelatedJob"][];
            showFactoryJobInstance: components["schemas"]["InstanceState"];
            showFactoryPackageDetail: components["schemas"]["PackageDetail"];
            showFactorySupplementData: components["schemas"]["PatchList"];
            showFileInfo: components["schemas"]["FileInfo"];
            showHealth: components["schemas"]["Health"];
            showHook: components["schemas"]["Hook"];
            showJob: components["schemas"]["SavedJob"];
            showJobInstance: components["schemas"]["InstanceDetail"];
            showJobInstanceHistory: components["schemas"]["History"];
            showJobStatus: components["schemas"]["RealTimeStatus"];
            showLocalPrograms: components["schemas"]["LocalPrograms"];
            showOpenapi: Record<string, unknown>;
            showReadiness: components["schemas"]["Readiness"];
            showRealTimeJobDetails: components["schemas"]["RealTimeJob"];
            showResource: components["schemas"]["SavedResource"];
            showScheduler: components["schemas"]["SchedulerState"];
            showScript: components["schemas"]["SavedScript"];
            showSecretsStatus: components["schemas"]["SecretsStatus"];
            showServerSettings: components["schemas"]["ServerSettings"];
            showSession: components["schemas"]["Session"];
            showTaskGroup: components["schemas"]["TaskGroup"];
            showToken: components["schemas"]["TokenReply"];
            showUser: components["schemas"]["UserItem"];
            showWhyJobInstanceWaits: components["schemas"]["Waiting"];
            showWorkSpace: components["schemas"]["Workspace"];
            showWorkspaceSettings: components["schemas"]["WorkspaceSettings"];
            simulateSchedules: components["schemas"]["SimulationAnswer"];
            updateFactoryJobName: components["schemas"]["Done"];
            updateHook: components["schemas"]["Hook"];
            updateWorkSpaceOld: components["schemas"]["Workspace"];
            updateWorkSpaceUserOrGroup: components["schemas"]["Outcome"];
        };
        /** Approval */
        Approval: {
            /** @example 0123456789abcdef0123456789abcdef */
            apply_id: string;
            approver_name?: string;
            create_user?: string;
            object_name?: string;
            /** @enum {unknown} */
            object_type?: "JOB" | "SCRIPT";
            /** @example DEVELOPING */
            status?: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submit_time?: number;
        };
        /** Approvals */
        Approvals: {
            job_apply_search_list: components["schemas"]["Approval"][];
            total: number;
        };
        /** Approver */
        Approver: {
            approverName: string;
        };
        /** Approvers */
        Approvers: {
            approvers?: components["schemas"]["Approver"][];
        };
        /**
         * Condition
         * @description One thing that the instance waits for, and what would release it.
         */
        "arkwright.api.v1.waiting.Condition": {
            instances: number[];
            key: string;
            kind: string;
            release: string;
            removable: boolean;
            text: string;
        };
        /**
         * Arrival
         * @description Sent when a worker starts.
         */
        Arrival: {
            groups: string[];
            runner: string;
            /** @default  */
            scheduler?: string;
            slots: number;
            version: string;
        };
        /**
         * Asked
         * @description What the worker knows already.
         */
        Asked: {
            /** @default [] */
            known?: components["schemas"]["Held"][];
            runner: string;
        };
        /** Assessed */
        Assessed: {
            faults: components["schemas"]["AssessedFault"][];
            files: string[];
            jobs: components["schemas"]["AssessedJob"][];
            totals: Record<string, unknown>;
        };
        /** AssessedFault */
        AssessedFault: {
            entry: string;
            file: string;
            reason: string;
        };
        /** AssessedFinding */
        AssessedFinding: {
            level: string;
            position: number | null;
            reason: string;
            subject: string;
            topic: string;
            where: string;
        };
        /** AssessedJob */
        AssessedJob: {
            file: string;
            findings: components["schemas"]["AssessedFinding"][];
            name: string;
            nodeTypes: {
                [key: string]: number;
            };
            schedule: string;
            verdict: string;
        };
        /** AttemptItem */
        AttemptItem: {
            attempt: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            endTime?: number;
            exitCode?: number;
            /** @default  */
            message?: string;
            nodeName: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            startTime: number;
            status: string;
        };
        /** AttemptList */
        AttemptList: {
            attempts: components["schemas"]["AttemptItem"][];
        };
        /** AuditItem */
        AuditItem: {
            id: number;
            message: string;
            object: string;
            operation: string;
            outcome: string;
            request_id: string;
            source: string;
            time: number;
            user_id: string;
            user_name: string;
            workspace_id: string;
        };
        /** AuditPage */
        AuditPage: {
            next_marker: string;
            records: components["schemas"]["AuditItem"][];
        };
        /** AwaitedJob */
        AwaitedJob: {
            failPolicy: string;
            job: string;
            /** @default  */
            problem?: string;
            /** @default  */
            status?: string;
            /** @default [] */
            windows?: components["schemas"]["AwaitedWindow"][];
            workspaceId: string;
        };
        /** AwaitedWindow */
        AwaitedWindow: {
            count: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            end: number;
            planTimes: number[];
            rule: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            start: number;
            take: string;
        };
        /**
         * Baseline
         * @description A baseline, with everything that was sent.
         */
        Baseline: {
            alarm_enable: boolean | number | string;
            baseline_alarm_enable: boolean | number | string;
            buffer: number | string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            create_time: number;
            domain_id: string;
            domain_name: string;
            enable: boolean | number | string;
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            instance_id: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            last_update_time: number;
            /** @example morning */
            name: string;
            owner_id: string;
            owner_name: string;
            priority: number | string;
            project_id: string;
            sign_enable: boolean | number | string;
            sla_hour?: number | null;
            sla_min?: number | null;
            sla_task_ids: unknown[];
            type: string;
            version: number;
            workspace_id: string;
        };
        /** BaselineEvent */
        BaselineEvent: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            happen_time?: number;
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            name?: string;
            owner_name?: string;
            /** @example NEW_DISCOVERY */
            status?: string;
            task_name?: string;
            /** @example ERROR */
            type?: string;
        };
        /** BaselineEvents */
        BaselineEvents: {
            events: components["schemas"]["BaselineEvent"][];
            total: number;
        };
        /** BaselineInstance */
        BaselineInstance: {
            baseline_name?: string;
            finish_status?: string;
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            instance_type?: string;
            owner_name?: string;
            priority?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            start_time?: number;
            /** @example SAFE */
            status?: string;
        };
        /** BaselineInstances */
        BaselineInstances: {
            baseline_instances: components["schemas"]["BaselineInstance"][];
            total: number;
        };
        /** Baselines */
        Baselines: {
            baselines: components["schemas"]["Baseline"][];
            total: number;
        };
        /** BasicConfig */
        BasicConfig: {
            agency?: string;
            customFields?: Record<string, unknown>;
            executeUser?: string;
            /** @description Minutes. */
            instanceTimeout?: number;
            isIgnoreWaiting?: number;
            owner?: string;
            priority?: number;
            tags?: string[];
        };
        Bodies: {
            addWorkSpaceUsers: components["schemas"]["NewMembers"];
            allowLocalPrograms: components["schemas"]["LocalPrograms"];
            arriveWorker: components["schemas"]["Arrival"];
            assessFile: components["schemas"]["FilePath"];
            batchDeleteWorkspaces: components["schemas"]["WorkspaceIds"];
            cancelFactoryPackages: components["schemas"]["PackageIds"];
            claimAttempt: components["schemas"]["Claim"];
            createAlertRule: components["schemas"]["Rule"];
            createAlertTopic: components["schemas"]["Topic"];
            createConnection: components["schemas"]["Connection"];
            createConnections: components["schemas"]["DataConnections"];
            createFactoryBaseline: components["schemas"]["NewBaseline"];
            createFactoryEnv: components["schemas"]["Environment"];
            createFactoryJob: components["schemas"]["NewJob"];
            createFactoryPendingItemsPackage: components["schemas"]["NewPackage"];
            createFactorySupplementDataInstance: components["schemas"]["NewPatch"];
            createHook: components["schemas"]["NewHook"];
            createJob: components["schemas"]["Job"];
            createManagerWorkSpace: components["schemas"]["NewWorkspace"];
            createResource: components["schemas"]["Resource"];
            createScript: components["schemas"]["Script"];
            createSession: components["schemas"]["LogIn"];
            createToken: components["schemas"]["Login"];
            createUser: components["schemas"]["NewUser"];
            createWorkerToken: components["schemas"]["NewToken"];
            debugDataconnection: components["schemas"]["DataConnection"];
            deleteJob: components["schemas"]["Approvers"];
            deleteScript: components["schemas"]["Approvers"];
            deleteWorkspaceusers: components["schemas"]["UserIds"];
            deployFactoryPackages: components["schemas"]["Deployment"];
            evaluateExpression: components["schemas"]["PreviewRequest"];
            executeScript: components["schemas"]["ExecuteScript"];
            exportJob: components["schemas"]["ExportJob"];
            exportJobList: components["schemas"]["ExportJobs"];
            finishAttempt: components["schemas"]["Report"];
            importConnections: components["schemas"]["ImportConnections"];
            importJob: components["schemas"]["ImportJobs"];
            leaveWorker: components["schemas"]["Leave"];
            listFactoryReleasePackages: components["schemas"]["PackageFilter"];
            previewDependencies: components["schemas"]["DependencyPreviewRequest"];
            previewSchedule: components["schemas"]["SchedulePreviewRequest"];
            renewAttempts: components["schemas"]["Renewal"];
            resetPassword: components["schemas"]["Password"];
            restoreJobInstance: components["schemas"]["Restart"];
            restoreRealTimeNode: components["schemas"]["NodeRestore"];
            retryFactoryJobInstance: components["schemas"]["Rerun"];
            rotateHook: components["schemas"]["Rotation"];
            rotateSecretsKey: components["schemas"]["RotationRequest"];
            runFactoryJob: components["schemas"]["Run"];
            runOnce: components["schemas"]["Run"];
            saveCalendar: components["schemas"]["CalendarBody"];
            saveTaskGroup: components["schemas"]["TaskGroupBody"];
            setFactoryJobTags: components["schemas"]["Tags"];
            setRole: components["schemas"]["RoleChange"];
            showAttemptsToStop: components["schemas"]["Asked"];
            showFileInfo: components["schemas"]["FilePath"];
            simulateSchedules: components["schemas"]["SimulationRequest"];
            startFactoryJob: components["schemas"]["Start"];
            startJob: components["schemas"]["Start"];
            updateAlertRule: components["schemas"]["Rule"];
            updateAlertTopic: components["schemas"]["Topic"];
            updateConnection: components["schemas"]["Connection"];
            updateDataconnection: components["schemas"]["DataConnections"];
            updateFactoryJobName: components["schemas"]["NewName"];
            updateHook: components["schemas"]["HookChange"];
            updateJob: components["schemas"]["Job"];
            updateRealTimeNode: components["schemas"]["NodeEvent"];
            updateResource: components["schemas"]["Resource"];
            updateScript: components["schemas"]["Script"];
            updateWorkSpaceOld: components["schemas"]["NewWorkspace"];
            updateWorkspaceSettings: components["schemas"]["WorkspaceSettingsChange"];
            updateWorkSpaceUserOrGroup: components["schemas"]["NewRole"];
        };
        /**
         * Calendar
         * @description `default`: the working days of a usual week. `changed`: single days that differ, true for a working day.
         */
        Calendar: {
            /** @default {} */
            changed?: {
                [key: string]: boolean;
            };
            /**
             * @default MON_TO_FRI
             * @enum {unknown}
             */
            default?: "MON_TO_FRI" | "MON_TO_SUN";
            name: string;
        };
        /** CalendarBody */
        CalendarBody: {
            /** @default {} */
            changed?: {
                [key: string]: boolean;
            };
            /**
             * @default MON_TO_FRI
             * @enum {unknown}
             */
            default?: "MON_TO_FRI" | "MON_TO_SUN";
        };
        /** Calendars */
        Calendars: {
            calendars: components["schemas"]["Calendar"][];
            total: number;
        };
        /** Cancels */
        Cancels: {
            /** @default [] */
            attempts?: components["schemas"]["Held"][];
        };
        /** Catalog */
        Catalog: {
            catalog: components["schemas"]["CatalogEntry"][];
            links: components["schemas"]["ListLinks"];
        };
        /** CatalogEntry */
        CatalogEntry: {
            endpoints: components["schemas"]["Endpoint"][];
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            name: string;
            /** @example dayu */
            type: string;
        };
        /** CatchUp */
        CatchUp: {
            made: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            oldestPlanTime: number;
            schedules: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            since: number;
        };
        /** Chosen */
        Chosen: {
            /** @default [] */
            jobs?: string[];
            /** @default [] */
            scripts?: string[];
        };
        /** Claim */
        Claim: {
            /** @default false */
            resume?: boolean;
            runner: string;
            version: string;
        };
        /**
         * ClaimShown
         * @description `executors.attempt_wire.ClaimAnswer`, for the documentation.
         */
        ClaimShown: {
            /** @default null */
            claimed?: Record<string, unknown> | null;
            /** @default  */
            refusal?: string;
            /** @default false */
            stop?: boolean;
        };
        /** Column */
        Column: {
            column_name: string;
            column_type: string;
            comment: string;
            partition_col: boolean;
            primary: boolean;
            seq_number: number;
        };
        /** Columns */
        Columns: {
            columns: components["schemas"]["Column"][];
            table_id: string;
            total_count: number;
        };
        /** Completion */
        Completion: {
            average: components["schemas"]["Point"][];
            today: components["schemas"]["Point"][];
            yesterday: components["schemas"]["Point"][];
        };
        /** Condition */
        Condition: {
            expression: string;
            preNodeName: string;
            /**
             * @description Ours: what it skips when it doesn't hold; none: as the workspace says.
             * @enum {unknown}
             */
            skipPolicy?: "ALL" | "NEXT";
        };
        /**
         * Conflict
         * @description Something that somebody should look at.
         */
        Conflict: {
            /** @default 1 */
            count?: number;
            job: string;
            kind: string;
            /** @default null */
            planTime?: number | null;
            text: string;
            workspaceId: string;
        };
        /** Connection */
        Connection: {
            config?: Record<string, unknown>;
            description?: string;
            name: string;
            type: string;
        };
        /** ConnectionList */
        ConnectionList: {
            connections: components["schemas"]["Connection"][];
            total: number;
        };
        /** ConnectionParams */
        ConnectionParams: {
            name: string;
            params?: {
                [key: string]: string;
            };
            type?: string;
        };
        /** CreatedUser */
        CreatedUser: {
            access_keys: string[];
            administrator: boolean;
            create_time: number;
            enabled: boolean;
            id: string;
            name: string;
            password?: string;
            roles: {
                [key: string]: string;
            };
        };
        /** Cron */
        Cron: {
            depend_jobs?: Record<string, unknown> | Record<string, unknown>[];
            depend_pre_period?: boolean;
            end_time?: string;
            /** @example 0 0 2 * * ? */
            expression: string;
            expression_time_zone?: string;
            /** @example 1 days */
            period: string;
            /** @example 2026-01-01T00:00:00+08 */
            start_time: string;
        };
        /** DaskSchedulerItem */
        DaskSchedulerItem: {
            connected: boolean;
            groups: string[];
            others: boolean;
            url: string;
        };
        /** Database */
        Database: {
            database_name: string;
            description: string;
        };
        /** Databases */
        Databases: {
            databases: components["schemas"]["Database"][];
            dw_id: string;
            total_count: number;
        };
        /** DataConnection */
        DataConnection: {
            agent_id?: string;
            agent_name?: string;
            description?: string;
            dw_category?: string;
            /**
             * @example {
             *       "ip": "10.0.0.5",
             *       "port": "8000"
             *     }
             */
            dw_config: {
                [key: string]: string | number | boolean | null;
            };
            /** @example warehouse */
            dw_name: string;
            /** @example DWS */
            dw_type: string;
            /** @description 0 development, 1 production. */
            env_type?: number;
            supportService?: number;
        };
        /** DataConnectionDetail */
        DataConnectionDetail: {
            agent_id: unknown;
            agent_name: unknown;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            create_time: number;
            create_user: string;
            description: string;
            /** @description As one of the documents spells it. */
            dw_catagory: unknown;
            dw_category: unknown;
            /** @description Secrets are masked. */
            dw_config: Record<string, unknown>;
            /** @example 1001 */
            dw_id: string;
            /** @example warehouse */
            dw_name: string;
            /** @example DWS */
            dw_type: string;
            /** @description 0 development, 1 production. */
            env_type: number | string;
            /** @example default.warehouse */
            qualified_name: string;
            update_type: number;
        };
        /** DataConnectionItem */
        DataConnectionItem: {
            agent_id: unknown;
            agent_name: unknown;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            create_time: number;
            create_user: string;
            description: string;
            /** @example 1001 */
            dw_id: string;
            /** @example warehouse */
            dw_name: string;
            /** @example DWS */
            dw_type: string;
            /** @example default.warehouse */
            qualified_name: string;
        };
        /** DataConnectionList */
        DataConnectionList: {
            /** @description On this page. */
            count: number;
            data_connection_lists: components["schemas"]["DataConnectionItem"][];
            max_records: number;
            total_size: number;
        };
        /** DataConnections */
        DataConnections: {
            data_source_vos: components["schemas"]["DataConnection"][];
            mode?: number;
            visible?: number;
        };
        /** Delivered */
        Delivered: {
            instanceId: number;
            replayed: boolean;
        };
        /** DependencyPreview */
        DependencyPreview: {
            jobs: components["schemas"]["AwaitedJob"][];
            planTime: number | null;
        };
        /**
         * DependencyPreviewRequest
         * @description `cron`: as a job's schedule has it. `planTime`: of the run that is asked about; none: the next one from now.
         */
        DependencyPreviewRequest: {
            cron: Record<string, unknown>;
            planTime?: number;
        };
        /** DependPackage */
        DependPackage: {
            location: string;
            type: string;
        };
        /** DeployedPackage */
        DeployedPackage: {
            asy_subtask_num: number;
            /** @description Of the system task that tells how it goes. */
            asy_task_id: string;
            package_id: number;
        };
        /** DeployedPackages */
        DeployedPackages: {
            deploy_package_details: components["schemas"]["DeployedPackage"][];
        };
        /** Deployment */
        Deployment: {
            package_ids: string[];
            /** @description 1: start the jobs as well. */
            startup_mode?: number;
        };
        /**
         * Difference
         * @description One plan time of a job that two simulations do not agree on.
         */
        Difference: {
            change: string;
            /** @default {} */
            fields?: {
                [key: string]: [
                    unknown,
                    unknown
                ];
            };
            job: string;
            planTime: number;
            workspaceId: string;
        };
        /** DirectoryTree */
        DirectoryTree: {
            category_type: string;
            count: number;
            directory_id: string;
            directory_name: string;
            elements: components["schemas"]["Element"][];
            limit: number;
            offset: number;
            paging: boolean;
            parent_directory_id: string;
            sub_directories: components["schemas"]["DirectoryTree"][];
        };
        /** Domain */
        Domain: {
            description: string;
            enabled: boolean;
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            links: components["schemas"]["SelfLink"];
            name: string;
        };
        /** Domains */
        Domains: {
            domains: components["schemas"]["Domain"][];
            links: components["schemas"]["ListLinks"];
        };
        /**
         * Done
         * @description It is done.
         */
        Done: {
            is_success: boolean;
            /** @example 200 */
            status_code: number;
        };
        /** DownstreamJob */
        DownstreamJob: {
            jobId: number;
            jobName: string;
            workSpace: string;
        };
        /** Element */
        Element: {
            element_id: string;
            is_single_node_job?: boolean;
            name: string;
            owner: string;
            parent_directory_id: string;
            process_type?: string;
            type: string;
        };
        /** Endpoint */
        Endpoint: {
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            /** @example public */
            interface: string;
            /** @example * */
            region: string;
            /** @example * */
            region_id: string;
            /** @example http://127.0.0.1:8800 */
            url: string;
        };
        /** Environment */
        Environment: {
            params: components["schemas"]["Variable"][];
        };
        /**
         * ErrorBody
         * @description What every refusal answers. `hint` is ours: what to do about it. `errors` is for clients that look there for what
         *         is gone.
         */
        ErrorBody: {
            error_code: string;
            error_msg: string;
            /** @default [] */
            errors?: components["schemas"]["NestedError"][];
            /** @default  */
            hint?: string;
        };
        /** ExecuteScript */
        ExecuteScript: {
            params?: {
                [key: string]: string;
            } | null;
        };
        /**
         * Execution
         * @description `instancesId` is `instanceId` again: the name the older official client knows.
         */
        Execution: {
            instanceId: string;
            instancesId: string;
        };
        /** ExportJob */
        ExportJob: {
            exportDepend?: boolean;
            /** @enum {unknown} */
            exportStatus?: "DEVELOP" | "SUBMIT";
            obsPath?: string;
        };
        /** ExportJobs */
        ExportJobs: {
            exportDepend?: boolean;
            /** @enum {unknown} */
            exportStatus?: "DEVELOP" | "SUBMIT";
            jobList: string[];
            obsPath?: string;
        };
        /** ExpressionMember */
        ExpressionMember: {
            method: boolean;
            name: string;
            signature: string;
        };
        /** ExpressionMembers */
        ExpressionMembers: {
            members: components["schemas"]["ExpressionMember"][];
        };
        /**
         * Failed
         * @description The work is not done, or not known to be.
         */
        Failed: {
            /** @default null */
            exit_code?: number | null;
            kind: components["schemas"]["FailureKind"];
            /** @enum {unknown} */
            kind_: "Failed";
            message: string;
            /** @default null */
            output?: string | null;
        };
        /**
         * FailureKind
         * @description Why an attempt did not succeed.
         * @enum {unknown}
         */
        FailureKind: "cancelled" | "error" | "lost" | "refused";
        /** FileInfo */
        FileInfo: {
            jobs: components["schemas"]["FileJob"][];
            scripts: components["schemas"]["FileScript"][];
        };
        /** FileJob */
        FileJob: {
            name: string;
            params: Record<string, unknown>;
            path: string;
        };
        /** FilePath */
        FilePath: {
            path: string;
        };
        /** FileScript */
        FileScript: {
            name: string;
            path: string;
        };
        /** GroupItem */
        GroupItem: {
            name: string;
            running: number;
            slots: number;
            workers: number;
        };
        /** Health */
        Health: {
            /**
             * @default ok
             * @enum {unknown}
             */
            status?: "ok";
        };
        /**
         * Held
         * @description An attempt that a worker has.
         */
        Held: [
            string,
            number
        ];
        /** History */
        History: {
            events: components["schemas"]["HistoryItem"][];
        };
        /** HistoryItem */
        HistoryItem: {
            /** @default {} */
            details?: Record<string, unknown>;
            event: string;
            /** @default  */
            nodeName?: string;
            sequence: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            time: number;
        };
        /**
         * Hit
         * @description A node of a job, or a script.
         */
        Hit: {
            /** @enum {unknown} */
            doc_type: "node" | "script";
            id: string;
            job_id?: string;
            job_name?: string;
            job_params?: string;
            job_type?: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            last_modified_time: number;
            /** @enum {unknown} */
            new_save_or_commit: "commit" | "save";
            node_name?: string;
            node_type?: string;
            owner: string;
            project_id: string;
            /** @enum {unknown} */
            schedule_state?: "running" | "stop";
            script_id?: string;
            script_name?: string;
            script_type?: string;
            single_node_job_type?: string;
            version: number;
            workspace: string;
            workspace_name: string;
        };
        /** Hits */
        Hits: {
            limit: number;
            offset: number;
            search_details: components["schemas"]["Hit"][];
            total_hits: number;
        };
        /** Hook */
        Hook: {
            authentication: string;
            concurrent: number;
            createTime: number;
            createUser: string;
            enabled: boolean;
            id: string;
            jobName: string;
            name: string;
            rotateTime?: number;
            secret?: string;
            url: string;
        };
        /** HookChange */
        HookChange: {
            concurrent?: number;
            enabled?: boolean;
            name?: string;
        };
        /** HookList */
        HookList: {
            hooks: components["schemas"]["Hook"][];
            total: number;
        };
        /** ImportConnections */
        ImportConnections: {
            params?: components["schemas"]["ConnectionParams"][];
            path: string;
            /** @enum {unknown} */
            sameNamePolicy?: "OVERWRITE" | "SKIP";
        };
        /** ImportJobs */
        ImportJobs: {
            approvers?: components["schemas"]["Approver"][];
            executeUser?: string;
            jobsParam?: components["schemas"]["JobParams"][];
            only?: components["schemas"]["Chosen"];
            params?: {
                [key: string]: string;
            };
            path: string;
            resources?: components["schemas"]["ReplacedResource"][];
            /** @enum {unknown} */
            sameNamePolicy?: "OVERWRITE" | "SKIP";
            /** @enum {unknown} */
            targetStatus?: "PRODUCTION" | "SAVED" | "SUBMITTED";
        };
        /** InstanceDetail */
        InstanceDetail: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            endTime?: number;
            errorMessage?: string;
            /** @description Ours: the message, object or delivery that started it, such as `KAFKA orders/0@41`. */
            eventSource?: string;
            /** @description Milliseconds. */
            executeTime?: number;
            forceSuccess?: boolean;
            ignoreSuccess?: boolean;
            instanceId: number;
            /** @description instanceId again: the name the older official client knows. */
            instancesId: string;
            instanceType: number;
            jobId: number;
            jobInstanceName: string;
            jobName: string;
            nodes: components["schemas"]["NodeItem"][];
            /** @description Ours: it exceeded the time limit of its job, and runs or ran on. */
            overdue?: boolean;
            /** @description Of type 6: the instance whose node runs it. Ours. */
            parentInstanceId?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            planTime: number;
            /** @description Of type 6: the row of the dataset that it is for, from 0. Ours. */
            row?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            startTime?: number;
            status: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submitTime: number;
            total: number;
            version: number;
        };
        /**
         * InstanceItem
         * @description An instance in the list of instances.
         */
        InstanceItem: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            endTime?: number;
            errorMessage?: string;
            /** @description Ours: the message, object or delivery that started it, such as `KAFKA orders/0@41`. */
            eventSource?: string;
            /** @description Milliseconds. */
            executeTime?: number;
            forceSuccess?: boolean;
            ignoreSuccess?: boolean;
            instanceId: number;
            /** @description instanceId again: the name the older official client knows. */
            instancesId: string;
            instanceType: number;
            jobId: number;
            jobInstanceName: string;
            jobName: string;
            /** @description Ours: it exceeded the time limit of its job, and runs or ran on. */
            overdue?: boolean;
            /** @description Of type 6: the instance whose node runs it. Ours. */
            parentInstanceId?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            planTime: number;
            /** @description Of type 6: the row of the dataset that it is for, from 0. Ours. */
            row?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            startTime?: number;
            status: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submitTime: number;
            version: number;
        };
        /** InstanceList */
        InstanceList: {
            instances: components["schemas"]["InstanceItem"][];
            total: number;
        };
        /** InstanceState */
        InstanceState: {
            end_time: number | null;
            /**
             * @description Id of an instance.
             * @example 132343
             */
            instance_id: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            plan_time: number;
            start_time: number | null;
            /** @example success */
            status: string;
        };
        /** InstanceTime */
        InstanceTime: {
            days?: string[];
            /** @example 10:15-23:30 */
            time_of_day?: string;
        };
        /** Job */
        Job: {
            approvers?: components["schemas"]["Approver"][];
            basicConfig?: components["schemas"]["BasicConfig"];
            cleanOverdueDays?: number;
            cleanWaitingJob?: string;
            description?: string;
            directory?: string;
            /** @enum {unknown} */
            emptyRunningJob?: "0" | "1";
            lastUpdateUser?: string;
            logPath?: string;
            name: string;
            nodes: components["schemas"]["Node"][];
            params?: components["schemas"]["JobParam"][];
            /** @enum {unknown} */
            processType: "BATCH" | "REAL_TIME";
            schedule: components["schemas"]["Schedule"];
            singleNodeJobFlag?: boolean;
            singleNodeJobType?: string;
            /** @enum {unknown} */
            targetStatus?: "PRODUCTION" | "SAVED" | "SUBMITTED";
            /** @description Ours: what this version is about. */
            versionComment?: string;
        };
        /**
         * JobAlarm
         * @description In the older spelling, as the documents show it.
         */
        JobAlarm: {
            alarmType: string;
            topicUrn: string;
        };
        /**
         * JobItem
         * @description A job in the list of jobs.
         */
        JobItem: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            createTime: number;
            createUser: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            endTime?: number;
            jobType: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            lastInstanceEndTime?: number;
            lastInstanceStatus?: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            lastUpdateTime: number;
            lastUpdateUser: string;
            name: string;
            owner?: string;
            path: string;
            priority?: number;
            singleNodeJobFlag?: boolean;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            startTime?: number;
            status: string;
        };
        /** JobList */
        JobList: {
            jobs: components["schemas"]["JobItem"][];
            total: number;
        };
        /** JobParam */
        JobParam: {
            /** @description Ours: the value is a secret, stored sealed and answered as `******`, which keeps it. */
            masked?: boolean;
            name: string;
            /**
             * @default variable
             * @enum {unknown}
             */
            type?: "constants" | "procedure" | "variable";
            value: string;
        };
        /** JobParams */
        JobParams: {
            name: string;
            params?: {
                [key: string]: string;
            };
        };
        /** JobSummary */
        JobSummary: {
            dryRuns: number;
            instances: number;
            job: string;
            waited: number;
            workspaceId: string;
        };
        /**
         * JobTrigger
         * @description Times are epoch milliseconds.
         */
        JobTrigger: {
            concurrent: number;
            hookId?: string;
            lag?: number;
            lastError?: string;
            lastErrorTime?: number;
            lastEvent?: string;
            lastFireTime?: number;
            lastInstanceId?: number;
            lastPollTime?: number;
            lastWarning?: string;
            lastWarningTime?: number;
            listening?: boolean;
            nextTime?: number;
            node?: string;
            positions?: {
                [key: string]: number;
            };
            reason: string;
            running?: number[];
            server?: string;
            state: string;
            suspendedBy?: number;
            type: string;
        };
        /** JobTriggers */
        JobTriggers: {
            jobName: string;
            status: string;
            triggers: components["schemas"]["JobTrigger"][];
        };
        /**
         * KeepSettings
         * @description Days; 0: for ever.
         */
        KeepSettings: {
            instanceDays?: number;
            logDays?: number;
        };
        /**
         * Leave
         * @description A worker goes.
         */
        Leave: {
            runner: string;
        };
        /** ListLinks */
        ListLinks: {
            next: string | null;
            previous: string | null;
            self: string;
        };
        /** LocalPrograms */
        LocalPrograms: {
            allowed: boolean;
        };
        /** Location */
        Location: {
            x?: string | number;
            y?: string | number;
        };
        /**
         * LogEnd
         * @description How far the log has arrived.
         */
        LogEnd: {
            offset: number;
        };
        /** Login */
        Login: {
            auth: components["schemas"]["LoginAuth"];
        };
        /** LogIn */
        LogIn: {
            /** @default  */
            domain?: string;
            name: string;
            password: string;
            /** @default  */
            project?: string;
        };
        /** LoginAuth */
        LoginAuth: {
            identity: components["schemas"]["LoginIdentity"];
            scope?: components["schemas"]["Scope"];
        };
        /** LoginIdentity */
        LoginIdentity: {
            methods: "password"[];
            password: components["schemas"]["LoginPassword"];
        };
        /** LoginPassword */
        LoginPassword: {
            user: components["schemas"]["LoginUser"];
        };
        /** LoginUser */
        LoginUser: {
            domain?: components["schemas"]["Reference"];
            id?: string;
            /** @example admin */
            name?: string;
            /** @example … */
            password: string;
        };
        /**
         * LogPiece
         * @description Of a log, from `offset` on.
         */
        LogPiece: {
            /** @default false */
            cut?: boolean;
            data: string;
            offset: number;
        };
        /** LoopPreview */
        LoopPreview: {
            /** @default null */
            current?: unknown[] | null;
            /** @default [] */
            dataArray?: unknown[][];
            /** @default 0 */
            offset?: number;
        };
        /** MadeDataConnections */
        MadeDataConnections: {
            /**
             * @description The first one's.
             * @example 1001
             */
            data_connection_id: string;
            data_connection_ids: string[];
        };
        /** MadePackage */
        MadePackage: {
            /** @example monday */
            package_name: string;
            /** @example 0123456789abcdef0123456789abcdef */
            release_package_id: string;
        };
        /** Member */
        Member: {
            display_user_name: string;
            domain_id: string;
            domain_name: string;
            domain_owner: boolean;
            id: string;
            roles: components["schemas"]["RoleItem"][];
            /** @description 0: a user. */
            type: number;
            /** @example 0123456789abcdef0123456789abcdef */
            user_id: string;
            user_name: string;
            workspace_id: string;
        };
        /** Members */
        Members: {
            count: number;
            data: components["schemas"]["Member"][];
            total_page: number;
        };
        /** Named */
        Named: {
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            name: string;
        };
        /** NamedInstance */
        NamedInstance: {
            /**
             * @description Id of a job.
             * @example 1001
             */
            job_id: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            plan_time: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submit_time: number;
        };
        /** NestedError */
        NestedError: {
            error_code: string;
            error_msg: string;
        };
        /** NewAccessKey */
        NewAccessKey: {
            access_key: string;
            secret_key: string;
        };
        /**
         * NewBaseline
         * @description `sla_hour` and `sla_min` with type DAY, `period` with type HOUR.
         */
        NewBaseline: {
            alarm_enable?: boolean;
            baseline_alarm_enable?: boolean;
            /** @description Milliseconds. */
            buffer?: number;
            enable?: boolean;
            event_alarm?: ("ERROR" | "SLOW_DOWN")[];
            event_smn_topics?: components["schemas"]["SmnTopic"][];
            /** @example morning */
            name: string;
            owner_name: string;
            period?: components["schemas"]["Period"][];
            priority?: number;
            sign_enable?: boolean;
            sla_hour?: number | string;
            sla_min?: number | string;
            /** @description Ids of the jobs that are promised. */
            sla_task_ids: string[];
            smn_topics?: components["schemas"]["SmnTopic"][];
            /** @enum {unknown} */
            type?: "DAY" | "HOUR";
        };
        /** NewBasicConfig */
        NewBasicConfig: {
            custom_fields?: Record<string, unknown>;
            execute_user?: string;
            /** @description Minutes. */
            instance_timeout?: number;
            owner?: string;
            priority?: number;
        };
        /** NewCondition */
        NewCondition: {
            expression: string;
            pre_node_name: string;
        };
        /** NewHook */
        NewHook: {
            authentication?: string;
            concurrent?: number;
            jobName: string;
            name?: string;
        };
        /**
         * NewJob
         * @description A job; unknown fields are kept as they are.
         */
        NewJob: {
            approvers?: components["schemas"]["Approver"][];
            basic_config?: components["schemas"]["NewBasicConfig"];
            directory?: string;
            log_path?: string;
            name: string;
            nodes: components["schemas"]["NewNode"][];
            /** @description As basic_config.owner, which counts. */
            owner?: string;
            params?: components["schemas"]["JobParam"][];
            /** @enum {unknown} */
            process_type: "BATCH" | "REAL_TIME";
            schedule: components["schemas"]["NewSchedule"];
            single_node_job_flag?: boolean;
            single_node_job_type?: string;
            /** @enum {unknown} */
            target_status?: "PRODUCTION" | "SAVED" | "SUBMITTED";
        };
        /** NewMembers */
        NewMembers: {
            roles_ids: components["schemas"]["RoleReference"][];
            user_ids: components["schemas"]["UserReference"][];
        };
        /** NewName */
        NewName: {
            name: string;
        };
        /** NewNode */
        NewNode: {
            conditions?: components["schemas"]["NewCondition"][];
            cron_trigger?: Record<string, unknown>;
            event_trigger?: Record<string, unknown>;
            /** @enum {unknown} */
            exec_time_out_retry?: "false" | "true";
            /** @enum {unknown} */
            fail_policy?: "FAIL" | "FAIL_CHILD" | "IGNORE" | "SUSPEND";
            location?: components["schemas"]["Location"];
            /** @description Minutes. */
            max_execution_time?: number;
            name: string;
            polling_interval?: number;
            pre_node_names?: string[];
            properties?: components["schemas"]["Property"][];
            /** @description Seconds. */
            retry_interval?: number;
            retry_times?: number;
            /** @example Dummy */
            type: string;
        };
        /** NewPackage */
        NewPackage: {
            /** @example 0123456789abcdef0123456789abcdef */
            apply_user_id: string;
            approver_ids: string[];
            /** @example monday */
            package_name: string;
            pending_item_list: string[];
        };
        /** NewPatch */
        NewPatch: {
            depend_jobs?: components["schemas"]["OtherJob"][];
            /** @example 2023-08-22T00:00:00 +08 */
            end_date: string;
            /** @enum {unknown} */
            force?: "false" | "true";
            is_day_granularity?: boolean;
            is_stop_when_fail?: boolean;
            job_name: string;
            /** @example P_myJob_20230821 */
            name: string;
            /** @example 1 */
            parallel: number;
            priority?: number;
            reverse_order?: number;
            /** @example 2023-08-21T00:00:00 +08 */
            start_date: string;
            supplement_data_instance_time?: components["schemas"]["InstanceTime"];
            supplement_data_run_time?: components["schemas"]["RunTime"];
        };
        /** NewRole */
        NewRole: {
            roles_ids: components["schemas"]["RoleReference"][];
        };
        /** NewSchedule */
        NewSchedule: {
            cron?: components["schemas"]["Cron"];
            event?: Record<string, unknown>;
            /** @enum {unknown} */
            type: "CRON" | "EVENT" | "EXECUTE_ONCE";
        };
        /** NewSecret */
        NewSecret: {
            secret: string;
        };
        /** NewToken */
        NewToken: {
            /** @default 90 */
            days?: number;
            groups: string[];
        };
        /** NewUser */
        NewUser: {
            /** @default false */
            administrator?: boolean;
            name: string;
            password?: string;
        };
        /** NewWorkspace */
        NewWorkspace: {
            bad_record_location_name?: string;
            description?: string;
            eps_id?: string;
            job_log_location_name?: string;
            /** @example sales */
            name: string;
            /**
             * @description Ours.
             * @example Europe/Berlin
             */
            time_zone?: string;
        };
        /** Node */
        Node: {
            conditions?: components["schemas"]["Condition"][];
            cronTrigger?: Record<string, unknown>;
            eventTrigger?: Record<string, unknown>;
            /** @enum {unknown} */
            execTimeOutRetry?: "false" | "true";
            /** @enum {unknown} */
            failPolicy?: "FAIL" | "FAIL_CHILD" | "IGNORE" | "SUSPEND";
            location?: components["schemas"]["Location"];
            /** @description Minutes. */
            maxExecutionTime?: number;
            name: string;
            pollingInterval?: number;
            preNodeName?: string[];
            properties?: components["schemas"]["Property"][];
            /** @description Ours, Shell and Python: retry only these, such as `1-5,137`; none: all. */
            retryExitCodes?: string;
            /** @description Seconds. */
            retryInterval?: number;
            retryTimes?: number;
            type: string;
        };
        /** NodeEvent */
        NodeEvent: {
            concurrent?: number;
            failPolicy?: string;
            intervalSeconds?: number;
        };
        /**
         * NodeItem
         * @description A node in the detail of an instance. `attempt`, `exitCode`, `errorMessage` and `outputRowCount` are ours.
         *
         *         So are `child…`: of Subjob and For Each the job that the node runs, how often it is to run (the rows), how often it
         *         has, and where those instances are listed.
         */
        NodeItem: {
            attempt: number;
            childFailed?: number;
            childJobName?: string;
            childrenPath?: string;
            childRunning?: number;
            childSucceeded?: number;
            childTotal?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            endTime?: number;
            errorMessage?: string;
            exitCode?: number;
            inputRowCount?: number;
            instanceId: number;
            logPath?: string;
            nodeName: string;
            outputRowCount?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            planTime: number;
            retryTimes: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            startTime?: number;
            status: string;
            type: string;
        };
        /** NodePreview */
        NodePreview: {
            /** @default null */
            output?: string | null;
            /** @default  */
            status?: string;
        };
        /** NodeRestore */
        NodeRestore: {
            concurrent?: number;
        };
        /** NodeTypeItem */
        NodeTypeItem: {
            aliases: string[];
            category: string;
            connections: string[];
            example: {
                [key: string]: unknown;
            };
            icon: string;
            name: string;
            properties: components["schemas"]["NodeTypeProperty"][];
            schema: {
                [key: string]: unknown;
            };
            summary: string;
            title: string;
        };
        /** NodeTypeList */
        NodeTypeList: {
            nodeTypes: components["schemas"]["NodeTypeItem"][];
        };
        /** NodeTypeProperty */
        NodeTypeProperty: {
            choices: string[];
            default?: string;
            help: string;
            name: string;
            required: boolean;
            scanned: boolean;
        };
        /**
         * NoticeAnswer
         * @description Times are epoch milliseconds. `tries`: how often sending was begun; `error`: why the last try failed.
         */
        NoticeAnswer: {
            error?: string;
            event: string;
            id: number;
            instanceId?: number;
            jobName?: string;
            nextTry?: number;
            rule?: string;
            settled?: number;
            state: string;
            text: string;
            time: number;
            topic: string;
            tries: number;
        };
        /** Notices */
        Notices: {
            alerts: components["schemas"]["NoticeAnswer"][];
            total: number;
        };
        /** ObjectList */
        ObjectList: {
            bucket: string;
            nextMarker?: string;
            objects: components["schemas"]["StoredObject"][];
            prefix: string;
            truncated: boolean;
        };
        /**
         * Order
         * @description A DataArts instance.
         */
        Order: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            create_time?: number;
            create_user?: string;
            /** @example 0123456789abcdef0123456789abcdef */
            domain_id: string;
            /** @example 0123456789abcdef0123456789abcdef */
            project_id: string;
            /** @example eu-de */
            region_id: string;
            /**
             * @description The instance's id.
             * @example 0123456789abcdef0123456789abcdef
             */
            resource_id: string;
            /** @example arkwright */
            resource_name: string;
            /** @example simple */
            work_space_mode: string;
        };
        /** Orders */
        Orders: {
            billing_check: boolean;
            commodity_orders: components["schemas"]["Order"][];
            count: number;
        };
        /** OtherJob */
        OtherJob: {
            job_name: string;
            workspace_id?: string;
        };
        /** Outcome */
        Outcome: {
            is_success: boolean;
            message: string;
        };
        /**
         * Overview
         * @description Instances by state. Forced successes and those with ignored failures are counted once, under their own name.
         */
        Overview: {
            fail_count: number;
            force_success_count: number;
            freeze_count: number;
            ignore_success_count: number;
            manual_stop_count: number;
            pause_count: number;
            running_count: number;
            running_exception_count: number;
            skip_count: number;
            success_count: number;
            total_count: number;
            waiting_confirm_count: number;
            waiting_count: number;
        };
        /** OwnToken */
        OwnToken: {
            /** @default false */
            current?: boolean;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            expireTime: number;
            id: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            issueTime: number;
            project_id?: string;
        };
        /** OwnTokens */
        OwnTokens: {
            tokens: components["schemas"]["OwnToken"][];
        };
        /** Package */
        Package: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            apply_timestamp: number;
            apply_user_id: string;
            apply_user_name: string;
            asy_task_id?: string;
            delete_flag: number;
            /** @description 1 pending, 2 success, 3 failed, 5 running. */
            deploy_status: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            deploy_timestamp?: number;
            deploy_user_id?: string;
            deploy_user_name?: string;
            package_approvers: components["schemas"]["PackageApprover"][];
            /** @example 0123456789abcdef0123456789abcdef */
            package_id: string;
            /** @example monday */
            package_name: string;
            project_id: string;
            workspace_id: string;
        };
        /** PackageApprover */
        PackageApprover: {
            user_id: string;
            user_name: string;
        };
        /** PackageDetail */
        PackageDetail: {
            release_package: components["schemas"]["Package"];
            task_details: components["schemas"]["PackageItem"][];
        };
        /** PackageFilter */
        PackageFilter: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            apply_begin_time?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            apply_end_time?: number;
            apply_user_name?: string;
            apply_user_name_filter?: string[];
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            deploy_begin_time?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            deploy_end_time?: number;
            deploy_status_filter?: number[];
            deploy_user_name?: string;
            deploy_user_name_filter?: string[];
            key_word?: string;
            limit?: number;
            offset?: number;
            /** @enum {unknown} */
            order_column?: "apply_timestamp" | "deploy_timestamp" | "package_name";
            sorted_direction?: string;
        };
        /** PackageIds */
        PackageIds: {
            package_ids: string[];
        };
        /** PackageItem */
        PackageItem: {
            /** @description 1 pending, 2 success, 3 failed, 5 running. */
            deploy_status: number;
            deployed_version?: number | string | null;
            item_name?: string;
            /** @description 1: it is in a package. */
            package_flag: number;
            /** @example 0123456789abcdef0123456789abcdef */
            pending_item_id: string;
            pending_version?: number | string | null;
            project_id: string;
            /** @description 2 started, 3 not started. */
            start_job_status?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submit_timestamp?: number;
            submit_user_name?: string;
            task_id?: string | number;
            /** @description 1 job, 2 script, 3 resource. */
            task_type?: number;
            /** @description 1 added, 2 changed, 3 deleted. */
            update_type?: number;
        };
        /** PackageList */
        PackageList: {
            data: components["schemas"]["Package"][];
            total: number;
        };
        /** Password */
        Password: {
            password?: string;
        };
        /** Patch */
        Patch: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            end_date: number;
            /**
             * @example [
             *       "myJob"
             *     ]
             */
            job_list: string[];
            /** @example P_myJob_20230821 */
            name: string;
            parallel: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            start_date: number;
            /** @example WAITING */
            status: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submitted_date: number;
            supplement_data_instance_time?: components["schemas"]["InstanceTime"];
            supplement_data_run_time?: components["schemas"]["RunTime"];
            type: number;
            user_name: string;
        };
        /** PatchList */
        PatchList: {
            msg: string;
            rows: components["schemas"]["Patch"][];
            success: boolean;
            total: number;
        };
        /** PendingItem */
        PendingItem: {
            deployed_version?: number | string | null;
            item_name?: string;
            /** @description 1: it is in a package. */
            package_flag: number;
            /** @example 0123456789abcdef0123456789abcdef */
            pending_item_id: string;
            pending_version?: number | string | null;
            project_id: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submit_timestamp?: number;
            submit_user_name?: string;
            task_id?: string | number;
            /** @description 1 job, 2 script, 3 resource. */
            task_type?: number;
            /** @description 1 added, 2 changed, 3 deleted. */
            update_type?: number;
        };
        /** PendingItems */
        PendingItems: {
            data: components["schemas"]["PendingItem"][];
            total: number;
        };
        /** Period */
        Period: {
            period_num: number;
            /** @example 00:59 */
            period_time: string;
        };
        /** Point */
        Point: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            record_time: number;
            task_completion_num: number;
        };
        /** Preview */
        Preview: {
            steps?: components["schemas"]["PreviewStep"][];
            type: string;
            value: string;
        };
        /** PreviewRequest */
        PreviewRequest: {
            /** @default {} */
            env?: {
                [key: string]: string;
            };
            /** @default null */
            instanceId?: number | null;
            /** @default  */
            jobName?: string;
            /** @default null */
            loop?: components["schemas"]["LoopPreview"] | null;
            /** @default {} */
            nodes?: {
                [key: string]: components["schemas"]["NodePreview"];
            };
            /** @default {} */
            params?: {
                [key: string]: string;
            };
            /** @default null */
            planTime?: number | null;
            text: string;
            /** @default  */
            timeZone?: string;
            /** @default false */
            trace?: boolean;
        };
        /**
         * PreviewStep
         * @description One evaluated part of the text.
         */
        PreviewStep: {
            expression: string;
            position: number;
            type: string;
            value: string;
        };
        /**
         * ProgramSettings
         * @description What a program of the workspace on the server's host may take; never more than the server's settings allow.
         *         `memoryMb`: all its processes together; `processes`: how many; `openFiles`: of each; `seconds`: how long.
         */
        ProgramSettings: {
            memoryMb?: number;
            openFiles?: number;
            processes?: number;
            seconds?: number;
        };
        /** Project */
        Project: {
            description: string;
            domain_id: string;
            enabled: boolean;
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            is_domain: boolean;
            links: components["schemas"]["SelfLink"];
            name: string;
            parent_id: string;
        };
        /** Projects */
        Projects: {
            links: components["schemas"]["ListLinks"];
            projects: components["schemas"]["Project"][];
        };
        /** ProjectScope */
        ProjectScope: {
            domain?: components["schemas"]["Reference"];
            /** @example 0123456789abcdef0123456789abcdef */
            id?: string;
            /** @example arkwright */
            name?: string;
        };
        /** Property */
        Property: {
            name: string;
            value: string;
        };
        Queries: {
            createToken: {
                nocatalog?: string;
            };
            keystoneListProjects: {
                name?: string;
            };
            listAlerts: {
                from?: number;
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                /** @enum {string} */
                state?: "pending" | "sent" | "dead" | "dropped";
                to?: number;
            };
            listAudit: {
                from?: number;
                installation?: boolean;
                /** @default 100 */
                limit?: number;
                marker?: string;
                object?: string;
                operation?: string;
                outcome?: string;
                to?: number;
                user?: string;
            };
            listColumns: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listConnections: {
                connectionName?: string;
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listDataArtsStudioInstances: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listDatabases: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listDataconnections: {
                ip?: string;
                /** @default 10 */
                limit?: number;
                name?: string;
                /** @default 0 */
                offset?: number;
                type?: string;
            };
            listDataTables: {
                database_name?: string;
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                table_name?: string;
            };
            listFactoryAlarmInfo: {
                end_time?: number;
                /** @default 100 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                start_time?: number;
            };
            listFactoryAlarmRules: {
                ding_name?: string;
                /** @default 10 */
                limit?: number;
                name?: string;
                /** @default 0 */
                offset?: number;
                remind_type?: number;
            };
            listFactoryJobInstancesByName: {
                force_success?: boolean;
                ignore_success?: boolean;
                instance_type?: string;
                /** @default 10 */
                limit?: number;
                max_plan_time?: number;
                min_plan_time?: number;
                /** @default 0 */
                offset?: number;
                status?: string;
            };
            listFactoryJobs: {
                connection_name?: string;
                job_id?: string;
                job_name?: string;
                /** @enum {string} */
                job_type?: "BATCH" | "REAL_TIME";
                /** @default 10 */
                limit?: number;
                match_all_tags?: boolean;
                need_alarms?: boolean;
                /** @default 0 */
                offset?: number;
                sink_name?: string;
                sink_type?: string;
                source_name?: string;
                source_type?: string;
                status?: string;
                tags?: string;
            };
            listFactoryPendingItems: {
                end_time?: number;
                item_name?: string;
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                start_time?: number;
                submit_user_name?: string;
                task_type?: string;
                update_type?: string;
            };
            listFactoryScripts: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                script_name?: string;
            };
            listFactorySearchBaselineInstances: {
                baseline_name?: string;
                end_time?: number;
                finish_status?: string;
                /** @default 10 */
                limit?: number;
                /** @default 1 */
                offset?: number;
                order_by?: string;
                owner_name?: string;
                priority?: number;
                start_time?: number;
                /** @enum {string} */
                status?: "ERROR" | "SAFE" | "DANGEROUS" | "OVER";
                /** @enum {string} */
                type?: "DAY" | "HOUR";
            };
            listFactoryTaskCompletion: {
                /** @default all */
                type?: string;
            };
            listFactoryTaskOverview: {
                is_own?: boolean;
                /**
                 * @default today
                 * @enum {string}
                 */
                query_days?: "today" | "yesterday" | "before_yesterday" | "all";
            };
            listFactoryWorkspacesApproval: {
                apply_id?: string;
                approver_name?: string;
                begin_time?: number;
                create_user?: string;
                end_time?: number;
                /** @default 10 */
                limit?: number;
                object_name?: string;
                /** @enum {string} */
                object_type?: "JOB" | "SCRIPT";
                /** @default 0 */
                offset?: number;
                /** @enum {string} */
                status?: "DEVELOPING" | "APPROVED" | "REJECT";
                /**
                 * @default APPLY
                 * @enum {string}
                 */
                type?: "DEVELOPING" | "FINISHED" | "APPLY";
            };
            listHooks: {
                jobName?: string;
            };
            listInstanceChildren: {
                attempt?: number;
                /** @default 10 */
                limit?: number;
                nodeName?: string;
                /** @default 0 */
                offset?: number;
                status?: string;
            };
            listJobInstances: {
                instanceType?: string;
                jobName?: string;
                /** @default 10 */
                limit?: number;
                maxPlanTime?: number;
                minPlanTime?: number;
                /** @default 0 */
                offset?: number;
                preciseQuery?: boolean;
                status?: string;
            };
            listJobs: {
                directory?: string;
                jobName?: string;
                /**
                 * @default BATCH
                 * @enum {string}
                 */
                jobType?: "BATCH" | "REAL_TIME";
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                tags?: string;
            };
            listJobVersions: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listManagerWorkSpaces: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listObjects: {
                /** @default 1000 */
                limit?: number;
                marker?: string;
                prefix?: string;
            };
            listResources: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                resourceName?: string;
            };
            listSchemas: {
                database_name?: string;
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listScriptRuns: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listScripts: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                scriptName?: string;
            };
            listScriptVersions: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listSearchFactoryBaselines: {
                enable?: boolean;
                /** @default 10 */
                limit?: number;
                name?: string;
                /** @default 1 */
                offset?: number;
                order_by?: string;
                owner_name?: string;
                priority?: number;
            };
            listSearchFactoryEvents: {
                end_time?: number;
                /** @default 10 */
                limit?: number;
                name?: string;
                /** @default 1 */
                offset?: number;
                order_by?: string;
                owner_name?: string;
                start_time?: number;
                /** @enum {string} */
                status?: "NEW_DISCOVERY" | "PROCESSING" | "RESTORED" | "IGNORED";
                task_name?: string;
                /** @enum {string} */
                type?: "ERROR" | "SLOW_DOWN";
            };
            listTaskTableReferenceDetail: {
                cluster_name?: string;
                data_base_name?: string;
                /** @enum {string} */
                db_type?: "DLI" | "HIVE" | "SPARK";
                execute_user?: string;
                io_type?: number;
                /** @default 20 */
                limit?: number;
                /** @default 0 */
                offset?: number;
                owner?: string;
                /** @example orders */
                table_name?: string;
                workspace_name?: string;
            };
            listWorkspacesForUser: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            listWorkspaceusers: {
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                offset?: number;
            };
            runFactoryJob: {
                /** @example /layer1/layer2 */
                job_path?: string;
                /** @example 30 */
                wait?: string;
            };
            runOnce: {
                /** @example /layer1/layer2 */
                job_path?: string;
                /** @example 30 */
                wait?: string;
            };
            showAttemptInput: {
                epoch?: number;
                runner?: string;
            };
            showAttemptLogEnd: {
                epoch?: number;
                runner?: string;
            };
            showDirectoryTree: {
                /**
                 * @default job
                 * @enum {string}
                 */
                category?: "job" | "script";
                directory_id?: string;
                limit?: number;
                name?: string;
                /** @default 0 */
                offset?: number;
            };
            showFactoryDependInstances: {
                /** @default 1 */
                depth?: number;
                latest?: boolean;
                /**
                 * @default both
                 * @enum {string}
                 */
                relation?: "parent" | "child" | "both";
            };
            showFactoryFullText: {
                begin_time?: number;
                doc_types?: string;
                end_time?: number;
                /** @enum {string} */
                exact_field?: "jobName" | "scriptName" | "jobId" | "scriptId";
                if_query_parameters?: boolean;
                is_exact?: boolean;
                job_type?: string;
                /** @default 10 */
                limit?: number;
                /** @default 0 */
                match_type?: number;
                /**
                 * @default save
                 * @enum {string}
                 */
                new_save_or_commit?: "save" | "commit";
                node_type?: string;
                /** @default 0 */
                offset?: number;
                owners?: string;
                /** @enum {string} */
                schedule_state?: "running" | "stop";
                script_type?: string;
                /** @example select */
                search_text?: string;
                workspace_id?: string;
            };
            showFactoryJobDependInstances: {
                /**
                 * @default both
                 * @enum {string}
                 */
                relation?: "parent" | "child" | "both";
            };
            showFactorySupplementData: {
                end_date?: number;
                name?: string;
                /** @default 0 */
                page?: number;
                /** @default 10 */
                size?: number;
                /**
                 * @default desc
                 * @enum {string}
                 */
                sort?: "desc" | "asc";
                start_date?: number;
                status?: string;
                user_name?: string;
            };
            showJob: {
                dependencies?: boolean;
                getJobSubmitVersion?: boolean;
                version?: number;
            };
            showJobInstanceHistory: {
                /** @default 0 */
                after?: number;
                /** @default 1000 */
                limit?: number;
            };
            showNodeLog: {
                attempt?: number;
            };
            showScript: {
                version?: number;
            };
            updateConnection: {
                ischeck?: boolean;
            };
            writeAttemptLog: {
                cut?: boolean;
                epoch?: number;
                /** @default 0 */
                offset?: number;
                runner?: string;
            };
            writeAttemptOutput: {
                epoch?: number;
                runner?: string;
            };
        };
        /**
         * QuotaSettings
         * @description What the workspace may have on one server at a time; what is not set is not bounded.
         */
        QuotaSettings: {
            processes?: number;
            storageBytes?: number;
            waitingInstances?: number;
        };
        /** Readiness */
        Readiness: {
            /** @default [] */
            reasons?: string[];
            /** @enum {unknown} */
            status: "not ready" | "ready";
            /** @default [] */
            warnings?: string[];
        };
        /** RealTimeJob */
        RealTimeJob: {
            is_success: boolean;
            job_id: string;
            message: string;
            startup_timestamp?: string;
            state: string;
            task_details: components["schemas"]["RealTimeTask"][];
        };
        /** RealTimeNode */
        RealTimeNode: {
            jobInstanceId?: number;
            lastInstanceStatus?: string;
            logPath?: string;
            name: string;
            nodeType: string;
            status: string;
            type: string;
        };
        /**
         * RealTimeStatus
         * @description `starttime` is `startTime` again, as the official clients spell it.
         */
        RealTimeStatus: {
            createUser: string;
            endTime?: number;
            lastModifiyUser: string;
            lastUpdateTime: number;
            name: string;
            nodes: components["schemas"]["RealTimeNode"][];
            starttime?: number;
            startTime?: number;
            status: string;
        };
        /** RealTimeTask */
        RealTimeTask: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            create_time: number;
            error_msg?: string;
            running_status?: string;
            source_type?: string;
            state: string;
            target_type?: string;
            task_id: string;
            task_name: string;
            task_type: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            update_time: number;
        };
        /**
         * Reference
         * @description By name or by id.
         */
        Reference: {
            /** @example 0123456789abcdef0123456789abcdef */
            id?: string;
            /** @example arkwright */
            name?: string;
        };
        /** RelatedInstance */
        RelatedInstance: {
            directory_path: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            end_time?: number;
            force_success: boolean;
            /**
             * @description Id of an instance.
             * @example 132343
             */
            id: number;
            ignore_success: boolean;
            /**
             * @description Id of a job.
             * @example 1001
             */
            job_id: number;
            job_name: string;
            parent_instance_ids: number[];
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            plan_time: number;
            /** @description Milliseconds. */
            running_time?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            start_time?: number;
            status: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submit_time: number;
            version: number;
            workspace_id: string;
            workspace_name: string;
        };
        /** RelatedInstances */
        RelatedInstances: {
            depend_instances_info: components["schemas"]["RelatedInstance"][];
            total: number;
        };
        /** RelatedJob */
        RelatedJob: {
            /**
             * @description `parent` or `child`.
             * @example parent
             */
            depend_layer: string;
            job_name: string;
            job_path: string;
            owner: string;
            workspace_name: string;
        };
        /**
         * Relation
         * @description A job that uses the resource, as it is being developed.
         */
        Relation: {
            deleted: boolean;
            relationId: string;
            relationType: string;
            taskId: number;
            taskName: string;
            userName: string;
            version: number;
        };
        /** Renewal */
        Renewal: {
            /** @default false */
            draining?: boolean;
            held: components["schemas"]["Held"][];
            runner: string;
            slots: number;
        };
        /** Renewed */
        Renewed: {
            attempts: string[];
        };
        /** ReplacedResource */
        ReplacedResource: {
            name: string;
            replace: string;
            type: string;
        };
        /** Report */
        Report: {
            epoch: number;
            /** @default  */
            learned?: string;
            /** @default [] */
            log?: components["schemas"]["LogPiece"][];
            outcome: components["schemas"]["Succeeded"] | components["schemas"]["Failed"];
            /** @default {} */
            outputs?: {
                [key: string]: string;
            };
            runner: string;
        };
        /**
         * Rerun
         * @description Either `task_retrys`, or `begin_time` and `end_time`.
         */
        Rerun: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            begin_time?: number;
            concurrent?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            end_time?: number;
            ignore_obs_monitor?: boolean;
            jobs?: components["schemas"]["OtherJob"][];
            /** @description With specifiedNode. */
            node_name?: string;
            /** @enum {unknown} */
            retry_location: "errorNode" | "error_node" | "firstNode" | "first_node" | "specifiedNode" | "specified_node";
            /** @enum {unknown} */
            retry_task_version: "current_version" | "latest_version" | "original_version";
            task_retrys?: components["schemas"]["NamedInstance"][];
        };
        /** Resource */
        Resource: {
            dependFiles?: string[];
            dependPackages?: components["schemas"]["DependPackage"][];
            desc?: string;
            directory?: string;
            location: string;
            name: string;
            type: string;
        };
        /** ResourceId */
        ResourceId: {
            resourceId: string;
        };
        /** ResourceList */
        ResourceList: {
            resources: components["schemas"]["SavedResource"][];
            total: number;
        };
        /** Restart */
        Restart: {
            ignore_obs_monitor?: boolean;
            /** @enum {unknown} */
            job_param_version?: "latest_version" | "original_version";
            node_name?: string;
            /** @enum {unknown} */
            retry_location?: "error_node" | "first_node" | "specified_node";
        };
        /**
         * RetentionSettings
         * @description `jobs`: other numbers for single jobs, by name.
         */
        RetentionSettings: {
            instanceDays?: number;
            jobs?: {
                [key: string]: components["schemas"]["KeepSettings"];
            };
            logDays?: number;
        };
        /** RoleChange */
        RoleChange: {
            role: string | null;
            workspace_id?: string;
        };
        /** RoleItem */
        RoleItem: {
            description: string;
            /**
             * @example developer
             * @enum {unknown}
             */
            role_code: "admin" | "deployer" | "developer" | "operator" | "viewer";
            /**
             * @example developer
             * @enum {unknown}
             */
            role_id: "admin" | "deployer" | "developer" | "operator" | "viewer";
            /**
             * @example developer
             * @enum {unknown}
             */
            role_name: "admin" | "deployer" | "developer" | "operator" | "viewer";
        };
        /** RoleReference */
        RoleReference: {
            /**
             * @example developer
             * @enum {unknown}
             */
            role_id: "admin" | "deployer" | "developer" | "operator" | "viewer";
        };
        /** Rotation */
        Rotation: {
            keepSeconds?: number;
        };
        /** RotationAnswer */
        RotationAnswer: {
            key: string;
            under_way: boolean;
        };
        /** RotationRequest */
        RotationRequest: {
            /** @default false */
            keys_copied?: boolean;
        };
        /**
         * Rule
         * @description `remind_type`: 0 success, 1 failure, 3 or 12 not finished, 13 canceled, 14 recovered, 100 the scheduler is
         *         behind. Without `name` and `node_name_list` it is for all jobs. `complete_time` (HH:mm): by when a daily job must
         *         have succeeded. `max_send_times`, `send_interval` (minutes): how often a lasting failure is told.
         */
        Rule: {
            complete_time?: string;
            enable_persistent_alarm?: boolean;
            enable_recovery?: boolean;
            max_send_times?: number;
            name?: string;
            node_id_list?: number[];
            node_name_list?: string[];
            remind_type: number;
            rule_name?: string;
            send_interval?: number;
            topic_name: string;
            use_flag?: number;
        };
        /** RuleAnswer */
        RuleAnswer: {
            complete_time?: string;
            create_time: number;
            create_user: string;
            enable_persistent_alarm?: boolean;
            enable_recovery?: boolean;
            id: number;
            max_send_times?: number;
            name?: string;
            node_id_list?: number[];
            node_name_list?: string[];
            remind_type: number;
            rule_name?: string;
            send_interval?: number;
            topic_name: string;
            urn: string;
            use_flag?: number;
        };
        /** Rules */
        Rules: {
            rules: components["schemas"]["RuleAnswer"][];
            total: number;
        };
        /** Run */
        Run: {
            job_path?: string;
            jobParams?: components["schemas"]["RunParam"][] | null;
            /** @enum {unknown} */
            useExecutionUser?: "false";
        };
        /** RunAnswer */
        RunAnswer: {
            instanceId: number;
            status?: string;
        };
        /** RunParam */
        RunParam: {
            name: string;
            /** @enum {unknown} */
            paramType?: "constants" | "variable";
            /** @enum {unknown} */
            type?: "constants" | "variable";
            value: string;
        };
        /** RunTime */
        RunTime: {
            /** @example 1,15 */
            day_of_month?: string;
            /** @example 1,3 */
            day_of_week?: string;
            /** @example 10:15-23:30 */
            time_of_day?: string;
        };
        /**
         * SavedJob
         * @description A job as it is answered, with everything that was sent.
         */
        SavedJob: {
            approvers?: components["schemas"]["Approver"][];
            basicConfig?: components["schemas"]["BasicConfig"];
            cleanOverdueDays?: number;
            cleanWaitingJob?: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            createTime: number;
            createUser: string;
            description?: string;
            directory?: string;
            downstreamJobs?: components["schemas"]["DownstreamJob"][];
            /** @enum {unknown} */
            emptyRunningJob?: "0" | "1";
            id: number;
            lastUpdateUser?: string;
            logPath?: string;
            name: string;
            nodes: components["schemas"]["Node"][];
            params?: components["schemas"]["JobParam"][];
            /** @enum {unknown} */
            processType: "BATCH" | "REAL_TIME";
            schedule: components["schemas"]["Schedule"];
            singleNodeJobFlag?: boolean;
            singleNodeJobType?: string;
            /** @enum {unknown} */
            targetStatus?: "PRODUCTION" | "SAVED" | "SUBMITTED";
            version: number;
            /** @description Ours: what this version is about. */
            versionComment?: string;
        };
        /**
         * SavedResource
         * @description `resourceId` is `id` again: the name that Terraform's provider reads.
         */
        SavedResource: {
            dependFiles?: string[];
            dependPackages?: components["schemas"]["DependPackage"][];
            desc?: string;
            directory?: string;
            id: string;
            /** @default [] */
            jobRelation?: components["schemas"]["Relation"][];
            location: string;
            name: string;
            resourceId: string;
            type: string;
        };
        /**
         * SavedScript
         * @description A script as it is answered, with everything that was sent.
         */
        SavedScript: {
            approvers?: components["schemas"]["Approver"][];
            autoAcquireLock: boolean;
            configuration?: Record<string, unknown>;
            connectionName?: string;
            content: string;
            createUser: string;
            database?: string;
            description?: string;
            directory?: string;
            id: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            modifyTime: number;
            name: string;
            owner: string;
            queueName?: string;
            /** @enum {unknown} */
            targetStatus?: "PRODUCTION" | "SAVED" | "SUBMITTED";
            type: string;
            version: number;
        };
        /** Schedule */
        Schedule: {
            cron?: Record<string, unknown>;
            event?: Record<string, unknown>;
            /** @enum {unknown} */
            type: "CRON" | "EVENT" | "EVENT_TRIGGER" | "EXECUTE_ONCE" | "RUN_ONCE" | "SCHEDULE";
        };
        /** SchedulePreview */
        SchedulePreview: {
            fireTimes: number[];
        };
        /**
         * SchedulePreviewRequest
         * @description Either `cron` (as a job's schedule has it) or `jobName`. `after`: epoch milliseconds; only later times.
         */
        SchedulePreviewRequest: {
            after?: number;
            /** @default 10 */
            count?: number;
            cron?: Record<string, unknown>;
            jobName?: string;
        };
        /** SchedulerState */
        SchedulerState: {
            catchUp?: components["schemas"]["CatchUp"];
            leakedSlots: number;
            plansHere: boolean;
            slots: components["schemas"]["Slots"][];
        };
        /**
         * SchedulingSettings
         * @description `dependencyPolicy`: which instances of another job are waited for (NATURAL). `catchUp`: what becomes of plan
         *         times that were missed while the server was down (ALL), unless the job says it. `waitingDays`: after how many days
         *         waiting instances are cancelled (60; 0: never). `instancesPerJob`: how many instances of a job run at once (5),
         *         unless the job says it. `nodeLimit`: how many nodes of the workspace run at once; not set or 0: any number.
         *         `dependents`: jobs of which other workspaces may depend on this one's: ALL, NONE, or a list of ids of workspaces.
         */
        SchedulingSettings: {
            /** @enum {unknown} */
            catchUp?: "ALL" | "LATEST" | "NONE";
            /** @enum {unknown} */
            dependencyPolicy?: "NATURAL" | "TRADITIONAL";
            dependents?: string | string[];
            instancesPerJob?: number;
            nodeLimit?: number;
            waitingDays?: number;
        };
        /** Schema */
        Schema: {
            description: string;
            schema_name: string;
        };
        /** Schemas */
        Schemas: {
            database: string;
            dw_id: string;
            schemas: components["schemas"]["Schema"][];
            total_count: number;
        };
        /** Scope */
        Scope: {
            domain?: components["schemas"]["Reference"];
            project?: components["schemas"]["ProjectScope"];
        };
        /** Script */
        Script: {
            approvers?: components["schemas"]["Approver"][];
            configuration?: Record<string, unknown>;
            connectionName?: string;
            content: string;
            database?: string;
            description?: string;
            directory?: string;
            name: string;
            queueName?: string;
            /** @enum {unknown} */
            targetStatus?: "PRODUCTION" | "SAVED" | "SUBMITTED";
            type: string;
        };
        /**
         * ScriptItem
         * @description A script in the list of scripts, with everything that was saved in it.
         */
        ScriptItem: {
            configuration?: Record<string, unknown> | null;
            connection_name?: string | null;
            content: string;
            create_user: string;
            database?: string | null;
            description?: string | null;
            directory?: string;
            id: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            modify_time: number;
            name: string;
            owner: string;
            queue_name?: string | null;
            type: string;
            version: number;
        };
        /** ScriptList */
        ScriptList: {
            scripts: components["schemas"]["SavedScript"][];
            total: number;
        };
        /**
         * ScriptResult
         * @description `rawResult` is the text that a program wrote; only SQL has rows.
         */
        ScriptResult: {
            duration?: number;
            inputRowCount?: number;
            message: string;
            rawResult?: string;
            resultCount?: number;
            rowCount: number;
            rows: unknown[][];
            schema: {
                [key: string]: string;
            }[];
        };
        /**
         * ScriptResults
         * @description `result` is `results` again: the name the older official client knows.
         */
        ScriptResults: {
            message: string;
            result: components["schemas"]["ScriptResult"][];
            results: components["schemas"]["ScriptResult"][];
            /** @enum {unknown} */
            status: "FAILED" | "FINISHED" | "LAUNCHING" | "RUNNING";
        };
        /** ScriptRun */
        ScriptRun: {
            endTime: number | null;
            instanceId: string;
            params: {
                [key: string]: string;
            };
            startTime: number | null;
            status: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submitTime: number;
        };
        /** ScriptRuns */
        ScriptRuns: {
            instances: components["schemas"]["ScriptRun"][];
            total: number;
        };
        /** SealingKey */
        SealingKey: {
            id: string;
            in_unended_instances: number;
            seals: boolean;
            values: number;
        };
        /** SecretsStatus */
        SecretsStatus: {
            keys: components["schemas"]["SealingKey"][];
            under_way: boolean;
            unreadable: number;
        };
        /** SelfLink */
        SelfLink: {
            self: string;
        };
        /** ServerItem */
        ServerItem: {
            answering: boolean;
            daskSchedulers: components["schemas"]["DaskSchedulerItem"][];
            instances: number;
            leaseSeconds: number | null;
            name: string;
            roles: string[];
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            since: number;
            state: string;
            url: string;
            version: string;
        };
        /** ServerList */
        ServerList: {
            count: number;
            servers: components["schemas"]["ServerItem"][];
        };
        /** ServerSetting */
        ServerSetting: {
            help: string;
            name: string;
            source: string;
            value: string;
            variable: string;
        };
        /** ServerSettings */
        ServerSettings: {
            settings: components["schemas"]["ServerSetting"][];
        };
        /** Session */
        Session: {
            administrator: boolean;
            projectId: string;
            projects: {
                [key: string]: string;
            }[];
            userId: string;
            userName: string;
            workspaces: components["schemas"]["SessionWorkspace"][];
        };
        /** SessionWorkspace */
        SessionWorkspace: {
            id: string;
            name: string;
            role: string;
            timeZone: string;
        };
        /**
         * Shadow
         * @description How the plan compares with the history of another installation.
         */
        Shadow: {
            extra: Record<string, unknown>[];
            matched: number;
            missing: Record<string, unknown>[];
            parameters: Record<string, unknown>[];
            unknown: string[];
        };
        /**
         * SimulatedInstance
         * @description A planned instance, and what would become of it. Times are epoch milliseconds.
         */
        SimulatedInstance: {
            /** @default false */
            dryRun?: boolean;
            /** @default null */
            endTime?: number | null;
            job: string;
            /** @default  */
            message?: string;
            planTime: number;
            /** @default null */
            startTime?: number | null;
            status: string;
            /** @default [] */
            waitedFor?: string[];
            /** @default [] */
            windows?: string[];
            workspaceId: string;
        };
        /**
         * SimulationAnswer
         * @description `total` counts all instances, also those beyond the limit.
         */
        SimulationAnswer: {
            conflicts: components["schemas"]["Conflict"][];
            diff?: components["schemas"]["Difference"][];
            diffTotal?: number;
            instances: components["schemas"]["SimulatedInstance"][];
            jobs: components["schemas"]["JobSummary"][];
            shadow?: components["schemas"]["Shadow"];
            total: number;
        };
        /**
         * SimulationRequest
         * @description `from` and `to`: epoch milliseconds or ISO times with an offset, at most a year apart. `durations`: seconds per
         *         job. `history`: objects with `jobName` and `planTime`, and `params` to compare.
         */
        SimulationRequest: {
            /** @default 60 */
            defaultDuration?: number;
            /** @default [] */
            documents?: Record<string, unknown>[];
            /** @default {} */
            durations?: {
                [key: string]: number;
            };
            /** @default [] */
            failing?: string[];
            from: number | string;
            /** @default [] */
            history?: Record<string, unknown>[];
            /** @default [] */
            jobs?: string[];
            /** @default 1000 */
            limit?: number;
            /** @default false */
            only?: boolean;
            to: number | string;
        };
        /**
         * Slots
         * @description Nodes of a task group (empty: of none, in a workspace with a limit) that hold a slot, and that wait for one.
         */
        Slots: {
            held: number;
            taskGroup: string;
            waiting: number;
        };
        /** SmnTopic */
        SmnTopic: {
            max_send_times?: number;
            name?: string;
            /** @description Minutes. */
            send_interval?: number;
        };
        /** Start */
        Start: {
            ignore_first_self_dep?: boolean;
            jobParams?: components["schemas"]["StartParam"][];
            /**
             * @description A day.
             * @example 20241030
             */
            start_date?: number;
        };
        /** StartParam */
        StartParam: {
            name: string;
            /** @enum {unknown} */
            paramType?: "constants" | "variable";
            /** @enum {unknown} */
            type?: "constants" | "variable";
            value: string;
        };
        /** StoredObject */
        StoredObject: {
            etag: string;
            key: string;
            /** @description Epoch milliseconds. */
            lastModified: number;
            size: number;
        };
        /** Subtask */
        Subtask: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            endTime?: number;
            id: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            lastUpdate: number;
            message: string;
            name: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            startTime: number;
            /** @enum {unknown} */
            status: "FAILED" | "RUNNING" | "SUCCESSFUL" | "WARNING";
            taskId: string;
        };
        /**
         * Succeeded
         * @description The work is done.
         *
         *         `output` refers to the text that `Job.getNodeOutput` answers, not the text itself: a node names a file in its
         *         attempt's folder, the engine makes it a path relative to the runs folder. None: the node has no output, and
         *         `getNodeOutput` answers null.
         */
        Succeeded: {
            /** @default null */
            input_row_count?: number | null;
            /** @enum {unknown} */
            kind_: "Succeeded";
            /** @default null */
            message?: string | null;
            /** @default null */
            output?: string | null;
            /** @default null */
            output_row_count?: number | null;
        };
        /**
         * SystemTask
         * @description `subTasks` is `subtasks` again: the name the older official client knows.
         */
        SystemTask: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            endTime?: number;
            id: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            lastUpdate: number;
            message: string;
            name: string;
            projectId: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            startTime: number;
            /** @enum {unknown} */
            status: "FAILED" | "RUNNING" | "SUCCESSFUL" | "WARNING";
            subtasks: components["schemas"]["Subtask"][];
            subTasks: components["schemas"]["Subtask"][];
        };
        /** Table */
        Table: {
            database_name: string;
            description: string;
            dw_id: string;
            dw_name: string;
            dw_type: string;
            partitioned: boolean;
            project_id: string;
            schema_name: string;
            table_id: string;
            table_name: string;
        };
        /** TableReference */
        TableReference: {
            cluster_name: string;
            data_base: string;
            /** @example DLI */
            db_type: string;
            execute_user: string;
            /** @description 0 reads, 1 writes. */
            io_type: number;
            is_dynamic: boolean;
            /**
             * @description Id of a job.
             * @example 1001
             */
            job_id: number;
            job_name: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            last_submit_time: number;
            owner: string;
            /** @example orders */
            table_name: string;
            workspace_id: string;
            workspace_name: string;
        };
        /** TableReferences */
        TableReferences: {
            task_table_detail_list: components["schemas"]["TableReference"][];
            total: number;
        };
        /** Tables */
        Tables: {
            tables: components["schemas"]["Table"][];
            total_count: number;
        };
        /** Tags */
        Tags: {
            /**
             * @example [
             *       "daily"
             *     ]
             */
            tag_names: string[];
        };
        /**
         * TaskGroup
         * @description How many nodes of the group run at once.
         */
        TaskGroup: {
            limit: number;
            name: string;
        };
        /** TaskGroupBody */
        TaskGroupBody: {
            limit: number;
        };
        /** TaskGroups */
        TaskGroups: {
            task_groups: components["schemas"]["TaskGroup"][];
            total: number;
        };
        /** TaskId */
        TaskId: {
            taskId: string;
        };
        /** Token */
        Token: {
            catalog?: components["schemas"]["CatalogEntry"][];
            domain?: components["schemas"]["Named"];
            /** @example 2026-01-01T00:00:00.000000Z */
            expires_at: string;
            /** @example 2026-01-01T00:00:00.000000Z */
            issued_at: string;
            /**
             * @example [
             *       "password"
             *     ]
             */
            methods: string[];
            project?: components["schemas"]["TokenProject"];
            roles: components["schemas"]["Named"][];
            user: components["schemas"]["TokenUser"];
        };
        /** TokenItem */
        TokenItem: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            created: number;
            createdBy: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            expires: number;
            groups: string[];
            id: number;
            state: string;
            token?: string;
        };
        /** TokenList */
        TokenList: {
            count: number;
            tokens: components["schemas"]["TokenItem"][];
        };
        /** TokenProject */
        TokenProject: {
            domain: components["schemas"]["Named"];
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            name: string;
        };
        /** TokenReply */
        TokenReply: {
            token: components["schemas"]["Token"];
        };
        /** TokenUser */
        TokenUser: {
            domain: components["schemas"]["Named"];
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            name: string;
            password_expires_at: string;
        };
        /**
         * Topic
         * @description `addresses` of mail; `url` of a webhook or chat; `secret` of a webhook: made if it is left out, and answered to
         *         the call that made it alone.
         */
        Topic: {
            addresses?: string[];
            /** @enum {unknown} */
            kind: "chat" | "mail" | "webhook";
            name: string;
            secret?: string;
            url?: string;
        };
        /** TopicAnswer */
        TopicAnswer: {
            addresses?: string[];
            /** @enum {unknown} */
            kind: "chat" | "mail" | "webhook";
            name: string;
            secret?: string;
            target?: string;
            url?: string;
        };
        /** Topics */
        Topics: {
            topics: components["schemas"]["TopicAnswer"][];
            total: number;
        };
        /** User */
        User: {
            description: string;
            domain_id: string;
            enabled: boolean;
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            is_domain_owner: boolean;
            links: components["schemas"]["SelfLink"];
            name: string;
        };
        /** UserDetail */
        UserDetail: {
            user: components["schemas"]["User"];
        };
        /** UserIds */
        UserIds: {
            user_ids: string[];
        };
        /** UserItem */
        UserItem: {
            access_keys: string[];
            administrator: boolean;
            create_time: number;
            enabled: boolean;
            id: string;
            name: string;
            roles: {
                [key: string]: string;
            };
        };
        /** UserList */
        UserList: {
            count: number;
            users: components["schemas"]["UserItem"][];
        };
        /**
         * UserReference
         * @description One of the two.
         */
        UserReference: {
            user_id?: string;
            user_name?: string;
        };
        /**
         * InstanceItem
         * @description An instance in the list of a job's instances.
         */
        V2InstanceItem: {
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            end_time?: number;
            error_message?: string;
            /** @description Milliseconds. */
            execute_time?: number;
            force_success?: boolean;
            ignore_success?: boolean;
            /**
             * @description Id of an instance.
             * @example 132343
             */
            instance_id: number;
            instance_type: number;
            /**
             * @description Id of a job.
             * @example 1001
             */
            job_id: number;
            job_instance_name: string;
            job_name: string;
            /** @description Of type 6: the instance whose node runs it. Ours. */
            parent_instance_id?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            plan_time: number;
            /** @description Of type 6: the row of the dataset that it is for, from 0. Ours. */
            row?: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            start_time?: number;
            /** @example success */
            status: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            submit_time: number;
            version: number;
        };
        /** InstanceList */
        V2InstanceList: {
            instances: components["schemas"]["V2InstanceItem"][];
            total: number;
        };
        /**
         * JobItem
         * @description A job in the list of jobs.
         */
        V2JobItem: {
            /** @description With need_alarms only. */
            alarms?: components["schemas"]["JobAlarm"][];
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            create_time: number;
            create_user: string;
            empty_running_job?: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            end_time?: number;
            job_type: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            last_instance_end_time?: number;
            last_instance_status?: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            last_update_time: number;
            last_update_user: string;
            name: string;
            /**
             * @description Of a job that is scheduled.
             * @example 1760000000000
             */
            next_plan_time?: number;
            owner?: string;
            path: string;
            priority?: number;
            single_node_job_flag?: boolean;
            single_node_job_type?: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            start_time?: number;
            /** @example STOPPED */
            status: string;
        };
        /** JobList */
        V2JobList: {
            jobs: components["schemas"]["V2JobItem"][];
            total: number;
        };
        /** ScriptList */
        V2ScriptList: {
            scripts: components["schemas"]["ScriptItem"][];
            total: number;
        };
        /** Variable */
        Variable: {
            desc?: string;
            /** @example region */
            name: string;
            /** @enum {unknown} */
            type?: "constant" | "constants" | "variable";
            /** @example eu-de */
            value: string;
        };
        /** VersionItem */
        VersionItem: {
            comment: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            createTime: number;
            createUser: string;
            submitted: boolean;
            version: number;
        };
        /** VersionList */
        VersionList: {
            total: number;
            versions: components["schemas"]["VersionItem"][];
        };
        /** Waiting */
        Waiting: {
            conditions: components["schemas"]["arkwright.api.v1.waiting.Condition"][];
            instanceId: number;
            jobName: string;
            note: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            planTime: number;
            status: string;
            waits: boolean;
        };
        /** Welcome */
        Welcome: {
            lease_seconds: number;
            log_cap_bytes: number;
            /** @default {} */
            settings?: Record<string, unknown>;
            version: string;
        };
        /** WorkerItem */
        WorkerItem: {
            groups: string[];
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            lastSeen: number;
            name: string;
            running: number;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            since: number;
            slots: number;
            state: string;
            version: string;
        };
        /** WorkerList */
        WorkerList: {
            groups: components["schemas"]["GroupItem"][];
            workers: components["schemas"]["WorkerItem"][];
        };
        /** Workspace */
        Workspace: {
            bad_record_location_name: string;
            /**
             * @description Epoch milliseconds.
             * @example 1760000000000
             */
            create_time: number;
            create_user: string;
            description: string;
            domain_id: string;
            eps_id: string;
            /** @example 0123456789abcdef0123456789abcdef */
            id: string;
            instance_id: string;
            /** @description 1: the default workspace, 0: another one. */
            is_default: number;
            job_log_location_name: string;
            member_num: number;
            /** @example sales */
            name: string;
            owner_name: string;
            project_id: string;
        };
        /** WorkspaceIds */
        WorkspaceIds: {
            workspace_ids: string[];
        };
        /** WorkspaceItem */
        WorkspaceItem: {
            create_time: number;
            create_user: string;
            id: string;
            /** @description 1: the default workspace, 0: another one. */
            is_default: number;
            local_programs_allowed: boolean;
            name: string;
            role: string;
            time_zone: string;
        };
        /** WorkspaceList */
        WorkspaceList: {
            count: number;
            workspaces: components["schemas"]["WorkspaceItem"][];
        };
        /** Workspaces */
        Workspaces: {
            count: number;
            data: components["schemas"]["Workspace"][];
            total_page: number;
        };
        /**
         * WorkspaceSettings
         * @description `conditionPolicy`: whether one condition that holds is enough for a node with several conditioned lines.
         *
         *         `skipPolicy`: whether a condition that doesn't hold skips the node with everything after it, or the node alone; a
         *         line's own `skipPolicy` wins. `variableFormat`: how texts name a parameter. `simpleVariables`: whether
         *         `${yyyymmdd-1}`, `$[hh24-1/24]`, `$instance_id` are replaced. `excludeWaitingFromTimeout`: whether the time limit of
         *         an instance begins when it starts, and not when it is made. `alerts`, `retention`, `quotas`: what is told, what is
         *         kept, and how much there may be; they count at once. `programs`: what a program on the server's host may take.
         *         `scheduling`: how the workspace's schedules are planned.
         */
        WorkspaceSettings: {
            /** @default {} */
            alerts?: components["schemas"]["AlertSettings"];
            /**
             * @default OR
             * @enum {unknown}
             */
            conditionPolicy?: "AND" | "OR";
            /** @default false */
            excludeWaitingFromTimeout?: boolean;
            /** @default {} */
            programs?: components["schemas"]["ProgramSettings"];
            /** @default {} */
            quotas?: components["schemas"]["QuotaSettings"];
            /** @default {} */
            retention?: components["schemas"]["RetentionSettings"];
            /** @default {} */
            scheduling?: components["schemas"]["SchedulingSettings"];
            /** @default false */
            simpleVariables?: boolean;
            /**
             * @default ALL
             * @enum {unknown}
             */
            skipPolicy?: "ALL" | "NEXT";
            /**
             * @default ${}
             * @enum {unknown}
             */
            variableFormat?: "${dlf.}" | "${}";
        };
        /** WorkspaceSettingsChange */
        WorkspaceSettingsChange: {
            alerts?: components["schemas"]["AlertSettings"];
            /** @enum {unknown} */
            conditionPolicy?: "AND" | "OR";
            excludeWaitingFromTimeout?: boolean;
            programs?: components["schemas"]["ProgramSettings"];
            quotas?: components["schemas"]["QuotaSettings"];
            retention?: components["schemas"]["RetentionSettings"];
            scheduling?: components["schemas"]["SchedulingSettings"];
            simpleVariables?: boolean;
            /** @enum {unknown} */
            skipPolicy?: "ALL" | "NEXT";
            /** @enum {unknown} */
            variableFormat?: "${dlf.}" | "${}";
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
