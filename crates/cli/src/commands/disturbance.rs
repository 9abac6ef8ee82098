//! `--disturb name=number`: how bad a day the simulated AWS has. Neighbours: `axon_sim::Disturbance` says what each one
//! means, `simulate` serves it.

use axon_sim::Disturbance;

use crate::failure::Failure;

const KNOWN: &str = "throttled=PERCENT, failed=PERCENT, expired=SECONDS (of every ten minutes)";

/// The disturbances as given; without any, a good day.
pub(super) fn disturbance(given: &[String]) -> Result<Disturbance, Failure> {
    let mut all = Disturbance::default();
    for one in given {
        let (name, value) = one.split_once('=').unwrap_or((one, ""));
        let wrong = || Failure::usage(format!("the disturbance {one:?} makes no sense")).hint(format!("give {KNOWN}"));
        match name {
            "throttled" => all.throttled_percent = percent(value).ok_or_else(wrong)?,
            "failed" => all.failed_percent = percent(value).ok_or_else(wrong)?,
            "expired" => all.expired_seconds = value.parse().map_err(|_| wrong())?,
            _ => return Err(Failure::usage(format!("there is no disturbance {name:?}")).hint(format!("give {KNOWN}"))),
        }
    }
    if u32::from(all.throttled_percent) + u32::from(all.failed_percent) > 100 {
        return Err(Failure::usage("throttled and failed are shares of the same hundred requests")
            .hint("give numbers whose sum is at most 100"));
    }
    Ok(all)
}

fn percent(text: &str) -> Option<u8> {
    text.parse().ok().filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[&str]) -> Result<Disturbance, Failure> {
        disturbance(&given.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_bad_day_is_put_together_from_its_parts() {
        let expected = Disturbance { throttled_percent: 30, failed_percent: 10, expired_seconds: 60 };
        assert_eq!(read(&["throttled=30", "failed=10", "expired=60"]).unwrap(), expected);
        assert_eq!(read(&[]).unwrap(), Disturbance::default());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_does() {
        for wrong in [&["slow=1"][..], &["failed=101"], &["failed"], &["throttled=60", "failed=41"], &["expired=-1"]] {
            let failure = read(wrong).unwrap_err();
            assert!(failure.hint.starts_with("give "), "{failure:?}");
        }
    }
}
