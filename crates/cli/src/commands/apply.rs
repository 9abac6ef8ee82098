//! `axon apply`: one pass to convergence. Neighbours: `plan` foresees, `follow` works and tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use axon_core::plan::{PruneLimits, Wait};
use axon_core::preview::Preview;
use axon_runtime::source::FixedSource;
use axon_runtime::{Outcome, Settings, Until, View};
use tokio::sync::watch;

use super::consent::Consent;
use super::plan::{Wish, foresee, pruning};
use crate::arguments::Apply;
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::follow::{Ended, Following, Telling};
use crate::output::Output;
use crate::show;
use crate::signals::Stop;
use crate::specs::Specs;
use crate::target::Target;

pub(super) async fn apply(arguments: &Apply, out: &mut Output) -> Answer {
    let consent = Consent::from(arguments.yes);
    consent.possible(out)?;
    let roles = arguments.policy.roles()?;
    let specs = Specs::sound(&arguments.paths, &roles, out)?;
    let target = Target::connect(&arguments.aws).await?;
    // Whoever applies has seen what goes, or has said that it need not be seen.
    let (pruning, prune_limits) = (pruning(arguments.prune.into()), PruneLimits::NONE);
    let wish = Wish { aws: &arguments.aws, pruning, prune_limits, roles };
    let foreseen = foresee(&specs, &target, &wish).await?;
    out.talk(&show::plan::text(&foreseen))?;
    let preview = foreseen.preview;
    let changes = preview.steps().next().is_some();
    if changes && !consent.to("Make these changes?", out).await? {
        out.talk("Nothing was changed.\n")?;
        return Ok(Exit::Failed);
    }
    if !changes && !arguments.wait {
        return Ok(if preview.blocked.is_empty() { Exit::Done } else { Exit::Failed });
    }
    let installation = arguments.aws.installation().map_err(|error| Failure::usage(error.to_string()))?;
    let settings = Settings {
        pruning,
        roles: wish.roles.clone(),
        until: Until::Settled,
        timeout: Some(arguments.timeout.0),
        ..Settings::new(installation)
    };
    let following = Following::new(&target, settings);
    let end = if arguments.wait { End::Ready } else { End::Accepted };
    let shutdown = shutdown(following.view(), end, Stop::listen()?);
    let telling = Telling::on(out);
    let ended = following.run(FixedSource(specs.snapshot), shutdown, (telling, out)).await?;
    out.data(&show::status::overview(ended.view.statuses.values(), target.now(), out.data_screen.columns()))?;
    conclude(&ended, end, &preview)
}

/// What an apply waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// AWS has accepted every call.
    Accepted,
    /// Every object is Ready.
    Ready,
}

