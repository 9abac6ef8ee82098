//! Asks a type whether it has the member that a JSON pointer leads to, by deserializing nothing but the pointer.
//!
//! Neighbours: `drift` asks it about AWS's requests, whose types know all their members. Not here: what the answer means.

use serde::de::value::Error;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, Visitor};

/// Where a pointer leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leads {
    /// To a member.
    Somewhere,
    /// To nothing: the segment of this number is none of the members there.
    Nowhere(usize, &'static [&'static str]),
    /// Into a list, of which the segment of this number would be an item.
    IntoList(usize),
    /// Beyond a value that has no members, from the segment of this number on.
    TooDeep(usize),
}

/// Where a pointer leads in documents of a type.
pub(super) fn probe<T: DeserializeOwned>(path: &[String]) -> Leads {
    let mut leads = Leads::Somewhere;
    // It always ends with an error: nothing is there to be deserialized.
    let _ended = T::deserialize(Probe { path, at: 0, leads: &mut leads });
    leads
}

struct Probe<'p> {
    path: &'p [String],
    at: usize,
    leads: &'p mut Leads,
}

impl Probe<'_> {
    /// The probe ends here.
    fn end(self, beyond: fn(usize) -> Leads) -> Error {
        if self.path.len() > self.at {
            *self.leads = beyond(self.at);
        }
        de::Error::custom("probed")
    }
}

macro_rules! scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(self.end(Leads::TooDeep))
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier
    }

    /// A document of any form may have any member.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(self.end(|_| Leads::Somewhere))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, Error> {
        Err(self.end(Leads::TooDeep))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(self.end(Leads::TooDeep))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(self.end(Leads::IntoList))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(self.end(Leads::IntoList))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, _: V) -> Result<V::Value, Error> {
        Err(self.end(Leads::IntoList))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.path.len() == self.at {
            return Err(self.end(Leads::TooDeep));
        }
        visitor.visit_map(Member { probe: Some(self) })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.path.get(self.at) {
            Some(segment) if !members.contains(&segment.as_str()) => {
                let at = self.at;
                *self.leads = Leads::Nowhere(at, members);
                Err(de::Error::custom("probed"))
            }
            Some(_) => visitor.visit_map(Member { probe: Some(self) }),
            None => Err(self.end(Leads::TooDeep)),
        }
    }
}

/// The one member that the pointer goes on with.
struct Member<'p> {
    probe: Option<Probe<'p>>,
}

impl<'de> MapAccess<'de> for Member<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let segment = self.probe.as_ref().and_then(|probe| probe.path.get(probe.at));
        segment.map(|segment| seed.deserialize(segment.clone().into_deserializer())).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some(probe) = self.probe.take() else { return Err(de::Error::custom("probed")) };
        seed.deserialize(Probe { at: probe.at + 1, ..probe })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ignored::segments;
    use crate::shape::service::UpdateService;

    fn leads(pointer: &str) -> Leads {
        probe::<UpdateService>(&segments(pointer).unwrap())
    }

    #[test]
    fn members_are_found_at_any_depth_whatever_their_form() {
        for pointer in [
            "/desiredCount",
            "/enableECSManagedTags",
            "/loadBalancers",
            "/deploymentConfiguration",
            "/deploymentConfiguration/maximumPercent",
            "/networkConfiguration/awsvpcConfiguration/subnets",
            "/serviceConnectConfiguration/logConfiguration/options/anything",
        ] {
            assert_eq!(leads(pointer), Leads::Somewhere, "{pointer}");
        }
    }

    #[test]
    fn what_leads_nowhere_says_where_it_is_lost_and_what_is_there() {
        let Leads::Nowhere(0, members) = leads("/desired") else { panic!() };
        assert!(members.contains(&"desiredCount"));
        let Leads::Nowhere(1, members) = leads("/deploymentConfiguration/maxPercent") else { panic!() };
        assert!(members.contains(&"maximumPercent"));
        assert_eq!(leads("/desiredCount/x"), Leads::TooDeep(1));
        assert_eq!(leads("/loadBalancers/0/containerPort"), Leads::IntoList(1));
    }
}
