//! Flags of every command. Neighbours: `logging` and `output` follow them.

use std::io::{self, IsTerminal};

use anstream::ColorChoice;
use clap::{Args, ValueEnum};

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// How log lines on stderr look.
    #[arg(long, global = true, env = "AXON_LOG_FORMAT", value_enum, default_value_t, hide_env = true)]
    #[arg(help_heading = "Global options", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// How much is logged: error, warn, info, debug, trace, or directives as `axon_aws=debug`
    /// [default: error; info for run with JSON].
    #[arg(long, global = true, env = "AXON_LOG_LEVEL", hide_env = true)]
    #[arg(help_heading = "Global options", value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Where traces go: an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Nowhere
    /// unless it is named, here or by OTEL_EXPORTER_OTLP_ENDPOINT.
    #[arg(long, global = true, env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env = true)]
    #[arg(help_heading = "Global options", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// When to use colour; auto also follows NO_COLOR.
    #[arg(long, global = true, env = "AXON_COLOR", value_enum, default_value_t, hide_env = true)]
    #[arg(help_heading = "Global options", value_name = "WHEN")]
    pub color: Color,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Even into files.
    Always,
    /// Not at all.
    Never,
}

impl Color {
    /// The choice in the streams' words.
    pub const fn choice(self) -> ColorChoice {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
    }

    /// Whether log lines on stderr are coloured.
    pub fn wants_color_on_stderr(self) -> bool {
        match self {
            Self::Auto => {
                io::stderr().is_terminal() && anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never
            }
            Self::Always => true,
            Self::Never => false,
        }
    }
}
