//! Rules for the volumes of a task.
//!
//! Neighbours: called by `task`. Not here: where containers mount them (`container`).

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::spec::{Efs, Template, Volume};

use super::arn::{self, Resource};
use super::container::is_absolute;
use super::site::Site;
use super::subject::Subject;
use super::task::TEMPLATE;

pub(super) fn check(subject: &mut Subject<'_>, template: &Template, site: Site<'_>) {
    let mut names = BTreeSet::new();
    for (index, volume) in template.volumes.iter().enumerate() {
        let at = format!("{TEMPLATE}/volumes/{index}");
        if !names.insert(&volume.name) {
            let message = format!("a volume called {} is there already", volume.name);
            subject.report(Code::DuplicateVolume, &format!("{at}/name"), message, "Rename one.");
        }
        one(subject, volume, site, &at);
    }
}

fn one(subject: &mut Subject<'_>, volume: &Volume, site: Site<'_>, at: &str) {
    let kinds = [volume.efs.is_some(), volume.s3_files.is_some(), volume.host.is_some()];
    if kinds.into_iter().filter(|given| *given).count() > 1 {
        let message = format!("the volume {} is of several kinds", volume.name);
        subject.report(Code::VolumeKinds, at, message, "Keep one of efs, s3Files and host.");
    }
    if let Some(file_system) = &volume.efs {
        efs(subject, file_system, &format!("{at}/efs"));
    }
    if let Some(files) = &volume.s3_files {
        arn::check(subject, &format!("{at}/s3Files/fileSystemArn"), &files.file_system_arn, Resource::S3Files);
        let point = files.access_point_arn.as_ref();
        arn::check_optional(subject, &format!("{at}/s3Files/accessPointArn"), point, Resource::S3Files);
    }
    if let Some(path) = volume.host.as_ref().and_then(|host| host.path.as_deref()) {
        let at = format!("{at}/host/path");
        if !is_absolute(path) {
            subject.report(Code::BadPath, &at, format!("the path {path:?} is not absolute"), "Begin it with `/`.");
        } else if site.on_managed()
            && !["/var", "/tmp"].iter().any(|top| path == *top || path.starts_with(&format!("{top}/")))
        {
            let message = format!("Managed Instances cannot write to {path}");
            subject.report(Code::HostPathReadOnly, &at, message, "Use a directory below /var, or leave path out.");
        }
    }
}

fn efs(subject: &mut Subject<'_>, efs: &Efs, at: &str) {
    arn::check_id(subject, &format!("{at}/fileSystemId"), &efs.file_system_id, "fs-");
    let point = efs.authorization.as_ref().and_then(|auth| auth.access_point_id.as_ref());
    if let Some(id) = point {
        arn::check_id(subject, &format!("{at}/authorization/accessPointId"), id, "fsap-");
    }
    let root = efs.root_directory.as_deref().unwrap_or("/");
    if !is_absolute(root) || (point.is_some() && root != "/") {
        let message = format!("rootDirectory is {root:?}");
        let help = "Write an absolute path; with an access point, `/`.";
        subject.report(Code::BadPath, &format!("{at}/rootDirectory"), message, help);
    }
}
