//! Rules for one container.
//!
//! Neighbours: called by `task`. Not here: what containers have to do with one another (`task`, `dependencies`).

use crate::diagnostic::{Code, did_you_mean};
use crate::parse::escape;
use crate::spec::{Container, Duration, HealthCheck, LogDriver, Logging, Template};

use super::arn::{self, Resource};
use super::site::Site;
use super::subject::Subject;

pub(super) fn check(
    subject: &mut Subject<'_>,
    (template, container): (&Template, &Container),
    site: Site<'_>,
    at: &str,
) {
    let image = &container.image;
    if image.is_empty() || image.contains(char::is_whitespace) {
        let message = format!("the image {image:?} cannot be pulled");
        subject.report(
            Code::BadImage,
            &format!("{at}/image"),
            message,
            "Write registry, repository and tag or digest.",
        );
    }
    environment(subject, container, at);
    if let Some(check) = &container.health_check {
        health(subject, check, &format!("{at}/healthCheck"));
    }
    logging(subject, &container.logging, &format!("{at}/logging"));
    mounts(subject, template, container, at);
    limits(subject, container, at);
    if site.on_managed() {
        on_managed(subject, container, at);
    }
    let credentials = container.repository_credentials.as_ref();
    arn::check_optional(subject, &format!("{at}/repositoryCredentials"), credentials, Resource::Secret);
}

fn environment(subject: &mut Subject<'_>, container: &Container, at: &str) {
    if container.env.contains_key("AWS_NEURON_VISIBLE_DEVICES") {
        let message = "AWS_NEURON_VISIBLE_DEVICES is set; it gives out no devices on ECS, or others than Axon chose";
        let help = "Remove it; `devices` decides.";
        subject.report(Code::VisibleDevicesEnv, &format!("{at}/env/AWS_NEURON_VISIBLE_DEVICES"), message, help);
    }
    for (name, value) in &container.secrets {
        let at = format!("{at}/secrets/{}", escape(name));
        if container.env.contains_key(name) {
            let message = format!("{name} is in env and in secrets");
            subject.report(Code::EnvAndSecret, &at, message, "Keep one of them.");
        }
        secret(subject, &at, value);
    }
    for (index, file) in container.env_files.iter().enumerate() {
        arn::check(subject, &format!("{at}/envFiles/{index}"), file, Resource::S3Object);
    }
}

/// A reference to a secret. Its text is not repeated: it may be the secret itself.
fn secret(subject: &mut Subject<'_>, at: &str, value: &str) {
    if !Resource::SecretOrParameter.names(value) {
        let message = "the value is not an ARN of Secrets Manager or Parameter Store";
        let help = "Store the value there and write the ARN. If it was a secret, treat it as known to others.";
        subject.report(Code::SecretNotArn, at, message, help);
    }
}

fn health(subject: &mut Subject<'_>, check: &HealthCheck, at: &str) {
    let seconds = Duration::seconds;
    let ranges = [
        ("interval", seconds(check.interval), 5, 300),
        ("timeout", seconds(check.timeout), 2, 60),
        ("retries", check.retries, 1, 10),
        ("startPeriod", check.start_period.map_or(0, seconds), 0, 300),
    ];
    for (field, has, least, most) in ranges.into_iter().filter(|(_, has, least, most)| has < least || has > most) {
        let unit = if field == "retries" { "" } else { " s" };
        let message = format!("{field} is {has}{unit}; ECS accepts {least} to {most}{unit}");
        let longer = "For a model that loads longer, set healthCheckGracePeriod on the service.";
        let help = if field == "startPeriod" { longer } else { "Choose a value in the range." };
        subject.report(Code::HealthCheckRange, &format!("{at}/{field}"), message, help);
    }
    if !check.command.iter().any(|word| !matches!(word.as_str(), "" | "CMD" | "CMD-SHELL")) {
        let help = "Write [\"CMD-SHELL\", \"curl -f http://localhost:8080/health\"].";
        subject.report(Code::HealthCheckRange, &format!("{at}/command"), "the command is empty", help);
    }
}

