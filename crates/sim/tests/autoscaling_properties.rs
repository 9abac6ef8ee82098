//! Whatever is done to a group, it comes to rest where its desired capacity says, and nothing protected is scaled in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on should panic, and JSON literals read best handed over by value"
)]

mod account;
mod forms;

use std::collections::BTreeSet;

use account::Account;
use axon_sim::{Loss, Options, Shortage, Throttling};
use forms::{activities, group, in_service, try_groups, workers};
use proptest::{collection::vec, prelude::*};

const MAX: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    Resize(usize),
    /// Ends a member by request, and shrinks the group or not.
    End(usize, bool),
    Protect(usize, bool),
    Lose(usize),
    Short(bool),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..=MAX).prop_map(Step::Resize),
        (0..MAX, any::<bool>()).prop_map(|(n, shrink)| Step::End(n, shrink)),
        (0..MAX, any::<bool>()).prop_map(|(n, on)| Step::Protect(n, on)),
        (0..MAX).prop_map(Step::Lose),
        any::<bool>().prop_map(Step::Short),
        (1..200_i64).prop_map(Step::Pass),
    ]
}

/// Does a step; what AWS would refuse is refused and changes nothing. Returns the member that someone took away on purpose.
fn take(account: &mut Account, step: &Step) -> Option<String> {
    let ids = in_service(account);
    let name = ("AutoScalingGroupName", "workers");
    match step {
        Step::Resize(n) => {
            drop(try_groups(account, "SetDesiredCapacity", &[name, ("DesiredCapacity", &n.to_string())]));
        }
        Step::End(n, shrink) => {
            let id = ids.get(*n)?;
            let pairs = [("InstanceId", id.as_str()), ("ShouldDecrementDesiredCapacity", &shrink.to_string())];
            return try_groups(account, "TerminateInstanceInAutoScalingGroup", &pairs).is_ok().then(|| id.clone());
        }
        Step::Protect(n, on) => {
            let pairs = [name, ("InstanceIds.member.1", ids.get(*n)?), ("ProtectedFromScaleIn", &on.to_string())];
            try_groups(account, "SetInstanceProtection", &pairs).unwrap();
        }
        Step::Lose(n) => {
            let id = ids.get(*n)?;
            return account.aws.world_mut().lose_machine(id, Loss::Hardware).then(|| id.clone());
        }
        Step::Short(true) => {
            account.aws.world_mut().run_short(Shortage { instance_type: "*".to_owned(), zone: None });
        }
        Step::Short(false) => account.aws.world_mut().end_shortages(),
        Step::Pass(seconds) => account.pass(*seconds),
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_group_comes_to_rest_at_its_desired_capacity(steps in vec(step(), 1..25), seed in 0..1000_u64) {
        let options = Options { seed, throttling: Throttling::Off, ..Options::default() };
        let mut account = Account::with(options);
        group(&mut account, ["0", "2", "6"], &[]);
        let mut taken = BTreeSet::new();
        let mut protected: BTreeSet<String> = BTreeSet::new();
        for step in &steps {
            taken.extend(take(&mut account, step));
            let now = account.aws.world().groups();
            let lost: Vec<&String> = protected.iter().filter(|id| !now["workers"].members.contains_key(*id)).collect();
            prop_assert!(lost.iter().all(|id| taken.contains(*id)), "a protected member was scaled in: {lost:?}");
            protected = now["workers"].protected.iter().cloned().collect();
        }
        account.aws.world_mut().end_shortages();
        account.pass(1200);
        let desired: usize = workers(&mut account)["DesiredCapacity"].as_str().unwrap().parse().unwrap();
        let group = account.aws.world().groups().remove("workers").unwrap();
        let rest = in_service(&mut account);
        prop_assert_eq!(group.members.len(), rest.len(), "nobody is on the way");
        prop_assert!(rest.len() == desired || (rest.len() > desired && rest.len() == group.protected.len()));
        prop_assert_eq!(account.aws.world().machines().len(), rest.len(), "every instance is a member");
        prop_assert!(activities(&mut account).iter().all(|a| a["StatusCode"] != "InProgress"));
    }
}
