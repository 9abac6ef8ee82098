//! Between AWS's requests as plain data ([`axon_core::shape`]) and the SDK's types, in both directions.
//!
//! `execute` sends what comes out of here and `answers` reads what comes back; one file per file of `shape`, each a
//! table of members. The compiler keeps the tables complete: a member of `shape` that no row names does not build.
//! What the SDK knows and `shape` does not is dropped on the way back. No defaults, no rules, no calls.

use std::collections::{BTreeMap, HashMap};

use aws_smithy_types::error::operation::BuildError;

/// Turns a value of ours into the SDK's. Fails only where the SDK itself insists on a member.
pub(crate) trait IntoSdk<T> {
    /// The same value, as the SDK types it.
    fn into_sdk(self) -> Result<T, BuildError>;
}

/// Turns a value of the SDK into ours. Nothing can go wrong: unknown words stay words.
pub(crate) trait FromSdk<T>: Sized {
    /// The same value, as `shape` types it.
    fn from_sdk(sdk: T) -> Self;
}

/// Evens out that some of the SDK's builders can fail and others cannot.
pub(super) trait Finish<T> {
    /// The built value.
    fn finish(self) -> Result<T, BuildError>;
}

impl<T> Finish<T> for T {
    fn finish(self) -> Result<T, BuildError> {
        Ok(self)
    }
}

impl<T> Finish<T> for Result<T, BuildError> {
    fn finish(self) -> Self {
        self
    }
}

// Scalars are the same on both sides.
macro_rules! same {
    ($($scalar:ty),+) => {$(
        impl IntoSdk<$scalar> for $scalar {
            fn into_sdk(self) -> Result<$scalar, BuildError> {
                Ok(self)
            }
        }
        impl FromSdk<$scalar> for $scalar {
            fn from_sdk(sdk: $scalar) -> Self {
                sdk
            }
        }
    )+};
}

same!(String, bool, i32, f64);

impl<T, S: IntoSdk<T>> IntoSdk<Option<T>> for Option<S> {
    fn into_sdk(self) -> Result<Option<T>, BuildError> {
        self.map(IntoSdk::into_sdk).transpose()
    }
}

impl<T, S: FromSdk<T>> FromSdk<Option<T>> for Option<S> {
    fn from_sdk(sdk: Option<T>) -> Self {
        sdk.map(S::from_sdk)
    }
}

impl<T, S: IntoSdk<T>> IntoSdk<Vec<T>> for Vec<S> {
    fn into_sdk(self) -> Result<Vec<T>, BuildError> {
        self.into_iter().map(IntoSdk::into_sdk).collect()
    }
}

impl<T, S: FromSdk<T>> FromSdk<Vec<T>> for Vec<S> {
    fn from_sdk(sdk: Vec<T>) -> Self {
        sdk.into_iter().map(S::from_sdk).collect()
    }
}

/// A list without elements is not sent: AWS takes it as left out.
impl<T, S: IntoSdk<T>> IntoSdk<Option<Vec<T>>> for Vec<S> {
    fn into_sdk(self) -> Result<Option<Vec<T>>, BuildError> {
        if self.is_empty() { Ok(None) } else { IntoSdk::<Vec<T>>::into_sdk(self).map(Some) }
    }
}

impl<T, S: FromSdk<T>> FromSdk<Option<Vec<T>>> for Vec<S> {
    fn from_sdk(sdk: Option<Vec<T>>) -> Self {
        sdk.map(Self::from_sdk).unwrap_or_default()
    }
}

impl IntoSdk<Option<HashMap<String, String>>> for BTreeMap<String, String> {
    fn into_sdk(self) -> Result<Option<HashMap<String, String>>, BuildError> {
        Ok((!self.is_empty()).then(|| self.into_iter().collect()))
    }
}

impl FromSdk<Option<HashMap<String, String>>> for BTreeMap<String, String> {
    fn from_sdk(sdk: Option<HashMap<String, String>>) -> Self {
        sdk.unwrap_or_default().into_iter().collect()
    }
}

/// Converts `value` to the type of the SDK member that `_member` points at; the builders' own signatures
/// (`impl Into<String>`) leave that type open.
pub(super) fn typed<Sdk, T>(
    _member: impl for<'a> FnOnce(&'a Sdk) -> &'a T,
    value: impl IntoSdk<T>,
) -> Result<T, BuildError> {
    value.into_sdk()
}