/// Rules for log settings, of a container or of the Service Connect proxy.
pub(super) fn logging(subject: &mut Subject<'_>, logging: &Logging, at: &str) {
    let own = [&logging.group, &logging.region, &logging.stream_prefix];
    let any_own = own.into_iter().any(Option::is_some);
    let any_option = !logging.options.is_empty() || !logging.secret_options.is_empty();
    let problem = match logging.driver {
        LogDriver::Awslogs => (logging.stream_prefix.as_deref() == Some(""))
            .then_some("streamPrefix is empty, and Managed Instances need one"),
        LogDriver::None => (any_own || any_option).then_some("the driver None takes no settings"),
        LogDriver::Splunk | LogDriver::Awsfirelens | LogDriver::JsonFile => {
            any_own.then_some("group, region and streamPrefix belong to the driver Awslogs")
        }
    };
    if let Some(message) = problem {
        subject.report(Code::LogOptions, at, message, "Leave them out, or use `options` for other drivers.");
    }
    for (name, value) in &logging.secret_options {
        secret(subject, &format!("{at}/secretOptions/{}", escape(name)), value);
    }
}

fn mounts(subject: &mut Subject<'_>, template: &Template, container: &Container, at: &str) {
    for (index, mount) in container.mounts.iter().enumerate() {
        let at = format!("{at}/mounts/{index}");
        if !template.volumes.iter().any(|volume| volume.name == mount.volume) {
            let names = template.volumes.iter().map(|volume| volume.name.as_str());
            let help = did_you_mean(mount.volume.as_str(), names).unwrap_or_else(|| "Add it to volumes.".to_owned());
            let message = format!("the template has no volume {}", mount.volume);
            subject.report(Code::UnknownVolume, &format!("{at}/volume"), message, help);
        }
        if !is_absolute(&mount.path) {
            let message = format!("the path {:?} is not absolute", mount.path);
            subject.report(Code::BadPath, &format!("{at}/path"), message, "Begin it with `/`, without `..`.");
        }
    }
}

/// True for a path from the root that does not climb.
pub(super) fn is_absolute(path: &str) -> bool {
    path.starts_with('/') && !path.split('/').any(|part| part == "..")
}

fn limits(subject: &mut Subject<'_>, container: &Container, at: &str) {
    let period = container.restart_policy.as_ref().and_then(|policy| policy.attempt_period);
    if let Some(time) = period.filter(|time| !(60..=1800).contains(&time.seconds())) {
        let message = format!("attemptPeriod is {time}; ECS accepts 1m to 30m");
        let at = format!("{at}/restartPolicy/attemptPeriod");
        subject.report(Code::RestartPeriod, &at, message, "Choose a value in the range.");
    }
    if let (Some(limit), Some(reserved)) = (container.memory, container.memory_reservation)
        && reserved >= limit
    {
        let message = format!("memoryReservation {reserved} is not below memory {limit}");
        let at = format!("{at}/memoryReservation");
        subject.report(Code::ContainersExceedTask, &at, message, "Raise memory, or leave one of them out.");
    }
    for (index, limit) in container.ulimits.iter().enumerate() {
        let unlimited = |value: i32| if value < 0 { i32::MAX } else { value };
        if unlimited(limit.soft) > unlimited(limit.hard) {
            let message = format!("the soft limit {} is above the hard limit {}", limit.soft, limit.hard);
            subject.report(Code::UlimitReversed, &format!("{at}/ulimits/{index}"), message, "Raise the hard limit.");
        }
    }
}

/// What Managed Instances refuse, and EC2 instances take.
fn on_managed(subject: &mut Subject<'_>, container: &Container, at: &str) {
    let timeouts =
        [("startTimeout", container.start_timeout, 600, "10m"), ("stopTimeout", container.stop_timeout, 86_400, "24h")];
    for (field, time, most, shown) in timeouts {
        if let Some(time) = time.filter(|time| time.seconds() > most) {
            let message = format!("{field} is {time}; Managed Instances allow {shown}");
            subject.report(Code::TimeoutRange, &format!("{at}/{field}"), message, "Shorten it.");
        }
    }
    let Some(linux) = &container.linux else { return };
    let refused = [("sharedMemorySize", linux.shared_memory_size.is_some()), ("tmpfs", !linux.tmpfs.is_empty())];
    for (field, _) in refused.into_iter().filter(|(_, given)| *given) {
        let message = format!("{field} cannot be set on Managed Instances");
        let help = "Remove it; mount a volume without efs, s3Files and host where the program wants scratch space.";
        subject.report(Code::NotOnManaged, &format!("{at}/linux/{field}"), message, help);
    }
}
