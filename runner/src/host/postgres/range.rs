//! Ranges between the interface and the driver's type for them, which is the one that Spin uses.

use std::error::Error as StdError;
use std::fmt::Display;

use anyhow::ensure;
use bytes::BytesMut;
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::bindings::RangeBoundKind;

/// A bound and whether it belongs to the range; none stands for no bound.
pub(crate) type Bound<T> = Option<(T, RangeBoundKind)>;

/// A range of whole numbers as a parameter. One whose bounds are the wrong way round is the empty range.
///
/// # Errors
///
/// A bound that is followed by no number: the driver's type asks for that number, and on Spin the host panics.
pub(crate) fn of_integers<T>(lower: Bound<T>, upper: Bound<T>, largest: T) -> anyhow::Result<Range<T>>
where
    T: Copy + Display + Normalizable + PartialOrd,
{
    let is_last = |bound: Bound<T>, kind: RangeBoundKind| {
        bound.is_some_and(|(value, its_kind)| value == largest && its_kind == kind)
    };
    ensure!(
        !is_last(lower, RangeBoundKind::Exclusive) && !is_last(upper, RangeBoundKind::Inclusive),
        "invalid range: no number follows its bound {largest}"
    );
    Ok(Range::new(lower.map(bound), upper.map(bound)))
}

/// A range of decimals as a parameter.
pub(crate) fn of_decimals(lower: Bound<Decimal>, upper: Bound<Decimal>) -> Range<RangeDecimal> {
    let decimal = |(value, kind)| (RangeDecimal(value), kind);
    Range::new(lower.map(decimal).map(bound), upper.map(decimal).map(bound))
}

fn bound<S: BoundSided, T: PartialOrd>((value, kind): (T, RangeBoundKind)) -> RangeBound<S, T> {
    RangeBound::new(
        value,
        match kind {
            RangeBoundKind::Inclusive => BoundType::Inclusive,
            RangeBoundKind::Exclusive => BoundType::Exclusive,
        },
    )
}

/// The bounds of a range that was read. An empty range has neither, like the unbounded one.
pub(crate) fn bounds<T, U>(range: &Range<T>, value: impl Fn(&T) -> U) -> (Bound<U>, Bound<U>)
where
    T: Normalizable + PartialOrd,
{
    (
        range
            .lower()
            .map(|bound| (value(&bound.value), kind(bound.type_))),
        range
            .upper()
            .map(|bound| (value(&bound.value), kind(bound.type_))),
    )
}

fn kind(bound: BoundType) -> RangeBoundKind {
    match bound {
        BoundType::Inclusive => RangeBoundKind::Inclusive,
        BoundType::Exclusive => RangeBoundKind::Exclusive,
    }
}

/// A decimal as the bound of a range.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct RangeDecimal(pub(crate) Decimal);

impl Normalizable for RangeDecimal {
    fn normalize<S: BoundSided>(bound: RangeBound<S, Self>) -> RangeBound<S, Self> {
        bound
    }
}

impl ToSql for RangeDecimal {
    fn to_sql(&self, element: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        self.0.to_sql(element, out)
    }

    fn accepts(element: &Type) -> bool {
        <Decimal as ToSql>::accepts(element)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for RangeDecimal {
    fn from_sql(element: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Decimal::from_sql(element, bytes).map(Self)
    }

    fn accepts(element: &Type) -> bool {
        <Decimal as FromSql>::accepts(element)
    }
}

#[cfg(test)]
mod tests {
    use super::RangeBoundKind::{Exclusive, Inclusive};
    use super::*;

    /// Sends a range and reads it again.
    fn there_and_back(lower: Bound<i32>, upper: Bound<i32>) -> (Bound<i32>, Bound<i32>) {
        let range = of_integers(lower, upper, i32::MAX).unwrap();
        let mut bytes = BytesMut::new();
        range.to_sql(&Type::INT4_RANGE, &mut bytes).unwrap();
        bounds(&Range::from_sql(&Type::INT4_RANGE, &bytes).unwrap(), |value| {
            *value
        })
    }

    #[test]
    fn a_range_comes_back_as_the_server_writes_it() {
        let five = Some((5, Exclusive));
        assert_eq!(
            there_and_back(Some((1, Inclusive)), five),
            (Some((1, Inclusive)), five)
        );
        assert_eq!(
            there_and_back(Some((0, Exclusive)), five),
            (Some((1, Inclusive)), five)
        );
        assert_eq!(there_and_back(None, Some((4, Inclusive))), (None, five));
        assert_eq!(
            there_and_back(Some((-3, Inclusive)), None),
            (Some((-3, Inclusive)), None)
        );
        assert_eq!(there_and_back(None, None), (None, None));
    }

    #[test]
    fn bounds_the_wrong_way_round_are_the_empty_range() {
        let range = of_integers(Some((5, Inclusive)), Some((1, Exclusive)), i64::MAX).unwrap();
        assert!(range.is_empty());
        assert_eq!(bounds(&range, |value| *value), (None, None));
    }

    #[test]
    fn a_bound_without_a_successor_is_refused() {
        for (lower, upper) in [
            (Some((i32::MAX, Exclusive)), None),
            (None, Some((i32::MAX, Inclusive))),
        ] {
            let refusal = of_integers(lower, upper, i32::MAX).unwrap_err();
            assert_eq!(
                refusal.to_string(),
                "invalid range: no number follows its bound 2147483647"
            );
        }
        assert!(of_integers(Some((i32::MAX, Inclusive)), None, i32::MAX).is_ok());
    }

    #[test]
    fn a_range_fits_only_its_own_type() {
        assert!(<Range<i32> as ToSql>::accepts(&Type::INT4_RANGE));
        assert!(!<Range<i32> as ToSql>::accepts(&Type::INT8_RANGE));
        assert!(!<Range<i32> as ToSql>::accepts(&Type::INT4));
        assert!(<Range<RangeDecimal> as ToSql>::accepts(&Type::NUM_RANGE));
        assert!(!<Range<RangeDecimal> as ToSql>::accepts(&Type::INT4_RANGE));
    }
}
