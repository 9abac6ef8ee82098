//! Bad days of AWS, for rehearsals: requests that are throttled, that fail, or whose credentials have expired, at random
//! or at times. Neighbours: `aws` asks before and after an operation runs, `options` says how bad the day is. Not here:
//! the published rates (`throttle`), which hold on good days too.

use crate::ids::Ids;
use crate::throttle;
use crate::wire::fault::Fault;

/// Credentials expire once in so many seconds of simulated time.
const PERIOD: i64 = 600;

/// How bad the day is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disturbance {
    /// Of a hundred requests, how many are throttled whatever the rate.
    pub throttled_percent: u8,
    /// Of a hundred requests, how many end in a server error. Every other one of them has its effect all the same.
    pub failed_percent: u8,
    /// In every ten minutes, for how many seconds credentials count as expired.
    pub expired_seconds: u32,
}

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fate {
    /// It is answered.
    Answered,
    /// It is refused, and nothing happens.
    Refused(Fault),
    /// It has its effect, and the answer is an error.
    Unheard(Fault),
}

impl Disturbance {
    /// Decides about the next request. On a good day it draws nothing.
    pub(crate) fn fate(self, dice: &mut Ids, service: &str, second: i64) -> Fate {
        if second.rem_euclid(PERIOD) < i64::from(self.expired_seconds) {
            let code = if service == "ec2" { "RequestExpired" } else { "ExpiredTokenException" };
            return Fate::Refused(Fault::new(code, "The security token included in the request is expired"));
        }
        let (throttled, failed) = (i64::from(self.throttled_percent), i64::from(self.failed_percent));
        if throttled + failed == 0 {
            return Fate::Answered;
        }
        let drawn = dice.between(0, 199);
        if drawn < 2 * throttled {
            return Fate::Refused(throttle::fault(service));
        }
        match drawn - 2 * throttled {
            rest if rest >= 2 * failed => Fate::Answered,
            rest if rest % 2 == 0 => Fate::Refused(failure(service)),
            _ => Fate::Unheard(failure(service)),
        }
    }
}

fn failure(service: &str) -> Fault {
    let code = match service {
        "ecs" => "ServerException",
        "ssm" => "InternalServerError",
        "ec2" => "InternalError",
        "logs" => "ServiceUnavailableException",
        _ => "InternalFailure",
    };
    Fault { status: 500, ..Fault::new(code, "Service Unavailable. Please try again later.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(disturbance: Disturbance, requests: i64) -> (usize, usize, usize) {
        let mut dice = Ids::new(7);
        let (mut answered, mut refused, mut unheard) = (0, 0, 0);
        for _ in 0..requests {
            match disturbance.fate(&mut dice, "ecs", 599) {
                Fate::Answered => answered += 1,
                Fate::Refused(_) => refused += 1,
                Fate::Unheard(_) => unheard += 1,
            }
        }
        (answered, refused, unheard)
    }

    #[test]
    fn a_good_day_disturbs_nothing() {
        assert_eq!(day(Disturbance::default(), 1_000), (1_000, 0, 0));
    }

    #[test]
    fn so_many_of_a_hundred_are_throttled_and_half_of_the_failures_have_their_effect() {
        let bad = Disturbance { throttled_percent: 30, failed_percent: 10, expired_seconds: 0 };
        let (answered, refused, unheard) = day(bad, 10_000);
        assert!((5_700..6_300).contains(&answered), "{answered}");
        assert!((3_200..3_800).contains(&refused), "{refused}");
        assert!((400..600).contains(&unheard), "{unheard}");
        let worst = Disturbance { throttled_percent: 100, ..Disturbance::default() };
        assert_eq!(day(worst, 100), (0, 100, 0));
    }

    #[test]
    fn credentials_expire_for_a_while_in_every_ten_minutes() {
        let bad = Disturbance { expired_seconds: 60, ..Disturbance::default() };
        let mut dice = Ids::new(1);
        let code = |fate| match fate {
            Fate::Refused(fault) => fault.code,
            _ => "",
        };
        assert_eq!(code(bad.fate(&mut dice, "ecs", 1_200)), "ExpiredTokenException");
        assert_eq!(code(bad.fate(&mut dice, "ec2", 1_259)), "RequestExpired");
        assert_eq!(bad.fate(&mut dice, "ecs", 1_260), Fate::Answered);
    }
}
