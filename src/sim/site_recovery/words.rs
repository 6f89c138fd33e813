//! Which words does Site Recovery use? Each kind and state with its word, once; bodies are read and written by them.

/// An enum with Azure's word for each variant. `written` is only told; `exact` is told, and read as it is spelt;
/// `folded` is told, and read in any case; `asked` is only read, in any case, and `asked_exactly` as it is spelt.
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $how:ident {
        $($(#[$of:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            words!(@$how $($variant = $word,)*);
        }
    };
    (@written $($variant:ident = $word:literal,)*) => {
        /// Azure's word for it.
        pub(super) fn as_str(self) -> &'static str {
            match self {
                $(Self::$variant => $word,)*
            }
        }
    };
    (@exact $($variant:ident = $word:literal,)*) => {
        words!(@written $($variant = $word,)*);
        words!(@asked_exactly $($variant = $word,)*);
    };
    (@folded $($variant:ident = $word:literal,)*) => {
        words!(@written $($variant = $word,)*);
        words!(@asked $($variant = $word,)*);
    };
    (@asked_exactly $($variant:ident = $word:literal,)*) => {
        /// What a word stands for; nothing where it is not one of these.
        pub(super) fn parse(word: &str) -> Option<Self> {
            match word {
                $($word => Some(Self::$variant),)*
                _ => None,
            }
        }
    };
    (@asked $($variant:ident = $word:literal,)*) => {
        /// What a word stands for, in whichever case; nothing where it is not one of these.
        pub(super) fn parse(word: &str) -> Option<Self> {
            let all = [$(($word, Self::$variant),)*];
            all.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(word)).map(|(_, found)| found)
        }
    };
}

words! {
    /// What there is in a vault, and the vault itself: the last word of its type.
    VaultKind, asked {
        Vault = "vaults",
        Fabric = "replicationFabrics",
        Container = "replicationProtectionContainers",
        ContainerMapping = "replicationProtectionContainerMappings",
        NetworkMapping = "replicationNetworkMappings",
        Policy = "replicationPolicies",
        Item = "replicationProtectedItems",
        Plan = "replicationRecoveryPlans",
        AlertSettings = "replicationAlertSettings",
        Job = "replicationJobs",
        Health = "replicationVaultHealth",
        Point = "recoveryPoints",
        // What this world never has.
        Network = "replicationNetworks",
        Appliance = "replicationAppliances",
        MigrationItem = "replicationMigrationItems",
        ServicesProvider = "replicationRecoveryServicesProviders",
        StorageClass = "replicationStorageClassifications",
        StorageClassMapping = "replicationStorageClassificationMappings",
        VCenter = "replicationvCenters",
        Event = "replicationEvents",
        Intent = "replicationProtectionIntents",
        ProtectableItem = "replicationProtectableItems",
    }
}

words! {
    /// Who replicates a machine: from where, and to where.
    ReplicationProvider, exact {
        AzureToAzure = "A2A",
        HyperVToAzure = "HyperVReplicaAzure",
        BetweenSites = "HyperVReplica2012",
        BetweenSitesR2 = "HyperVReplica2012R2",
        VMwareToAzure = "InMageAzureV2",
        VMwareToSite = "InMage",
        ModernToAzure = "InMageRcm",
        ModernFailback = "InMageRcmFailback",
        Migration = "VMwareCbt",
    }
}

words! {
    /// What a fabric is.
    FabricKind, exact {
        Azure = "Azure",
        HyperVSite = "HyperVSite",
        Vmm = "VMM",
        VMware = "VMware",
        VMwareV2 = "VMwareV2",
        Modern = "InMageRcm",
    }
}

words! {
    /// How far the protection of an item has come. Two are believed, and marked so.
    ProtectionState, exact {
        Replicating = "InitialReplicationInProgress",
        FirstPointPending = "InitialReplicationRecoveryCompletionPending",
        Protected = "Protected",
        /// Believed.
        PlannedCommitPending = "PlannedFailoverCommitPendingStatesBegin",
        UnplannedCommitPending = "UnplannedFailoverCommitPendingStatesBegin",
        PlannedCommitted = "PlannedFailoverStatesBegin",
        /// Believed.
        UnplannedCommitted = "UnplannedFailoverStatesBegin",
        /// Of a machine of Azure, before its first point.
        Unprotected = "UnprotectedStatesBegin",
    }
}

words! {
    /// Whether a test failover stands.
    TestState, exact {
        None = "None",
        Waiting = "WaitingForCompletion",
    }
}

words! {
    /// What may be done to an item or a plan. Recorded or published, but for `CancelFailover` and `ReverseReplicate`,
    /// which are believed.
    AllowedOperation, exact {
        TestFailover = "TestFailover",
        TestFailoverCleanup = "TestFailoverCleanup",
        PlannedFailover = "PlannedFailover",
        UnplannedFailover = "UnplannedFailover",
        ChangePoint = "ChangePit",
        CancelFailover = "CancelFailover",
        Commit = "Commit",
        ReverseReplicate = "ReverseReplicate",
        DisableProtection = "DisableProtection",
    }
}

words! {
    /// What may be done with a job. They are believed to be spelt so.
    JobAction, folded {
        Cancel = "Cancel",
        Resume = "Resume",
        Restart = "Restart",
    }
}

words! {
    /// What is posted to a vault and what is in it, but for what is done to machines and jobs.
    VaultAction, asked {
        Export = "export",
        Refresh = "refresh",
        SwitchProtection = "switchProtection",
        Remove = "remove",
    }
}

words! {
    /// Whether something is as it should be.
    RecoveryHealth, written {
        Normal = "Normal",
        Warning = "Warning",
    }
}

words! {
    /// How the disk of a machine of Azure stands.
    DiskState, written {
        Pending = "InitialReplicationPending",
        Protected = "Protected",
    }
}

words! {
    /// Whether a container has a policy.
    Pairing, written {
        Paired = "Paired",
        NotPaired = "NotPaired",
    }
}

words! {
    /// A group of a plan.
    PlanGroup, folded {
        Shutdown = "Shutdown",
        Failover = "Failover",
        Boot = "Boot",
    }
}

words! {
    /// What is asked of the source in an unplanned failover.
    SourceOperations, asked_exactly {
        Required = "Required",
        NotRequired = "NotRequired",
    }
}

words! {
    /// What a job is about, as it is told.
    JobSubject, written {
        Item = "ProtectionEntity",
        Plan = "RecoveryPlan",
        Policy = "ProtectionProfile",
        Fabric = "Server",
        Container = "Cloud",
        Vault = "Vault",
        Other = "Other",
    }
}

words! {
    /// How an operation stands, to who polls it. The last is spelt as ARM's own protocol has it: believed.
    PollStatus, written {
        InProgress = "InProgress",
        Succeeded = "Succeeded",
        Failed = "Failed",
        Cancelled = "Canceled",
    }
}

/// How what a plan went through last stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlanStatus {
    InProgress,
    /// A person has to do something.
    WaitsForPerson,
    /// The copies of a test failover run.
    TestStands,
    Succeeded,
    Cancelled,
    Failed,
}

impl PlanStatus {
    /// Azure's word, and what it says of it.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::InProgress => ("InProgress", "InProgress"),
            Self::WaitsForPerson => ("Suspended", "WaitingForManualAction"),
            Self::TestStands => ("Suspended", "WaitingForStopTestFailover"),
            Self::Succeeded => ("Succeeded", "Completed"),
            Self::Cancelled => ("Cancelled", "Cancelled"),
            Self::Failed => ("Failed", "Failed"),
        }
    }
}