/// Writes both directions for structs of `shape`, to and from those of the SDK under the same name, or under the one
/// after `as`. The calling file imports both under the names `shape` and `sdk`. Kinds of members:
///
/// - `req`: always there on both sides,
/// - `opt`: optional on both sides,
/// - `must`: always there here, optional in the SDK,
/// - `list`: a list here, an optional list in the SDK,
/// - `vec(set_member)`: a list on both sides, sent even if empty,
/// - `map`: texts by text here, the same but optional in the SDK.
macro_rules! wire {
    ($($name:ident $(as $sdk:ident)?: $($kind:ident $(($setter:ident))? $field:ident),+ $(,)?;)+) => {
        $($crate::convert::wire!(@both $name [$crate::convert::wire!(@sdk $name $($sdk)?)]
            $($kind $(($setter))? $field),+);)+
    };
    (@sdk $name:ident) => { sdk::$name };
    (@sdk $name:ident $sdk:ident) => { sdk::$sdk };
    (@both $name:ident [$sdk:ty] $($kind:ident $(($setter:ident))? $field:ident),+) => {
        impl $crate::convert::IntoSdk<$sdk> for shape::$name {
            fn into_sdk(self) -> Result<$sdk, aws_smithy_types::error::operation::BuildError> {
                let Self { $($field),+ } = self;
                let builder = <$sdk>::builder();
                $(let builder = $crate::convert::wire!(@put [$sdk] builder $kind $(($setter))? $field);)+
                $crate::convert::Finish::finish(builder.build())
            }
        }

        impl $crate::convert::FromSdk<$sdk> for shape::$name {
            fn from_sdk(sdk: $sdk) -> Self {
                Self { $($field: $crate::convert::wire!(@take $kind sdk.$field)),+ }
            }
        }
    };
    (@take must $sdk:ident.$field:ident) => {
        Option::from_sdk($sdk.$field).unwrap_or_default()
    };
    (@take $kind:ident $sdk:ident.$field:ident) => {
        $crate::convert::FromSdk::from_sdk($sdk.$field)
    };
    (@put [$sdk:ty] $builder:ident req $field:ident) => {
        $builder.$field($crate::convert::wire!(@typed [$sdk] $field $field))
    };
    (@put [$sdk:ty] $builder:ident opt $field:ident) => {
        match $crate::convert::wire!(@typed [$sdk] $field $field) {
            Some(value) => $builder.$field(value),
            None => $builder,
        }
    };
    (@put [$sdk:ty] $builder:ident must $field:ident) => {
        match $crate::convert::wire!(@typed [$sdk] $field (Some($field))) {
            Some(value) => $builder.$field(value),
            None => $builder,
        }
    };
    (@put [$sdk:ty] $builder:ident list $field:ident) => {
        $crate::convert::wire!(@typed [$sdk] $field $field)
            .into_iter()
            .flatten()
            .fold($builder, |builder, element| builder.$field(element))
    };
    (@put [$sdk:ty] $builder:ident map $field:ident) => {
        $crate::convert::wire!(@typed [$sdk] $field $field)
            .into_iter()
            .flatten()
            .fold($builder, |builder, (key, value)| builder.$field(key, value))
    };
    (@put [$sdk:ty] $builder:ident vec($setter:ident) $field:ident) => {
        $builder.$setter(Some($crate::convert::wire!(@typed [$sdk] $field $field)))
    };
    (@typed [$sdk:ty] $field:ident $value:tt) => {
        $crate::convert::typed(|sdk: &$sdk| &sdk.$field, $value)?
    };
}

/// Writes both directions between a word and the SDK's enum of known words. A word that the SDK does not know passes
/// through unchanged.
macro_rules! words {
    ($($name:ident),+ $(,)?) => {$(
        impl $crate::convert::IntoSdk<sdk::$name> for String {
            fn into_sdk(self) -> Result<sdk::$name, aws_smithy_types::error::operation::BuildError> {
                Ok(sdk::$name::from(self.as_str()))
            }
        }

        impl $crate::convert::FromSdk<sdk::$name> for String {
            fn from_sdk(sdk: sdk::$name) -> Self {
                sdk.as_str().to_owned()
            }
        }
    )+};
}

use wire;

mod cluster;
mod connect;
mod container;
mod deployment;
mod launch_template;
mod provider;
mod requirements;
mod run_task;
mod scaling_group;
mod service;
mod tags;
mod task_definition;
#[cfg(test)]
mod tests;
