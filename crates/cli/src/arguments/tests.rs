//! What the command line accepts, and that its help stays as it is.

use std::time::Duration;

use clap::{CommandFactory, Parser};

use super::*;

fn parse(line: &str) -> Result<Arguments, String> {
    Arguments::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())
}

/// Every long flag of a command, in order, without the global ones.
fn flags(name: &str) -> String {
    let root = Arguments::command();
    let command = name.split(' ').fold(&root, |command, name| command.find_subcommand(name).unwrap());
    let long = command.get_arguments().filter_map(|argument| argument.get_long());
    long.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_definition_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn the_commands_are_the_documented_ones() {
    let root = Arguments::command();
    let shown = root.get_subcommands().filter(|command| !command.is_hide_set());
    let names: Vec<_> = shown.map(|command| command.get_name().to_owned()).collect();
    let documented = [
        "validate",
        "render",
        "plan",
        "apply",
        "run",
        "status",
        "events",
        "job",
        "logs",
        "explain",
        "schema",
        "simulate",
        "healthcheck",
    ];
    assert_eq!(names, documented);
}

#[test]
fn the_flags_of_each_command_stay_as_they_are() {
    const AWS: &str = "simulate speed endpoint-url profile region assume-role external-id installation";
    assert_eq!(flags("validate"), "output deny-warnings config");
    assert_eq!(flags("render"), "output region account installation");
    assert_eq!(
        flags("plan"),
        format!("output detailed-exitcode prune config prune-max-objects prune-max-percent {AWS}")
    );
    assert_eq!(flags("apply"), format!("yes wait timeout prune config {AWS}"));
    let run = "source config print-config until-ready read-only no-prune prune-max-objects prune-max-percent listen data-dir interval timeout";
    assert_eq!(flags("run"), format!("{run} {AWS}"));
    assert_eq!(flags("status"), "target output server");
    assert_eq!(flags("events"), "since limit target output server");
    assert_eq!(flags("job list"), format!("output {AWS}"));
    assert_eq!(flags("job run"), format!("parallel yes {AWS}"));
    assert_eq!(flags("job cancel"), format!("reason yes {AWS}"));
    assert_eq!(flags("job retry"), format!("yes {AWS}"));
    assert_eq!(flags("logs"), format!("follow since tail container run previous timestamps output {AWS}"));
    assert_eq!(flags("explain"), "all");
    assert_eq!(flags("simulate"), "listen speed start seed region quirk disturb ends");
    assert_eq!(flags("healthcheck"), "server");
}

#[test]
fn every_flag_has_its_variable() {
    let root = Arguments::command();
    let nested = root.get_subcommands().flat_map(clap::Command::get_subcommands);
    for command in std::iter::once(&root).chain(root.get_subcommands()).chain(nested) {
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long().filter(|long| !matches!(*long, "help" | "version")) else { continue };
            let wanted = match long {
                // The variable that every tool of OpenTelemetry reads.
                "otlp-endpoint" => "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
                long => format!("AXON_{}", long.replace('-', "_").to_uppercase()),
            };
            let found = argument.get_env().map(|name| name.to_string_lossy().into_owned());
            assert_eq!(found, Some(wanted), "--{long} of {}", command.get_name());
        }
    }
}

#[test]
fn the_newcomers_command_is_understood() {
    let arguments = parse("axon run --simulate --until-ready config/examples").unwrap();
    let Command::Run(run) = arguments.command else { panic!("not run") };
    assert!(run.aws.simulate && run.until_ready);
    assert_eq!(run.paths, [std::path::PathBuf::from("config/examples")]);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_hint() {
    assert!(parse("axon plan").unwrap_err().contains("<PATH>..."));
    assert!(parse("axon plan --simulate --endpoint-url http://x a.yaml").unwrap_err().contains("cannot be used with"));
    assert!(parse("axon apply --timeout soon a.yaml").unwrap_err().contains("--timeout"));
    assert!(parse("axon run --speed 0 --simulate a.yaml").unwrap_err().contains("from 0.1 to 10000"));
    assert!(parse("axon run --listen nowhere a.yaml").unwrap_err().contains("127.0.0.1:8321, or none"));
    assert!(parse("axon plan --installation a/b a.yaml").unwrap_err().contains("is no installation id"));
    assert!(parse("axon logs NeuronJob/a --since soon").unwrap_err().contains("give a time such as 90s"));
    assert!(parse("axon logs NeuronJob/a --previous -f").unwrap_err().contains("cannot be used with"));
    assert!(parse("axon aply a.yaml").unwrap_err().contains("'apply'"));
}

#[test]
fn an_image_ends_after_a_time_with_an_exit_code() {
    let ends = |text: &str| {
        let parsed = parse(&format!("axon simulate --ends {text}"))?;
        let Command::Simulate(simulate) = parsed.command else { panic!("not simulate") };
        Ok::<_, String>(simulate.ends)
    };
    let ending = |image: &str, seconds, exit_code| Ending {
        image: image.to_owned(),
        after: Duration::from_secs(seconds),
        exit_code,
    };
    assert_eq!(ends("*/trainer:*=20m").unwrap(), [ending("*/trainer:*", 1_200, 0)]);
    assert_eq!(ends("a=1=90s:137,b=1h:0").unwrap(), [ending("a=1", 90, 137), ending("b", 3_600, 0)]);
    for wrong in ["trainer", "=20m", "a=soon", "a=20m:", "a=20m:256", "a=20m:x"] {
        assert!(ends(wrong).unwrap_err().contains("--ends"), "{wrong}");
    }
}

#[test]
fn global_flags_may_stand_behind_the_command() {
    let arguments = parse("axon schema --log-format json --color never").unwrap();
    assert_eq!(arguments.global.log_format, LogFormat::Json);
    assert_eq!(arguments.global.color, Color::Never);
}
