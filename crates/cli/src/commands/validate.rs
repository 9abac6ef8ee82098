//! `axon validate`: everything wrong in files, offline.

use crate::arguments::{Format, Validate};
use crate::exit::Exit;
use crate::failure::Answer;
use crate::output::Output;
use crate::show::findings;
use crate::specs::Specs;

pub(super) fn validate(arguments: &Validate, out: &mut Output) -> Answer {
    let specs = Specs::read(&arguments.paths, &arguments.policy.roles()?)?;
    let tally = specs.tally();
    match arguments.output {
        Format::Text => {
            out.data(&findings::drawn(&specs.found, &specs.snapshot.files, out.data_screen.columns()))?;
            out.data(&findings::summary(tally))?;
        }
        Format::Json => out.data(&format!("{:#}\n", findings::json(&specs.found, tally)))?,
    }
    let fails = tally.errors > 0 || (arguments.deny_warnings && tally.warnings > 0);
    Ok(if fails { Exit::Failed } else { Exit::Done })
}