/// Completes when somebody asks to stop, or when all is accepted and more is not waited for.
async fn shutdown(mut view: watch::Receiver<Arc<View>>, end: End, mut stop: Stop) {
    let accepted = async {
        let reached = view.wait_for(|view| end == End::Accepted && all_accepted(view)).await.is_ok();
        if !reached {
            // The reconciler has ended by itself.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = accepted => {}
        () = stop.asked() => {}
    }
}

/// Whether no call is under way and none would follow if one just waited. What AWS refuses is tried again by an
/// operator; here it is the end.
fn all_accepted(view: &View) -> bool {
    let stalled = |object| view.statuses.get(object).is_some_and(axon_core::status::Status::is_stalled);
    let mut waiting = view.waiting.iter().filter(|waiting| !stalled(&waiting.object));
    view.last_sweep.is_some() && view.in_flight.is_empty() && !waiting.any(|waiting| may_lead_on(&waiting.on))
}

/// Whether a call may follow. What AWS has accepted and just does not show yet is done as far as calls go.
const fn may_lead_on(wait: &Wait) -> bool {
    wait.passes() && !matches!(wait, Wait::ReadLag { .. })
}

fn conclude(ended: &Ended, end: End, preview: &Preview) -> Answer {
    match &ended.outcome {
        Outcome::Reached => Ok(Exit::Done),
        Outcome::Stopped if end == End::Accepted && all_accepted(&ended.view) => accepted(&ended.view, preview),
        Outcome::Stopped => Err(Failure::work("interrupted; calls under way have ended, the rest was not begun")
            .hint("run the same command again to go on")),
        Outcome::Stalled(view) => Err(stalled(view)),
        Outcome::TimedOut(view) => Err(timed_out(view)),
        Outcome::Failed(why) => Err(Failure::work(why.clone())),
    }
}

/// Nothing is left to call, but something may have been refused.
fn accepted(view: &View, preview: &Preview) -> Answer {
    if view.statuses.values().any(axon_core::status::Status::is_stalled) {
        return Err(stalled(view));
    }
    Ok(if preview.blocked.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Every object that only a person can bring further.
pub(super) fn stalled(view: &View) -> Failure {
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    for status in view.statuses.values().filter(|status| status.is_stalled()) {
        let ready = status.condition(axon_core::status::ConditionType::Ready);
        let message = ready.map(|ready| show::words::one_line(&ready.message)).unwrap_or_default();
        reasons.insert(status.object.to_string(), message);
    }
    let listed: Vec<String> = reasons.iter().map(|(object, why)| format!("{object}: {why}")).collect();
    Failure::work(format!("not everything can be done without a person\n  {}", listed.join("\n  ")))
}

/// Every object that was not Ready in time.
pub(super) fn timed_out(view: &View) -> Failure {
    let late: Vec<String> =
        view.statuses.values().filter(|status| !status.is_ready()).map(|status| status.object.to_string()).collect();
    let failure = Failure { exit: Exit::TimedOut, ..Failure::work(format!("not done in time: {}", late.join(", "))) };
    failure.hint("what was begun goes on in AWS; give a longer --timeout, or look again with `axon plan`")
}

#[cfg(test)]
mod tests {
    use axon_core::plan::Waiting;
    use axon_core::status::{Condition, ConditionType, Reason, Truth};

    use super::*;
    use crate::show::status::tests::{START, starting};

    fn waiting(on: Wait) -> Waiting {
        Waiting { object: starting().object, on }
    }

    fn turn() -> Wait {
        Wait::NotRead { what: "services".to_owned() }
    }

    #[test]
    fn all_is_accepted_once_aws_is_read_and_nothing_that_passes_is_waited_for() {
        let mut view = View::default();
        assert!(!all_accepted(&view));
        view.last_sweep = Some(START);
        assert!(all_accepted(&view));
        view.waiting = vec![waiting(Wait::Suspended)];
        assert!(all_accepted(&view));
        view.waiting = vec![waiting(turn())];
        assert!(!all_accepted(&view));
    }

    #[test]
    fn what_a_person_has_to_settle_is_not_waited_for_and_fails_the_command() {
        let mut status = starting();
        status.conditions.push(Condition {
            kind: ConditionType::Stalled,
            status: Truth::True,
            reason: Reason::CallRefused,
            message: "refused".to_owned(),
            last_transition_time: START,
        });
        let statuses = [(status.object.clone(), status)].into();
        let view = View { last_sweep: Some(START), waiting: vec![waiting(turn())], statuses, ..View::default() };
        assert!(all_accepted(&view));
        let failure = accepted(&view, &Preview::default()).unwrap_err();
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.cause.contains("NeuronService/llama: "), "{}", failure.cause);
    }

    #[test]
    fn time_that_is_up_has_its_own_exit_code() {
        let view = View { statuses: [(starting().object, starting())].into(), ..View::default() };
        let failure = timed_out(&view);
        assert_eq!((failure.exit, failure.cause.as_str()), (Exit::TimedOut, "not done in time: NeuronService/llama"));
    }
}
