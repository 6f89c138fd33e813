//! A test for each shipped runbook under each of its drill profiles: each is named when it fails, and they
//! run side by side on as many cores as there are.

/// Makes a test out of an `async fn(runbook, profile) -> String`, which tells what it looked at, for each runbook and profile, and one that none is left
/// out of the list.
macro_rules! each_shipped {
    ($check:path) => {
        $crate::support::each_shipped::each_shipped! { $check;
            dr_circuit_failback: "dr-circuit-failback", "drill";
            dr_circuit_prepared_failback: "dr-circuit-prepared-failback", "drill";
            dr_circuit_prepared: "dr-circuit-prepared", "drill";
            dr_circuit_prepared_more_bandwidth: "dr-circuit-prepared", "drill_more_bandwidth";
            dr_circuit: "dr-circuit", "drill";
            onprem_to_azure_failback: "onprem-to-azure-failback", "drill";
            onprem_to_azure: "onprem-to-azure", "drill";
            same_circuit_failback: "same-circuit-failback", "drill";
            same_circuit_swap_failback: "same-circuit-swap-failback", "drill";
            same_circuit_swap: "same-circuit-swap", "drill";
            same_circuit_swap_source_dead: "same-circuit-swap", "drill_source_dead";
            same_circuit_swap_revoke: "same-circuit-swap", "drill_revoke";
            same_circuit_swap_other_circuit: "same-circuit-swap", "drill_other_circuit";
            same_circuit: "same-circuit", "drill";
            site_recovery_test: "site-recovery-test", "drill";
            two_circuits_one_location_failback: "two-circuits-one-location-failback", "drill";
            two_circuits_one_location: "two-circuits-one-location", "drill";
            vwan_dr_circuit: "vwan-dr-circuit", "drill";
            vwan_dr_circuit_failback: "vwan-dr-circuit-failback", "drill";
            vpn_last_path_failback: "vpn-last-path-failback", "drill";
            vpn_last_path: "vpn-last-path", "drill";
        }
    };
    ($check:path; $($test:ident: $runbook:literal, $profile:literal;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                println!("{}", $check(concat!($runbook, ".yaml"), $profile).await);
            }
        )*

        #[test]
        fn every_shipped_runbook_and_profile_has_its_test() {
            let here = [$((concat!($runbook, ".yaml"), $profile)),*];
            let here: std::collections::BTreeSet<(String, String)> =
                here.iter().map(|(name, profile)| ((*name).to_owned(), (*profile).to_owned())).collect();
            assert_eq!(here, $crate::support::all_shipped().into_iter().collect());
        }
    };
}

pub(crate) use each_shipped;
