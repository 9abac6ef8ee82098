//! One file per command: arguments → work → output → exit code. Neighbours: `arguments` and `show` on either side.

mod apply;
mod consent;
mod disturbance;
mod docs;
mod events;
mod explain;
mod healthcheck;
mod job;
mod logs;
mod plan;
mod quirks;
mod render;
mod run;
mod simulate;
mod status;
mod validate;

use crate::arguments::Command;
use crate::exit::Exit;
use crate::failure::Answer;
use crate::output::Output;

/// Does what a command asks for.
pub(crate) async fn perform(command: Command, out: &mut Output, global: &crate::arguments::Global) -> Answer {
    match command {
        Command::Validate(arguments) => validate::validate(&arguments, out),
        Command::Render(arguments) => render::render(&arguments, out),
        Command::Plan(arguments) => Box::pin(plan::plan(&arguments, out)).await,
        Command::Apply(arguments) => Box::pin(apply::apply(&arguments, out)).await,
        Command::Run(arguments) => Box::pin(run::run(*arguments, out, global)).await,
        Command::Status(arguments) => status::status(&arguments, out).await,
        Command::Events(arguments) => events::events(&arguments, out).await,
        Command::Job(arguments) => Box::pin(job::job(&arguments, out)).await,
        Command::Logs(arguments) => Box::pin(logs::logs(&arguments, out)).await,
        Command::Explain(arguments) => explain::explain(&arguments, out),
        Command::Schema => {
            out.data(&axon_core::spec::schema_text())?;
            Ok(Exit::Done)
        }
        Command::Simulate(arguments) => simulate::simulate(&arguments, out).await,
        Command::Healthcheck(arguments) => healthcheck::healthcheck(&arguments, out).await,
        Command::Docs(arguments) => docs::docs(&arguments, out),
    }
}
