//! `axon docs`, hidden: prints generated pages, for whoever keeps committed copies fresh.

use std::fmt::Write as _;

use axon_aws::{Policy, iam_policy};
use axon_core::diagnostic::diagnostics_page;
use axon_core::spec::{Kind, field_doc, schema_text};
use clap::CommandFactory;

use crate::arguments::{Arguments, Docs, Page};
use crate::exit::Exit;
use crate::failure::Answer;
use crate::output::Output;

pub(super) fn docs(arguments: &Docs, out: &mut Output) -> Answer {
    let text = match arguments.page {
        Page::Schema => schema_text(),
        Page::Diagnostics => diagnostics_page(),
        Page::Fields => fields(),
        Page::Commands => commands(),
        Page::Metrics => axon_runtime::metrics::metrics_page(),
        Page::Configuration => crate::config::schema_text(),
        Page::IamOperator => iam_policy(Policy::Operator),
        Page::IamGroups => iam_policy(Policy::Groups),
        Page::IamJobs => iam_policy(Policy::Jobs),
        Page::IamAdoption => iam_policy(Policy::Adoption),
        Page::IamPlan => iam_policy(Policy::ReadOnly),
        Page::IamLogs => iam_policy(Policy::Logs),
    };
    out.data(&text)?;
    Ok(Exit::Done)
}

fn fields() -> String {
    let pages = Kind::ALL.into_iter().filter_map(|kind| field_doc(&format!("{kind}.spec")));
    let mut text = "# Fields\n\nGenerated from the types in `crates/core/src/spec`; do not edit.\n".to_owned();
    for page in pages {
        let _ = write!(text, "\n#{page}");
    }
    text
}

fn commands() -> String {
    let mut root = Arguments::command().term_width(100).color(clap::ColorChoice::Never);
    root.build();
    let mut text = "# Commands\n\nGenerated from `crates/cli/src/arguments`; do not edit.\n".to_owned();
    let _ = write!(text, "\n## axon\n\n```text\n{}```\n", root.render_long_help());
    for command in root.get_subcommands_mut().filter(|command| !command.is_hide_set()) {
        let name = command.get_name().to_owned();
        let _ = write!(text, "\n## axon {name}\n\n```text\n{}```\n", command.render_long_help());
        for below in command.get_subcommands_mut() {
            let last = below.get_name().to_owned();
            let _ = write!(text, "\n### axon {name} {last}\n\n```text\n{}```\n", below.render_long_help());
        }
    }
    text
}
