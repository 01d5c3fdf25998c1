//! Ranges in the binary form of PostgreSQL.

use std::error::Error as StdError;

use bytes::BytesMut;
use postgres_protocol::types::{self as wire, RangeBound};
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use super::bindings::RangeBoundKind;

/// A bound and whether it belongs to the range; none stands for no bound.
pub(crate) type Bound<T> = Option<(T, RangeBoundKind)>;

/// A range as the interface tells it. An empty range has neither bound there, like the unbounded one.
#[derive(Debug, PartialEq)]
pub(crate) struct Range<T> {
    pub(crate) lower: Bound<T>,
    pub(crate) upper: Bound<T>,
}

fn element(range_type: &Type) -> Option<&Type> {
    match range_type.kind() {
        Kind::Range(element) => Some(element),
        _ => None,
    }
}

impl<T: ToSql> ToSql for Range<T> {
    fn to_sql(
        &self,
        range_type: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let element = element(range_type).ok_or("not a range type")?;
        wire::range_to_sql(
            |out| write_bound(&self.lower, element, out),
            |out| write_bound(&self.upper, element, out),
            out,
        )?;
        Ok(IsNull::No)
    }

    fn accepts(range_type: &Type) -> bool {
        element(range_type).is_some_and(T::accepts)
    }

    to_sql_checked!();
}

fn write_bound<T: ToSql>(
    bound: &Bound<T>,
    element: &Type,
    out: &mut BytesMut,
) -> Result<RangeBound<postgres_protocol::IsNull>, Box<dyn StdError + Sync + Send>> {
    let Some((value, kind)) = bound else {
        return Ok(RangeBound::Unbounded);
    };
    let is_null = match value.to_sql(element, out)? {
        IsNull::Yes => postgres_protocol::IsNull::Yes,
        IsNull::No => postgres_protocol::IsNull::No,
    };
    Ok(match kind {
        RangeBoundKind::Inclusive => RangeBound::Inclusive(is_null),
        RangeBoundKind::Exclusive => RangeBound::Exclusive(is_null),
    })
}

impl<'a, T: FromSql<'a>> FromSql<'a> for Range<T> {
    fn from_sql(range_type: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        let element = element(range_type).ok_or("not a range type")?;
        match wire::range_from_sql(bytes)? {
            wire::Range::Empty => Ok(Self {
                lower: None,
                upper: None,
            }),
            wire::Range::Nonempty(lower, upper) => Ok(Self {
                lower: read_bound(element, lower)?,
                upper: read_bound(element, upper)?,
            }),
        }
    }

    fn accepts(range_type: &Type) -> bool {
        element(range_type).is_some_and(T::accepts)
    }
}

fn read_bound<'a, T: FromSql<'a>>(
    element: &Type,
    bound: RangeBound<Option<&'a [u8]>>,
) -> Result<Bound<T>, Box<dyn StdError + Sync + Send>> {
    let (bytes, kind) = match bound {
        RangeBound::Inclusive(bytes) => (bytes, RangeBoundKind::Inclusive),
        RangeBound::Exclusive(bytes) => (bytes, RangeBoundKind::Exclusive),
        RangeBound::Unbounded => return Ok(None),
    };
    bytes
        .map(|bytes| Ok((T::from_sql(element, bytes)?, kind)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::RangeBoundKind::{Exclusive, Inclusive};
    use super::*;

    #[track_caller]
    fn check(lower: Bound<i32>, upper: Bound<i32>) {
        let range = Range { lower, upper };
        let mut bytes = BytesMut::new();
        range.to_sql(&Type::INT4_RANGE, &mut bytes).unwrap();
        assert_eq!(Range::from_sql(&Type::INT4_RANGE, &bytes).unwrap(), range);
    }

    #[test]
    fn a_range_comes_back_as_it_was_sent() {
        check(Some((1, Inclusive)), Some((5, Exclusive)));
        check(Some((i32::MIN, Exclusive)), Some((i32::MAX, Inclusive)));
        check(None, Some((-3, Inclusive)));
        check(Some((-3, Exclusive)), None);
        check(None, None);
    }

    #[test]
    fn an_empty_range_has_no_bounds() {
        let mut bytes = BytesMut::new();
        wire::empty_range_to_sql(&mut bytes);
        let range = Range::<i64>::from_sql(&Type::INT8_RANGE, &bytes).unwrap();
        assert_eq!(
            range,
            Range {
                lower: None,
                upper: None
            }
        );
    }

    #[test]
    fn a_range_fits_only_its_own_type() {
        assert!(<Range<i32> as ToSql>::accepts(&Type::INT4_RANGE));
        assert!(!<Range<i32> as ToSql>::accepts(&Type::INT8_RANGE));
        assert!(!<Range<i32> as ToSql>::accepts(&Type::INT4));
    }
}
