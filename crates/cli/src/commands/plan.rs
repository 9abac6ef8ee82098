//! `axon plan`: what would change on AWS and why. Neighbours: `apply` shows the same plan before it acts.

use axon_core::plan::PruneLimits;
use axon_core::roles::RoleRules;
use axon_core::state::Pruning;
use axon_runtime::{Foreseen, PreviewRequest, preview};

use crate::arguments::{AwsArguments, Detail, Plan, PlanFormat};
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::show;
use crate::specs::Specs;
use crate::target::{Target, unanswered};

pub(super) async fn plan(arguments: &Plan, out: &mut Output) -> Answer {
    let roles = arguments.policy.roles()?;
    let specs = Specs::sound(&arguments.paths, &roles, out)?;
    let target = Target::connect(&arguments.aws).await?;
    let (pruning, prune_limits) = (pruning(arguments.prune.into()), arguments.most.limits());
    let wish = Wish { aws: &arguments.aws, pruning, prune_limits, roles };
    let foreseen = foresee(&specs, &target, &wish).await?;
    let text = match arguments.output {
        PlanFormat::Text => show::plan::text(&foreseen),
        PlanFormat::Json => format!("{:#}\n", show::plan::json(&foreseen)),
        PlanFormat::Markdown => show::plan_markdown::markdown(&foreseen),
    };
    out.data(&text)?;
    let changes = foreseen.preview.steps().next().is_some();
    Ok(match arguments.detail() {
        Detail::Changes if changes => Exit::Changes,
        Detail::Changes | Detail::ErrorsOnly => Exit::Done,
    })
}

/// What a plan depends on besides files and AWS.
pub(super) struct Wish<'a> {
    pub(super) aws: &'a AwsArguments,
    pub(super) pruning: Pruning,
    pub(super) prune_limits: PruneLimits,
    pub(super) roles: RoleRules,
}

/// Whether a flag was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Yes,
    No,
}

impl From<bool> for Given {
    fn from(given: bool) -> Self {
        if given { Self::Yes } else { Self::No }
    }
}

pub(super) const fn pruning(prune: Given) -> Pruning {
    match prune {
        Given::Yes => Pruning::On,
        Given::No => Pruning::Off,
    }
}

/// A plan that repeats itself, with the steps that it repeats.
fn endless(foreseen: &Foreseen) -> Failure {
    let last = foreseen.preview.rounds.last().into_iter().flatten();
    let steps: Vec<String> =
        last.map(|step| format!("{} of {} for {}", step.action.operation(), step.resource, step.object)).collect();
    Failure::work(format!(
        "the plan does not come to an end, which is a bug in Axon; it repeats: {}",
        if steps.is_empty() { "waiting, without a step".to_owned() } else { steps.join(", ") }
    ))
    .hint("nothing was changed; please report it with this text and the output of `axon render`")
}

/// Reads AWS and plays the plan to its end.
pub(super) async fn foresee(specs: &Specs, target: &Target, wish: &Wish<'_>) -> Result<Foreseen, Failure> {
    let installation = wish.aws.installation().map_err(|error| Failure::usage(error.to_string()))?;
    let specified = specs.specified(installation.clone(), &target.facts().await?)?;
    let Wish { pruning, prune_limits, ref roles, .. } = *wish;
    let request = PreviewRequest { installation, specified, pruning, prune_limits, roles: roles.clone() };
    let seen = preview(&*target.cloud, target.now(), request).await;
    let (foreseen, errors) = seen.map_err(|error| unanswered(&error))?;
    match errors.first() {
        Some(error) => {
            let mut failure = unanswered(error);
            failure.cause = format!("AWS could not be read completely, so there is no plan: {}", failure.cause);
            Err(failure)
        }
        None if !foreseen.preview.ended => Err(endless(&foreseen)),
        None => Ok(foreseen),
    }
}
