//! What a query gives back.

use std::sync::Arc;

use crate::error::DbError;
use crate::value::{self, FromValue, Value};

/// The rows of a query, in the order the server sent them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The names of the columns. A host may leave them out when there is no row.
    pub columns: Arc<[String]>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Rows {
    /// Puts rows together from what a door delivered.
    pub fn new(columns: Vec<String>, rows: Vec<Vec<Value>>) -> Rows {
        let columns: Arc<[String]> = columns.into();
        let rows = rows
            .into_iter()
            .map(|values| Row {
                columns: Arc::clone(&columns),
                values,
            })
            .collect();
        Rows { columns, rows }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, one after another.
    pub fn iter(&self) -> std::slice::Iter<'_, Row> {
        self.rows.iter()
    }

    /// The first row, or `None` when there is none.
    pub fn first(&self) -> Option<&Row> {
        self.rows.first()
    }

    /// The one row of a query that always gives exactly one.
    ///
    /// # Errors
    ///
    /// A `decode` error when there are none or several.
    pub fn one(&self) -> Result<&Row, DbError> {
        match self.rows.as_slice() {
            [row] => Ok(row),
            rows => Err(DbError::decode(format!(
                "{} rows came where exactly one was expected",
                rows.len()
            ))),
        }
    }
}

impl<'rows> IntoIterator for &'rows Rows {
    type Item = &'rows Row;
    type IntoIter = std::slice::Iter<'rows, Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// Reads a column by its name.
    ///
    /// # Errors
    ///
    /// A `decode` error when there is no such column or it holds another type.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, DbError> {
        let index = self.columns.iter().position(|name| name == column);
        let value = index.and_then(|index| self.values.get(index));
        let value = value.ok_or_else(|| DbError::decode(format!("the result has no column {column}")))?;
        value::read(column, value)
    }

    /// Reads a column by its place, counted from 0. Large results are read faster in this way than by name.
    ///
    /// # Errors
    ///
    /// A `decode` error when there is no such column or it holds another type.
    pub fn at<T: FromValue>(&self, index: usize) -> Result<T, DbError> {
        let missing = || DbError::decode(format!("the result has no column at place {index}"));
        let value = self.values.get(index).ok_or_else(missing)?;
        value::read(self.columns.get(index).map_or("", String::as_str), value)
    }

    /// The values in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Takes the values out, without a copy.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_rows() -> Rows {
        let columns = vec!["name".to_owned(), "calls".to_owned()];
        Rows::new(
            columns,
            vec![vec!["a".into(), 1_i64.into()], vec!["b".into(), Value::Null]],
        )
    }

    #[test]
    fn a_column_is_read_by_name_and_by_place() {
        let rows = two_rows();
        let first = rows.first().unwrap();
        assert_eq!(first.get::<String>("name").unwrap(), "a");
        assert_eq!(first.at::<i64>(1).unwrap(), 1);
        assert_eq!(rows.rows[1].get::<Option<i64>>("calls").unwrap(), None);
    }

    #[test]
    fn a_missing_column_is_named() {
        let rows = two_rows();
        let row = rows.first().unwrap();
        assert_eq!(
            row.get::<i64>("call").unwrap_err().to_string(),
            "the result has no column call"
        );
        assert_eq!(
            row.at::<i64>(2).unwrap_err().to_string(),
            "the result has no column at place 2"
        );
    }

    #[test]
    fn one_refuses_none_and_several() {
        let error = two_rows().one().unwrap_err();
        assert_eq!(error.to_string(), "2 rows came where exactly one was expected");
        assert!(Rows::default().one().is_err());
    }
}
