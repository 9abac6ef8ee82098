//! Files to findings and to what should be true, for the commands that work once.
//!
//! Neighbours: `axon_runtime` reads folders and remembers versions, `axon_core` knows the rules. Not here: printing.

use std::path::PathBuf;

use axon_core::cloud::Facts;
use axon_core::diagnostic::Diagnostic;
use axon_core::neuron::Catalog;
use axon_core::ownership::Installation;
use axon_core::parse::parse;
use axon_core::roles::RoleRules;
use axon_core::spec::Fleet;
use axon_core::state::Specified;
use axon_core::validate::validate_under;
use axon_runtime::Specifier;
use axon_runtime::source::{DirectorySource, Snapshot, SourceError};

use crate::failure::Failure;
use crate::output::Output;
use crate::show::findings::{Tally, drawn, summary};

/// Files, and what is found in them.
#[derive(Clone, Debug)]
pub(crate) struct Specs {
    /// The files.
    pub snapshot: Snapshot,
    /// What they declare.
    pub fleet: Fleet,
    /// What is wrong with them.
    pub found: Vec<Diagnostic>,
    /// Which roles they were allowed to name.
    roles: RoleRules,
}

impl Specs {
    /// Reads and judges files and folders.
    pub(crate) fn read(paths: &[PathBuf], roles: &RoleRules) -> Result<Self, Failure> {
        let snapshot = DirectorySource::new(paths.to_vec()).read().map_err(|error| unreadable(&error))?;
        if snapshot.files.is_empty() {
            let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            return Err(Failure::usage(format!("there is no YAML file in {}", named.join(", ")))
                .hint("folders are searched for *.yaml and *.yml; a file that is named itself may end in anything"));
        }
        Ok(Self::of(snapshot, roles))
    }

    /// Judges files.
    pub(crate) fn of(snapshot: Snapshot, roles: &RoleRules) -> Self {
        let judged = validate_under(roles, parse(&snapshot.files), &Catalog::builtin());
        Self { snapshot, fleet: judged.fleet, found: judged.diagnostics, roles: roles.clone() }
    }

    /// How many findings there are.
    pub(crate) fn tally(&self) -> Tally {
        Tally::of(&self.found, self.snapshot.files.len())
    }

    /// Reads files that are to be acted on: findings are told, and errors end the command.
    pub(crate) fn sound(paths: &[PathBuf], roles: &RoleRules, out: &mut Output) -> Result<Self, Failure> {
        let specs = Self::read(paths, roles)?;
        if !specs.found.is_empty() {
            let text = drawn(&specs.found, &specs.snapshot.files, out.talk_screen.columns());
            out.talk(&text)?;
            out.talk(&summary(specs.tally()))?;
        }
        match specs.tally().errors {
            0 => Ok(specs),
            errors => Err(Failure::work(format!(
                "nothing was done, because of {} above",
                crate::show::findings::count(errors, "error")
            ))),
        }
    }

    /// What should be true, in an account.
    pub(crate) fn specified(&self, installation: Installation, facts: &Facts) -> Result<Specified, Failure> {
        let specification = Specifier::new(installation).under(self.roles.clone()).specify(&self.snapshot, facts);
        match specification.faults.first_key_value() {
            None => Ok(specification.specified),
            Some((object, why)) => Err(Failure::work(format!("{object} cannot be rendered: {why}"))),
        }
    }
}

fn unreadable(error: &SourceError) -> Failure {
    match error {
        SourceError::Unreadable { .. } => Failure::usage(error.to_string()),
        SourceError::NotText { .. }
        | SourceError::LeavesTree { .. }
        | SourceError::OddName { .. }
        | SourceError::FileTooLarge { .. }
        | SourceError::TooManyFiles { .. }
        | SourceError::TooMuch { .. }
        | SourceError::Other(_) => Failure::work(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use axon_core::parse::SourceFile;
    use axon_core::validate::validate;

    use super::*;

    const README: &str = include_str!("../../../README.md");
    const CLUSTER: &str = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: ml-prod}\nspec: {}\n";

    #[test]
    fn what_the_readme_declares_is_valid() {
        let blocks = README.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let text = blocks.fold(CLUSTER.to_owned(), |text, block| text + "---\n" + block);
        let judged = validate(parse(&[SourceFile { path: "README.md".to_owned(), text }]), &Catalog::builtin());
        let found: Vec<String> = judged.diagnostics.iter().map(|found| format!("{found:?}")).collect();
        assert_eq!(found, Vec::<String>::new());
        let Fleet { pools, services, jobs, .. } = &judged.fleet;
        assert_eq!((pools.len(), services.len(), jobs.len()), (2, 1, 1));
    }
}
