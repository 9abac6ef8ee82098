//! ARNs and resource ids: does the text name the kind of thing a field takes?
//!
//! Neighbours: used by the rules of every kind. Not here: whether the thing exists.

use crate::diagnostic::Code;

use super::subject::Subject;

/// A kind of resource, as an ARN shows it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Resource {
    Role,
    InstanceProfile,
    CapacityGroup,
    TargetGroup,
    Listener,
    LatticeTargetGroup,
    CloudMapService,
    CloudMapNamespace,
    Lambda,
    KmsKey,
    Secret,
    SecretOrParameter,
    S3Object,
    S3Files,
    PrivateCa,
}

impl Resource {
    /// The service, and how the resource part begins; several if several will do.
    fn forms(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Role => &[("iam", "role/")],
            Self::InstanceProfile => &[("iam", "instance-profile/")],
            Self::CapacityGroup => &[("resource-groups", "group/")],
            Self::TargetGroup => &[("elasticloadbalancing", "targetgroup/")],
            Self::Listener => &[("elasticloadbalancing", "listener-rule/"), ("elasticloadbalancing", "listener/")],
            Self::LatticeTargetGroup => &[("vpc-lattice", "targetgroup/")],
            Self::CloudMapService => &[("servicediscovery", "service/")],
            Self::CloudMapNamespace => &[("servicediscovery", "namespace/")],
            Self::Lambda => &[("lambda", "function:")],
            Self::KmsKey => &[("kms", "key/"), ("kms", "alias/")],
            Self::Secret => &[("secretsmanager", "secret:")],
            Self::SecretOrParameter => &[("secretsmanager", "secret:"), ("ssm", "parameter/")],
            Self::S3Object => &[("s3", "")],
            Self::S3Files => &[("s3files", "file-system/")],
            Self::PrivateCa => &[("acm-pca", "certificate-authority/")],
        }
    }

    fn described(self) -> String {
        let forms = self.forms().iter().map(|(service, resource)| match *service {
            "iam" => format!("arn:aws:iam::111122223333:{resource}…"),
            "s3" => "arn:aws:s3:::bucket/key".to_owned(),
            service => format!("arn:aws:{service}:us-east-1:111122223333:{resource}…"),
        });
        forms.collect::<Vec<_>>().join(" or ")
    }

    /// True if the text is the ARN of such a resource.
    pub(super) fn names(self, text: &str) -> bool {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (arn, partition, service) = (next(), next(), next());
        let (region, account, resource) = (next(), next(), next());
        let matching = self.forms().iter().find(|(wanted, start)| *wanted == service && resource.starts_with(start));
        let Some((_, start)) = matching else { return false };
        let global = matches!(service, "iam" | "s3");
        let numbered = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        arn == "arn"
            && (partition == "aws" || partition.starts_with("aws-"))
            && (global == region.is_empty())
            && (numbered || (service == "s3" && account.is_empty()))
            && resource.len() > start.len()
            && !text.contains(char::is_whitespace)
            && (service != "s3" || resource.contains('/'))
    }
}

/// Checks the ARN in a field.
pub(super) fn check(subject: &mut Subject<'_>, pointer: &str, text: &str, resource: Resource) {
    if !resource.names(text) {
        let message = format!("{} is {text:?}", field(pointer));
        subject.report(Code::BadArn, pointer, message, format!("Write an ARN such as {}.", resource.described()));
    }
}

/// Checks an ARN that may be left out.
pub(super) fn check_optional(subject: &mut Subject<'_>, pointer: &str, text: Option<&String>, resource: Resource) {
    if let Some(text) = text {
        check(subject, pointer, text, resource);
    }
}

/// Checks ids such as `subnet-0a1b2c3d`: the prefix, then 8 or 17 hexadecimal digits (access points: 17).
pub(super) fn check_id(subject: &mut Subject<'_>, pointer: &str, text: &str, prefix: &str) {
    let lengths: &[usize] = if prefix == "fsap-" { &[17] } else { &[8, 17] };
    let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    let good = text.strip_prefix(prefix).is_some_and(|rest| lengths.contains(&rest.len()) && rest.bytes().all(hex));
    if !good {
        let message = format!("{} is {text:?}", field(pointer));
        let digits = if prefix == "fsap-" { "17" } else { "8 or 17" };
        let help = format!("Write `{prefix}` and {digits} hexadecimal digits.");
        subject.report(Code::BadResourceId, pointer, message, help);
    }
}

/// Checks every id of a list.
pub(super) fn check_ids(subject: &mut Subject<'_>, pointer: &str, ids: &[String], prefix: &str) {
    for (index, id) in ids.iter().enumerate() {
        check_id(subject, &format!("{pointer}/{index}"), id, prefix);
    }
}

fn field(pointer: &str) -> String {
    format!("`{}`", pointer.trim_start_matches('/').replace('/', "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_service_and_kind() {
        assert!(Resource::Role.names("arn:aws:iam::111122223333:role/path/x"));
        assert!(Resource::Role.names("arn:aws-us-gov:iam::111122223333:role/x"));
        assert!(Resource::S3Object.names("arn:aws:s3:::bucket/app.env"));
        assert!(Resource::SecretOrParameter.names("arn:aws:ssm:us-east-1:111122223333:parameter/a/b"));
    }

    #[test]
    fn other_arns_are_refused() {
        for text in [
            "",
            "x",
            "arn:aws:iam::111122223333:user/x",
            "arn:aws:iam::1111:role/x",
            "arn:aws:iam:us-east-1:111122223333:role/x",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/a b",
        ] {
            assert!(!Resource::Role.names(text), "{text:?} was accepted");
        }
        assert!(!Resource::TargetGroup.names("arn:aws:elasticloadbalancing::111122223333:targetgroup/x/1"));
    }
}
