//! What time it is by AWS: the machine's clock, and how far AWS's is ahead of it.
//!
//! Every answer of AWS is dated. `connect` gives the interceptor to all clients; `call` and `observe` date with it what they
//! bring back, and `runtime` asks through [`Cloud::aws_time`](axon_core::cloud::Cloud::aws_time). The SDK goes by the machine's clock and has
//! a correction of its own for signatures.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use aws_sdk_ecs::error::BoxError;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::date_time::Format;
use jiff::{SignedDuration, Timestamp};

/// A clock that is right to within this is left alone: each answer says it to a second, and a present that moves with every answer would
/// be worse.
const TOLERATED: SignedDuration = SignedDuration::from_secs(1);

/// From here on somebody should look after the machine's clock. AWS refuses signatures that are off by five minutes (IAM User
/// Guide, "AWS Signature Version 4 for API requests").
const NOTEWORTHY: SignedDuration = SignedDuration::from_secs(30);

/// The machine's clock and what is known of AWS's.
#[derive(Clone, Debug)]
pub(crate) struct AwsTime {
    machine: SharedTimeSource,
    /// Milliseconds.
    offset: Arc<AtomicI64>,
}

impl AwsTime {
    /// Takes the machine's clock for AWS's until an answer says otherwise.
    pub(crate) fn new(machine: SharedTimeSource) -> Self {
        Self { machine, offset: Arc::default() }
    }

    /// What time it is by AWS.
    pub(crate) fn now(&self) -> Timestamp {
        self.at(Timestamp::try_from(self.machine.now()).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// What time it is by AWS when the machine's clock shows this.
    pub(crate) fn at(&self, machine: Timestamp) -> Timestamp {
        machine.saturating_add(self.offset()).unwrap_or(machine)
    }

    /// The machine's time, for measuring how long something takes.
    pub(crate) fn machine(&self) -> SystemTime {
        self.machine.now()
    }

    /// How far AWS's clock is ahead of the machine's.
    fn offset(&self) -> SignedDuration {
        SignedDuration::from_millis(self.offset.load(Ordering::Relaxed))
    }

    /// Learns from a date that AWS wrote at some moment between two of the machine's. What fits the date is kept; otherwise as
    /// little is changed as makes it fit, since an answer may have been long under way, and nothing is made to look older than it is.
    fn learn(&self, (sent, answered): (Timestamp, Timestamp), date: Timestamp) {
        let (least, most) = (date.duration_since(answered), date.duration_since(sent));
        let known = self.offset();
        // A date is the second in which it was written.
        let until = most.saturating_add(SignedDuration::from_secs(1));
        let fits = (least.saturating_sub(TOLERATED)..=until.saturating_add(TOLERATED)).contains(&known);
        let set_back_meanwhile = least > most;
        if fits || set_back_meanwhile {
            return;
        }
        let offset = known.clamp(least, most);
        self.offset.store(i64::try_from(offset.as_millis()).unwrap_or_default(), Ordering::Relaxed);
        let aws_is_ahead_by_seconds = offset.as_secs();
        let moved = offset.saturating_sub(known).abs() > NOTEWORTHY;
        if moved && offset.abs() > NOTEWORTHY {
            tracing::warn!(
                aws_is_ahead_by_seconds,
                "the clock of this machine is wrong: Axon goes by AWS's. Set it, for instance with NTP: AWS refuses calls that are \
                 signed at the wrong time"
            );
        } else if moved {
            tracing::info!(aws_is_ahead_by_seconds, "the clock of this machine is right again");
        }
    }
}

/// When a request was sent, by the machine's clock.
#[derive(Clone, Copy, Debug)]
struct Sent(Timestamp);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Intercept for AwsTime {
    fn name(&self) -> &'static str {
        "AwsTime"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(sent) = Timestamp::try_from(self.machine()) {
            config.interceptor_state().store_put(Sent(sent));
        }
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answered = Timestamp::try_from(self.machine()).ok();
        if let (Some(Sent(sent)), Some(answered), Some(date)) =
            (config.load::<Sent>(), answered, date(context.response()))
        {
            self.learn((*sent, answered), date);
        }
        Ok(())
    }
}

/// When AWS wrote an answer. The page of a proxy says nothing about AWS's time: what is from AWS has a request id.
fn date(answer: &HttpResponse) -> Option<Timestamp> {
    let headers = answer.headers();
    headers.get("x-amzn-requestid")?;
    let date = DateTime::from_str(headers.get("date")?, Format::HttpDate).ok()?;
    Timestamp::from_second(date.secs()).ok()
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::time::StaticTimeSource;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A machine whose clock shows 1,000, and which has heard of these answers: sent, answered, dated.
    fn heard(answers: &[(i64, i64, i64)]) -> AwsTime {
        let time = AwsTime::new(SharedTimeSource::new(StaticTimeSource::from_secs(1_000)));
        for (sent, answered, date) in answers {
            time.learn((at(*sent), at(*answered)), at(*date));
        }
        time
    }

    #[test]
    fn a_clock_that_is_right_is_left_alone() {
        for answer in [
            (1_000, 1_000, 1_000),
            (1_000, 1_002, 1_001),
            (1_000, 1_030, 999),
            (1_000, 1_000, 998),
            (1_000, 1_000, 1_001),
        ] {
            assert_eq!(heard(&[answer]).now(), at(1_000), "{answer:?}");
        }
    }

    #[test]
    fn a_clock_that_is_ahead_or_behind_is_set_right_by_one_answer() {
        assert_eq!(heard(&[(87_400, 87_400, 1_000)]).now(), at(1_000 - 86_400));
        assert_eq!(heard(&[(1_000, 1_000, 4_600)]).now(), at(4_600));
    }

    #[test]
    fn an_answer_that_was_long_under_way_makes_no_clock_wrong() {
        assert_eq!(
            heard(&[(1_000, 1_240, 1_000)]).now(),
            at(1_000),
            "AWS answered at once, and the answer took four minutes"
        );
        assert_eq!(heard(&[(1_000, 1_240, 1_239)]).now(), at(1_000), "AWS took four minutes");
        assert_eq!(
            heard(&[(4_600, 4_840, 1_000)]).now(),
            at(1_000 - 3_600),
            "an hour ahead, and not four minutes more"
        );
    }

    #[test]
    fn a_clock_that_is_set_right_meanwhile_is_believed_again() {
        let time = heard(&[(1_000, 1_000, 4_600)]);
        let now = Timestamp::from_millisecond(4_610_900).unwrap();
        time.learn((now, now), at(4_610));
        assert_eq!(time.offset(), SignedDuration::from_millis(-900), "by less than a second, and never ahead");
    }

    #[test]
    fn an_answer_during_which_the_clock_was_set_back_teaches_nothing() {
        assert_eq!(heard(&[(4_600, 1_000, 4_600)]).now(), at(1_000));
    }

    #[test]
    fn only_answers_of_aws_say_what_time_it_is() {
        let mut answer = HttpResponse::new(200.try_into().unwrap(), "".into());
        answer.headers_mut().insert("date", "Thu, 01 Jan 1970 00:16:40 GMT");
        assert_eq!(date(&answer), None);
        answer.headers_mut().insert("x-amzn-requestid", "1");
        assert_eq!(date(&answer), Some(at(1_000)));
        answer.headers_mut().insert("date", "yesterday");
        assert_eq!(date(&answer), None);
    }
}
